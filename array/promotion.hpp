#pragma once
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include <tessera/array/scalar.hpp>

namespace tessera {

constexpr bool is_signed_integer(DType d) { return d >= DType::int8 && d <= DType::int64; }
constexpr bool is_unsigned_integer(DType d) { return d >= DType::uint8 && d <= DType::uint64; }
constexpr bool is_integer(DType d) { return is_signed_integer(d) || is_unsigned_integer(d); }

/// The dtype that holds the values of both. What the array API standard leaves open is as in NumPy:
/// integers of 16 bits and less with float32 give float32, larger ones float64, as do uint64 and
/// signed integers.
DType promote(DType a, DType b);
/// The dtype of an operation on these; a scalar counts by its kind only, unless all are scalars.
DType result_type(std::span<const Operand> operands);

/// Whether every value of `from` is one of `to` but for rounding, by the same rules.
bool can_cast(DType from, DType to);

/// Whether the dtype is of one of the kinds "bool", "signed integer", "unsigned integer",
/// "integral", "real floating", "complex floating", "numeric"; ValueError for another word.
bool isdtype(DType dtype, std::string_view kind);

/// float32 for complex64, and so on; the dtype itself of real numbers.
constexpr DType real_of(DType d) {
  return d == DType::complex64 ? DType::float32 : d == DType::complex128 ? DType::float64 : d;
}
constexpr DType complex_of(DType d) {
  return d == DType::float32 ? DType::complex64 : d == DType::float64 ? DType::complex128 : d;
}

struct FloatInfo {
  int bits;
  double eps, max, min, smallest_normal;
  DType dtype;
};
/// Of the real parts of a complex dtype. TypeError for other than floating ones.
FloatInfo finfo(DType dtype);

struct IntegerInfo {
  int bits;
  Scalar max, min;
  DType dtype;
};
/// TypeError for other than integer dtypes.
IntegerInfo iinfo(DType dtype);

}  // namespace tessera
