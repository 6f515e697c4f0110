#include <tessera/linalg/svd.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include <tessera/linalg/dense.hpp>
#include <tessera/linalg/functions.hpp>
#include <tessera/linalg/scalapack/routines.hpp>
#include <tessera/linalg/tsqr.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/memory.hpp>

namespace tessera::linalg {
namespace {

using scalapack::Grid;
using scalapack::Matrix;

using detail::is_tall;

// u (m x k) with further columns that make it an orthonormal basis of all m dimensions.
Matrix completed(const Matrix& u) {
  const Matrix copy = u.grid().copy(u.array());
  const Matrix q = scalapack::geqrf(copy, u.rows());
  scalapack::assign_first_columns(u, q);
  return q;
}

// Before all the work that comes first.
void require_room_for_all_dimensions(const Array& a) {
  const std::int64_t n = std::max(a.rows(), a.cols());
  const std::int64_t parts = detail::fits_one_process(a.shape()) ? 1 : a.comm().size();
  constexpr std::int64_t most = std::numeric_limits<int>::max();
  if (n > most || n * n / parts > most)
    throw ValueError(fmt::format(
        "svd: full_matrices of {0} x {0} elements are beyond LAPACK's 32-bit indices", n));
  const auto bytes = static_cast<std::uint64_t>(n * n / parts) * size_of(a.dtype());
  if (bytes > std::uint64_t{1} << 30)
    require_memory(2 * bytes, fmt::format("svd with full_matrices of {0} x {0} elements", n),
                   "full_matrices=False does without", a.comm());
}

Svd dense_svd(const Array& a, bool full_matrices) {
  const std::int64_t k = std::min(a.rows(), a.cols());
  const auto results = detail::dense({a}, [&](const Grid& grid, auto m) -> std::vector<Array> {
    Matrix u = grid.zeros(a.rows(), k, a.dtype());
    Matrix vh = grid.zeros(k, a.cols(), a.dtype());
    const auto s = scalapack::gesvd(m[0], &u, &vh);
    if (full_matrices && u.rows() > k) u = completed(u);
    if (full_matrices && vh.cols() > k)
      vh = scalapack::transposed(completed(scalapack::transposed(vh, Transpose::conjugate)),
                                 Transpose::conjugate);
    return {u.array(), detail::vector_of(s, detail::real_of(a.dtype()), grid.comm()), vh.array()};
  });
  return {results[0], results[1], results[2]};
}

}  // namespace

Svd composed::svd(const Array& given, const SvdOptions& options) {
  int exponent = 0;
  const Array a = detail::matrix_argument("svd", given, options.check_finite, exponent);
  if (!options.check_finite) detail::require_convergence("the SVD", a);
  if (options.full_matrices) require_room_for_all_dimensions(a);
  Svd f;
  if (options.full_matrices || !(is_tall(a.rows(), a.cols()) || is_tall(a.cols(), a.rows()))) {
    f = dense_svd(a, options.full_matrices);
  } else if (is_tall(a.rows(), a.cols())) {
    const TallQr qr(detail::by_rows(a));
    f = dense_svd(qr.r(), false);
    f = {qr.q_times(f.u), f.s.astype(detail::real_of(a.dtype())), f.vh.astype(a.dtype())};
  } else {
    const Svd t = linalg::svd(evaluate(adjoint(a)), {.check_finite = false});
    f = {evaluate(adjoint(t.vh)), t.s, evaluate(adjoint(t.u))};
  }
  f.s = detail::times_power(f.s, -exponent, "svd: s");
  return {detail::laid_out_like(f.u, given), f.s.to(given.device()),
          detail::laid_out_like(f.vh, given)};
}

Array composed::svdvals(const Array& given, bool check_finite) {
  int exponent = 0;
  Array a = detail::matrix_argument("svdvals", given, check_finite, exponent);
  if (!check_finite) detail::require_convergence("the SVD", a);
  if (is_tall(a.cols(), a.rows())) a = evaluate(adjoint(a));
  const DType real = detail::real_of(a.dtype());
  if (is_tall(a.rows(), a.cols())) a = TallQr(detail::by_rows(a)).r();
  const auto values = detail::dense({a}, [&](const Grid& grid, auto m) -> std::vector<Array> {
    return {detail::vector_of(scalapack::gesvd(m[0], nullptr, nullptr), real, grid.comm())};
  });
  return detail::times_power(values[0], -exponent, "svdvals: s").to(given.device());
}

}  // namespace tessera::linalg
