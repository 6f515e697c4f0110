#pragma once
#include <tessera/estimators/roles.hpp>
#include <tessera/linalg/gram.hpp>

namespace tessera {

struct LinearDiscriminantAnalysisParams {
  std::string solver = "svd";
  Value shrinkage = {};
  Value priors = {};
  std::optional<std::int64_t> n_components = {};
  bool store_covariance = false;
  double tol = 1e-4;
  Value covariance_estimator = {};
};

struct QuadraticDiscriminantAnalysisParams {
  std::string solver = "svd";
  Value shrinkage = {};
  Value priors = {};
  double reg_param = 0.0;
  bool store_covariance = false;
  double tol = 1e-4;
  Value covariance_estimator = {};
};

/// Classes by normal densities: what follows from decision_function, and the moments of classes.
class DiscriminantAnalysis : public Classifier {
 public:
  static std::vector<Method> role_methods();

 protected:
  /// Mean and covariance of every class and of all rows, from one pass over X, and a second one for
  /// shrinkage='auto'.
  struct Moments {
    std::vector<linalg::CenteredGram> classes;  ///< k, of X alone
    std::vector<double> shrinkage;              ///< of each class and of all, where it is 'auto'
    linalg::CenteredGram all;
  };
  Moments moments(const Rows& x, const Array& codes, const Value& shrinkage) const;
  /// The covariance of class c, or of all rows for k, shrunk.
  linalg::Small covariance(const Moments& m, std::int64_t c, const Value& shrinkage) const;
  /// Those given, or the shares of the classes. ValueError for another number of them.
  std::vector<double> prior_of(const Moments& m, const Value& priors) const;

 private:
  Rows do_predict(const Rows& x) const;
  Rows do_predict_proba(const Rows& x) const;
  Rows do_predict_log_proba(const Rows& x) const;
};

/// sklearn.discriminant_analysis.LinearDiscriminantAnalysis: one covariance for all classes. `svd`
/// scales by the QR of the rows about their classes' means where their Gram matrix does not tell
/// their rank.
class LinearDiscriminantAnalysis
    : public EstimatorOf<LinearDiscriminantAnalysis, LinearDiscriminantAnalysisParams,
                         DiscriminantAnalysis> {
 public:
  using EstimatorOf::EstimatorOf;

  Array coef_;                      ///< (1, p) for two classes, else (k, p)
  Array intercept_;                 ///< (1,) or (k,)
  Array means_;                     ///< (k, p)
  Array priors_;                    ///< (k,)
  Value covariance_;                ///< (p, p), of lsqr, eigen and store_covariance
  Value explained_variance_ratio_;  ///< (n_components,), not of lsqr
  Value scalings_;                  ///< (p, rank), not of lsqr
  Value xbar_;                      ///< (p,) of svd

  static constexpr std::string_view class_name = "LinearDiscriminantAnalysis";
  static const EstimatorType& describe();

 private:
  void do_fit(const Rows& x, const Array& y, const Array& sample_weight);
  Rows do_decision(const Rows& x) const;
  Rows do_transform(const Rows& x) const;
};

/// sklearn.discriminant_analysis.QuadraticDiscriminantAnalysis: a covariance for each class.
class QuadraticDiscriminantAnalysis
    : public EstimatorOf<QuadraticDiscriminantAnalysis, QuadraticDiscriminantAnalysisParams,
                         DiscriminantAnalysis> {
 public:
  using EstimatorOf::EstimatorOf;

  Array means_;       ///< (k, p)
  Array priors_;      ///< (k,)
  Value rotations_;   ///< k arrays (p, p)
  Value scalings_;    ///< k arrays (p,): variances along them, descending
  Value covariance_;  ///< k arrays (p, p), of store_covariance

  static constexpr std::string_view class_name = "QuadraticDiscriminantAnalysis";
  static constexpr Tags tags = {.keeps_text = true};
  static const EstimatorType& describe();

 private:
  void do_fit(const Rows& x, const Array& y, const Array& sample_weight);
  Rows do_decision(const Rows& x) const;
};

}  // namespace tessera
