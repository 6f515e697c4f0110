#pragma once
#include <tessera/estimators/linear_model/linear_model.hpp>

namespace tessera {

struct PoissonRegressorParams {
  double alpha = 1.0;
  bool fit_intercept = true;
  std::string solver = "lbfgs";
  std::int64_t max_iter = 100;
  double tol = 1e-4;
  bool warm_start = false;
  Value verbose = 0;
};
using GammaRegressorParams = PoissonRegressorParams;
struct TweedieRegressorParams {
  double power = 0.0;
  double alpha = 1.0;
  bool fit_intercept = true;
  std::string link = "auto";
  std::string solver = "lbfgs";
  std::int64_t max_iter = 100;
  double tol = 1e-4;
  bool warm_start = false;
  Value verbose = 0;
};

/// Means exp(x coef + intercept), or that itself, of a target whose variance is a power of its
/// mean: what the generalized linear models share. They minimise half the mean Tweedie deviance, by
/// weight, and alpha / 2 |coef|_2^2, one pass over X per iteration as in LogisticRegression. score
/// is D^2, the share of the deviance that is explained.
class GeneralizedLinearModel : public LinearModel {
 public:
  std::int64_t n_iter_ = 0;

  static std::vector<Method> role_methods();

 protected:
  /// The power, and whether the mean is the exponential of the predictor.
  virtual std::pair<double, bool> family() const = 0;
  template <class Params>
  void fit_mean(const Rows& x, const Array& y, const Array& sample_weight, const Params& params);

 private:
  Rows do_predict_mean(const Rows& x) const;
  double do_score_deviance(const Rows& x, const Array& y, const Array& sample_weight) const;
};

/// sklearn.linear_model.PoissonRegressor: counts, power 1 and a log link. y >= 0.
class PoissonRegressor
    : public EstimatorOf<PoissonRegressor, PoissonRegressorParams, GeneralizedLinearModel> {
 public:
  using EstimatorOf::EstimatorOf;
  static constexpr std::string_view class_name = "PoissonRegressor";
  static constexpr Tags tags = {.positive_y = true, .one_target = true};
  static const EstimatorType& describe();

 private:
  std::pair<double, bool> family() const override { return {1.0, true}; }
  void do_fit(const Rows& x, const Array& y, const Array& sample_weight);
};

/// sklearn.linear_model.GammaRegressor: power 2 and a log link. y > 0.
class GammaRegressor
    : public EstimatorOf<GammaRegressor, GammaRegressorParams, GeneralizedLinearModel> {
 public:
  using EstimatorOf::EstimatorOf;
  static constexpr std::string_view class_name = "GammaRegressor";
  static constexpr Tags tags = {.positive_y = true, .one_target = true};
  static const EstimatorType& describe();

 private:
  std::pair<double, bool> family() const override { return {2.0, true}; }
  void do_fit(const Rows& x, const Array& y, const Array& sample_weight);
};

/// sklearn.linear_model.TweedieRegressor: any power for which there is a distribution.
class TweedieRegressor
    : public EstimatorOf<TweedieRegressor, TweedieRegressorParams, GeneralizedLinearModel> {
 public:
  using EstimatorOf::EstimatorOf;
  static constexpr std::string_view class_name = "TweedieRegressor";
  static constexpr Tags tags = {.one_target = true};
  static const EstimatorType& describe();

 private:
  std::pair<double, bool> family() const override {
    return {params.power, params.link == "log" || (params.link == "auto" && params.power > 0)};
  }
  void do_fit(const Rows& x, const Array& y, const Array& sample_weight);
};

}  // namespace tessera
