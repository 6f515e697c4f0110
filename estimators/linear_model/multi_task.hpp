#pragma once
#include <tessera/estimators/linear_model/linear_model.hpp>

namespace tessera {

struct MultiTaskLassoParams {
  double alpha = 1.0;
  bool fit_intercept = true;
  bool copy_X = true;
  std::int64_t max_iter = 1000;
  double tol = 1e-4;
  bool warm_start = false;
  std::optional<std::int64_t> random_state = {};
  std::string selection = "cyclic";
};
struct MultiTaskElasticNetParams {
  double alpha = 1.0;
  double l1_ratio = 0.5;
  bool fit_intercept = true;
  bool copy_X = true;
  std::int64_t max_iter = 1000;
  double tol = 1e-4;
  bool warm_start = false;
  std::optional<std::int64_t> random_state = {};
  std::string selection = "cyclic";
};

/// Several targets with the same coefficients 0: minimises sum_i w_i |y_i - x_i W|^2 / (2 sum w) +
/// alpha l1_ratio sum_j |w_j|_2 + alpha (1 - l1_ratio) / 2 |W|_F^2 over the coefficients w_j of
/// each feature, on one Gram matrix. y is (n, q).
class MultiTaskModel : public LinearModel {
 public:
  static constexpr Tags tags = {.several_targets = true};
  double dual_gap_ = 0;
  double eps_ = 0;  ///< what the gap, times n, had to be at most
  std::int64_t n_iter_ = 0;

 protected:
  template <class Params>
  void fit_tasks(const Rows& x, const Array& y, const Array& sample_weight, double l1_ratio,
                 const Params& params);
};

/// sklearn.linear_model.MultiTaskLasso.
class MultiTaskLasso : public EstimatorOf<MultiTaskLasso, MultiTaskLassoParams, MultiTaskModel> {
 public:
  using EstimatorOf::EstimatorOf;
  static constexpr std::string_view class_name = "MultiTaskLasso";
  static const EstimatorType& describe();

 private:
  void do_fit(const Rows& x, const Array& y, const Array& sample_weight);
};

/// sklearn.linear_model.MultiTaskElasticNet.
class MultiTaskElasticNet
    : public EstimatorOf<MultiTaskElasticNet, MultiTaskElasticNetParams, MultiTaskModel> {
 public:
  using EstimatorOf::EstimatorOf;
  static constexpr std::string_view class_name = "MultiTaskElasticNet";
  static const EstimatorType& describe();

 private:
  void do_fit(const Rows& x, const Array& y, const Array& sample_weight);
};

}  // namespace tessera
