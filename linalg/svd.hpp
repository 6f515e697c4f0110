#pragma once
#include <tessera/runtime/array.hpp>

namespace tessera::linalg {

/// a = u diag(s) vh with s real and descending.
struct Svd {
  Array u;   ///< m x k, k = min(m, n); m x m with full_matrices
  Array s;   ///< k, replicated
  Array vh;  ///< k x n; n x n with full_matrices
};

struct SvdOptions {
  bool full_matrices = false;  ///< SciPy's default is true: for tall data that is an m x m matrix
  bool check_finite = true;
};

/// Singular value decomposition of an m x n matrix (scipy.linalg.svd). Tall matrices (m >= 4 n, n
/// <= 1024) take TSQR and the SVD of R, wide ones the same on the adjoint, unless full_matrices;
/// others ?gesdd on one process when small or when there is only one, else p?gesvd. u and vh lie
/// like a; signs are LAPACK's. LinAlgError when it does not converge; ValueError unless a is a
/// finite matrix. Collective.
Svd svd(const Array& a, const SvdOptions& options = {});

/// The singular values only.
Array svdvals(const Array& a, bool check_finite = true);

}  // namespace tessera::linalg
