#include <tessera/linalg/equations.hpp>

#include <fmt/format.h>

#include <array>
#include <cmath>

#include <tessera/array/creation.hpp>
#include <tessera/array/elementwise.hpp>
#include <tessera/array/indexing.hpp>
#include <tessera/array/manipulation.hpp>
#include <tessera/linalg/dense.hpp>
#include <tessera/linalg/functions.hpp>
#include <tessera/linalg/multiply.hpp>
#include <tessera/linalg/scalapack/lapack.hpp>
#include <tessera/linalg/scalapack/routines.hpp>

namespace tessera::linalg {
namespace {

using scalapack::Grid;
using scalapack::Matrix;

// Square matrices in one dtype, by rows.
std::vector<Array> together_as_squares(std::string_view function, const std::vector<Array>& given) {
  DType dtype = detail::common_dtype(given[0].dtype());
  for (const Array& x : given) {
    detail::require_together(function, given[0], x);
    dtype = detail::common_dtype(dtype, x.dtype());
  }
  std::vector<Array> all;
  for (const Array& x : given)
    all.push_back(detail::on_host(
        detail::by_rows(detail::square_argument(function, detail::at_least_2d(x), true)), dtype));
  return all;
}

void require_shape(std::string_view function, std::string_view name, const Array& x,
                   const Shape& shape) {
  if (x.shape() != shape)
    throw ValueError(fmt::format("{} needs {} of shape {}, got {}", function, name,
                                 to_string(shape), to_string(x.shape())));
}

Array sylvester(std::string_view function, const Array& given_a, const Array& given_b,
                const Array& given_q) {
  const auto squares = together_as_squares(function, {given_a, given_b});
  const std::int64_t m = squares[0].rows(), n = squares[1].rows();
  detail::require_together(function, given_a, given_q);
  const DType dtype = detail::common_dtype(squares[0].dtype(), given_q.dtype());
  const Array q = detail::on_host(detail::matrix_argument(function, given_q, true), dtype);
  require_shape(function, "q", q, {m, n});
  if (q.size() == 0) return detail::laid_out_like(q, given_q);
  const Array a = detail::on_host(squares[0], dtype), b = detail::on_host(squares[1], dtype);
  return detail::lapack_like(
      given_q, function, {a, b, q}, [&](const Grid& grid, auto x) -> std::vector<Array> {
        const Matrix u = grid.empty(m, m, dtype), v = grid.empty(n, n, dtype);
        std::int64_t leading = 0;
        scalapack::lapack().gees(x[0], u, scalapack::Order::none, leading);
        scalapack::lapack().gees(x[1], v, scalapack::Order::none, leading);
        const Matrix half = grid.empty(m, n, dtype), f = grid.empty(m, n, dtype);
        scalapack::gemm(1.0, u, Transpose::conjugate, x[2], Transpose::no, 0.0, half);
        scalapack::gemm(1.0, half, Transpose::no, v, Transpose::no, 0.0, f);
        scalapack::lapack().trsyl(x[0], x[1], 1, f);
        scalapack::gemm(1.0, u, Transpose::no, f, Transpose::no, 0.0, half);
        scalapack::gemm(1.0, half, Transpose::no, v, Transpose::conjugate, 0.0, f);
        return {f.array()};
      })[0];
}

Array joined(const std::vector<Array>& parts, std::int64_t axis) { return concat(parts, axis); }
Array blocks(const std::vector<std::vector<Array>>& rows) {
  std::vector<Array> all;
  for (const auto& row : rows) all.push_back(joined(row, 1));
  return joined(all, 0);
}
Array adjoint_of(const Array& x) { return detail::by_rows(evaluate(adjoint(x))); }
Array part(const Array& x, Slice rows, Slice cols) { return index(x, {rows, cols}); }

// Both Riccati equations: the pencil (h, j) of 2 m + n rows without what r's columns eliminate has
// a stable subspace [u; v], and x = v u^-1.
Array riccati(const char* function, bool continuous, const Array& given_a, const Array& given_b,
              const Array& given_q, const Array& given_r, const Array& given_e,
              const Array& given_s) {
  std::vector<Array> squares = {given_a, given_q, given_r};
  if (given_e) squares.push_back(given_e);
  squares = together_as_squares(function, squares);
  detail::require_together(function, given_a, given_b);
  Array b = detail::by_rows(detail::matrix_argument(function, detail::at_least_2d(given_b), true));
  DType dtype = detail::common_dtype(squares[0].dtype(), b.dtype());
  if (given_s) dtype = detail::common_dtype(dtype, given_s.dtype());
  for (Array& x : squares) x = detail::on_host(x, dtype);
  b = detail::on_host(b, dtype);
  const Array &a = squares[0], &q = squares[1], &r = squares[2];
  const std::int64_t m = a.rows(), n = r.rows();
  if (m == 0 || n == 0)
    throw ValueError(fmt::format("{} needs matrices that are not empty", function));
  require_shape(function, "b", b, {m, n});
  require_shape(function, "q", q, {m, m});
  for (const auto& [name, x] : {std::pair{"q", q}, std::pair{"r", r}})
    if (linalg::norm(x - adjoint_of(x), 1.0) > 100 * detail::eps_of(dtype) * linalg::norm(x, 1.0))
      throw ValueError(fmt::format("{} needs a Hermitian {}", function, name));
  const auto zero = [&](std::int64_t rows, std::int64_t cols) {
    return zeros({rows, cols}, dtype, a.comm());
  };
  const Array e = given_e ? squares[3] : eye(m, {}, 0, dtype, a.comm());
  require_shape(function, "e", e, {m, m});
  // In double precision, where what float32 holds is singular or not.
  const auto require_regular = [&](std::string_view name, const Array& x) {
    if (!(linalg::cond(x.astype(is_complex(dtype) ? DType::complex128 : DType::float64)) < 0x1p52))
      throw LinAlgError(fmt::format("{} needs a nonsingular {}", function, name));
  };
  if (continuous) require_regular("r", r);
  if (given_e) require_regular("e", e);
  const Array s =
      given_s ? detail::on_host(detail::by_rows(detail::matrix_argument(function, given_s, true)),
                                dtype)
              : zero(m, n);
  require_shape(function, "s", s, {m, n});
  const Array a_h = adjoint_of(a), e_h = adjoint_of(e), b_h = adjoint_of(b), s_h = adjoint_of(s);
  Array h, j;
  if (continuous) {
    h = blocks({{a, zero(m, m), b}, {negative(q), negative(a_h), negative(s)}, {s_h, b_h, r}});
    j = blocks({{e, zero(m, m)}, {zero(m, m), e_h}, {zero(n, m), zero(n, m)}});
  } else {
    h = blocks({{a, zero(m, m), b}, {negative(q), e_h, negative(s)}, {s_h, zero(n, m), r}});
    j = blocks({{e, zero(m, m)}, {zero(m, m), a_h}, {zero(n, m), negative(b_h)}});
  }
  // Powers of two that bring rows and columns of the pencil to similar norms; those of the first 2
  // m are inverse to each other, which keeps its structure.
  const Array sizes = abs(h) + abs(joined({j, zero(2 * m + n, n)}, 1));
  const Array scale = linalg::matrix_balance(triu(sizes, 1) + tril(sizes, -1), false).scale;
  const Array wide = gather(scale).to(cpu).astype(DType::float64);
  const auto found = wide.values<double>();
  std::vector<double> factors(found.begin(), found.end());
  for (std::size_t i = 0, k = static_cast<std::size_t>(m); i < k; ++i) {
    const double exponent = std::round((std::log2(found[i + k]) - std::log2(found[i])) / 2);
    factors[i] = std::exp2(exponent);
    factors[i + k] = std::exp2(-exponent);
  }
  const Array by = detail::vector_of(factors, detail::real_of(dtype), a.comm());
  const Array down = reshape(by, {2 * m + n, 1}), across = reshape(by, {1, 2 * m + n});
  h = h * down / across;
  j = j * down / part(across, {}, Slice{0, 2 * m});
  const Array of_u = part(down, Slice{0, m}, {});
  const Qr f = linalg::qr(part(h, {}, Slice{2 * m}), QrMode::complete);
  const Array rest = part(detail::by_rows(f.q), {}, Slice{n});
  const Array h_rest = linalg::matmul(adjoint(rest), part(h, {}, Slice{0, 2 * m}));
  const Array j_rest = linalg::matmul(adjoint(rest), j);
  const Qz ordered =
      linalg::qz(h_rest, j_rest, false, continuous ? EigenOrder::lhp : EigenOrder::iuc);
  const Array z = detail::by_rows(ordered.z);
  Array u = part(z, Slice{0, m}, Slice{0, m}) / of_u;
  const Array v = part(z, Slice{m}, Slice{0, m}) * of_u;
  if (given_e) u = linalg::matmul(e, u);
  // x u = v, so u^H x = v^H for a Hermitian x.
  const Array x = detail::by_rows(
      linalg::solve(adjoint_of(u), adjoint_of(v), {.assume_a = Structure::general}));
  const Array product = linalg::matmul(adjoint(u), v);
  const double size = linalg::norm(product, 1.0);
  if (linalg::norm(product - adjoint_of(product), 1.0) >
      std::max(1000 * detail::eps_of(dtype), 0.1 * size))
    throw LinAlgError(fmt::format(
        "{} finds no stabilising solution: the pencil has eigenvalues (close) on the border",
        function));
  return detail::laid_out_like((x + adjoint_of(x)) * 0.5, given_q);
}

}  // namespace

Array composed::solve_sylvester(const Array& a, const Array& b, const Array& q) {
  return sylvester("solve_sylvester", a, b, q);
}

Array composed::solve_continuous_lyapunov(const Array& a, const Array& q) {
  const auto both = together_as_squares("solve_continuous_lyapunov", {a, q});
  return detail::laid_out_like(
      sylvester("solve_continuous_lyapunov", both[0], adjoint_of(both[0]), both[1]), q);
}

Array composed::solve_discrete_lyapunov(const Array& given, const Array& given_q,
                                        std::optional<bool> direct) {
  const auto both = together_as_squares("solve_discrete_lyapunov", {given, given_q});
  const Array &a = both[0], &q = both[1];
  const std::int64_t n = a.rows();
  require_shape("solve_discrete_lyapunov", "q", q, {n, n});
  if (n == 0) return detail::laid_out_like(q, given_q);
  const Array one = eye(n, {}, 0, a.dtype(), a.comm());
  if (direct.value_or(n < 10)) {  // row by row, a x a^H is kron(a, conj(a)) x
    const Array kron =
        reshape(reshape(a, {n, 1, n, 1}) * reshape(conj(a), {1, n, 1, n}), {n * n, n * n});
    const Array x = linalg::solve(eye(n * n, {}, 0, a.dtype(), a.comm()) - kron,
                                  reshape(q, {n * n}), {.assume_a = Structure::general});
    return detail::laid_out_like(reshape(detail::by_rows(x), {n, n}), given_q);
  }
  const Array a_h = adjoint_of(a);
  const Array inverse = detail::by_rows(linalg::inv(a_h + one));
  const Array b = linalg::matmul(a_h - one, inverse);
  const Array c = linalg::matmul(linalg::matmul(linalg::inv(a + one), q), inverse) * 2.0;
  return detail::laid_out_like(
      sylvester("solve_discrete_lyapunov", adjoint_of(b), b, negative(detail::by_rows(c))),
      given_q);
}

Array composed::solve_continuous_are(const Array& a, const Array& b, const Array& q, const Array& r,
                                     const Array& e, const Array& s) {
  return riccati("solve_continuous_are", true, a, b, q, r, e, s);
}
Array composed::solve_discrete_are(const Array& a, const Array& b, const Array& q, const Array& r,
                                   const Array& e, const Array& s) {
  return riccati("solve_discrete_are", false, a, b, q, r, e, s);
}

}  // namespace tessera::linalg
