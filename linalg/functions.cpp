// The public functions of this room: each hands its arguments to the operation of its name.
#include <tessera/linalg/functions.hpp>

#include <tessera/linalg/kernels/kernels.hpp>
#include <tessera/linalg/scalar_function.hpp>

namespace tessera::linalg {

const Functions& functions() {
  kernels();  // a guard may name their backends before any of them has run
  static const Functions all;
  return all;
}

ColumnMoments column_moments(const Rows& x, const Array& weights) {
  return functions().column_moments(x, weights);
}
GroupMoments group_moments(const Rows& x, const Array& codes, std::int64_t groups,
                           const Array& weights) {
  return functions().group_moments(x, codes, groups, weights);
}
std::vector<CenteredGram> group_gram(const Rows& x, const Array& codes, std::int64_t groups,
                                     const Array& weights) {
  return functions().group_gram(x, codes, groups, weights);
}
CenteredGram centered_gram(const Rows& x, const Array& y, const Array& weights, bool center) {
  return functions().centered_gram(x, y, weights, center);
}
Small tsqr(const Rows& x, std::span<const double> shift, const Array& y, const Array& weights) {
  return functions().tsqr(x, shift, y, weights);
}
Array gram(const Array& x) { return functions().gram(x); }
Array matmul(const Operand& a, const Operand& b) { return functions().matmul(a, b); }
Array outer(const Array& a, const Array& b) { return functions().outer(a, b); }
Array vecdot(const Array& a, const Array& b) { return functions().vecdot(a, b); }
Array tensordot(const Array& a, const Array& b, std::span<const std::int64_t> axes_a,
                std::span<const std::int64_t> axes_b) {
  return functions().tensordot(a, b, axes_a, axes_b);
}
double norm(const Array& x, const NormOrder& order) { return functions().norm(x, order); }
Array diagonal(const Array& x, std::int64_t offset) { return functions().diagonal(x, offset); }
Array trace(const Array& x, std::int64_t offset) { return functions().trace(x, offset); }
Array cholesky(const Array& a, const CholeskyOptions& o) { return functions().cholesky(a, o); }
Lu lu_factor(const Array& a, bool check_finite) { return functions().lu_factor(a, check_finite); }
Array lu_solve(const Lu& factors, const Array& b, Transpose op, bool check_finite) {
  return functions().lu_solve(factors.lu, factors.piv, b, op, check_finite);
}
Qr qr(const Array& a, QrMode mode, bool check_finite, bool pivoting) {
  return functions().qr(a, mode, check_finite, pivoting);
}
Svd svd(const Array& a, const SvdOptions& options) { return functions().svd(a, options); }
Array svdvals(const Array& a, bool check_finite) { return functions().svdvals(a, check_finite); }
Svd svds(const Array& a, std::int64_t k, const SvdsOptions& options) {
  return functions().svds(a, k, options);
}
Eigh eigh(const Array& a, const EighOptions& options) { return functions().eigh(a, options); }
Array eigvalsh(const Array& a, const EighOptions& options) {
  return functions().eigvalsh(a, options);
}
Eig eig(const Array& a, bool check_finite, bool left, const Array& b) {
  return functions().eig(a, check_finite, left, b);
}
Array eigvals(const Array& a, bool check_finite, const Array& b) {
  return functions().eigvals(a, check_finite, b);
}
Array solve(const Array& a, const Array& b, const SolveOptions& options) {
  return functions().solve(a, b, options);
}
Array solve_triangular(const Array& a, const Array& b, const TriangularOptions& options) {
  return functions().solve_triangular(a, b, options);
}
Lstsq lstsq(const Array& a, const Array& b, std::optional<double> cond, bool check_finite) {
  return functions().lstsq(a, b, cond, check_finite);
}
Array inv(const Array& a, bool check_finite) { return functions().inv(a, check_finite); }
Array pinv(const Array& a, double atol, std::optional<double> rtol, bool check_finite,
           bool hermitian, std::int64_t* rank) {
  return functions().pinv(a, atol, rtol, check_finite, hermitian, rank);
}
Array orth(const Array& a, std::optional<double> rcond) { return functions().orth(a, rcond); }
Array null_space(const Array& a, std::optional<double> rcond, bool check_finite) {
  return functions().null_space(a, rcond, check_finite);
}
Slogdet slogdet(const Array& a, bool check_finite) { return functions().slogdet(a, check_finite); }
Array det(const Array& a, bool check_finite) { return functions().det(a, check_finite); }
std::int64_t matrix_rank(const Array& a, std::optional<double> tol, bool hermitian) {
  return functions().matrix_rank(a, tol, hermitian);
}
double cond(const Array& a, const NormOrder& order) { return functions().cond(a, order); }
Array matrix_power(const Array& a, std::int64_t n) { return functions().matrix_power(a, n); }
Array expm(const Array& a) { return functions().expm(a); }
Array cho_factor(const Array& a, const CholeskyOptions& options) {
  return functions().cho_factor(a, options);
}
Array cho_solve(const Array& c, const Array& b, bool lower, bool check_finite) {
  return functions().cho_solve(c, b, lower, check_finite);
}
PLu lu(const Array& a, bool permute_l, bool p_indices, bool check_finite) {
  return functions().lu(a, permute_l, p_indices, check_finite);
}
QrProduct qr_multiply(const Array& a, const Array& c, bool right, bool pivoting, bool conjugate) {
  return functions().qr_multiply(a, c, right, pivoting, conjugate);
}
Qr rq(const Array& a, QrMode mode, bool check_finite) {
  return functions().rq(a, mode, check_finite);
}
Array pinvh(const Array& a, double atol, std::optional<double> rtol, bool lower, bool check_finite,
            std::int64_t* rank) {
  return functions().pinvh(a, atol, rtol, lower, check_finite, rank);
}
Schur schur(const Array& a, bool complex, EigenOrder order, bool check_finite) {
  return functions().schur(a, complex, order, check_finite);
}
Schur rsf2csf(const Array& t, const Array& z, bool check_finite) {
  return functions().rsf2csf(t, z, check_finite);
}
Hessenberg hessenberg(const Array& a, bool check_finite) {
  return functions().hessenberg(a, check_finite);
}
Qz qz(const Array& a, const Array& b, bool complex, EigenOrder order, bool check_finite) {
  return functions().qz(a, b, complex, order, check_finite);
}
Ldl ldl(const Array& a, bool lower, bool hermitian, bool check_finite) {
  return functions().ldl(a, lower, hermitian, check_finite);
}
Balanced matrix_balance(const Array& a, bool permute, bool scale) {
  return functions().matrix_balance(a, permute, scale);
}
Cossin cossin(const Array& x, std::int64_t p, std::int64_t q, bool swap_sign) {
  return functions().cossin(x, p, q, swap_sign);
}
Array sqrtm(const Array& a) { return functions().sqrtm(a); }
Array logm(const Array& a) { return functions().logm(a); }
Array funm(const Array& a, const ScalarFunction& f) { return functions().funm(a, f); }
Array signm(const Array& a) { return functions().signm(a); }
Array fractional_matrix_power(const Array& a, double t) {
  return functions().fractional_matrix_power(a, t);
}
Array cosm(const Array& a) { return functions().cosm(a); }
Array sinm(const Array& a) { return functions().sinm(a); }
Array tanm(const Array& a) { return functions().tanm(a); }
Array coshm(const Array& a) { return functions().coshm(a); }
Array sinhm(const Array& a) { return functions().sinhm(a); }
Array tanhm(const Array& a) { return functions().tanhm(a); }
Frechet expm_frechet(const Array& a, const Array& e, bool check_finite) {
  return functions().expm_frechet(a, e, check_finite);
}
double expm_cond(const Array& a, bool check_finite) {
  return functions().expm_cond(a, check_finite);
}
Array solve_banded(const Array& ab, const Array& b, std::pair<std::int64_t, std::int64_t> l_and_u,
                   bool check_finite) {
  return functions().solve_banded(ab, b, l_and_u, check_finite);
}
Array solveh_banded(const Array& ab, const Array& b, bool lower, bool check_finite) {
  return functions().solveh_banded(ab, b, lower, check_finite);
}
Array cholesky_banded(const Array& ab, bool lower, bool check_finite) {
  return functions().cholesky_banded(ab, lower, check_finite);
}
Array cho_solve_banded(const Array& cb, const Array& b, bool lower, bool check_finite) {
  return functions().cho_solve_banded(cb, b, lower, check_finite);
}
Eigh eig_banded(const Array& ab, const BandedOptions& options) {
  return functions().eig_banded(ab, options);
}
Array eigvals_banded(const Array& ab, const BandedOptions& options) {
  return functions().eigvals_banded(ab, options);
}
Eigh eigh_tridiagonal(const Array& d, const Array& e, const BandedOptions& options) {
  return functions().eigh_tridiagonal(d, e, options);
}
Array eigvalsh_tridiagonal(const Array& d, const Array& e, const BandedOptions& options) {
  return functions().eigvalsh_tridiagonal(d, e, options);
}
Array solve_toeplitz(const Array& c, const Array& b, const Array& r, bool check_finite) {
  return functions().solve_toeplitz(c, b, r, check_finite);
}
Array matmul_toeplitz(const Array& c, const Array& x, const Array& r, bool check_finite) {
  return functions().matmul_toeplitz(c, x, r, check_finite);
}
Array solve_circulant(const Array& c, const Array& b, bool lstsq, std::optional<double> tol) {
  return functions().solve_circulant(c, b, lstsq, tol);
}
Array solve_sylvester(const Array& a, const Array& b, const Array& q) {
  return functions().solve_sylvester(a, b, q);
}
Array solve_continuous_lyapunov(const Array& a, const Array& q) {
  return functions().solve_continuous_lyapunov(a, q);
}
Array solve_discrete_lyapunov(const Array& a, const Array& q, std::optional<bool> direct) {
  return functions().solve_discrete_lyapunov(a, q, direct);
}
Array solve_continuous_are(const Array& a, const Array& b, const Array& q, const Array& r,
                           const Array& e, const Array& s) {
  return functions().solve_continuous_are(a, b, q, r, e, s);
}
Array solve_discrete_are(const Array& a, const Array& b, const Array& q, const Array& r,
                         const Array& e, const Array& s) {
  return functions().solve_discrete_are(a, b, q, r, e, s);
}
Polar polar(const Array& a, bool left) { return functions().polar(a, left); }
Procrustes orthogonal_procrustes(const Array& a, const Array& b, bool check_finite) {
  return functions().orthogonal_procrustes(a, b, check_finite);
}
Array subspace_angles(const Array& a, const Array& b) { return functions().subspace_angles(a, b); }
Array tensorsolve(const Array& a, const Array& b, const std::vector<std::int64_t>& axes) {
  return functions().tensorsolve(a, b, axes);
}
Array tensorinv(const Array& a, std::int64_t ind) { return functions().tensorinv(a, ind); }
Array khatri_rao(const Array& a, const Array& b) { return functions().khatri_rao(a, b); }
Array clarkson_woodruff_transform(const Array& a, std::int64_t sketch_size, std::uint64_t seed) {
  return functions().clarkson_woodruff_transform(a, sketch_size, seed);
}

}  // namespace tessera::linalg
