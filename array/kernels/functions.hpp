#pragma once
#include <tessera/array/kernels/function.hpp>
#include <tessera/array/kernels/of_one.hpp>
#include <tessera/array/kernels/of_two.hpp>

/// The elementwise functions of the array API standard. Everything else (kernels, operations,
/// backends, conformance, the table that Python is made from) follows from the lists at the end.
namespace tessera::functions {

struct Clip : Exact<"clip", "x, but at least `min` and at most `max`; NaN where one of them is."> {
  template <Ordered T>
  static constexpr T of(T x, T low, T high) {
    return Minimum::of(Maximum::of(x, low), high);
  }
};

/// The condition comes last, so that the dtype of the result is that of the first operand.
struct Where : Exact<"where", "x1 where the condition is true, x2 elsewhere."> {
  template <Any T>
  static constexpr T of(const T& x, const T& y, bool condition) {
    return condition ? x : y;
  }
};
template <class T>
struct OperandOf<Where, T, 2> {
  using type = bool;
};

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

}  // namespace tessera::functions
