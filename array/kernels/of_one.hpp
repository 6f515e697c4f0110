#pragma once
#include <tessera/array/kernels/function.hpp>

/// The elementwise functions of one argument.
namespace tessera::functions {

struct Abs : Rounded<"abs", "Absolute values; of a complex array those of its elements, real."> {
  template <Integer T>
  static constexpr T of(T x) {
    return std::is_signed_v<T> && x < 0 ? static_cast<T>(Wrapping<T>(0) - wrapping(x)) : x;
  }
  static constexpr auto of(Floating auto x) { return std::abs(x); }
  static constexpr auto of(const Complex auto& z) { return std::hypot(z.real(), z.imag()); }
};

struct Acos : Rounded<"acos", "Arc cosines."> {
  static constexpr auto of(const Inexact auto& x) { return std::acos(x); }
};
struct Acosh : Rounded<"acosh", "Inverse hyperbolic cosines."> {
  static constexpr auto of(const Inexact auto& x) { return std::acosh(x); }
};
struct Asin : Rounded<"asin", "Arc sines."> {
  static constexpr auto of(const Inexact auto& x) { return std::asin(x); }
};
struct Asinh : Rounded<"asinh", "Inverse hyperbolic sines."> {
  static constexpr auto of(const Inexact auto& x) { return std::asinh(x); }
};
struct Atan : Rounded<"atan", "Arc tangents."> {
  static constexpr auto of(const Inexact auto& x) { return std::atan(x); }
};
struct Atanh : Rounded<"atanh", "Inverse hyperbolic tangents."> {
  static constexpr auto of(const Inexact auto& x) { return std::atanh(x); }
};
struct Cos : Rounded<"cos", "Cosines."> {
  static constexpr auto of(const Inexact auto& x) { return std::cos(x); }
};
struct Cosh : Rounded<"cosh", "Hyperbolic cosines."> {
  static constexpr auto of(const Inexact auto& x) { return std::cosh(x); }
};
struct Exp : Rounded<"exp", "e to the power of the elements."> {
  static constexpr auto of(const Inexact auto& x) { return std::exp(x); }
};
struct Log : Rounded<"log", "Natural logarithms."> {
  static constexpr auto of(const Inexact auto& x) { return std::log(x); }
};
struct Sin : Rounded<"sin", "Sines."> {
  static constexpr auto of(const Inexact auto& x) { return std::sin(x); }
};
struct Sinh : Rounded<"sinh", "Hyperbolic sines."> {
  static constexpr auto of(const Inexact auto& x) { return std::sinh(x); }
};
struct Sqrt : Rounded<"sqrt", "Square roots."> {
  static constexpr auto of(const Inexact auto& x) { return std::sqrt(x); }
};
struct Tan : Rounded<"tan", "Tangents."> {
  static constexpr auto of(const Inexact auto& x) { return std::tan(x); }
};

struct Tanh : Rounded<"tanh", "Hyperbolic tangents."> {
  static constexpr auto of(Floating auto x) { return std::tanh(x); }
  template <Complex T>
  static constexpr T of(const T& z) {
    if (z.real() == 0 && !std::isfinite(z.imag()))
      return {z.real(), std::numeric_limits<Part<T>>::quiet_NaN()};
    return std::tanh(z);
  }
};

struct BitwiseInvert : Exact<"bitwise_invert", "All bits inverted; of booleans the other one."> {
  static constexpr bool of(std::same_as<bool> auto x) { return !x; }
  template <Integer T>
  static constexpr T of(T x) {
    return static_cast<T>(~x);
  }
};

/// Rounding to whole numbers, which integers are.
template <Text text, Text described>
struct Rounding : Exact<text, described> {
  static constexpr auto of(Integer auto x) { return x; }
};
struct Ceil : Rounding<"ceil", "The least whole numbers not below."> {
  using Rounding::of;
  static constexpr auto of(Floating auto x) { return std::ceil(x); }
};
struct Floor : Rounding<"floor", "The largest whole numbers not above."> {
  using Rounding::of;
  static constexpr auto of(Floating auto x) { return std::floor(x); }
};
struct Trunc : Rounding<"trunc", "Whole numbers, fractions cut off."> {
  using Rounding::of;
  static constexpr auto of(Floating auto x) { return std::trunc(x); }
};
struct Round
    : Rounding<
          "round",
          "The nearest whole numbers, halves to the even one; of complex numbers both parts."> {
  using Rounding::of;
  static constexpr auto of(Floating auto x) { return std::nearbyint(x); }
  template <Complex T>
  static constexpr T of(const T& z) {
    return {of(z.real()), of(z.imag())};
  }
};

struct Conj : Exact<"conj", "Complex conjugates."> {
  static constexpr auto of(RealNumber auto x) { return x; }
  template <Complex T>
  static constexpr T of(const T& z) {
    return {z.real(), -z.imag()};
  }
};

struct Expm1 : Rounded<"expm1", "exp(x) - 1, exact for small x, too."> {
  static constexpr auto of(Floating auto x) { return std::expm1(x); }
  template <Complex T>
  static constexpr T of(const T& z) {
    const auto x = z.real(), y = z.imag();
    if (y == 0) return {std::expm1(x), y};
    if (!std::isfinite(x) || !std::isfinite(y)) {
      const T e = std::exp(z);
      return {e.real() - 1, e.imag()};
    }
    const auto half = std::sin(y / 2);
    return {std::expm1(x) * std::cos(y) - 2 * half * half, std::exp(x) * std::sin(y)};
  }
};

struct Imag : Exact<"imag", "Imaginary parts; 0 of real numbers."> {
  template <RealNumber T>
  static constexpr T of(T) {
    return 0;
  }
  static constexpr auto of(const Complex auto& z) { return z.imag(); }
};
struct Real : Exact<"real", "Floating parts."> {
  static constexpr auto of(RealNumber auto x) { return x; }
  static constexpr auto of(const Complex auto& z) { return z.real(); }
};

struct Isfinite : Exact<"isfinite", "Whether elements are neither NaN nor infinite."> {
  static constexpr bool of(Integer auto) { return true; }
  static constexpr bool of(Floating auto x) { return std::isfinite(x); }
  static constexpr bool of(const Complex auto& z) { return of(z.real()) && of(z.imag()); }
};
struct Isinf : Exact<"isinf", "Whether elements are infinite."> {
  static constexpr bool of(Integer auto) { return false; }
  static constexpr bool of(Floating auto x) { return std::isinf(x); }
  static constexpr bool of(const Complex auto& z) { return of(z.real()) || of(z.imag()); }
};
struct Isnan : Exact<"isnan", "Whether elements are NaN."> {
  static constexpr bool of(const Number auto& x) { return x != x; }
};

struct Log1p : Rounded<"log1p", "log(1 + x), exact for small x, too."> {
  static constexpr auto of(Floating auto x) { return std::log1p(x); }
  template <Complex T>
  static constexpr T of(const T& z) {
    // |1 + z|^2 - 1 cancels near the unit circle around -1, so it is formed more precisely.
    using More = std::conditional_t<std::same_as<Part<T>, float>, double, long double>;
    const More x = z.real(), y = z.imag();
    if (!(std::abs(x) < 2 && std::abs(y) < 2)) return std::log(T(1 + z.real(), z.imag()));
    return {static_cast<Part<T>>(std::log1p(x * (2 + x) + y * y) / 2),
            static_cast<Part<T>>(std::atan2(y, 1 + x))};
  }
};

struct Log2 : Rounded<"log2", "Logarithms to base 2."> {
  static constexpr auto of(Floating auto x) { return std::log2(x); }
  template <Complex T>
  static constexpr T of(const T& z) {
    const T l = std::log(z);
    constexpr auto ln2 = static_cast<Part<T>>(0.693147180559945309417232121458176568L);
    return {l.real() / ln2, l.imag() / ln2};
  }
};
struct Log10 : Rounded<"log10", "Logarithms to base 10."> {
  static constexpr auto of(Floating auto x) { return std::log10(x); }
  template <Complex T>
  static constexpr T of(const T& z) {
    const T l = std::log(z);
    constexpr auto ln10 = static_cast<Part<T>>(2.302585092994045684017991454684364208L);
    return {l.real() / ln10, l.imag() / ln10};
  }
};

struct LogicalNot : Exact<"logical_not", "Whether elements are 0 or false."> {
  template <Any T>
  static constexpr bool of(const T& x) {
    return x == T(0);
  }
};

struct Negative : Exact<"negative", "-x."> {
  template <Number T>
  static constexpr T of(const T& x) {
    if constexpr (Integer<T>)
      return static_cast<T>(Wrapping<T>(0) - wrapping(x));
    else
      return -x;
  }
};
struct Positive : Exact<"positive", "+x, which is x."> {
  static constexpr auto of(const Number auto& x) { return x; }
};

struct Reciprocal : Rounded<"reciprocal", "1 / x."> {
  template <Floating T>
  static constexpr T of(T x) {
    return T(1) / x;
  }
  template <Complex T>
  static constexpr T of(const T& z) {
    return Part<T>(1) / z;
  }
};

struct Sign : Rounded<"sign", "-1, 0 or 1; of complex numbers x / |x|; NaN of NaN."> {
  template <Integer T>
  static constexpr T of(T x) {
    return static_cast<T>((x > 0) - (std::is_signed_v<T> && x < T(0)));
  }
  template <Floating T>
  static constexpr T of(T x) {
    return x > 0 ? T(1) : x < 0 ? T(-1) : x == 0 ? T(0) : x;
  }
  template <Complex T>
  static constexpr T of(const T& z) {
    using P = Part<T>;
    P a = z.real(), b = z.imag();
    if (a == 0 && b == 0) return T(0);
    if (std::isnan(a) || std::isnan(b)) {
      const P nan = std::numeric_limits<P>::quiet_NaN();
      return {nan, nan};
    }
    if (std::isinf(a) || std::isinf(b)) {
      a = std::copysign(P(std::isinf(a)), a);
      b = std::copysign(P(std::isinf(b)), b);
    }
    const P size = std::hypot(a, b);
    return {a / size, b / size};
  }
};
struct Signbit : Exact<"signbit", "Whether the sign is set, that of -0 and NaN, too."> {
  static constexpr bool of(Floating auto x) { return std::signbit(x); }
};

struct Square : Rounded<"square", "x x."> {
  template <Number T>
  static constexpr T of(const T& x) {
    if constexpr (Complex<T>)
      return {x.real() * x.real() - x.imag() * x.imag(), 2 * x.real() * x.imag()};
    else if constexpr (Integer<T>)
      return static_cast<T>(wrapping(x) * wrapping(x));
    else
      return x * x;
  }
};

}  // namespace tessera::functions
