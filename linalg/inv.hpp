#pragma once
#include <optional>

#include <tessera/runtime/array.hpp>

namespace tessera::linalg {

/// The inverse of a square matrix by LU (scipy.linalg.inv), laid out like a. LinAlgError when it is
/// exactly singular, a warning when its reciprocal condition number is below eps; ValueError unless
/// a is square and finite. Collective. 2 n^3 flops.
Array inv(const Array& a, bool check_finite = true);

/// The Moore-Penrose inverse of an m x n matrix by SVD (scipy.linalg.pinv): n x m. Singular values
/// up to atol + rtol * s[0] count as zero; rtol is eps * max(m, n) by default. Collective.
Array pinv(const Array& a, double atol = 0.0, std::optional<double> rtol = {},
           bool check_finite = true);

}  // namespace tessera::linalg
