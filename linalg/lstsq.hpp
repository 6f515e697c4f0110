#pragma once
#include <cstdint>
#include <optional>

#include <tessera/runtime/array.hpp>

namespace tessera::linalg {

struct Lstsq {
  Array x;         ///< (n,) or n x k
  Array residues;  ///< squared 2-norm of each column of b - a x, replicated; shape (0,) when the
                   ///< rank is below n or m <= n, as in SciPy
  std::int64_t rank = 0;
  Array s;  ///< singular values of a, replicated; all three on b's device
};

/// The x of smallest 2-norm that minimises the 2-norm of b - a x (scipy.linalg.lstsq), a m x n of
/// any rank, b (m,) or m x k. Singular values up to cond * s[0] count as zero; by default eps *
/// min(max(m, n), 4 min(m, n)) of the dtype (SciPy's eps finds no rank, NumPy's grows with m). Tall
/// matrices take TSQR of [a b] in float64 and the SVD of R, others svd of a. Collective; ValueError
/// for shapes that do not fit or values that are not finite.
Lstsq lstsq(const Array& a, const Array& b, std::optional<double> cond = {},
            bool check_finite = true);

}  // namespace tessera::linalg
