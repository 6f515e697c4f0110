#pragma once
#include <tessera/runtime/array.hpp>

namespace tessera::linalg {

struct Polar {
  Array u;  ///< m x n, orthonormal columns (rows where m < n)
  Array p;  ///< Hermitian positive semidefinite; n x n, with `left` m x m
};

/// a = u p, or p u with `left` (scipy.linalg.polar), by SVD; large ones that are not tall, or the R
/// of their QR, by Newton's iteration with inverses, scaled by what is known of the singular values
/// (Byers and Xu, SIAM J. Matrix Anal. Appl. 30(2), 2008), unless they are (nearly) singular.
/// Results lie like a. ValueError unless a is a finite matrix. Collective.
Polar polar(const Array& a, bool left = false);

struct Procrustes {
  Array r;
  double scale = 0;  ///< the sum of the singular values of a^H b
};
/// The unitary r with the least |a r - b| (scipy.linalg.orthogonal_procrustes). ValueError unless a
/// and b are finite matrices of one shape. Collective; bits as of svd.
Procrustes orthogonal_procrustes(const Array& a, const Array& b, bool check_finite = true);

/// The angles between the spaces that the columns of a and b span, descending
/// (scipy.linalg.subspace_angles), small ones by their sines: Knyazev and Argentati, SIAM J. Sci.
/// Comput. 23(6), 2002. Replicated. ValueError unless a and b are finite and have as many rows.
/// Collective; bits as of svd.
Array subspace_angles(const Array& a, const Array& b);

}  // namespace tessera::linalg
