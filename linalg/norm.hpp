#pragma once
#include <optional>
#include <string>
#include <type_traits>

#include <tessera/runtime/array.hpp>

namespace tessera::linalg {

/// Which norm, as numpy.linalg.norm's `ord`: a number (2, 1, -1, infinity, -infinity, for vectors
/// any p, 0 for the number of non-zeros), "fro" or "nuc"; nothing is the Frobenius norm of a matrix
/// and the 2-norm of a vector.
struct NormOrder {
  NormOrder() = default;
  template <class T>
  requires std::is_arithmetic_v<T> NormOrder(T p)  // NOLINT(google-explicit-constructor)
      : number(static_cast<double>(p)) {}
  NormOrder(const char* name_) : name(name_) {}             // NOLINT(google-explicit-constructor)
  NormOrder(std::string name_) : name(std::move(name_)) {}  // NOLINT(google-explicit-constructor)
  std::optional<double> number;
  std::string name;
};

/// The norm of a vector or matrix, of any array without an order, in float64. No overflow or
/// underflow in between (powers that may have are formed again of scaled values). NaN if there is
/// one. Orders 2, -2 and nuc of a matrix go through svdvals. ValueError for an order that does not
/// exist for the shape. Empty: 0, and ValueError for orders that take a minimum, as in NumPy.
/// Collective; same bits at any number of processes, but for what svdvals computes over a grid.
double norm(const Array& x, const NormOrder& order = {});

}  // namespace tessera::linalg
