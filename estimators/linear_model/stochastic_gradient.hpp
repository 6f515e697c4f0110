#pragma once
#include <tessera/estimators/linear_model/linear_classifier.hpp>
#include <tessera/estimators/linear_model/linear_model.hpp>

namespace tessera {

namespace detail {
struct SgdOutput;
}

struct SGDClassifierParams {
  std::string loss = "hinge";
  Value penalty = "l2";
  double alpha = 1e-4;
  std::optional<double> l1_ratio = 0.15;
  bool fit_intercept = true;
  std::int64_t max_iter = 1000;
  std::optional<double> tol = 1e-3;
  bool shuffle = true;
  Value verbose = 0;
  double epsilon = 0.1;
  std::optional<std::int64_t> n_jobs = {};
  std::optional<std::int64_t> random_state = {};
  std::string learning_rate = "optimal";
  double eta0 = 0.01;
  double power_t = 0.5;
  bool early_stopping = false;
  double validation_fraction = 0.1;
  std::int64_t n_iter_no_change = 5;
  Value class_weight = {};
  bool warm_start = false;
  Value average = false;
};

struct SGDRegressorParams {
  std::string loss = "squared_error";
  Value penalty = "l2";
  double alpha = 1e-4;
  std::optional<double> l1_ratio = 0.15;
  bool fit_intercept = true;
  std::int64_t max_iter = 1000;
  std::optional<double> tol = 1e-3;
  bool shuffle = true;
  Value verbose = 0;
  double epsilon = 0.1;
  std::optional<std::int64_t> random_state = {};
  std::string learning_rate = "invscaling";
  double eta0 = 0.01;
  double power_t = 0.25;
  bool early_stopping = false;
  double validation_fraction = 0.1;
  std::int64_t n_iter_no_change = 5;
  bool warm_start = false;
  Value average = false;
};

/// How far stochastic gradient descent has come: what partial_fit goes on from beside coef_ and
/// intercept_, which are the averages once there are any.
struct SgdProgress {
  double t = 1.0;      ///< 1 and the rows of all epochs so far
  double steps = 1.0;  ///< of one leaf
  /// (k p) and (k): the last coefficients and their averages, float64; None without `average`.
  Value standard_coef, standard_intercept, average_coef, average_intercept;
};

/// Linear classifiers by stochastic gradient descent, as sklearn.linear_model.SGDClassifier: one
/// against the rest of more than two classes. Each epoch is one pass over X, in which every leaf
/// makes scikit-learn's steps from the same start; the mean of the leaves is the next start. Data
/// of one leaf (256 rows) get scikit-learn's result, others a minimum of the same function.
///
/// With `early_stopping` scikit-learn's rows are held out; of more than 2^24 rows each with
/// probability `validation_fraction`.
class SGDClassifier : public EstimatorOf<SGDClassifier, SGDClassifierParams, LinearClassifier> {
 public:
  using EstimatorOf::EstimatorOf;

  std::int64_t n_iter_ = 0;  ///< epochs, of the class that took most
  SgdProgress progress_;     ///< its t is the attribute t_

  static constexpr std::string_view class_name = "SGDClassifier";
  static constexpr Tags tags = {.other_steps = true};
  static const EstimatorType& describe();

 private:
  void do_fit(const Rows& x, const Array& y, const Array& sample_weight);
  void do_partial_fit(const Rows& x, const Array& y, const Array& sample_weight);
  void learn_codes(const Rows& x, const Array& codes, const Array& sample_weight,
                   std::vector<detail::SgdOutput> outputs, std::int64_t epochs);
  Rows do_predict_proba(const Rows& x) const;
  Rows do_predict_log_proba(const Rows& x) const;
};

/// Linear regression by stochastic gradient descent, as sklearn.linear_model.SGDRegressor; the rest
/// as SGDClassifier.
class SGDRegressor : public EstimatorOf<SGDRegressor, SGDRegressorParams, LinearModel> {
 public:
  using EstimatorOf::EstimatorOf;

  std::int64_t n_iter_ = 0;  ///< epochs
  SgdProgress progress_;     ///< its t is the attribute t_

  static constexpr std::string_view class_name = "SGDRegressor";
  static constexpr Tags tags = {.one_target = true, .other_steps = true};
  static const EstimatorType& describe();

 private:
  void do_fit(const Rows& x, const Array& y, const Array& sample_weight);
  void do_partial_fit(const Rows& x, const Array& y, const Array& sample_weight);
  void learn_numbers(const Rows& x, const Array& y, const Array& sample_weight,
                     std::vector<detail::SgdOutput> outputs, std::int64_t epochs);
};

}  // namespace tessera
