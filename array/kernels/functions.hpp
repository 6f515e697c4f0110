#pragma once
#include <algorithm>
#include <cmath>
#include <complex>
#include <concepts>
#include <limits>
#include <tuple>
#include <type_traits>

#include <tessera/runtime/error.hpp>

/// The elementwise functions of the array API standard, one type for each: its name, its line of
/// documentation, and `of`, which says for which C++ types it is defined, what comes out, and what
/// its special values are. Everything else (kernels, operations, backends, conformance, the table
/// that Python is made from) follows from the lists at the end.
///
/// `rounded`: the result is a rounded real or complex number, so that the backend `reference` takes
/// it from long double.
namespace tessera::functions {

template <class T>
concept Floating = std::floating_point<T>;
template <class T>
concept Complex = requires(const T& z) {
  typename T::value_type;
  z.imag();
};
template <class T>
concept Inexact = Floating<T> || Complex<T>;
template <class T>
concept Integer = std::integral<T> && !std::same_as<T, bool>;
template <class T>
concept RealNumber = Integer<T> || Floating<T>;
template <class T>
concept Number = RealNumber<T> || Complex<T>;
template <class T>
concept Bits = std::integral<T>;
template <class T>
concept Ordered = Bits<T> || Floating<T>;
template <class T>
concept Any = Bits<T> || Inexact<T>;

template <Complex T>
using Part = typename T::value_type;

// Integers wrap around, which signed ones of C++ do not.
template <Integer T>
using Wrapping =
    std::conditional_t<(sizeof(T) < sizeof(unsigned)), unsigned, std::make_unsigned_t<T>>;

// --- of one argument ---------------------------------------------------------------------------

struct Abs {
  static constexpr auto name = "abs";
  static constexpr auto doc = "Absolute values; of a complex array those of its elements, real.";
  static constexpr bool rounded = true;
  template <Integer T>
  static T of(T x) {
    if constexpr (std::is_signed_v<T>)
      return x < 0 ? static_cast<T>(Wrapping<T>(0) - static_cast<Wrapping<T>>(x)) : x;
    else
      return x;
  }
  template <Floating T>
  static T of(T x) {
    return std::abs(x);
  }
  template <Complex T>
  static Part<T> of(const T& x) {
    return std::hypot(x.real(), x.imag());
  }
};

/// A function that the C++ library has for real and complex numbers.
#define TESSERA_FUNCTION(Type, text, described) \
  struct Type {                                 \
    static constexpr auto name = #text;         \
    static constexpr auto doc = described;      \
    static constexpr bool rounded = true;       \
    template <Inexact T>                        \
    static T of(const T& x) {                   \
      return std::text(x);                      \
    }                                           \
  };
TESSERA_FUNCTION(Acos, acos, "Arc cosines.")
TESSERA_FUNCTION(Acosh, acosh, "Inverse hyperbolic cosines.")
TESSERA_FUNCTION(Asin, asin, "Arc sines.")
TESSERA_FUNCTION(Asinh, asinh, "Inverse hyperbolic sines.")
TESSERA_FUNCTION(Atan, atan, "Arc tangents.")
TESSERA_FUNCTION(Atanh, atanh, "Inverse hyperbolic tangents.")
TESSERA_FUNCTION(Cos, cos, "Cosines.")
TESSERA_FUNCTION(Cosh, cosh, "Hyperbolic cosines.")
TESSERA_FUNCTION(Exp, exp, "e to the power of the elements.")
TESSERA_FUNCTION(Log, log, "Natural logarithms.")
TESSERA_FUNCTION(Sin, sin, "Sines.")
TESSERA_FUNCTION(Sinh, sinh, "Hyperbolic sines.")
TESSERA_FUNCTION(Tan, tan, "Tangents.")
#undef TESSERA_FUNCTION

struct Tanh {
  static constexpr auto name = "tanh";
  static constexpr auto doc = "Hyperbolic tangents.";
  static constexpr bool rounded = true;
  template <Floating T>
  static T of(T x) {
    return std::tanh(x);
  }
  template <Complex T>
  static T of(const T& x) {
    if (x.real() == 0 && !std::isfinite(x.imag()))
      return {x.real(), std::numeric_limits<Part<T>>::quiet_NaN()};
    return std::tanh(x);
  }
};

struct Sqrt {
  static constexpr auto name = "sqrt";
  static constexpr auto doc = "Square roots.";
  static constexpr bool rounded = true;
  template <Inexact T>
  static T of(const T& x) {
    return std::sqrt(x);
  }
};

struct BitwiseInvert {
  static constexpr auto name = "bitwise_invert";
  static constexpr auto doc = "All bits inverted; of booleans the other one.";
  static constexpr bool rounded = false;
  template <Bits T>
  static T of(T x) {
    if constexpr (std::same_as<T, bool>)
      return !x;
    else
      return static_cast<T>(~x);
  }
};

/// Rounding to whole numbers, which integers are.
#define TESSERA_ROUNDING(Type, text, function, described) \
  struct Type {                                           \
    static constexpr auto name = #text;                   \
    static constexpr auto doc = described;                \
    static constexpr bool rounded = false;                \
    template <RealNumber T>                               \
    static T of(T x) {                                    \
      if constexpr (Integer<T>)                           \
        return x;                                         \
      else                                                \
        return std::function(x);                          \
    }                                                     \
  };
TESSERA_ROUNDING(Ceil, ceil, ceil, "The least whole numbers not below.")
TESSERA_ROUNDING(Floor, floor, floor, "The largest whole numbers not above.")
TESSERA_ROUNDING(Trunc, trunc, trunc, "Whole numbers, fractions cut off.")
#undef TESSERA_ROUNDING

struct Round {
  static constexpr auto name = "round";
  static constexpr auto doc =
      "The nearest whole numbers, halves to the even one; of complex numbers both parts.";
  static constexpr bool rounded = false;
  template <Number T>
  static T of(const T& x) {
    if constexpr (Integer<T>)
      return x;
    else if constexpr (Complex<T>)
      return {std::nearbyint(x.real()), std::nearbyint(x.imag())};
    else
      return std::nearbyint(x);
  }
};

struct Conj {
  static constexpr auto name = "conj";
  static constexpr auto doc = "Complex conjugates.";
  static constexpr bool rounded = false;
  template <Number T>
  static T of(const T& x) {
    if constexpr (Complex<T>)
      return {x.real(), -x.imag()};
    else
      return x;
  }
};

struct Expm1 {
  static constexpr auto name = "expm1";
  static constexpr auto doc = "exp(x) - 1, exact for small x, too.";
  static constexpr bool rounded = true;
  template <Floating T>
  static T of(T x) {
    return std::expm1(x);
  }
  template <Complex T>
  static T of(const T& z) {
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

struct Imag {
  static constexpr auto name = "imag";
  static constexpr auto doc = "Imaginary parts; 0 of real numbers.";
  static constexpr bool rounded = false;
  template <Number T>
  static auto of(const T& x) {
    if constexpr (Complex<T>)
      return x.imag();
    else
      return T(0);
  }
};

struct Real {
  static constexpr auto name = "real";
  static constexpr auto doc = "Floating parts.";
  static constexpr bool rounded = false;
  template <Number T>
  static auto of(const T& x) {
    if constexpr (Complex<T>)
      return x.real();
    else
      return x;
  }
};

struct Isfinite {
  static constexpr auto name = "isfinite";
  static constexpr auto doc = "Whether elements are neither NaN nor infinite.";
  static constexpr bool rounded = false;
  template <Number T>
  static bool of(const T& x) {
    if constexpr (Complex<T>)
      return std::isfinite(x.real()) && std::isfinite(x.imag());
    else if constexpr (Floating<T>)
      return std::isfinite(x);
    else
      return true;
  }
};

struct Isinf {
  static constexpr auto name = "isinf";
  static constexpr auto doc = "Whether elements are infinite.";
  static constexpr bool rounded = false;
  template <Number T>
  static bool of(const T& x) {
    if constexpr (Complex<T>)
      return std::isinf(x.real()) || std::isinf(x.imag());
    else if constexpr (Floating<T>)
      return std::isinf(x);
    else
      return false;
  }
};

struct Isnan {
  static constexpr auto name = "isnan";
  static constexpr auto doc = "Whether elements are NaN.";
  static constexpr bool rounded = false;
  template <Number T>
  static bool of(const T& x) {
    return x != x;
  }
};

struct Log1p {
  static constexpr auto name = "log1p";
  static constexpr auto doc = "log(1 + x), exact for small x, too.";
  static constexpr bool rounded = true;
  template <Floating T>
  static T of(T x) {
    return std::log1p(x);
  }
  template <Complex T>
  static T of(const T& z) {
    // |1 + z|^2 - 1 cancels near the unit circle around -1, so it is formed more precisely.
    using More = std::conditional_t<std::same_as<Part<T>, float>, double, long double>;
    const More x = z.real(), y = z.imag();
    if (!(std::abs(x) < 2 && std::abs(y) < 2)) return std::log(T(1 + z.real(), z.imag()));
    return {static_cast<Part<T>>(std::log1p(x * (2 + x) + y * y) / 2),
            static_cast<Part<T>>(std::atan2(y, 1 + x))};
  }
};

struct Log2 {
  static constexpr auto name = "log2";
  static constexpr auto doc = "Logarithms to base 2.";
  static constexpr bool rounded = true;
  template <Floating T>
  static T of(T x) {
    return std::log2(x);
  }
  template <Complex T>
  static T of(const T& z) {
    const T l = std::log(z);
    constexpr auto ln2 = static_cast<Part<T>>(0.693147180559945309417232121458176568L);
    return {l.real() / ln2, l.imag() / ln2};
  }
};

struct Log10 {
  static constexpr auto name = "log10";
  static constexpr auto doc = "Logarithms to base 10.";
  static constexpr bool rounded = true;
  template <Floating T>
  static T of(T x) {
    return std::log10(x);
  }
  template <Complex T>
  static T of(const T& z) {
    const T l = std::log(z);
    constexpr auto ln10 = static_cast<Part<T>>(2.302585092994045684017991454684364208L);
    return {l.real() / ln10, l.imag() / ln10};
  }
};

struct LogicalNot {
  static constexpr auto name = "logical_not";
  static constexpr auto doc = "Whether elements are 0 or false.";
  static constexpr bool rounded = false;
  template <Any T>
  static bool of(const T& x) {
    return x == T(0);
  }
};

struct Negative {
  static constexpr auto name = "negative";
  static constexpr auto doc = "-x.";
  static constexpr bool rounded = false;
  template <Number T>
  static T of(const T& x) {
    if constexpr (Integer<T>)
      return static_cast<T>(Wrapping<T>(0) - static_cast<Wrapping<T>>(x));
    else
      return -x;
  }
};

struct Positive {
  static constexpr auto name = "positive";
  static constexpr auto doc = "+x, which is x.";
  static constexpr bool rounded = false;
  template <Number T>
  static T of(const T& x) {
    return x;
  }
};

struct Reciprocal {
  static constexpr auto name = "reciprocal";
  static constexpr auto doc = "1 / x.";
  static constexpr bool rounded = true;
  template <Inexact T>
  static T of(const T& x) {
    return quotient(1, x);
  }

 private:
  template <class T>
  static T quotient(int one, const T& x) {
    if constexpr (Complex<T>)
      return Part<T>(one) / x;
    else
      return T(one) / x;
  }
};

struct Sign {
  static constexpr auto name = "sign";
  static constexpr auto doc = "-1, 0 or 1; of complex numbers x / |x|; NaN of NaN.";
  static constexpr bool rounded = true;
  template <Number T>
  static T of(const T& x) {
    if constexpr (Complex<T>) {
      using P = Part<T>;
      if (x.real() == 0 && x.imag() == 0) return T(0);
      if (std::isnan(x.real()) || std::isnan(x.imag())) {
        const P nan = std::numeric_limits<P>::quiet_NaN();
        return {nan, nan};
      }
      if (std::isinf(x.real()) || std::isinf(x.imag())) {
        const P a = std::copysign(P(std::isinf(x.real())), x.real());
        const P b = std::copysign(P(std::isinf(x.imag())), x.imag());
        const P size = std::hypot(a, b);
        return {a / size, b / size};
      }
      const P size = std::hypot(x.real(), x.imag());
      return {x.real() / size, x.imag() / size};
    } else if constexpr (Floating<T>) {
      return x > 0 ? T(1) : x < 0 ? T(-1) : x == 0 ? T(0) : x;
    } else {
      return static_cast<T>((x > 0) - (x < 0));
    }
  }
};

struct Signbit {
  static constexpr auto name = "signbit";
  static constexpr auto doc = "Whether the sign is set, that of -0 and NaN, too.";
  static constexpr bool rounded = false;
  template <Floating T>
  static bool of(T x) {
    return std::signbit(x);
  }
};

struct Square {
  static constexpr auto name = "square";
  static constexpr auto doc = "x x.";
  static constexpr bool rounded = true;
  template <Number T>
  static T of(const T& x) {
    if constexpr (Complex<T>)
      return {x.real() * x.real() - x.imag() * x.imag(), 2 * x.real() * x.imag()};
    else if constexpr (Integer<T>)
      return static_cast<T>(static_cast<Wrapping<T>>(x) * static_cast<Wrapping<T>>(x));
    else
      return x * x;
  }
};

// --- of two arguments --------------------------------------------------------------------------

struct Add {
  static constexpr auto name = "add";
  static constexpr auto doc = "Sums; of booleans whether one is true.";
  static constexpr bool rounded = true;
  template <Any T>
  static T of(const T& x, const T& y) {
    if constexpr (Integer<T>)
      return static_cast<T>(static_cast<Wrapping<T>>(x) + static_cast<Wrapping<T>>(y));
    else if constexpr (Bits<T>)
      return x || y;
    else
      return x + y;
  }
};

struct Subtract {
  static constexpr auto name = "subtract";
  static constexpr auto doc = "Differences.";
  static constexpr bool rounded = true;
  template <Number T>
  static T of(const T& x, const T& y) {
    if constexpr (Integer<T>)
      return static_cast<T>(static_cast<Wrapping<T>>(x) - static_cast<Wrapping<T>>(y));
    else
      return x - y;
  }
};

struct Multiply {
  static constexpr auto name = "multiply";
  static constexpr auto doc = "Products; of booleans whether both are true.";
  static constexpr bool rounded = true;
  template <Any T>
  static T of(const T& x, const T& y) {
    if constexpr (Integer<T>)
      return static_cast<T>(static_cast<Wrapping<T>>(x) * static_cast<Wrapping<T>>(y));
    else if constexpr (Complex<T>)
      return {x.real() * y.real() - x.imag() * y.imag(), x.real() * y.imag() + x.imag() * y.real()};
    else if constexpr (Bits<T>)
      return x && y;
    else
      return x * y;
  }
};

struct Divide {
  static constexpr auto name = "divide";
  static constexpr auto doc = "Quotients; of integers float64.";
  static constexpr bool rounded = true;
  template <Inexact T>
  static T of(const T& x, const T& y) {
    return x / y;
  }
};

struct FloorDivide {
  static constexpr auto name = "floor_divide";
  static constexpr auto doc = "Quotients rounded down; 0 for an integer divided by 0.";
  static constexpr bool rounded = false;
  template <RealNumber T>
  static T of(T x, T y) {
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
      if (y == -1) return static_cast<T>(Wrapping<T>(0) - static_cast<Wrapping<T>>(x));
      const T whole = static_cast<T>(x / y);
      return static_cast<T>(x % y != 0 && (x < 0) != (y < 0) ? whole - 1 : whole);
    } else {
      return static_cast<T>(x / y);
    }
  }
};

struct Remainder {
  static constexpr auto name = "remainder";
  static constexpr auto doc = "x - y floor(x / y), of y's sign; 0 for an integer divided by 0.";
  static constexpr bool rounded = false;
  template <RealNumber T>
  static T of(T x, T y) {
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

struct Pow {
  static constexpr auto name = "pow";
  static constexpr auto doc = "x to the power of y; ValueError for integers to a negative one.";
  static constexpr bool rounded = true;
  template <Number T>
  static T of(const T& x, const T& y) {
    if constexpr (Complex<T>) {
      if (y == T(0)) return T(1);
      if (x == T(0) && y.real() > 0) return T(0);
      return std::pow(x, y);
    } else if constexpr (Floating<T>) {
      return std::pow(x, y);
    } else {
      if constexpr (std::is_signed_v<T>)
        if (y < 0) throw ValueError("integers to negative integer powers are not allowed");
      Wrapping<T> power = 1, base = static_cast<Wrapping<T>>(x);
      for (auto e = static_cast<std::make_unsigned_t<T>>(y); e != 0;
           e = static_cast<std::make_unsigned_t<T>>(e >> 1)) {
        if ((e & 1) != 0) power *= base;
        base *= base;
      }
      return static_cast<T>(power);
    }
  }
};

struct Atan2 {
  static constexpr auto name = "atan2";
  static constexpr auto doc = "The angle of the point (x2, x1).";
  static constexpr bool rounded = true;
  template <Floating T>
  static T of(T y, T x) {
    return std::atan2(y, x);
  }
};

struct Hypot {
  static constexpr auto name = "hypot";
  static constexpr auto doc = "sqrt(x1^2 + x2^2).";
  static constexpr bool rounded = true;
  template <Floating T>
  static T of(T x, T y) {
    return std::hypot(x, y);
  }
};

struct Logaddexp {
  static constexpr auto name = "logaddexp";
  static constexpr auto doc = "log(exp(x1) + exp(x2)).";
  static constexpr bool rounded = true;
  template <Floating T>
  static T of(T x, T y) {
    if (x == y) return x + static_cast<T>(0.693147180559945309417232121458176568L);
    const T less = x - y;
    if (less > 0) return x + std::log1p(std::exp(-less));
    if (less <= 0) return y + std::log1p(std::exp(less));
    return less;  // NaN
  }
};

struct Copysign {
  static constexpr auto name = "copysign";
  static constexpr auto doc = "|x1| with the sign of x2.";
  static constexpr bool rounded = false;
  template <Floating T>
  static T of(T x, T y) {
    return std::copysign(x, y);
  }
};

struct Nextafter {
  static constexpr auto name = "nextafter";
  static constexpr auto doc = "The next number of the dtype from x1 towards x2.";
  static constexpr bool rounded = false;
  template <Floating T>
  static T of(T x, T y) {
    return std::nextafter(x, y);
  }
};

struct Maximum {
  static constexpr auto name = "maximum";
  static constexpr auto doc = "The larger of both; NaN where one is.";
  static constexpr bool rounded = false;
  template <Ordered T>
  static T of(T x, T y) {
    if constexpr (Floating<T>)
      return x > y || x != x ? x : y;
    else
      return std::max(x, y);
  }
};

struct Minimum {
  static constexpr auto name = "minimum";
  static constexpr auto doc = "The smaller of both; NaN where one is.";
  static constexpr bool rounded = false;
  template <Ordered T>
  static T of(T x, T y) {
    if constexpr (Floating<T>)
      return x < y || x != x ? x : y;
    else
      return std::min(x, y);
  }
};

/// An operator of C++ that is the function.
#define TESSERA_OPERATOR(Type, text, op, Domain, Result, described) \
  struct Type {                                                     \
    static constexpr auto name = #text;                             \
    static constexpr auto doc = described;                          \
    static constexpr bool rounded = false;                          \
    template <Domain T>                                             \
    static Result of(const T& x, const T& y) {                      \
      return static_cast<Result>(x op y);                           \
    }                                                               \
  };
TESSERA_OPERATOR(BitwiseAnd, bitwise_and, &, Bits, T, "x1 & x2.")
TESSERA_OPERATOR(BitwiseOr, bitwise_or, |, Bits, T, "x1 | x2.")
TESSERA_OPERATOR(BitwiseXor, bitwise_xor, ^, Bits, T, "x1 ^ x2.")
TESSERA_OPERATOR(Equal, equal, ==, Any, bool, "x1 == x2.")
TESSERA_OPERATOR(NotEqual, not_equal, !=, Any, bool, "x1 != x2.")
TESSERA_OPERATOR(Less, less, <, Ordered, bool, "x1 < x2.")
TESSERA_OPERATOR(LessEqual, less_equal, <=, Ordered, bool, "x1 <= x2.")
TESSERA_OPERATOR(Greater, greater, >, Ordered, bool, "x1 > x2.")
TESSERA_OPERATOR(GreaterEqual, greater_equal, >=, Ordered, bool, "x1 >= x2.")
#undef TESSERA_OPERATOR

struct BitwiseLeftShift {
  static constexpr auto name = "bitwise_left_shift";
  static constexpr auto doc = "x1 << x2; 0 for as many bits as x1 has, or more.";
  static constexpr bool rounded = false;
  template <Integer T>
  static T of(T x, T y) {
    using Unsigned = std::make_unsigned_t<T>;
    constexpr auto bits = static_cast<Unsigned>(8 * sizeof(T));
    const auto by = static_cast<Unsigned>(y);
    return by < bits ? static_cast<T>(static_cast<Wrapping<T>>(x) << by) : T(0);
  }
};

struct BitwiseRightShift {
  static constexpr auto name = "bitwise_right_shift";
  static constexpr auto doc = "x1 >> x2, the sign kept.";
  static constexpr bool rounded = false;
  template <Integer T>
  static T of(T x, T y) {
    using Unsigned = std::make_unsigned_t<T>;
    constexpr auto bits = static_cast<Unsigned>(8 * sizeof(T));
    const auto by = static_cast<Unsigned>(y);
    return static_cast<T>(by < bits ? x >> by : (x < 0 ? T(-1) : T(0)));
  }
};

struct LogicalAnd {
  static constexpr auto name = "logical_and";
  static constexpr auto doc = "Whether both are true, or not 0.";
  static constexpr bool rounded = false;
  template <Any T>
  static bool of(const T& x, const T& y) {
    return (x != T(0)) & (y != T(0));
  }
};

struct LogicalOr {
  static constexpr auto name = "logical_or";
  static constexpr auto doc = "Whether one is true, or not 0.";
  static constexpr bool rounded = false;
  template <Any T>
  static bool of(const T& x, const T& y) {
    return (x != T(0)) | (y != T(0));
  }
};

struct LogicalXor {
  static constexpr auto name = "logical_xor";
  static constexpr auto doc = "Whether just one is true, or not 0.";
  static constexpr bool rounded = false;
  template <Any T>
  static bool of(const T& x, const T& y) {
    return (x != T(0)) != (y != T(0));
  }
};

// --- of three arguments ------------------------------------------------------------------------

struct Clip {
  static constexpr auto name = "clip";
  static constexpr auto doc = "x, but at least `min` and at most `max`; NaN where one of them is.";
  static constexpr bool rounded = false;
  template <Ordered T>
  static T of(T x, T low, T high) {
    return Minimum::of(Maximum::of(x, low), high);
  }
};

/// The condition comes last, so that the dtype of the result is that of the first operand.
struct Where {
  static constexpr auto name = "where";
  static constexpr auto doc = "x1 where the condition is true, x2 elsewhere.";
  static constexpr bool rounded = false;
  template <Any T>
  static T of(const T& x, const T& y, bool condition) {
    return condition ? x : y;
  }
};

template <class... F>
struct List {};
/// What the compiler turns into vector instructions, for each instruction set anew.
using Simple =
    List<Abs, Add, BitwiseAnd, BitwiseInvert, BitwiseLeftShift, BitwiseOr, BitwiseRightShift,
         BitwiseXor, Ceil, Clip, Conj, Copysign, Divide, Equal, Floor, Greater, GreaterEqual, Imag,
         Isfinite, Isinf, Isnan, Less, LessEqual, LogicalAnd, LogicalNot, LogicalOr, LogicalXor,
         Maximum, Minimum, Multiply, Negative, NotEqual, Positive, Real, Reciprocal, Round, Signbit,
         Sqrt, Square, Subtract, Trunc, Where>;
/// The others.
using Involved =
    List<Acos, Acosh, Asin, Asinh, Atan, Atan2, Atanh, Cos, Cosh, Exp, Expm1, FloorDivide, Hypot,
         Log, Log10, Log1p, Log2, Logaddexp, Nextafter, Pow, Remainder, Sign, Sin, Sinh, Tan, Tanh>;

/// Calls f(F{}) for every function of a list.
template <class... F, class Visit>
constexpr void for_each(List<F...>, Visit&& visit) {
  (visit(F{}), ...);
}

/// The C++ type of operand `i` of a function whose first has type T.
template <class F, class T, int i>
using OperandType = std::conditional_t<std::same_as<F, Where> && i == 2, bool, T>;

template <class F, class T>
concept TakesOne = requires(const T& x) {
  F::of(x);
};
template <class F, class T>
concept TakesTwo = requires(const T& x) {
  F::of(x, x);
};
template <class F, class T>
concept TakesThree = requires(const T& x) {
  F::of(x, x, OperandType<F, T, 2>());
};
template <class F>
inline constexpr int arity = TakesOne<F, float> || TakesOne<F, int>   ? 1
                             : TakesTwo<F, float> || TakesTwo<F, int> ? 2
                                                                      : 3;
template <class F, class T>
concept Takes = TakesOne<F, T> || TakesTwo<F, T> || TakesThree<F, T>;

/// F of elements of one type.
template <class F, class T, class... Rest>
auto apply(const T& x, const Rest&... rest) {
  return F::of(x, rest...);
}
template <class F, class T>
auto result_of() {
  if constexpr (arity<F> == 1)
    return F::of(T());
  else if constexpr (arity<F> == 2)
    return F::of(T(), T());
  else
    return F::of(T(), T(), OperandType<F, T, 2>());
}
template <class F, class T>
using Result = decltype(result_of<F, T>());

}  // namespace tessera::functions
