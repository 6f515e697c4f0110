#include <tessera/linalg/qr.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <numeric>

#include <tessera/array/creation.hpp>
#include <tessera/array/indexing.hpp>
#include <tessera/array/manipulation.hpp>
#include <tessera/linalg/dense.hpp>
#include <tessera/linalg/functions.hpp>
#include <tessera/linalg/multiply.hpp>
#include <tessera/linalg/scalapack/lapack.hpp>
#include <tessera/linalg/scalapack/pivots.hpp>
#include <tessera/linalg/scalapack/routines.hpp>
#include <tessera/linalg/tsqr.hpp>
#include <tessera/runtime/visit.hpp>

namespace tessera::linalg {
namespace {

using scalapack::Grid;
using scalapack::Matrix;

// The first rows of a matrix. Columns are what lies together, hence the two transpositions.
Matrix first_rows(const Matrix& a, std::int64_t rows) {
  if (rows == a.rows()) return a;
  const Matrix columns = a.grid().empty(a.cols(), rows, a.dtype());
  scalapack::assign_first_columns(scalapack::transposed(a, Transpose::yes), columns);
  return scalapack::transposed(columns, Transpose::yes);
}

// q, of k columns if there are any, and the k rows of r that `factored` has, of a positive
// diagonal.
std::vector<Array> normalised(const Matrix& q, const Matrix& factored, std::int64_t k,
                              int exponent) {
  const Matrix r = first_rows(factored, k);
  auto phases = scalapack::diagonal_of(r);  // q r = (q f) (conj(f) r)
  for (auto& f : phases) f = f == 0.0 ? 1.0 : f / std::abs(f);
  phases.resize(static_cast<std::size_t>(k), 1.0);
  if (q.cols() > 0) scalapack::scale_columns(q, phases);
  for (auto& f : phases) f = std::conj(f);
  scalapack::scale_rows(r, phases);
  scalapack::scale_by_power(r, exponent);
  scalapack::zero_triangle(r, true);  // at last, for 0 times NaN is NaN
  return {q.array(), r.array()};
}

// k columns of q and rows of r.
std::vector<Array> dense_qr(const Array& a, bool with_q, std::int64_t k) {
  return detail::dense({a}, [&](const Grid&, auto matrices) -> std::vector<Array> {
    const int exponent = scalapack::rescale(matrices[0], scalapack::Part::whole, true);
    const Matrix q = scalapack::geqrf(matrices[0], with_q ? k : 0);
    return normalised(q, matrices[0], k, exponent);
  });
}

Array order_of(const std::vector<std::int64_t>& columns, const Grid& grid) {
  return replicated(columns, {std::ssize(columns)}, grid.comm());
}

// What ScaLAPACK has not: pivots that a blocked algorithm finds, and reflectors as they are.
Qr lapack_qr(const Array& given, const Array& a, QrMode mode, bool pivoting) {
  const std::int64_t m = a.rows(), n = a.cols(), reflectors = std::min(m, n);
  const std::int64_t k = mode == QrMode::complete ? m : reflectors;
  const bool raw = mode == QrMode::raw, with_q = mode != QrMode::r;
  const auto r = detail::lapack("qr", {a}, [&](const Grid& grid, auto x) -> std::vector<Array> {
    const int exponent = raw ? 0 : scalapack::rescale(x[0], scalapack::Part::whole, true);
    const Matrix tau = grid.empty(reflectors, 1, a.dtype());
    std::vector<std::int64_t> columns(static_cast<std::size_t>(n));
    std::iota(columns.begin(), columns.end(), 0);
    if (reflectors > 0) {
      if (pivoting)
        columns = scalapack::lapack().geqp3(x[0], tau);
      else
        scalapack::lapack().geqrf(x[0], tau);
    }
    if (raw) {
      const Matrix factors = grid.copy(x[0].array());
      scalapack::zero_triangle(x[0], true);
      return {factors.array(), first_rows(x[0], k).array(), order_of(columns, grid), tau.array()};
    }
    Matrix q = grid.zeros(m, with_q ? k : 0, a.dtype());
    if (with_q) scalapack::assign_first_columns(x[0], q);
    if (with_q && reflectors > 0)
      scalapack::lapack().orgqr(q, tau);
    else if (with_q && m == k)
      q = grid.identity(m, a.dtype());
    auto results = normalised(q, x[0], k, exponent);
    results.push_back(order_of(columns, grid));
    return results;
  });
  const auto lay = [&](const Array& x) { return detail::laid_out_like(x, given); };
  return {with_q ? lay(r[0]) : Array{}, lay(r[1]), pivoting ? r[2].to(given.device()) : Array{},
          raw ? r[3].reshape({reflectors}).to(given.device()) : Array{}};
}

Array pivots_of(const Array& a) {
  detail::require_convergence("qr", a);
  const Array scaled =
      detail::times_power(a, detail::exponent_for(detail::largest_magnitude(a), a.dtype()));
  const Array columns = evaluate(adjoint(detail::by_rows(scaled)));
  const auto order =
      scalapack::pivots_of(redistribute(columns, row_distribution(columns.shape(), a.comm())));
  return replicated(order, {std::ssize(order)}, a.comm());
}

Array identity_like(const Array& r) {
  const std::int64_t k = r.rows();
  std::vector<double> values(static_cast<std::size_t>(k * k));
  for (std::int64_t i = 0; i < k; ++i) values[static_cast<std::size_t>(i * k + i)] = 1.0;
  return replicated(values, {k, k}, r.comm()).astype(r.dtype());
}

Array full_of_nan(const Shape& shape, const Array& like) {
  const Array x(shape, like.dtype(), replicated_distribution(shape, like.comm()), like.comm());
  visit_inexact(like.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    std::fill_n(x.local().template as<T>(), x.size(), T(std::nan("")));
  });
  return x;
}

}  // namespace

Qr composed::qr(const Array& given, QrMode mode, bool check_finite, bool pivoting) {
  const Array a = detail::matrix_argument("qr", given, check_finite);
  const bool with_q = mode != QrMode::r, complete = mode == QrMode::complete;
  const bool tall = detail::is_tall(a.rows(), a.cols());
  if (mode == QrMode::raw ||
      (pivoting && detail::fits_one_process(a.shape()) && (complete || !tall)))
    return lapack_qr(given, a, mode, pivoting);
  if (pivoting && tall && !complete) {  // r^H r = a^H a, so its columns are chosen alike
    const Qr whole = linalg::qr(a, mode, check_finite);
    const Qr f = linalg::qr(whole.r, mode, check_finite, true);
    return {with_q ? detail::laid_out_like(linalg::matmul(whole.q, f.q), given) : Array{},
            detail::laid_out_like(f.r, given), f.p.to(given.device())};
  }
  if (pivoting) {
    const Array p =
        tall ? linalg::qr(linalg::qr(a, QrMode::r).r, QrMode::r, true, true).p : pivots_of(a);
    const Qr f = linalg::qr(tessera::take(detail::by_rows(a), p, 1), mode, check_finite);
    return {with_q ? detail::laid_out_like(f.q, given) : Array{}, detail::laid_out_like(f.r, given),
            p.to(given.device())};
  }
  const auto lay = [&](const Array& x) { return detail::laid_out_like(x, given); };
  if (tall && !complete) {
    if (!check_finite && !detail::is_finite(a))  // NaN throughout, as in others
      return {with_q ? lay(full_of_nan(a.shape(), a)) : Array{},
              lay(triu(full_of_nan({a.cols(), a.cols()}, a)))};
    const auto [scaled, exponent] = detail::scaled_down(a);
    const TallQr qr(detail::by_rows(scaled));
    return {with_q ? lay(qr.q_times(identity_like(qr.r()))) : Array{},
            lay(detail::times_power(qr.r(), exponent).astype(a.dtype()))};
  }
  const auto results = dense_qr(a, with_q, complete ? a.rows() : std::min(a.rows(), a.cols()));
  return {with_q ? lay(results[0]) : Array{}, lay(results[1])};
}

QrProduct composed::qr_multiply(const Array& a, const Array& c, bool right, bool pivoting,
                                bool conjugate) {
  detail::require_together("qr_multiply", a, c);
  const Qr f = linalg::qr(a, QrMode::reduced, true, pivoting);
  if (c.ndim() < 1 || c.ndim() > 2 ||
      (right ? c.shape().back() : c.rows()) != f.q.shape()[right ? 0 : 1])
    throw ValueError(fmt::format("qr_multiply needs a c that fits q of shape {}, got shape {}",
                                 to_string(f.q.shape()), to_string(c.shape())));
  const Array q = conjugate ? detail::conjugated(f.q) : f.q;
  return {right ? linalg::matmul(c, q) : linalg::matmul(q, c), f.r, f.p};
}

Qr composed::rq(const Array& given, QrMode mode, bool check_finite) {
  const Array a = detail::by_rows(detail::matrix_argument("rq", given, check_finite));
  const Array reversed = evaluate(adjoint(flip(a, Axes{0})));
  const Qr f = linalg::qr(reversed, mode, check_finite);
  const auto turned = [](const Array& x) { return detail::by_rows(evaluate(adjoint(x))); };
  Array r = flip(turned(f.r));
  if (mode == QrMode::r && r.cols() < a.cols()) {
    const std::array<Array, 2> whole = {zeros({a.rows(), a.cols() - r.cols()}, r.dtype(), r.comm()),
                                        r};
    r = concat(whole, 1);
  }
  return {f.q ? detail::laid_out_like(flip(turned(f.q), Axes{0}), given) : Array{},
          detail::laid_out_like(r, given)};
}

}  // namespace tessera::linalg
