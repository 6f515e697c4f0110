#include <tessera/linalg/schur.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include <tessera/array/manipulation.hpp>
#include <tessera/linalg/dense.hpp>
#include <tessera/linalg/functions.hpp>
#include <tessera/linalg/multiply.hpp>
#include <tessera/linalg/scalapack/lapack.hpp>
#include <tessera/linalg/scalapack/routines.hpp>
#include <tessera/runtime/visit.hpp>

namespace tessera::linalg {
namespace {

using scalapack::Grid;
using scalapack::Matrix;
using Results = std::vector<Array>;

scalapack::Order order_of(EigenOrder order) { return static_cast<scalapack::Order>(order); }

Array counted(std::int64_t n, const Grid& grid) {
  return replicated(std::vector{n}, {1}, grid.comm());
}
Array listed(const std::vector<std::int64_t>& values, const Grid& grid) {
  return replicated(values, {std::ssize(values)}, grid.comm());
}

}  // namespace

Schur composed::schur(const Array& given, bool complex, EigenOrder order, bool check_finite) {
  Array a = detail::square_argument("schur", given, check_finite);
  if (complex) a = detail::on_host(a, detail::complex_of(a.dtype()));
  const auto r = detail::lapack_like(given, "schur", {a}, [&](const Grid& grid, auto m) -> Results {
    const Matrix z = grid.empty(a.rows(), a.rows(), a.dtype());
    std::int64_t leading = 0;
    scalapack::lapack().gees(m[0], z, order_of(order), leading);
    return {m[0].array(), z.array(), counted(leading, grid)};
  });
  return {r[0], r[1], gather(r[2]).to(cpu).values<std::int64_t>()[0]};
}

// A triangle in 2 x 2 blocks is a Hessenberg matrix: what is left are a few rotations.
Schur composed::rsf2csf(const Array& t, const Array& z, bool check_finite) {
  detail::require_together("rsf2csf", t, z);
  const Array whole = detail::square_argument("rsf2csf", t, check_finite);
  const Array basis = detail::matrix_argument("rsf2csf", z, check_finite);
  if (basis.cols() != whole.rows())
    throw ValueError(fmt::format("rsf2csf needs a z of {} columns, got shape {}", whole.rows(),
                                 to_string(z.shape())));
  const Schur f = linalg::schur(whole, true);
  return {detail::laid_out_like(f.t, t), detail::laid_out_like(linalg::matmul(basis, f.z), z), 0};
}

Hessenberg composed::hessenberg(const Array& given, bool check_finite) {
  const Array a = detail::square_argument("hessenberg", given, check_finite);
  const auto r =
      detail::lapack_like(given, "hessenberg", {a}, [&](const Grid& grid, auto m) -> Results {
        const Matrix q = grid.identity(a.rows(), a.dtype());
        if (a.rows() > 2) scalapack::lapack().gehrd(m[0], q);
        return {m[0].array(), q.array()};
      });
  return {r[0], r[1]};
}

Qz composed::qz(const Array& given, const Array& other, bool complex, EigenOrder order,
                bool check_finite) {
  detail::require_together("qz", given, other);
  DType dtype = detail::common_dtype(given.dtype(), other.dtype());
  if (complex) dtype = detail::complex_of(dtype);
  const Array a = detail::on_host(detail::square_argument("qz", given, check_finite), dtype);
  const Array b = detail::on_host(detail::square_argument("qz", other, check_finite), dtype);
  if (a.shape() != b.shape())
    throw ValueError(fmt::format("qz needs two matrices of one shape, got {} and {}",
                                 to_string(a.shape()), to_string(b.shape())));
  const auto r = detail::lapack_like(given, "qz", {a, b}, [&](const Grid& grid, auto m) -> Results {
    const Matrix q = grid.empty(a.rows(), a.rows(), dtype);
    const Matrix z = grid.empty(a.rows(), a.rows(), dtype);
    scalapack::lapack().gges(m[0], m[1], q, z, order_of(order));
    return {m[0].array(), m[1].array(), q.array(), z.array()};
  });
  return {r[0], r[1], r[2], r[3]};
}

Ldl composed::ldl(const Array& given, bool lower, bool hermitian, bool check_finite) {
  const Array a = detail::square_argument("ldl", given, check_finite);
  const auto r = detail::lapack_like(given, "ldl", {a}, [&](const Grid& grid, auto m) -> Results {
    const Matrix d = grid.empty(a.rows(), a.rows(), a.dtype());
    const Matrix whole = grid.empty(a.rows(), a.rows(), a.dtype());
    std::vector<std::int64_t> order;
    if (a.rows() > 0) order = scalapack::lapack().sytrf(m[0], lower, hermitian, d);
    visit_inexact(a.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      const std::int64_t n = a.rows();
      m[0].template for_each<T>([&](std::int64_t i, std::int64_t j, const T& x) {
        whole.data<T>()[order[static_cast<std::size_t>(i)] + j * n] = x;
      });
    });
    return {whole.array(), d.array(), listed(order, grid)};
  });
  return {r[0], r[1], r[2]};
}

Balanced composed::matrix_balance(const Array& given, bool permute, bool scale) {
  const Array a = detail::square_argument("matrix_balance", given, true);
  const DType real = detail::real_of(a.dtype());
  const auto r =
      detail::lapack_like(given, "matrix_balance", {a}, [&](const Grid& grid, auto m) -> Results {
        const auto balance = scalapack::lapack().gebal(m[0], permute, scale);
        const Matrix t = grid.zeros(a.rows(), a.rows(), real);
        visit_floating(real, [&](auto tag) {
          using T = typename decltype(tag)::type;
          for (std::size_t i = 0; i < balance.order.size(); ++i)
            t.data<T>()[balance.order[i] + static_cast<std::int64_t>(i) * a.rows()] =
                static_cast<T>(balance.scale[i]);
        });
        return {m[0].array(), t.array(), detail::vector_of(balance.scale, real, grid.comm()),
                listed(balance.order, grid)};
      });
  return {r[0], r[1], r[2], r[3]};
}

Cossin composed::cossin(const Array& given, std::int64_t p, std::int64_t q, bool swap_sign) {
  const Array x = detail::square_argument("cossin", given, true);
  const std::int64_t n = x.rows();
  if (!(0 < p && p < n && 0 < q && q < n))
    throw ValueError(
        fmt::format("cossin needs 0 < p < {} and 0 < q < {}, got p = {} and q = {}", n, n, p, q));
  const auto r =
      detail::lapack_like(given, "cossin", {x}, [&](const Grid& grid, auto m) -> Results {
        const auto square = [&](std::int64_t k) { return grid.zeros(k, k, x.dtype()); };
        const Matrix u1 = square(p), u2 = square(n - p), v1h = square(q), v2h = square(n - q);
        const auto angles = scalapack::lapack().uncsd(m[0], u1, u2, v1h, v2h, swap_sign);
        return {u1.array(), u2.array(),
                detail::vector_of(angles, detail::real_of(x.dtype()), grid.comm()), v1h.array(),
                v2h.array()};
      });
  return {r[0], r[1], r[2], r[3], r[4]};
}

Array block_diagonal(const Array& a, const Array& b) {
  const auto zero = [&](std::int64_t rows, std::int64_t cols) {
    return zeros({rows, cols}, a.dtype(), a.comm());
  };
  const std::array<Array, 2> top = {a, zero(a.rows(), b.cols())},
                             bottom = {zero(b.rows(), a.cols()), b};
  const std::array<Array, 2> rows = {concat(top, 1), concat(bottom, 1)};
  return concat(rows, 0);
}

// The blocks of LAPACK's documentation of ?orcsd: ones where p, q and their rests differ.
Array cossin_middle(const Cossin& f, bool swap_sign) {
  const std::int64_t p = f.u1.rows(), q = f.v1h.rows(), m = p + f.u2.rows(), r = f.theta.rows();
  const std::int64_t n11 = std::min(p, q) - r, n12 = std::min(p, m - q) - r;
  const std::int64_t n21 = std::min(m - p, q) - r, n22 = std::min(m - p, m - q) - r;
  const Array angles = gather(f.theta).to(cpu).astype(DType::float64);
  const auto theta = angles.values<double>();
  std::vector<double> cs(static_cast<std::size_t>(m * m));
  const auto place = [&](std::int64_t row, std::int64_t col, std::int64_t count,
                         const auto& value) {
    for (std::int64_t i = 0; i < count; ++i)
      cs[static_cast<std::size_t>((row + i) * m + col + i)] = value(static_cast<std::size_t>(i));
  };
  const double sign = swap_sign ? -1.0 : 1.0;
  const auto ones = [](double v) { return [v](std::size_t) { return v; }; };
  const auto cosine = [&](std::size_t i) { return std::cos(theta[i]); };
  place(0, 0, n11, ones(1));
  place(n11, n11, r, cosine);
  place(n11, q + n22, r, [&](std::size_t i) { return -sign * std::sin(theta[i]); });
  place(n11 + r, q + n22 + r, n12, ones(-sign));
  place(p, q, n22, ones(1));
  place(p + n22, n11, r, [&](std::size_t i) { return sign * std::sin(theta[i]); });
  place(p + n22, q + n22, r, cosine);
  place(p + n22 + r, n11 + r, n21, ones(sign));
  return detail::laid_out_like(replicated(cs, {m, m}, f.theta.comm()).astype(f.theta.dtype()),
                               f.u1);
}

}  // namespace tessera::linalg
