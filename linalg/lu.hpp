#pragma once
#include <tessera/linalg/transpose.hpp>

namespace tessera::linalg {

/// P a = L U as scipy.linalg.lu_factor gives it: L below the diagonal (ones on it), U above, and
/// piv: row i was interchanged with row piv[i], 0-based, int64, replicated, on a's device.
struct Lu {
  Array lu;
  Array piv;
};

/// LU with partial pivoting of an m x n matrix. A singular matrix has a zero on U's diagonal and a
/// warning, as in SciPy. Laid out like a. ValueError unless a is a finite matrix. Collective.
/// 2 n^3 / 3 flops.
Lu lu_factor(const Array& a, bool check_finite = true);

/// x with op(a) x = b for a square a and b (n,) or n x k. Laid out like b. LinAlgError when U is
/// exactly singular; ValueError for shapes that do not fit. Collective. 2 n^2 k flops.
Array lu_solve(const Lu& factors, const Array& b, Transpose op = Transpose::no,
               bool check_finite = true);

struct PLu {
  Array p;  ///< m x m, of the real dtype; with `indices` (m,), int64: a = l[p] u
  Array l;  ///< m x k, k = min(m, n); with `permute` p l
  Array u;  ///< k x n
};
/// a = p l u, the parts by themselves (scipy.linalg.lu), laid out like a. Collective.
PLu lu(const Array& a, bool permute_l = false, bool p_indices = false, bool check_finite = true);

}  // namespace tessera::linalg
