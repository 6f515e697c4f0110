#include <tessera/linalg/lu.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include <tessera/array/creation.hpp>
#include <tessera/array/elementwise.hpp>
#include <tessera/array/indexing.hpp>
#include <tessera/array/manipulation.hpp>
#include <tessera/linalg/dense.hpp>
#include <tessera/linalg/functions.hpp>
#include <tessera/linalg/multiply.hpp>
#include <tessera/linalg/scalapack/routines.hpp>
#include <tessera/runtime/runtime.hpp>

namespace tessera::linalg {

namespace {

// LU, pivots, the first zero on U's diagonal, and how much elements grew.
std::vector<Array> factor(const Array& a) {
  return detail::dense({a}, [](const scalapack::Grid& grid, auto matrices) -> std::vector<Array> {
    const scalapack::Matrix& lu = matrices[0];
    const int exponent = scalapack::rescale(lu, scalapack::Part::whole, true);
    const double before = scalapack::largest(lu);
    scalapack::Pivots pivots;
    const std::int64_t zero = scalapack::getrf(lu, pivots);
    const auto all = scalapack::gather_pivots(lu, pivots);
    const double growth = scalapack::largest(lu, scalapack::Part::upper) / before;
    scalapack::scale_by_power(lu, exponent, scalapack::Part::upper);
    return {lu.array(), replicated(all, {std::ssize(all)}, grid.comm()),
            replicated(std::vector{zero}, {1}, grid.comm()),
            replicated(std::vector{growth}, {1}, grid.comm())};
  });
}

}  // namespace

Lu composed::lu_factor(const Array& given, bool check_finite) {
  const Array a = detail::matrix_argument("lu_factor", given, check_finite);
  const auto results = factor(a);
  if (const auto zero = results[2].values<std::int64_t>()[0])
    warn(fmt::format("lu_factor: the matrix is singular, U[{0}, {0}] is exactly zero", zero - 1),
         "LinAlgWarning");
  const double growth = results[3].values<double>()[0];  // NaN for a matrix with infinities
  if (growth > 1.0 / detail::eps_of(a.dtype()))
    warn(fmt::format("lu_factor: elements grew by {:.2g} in the elimination, the factors may not "
                     "be accurate",
                     growth),
         "LinAlgWarning");
  return {detail::laid_out_like(results[0], given), results[1].to(given.device())};
}

Array composed::lu_solve(const Array& lu, const Array& piv, const Array& b, Transpose op,
                         bool check_finite) {
  detail::require_together("lu_solve", lu, b);
  detail::require_together("lu_solve", lu, piv);
  const Array factors = detail::square_argument("lu_solve", lu, check_finite);
  const std::int64_t n = factors.rows();
  const DType dtype = detail::common_dtype(lu.dtype(), b.dtype());
  const Array rhs = detail::right_hand_side("lu_solve", b, n, dtype, check_finite);
  if (piv.shape() != Shape{n} ||
      (n > 0 && piv.dtype() != DType::int64 && piv.dtype() != DType::int32))
    throw ValueError(fmt::format("lu_solve needs {} int32 or int64 pivots, got {} of shape {}", n,
                                 name_of(piv.dtype()), to_string(piv.shape())));
  const Array order = gather(piv).to(cpu).astype(DType::int64);
  const auto given = order.values<std::int64_t>();
  for (const std::int64_t p : given)
    if (p < 0 || p >= n)
      throw ValueError(fmt::format("lu_solve needs pivots in [0, {}), got {}", n, p));
  const auto result = detail::dense(
      {detail::on_host(factors, dtype), rhs},
      [&](const auto&, auto matrices) -> std::vector<Array> {
        scalapack::require_nonzero_diagonal(matrices[0]);
        scalapack::getrs(op, matrices[0],
                         scalapack::scatter_pivots(matrices[0], {given.begin(), given.end()}),
                         matrices[1]);
        return {matrices[1].array()};
      });
  return detail::solution_like(result[0], b);
}

PLu composed::lu(const Array& given, bool permute_l, bool p_indices, bool check_finite) {
  const Array a = detail::matrix_argument("lu", given, check_finite);
  const std::int64_t m = a.rows(), k = std::min(m, a.cols());
  const auto results = factor(a);
  const Array both = detail::by_rows(results[0]);
  std::vector<std::int64_t> order(static_cast<std::size_t>(m)), where_to(order);
  std::iota(order.begin(), order.end(), 0);
  const auto pivots = results[1].values<std::int64_t>();
  for (std::size_t i = 0; i < pivots.size(); ++i)
    std::swap(order[i], order[static_cast<std::size_t>(pivots[i])]);
  for (std::size_t i = 0; i < order.size(); ++i)
    where_to[static_cast<std::size_t>(order[i])] = static_cast<std::int64_t>(i);
  const Array p = replicated(where_to, {m}, a.comm());
  const auto lay = [&](const Array& x) { return detail::laid_out_like(x, given); };
  Array l = tril(index(both, {Ellipsis{}, Slice{0, k}}), -1) + eye(m, k, 0, a.dtype(), a.comm());
  if (permute_l) l = tessera::take(l, p, 0);
  const Array u = triu(index(both, {Slice{0, k}}));
  if (permute_l || p_indices) return {p.to(given.device()), lay(l), lay(u)};
  const Array columns = tessera::arange(0, static_cast<double>(m), 1, DType::int64, a.comm());
  const Array matrix =
      (reshape(p, {m, 1}) == reshape(columns, {1, m})).astype(detail::real_of(a.dtype()));
  return {lay(matrix), lay(l), lay(u)};
}

}  // namespace tessera::linalg
