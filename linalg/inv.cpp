#include <tessera/linalg/inv.hpp>

#include <algorithm>
#include <complex>
#include <vector>

#include <tessera/linalg/dense.hpp>
#include <tessera/linalg/functions.hpp>
#include <tessera/linalg/matmul.hpp>
#include <tessera/linalg/scalapack/routines.hpp>
#include <tessera/linalg/svd.hpp>

namespace tessera::linalg {
namespace {

// Row i of a small matrix times factors[i], everywhere.
Array scaled_rows(const Array& a, const std::vector<std::complex<double>>& factors) {
  const auto result = detail::dense({a}, [&](const auto&, auto m) -> std::vector<Array> {
    scalapack::scale_rows(m[0], factors);
    return {m[0].array()};
  });
  return result[0];
}

}  // namespace

Array composed::inv(const Array& given, bool check_finite) {
  const Array a = detail::square_argument("inv", given, check_finite);
  const auto result = detail::dense({a}, [](const auto&, auto matrices) -> std::vector<Array> {
    const scalapack::Matrix& m = matrices[0];
    const double norm = scalapack::norm_1(m);
    scalapack::Pivots pivots;
    scalapack::require_nonsingular(scalapack::getrf(m, pivots));
    detail::warn_if_ill_conditioned("inv", scalapack::gecon(m, norm), m.dtype());
    scalapack::getri(m, pivots);
    return {m.array()};
  });
  return detail::laid_out_like(result[0], given);
}

// a^+ = V diag(1 / s) U^H over the singular values that count.
Array composed::pinv(const Array& given, double atol, std::optional<double> rtol,
                     bool check_finite) {
  const Array a = detail::matrix_argument("pinv", given, check_finite);
  const double relative =
      rtol.value_or(detail::eps_of(a.dtype()) * static_cast<double>(std::max(a.rows(), a.cols())));
  const Svd f = linalg::svd(a, {.check_finite = false});
  const Array s = f.s.astype(DType::float64);
  const auto values = s.values<double>();
  const double largest = values.empty() ? 0.0 : values[0];
  std::vector<std::complex<double>> inverse;
  for (const double v : values) inverse.push_back(v > atol + relative * largest ? 1.0 / v : 0.0);
  const Array vh = scaled_rows(f.vh, inverse);
  return detail::laid_out_like(linalg::matmul(adjoint(vh), adjoint(f.u)), given);
}

}  // namespace tessera::linalg
