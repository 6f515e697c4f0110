#pragma once
#include <functional>

#include <tessera/array/kernels/function.hpp>
#include <tessera/runtime/error.hpp>

/// The elementwise functions of two arguments.
namespace tessera::functions {

struct Add : Rounded<"add", "Sums; of booleans whether one is true."> {
  template <Any T>
  static constexpr T of(const T& x, const T& y) {
    if constexpr (Integer<T>)
      return static_cast<T>(wrapping(x) + wrapping(y));
    else if constexpr (Bits<T>)
      return x || y;
    else
      return x + y;
  }
};

struct Subtract : Rounded<"subtract", "Differences."> {
  template <Number T>
  static constexpr T of(const T& x, const T& y) {
    if constexpr (Integer<T>)
      return static_cast<T>(wrapping(x) - wrapping(y));
    else
      return x - y;
  }
};

struct Multiply : Rounded<"multiply", "Products; of booleans whether both are true."> {
  template <Any T>
  static constexpr T of(const T& x, const T& y) {
    if constexpr (Integer<T>)
      return static_cast<T>(wrapping(x) * wrapping(y));
    else if constexpr (Complex<T>)
      return {x.real() * y.real() - x.imag() * y.imag(), x.real() * y.imag() + x.imag() * y.real()};
    else if constexpr (Bits<T>)
      return x && y;
    else
      return x * y;
  }
};

struct Divide : Rounded<"divide", "Quotients; of integers float64."> {
  template <Inexact T>
  static constexpr T of(const T& x, const T& y) {
    return x / y;
  }
};

struct FloorDivide
    : Exact<"floor_divide", "Quotients rounded down; 0 for an integer divided by 0."> {
  template <RealNumber T>
  static constexpr T of(T x, T y) {
    if constexpr (Floating<T>) {
      if (y == 0 || !std::isfinite(x) || !std::isfinite(y)) return x / y;
      // The quotient of x less its remainder is nearly whole, so that rounding it is exact.
      T rest = std::fmod(x, y);
      T whole = (x - rest) / y;
      if (rest != 0 && (rest < 0) != (y < 0)) whole -= 1;
      if (whole == 0) return std::copysign(T(0), x / y);
      const T down = std::floor(whole);
      return whole - down > T(0.5) ? down + 1 : down;
    } else if (y == 0) {
      return 0;
    } else if constexpr (std::is_signed_v<T>) {
      if (y == -1) return static_cast<T>(Wrapping<T>(0) - wrapping(x));
      const T whole = static_cast<T>(x / y);
      return static_cast<T>(x % y != 0 && (x < 0) != (y < 0) ? whole - 1 : whole);
    } else {
      return static_cast<T>(x / y);
    }
  }
};

struct Remainder
    : Exact<"remainder", "x - y floor(x / y), of y's sign; 0 for an integer divided by 0."> {
  template <RealNumber T>
  static constexpr T of(T x, T y) {
    if constexpr (Floating<T>) {
      const T rest = std::fmod(x, y);
      if (rest == 0) return std::copysign(T(0), y);
      return (rest < 0) != (y < 0) && rest == rest ? rest + y : rest;
    } else if (y == 0) {
      return 0;
    } else if constexpr (std::is_signed_v<T>) {
      if (y == -1) return 0;
      const T rest = static_cast<T>(x % y);
      return static_cast<T>(rest != 0 && (rest < 0) != (y < 0) ? rest + y : rest);
    } else {
      return static_cast<T>(x % y);
    }
  }
};

struct Pow : Rounded<"pow", "x to the power of y; ValueError for integers to a negative one."> {
  template <Number T>
  static constexpr T of(const T& x, const T& y) {
    if constexpr (Complex<T>) {
      if (y == T(0)) return T(1);
      if (x == T(0) && y.real() > 0) return T(0);
      return std::pow(x, y);
    } else if constexpr (Floating<T>) {
      return std::pow(x, y);
    } else {
      if constexpr (std::is_signed_v<T>)
        if (y < 0) throw ValueError("integers to negative integer powers are not allowed");
      Wrapping<T> power = 1, base = wrapping(x);
      for (auto e = static_cast<std::make_unsigned_t<T>>(y); e != 0;
           e = static_cast<std::make_unsigned_t<T>>(e >> 1)) {
        if ((e & 1) != 0) power *= base;
        base *= base;
      }
      return static_cast<T>(power);
    }
  }
};

struct Atan2 : Rounded<"atan2", "The angle of the point (x2, x1)."> {
  template <Floating T>
  static constexpr T of(T y, T x) {
    return std::atan2(y, x);
  }
};

struct Hypot : Rounded<"hypot", "sqrt(x1^2 + x2^2)."> {
  template <Floating T>
  static constexpr T of(T x, T y) {
    return std::hypot(x, y);
  }
};

struct Logaddexp : Rounded<"logaddexp", "log(exp(x1) + exp(x2))."> {
  template <Floating T>
  static constexpr T of(T x, T y) {
    if (x == y) return x + static_cast<T>(0.693147180559945309417232121458176568L);
    const T less = x - y;
    if (less > 0) return x + std::log1p(std::exp(-less));
    if (less <= 0) return y + std::log1p(std::exp(less));
    return less;  // NaN
  }
};

struct Copysign : Exact<"copysign", "|x1| with the sign of x2."> {
  template <Floating T>
  static constexpr T of(T x, T y) {
    return std::copysign(x, y);
  }
};

struct Nextafter : Exact<"nextafter", "The next number of the dtype from x1 towards x2."> {
  template <Floating T>
  static constexpr T of(T x, T y) {
    return std::nextafter(x, y);
  }
};

struct Maximum : Exact<"maximum", "The larger of both; NaN where one is."> {
  template <Ordered T>
  static constexpr T of(T x, T y) {
    if constexpr (Floating<T>)
      return x > y || x != x ? x : y;
    else
      return std::max(x, y);
  }
};

struct Minimum : Exact<"minimum", "The smaller of both; NaN where one is."> {
  template <Ordered T>
  static constexpr T of(T x, T y) {
    if constexpr (Floating<T>)
      return x < y || x != x ? x : y;
    else
      return std::min(x, y);
  }
};

/// An operator of C++ that is the function, for the types that have it.
template <Text text, Text described, class Op>
struct Operator : Exact<text, described> {
  template <Any T>
  requires std::invocable<Op, T, T>
  static constexpr auto of(const T& x, const T& y) {
    constexpr bool compares = std::same_as<std::invoke_result_t<Op, int, int>, bool>;
    return static_cast<std::conditional_t<compares, bool, T>>(Op()(x, y));
  }
};
struct BitwiseAnd : Operator<"bitwise_and", "x1 & x2.", std::bit_and<>> {};
struct BitwiseOr : Operator<"bitwise_or", "x1 | x2.", std::bit_or<>> {};
struct BitwiseXor : Operator<"bitwise_xor", "x1 ^ x2.", std::bit_xor<>> {};
struct Equal : Operator<"equal", "x1 == x2.", std::equal_to<>> {};
struct NotEqual : Operator<"not_equal", "x1 != x2.", std::not_equal_to<>> {};
struct Less : Operator<"less", "x1 < x2.", std::less<>> {};
struct LessEqual : Operator<"less_equal", "x1 <= x2.", std::less_equal<>> {};
struct Greater : Operator<"greater", "x1 > x2.", std::greater<>> {};
struct GreaterEqual : Operator<"greater_equal", "x1 >= x2.", std::greater_equal<>> {};

struct BitwiseLeftShift
    : Exact<"bitwise_left_shift", "x1 << x2; 0 for as many bits as x1 has, or more."> {
  template <Integer T>
  static constexpr T of(T x, T y) {
    using Unsigned = std::make_unsigned_t<T>;
    constexpr auto bits = static_cast<Unsigned>(8 * sizeof(T));
    const auto by = static_cast<Unsigned>(y);
    return by < bits ? static_cast<T>(wrapping(x) << by) : T(0);
  }
};

struct BitwiseRightShift : Exact<"bitwise_right_shift", "x1 >> x2, the sign kept."> {
  template <Integer T>
  static constexpr T of(T x, T y) {
    using Unsigned = std::make_unsigned_t<T>;
    constexpr auto bits = static_cast<Unsigned>(8 * sizeof(T));
    const auto by = static_cast<Unsigned>(y);
    return static_cast<T>(by < bits ? x >> by : std::is_signed_v<T> && x < T(0) ? T(-1) : T(0));
  }
};

struct LogicalAnd : Exact<"logical_and", "Whether both are true, or not 0."> {
  template <Any T>
  static constexpr bool of(const T& x, const T& y) {
    return (x != T(0)) & (y != T(0));
  }
};

struct LogicalOr : Exact<"logical_or", "Whether one is true, or not 0."> {
  template <Any T>
  static constexpr bool of(const T& x, const T& y) {
    return (x != T(0)) | (y != T(0));
  }
};

struct LogicalXor : Exact<"logical_xor", "Whether just one is true, or not 0."> {
  template <Any T>
  static constexpr bool of(const T& x, const T& y) {
    return (x != T(0)) != (y != T(0));
  }
};

}  // namespace tessera::functions
