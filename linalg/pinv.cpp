#include <tessera/linalg/pinv.hpp>

#include <algorithm>
#include <cmath>

#include <tessera/linalg/dense.hpp>
#include <tessera/linalg/functions.hpp>

namespace tessera::linalg {

// a^+ = V diag(1 / s) U^H over the singular values that count, of a Hermitian matrix V diag(1 / w)
// V^H over the eigenvalues.
Array composed::pinv(const Array& given, double atol, std::optional<double> rtol, bool check_finite,
                     bool hermitian) {
  if (hermitian) detail::square_argument("pinv", given, false);
  int exponent = 0;
  const Array a = detail::matrix_argument("pinv", given, check_finite, exponent);
  const double relative =
      rtol.value_or(detail::eps_of(a.dtype()) * static_cast<double>(std::max(a.rows(), a.cols())));
  detail::require_tolerance("pinv", "atol", atol);
  detail::require_tolerance("pinv", "rtol", relative);
  Svd f;
  if (hermitian) {
    const Eigh e = linalg::eigh(a, {.check_finite = false});
    f = {e.vectors, e.values, linalg::evaluate(adjoint(e.vectors))};
  } else {
    f = linalg::svd(a, {.check_finite = false});
  }
  const Array s = f.s.to(cpu).astype(DType::float64);
  const auto values = s.values<double>();
  double largest = 0;
  for (const double v : values) largest = std::max(largest, std::abs(v));
  const double least = std::ldexp(atol, exponent) + relative * largest;
  const Array vh = detail::divided_rows(f.vh, values, least);
  const Array x = linalg::matmul(adjoint(vh), adjoint(f.u));
  return detail::laid_out_like(detail::times_power(x, exponent, "pinv: the result"), given);
}

}  // namespace tessera::linalg
