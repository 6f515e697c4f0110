#pragma once
#include <cstdint>
#include <optional>

#include <tessera/runtime/array.hpp>

/// Decompositions that only LAPACK has. All run on one process, for matrices of up to 2^24 elements
/// (NotImplementedError beyond), and have the same bits at any number of processes; results lie
/// like the first argument. All are collective; ValueError unless the matrix is square and finite,
/// LinAlgError where an iteration does not converge.
namespace tessera::linalg {

/// Which eigenvalues come first on the diagonal: in the left or right half plane, inside or outside
/// of the unit circle.
enum class EigenOrder : std::uint8_t { none, lhp, rhp, iuc, ouc };

struct Schur {
  Array t;                   ///< upper triangular; quasi-triangular (2 x 2 blocks) if real
  Array z;                   ///< unitary
  std::int64_t leading = 0;  ///< how many eigenvalues the order has put first
};

/// a = z t z^H (scipy.linalg.schur), of a real matrix in complex numbers with `complex`.
Schur schur(const Array& a, bool complex = false, EigenOrder order = EigenOrder::none,
            bool check_finite = true);
/// The complex Schur form of what a real one decomposes (scipy.linalg.rsf2csf).
Schur rsf2csf(const Array& t, const Array& z, bool check_finite = true);

struct Hessenberg {
  Array h;
  Array q;
};
/// a = q h q^H, h zero below its first subdiagonal (scipy.linalg.hessenberg).
Hessenberg hessenberg(const Array& a, bool check_finite = true);

struct Qz {
  Array aa, bb;  ///< upper (quasi-)triangular and triangular
  Array q, z;
};
/// a = q aa z^H and b = q bb z^H, the generalised Schur form (scipy.linalg.qz).
Qz qz(const Array& a, const Array& b, bool complex = false, EigenOrder order = EigenOrder::none,
      bool check_finite = true);

struct Ldl {
  Array lu;    ///< lu[perm] is triangular with ones on its diagonal
  Array d;     ///< blocks of 1 x 1 and 2 x 2
  Array perm;  ///< int64, replicated
};
/// a = lu d lu^H, or lu^T of a complex symmetric a, from one triangle of it (scipy.linalg.ldl) by
/// rook pivoting: |lu| is bounded, unlike with SciPy's pivots.
Ldl ldl(const Array& a, bool lower = true, bool hermitian = true, bool check_finite = true);

struct Balanced {
  Array b;
  Array t;
  Array scale;  ///< the diagonal that was multiplied by, and which row went where
  Array perm;
};
/// b = t^-1 a t with rows and columns of similar norms (scipy.linalg.matrix_balance): a
/// permutation, and powers of two. LAPACK's ?gebal.
Balanced matrix_balance(const Array& a, bool permute = true, bool scale = true);

struct Cossin {
  Array u1, u2;    ///< p x p and the rest
  Array theta;     ///< angles, ascending, of the real dtype
  Array v1h, v2h;  ///< q x q and the rest
};
/// A unitary m x m matrix by blocks, the first of p x q: x = diag(u1, u2) cs diag(v1h, v2h) with
/// cosines and sines of theta on diagonals of cs (scipy.linalg.cossin). ValueError unless 0 < p < m
/// and 0 < q < m.
Cossin cossin(const Array& x, std::int64_t p, std::int64_t q, bool swap_sign = false);
/// The cs of it, m x m, of theta's dtype.
Array cossin_middle(const Cossin& f, bool swap_sign = false);
/// a and b on a diagonal, zeros beside them, by rows. Collective.
Array block_diagonal(const Array& a, const Array& b);

}  // namespace tessera::linalg
