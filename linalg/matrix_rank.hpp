#pragma once
#include <cstdint>
#include <optional>

#include <tessera/runtime/array.hpp>

namespace tessera::linalg {

/// The number of singular values above `tol` (numpy.linalg.matrix_rank); by default s[0] * max(m,
/// n) * eps; of a vector or a number 0 if all is zero, else 1. LinAlgError when there are NaN or
/// infinities. With `hermitian` by eigenvalues of the lower triangle of a, which is square then.
/// Collective.
std::int64_t matrix_rank(const Array& a, std::optional<double> tol = {}, bool hermitian = false);

}  // namespace tessera::linalg
