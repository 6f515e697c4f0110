#pragma once
#include <complex>
#include <concepts>
#include <cstdint>
#include <string>
#include <variant>

#include <tessera/runtime/array.hpp>

namespace tessera {

/// A number without a dtype, as a Python scalar is: of a kind (bool, int, float, complex), and as
/// precise as what it meets.
class Scalar {
 public:
  using Value = std::variant<bool, std::int64_t, std::uint64_t, double, std::complex<double>>;

  Scalar(bool v) : value_(v) {}  // NOLINT(google-explicit-constructor): `2 * x`
  template <std::signed_integral T>
  Scalar(T v) : value_(std::int64_t{v}) {}  // NOLINT(google-explicit-constructor)
  template <std::unsigned_integral T>
  requires(!std::same_as<T, bool>) Scalar(T v)  // NOLINT(google-explicit-constructor)
      : value_(std::uint64_t{v}) {}
  Scalar(double v) : value_(v) {}                // NOLINT(google-explicit-constructor)
  Scalar(std::complex<double> v) : value_(v) {}  // NOLINT(google-explicit-constructor)

  const Value& value() const { return value_; }
  /// bool, int64, uint64 (what only that holds), float64 or complex128.
  DType dtype() const;
  /// Writes it as `dtype` to memory of one element. ValueError when that does not hold it,
  /// TypeError for a number of a higher kind (2.5 as an integer).
  void write(DType dtype, void* memory) const;
  /// An array of shape (), replicated.
  Array array(DType dtype, const Communicator& comm) const;
  std::string to_string() const;

 private:
  Value value_;
};

/// What an elementwise function takes: an array, or a scalar that adapts to the others.
class Operand {
 public:
  Operand(Array array) : value_(std::move(array)) {}  // NOLINT(google-explicit-constructor)
  template <class T>
  requires std::constructible_from<Scalar, T> Operand(
      T scalar)  // NOLINT(google-explicit-constructor)
      : value_(Scalar(scalar)) {}

  /// Null for a scalar.
  const Array* array() const { return std::get_if<Array>(&value_); }
  const Scalar& scalar() const { return std::get<Scalar>(value_); }

 private:
  std::variant<Array, Scalar> value_;
};

}  // namespace tessera
