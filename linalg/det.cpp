#include <tessera/linalg/det.hpp>

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>

#include <tessera/linalg/dense.hpp>
#include <tessera/linalg/functions.hpp>
#include <tessera/linalg/scalapack/routines.hpp>

namespace tessera::linalg {
namespace {

using Z = std::complex<double>;

struct Factors {
  std::vector<Z> values;  // the sign of the interchanges, then the diagonal of U
  int exponent = 0;       // but for this power of two in each of that
};

Factors factors_of_det(const char* function, const Array& given, bool check_finite) {
  const Array a = detail::square_argument(function, given, check_finite);
  const auto results =
      detail::dense({a}, [](const scalapack::Grid& grid, auto matrices) -> std::vector<Array> {
        const int exponent = scalapack::rescale(matrices[0], scalapack::Part::whole, true);
        scalapack::Pivots pivots;
        scalapack::getrf(matrices[0], pivots);
        std::vector<Z> factors = {1.0};
        const auto rows = scalapack::gather_pivots(matrices[0], pivots);
        for (std::size_t i = 0; i < rows.size(); ++i)
          if (rows[i] != static_cast<std::int64_t>(i)) factors[0] = -factors[0];
        const auto diagonal = scalapack::diagonal_of(matrices[0]);
        factors.insert(factors.end(), diagonal.begin(), diagonal.end());
        return {replicated(factors, {std::ssize(factors)}, grid.comm()),
                replicated(std::vector{exponent}, {1}, grid.comm())};
      });
  const auto values = results[0].values<Z>();
  return {{values.begin(), values.end()}, results[1].values<std::int32_t>()[0]};
}

Array scalar(Z value, const Array& like, DType dtype) {
  const Array x = is_complex(dtype) ? replicated(std::vector{value}, {}, like.comm())
                                    : replicated(std::vector{value.real()}, {}, like.comm());
  return x.astype(dtype).to(like.device());
}

}  // namespace

Slogdet composed::slogdet(const Array& a, bool check_finite) {
  Z sign = 1.0;
  double logabsdet = 0.0;
  const Factors factors = factors_of_det("slogdet", a, check_finite);
  for (const Z f : factors.values) {
    const double size = std::abs(f);
    if (size == 0.0)
      return {scalar(0.0, a, detail::common_dtype(a.dtype())),
              -std::numeric_limits<double>::infinity()};
    // A quarter of the number has a size where this one's overflows. A sign is 1 or -1, also of
    // infinity.
    if (is_complex(a.dtype()))
      sign *= std::isinf(size) ? 0.25 * f / std::abs(0.25 * f) : f / size;
    else if (f.real() < 0)
      sign = -sign;
    logabsdet += std::log(size);
  }
  logabsdet += std::log(2.0) * factors.exponent * static_cast<double>(factors.values.size() - 1);
  return {scalar(sign, a, detail::common_dtype(a.dtype())), logabsdet};
}

Array composed::det(const Array& a, bool check_finite) {
  // The product of mantissas and the sum of exponents: only the result itself over- or underflows.
  Z product = 1.0;
  const Factors factors = factors_of_det("det", a, check_finite);
  std::int64_t exponent = factors.exponent * (std::ssize(factors.values) - 1);
  const auto normalise = [&](Z v) {
    const double size = std::max(std::abs(v.real()), std::abs(v.imag()));
    if (!(size > 0.0) || std::isinf(size)) return v;
    const int e = std::ilogb(size);
    exponent += e;
    return Z(std::scalbn(v.real(), -e), std::scalbn(v.imag(), -e));
  };
  for (const Z f : factors.values) product = normalise(product * normalise(f));
  const int e = static_cast<int>(std::clamp<std::int64_t>(exponent, -5000, 5000));
  const Z mantissa = product;
  product = {std::scalbn(product.real(), e), std::scalbn(product.imag(), e)};
  if (std::isfinite(std::abs(mantissa)) && mantissa != 0.0 &&
      (product == 0.0 || !std::isfinite(std::abs(product))))
    warn("det leaves the range of float64", "RuntimeWarning");
  return scalar(product, a, is_complex(a.dtype()) ? DType::complex128 : DType::float64);
}

}  // namespace tessera::linalg
