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

namespace tessera::linalg {
namespace {

using scalapack::Grid;
using scalapack::Matrix;

// The unitary factor of a square matrix; no array where that is (nearly) singular.
Array by_newton(const Array& a) {
  const double eps = detail::eps_of(a.dtype());
  const auto n = static_cast<double>(a.rows());
  return detail::dense({a}, [&](const Grid& grid, auto m) -> std::vector<Array> {
    const auto norms = [](const Matrix& x) {  // the 1-norm and that of the adjoint
      return std::sqrt(scalapack::norm_1(x) *
                       scalapack::norm_1(scalapack::transposed(x, Transpose::conjugate)));
    };
    const Matrix& x = m[0];
    scalapack::rescale(x);  // u does not depend on it
    for (int i = 0; i < 40; ++i) {
      const double norm = scalapack::norm_1(x), size = norms(x);
      const Matrix inverse = grid.copy(x.array());
      scalapack::Pivots pivots;
      if (scalapack::getrf(inverse, pivots) > 0) return {Array{}};
      if (i == 0 && !(scalapack::gecon(inverse, norm) > n * eps)) return {Array{}};
      scalapack::getri(inverse, pivots);
      const double ratio = std::sqrt(norms(inverse) / size);
      const double scale = std::abs(ratio - 1) < 1e-2 ? 1.0 : ratio;
      const Matrix next = scalapack::transposed(inverse, Transpose::conjugate);
      scalapack::scale_rows(
          next, std::vector<std::complex<double>>(static_cast<std::size_t>(a.rows()), 0.5 / scale));
      scalapack::axpy(scale / 2, x, next);
      scalapack::axpy(-1.0, next, x);
      const double change = scalapack::norm_1(x);
      scalapack::assign(next, x);
      // It converges quadratically: what this step changed is the root of what the next one would.
      if (scale == 1.0 && change <= std::sqrt(eps) * scalapack::norm_1(x) / n) return {x.array()};
    }
    return {Array{}};
  })[0];
}

Array unitary_factor(const Array& a) {
  if (a.rows() < a.cols()) return evaluate(adjoint(unitary_factor(evaluate(adjoint(a)))));
  // On one process ?gesdd is as fast as ten inverses; on a grid p?gesvd is several times slower.
  if (a.comm().size() > 1 && !detail::is_tall(a.rows(), a.cols()) &&
      !detail::fits_one_process(a.shape())) {
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
