#include <tessera/linalg/det.hpp>

#include <cmath>
#include <complex>
#include <limits>

#include <tessera/linalg/dense.hpp>
#include <tessera/linalg/functions.hpp>
#include <tessera/linalg/scalapack/routines.hpp>

namespace tessera::linalg {
namespace {

using Z = std::complex<double>;

// The diagonal of U with the sign of the interchanges in front.
std::vector<Z> factors_of_det(const char* function, const Array& given, bool check_finite) {
  const Array a = detail::square_argument(function, given, check_finite);
  const auto results =
      detail::dense({a}, [](const scalapack::Grid& grid, auto matrices) -> std::vector<Array> {
        scalapack::Pivots pivots;
        scalapack::getrf(matrices[0], pivots);
        std::vector<Z> factors = {1.0};
        const auto rows = scalapack::gather_pivots(matrices[0], pivots);
        for (std::size_t i = 0; i < rows.size(); ++i)
          if (rows[i] != static_cast<std::int64_t>(i)) factors[0] = -factors[0];
        const auto diagonal = scalapack::diagonal_of(matrices[0]);
        factors.insert(factors.end(), diagonal.begin(), diagonal.end());
        return {replicated(factors, {std::ssize(factors)}, grid.comm())};
      });
  const auto values = results[0].values<Z>();
  return {values.begin(), values.end()};
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
  for (const Z f : factors_of_det("slogdet", a, check_finite)) {
    const double size = std::abs(f);
    if (size == 0.0)
      return {scalar(0.0, a, detail::common_dtype(a.dtype())),
              -std::numeric_limits<double>::infinity()};
    sign *= f / size;
    logabsdet += std::log(size);
  }
  return {scalar(sign, a, detail::common_dtype(a.dtype())), logabsdet};
}

Array composed::det(const Array& a, bool check_finite) {
  Z product = 1.0;
  for (const Z f : factors_of_det("det", a, check_finite)) product *= f;
  return scalar(product, a, is_complex(a.dtype()) ? DType::complex128 : DType::float64);
}

}  // namespace tessera::linalg
