#pragma once
#include <tessera/estimators/linear_model/linear_classifier.hpp>

namespace tessera {

struct LogisticRegressionCVParams {
  Value Cs = 10;
  Value l1_ratios = "warn";
  bool fit_intercept = true;
  Value cv = {};
  bool dual = false;
  Value penalty = "deprecated";
  Value scoring = "warn";
  std::string solver = "lbfgs";
  double tol = 1e-4;
  std::int64_t max_iter = 100;
  Value class_weight = {};
  std::optional<std::int64_t> n_jobs = {};
  Value verbose = 0;
  bool refit = true;
  double intercept_scaling = 1.0;
  std::optional<std::int64_t> random_state = {};
  Value use_legacy_attributes = "warn";
};

/// LogisticRegression with the C and l1_ratio that cross-validation chooses, as
/// sklearn.linear_model.LogisticRegressionCV. cv is a number of folds with classes in equal shares,
/// scikit-learn's StratifiedKFold, 5 for None. Rows of a fold weigh nothing where it is left out,
/// so X is never copied. Attributes have the form of use_legacy_attributes=False.
class LogisticRegressionCV
    : public EstimatorOf<LogisticRegressionCV, LogisticRegressionCVParams, LinearClassifier> {
 public:
  using EstimatorOf::EstimatorOf;

  Array Cs_;           ///< (n_cs,)
  Array l1_ratios_;    ///< (n_l1_ratios,)
  Array n_iter_;       ///< (n_folds, n_l1_ratios, n_cs) int32
  Array scores_;       ///< the same, float64
  Array coefs_paths_;  ///< (n_folds, n_l1_ratios, n_cs, outputs, p + 1), or p without intercept
  double C_ = 0;
  double l1_ratio_ = 0;

  static constexpr std::string_view class_name = "LogisticRegressionCV";
  static constexpr Tags tags = {.keeps_text = true};
  static const EstimatorType& describe();

 private:
  void do_fit(const Rows& x, const Array& y, const Array& sample_weight);
  Rows do_predict_proba(const Rows& x) const;
  Rows do_predict_log_proba(const Rows& x) const;
};

}  // namespace tessera
