#pragma once
#include <tessera/estimators/linear_model/linear_model.hpp>

namespace tessera {

struct RidgeParams {
  Value alpha = 1.0;  ///< or (q,), one for each target
  bool fit_intercept = true;
  bool copy_X = true;
  std::optional<std::int64_t> max_iter = {};
  double tol = 1e-4;
  std::string solver = "auto";
  bool positive = false;
  std::optional<std::int64_t> random_state = {};
};

/// Least squares with a penalty, as sklearn.linear_model.Ridge: minimises sum_i w_i |y_i - x_i coef
/// - intercept|^2 + alpha |coef|^2. y is (n,), which (n, 1) counts as, or (n, q).
///
/// `cholesky`, which auto means, solves (X^T X + alpha) coef = X^T y from one pass over X, n (p +
/// q)^2 flops. Where that loses too much, for wide X, and for `svd` a second pass gives R by TSQR,
/// whose SVD has the answer for every alpha. `lsqr`, `sparse_cg`, `sag` and `saga` name solvers of
/// the same problem: its minimum is found as by auto.
class Ridge : public EstimatorOf<Ridge, RidgeParams, LinearModel> {
 public:
  using EstimatorOf::EstimatorOf;

  Value n_iter_;        ///< None: no solver iterates
  std::string solver_;  ///< cholesky, svd or lbfgs: what found the coefficients

  static constexpr std::string_view class_name = "Ridge";
  static const EstimatorType& describe();

 private:
  friend class RidgeClassifier;
  std::string_view called_ = class_name;  ///< in errors: what it works for
  void do_fit(const Rows& x, const Array& y, const Array& sample_weight);
};

}  // namespace tessera
