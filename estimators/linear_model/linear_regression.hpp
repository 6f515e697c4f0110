#pragma once
#include <tessera/estimators/linear_model/linear_model.hpp>

namespace tessera {

struct LinearRegressionParams {
  bool fit_intercept = true;
  bool copy_X = true;
  double tol = 1e-6;
  std::optional<std::int64_t> n_jobs = {};
  bool positive = false;
};

/// Ordinary least squares, as sklearn.linear_model.LinearRegression: the coefficients of minimum
/// norm among those that minimise sum_i w_i |y_i - x_i coef - intercept|^2. y is (n,) or (n, q).
///
/// One pass over X gives the centred Gram matrix of [X y], whose Cholesky factor R serves when it
/// is well conditioned for the precision of the products; otherwise a second pass gives R by TSQR.
/// Either way the SVD of R gives coef_, rank_ and singular_, so that rank-deficient data have the
/// same answer as scikit-learn's. n (p + q)^2 flops and 2 n (p + q)^2 for the second pass.
class LinearRegression : public EstimatorOf<LinearRegression, LinearRegressionParams, LinearModel> {
 public:
  using EstimatorOf::EstimatorOf;

  std::int64_t rank_ = 0;  ///< number of singular values above tol * the largest
  Array singular_;         ///< (min(n, p),) singular values of the centred X

  static constexpr std::string_view class_name = "LinearRegression";
  static const EstimatorType& describe();

 private:
  void do_fit(const Rows& x, const Array& y, const Array& sample_weight);
};

}  // namespace tessera
