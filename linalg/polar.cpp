#include <tessera/linalg/polar.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include <tessera/array/elementwise.hpp>
#include <tessera/array/manipulation.hpp>
#include <tessera/array/statistics.hpp>
#include <tessera/linalg/dense.hpp>
#include <tessera/linalg/functions.hpp>
#include <tessera/linalg/multiply.hpp>
#include <tessera/linalg/scalapack/routines.hpp>
#include <tessera/runtime/visit.hpp>

namespace tessera::linalg {
namespace {

using scalapack::Grid;
using scalapack::Matrix;

// The largest singular value, hardly below it: by the power method.
double norm_2(const Matrix& a) {
  const Matrix x = a.grid().empty(a.cols(), 1, a.dtype());
  const Matrix y = a.grid().empty(a.rows(), 1, a.dtype());
  visit_inexact(a.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    x.for_each<T>([](std::int64_t i, std::int64_t, T& v) {
      v = T(1 + static_cast<float>(i * i % 7) / 8);  // no direction that a matrix is likely to have
    });
  });
  double norm = 0;
  for (int i = 0; i < 6; ++i) {
    scalapack::gemm(1.0, a, Transpose::no, x, Transpose::no, 0.0, y);
    const double length = scalapack::norm_frobenius(y);
    scalapack::gemm(1.0 / length, a, Transpose::conjugate, y, Transpose::no, 0.0, x);
    norm = scalapack::norm_frobenius(x);
    scalapack::blend(1.0 / norm, x, 0.0, x);
  }
  return norm;
}

// The unitary factor of a square matrix; no array where that is (nearly) singular.
Array by_newton(const Array& a) {
  const double eps = detail::eps_of(a.dtype());
  const auto n = static_cast<double>(a.rows());
  return detail::dense({a}, [&](const Grid& grid, auto m) -> std::vector<Array> {
    const Matrix& x = m[0];
    const double largest = scalapack::largest(x);
    if (largest == 0) return {Array{}};
    scalapack::scale_by_power(x, -std::ilogb(largest));  // u does not depend on it
    const Matrix inverse = grid.empty(a.rows(), a.rows(), a.dtype());
    double condition = 1;  // of what is left: singular values lie in [1, condition]
    for (int i = 0; i < 40; ++i) {
      scalapack::assign(x, inverse);
      scalapack::Pivots pivots;
      if (scalapack::getrf(inverse, pivots) > 0) return {Array{}};
      if (i == 0 && !(scalapack::gecon(inverse, scalapack::norm_1(x)) > n * eps)) return {Array{}};
      scalapack::getri(inverse, pivots);
      double scale = condition < 1.01 ? 1.0 : 1 / std::sqrt(condition);
      if (i == 0) {
        const double most = norm_2(x), least = 1 / norm_2(inverse);
        condition = most / least;
        scale = 1 / std::sqrt(most * least);
      }
      condition = (std::sqrt(condition) + 1 / std::sqrt(condition)) / 2;
      const double change = scalapack::blend(scale / 2, x, 0.5 / scale,
                                             scalapack::transposed(inverse, Transpose::conjugate));
      // It converges quadratically: half the square of what this step changed is left.
      if (scale == 1.0 && change <= std::sqrt(eps)) return {x.array()};
    }
    return {Array{}};
  })[0];
}

Array unitary_factor(const Array& a) {
  if (a.rows() < a.cols()) return evaluate(adjoint(unitary_factor(evaluate(adjoint(a)))));
  if (!detail::is_tall(a.rows(), a.cols()) && !detail::fits_one_process(a.shape())) {
    const bool square = a.rows() == a.cols();
    const Qr f = square ? Qr{{}, a} : linalg::qr(a, QrMode::reduced, false);
    if (const Array u = by_newton(f.r)) return square ? u : linalg::matmul(f.q, u);
  }
  const Svd f = linalg::svd(a, {.check_finite = false});
  return linalg::matmul(f.u, f.vh);
}

}  // namespace

Polar composed::polar(const Array& given, bool left) {
  const Array a = detail::matrix_argument("polar", given, true);
  const Array u = unitary_factor(a);
  const Array product =
      detail::by_rows(left ? linalg::matmul(a, adjoint(u)) : linalg::matmul(adjoint(u), a));
  const Array p = (product + detail::by_rows(evaluate(adjoint(product)))) * 0.5;
  return {detail::laid_out_like(u, given), detail::laid_out_like(p, given)};
}

Procrustes composed::orthogonal_procrustes(const Array& given, const Array& other,
                                           bool check_finite) {
  detail::require_together("orthogonal_procrustes", given, other);
  const Array a = detail::matrix_argument("orthogonal_procrustes", given, check_finite);
  const Array b = detail::matrix_argument("orthogonal_procrustes", other, check_finite);
  if (a.shape() != b.shape())
    throw ValueError(
        fmt::format("orthogonal_procrustes needs two matrices of one shape, got {} and {}",
                    to_string(a.shape()), to_string(b.shape())));
  const DType dtype = detail::common_dtype(a.dtype(), b.dtype());
  const Svd f =
      linalg::svd(linalg::matmul(adjoint(detail::on_host(a, dtype)), detail::on_host(b, dtype)));
  const Array s = f.s.to(cpu).astype(DType::float64);
  double scale = 0;
  for (const double v : s.values<double>()) scale += v;
  return {detail::laid_out_like(linalg::matmul(f.u, f.vh), given), scale};
}

Array composed::subspace_angles(const Array& given, const Array& other) {
  detail::require_together("subspace_angles", given, other);
  const Array x = detail::matrix_argument("subspace_angles", given, true);
  const Array y = detail::matrix_argument("subspace_angles", other, true);
  if (x.rows() != y.rows())
    throw ValueError(
        fmt::format("subspace_angles needs matrices of as many rows, got shapes {} and {}",
                    to_string(x.shape()), to_string(y.shape())));
  const DType dtype = detail::common_dtype(x.dtype(), y.dtype());
  Array a = detail::by_rows(linalg::orth(detail::on_host(x, dtype)));
  Array b = detail::by_rows(linalg::orth(detail::on_host(y, dtype)));
  if (a.cols() < b.cols()) std::swap(a, b);
  const Array overlap = linalg::matmul(adjoint(a), b);
  const auto numbers = [](const Array& s) {
    const Array wide = s.to(cpu).astype(DType::float64);
    const auto v = wide.values<double>();
    return std::vector<double>(v.begin(), v.end());
  };
  const auto cosines = numbers(linalg::svdvals(overlap));
  const Array outside = b - detail::by_rows(linalg::matmul(a, overlap));
  const auto sines = numbers(linalg::svdvals(outside));
  std::vector<double> angles(cosines.size());
  for (std::size_t i = 0; i < angles.size(); ++i) {  // the i-th largest angle
    const double cosine = cosines[angles.size() - 1 - i];
    angles[i] = cosine * cosine >= 0.5 ? std::asin(std::clamp(sines[i], -1.0, 1.0))
                                       : std::acos(std::clamp(cosine, -1.0, 1.0));
  }
  return detail::vector_of(angles, detail::real_of(dtype), x.comm()).to(given.device());
}

}  // namespace tessera::linalg
