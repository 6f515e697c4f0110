#pragma once
#include <cstdint>

#include <tessera/linalg/transpose.hpp>

namespace tessera::linalg {

/// What is known of a matrix, as scipy.linalg.solve's `assume_a`.
enum class Structure : std::uint8_t {
  detect,  ///< look: diagonal, triangular, Hermitian (Cholesky, then LU if it fails), else general
  general,
  diagonal,
  upper_triangular,
  lower_triangular,
  tridiagonal,        ///< three diagonals are read, and go to solve_banded
  banded,             ///< likewise what is not 0, where that is a quarter of the matrix at most
  symmetric,          ///< from the triangle read, by LDL^T on one process, as general over a grid
  hermitian,          ///< likewise by LDL^H
  positive_definite,  ///< Cholesky
};

struct SolveOptions {
  Structure assume_a = Structure::detect;
  bool lower = false;  ///< symmetric, hermitian, positive_definite: read the lower triangle
  bool check_finite = true;
  bool transposed = false;  ///< solve a^T x = b instead
};

/// x with a x = b for a square a (n x n) and b (n,) or n x k (scipy.linalg.solve). Laid out like b,
/// of the common dtype. LinAlgError when a is exactly singular or not positive definite as assumed;
/// a warning with the reciprocal condition number when it is below eps. A single number (an array
/// of one element) divides a b of any length. ValueError for shapes that do not fit or values that
/// are not finite. Collective.
Array solve(const Array& a, const Array& b, const SolveOptions& options = {});

struct TriangularOptions {
  bool lower = false;
  Transpose op = Transpose::no;
  bool unit_diagonal = false;  ///< take the diagonal for ones, whatever it holds
  bool check_finite = true;
};

/// x with op(a) x = b for a triangular a, of which the other triangle is not read
/// (scipy.linalg.solve_triangular). LinAlgError naming the first zero on the diagonal. Collective.
/// n^2 k flops.
Array solve_triangular(const Array& a, const Array& b, const TriangularOptions& options = {});

}  // namespace tessera::linalg
