#pragma once
#include <tessera/estimators/feature_selection/selector.hpp>

namespace tessera {

struct VarianceThresholdParams {
  double threshold = 0.0;
};

/// Leaves out columns of little variance, as sklearn.feature_selection.VarianceThreshold. NaN are
/// ignored. Two passes over X.
class VarianceThreshold : public EstimatorOf<VarianceThreshold, VarianceThresholdParams, Selector> {
 public:
  using EstimatorOf::EstimatorOf;

  /// (p,) float64; with a threshold of 0 the distance of the extremes where that is less, so that
  /// constant columns have 0. NaN for a column of NaN.
  Array variances_;

  static constexpr std::string_view class_name = "VarianceThreshold";
  static constexpr Tags tags = {.allows_nan = true};
  static const EstimatorType& describe();

 private:
  void do_fit(const Rows& x, const Array& y, const Array& sample_weight);
  std::vector<bool> support() const override;
};

}  // namespace tessera
