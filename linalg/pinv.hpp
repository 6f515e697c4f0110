#pragma once
#include <optional>

#include <tessera/runtime/array.hpp>

namespace tessera::linalg {

/// The Moore-Penrose inverse of an m x n matrix by SVD (scipy.linalg.pinv): n x m. Singular values
/// up to atol + rtol * s[0] count as zero; rtol is eps * max(m, n) by default. With `hermitian` by
/// eigenvalues of the lower triangle of a, which is square then. Laid out like a. Collective.
Array pinv(const Array& a, double atol = 0.0, std::optional<double> rtol = {},
           bool check_finite = true, bool hermitian = false);

}  // namespace tessera::linalg
