#pragma once
#include <tessera/estimators/linear_model/linear_model.hpp>

namespace tessera {

struct HuberRegressorParams {
  double epsilon = 1.35;
  std::int64_t max_iter = 100;
  double alpha = 1e-4;
  bool warm_start = false;
  bool fit_intercept = true;
  double tol = 1e-5;
};

/// Regression that outliers do not rule, as sklearn.linear_model.HuberRegressor: minimises over
/// coefficients and scale s sum_i w_i (s + s h((y_i - x_i coef - intercept) / s)) + alpha
/// |coef|_2^2 with h(z) = z^2 up to epsilon and 2 epsilon |z| - epsilon^2 beyond, by L-BFGS, one
/// pass over X per iteration.
class HuberRegressor : public EstimatorOf<HuberRegressor, HuberRegressorParams, LinearModel> {
 public:
  using EstimatorOf::EstimatorOf;

  double scale_ = 0;
  std::int64_t n_iter_ = 0;
  Array outliers_;  ///< (n,) bool: the rows beyond epsilon scale_

  static constexpr std::string_view class_name = "HuberRegressor";
  static constexpr Tags tags = {.one_target = true};
  static const EstimatorType& describe();

 private:
  void do_fit(const Rows& x, const Array& y, const Array& sample_weight);
};

}  // namespace tessera
