#pragma once
#include <cstdint>

#include <tessera/runtime/array.hpp>

namespace tessera::linalg {

/// What an operation applies to a matrix before it uses it: nothing, x^T, or the conjugate
/// transpose x^H (x^T for real dtypes).
enum class Transpose : std::uint8_t { no, yes, conjugate };

/// A matrix, its transpose or its adjoint, none of them formed: what products take. Any Array is
/// one. A handle like Array.
struct Operand {
  Operand(const Array& a, Transpose how = Transpose::no)  // NOLINT(google-explicit-constructor)
      : array(a), op(how) {}
  Array array;
  Transpose op;

  /// The shape after `op`.
  Shape shape() const;
  DType dtype() const { return array.dtype(); }
  Device device() const { return array.device(); }
  const Communicator& comm() const { return array.comm(); }
};

/// x^T and x^H of a matrix without moving anything; vectors are their own transpose, as in NumPy,
/// and their adjoint is their conjugate.
/// ValueError for other shapes.
Operand transpose(const Array& x);
Operand adjoint(const Array& x);

/// The matrix that an operand stands for, formed: x itself when there is nothing to do. Laid out
/// like its array by the rule of docs/linalg.md. Collective; moves every element once, all in one
/// round of buffers as large as this process's part.
Array evaluate(const Operand& x);

/// A matrix dealt over a near-square grid of all processes in square blocks of that edge, as large
/// factorisations want it: of a sequence of them only this moves it. Integers become float64.
/// ValueError unless x is a matrix and 1 <= block. Collective.
Array block_cyclic(const Array& x, std::int64_t block = 64);

}  // namespace tessera::linalg
