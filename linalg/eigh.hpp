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
};

/// Eigenvalues and orthonormal eigenvectors of a symmetric or Hermitian n x n matrix
/// (scipy.linalg.eigh). ValueError unless a is square and finite and the subset lies in [0, n);
/// LinAlgError when it does not converge. Collective. About 9 n^3 flops.
Eigh eigh(const Array& a, const EighOptions& options = {});

/// The eigenvalues only.
Array eigvalsh(const Array& a, const EighOptions& options = {});

}  // namespace tessera::linalg
