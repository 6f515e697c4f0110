// Temporary: stands in for what is not written yet. Real definitions win over these weak ones.
#include <tessera/linalg/functions.hpp>
#include <tessera/linalg/tall_qr.hpp>
#include <tessera/runtime/error.hpp>
namespace tessera::linalg {
__attribute__((weak)) TallQr::TallQr(const Rows&) { throw NotImplementedError("TallQr"); }
__attribute__((weak)) Array TallQr::r() const { return {}; }
__attribute__((weak)) Array TallQr::q_times(const Array&) const { return {}; }
__attribute__((weak)) Operand transpose(const Array& x) { return {x, Transpose::yes}; }
__attribute__((weak)) Operand adjoint(const Array& x) { return {x, Transpose::conjugate}; }
__attribute__((weak)) Array evaluate(const Operand&) { throw NotImplementedError("evaluate"); }
}  // namespace tessera::linalg
namespace tessera::linalg::composed {
__attribute__((weak)) Array gram(const Array& x) {
  throw NotImplementedError("gram is not written yet");
}
__attribute__((weak)) Array matmul(const Operand& a, const Operand& b) {
  throw NotImplementedError("matmul is not written yet");
}
__attribute__((weak)) Array outer(const Array& a, const Array& b) {
  throw NotImplementedError("outer is not written yet");
}
__attribute__((weak)) Array vecdot(const Array& a, const Array& b) {
  throw NotImplementedError("vecdot is not written yet");
}
__attribute__((weak)) Array tensordot(const Array& a, const Array& b,
                                      std::span<const std::int64_t> axes_a,
                                      std::span<const std::int64_t> axes_b) {
  throw NotImplementedError("tensordot is not written yet");
}
__attribute__((weak)) double norm(const Array& x, const NormOrder& order) {
  throw NotImplementedError("norm is not written yet");
}
__attribute__((weak)) Array diagonal(const Array& x, std::int64_t offset) {
  throw NotImplementedError("diagonal is not written yet");
}
__attribute__((weak)) Array trace(const Array& x, std::int64_t offset) {
  throw NotImplementedError("trace is not written yet");
}
__attribute__((weak)) Lu lu_factor(const Array& a, bool check_finite) {
  throw NotImplementedError("lu_factor is not written yet");
}
__attribute__((weak)) Array lu_solve(const Array& lu, const Array& piv, const Array& b,
                                     Transpose op, bool check_finite) {
  throw NotImplementedError("lu_solve is not written yet");
}
__attribute__((weak)) Qr qr(const Array& a, QrMode mode, bool check_finite) {
  throw NotImplementedError("qr is not written yet");
}
__attribute__((weak)) Svd svd(const Array& a, const SvdOptions& options) {
  throw NotImplementedError("svd is not written yet");
}
__attribute__((weak)) Array svdvals(const Array& a, bool check_finite) {
  throw NotImplementedError("svdvals is not written yet");
}
__attribute__((weak)) Svd svds(const Array& a, std::int64_t k, const SvdsOptions& options) {
  throw NotImplementedError("svds is not written yet");
}
__attribute__((weak)) Eigh eigh(const Array& a, const EighOptions& options) {
  throw NotImplementedError("eigh is not written yet");
}
__attribute__((weak)) Array eigvalsh(const Array& a, const EighOptions& options) {
  throw NotImplementedError("eigvalsh is not written yet");
}
__attribute__((weak)) Eig eig(const Array& a, bool check_finite) {
  throw NotImplementedError("eig is not written yet");
}
__attribute__((weak)) Array eigvals(const Array& a, bool check_finite) {
  throw NotImplementedError("eigvals is not written yet");
}
__attribute__((weak)) Array solve(const Array& a, const Array& b, const SolveOptions& options) {
  throw NotImplementedError("solve is not written yet");
}
__attribute__((weak)) Array solve_triangular(const Array& a, const Array& b,
                                             const TriangularOptions& options) {
  throw NotImplementedError("solve_triangular is not written yet");
}
__attribute__((weak)) Lstsq lstsq(const Array& a, const Array& b, std::optional<double> cond,
                                  bool check_finite) {
  throw NotImplementedError("lstsq is not written yet");
}
__attribute__((weak)) Array inv(const Array& a, bool check_finite) {
  throw NotImplementedError("inv is not written yet");
}
__attribute__((weak)) Array pinv(const Array& a, double atol, std::optional<double> rtol,
                                 bool check_finite) {
  throw NotImplementedError("pinv is not written yet");
}
__attribute__((weak)) Slogdet slogdet(const Array& a, bool check_finite) {
  throw NotImplementedError("slogdet is not written yet");
}
__attribute__((weak)) Array det(const Array& a, bool check_finite) {
  throw NotImplementedError("det is not written yet");
}
__attribute__((weak)) std::int64_t matrix_rank(const Array& a, std::optional<double> tol) {
  throw NotImplementedError("matrix_rank is not written yet");
}
__attribute__((weak)) double cond(const Array& a, const NormOrder& order) {
  throw NotImplementedError("cond is not written yet");
}
__attribute__((weak)) Array matrix_power(const Array& a, std::int64_t n) {
  throw NotImplementedError("matrix_power is not written yet");
}
__attribute__((weak)) Array expm(const Array& a) {
  throw NotImplementedError("expm is not written yet");
}
}  // namespace tessera::linalg::composed
namespace tessera::linalg { __attribute__((weak)) Array tensordot(const Array&, const Array&, std::int64_t) { throw NotImplementedError("tensordot"); } }
