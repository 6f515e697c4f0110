#pragma once
#include <cmath>
#include <complex>
#include <cstdint>
#include <limits>
#include <type_traits>

#include <tessera/array/kernels/function.hpp>

namespace tessera::on_cuda {

/// A complex number in kernels, in the place of std::complex, whose operators a GPU does not have:
/// the same bytes, and as much of it as the functions of array/kernels use.
template <class T>
struct Complex {
  using value_type = T;
  T re, im;
  constexpr Complex(T real = 0, T imag = 0) : re(real), im(imag) {}
  template <class U>
  constexpr explicit Complex(const Complex<U>& z)
      : re(static_cast<T>(z.re)), im(static_cast<T>(z.im)) {}
  constexpr T real() const { return re; }
  constexpr T imag() const { return im; }
  friend constexpr Complex operator+(const Complex& x, const Complex& y) {
    return {x.re + y.re, x.im + y.im};
  }
  friend constexpr Complex operator-(const Complex& x, const Complex& y) {
    return {x.re - y.re, x.im - y.im};
  }
  friend constexpr Complex operator-(const Complex& x) { return {-x.re, -x.im}; }
  friend constexpr Complex operator/(const Complex& x, T y) { return {x.re / y, x.im / y}; }
  /// By the larger part of y, so that nothing overflows that need not (Smith).
  friend constexpr Complex operator/(const Complex& x, const Complex& y) {
    if (std::abs(y.re) >= std::abs(y.im)) {
      const T r = y.im / y.re, d = y.re + y.im * r;
      return {(x.re + x.im * r) / d, (x.im - x.re * r) / d};
    }
    const T r = y.re / y.im, d = y.re * r + y.im;
    return {(x.re * r + x.im) / d, (x.im * r - x.re) / d};
  }
  constexpr Complex& operator+=(const Complex& y) { return *this = *this + y; }
  friend constexpr bool operator==(const Complex&, const Complex&) = default;
};

/// The type in kernels of elements of the host's type T.
template <class T>
struct ElementOf {
  using type = T;
};
template <class T>
struct ElementOf<std::complex<T>> {
  using type = Complex<T>;
};
template <class T>
using Element = typename ElementOf<T>::type;

}  // namespace tessera::on_cuda
