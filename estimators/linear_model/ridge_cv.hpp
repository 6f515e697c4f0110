#pragma once
#include <tessera/estimators/linear_model/linear_classifier.hpp>
#include <tessera/estimators/linear_model/linear_model.hpp>

namespace tessera {

struct RidgeCVParams {
  Value alphas = Tuple{List{0.1, 1.0, 10.0}};
  bool fit_intercept = true;
  Value scoring = {};
  Value cv = {};
  Value gcv_mode = {};
  bool store_cv_results = false;
  bool alpha_per_target = false;
};
struct RidgeClassifierParams {
  Value alpha = 1.0;
  bool fit_intercept = true;
  bool copy_X = true;
  std::optional<std::int64_t> max_iter = {};
  double tol = 1e-4;
  Value class_weight = {};
  std::string solver = "auto";
  bool positive = false;
  std::optional<std::int64_t> random_state = {};
};
struct RidgeClassifierCVParams {
  Value alphas = Tuple{List{0.1, 1.0, 10.0}};
  bool fit_intercept = true;
  Value scoring = {};
  Value cv = {};
  Value class_weight = {};
  bool store_cv_results = false;
};

/// Ridge with the penalty that cross-validation chooses, as sklearn.linear_model.RidgeCV.
///
/// cv=None is leave-one-out, exactly: one pass over X gives the Gram matrix, whose eigenvectors
/// give every row's error without itself for every penalty in a second pass, n p^2 flops. Otherwise
/// cv is a number of folds of consecutive rows, and their Gram matrices come from one pass.
class RidgeCV : public EstimatorOf<RidgeCV, RidgeCVParams, LinearModel> {
 public:
  using EstimatorOf::EstimatorOf;

  Value alpha_ = 0.0;       ///< a number, or (q,) of alpha_per_target
  Value best_score_ = 0.0;  ///< minus the mean square error, or the mean R^2 over the folds
  Array cv_results_;        ///< (n, n_alphas) or (n, q, n_alphas) squared errors, if stored

  static constexpr std::string_view class_name = "RidgeCV";
  static const EstimatorType& describe();

 private:
  void do_fit(const Rows& x, const Array& y, const Array& sample_weight);
};

/// Classes as targets of -1 and 1 of Ridge, as sklearn.linear_model.RidgeClassifier.
class RidgeClassifier
    : public EstimatorOf<RidgeClassifier, RidgeClassifierParams, LinearClassifier> {
 public:
  using EstimatorOf::EstimatorOf;

  Value n_iter_;        ///< None: no solver iterates
  std::string solver_;  ///< cholesky, svd or lbfgs: what found the coefficients

  static constexpr std::string_view class_name = "RidgeClassifier";
  static const EstimatorType& describe();

 private:
  void do_fit(const Rows& x, const Array& y, const Array& sample_weight);
};

/// The same with RidgeCV, as sklearn.linear_model.RidgeClassifierCV.
class RidgeClassifierCV
    : public EstimatorOf<RidgeClassifierCV, RidgeClassifierCVParams, LinearClassifier> {
 public:
  using EstimatorOf::EstimatorOf;

  double alpha_ = 0.0;
  double best_score_ = 0.0;  ///< as of RidgeCV on the targets
  Array cv_results_;         ///< (n, outputs, n_alphas), if stored

  static constexpr std::string_view class_name = "RidgeClassifierCV";
  static const EstimatorType& describe();

 private:
  void do_fit(const Rows& x, const Array& y, const Array& sample_weight);
};

}  // namespace tessera
