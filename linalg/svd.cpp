#include <tessera/linalg/svd.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include <tessera/linalg/dense.hpp>
#include <tessera/linalg/functions.hpp>
#include <tessera/linalg/scalapack/routines.hpp>
#include <tessera/linalg/tall_qr.hpp>
#include <tessera/runtime/random.hpp>

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

// Standard normal numbers by global index, everywhere.
Array normal_matrix(std::int64_t rows, std::int64_t cols, std::uint32_t seed, DType dtype,
                    const Communicator& comm) {
  constexpr std::uint32_t purpose = 0x73766473;  // "svds"
  const Random random(seed, purpose);
  std::vector<double> values(static_cast<std::size_t>(rows * cols));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = random.normal(i);
  return replicated(values, {rows, cols}, comm).astype(dtype);
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
  const Array a = detail::matrix_argument("svd", given, options.check_finite);
  Svd f;
  if (options.full_matrices || !(is_tall(a.rows(), a.cols()) || is_tall(a.cols(), a.rows()))) {
    f = dense_svd(a, options.full_matrices);
  } else if (is_tall(a.rows(), a.cols())) {
    const TallQr qr(detail::by_rows(a));
    f = dense_svd(qr.r(), false);
    f = {qr.q_times(f.u), f.s.astype(detail::real_of(a.dtype())), f.vh.astype(a.dtype())};
  } else {
    const Svd t = composed::svd(evaluate(adjoint(a)), {.check_finite = false});
    f = {evaluate(adjoint(t.vh)), t.s, evaluate(adjoint(t.u))};
  }
  return {detail::laid_out_like(f.u, given), f.s.to(given.device()),
          detail::laid_out_like(f.vh, given)};
}

Array composed::svdvals(const Array& given, bool check_finite) {
  Array a = detail::matrix_argument("svdvals", given, check_finite);
  if (is_tall(a.cols(), a.rows())) a = evaluate(adjoint(a));
  const DType real = detail::real_of(a.dtype());
  if (is_tall(a.rows(), a.cols())) a = TallQr(detail::by_rows(a)).r();
  return detail::dense({a},
                       [&](const Grid& grid, auto m) -> std::vector<Array> {
                         return {detail::vector_of(scalapack::gesvd(m[0], nullptr, nullptr), real,
                                                   grid.comm())};
                       })[0]
      .to(given.device());
}

Svd composed::svds(const Array& given, std::int64_t k, const SvdsOptions& options) {
  const Array a = detail::matrix_argument("svds", given, true);
  const std::int64_t least = std::min(a.rows(), a.cols());
  if (k < 1 || k > least)
    throw ValueError(fmt::format("svds needs 1 <= k <= {} for shape {}, got {}", least,
                                 to_string(a.shape()), k));
  if (options.n_oversamples < 0 || options.n_iter < 0)
    throw ValueError(fmt::format("svds needs n_oversamples >= 0 and n_iter >= 0, got {} and {}",
                                 options.n_oversamples, options.n_iter));
  const std::int64_t l = std::min(least, k + options.n_oversamples);
  const auto range_of = [](const Array& y) { return linalg::qr(y, QrMode::reduced, false).q; };
  Array q = range_of(
      linalg::matmul(a, normal_matrix(a.cols(), l, options.random_state, a.dtype(), a.comm())));
  for (std::int64_t i = 0; i < options.n_iter; ++i)
    q = range_of(linalg::matmul(a, range_of(linalg::matmul(adjoint(a), q))));
  // b = q^H a is wide; its adjoint is tall: a^H q = w s z^H, so a ~ q b = (q z) s w^H.
  const Svd f = linalg::svd(linalg::matmul(adjoint(a), q), {.check_finite = false});
  const Array z = detail::columns_of(evaluate(adjoint(f.vh)), 0, k - 1);
  const Array w = detail::columns_of(f.u, 0, k - 1);
  std::vector<std::int64_t> leading(static_cast<std::size_t>(k));
  std::iota(leading.begin(), leading.end(), 0);
  return {detail::laid_out_like(linalg::matmul(q, z), given),
          take_rows(f.s, leading).to(given.device()),
          detail::laid_out_like(evaluate(adjoint(w)), given)};
}

}  // namespace tessera::linalg
