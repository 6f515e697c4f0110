#pragma once
#include <cstdint>
#include <optional>
#include <utility>

#include <tessera/runtime/array.hpp>

namespace tessera::linalg {

struct Eigh {
  Array values;   ///< ascending, real, replicated
  Array vectors;  ///< column j belongs to values[j]; lies like a
};

struct EighOptions {
  bool lower = true;  ///< read the lower triangle only, or the upper
  /// First and last index of the eigenvalues wanted, 0-based, ascending, both included.
  std::optional<std::pair<std::int64_t, std::int64_t>> subset_by_index = {};
  bool check_finite = true;
  /// Or an interval (low, high] that the eigenvalues wanted lie in.
  std::optional<std::pair<double, double>> subset_by_value = {};
  /// A positive definite matrix, of which the same triangle is read, for a x = w b x (type 1),
  /// a b x = w x (2) or b a x = w x (3). Vectors are b-orthonormal then: v^H b v = 1, of type 3
  /// v^H b^-1 v = 1.
  Array b = {};
  int type = 1;
};

/// Eigenvalues and orthonormal eigenvectors of a symmetric or Hermitian n x n matrix
/// (scipy.linalg.eigh); generalised problems through the Cholesky factor of b. ValueError unless a
/// and b are square, finite and of one shape and the subset lies in [0, n); LinAlgError when it
/// does not converge or b is not positive definite. Collective. About 9 n^3 flops.
Eigh eigh(const Array& a, const EighOptions& options = {});

/// The eigenvalues only.
Array eigvalsh(const Array& a, const EighOptions& options = {});

}  // namespace tessera::linalg
