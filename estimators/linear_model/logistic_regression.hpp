#pragma once
#include <tessera/estimators/linear_model/linear_classifier.hpp>

namespace tessera {

struct LogisticRegressionParams {
  Value penalty = "deprecated";
  double C = 1.0;
  std::optional<double> l1_ratio = 0.0;
  bool dual = false;
  double tol = 1e-4;
  bool fit_intercept = true;
  Value intercept_scaling = 1;
  Value class_weight = {};
  std::optional<std::int64_t> random_state = {};
  std::string solver = "lbfgs";
  std::int64_t max_iter = 100;
  Value verbose = 0;
  bool warm_start = false;
  std::optional<std::int64_t> n_jobs = {};
};

/// Logistic regression with a penalty, as sklearn.linear_model.LogisticRegression: minimises C
/// sum_i w_i loss_i + (1 - l1_ratio) / 2 |coef|_2^2 + l1_ratio |coef|_1, the loss of more than two
/// classes multinomial. Each iteration is one pass over X, which adds up loss, gradient and, for
/// Newton's method, the Hessian, in float64 for any dtype of X.
///
/// `liblinear`, `sag` and `saga` name what they minimise (liblinear penalises the intercept); a
/// proximal Newton method finds that to the tolerance of the subgradient.
class LogisticRegression
    : public EstimatorOf<LogisticRegression, LogisticRegressionParams, LinearClassifier> {
 public:
  using EstimatorOf::EstimatorOf;

  Array n_iter_;  ///< (1,) int32

  static constexpr std::string_view class_name = "LogisticRegression";
  static constexpr Tags tags = {.keeps_text = true};
  static const EstimatorType& describe();

 private:
  void do_fit(const Rows& x, const Array& y, const Array& sample_weight);
  Rows do_predict_proba(const Rows& x) const;
  Rows do_predict_log_proba(const Rows& x) const;
};

}  // namespace tessera
