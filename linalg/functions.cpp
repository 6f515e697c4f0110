// The public functions of this room: each hands its arguments to the operation of its name.
#include <tessera/linalg/functions.hpp>

#include <tessera/linalg/kernels/kernels.hpp>

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
Qr qr(const Array& a, QrMode mode, bool check_finite) {
  return functions().qr(a, mode, check_finite);
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
Eig eig(const Array& a, bool check_finite) { return functions().eig(a, check_finite); }
Array eigvals(const Array& a, bool check_finite) { return functions().eigvals(a, check_finite); }
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
           bool hermitian) {
  return functions().pinv(a, atol, rtol, check_finite, hermitian);
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

}  // namespace tessera::linalg
