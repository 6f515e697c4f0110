#include <tessera/estimators/feature_selection/variance_threshold.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <tessera/estimators/preprocessing/column_scaler.hpp>
#include <tessera/estimators/range.hpp>

namespace tessera {

const EstimatorType& VarianceThreshold::describe() {
  using Self = VarianceThreshold;
  static const auto type = EstimatorType::of<Self>(
      "leave out features of little variance",
      {parameter("threshold", &Params::threshold, reals(0.0),
                 "features whose variance is not larger are left out")},
      {attribute("variances_", &Self::variances_,
                 [](const Self& s) {
                   return array({s.n_features_in_},
                                {.low = 0.0, .nan = true, .dtypes = {DType::float64}});
                 })},
      {method("fit", &Self::do_fit, "finds the variances of the columns",
              {.sample_weight = false})});
  return type;
}

void VarianceThreshold::do_fit(const Rows& x, const Array&, const Array&) {
  const auto m = detail::moments(x, {}, detail::Accuracy::by_column,
                                 [&] { require_finite(x, "X", name(), true); });
  const auto ends = detail::extremes(x, name());
  std::vector<double> variances;
  for (std::size_t j = 0; j < m.mean.size(); ++j) {
    variances.push_back(m.count[j] > 0.0 ? static_cast<double>(m.variance(j))
                                         : std::numeric_limits<double>::quiet_NaN());
    const bool whole = ends.count[j] == static_cast<double>(x.rows());
    if (params.threshold == 0.0 && whole)
      variances[j] = std::min(variances[j], ends.high[j] - ends.low[j]);
  }
  if (std::ranges::none_of(variances, [&](double v) { return v > params.threshold; }))
    throw ValueError(fmt::format("No feature in X meets the variance threshold {:.5f}{}",
                                 params.threshold,
                                 x.rows() == 1 ? " (X contains only one sample)" : ""));
  variances_ = replicated(variances, {x.cols()}, x.comm());
}

std::vector<bool> VarianceThreshold::support() const {
  std::vector<bool> mask;
  for (const double v : variances_.values<double>()) mask.push_back(v > params.threshold);
  return mask;
}

namespace detail {
const EstimatorType& variance_threshold() { return VarianceThreshold::describe(); }
}  // namespace detail

}  // namespace tessera
