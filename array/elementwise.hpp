#pragma once
#include <tessera/array/scalar.hpp>

/// The elementwise functions of the array API standard. Operands are arrays and scalars; they
/// broadcast, and promote their dtypes as promotion.hpp says. A function that is not defined for
/// integers computes in float64. The result lies like an array operand of its shape, else by rows,
/// or on every process where all operands do. All are collective; ValueError for shapes that do not
/// broadcast, TypeError for a dtype that a function does not take. Special values are the
/// standard's.
namespace tessera {

/// Absolute values; of a complex array those of its elements, real.
Array abs(const Operand& x);
/// Arc cosines.
Array acos(const Operand& x);
/// Inverse hyperbolic cosines.
Array acosh(const Operand& x);
/// Arc sines.
Array asin(const Operand& x);
/// Inverse hyperbolic sines.
Array asinh(const Operand& x);
/// Arc tangents.
Array atan(const Operand& x);
/// Inverse hyperbolic tangents.
Array atanh(const Operand& x);
/// All bits inverted; of booleans the other one.
Array bitwise_invert(const Operand& x);
/// The least whole numbers not below.
Array ceil(const Operand& x);
/// Complex conjugates.
Array conj(const Operand& x);
/// Cosines.
Array cos(const Operand& x);
/// Hyperbolic cosines.
Array cosh(const Operand& x);
/// e to the power of the elements.
Array exp(const Operand& x);
/// exp(x) - 1, exact for small x, too.
Array expm1(const Operand& x);
/// The largest whole numbers not above.
Array floor(const Operand& x);
/// Imaginary parts; 0 of real numbers.
Array imag(const Operand& x);
/// Whether elements are neither NaN nor infinite.
Array isfinite(const Operand& x);
/// Whether elements are infinite.
Array isinf(const Operand& x);
/// Whether elements are NaN.
Array isnan(const Operand& x);
/// Natural logarithms.
Array log(const Operand& x);
/// log(1 + x), exact for small x, too.
Array log1p(const Operand& x);
/// Logarithms to base 2.
Array log2(const Operand& x);
/// Logarithms to base 10.
Array log10(const Operand& x);
/// Whether elements are 0 or false.
Array logical_not(const Operand& x);
/// -x.
Array negative(const Operand& x);
/// +x, which is x.
Array positive(const Operand& x);
/// Floating parts.
Array real(const Operand& x);
/// 1 / x.
Array reciprocal(const Operand& x);
/// The nearest whole numbers, halves to the even one; of complex numbers both parts.
Array round(const Operand& x);
/// -1, 0 or 1; of complex numbers x / |x|; NaN of NaN.
Array sign(const Operand& x);
/// Whether the sign is set, that of -0 and NaN, too.
Array signbit(const Operand& x);
/// Sines.
Array sin(const Operand& x);
/// Hyperbolic sines.
Array sinh(const Operand& x);
/// x x.
Array square(const Operand& x);
/// Square roots.
Array sqrt(const Operand& x);
/// Tangents.
Array tan(const Operand& x);
/// Hyperbolic tangents.
Array tanh(const Operand& x);
/// Whole numbers, fractions cut off.
Array trunc(const Operand& x);
/// Sums; of booleans whether one is true.
Array add(const Operand& x1, const Operand& x2);
/// The angle of the point (x2, x1).
Array atan2(const Operand& x1, const Operand& x2);
/// x1 & x2.
Array bitwise_and(const Operand& x1, const Operand& x2);
/// x1 << x2; 0 for as many bits as x1 has, or more.
Array bitwise_left_shift(const Operand& x1, const Operand& x2);
/// x1 | x2.
Array bitwise_or(const Operand& x1, const Operand& x2);
/// x1 >> x2, the sign kept.
Array bitwise_right_shift(const Operand& x1, const Operand& x2);
/// x1 ^ x2.
Array bitwise_xor(const Operand& x1, const Operand& x2);
/// |x1| with the sign of x2.
Array copysign(const Operand& x1, const Operand& x2);
/// Quotients; of integers float64.
Array divide(const Operand& x1, const Operand& x2);
/// x1 == x2.
Array equal(const Operand& x1, const Operand& x2);
/// Quotients rounded down; 0 for an integer divided by 0.
Array floor_divide(const Operand& x1, const Operand& x2);
/// x1 > x2.
Array greater(const Operand& x1, const Operand& x2);
/// x1 >= x2.
Array greater_equal(const Operand& x1, const Operand& x2);
/// sqrt(x1^2 + x2^2).
Array hypot(const Operand& x1, const Operand& x2);
/// x1 < x2.
Array less(const Operand& x1, const Operand& x2);
/// x1 <= x2.
Array less_equal(const Operand& x1, const Operand& x2);
/// log(exp(x1) + exp(x2)).
Array logaddexp(const Operand& x1, const Operand& x2);
/// Whether both are true, or not 0.
Array logical_and(const Operand& x1, const Operand& x2);
/// Whether one is true, or not 0.
Array logical_or(const Operand& x1, const Operand& x2);
/// Whether just one is true, or not 0.
Array logical_xor(const Operand& x1, const Operand& x2);
/// The larger of both; NaN where one is.
Array maximum(const Operand& x1, const Operand& x2);
/// The smaller of both; NaN where one is.
Array minimum(const Operand& x1, const Operand& x2);
/// Products; of booleans whether both are true.
Array multiply(const Operand& x1, const Operand& x2);
/// The next number of the dtype from x1 towards x2.
Array nextafter(const Operand& x1, const Operand& x2);
/// x1 != x2.
Array not_equal(const Operand& x1, const Operand& x2);
/// x to the power of y; ValueError for integers to a negative one.
Array pow(const Operand& x1, const Operand& x2);
/// x - y floor(x / y), of y's sign; 0 for an integer divided by 0.
Array remainder(const Operand& x1, const Operand& x2);
/// Differences.
Array subtract(const Operand& x1, const Operand& x2);
/// x, but at least `low` and at most `high`, which broadcast; NaN where one of them is.
Array clip(const Operand& x, const Operand& low, const Operand& high);
/// x1 where the condition, of booleans, is true, x2 elsewhere.
Array where(const Operand& condition, const Operand& x1, const Operand& x2);

/// Operators of two operands of which one is an array, with the functions' rules.
template <class A, class B>
concept Operands = (std::same_as<A, Array> && std::constructible_from<Operand, B>) ||
                   (std::same_as<B, Array> && std::constructible_from<Operand, A>);
template <class A, class B>
requires Operands<A, B> Array operator+(const A& x, const B& y) { return add(x, y); }
template <class A, class B>
requires Operands<A, B> Array operator-(const A& x, const B& y) { return subtract(x, y); }
template <class A, class B>
requires Operands<A, B> Array operator*(const A& x, const B& y) { return multiply(x, y); }
template <class A, class B>
requires Operands<A, B> Array operator/(const A& x, const B& y) { return divide(x, y); }
template <class A, class B>
requires Operands<A, B> Array operator%(const A& x, const B& y) { return remainder(x, y); }
template <class A, class B>
requires Operands<A, B> Array operator&(const A& x, const B& y) { return bitwise_and(x, y); }
template <class A, class B>
requires Operands<A, B> Array operator|(const A& x, const B& y) { return bitwise_or(x, y); }
template <class A, class B>
requires Operands<A, B> Array operator^(const A& x, const B& y) { return bitwise_xor(x, y); }
template <class A, class B>
requires Operands<A, B> Array operator<<(const A& x, const B& y) {
  return bitwise_left_shift(x, y);
}
template <class A, class B>
requires Operands<A, B> Array operator>>(const A& x, const B& y) {
  return bitwise_right_shift(x, y);
}
template <class A, class B>
requires Operands<A, B> Array operator==(const A& x, const B& y) { return equal(x, y); }
template <class A, class B>
requires Operands<A, B> Array operator!=(const A& x, const B& y) { return not_equal(x, y); }
template <class A, class B>
requires Operands<A, B> Array operator<(const A& x, const B& y) { return less(x, y); }
template <class A, class B>
requires Operands<A, B> Array operator<=(const A& x, const B& y) { return less_equal(x, y); }
template <class A, class B>
requires Operands<A, B> Array operator>(const A& x, const B& y) { return greater(x, y); }
template <class A, class B>
requires Operands<A, B> Array operator>=(const A& x, const B& y) { return greater_equal(x, y); }
/// x = x + y and so on, written where x lies unless another handle has that memory, x is replicated
/// and y is not, x is on a GPU, or the function may throw for values. TypeError, and x as it was,
/// where the result has another shape or dtype.
Array& operator+=(Array& x, const Operand& y);
Array& operator-=(Array& x, const Operand& y);
Array& operator*=(Array& x, const Operand& y);
Array& operator/=(Array& x, const Operand& y);
Array& operator%=(Array& x, const Operand& y);
Array& operator&=(Array& x, const Operand& y);
Array& operator|=(Array& x, const Operand& y);
Array& operator^=(Array& x, const Operand& y);
Array& operator<<=(Array& x, const Operand& y);
Array& operator>>=(Array& x, const Operand& y);
inline Array operator-(const Array& x) { return negative(x); }
inline Array operator~(const Array& x) { return bitwise_invert(x); }

}  // namespace tessera
