#pragma once
#include <complex>
#include <cstdint>
#include <vector>

#include <tessera/linalg/scalapack/matrix.hpp>
#include <tessera/linalg/transpose.hpp>
#include <tessera/runtime/operation.hpp>

/// Routines that only LAPACK has, for matrices of a grid of one process, float32, float64,
/// complex64 and complex128. Matrices of one call have one dtype and are overwritten; none is
/// empty, NaN or infinite (detail::lapack sees to that). LinAlgError where they do not converge.
namespace tessera::linalg::scalapack {

/// Which eigenvalues of a Schur form come first: all as they are, those in the left or right half
/// plane, inside or outside of the unit circle.
enum class Order : std::uint8_t { none, lhp, rhp, iuc, ouc };
using Eigenvalues = std::vector<std::complex<double>>;

/// Powers of two that gebal scaled by, where it put rows, and the block [low, high) it left.
struct Balance {
  std::vector<double> scale;
  std::vector<std::int64_t> order;
};

namespace direct {
/// Eigenvalues, and left and right eigenvectors, complex, to the columns of matrices that are
/// given.
Eigenvalues geev(const Matrix& a, const Matrix* left, const Matrix* right);
/// a = z t z^H: t over a, how many eigenvalues `order` has put first into `leading`.
Eigenvalues gees(const Matrix& a, const Matrix& z, Order order, std::int64_t& leading);
/// (a, b) = q (s, t) z^H, s and t over a and b. Returns how many eigenvalues come first.
std::int64_t gges(const Matrix& a, const Matrix& b, const Matrix& q, const Matrix& z, Order order);
/// Numerators and denominators of the eigenvalues of a x = w b x, and their left and right vectors,
/// complex, unless there are none.
std::pair<Eigenvalues, Eigenvalues> ggev(const Matrix& a, const Matrix& b, const Matrix* left,
                                         const Matrix* right);
/// a = q h q^H, h upper Hessenberg over a.
void gehrd(const Matrix& a, const Matrix& q);
/// d^-1 a d over a.
Balance gebal(const Matrix& a, bool permute, bool scale);
/// a = q r, and a p = q r: r over a's upper triangle, below it and in tau (min(m, n) x 1) the
/// reflectors that q is made of. Returns which column of a each column of a p is.
void geqrf(const Matrix& a, const Matrix& tau);
std::vector<std::int64_t> geqp3(const Matrix& a, const Matrix& tau);
/// q's first columns, over the reflectors.
void orgqr(const Matrix& q, const Matrix& tau);
/// a = P l d l^T P^T, or l^H, by rook pivoting from that triangle (u for l from the upper): the
/// triangle over a, ones on its diagonal, d (n x n). Returns which row of a each row of P^T a is.
std::vector<std::int64_t> sytrf(const Matrix& a, bool lower, bool hermitian, const Matrix& d);
/// x with a x = b over b, of a symmetric or Hermitian a by its triangle. Returns 1 / (|a| |a^-1|)
/// as estimated, 0 for an exactly singular one.
double sysv(const Matrix& a, bool lower, bool hermitian, const Matrix& b);
/// x with a x = b over b: a's l + u + 1 diagonals are the last rows of ab, l rows of room before.
/// Returns the index (from 1) of the first zero on U's diagonal, or 0 and 1 / (|a| |a^-1|) as
/// estimated.
std::int64_t gbsv(const Matrix& ab, std::int64_t l, std::int64_t u, const Matrix& b, double& rcond);
/// The Cholesky factor of a band over it. Returns the first minor that is not positive, or 0.
std::int64_t pbtrf(const Matrix& ab, bool lower);
/// x with a x = b over b from that factor.
void pbtrs(const Matrix& cb, bool lower, const Matrix& b);
/// Eigenvalues, ascending, and vectors, if wanted, of a Hermitian band.
std::vector<double> sbevd(const Matrix& ab, bool lower, const Matrix* vectors);
/// x with a x + sign x b = c over c for (quasi-)triangular a and b. LinAlgError where a and -sign b
/// have an eigenvalue in common.
void trsyl(const Matrix& a, const Matrix& b, int sign, const Matrix& c);
/// x = diag(u1, u2) cs diag(v1h, v2h), x's first block p x q. Returns the angles of cs.
std::vector<double> uncsd(const Matrix& x, const Matrix& u1, const Matrix& u2, const Matrix& v1h,
                          const Matrix& v2h, bool swap_sign);
}  // namespace direct

/// The operations behind them, of the backend `cpu`.
#define TESSERA_LAPACK(each)                                                                  \
  each(geev) each(gees) each(gges) each(ggev) each(gehrd) each(gebal) each(geqrf) each(geqp3) \
      each(orgqr) each(sytrf) each(sysv) each(gbsv) each(pbtrf) each(pbtrs) each(sbevd)       \
          each(trsyl) each(uncsd)
struct Lapack {
#define TESSERA_OPERATION(f) Operation<decltype(direct::f)> f{"lapack." #f};
  TESSERA_LAPACK(TESSERA_OPERATION)
#undef TESSERA_OPERATION
};
/// The one instance.
const Lapack& lapack();

}  // namespace tessera::linalg::scalapack
