#pragma once
#include <tessera/estimators/estimator.hpp>

namespace tessera {

struct PolynomialFeaturesParams {
  Value degree = 2;
  bool interaction_only = false;
  bool include_bias = true;
  std::string order = "C";
};

/// All products of columns up to a degree, as sklearn.preprocessing.PolynomialFeatures.
class PolynomialFeatures : public EstimatorOf<PolynomialFeatures, PolynomialFeaturesParams> {
 public:
  using EstimatorOf::EstimatorOf;

  Array powers_;  ///< (n_output_features_, p) int64: the exponents of every product
  std::int64_t n_output_features_ = 0;

  static constexpr std::string_view class_name = "PolynomialFeatures";
  static const EstimatorType& describe();

 private:
  void do_fit(const Rows& x, const Array& y, const Array& sample_weight);
  Rows do_transform(const Rows& x) const;
};

}  // namespace tessera
