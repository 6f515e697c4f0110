#pragma once
#include <complex>
#include <cstdint>
#include <vector>

#include <tessera/linalg/scalapack/matrix.hpp>
#include <tessera/linalg/transpose.hpp>

/// One function per ScaLAPACK family, for float32, float64, complex64 and complex128. getrf, getri,
/// sygst, heevd and the condition estimates are LAPACK's where the grid is one process, and potrf
/// and gesvd the kernels local_cholesky and local_svd. With NaN or infinity in what they read,
/// iterations (heevd, gesvd) are a LinAlgError and other factors, and what getrs and getri
/// make of them, NaN throughout. All are collective over the grid's communicator, processes outside
/// the grid included; matrices of one call have one grid and dtype. `info` becomes the same
/// LinAlgError on every process.
namespace tessera::linalg::scalapack {

/// c = alpha op(a) op(b) + beta c.
void gemm(double alpha, const Matrix& a, Transpose op_a, const Matrix& b, Transpose op_b,
          double beta, const Matrix& c);
/// a b as a new matrix.
Matrix product(const Matrix& a, const Matrix& b);
/// b = op(a)^-1 b for a triangular a.
void trsm(bool lower, Transpose op, bool unit_diagonal, const Matrix& a, const Matrix& b);
/// op(a) as a new matrix.
Matrix transposed(const Matrix& a, Transpose op);

/// Zeros strictly below or above the diagonal. Local.
void zero_triangle(const Matrix& a, bool lower);
/// Zeros further than `width` from the diagonal. Local.
void zero_outside_band(const Matrix& a, std::int64_t width);
/// Whether that triangle is zero already.
bool is_zero_triangle(const Matrix& a, bool lower);
/// Whether a is its own transpose or adjoint, to the bit.
bool equals_transposed(const Matrix& a, Transpose op);
/// The other triangle from this one; for the adjoint the diagonal loses its imaginary parts.
void mirror_triangle(const Matrix& a, bool lower, Transpose op);
/// The diagonal, on every process.
std::vector<std::complex<double>> diagonal_of(const Matrix& a);
/// LinAlgError naming the first zero on it.
void require_nonzero_diagonal(const Matrix& a);
/// The largest sum of absolute values of a column.
double norm_1(const Matrix& a);
/// Whether what is read of a matrix has neither NaN nor infinity.
enum class Part : std::uint8_t { whole, lower, upper };
bool is_finite(const Matrix& a, Part part = Part::whole);
/// The largest absolute value of a real or imaginary part; infinity when one is not finite.
double largest(const Matrix& a, Part part = Part::whole);
/// Multiplies by 2^exponent.
void scale_by_power(const Matrix& a, int exponent, Part part = Part::whole);
/// Divides a matrix whose largest element is so near overflow that sums of a few overflow, or so
/// near underflow that its reciprocal does, by a power of two, of which it returns the exponent: 0
/// for all others and, where it must be exact, for those with elements that would lose digits.
int rescale(const Matrix& a, Part part = Part::whole, bool exact = false);
/// The root of the sum of squares.
double norm_frobenius(const Matrix& a);
/// x = of_x x + of_y y; returns norm_frobenius of the change.
double blend(double of_x, const Matrix& x, double of_y, const Matrix& y);
/// y += alpha x.
void axpy(double alpha, const Matrix& x, const Matrix& y);
/// to = from.
void assign(const Matrix& from, const Matrix& to);
/// Copies the columns that both have; they have as many rows.
void assign_first_columns(const Matrix& from, const Matrix& to);
/// Divides row i by divisors[i].
void divide_rows(const Matrix& a, const std::vector<std::complex<double>>& divisors);
/// Multiplies row i (or column i) by factors[i].
void scale_rows(const Matrix& a, const std::vector<std::complex<double>>& factors);
void scale_columns(const Matrix& a, const std::vector<std::complex<double>>& factors);

/// The Cholesky factor over the triangle it is read from; the other one is left alone or zero.
void potrf(bool lower, const Matrix& a);
/// LinAlgError naming that leading minor unless it is 0.
void require_positive(std::int64_t minor);
/// Row interchanges as ?getrf leaves them on this process.
using Pivots = std::vector<int>;
/// P L U over a. Returns the index (from 1) of the first zero on U's diagonal, or 0.
std::int64_t getrf(const Matrix& a, Pivots& pivots);
/// LinAlgError unless getrf returned 0.
void require_nonsingular(std::int64_t zero);
/// x with op(a) x = b over b, from getrf's result.
void getrs(Transpose op, const Matrix& lu, const Pivots& pivots, const Matrix& b);
/// a^-1 over getrf's result.
void getri(const Matrix& lu, const Pivots& pivots);
/// Pivots of all rows, 0-based, on every process; and back.
std::vector<std::int64_t> gather_pivots(const Matrix& lu, const Pivots& pivots);
Pivots scatter_pivots(const Matrix& lu, const std::vector<std::int64_t>& all);
/// 1 / (norm_1(a) norm_1(a^-1)), the latter as LAPACK estimates it, mostly to the digit and never
/// too large, from the factor that getrf or potrf (of that triangle) left and norm_1(a); trcon of a
/// triangle itself, the other one zero. 0 when that overflows. gecon is at most the reciprocal
/// growth of elements in the elimination, beyond 1 / eps of which no digit is right.
double gecon(const Matrix& lu, double norm);
double pocon(bool lower, const Matrix& factor, double norm);
double trcon(bool lower, const Matrix& a);

/// a = q r: R over a's upper triangle. Returns q (m x k, k columns of the m x m Q, min(m, n) <= k
/// <= m), or an empty matrix for k = 0.
Matrix geqrf(const Matrix& a, std::int64_t k);

/// That triangle of a Hermitian a becomes that of l^-1 a l^-H (or u^-H a u^-1), for types 2 and 3
/// of l^H a l (u a u^H), from what potrf left in the same triangle of `factor`.
void sygst(int type, bool lower, const Matrix& a, const Matrix& factor);
/// Eigenvalues ascending (real, on every process), from that triangle; a is destroyed. Eigenvectors
/// go to the columns of `vectors` if that is given.
std::vector<double> heevd(bool lower, const Matrix& a, const Matrix* vectors);

/// Singular values descending, on every process; a is destroyed. u (m x k) and vh (k x n), k =
/// min(m, n), both or none.
std::vector<double> gesvd(const Matrix& a, const Matrix* u, const Matrix* vh);

}  // namespace tessera::linalg::scalapack
