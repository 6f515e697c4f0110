#include <tessera/linalg/qr.hpp>

#include <algorithm>
#include <cmath>
#include <complex>

#include <tessera/array/manipulation.hpp>
#include <tessera/linalg/dense.hpp>
#include <tessera/linalg/functions.hpp>
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

// k columns of q and rows of r.
std::vector<Array> dense_qr(const Array& a, bool with_q, std::int64_t k) {
  return detail::dense({a}, [&](const Grid&, auto matrices) -> std::vector<Array> {
    const int exponent = scalapack::rescale(matrices[0], scalapack::Part::whole, true);
    const Matrix q = scalapack::geqrf(matrices[0], with_q ? k : 0);
    const Matrix r = first_rows(matrices[0], k);
    auto phases = scalapack::diagonal_of(r);  // q r = (q f) (conj(f) r)
    for (auto& f : phases) f = f == 0.0 ? 1.0 : f / std::abs(f);
    phases.resize(static_cast<std::size_t>(k), 1.0);
    if (with_q) scalapack::scale_columns(q, phases);
    for (auto& f : phases) f = std::conj(f);
    scalapack::scale_rows(r, phases);
    scalapack::scale_by_power(r, exponent);
    scalapack::zero_triangle(r, true);  // at last, for 0 times NaN is NaN
    return {q.array(), r.array()};
  });
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

Qr composed::qr(const Array& given, QrMode mode, bool check_finite) {
  const Array a = detail::matrix_argument("qr", given, check_finite);
  const bool with_q = mode != QrMode::r, complete = mode == QrMode::complete;
  const auto lay = [&](const Array& x) { return detail::laid_out_like(x, given); };
  if (detail::is_tall(a.rows(), a.cols()) && !complete) {
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

}  // namespace tessera::linalg
