#pragma once
#include <cstdint>

#include <tessera/linalg/svd.hpp>

namespace tessera::linalg {

struct SvdsOptions {
  std::int64_t n_oversamples = 10;
  std::int64_t n_iter = 4;  ///< power iterations, each with a QR (TSQR) of the tall side
  std::uint32_t random_state = 0;
};

/// The k largest singular triplets by randomised range finding (Halko, Martinsson, Tropp, "Finding
/// structure with randomness", SIAM Review 53(2), 2011, algorithms 4.4 and 5.1). s descending
/// (SciPy's svds ascends). Random numbers are keyed by the global index: the same bits at any
/// number of processes for a by rows or replicated, unless an m x l or n x l factor, l = k +
/// n_oversamples, has more than 2^20 elements and is not tall (p?geqrf, p?gesvd). ValueError unless
/// 1 <= k <= min(m, n) and a is a finite matrix. Collective. About 4 m n (k + n_oversamples)
/// (n_iter + 1) flops.
Svd svds(const Array& a, std::int64_t k, const SvdsOptions& options = {});

}  // namespace tessera::linalg
