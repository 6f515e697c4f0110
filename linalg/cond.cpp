#include <tessera/linalg/cond.hpp>

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include <tessera/linalg/dense.hpp>
#include <tessera/linalg/functions.hpp>

namespace tessera::linalg {

double composed::cond(const Array& a, const NormOrder& order) {
  if (a.size() == 0)
    throw ValueError(
        fmt::format("cond of an empty matrix, shape {}, is not defined", to_string(a.shape())));
  int exponent = 0;
  const Array x = detail::matrix_argument("cond", a, false, exponent);
  const double largest = detail::largest_magnitude(x);
  if (std::isnan(largest)) return largest;
  const bool spectral = order.name.empty() && (!order.number || std::abs(*order.number) == 2.0);
  if (spectral) {
    if (std::isinf(largest)) return std::numeric_limits<double>::infinity();
    const Array s = linalg::svdvals(x, false).to(cpu).astype(DType::float64);
    const auto values = s.values<double>();
    const double ratio = values.back() == 0.0 ? std::numeric_limits<double>::infinity()
                                              : values.front() / values.back();
    return order.number == -2.0 && values.front() > 0.0 ? 1.0 / ratio : ratio;
  }
  const double size = linalg::norm(detail::square_argument("cond", x, false), order);
  try {
    const double product = size * linalg::norm(linalg::inv(x, false), order);
    return std::isnan(product) ? std::numeric_limits<double>::infinity() : product;
  } catch (const LinAlgError&) {  // thrown on every process alike
    return std::numeric_limits<double>::infinity();
  }
}

}  // namespace tessera::linalg
