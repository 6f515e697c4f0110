#include <tessera/linalg/lstsq.hpp>

#include <algorithm>
#include <complex>

#include <tessera/linalg/dense.hpp>
#include <tessera/linalg/functions.hpp>
#include <tessera/linalg/scalapack/routines.hpp>
#include <tessera/linalg/tall_qr.hpp>

namespace tessera::linalg {
namespace {

using scalapack::Grid;
using scalapack::Matrix;

// [a b], row by row as they are read.
Rows side_by_side(const Array& a, const Array& b) {
  return map_rows(a, {a.rows(), a.cols() + b.cols()}, a.dtype(),
                  [b](const Leaf& leaf, const Tile& out, Stream& stream) {
                    const Tile right = rows_of(b, leaf);
                    copy(stream, leaf.tile, out.columns(0, leaf.tile.cols));
                    copy(stream, right, out.columns(leaf.tile.cols, right.cols));
                  });
}

std::vector<double> sums_of_squares(const Matrix& m, std::int64_t first_row) {
  std::vector<double> sums(static_cast<std::size_t>(m.cols()));
  visit(m.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    m.for_each<T>([&](std::int64_t i, std::int64_t j, const T& x) {
      if (i >= first_row) sums[static_cast<std::size_t>(j)] += std::norm(x);
    });
  });
  m.grid().comm().all_reduce(std::span(sums), Reduce::sum);
  return sums;
}

// x, residues, s and the rank from a = u diag(s) vh: x = v diag(1 / s) u^H b. `cutoff` is relative.
std::vector<Array> minimum_norm(const Grid& grid, const Matrix& a, const Matrix& b, double cutoff) {
  const std::int64_t k = std::min(a.rows(), a.cols());
  const Matrix kept = grid.copy(a.array());
  const Matrix u = grid.zeros(a.rows(), k, a.dtype());
  const Matrix vh = grid.zeros(k, a.cols(), a.dtype());
  const auto s = scalapack::gesvd(a, &u, &vh);
  std::vector<std::complex<double>> inverse;
  for (const double v : s) inverse.push_back(v > cutoff * s[0] ? 1.0 / v : 0.0);
  const Matrix projection = grid.zeros(k, b.cols(), a.dtype());
  const Matrix x = grid.zeros(a.cols(), b.cols(), a.dtype());
  scalapack::gemm(1.0, u, Transpose::conjugate, b, Transpose::no, 0.0, projection);
  scalapack::scale_rows(projection, inverse);
  scalapack::gemm(1.0, vh, Transpose::conjugate, projection, Transpose::no, 0.0, x);
  scalapack::gemm(-1.0, kept, Transpose::no, x, Transpose::no, 1.0, b);
  const auto rank =
      std::count_if(inverse.begin(), inverse.end(), [](auto v) { return v.real() > 0; });
  const auto vector = [&](const std::vector<double>& v) {
    return replicated(v, {std::ssize(v)}, grid.comm());
  };
  return {x.array(), vector(sums_of_squares(b, 0)), vector(s), vector({static_cast<double>(rank)})};
}

}  // namespace

Lstsq composed::lstsq(const Array& given, const Array& b, std::optional<double> cond,
                      bool check_finite) {
  const DType dtype = detail::common_dtype(given.dtype(), b.dtype());
  const Array a = detail::on_host(detail::matrix_argument("lstsq", given, check_finite), dtype);
  const Array rhs = detail::right_hand_side("lstsq", b, a.rows(), dtype, check_finite);
  const std::int64_t m = a.rows();
  const std::int64_t n = a.cols();
  const double cutoff = cond.value_or(detail::eps_of(dtype) * static_cast<double>(std::max(m, n)));
  std::vector<Array> results;
  if (const std::int64_t p = n + rhs.cols(); detail::is_tall(m, p)) {
    // a = q r and b = q c + what no x can reach, for [a b] = q [r c; 0 e].
    const Array left = detail::by_rows(a);
    const Array triangle = TallQr(side_by_side(left, redistribute(rhs, left.distribution()))).r();
    results = detail::dense(
        {detail::columns_of(triangle, 0, n - 1), detail::columns_of(triangle, n, p - 1)},
        [&](const Grid& grid, auto matrices) {
          return minimum_norm(grid, matrices[0], matrices[1], cutoff);
        });
  } else {
    results = detail::dense({a, rhs}, [&](const Grid& grid, auto matrices) {
      return minimum_norm(grid, matrices[0], matrices[1], cutoff);
    });
  }
  Lstsq out;
  out.x = detail::solution_like(detail::on_host(results[0], dtype), b);
  out.rank = static_cast<std::int64_t>(results[3].values<double>()[0]);
  const DType real = detail::real_of(dtype);
  out.residues = m > n && out.rank == n
                     ? results[1].astype(real)
                     : replicated(std::vector<double>{}, {0}, a.comm()).astype(real);
  out.s = results[2].astype(real);
  return out;
}

}  // namespace tessera::linalg
