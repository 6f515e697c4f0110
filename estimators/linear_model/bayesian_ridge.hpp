#pragma once
#include <tessera/estimators/linear_model/linear_model.hpp>

namespace tessera {

struct BayesianRidgeParams {
  std::int64_t max_iter = 300;
  double tol = 1e-3;
  double alpha_1 = 1e-6;
  double alpha_2 = 1e-6;
  double lambda_1 = 1e-6;
  double lambda_2 = 1e-6;
  std::optional<double> alpha_init = {};
  std::optional<double> lambda_init = {};
  bool compute_score = false;
  bool fit_intercept = true;
  bool copy_X = true;
  Value verbose = false;
};
struct ARDRegressionParams {
  std::int64_t max_iter = 300;
  double tol = 1e-3;
  double alpha_1 = 1e-6;
  double alpha_2 = 1e-6;
  double lambda_1 = 1e-6;
  double lambda_2 = 1e-6;
  bool compute_score = false;
  double threshold_lambda = 1e4;
  bool fit_intercept = true;
  bool copy_X = true;
  Value verbose = false;
};

/// Least squares whose noise and penalty are learnt from the data: what the two below share. One
/// pass over X gives the Gram matrix, on which all iterations work. y is (n,), or (n, 1).
class BayesianLinearModel : public LinearModel {
 public:
  double alpha_ = 0;  ///< precision of the noise
  Array sigma_;       ///< covariance of the coefficients that are kept
  Array scores_;      ///< log marginal likelihood by iteration, where it is computed
  std::int64_t n_iter_ = 0;
  Array X_offset_;  ///< (p,): what was subtracted from X
  Array X_scale_;   ///< (p,) of 1

  static std::vector<Method> role_methods();

 protected:
  /// Whether sigma_ has feature j.
  virtual bool keeps(std::int64_t j) const = 0;
  /// The Gram matrix of the rows of [x y] as they are, with the weights.
  LeastSquares measure(const Rows& x, const Array& y, const Array& sample_weight,
                       bool fit_intercept) const;
  void set_offsets(const LeastSquares& problem);

 private:
  Rows do_predict_std(const Rows& x) const;
};

/// One penalty for all coefficients, as sklearn.linear_model.BayesianRidge: MacKay, "Bayesian
/// interpolation", 1992.
class BayesianRidge : public EstimatorOf<BayesianRidge, BayesianRidgeParams, BayesianLinearModel> {
 public:
  using EstimatorOf::EstimatorOf;
  double lambda_ = 0;  ///< precision of the coefficients
  static constexpr std::string_view class_name = "BayesianRidge";
  static constexpr Tags tags = {.one_target = true};
  static const EstimatorType& describe();

 private:
  bool keeps(std::int64_t) const override { return true; }
  void do_fit(const Rows& x, const Array& y, const Array& sample_weight);
};

/// A penalty for each coefficient, which removes most, as sklearn.linear_model.ARDRegression.
class ARDRegression : public EstimatorOf<ARDRegression, ARDRegressionParams, BayesianLinearModel> {
 public:
  using EstimatorOf::EstimatorOf;
  Array lambda_;  ///< (p,): precisions of the coefficients
  static constexpr std::string_view class_name = "ARDRegression";
  static constexpr Tags tags = {.one_target = true};
  static const EstimatorType& describe();

 private:
  bool keeps(std::int64_t j) const override;
  void do_fit(const Rows& x, const Array& y, const Array& sample_weight);
};

}  // namespace tessera
