#pragma once
#include <tessera/estimators/estimator.hpp>

namespace tessera {

struct PowerTransformerParams {
  std::string method = "yeo-johnson";
  bool standardize = true;
  bool copy = true;
};

/// Makes every column as normal as a power can (Box and Cox 1964, Yeo and Johnson 2000), as
/// sklearn.preprocessing.PowerTransformer; the exponents of all columns are found together by
/// Newton's steps on the likelihood, a pass over X each. NaN are ignored by fit and kept.
class PowerTransformer : public EstimatorOf<PowerTransformer, PowerTransformerParams> {
 public:
  using EstimatorOf::EstimatorOf;

  Array lambdas_;           ///< (p,) of X's dtype
  FittedEstimator scaler_;  ///< a StandardScaler, with standardize

  static constexpr std::string_view class_name = "PowerTransformer";
  static constexpr Tags tags = {.allows_nan = true};
  static const EstimatorType& describe();

 private:
  void do_fit(const Rows& x, const Array& y, const Array& sample_weight);
  Rows powers(const Rows& x) const;
  Rows do_transform(const Rows& x) const;
  Rows do_inverse_transform(const Rows& x) const;
};

}  // namespace tessera
