#pragma once
#include <cstdint>

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

/// Singular value decomposition of an m x n matrix (scipy.linalg.svd). Tall matrices (m >= 4 n, and
/// n small enough for one process) take TSQR and the SVD of R, wide ones the same on the adjoint;
/// others ?gesdd on one process when small, p?gesvd when not. u lies like a; signs are LAPACK's.
/// LinAlgError when it does not converge; ValueError unless a is a finite matrix. Collective.
Svd svd(const Array& a, const SvdOptions& options = {});

/// The singular values only.
Array svdvals(const Array& a, bool check_finite = true);

struct SvdsOptions {
  std::int64_t n_oversamples = 10;
  std::int64_t n_iter = 4;  ///< power iterations, each with a QR (TSQR) of the tall side
  std::uint32_t random_state = 0;
};

/// The k largest singular triplets by randomised range finding (Halko, Martinsson, Tropp, "Finding
/// structure with randomness", SIAM Review 53(2), 2011, algorithms 4.4 and 5.1). s descending
/// (SciPy's svds ascends). Random numbers are keyed by the global index: the same bits at any
/// number of processes for row-distributed a. ValueError unless 1 <= k <= min(m, n) and a is a
/// finite matrix. Collective. About 4 m n (k + n_oversamples) (n_iter + 1) flops.
Svd svds(const Array& a, std::int64_t k, const SvdsOptions& options = {});

}  // namespace tessera::linalg
