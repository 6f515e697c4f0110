#include <tessera/linalg/lstsq.hpp>

#include <algorithm>
#include <complex>

#include <tessera/linalg/dense.hpp>
#include <tessera/linalg/functions.hpp>
#include <tessera/linalg/multiply.hpp>
#include <tessera/linalg/scalapack/routines.hpp>
#include <tessera/linalg/tsqr.hpp>
#include <tessera/runtime/visit.hpp>

namespace tessera::linalg {
namespace {

using scalapack::Grid;

// [a b], row by row as they are read.
Rows side_by_side(const Array& a, const Array& b) {
  return map_rows(zip(a, {b}), {a.rows(), a.cols() + b.cols()}, a.dtype(),
                  [](const Leaf& leaf, const Tile& out, Stream& stream) {
                    const Tile& right = leaf.beside[0];
                    copy(stream, leaf.tile, out.columns(0, leaf.tile.cols));
                    copy(stream, right, out.columns(leaf.tile.cols, right.cols));
                  });
}

// The squared 2-norm of each column of b - a x.
std::vector<double> squared_residuals(const Array& a, const Array& x, const Array& b) {
  const auto sums = detail::dense({a, x, b}, [](const Grid& grid, auto m) -> std::vector<Array> {
    scalapack::gemm(-1.0, m[0], Transpose::no, m[1], Transpose::no, 1.0, m[2]);
    std::vector<double> of_column(static_cast<std::size_t>(m[2].cols()));
    visit_inexact(m[2].dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      m[2].template for_each<T>([&](std::int64_t, std::int64_t j, const T& v) {
        of_column[static_cast<std::size_t>(j)] += std::norm(v);
      });
    });
    grid.comm().all_reduce(std::span(of_column), Reduce::sum);
    return {detail::vector_of(of_column, DType::float64, grid.comm())};
  });
  const auto values = sums[0].values<double>();
  return {values.begin(), values.end()};
}

}  // namespace

Lstsq composed::lstsq(const Array& given, const Array& b, std::optional<double> cond,
                      bool check_finite) {
  detail::require_together("lstsq", given, b);
  const DType dtype = detail::common_dtype(given.dtype(), b.dtype());
  int exponent = 0;
  Array a = detail::on_host(detail::matrix_argument("lstsq", given, check_finite, exponent), dtype);
  Array rhs = detail::right_hand_side("lstsq", b, a.rows(), dtype, false);
  const int of_b = detail::exponent_for(
      check_finite ? detail::require_finite("lstsq", rhs) : detail::largest_magnitude(rhs), dtype);
  rhs = detail::times_power(rhs, of_b);
  // Squares and what is near: their larger extent; beyond four times as long, rounding does not
  // grow.
  const double extent =
      static_cast<double>(std::min(std::max(a.rows(), a.cols()), 4 * std::min(a.rows(), a.cols())));
  const double relative = cond.value_or(detail::eps_of(dtype) * extent);
  detail::require_tolerance("lstsq", "cond", relative);
  const bool overdetermined = a.rows() > a.cols();
  const std::int64_t n = a.cols();
  if (!check_finite) detail::require_convergence("the SVD", a);
  // What is not finite in b stays in its columns.
  const bool finite = check_finite || detail::is_finite(rhs);
  if (const std::int64_t p = n + rhs.cols(); finite && detail::is_tall(a.rows(), p)) {
    // a = q r and b = q c + what no x can reach, for [a b] = q [r c; 0 e].
    const Array left = detail::by_rows(a);
    const Array triangle = TallQr(side_by_side(left, redistribute(rhs, left.distribution()))).r();
    a = detail::columns_of(triangle, 0, n - 1);
    rhs = detail::columns_of(triangle, n, p - 1);
  }
  // a = u diag(s) vh: x = v diag(s)^+ u^H b.
  const Svd f = linalg::svd(a, {.check_finite = false});
  const Array values = f.s.to(cpu).astype(DType::float64);
  const auto s = values.values<double>();
  const double least = s.empty() ? 0.0 : relative * s[0];
  const Array projection = detail::divided_rows(linalg::matmul(adjoint(f.u), rhs), s, least);
  const Array x = linalg::matmul(adjoint(f.vh), projection);
  Lstsq out;
  out.x = detail::solution_like(
      detail::times_power(detail::on_host(x, dtype), exponent - of_b, "lstsq: x"), b);
  out.rank = std::count_if(s.begin(), s.end(), [&](double v) { return v > least; });
  const DType real = detail::real_of(dtype);
  out.s = detail::times_power(values.astype(real), -exponent, "lstsq: s").to(b.device());
  const auto residues =
      overdetermined && out.rank == n ? squared_residuals(a, x, rhs) : std::vector<double>{};
  out.residues = scaled_back(residues, -2 * of_b, {std::ssize(residues)}, real, given.comm(),
                             "lstsq: residues")
                     .to(b.device());
  return out;
}

}  // namespace tessera::linalg
