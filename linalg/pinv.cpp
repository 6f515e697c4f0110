#include <tessera/linalg/pinv.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include <tessera/linalg/dense.hpp>
#include <tessera/linalg/functions.hpp>

namespace tessera::linalg {
namespace {

// a^+ = V diag(1 / s) U^H over the singular values that count, of a Hermitian matrix V diag(1 / w)
// V^H over the eigenvalues.
Array inverse(const char* function, const Array& given, double atol, std::optional<double> rtol,
              bool check_finite, std::optional<bool> lower, std::int64_t* rank) {
  if (lower) detail::square_argument(function, given, false);
  int exponent = 0;
  const Array a = detail::matrix_argument(function, given, check_finite, exponent);
  const double relative =
      rtol.value_or(detail::eps_of(a.dtype()) * static_cast<double>(std::max(a.rows(), a.cols())));
  detail::require_tolerance(function, "atol", atol);
  detail::require_tolerance(function, "rtol", relative);
  Svd f;
  if (lower) {
    const Eigh e = linalg::eigh(a, {.lower = *lower, .check_finite = false});
    f = {e.vectors, e.values, linalg::evaluate(adjoint(e.vectors))};
  } else {
    f = linalg::svd(a, {.check_finite = false});
  }
  const Array s = f.s.to(cpu).astype(DType::float64);
  const auto values = s.values<double>();
  double largest = 0;
  for (const double v : values) largest = std::max(largest, std::abs(v));
  const double least = std::ldexp(atol, exponent) + relative * largest;
  if (rank)
    *rank =
        std::count_if(values.begin(), values.end(), [&](double v) { return std::abs(v) > least; });
  const Array vh = detail::divided_rows(f.vh, values, least);
  const Array x = linalg::matmul(adjoint(vh), adjoint(f.u));
  return detail::laid_out_like(
      detail::times_power(x, exponent, fmt::format("{}: the result", function)), given);
}

}  // namespace

Array composed::pinv(const Array& a, double atol, std::optional<double> rtol, bool check_finite,
                     bool hermitian, std::int64_t* rank) {
  return inverse("pinv", a, atol, rtol, check_finite,
                 hermitian ? std::optional(true) : std::nullopt, rank);
}

Array composed::pinvh(const Array& a, double atol, std::optional<double> rtol, bool lower,
                      bool check_finite, std::int64_t* rank) {
  return inverse("pinvh", a, atol, rtol, check_finite, lower, rank);
}

}  // namespace tessera::linalg
