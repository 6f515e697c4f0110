#include <tessera/linalg/rank.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <tessera/linalg/dense.hpp>
#include <tessera/linalg/functions.hpp>
#include <tessera/linalg/inv.hpp>
#include <tessera/linalg/svd.hpp>

namespace tessera::linalg {

std::int64_t composed::matrix_rank(const Array& a, std::optional<double> tol) {
  const Array s = linalg::svdvals(a).to(cpu).astype(DType::float64);
  const auto values = s.values<double>();
  if (values.empty()) return 0;
  const double least = tol.value_or(values[0] * static_cast<double>(std::max(a.rows(), a.cols())) *
                                    detail::eps_of(a.dtype()));
  return std::count_if(values.begin(), values.end(), [&](double v) { return v > least; });
}

double composed::cond(const Array& a, const NormOrder& order) {
  if (a.size() == 0)
    throw ValueError(
        fmt::format("cond of an empty matrix, shape {}, is not defined", to_string(a.shape())));
  const bool spectral = order.name.empty() && (!order.number || std::abs(*order.number) == 2.0);
  if (spectral) {
    const Array s = linalg::svdvals(a).to(cpu).astype(DType::float64);
    const auto values = s.values<double>();
    const double ratio = values.back() == 0.0 ? std::numeric_limits<double>::infinity()
                                              : values.front() / values.back();
    return order.number == -2.0 ? 1.0 / ratio : ratio;
  }
  const double size = linalg::norm(detail::square_argument("cond", a, false), order);
  try {
    return size * linalg::norm(linalg::inv(a), order);
  } catch (const LinAlgError&) {  // thrown on every process alike
    return std::numeric_limits<double>::infinity();
  }
}

}  // namespace tessera::linalg
