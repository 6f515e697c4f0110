#pragma once
#include <tessera/estimators/linear_model/linear_model.hpp>

namespace tessera {

struct LassoCVParams {
  double eps = 1e-3;
  Value alphas = 100;
  bool fit_intercept = true;
  Value precompute = "auto";
  std::int64_t max_iter = 1000;
  double tol = 1e-4;
  bool copy_X = true;
  Value cv = {};
  Value verbose = false;
  std::optional<std::int64_t> n_jobs = {};
  bool positive = false;
  std::optional<std::int64_t> random_state = {};
  std::string selection = "cyclic";
};

struct ElasticNetCVParams {
  Value l1_ratio = 0.5;
  double eps = 1e-3;
  Value alphas = 100;
  bool fit_intercept = true;
  Value precompute = "auto";
  std::int64_t max_iter = 1000;
  double tol = 1e-4;
  Value cv = {};
  bool copy_X = true;
  Value verbose = 0;
  std::optional<std::int64_t> n_jobs = {};
  bool positive = false;
  std::optional<std::int64_t> random_state = {};
  std::string selection = "cyclic";
};

struct MultiTaskLassoCVParams {
  double eps = 1e-3;
  Value alphas = 100;
  bool fit_intercept = true;
  std::int64_t max_iter = 1000;
  double tol = 1e-4;
  bool copy_X = true;
  Value cv = {};
  Value verbose = false;
  std::optional<std::int64_t> n_jobs = {};
  std::optional<std::int64_t> random_state = {};
  std::string selection = "cyclic";
};

struct MultiTaskElasticNetCVParams {
  Value l1_ratio = 0.5;
  double eps = 1e-3;
  Value alphas = 100;
  bool fit_intercept = true;
  std::int64_t max_iter = 1000;
  double tol = 1e-4;
  Value cv = {};
  bool copy_X = true;
  Value verbose = 0;
  std::optional<std::int64_t> n_jobs = {};
  std::optional<std::int64_t> random_state = {};
  std::string selection = "cyclic";
};

/// What the classes below share: the penalty with the least mean square over the folds. One pass
/// over X gives the Gram matrix of every fold; paths, errors and the last fit come from those. cv
/// is a number of folds of consecutive rows, 5 for None. y is (n,), or (n, 1), of several tasks
/// (n, q).
class SparseCrossValidated : public LinearModel {
 public:
  double alpha_ = 0;
  Array alphas_;    ///< (n_alphas,), or (n_l1_ratio, n_alphas) where grids differ
  Array mse_path_;  ///< (n_alphas, n_folds) or (n_l1_ratio, n_alphas, n_folds)
  double dual_gap_ = 0;
  std::int64_t n_iter_ = 0;

 protected:
  /// With what all of them have among their parameters; gives the best l1_ratio. ValueError for one
  /// outside [0, 1].
  double cross_validate(const Rows& x, const Array& y, const Array& sample_weight,
                        const ElasticNetCVParams& params);
};

/// Lasso with the penalty that cross-validation chooses, as sklearn.linear_model.LassoCV.
class LassoCV : public EstimatorOf<LassoCV, LassoCVParams, SparseCrossValidated> {
 public:
  using EstimatorOf::EstimatorOf;
  static constexpr std::string_view class_name = "LassoCV";
  static constexpr Tags tags = {.one_target = true};
  static const EstimatorType& describe();

 private:
  void do_fit(const Rows& x, const Array& y, const Array& sample_weight);
};

/// ElasticNet with penalty and l1_ratio chosen so, as sklearn.linear_model.ElasticNetCV.
class ElasticNetCV : public EstimatorOf<ElasticNetCV, ElasticNetCVParams, SparseCrossValidated> {
 public:
  using EstimatorOf::EstimatorOf;
  double l1_ratio_ = 0;
  static constexpr std::string_view class_name = "ElasticNetCV";
  static constexpr Tags tags = {.one_target = true};
  static const EstimatorType& describe();

 private:
  void do_fit(const Rows& x, const Array& y, const Array& sample_weight);
};

/// MultiTaskLasso with a penalty chosen so, as sklearn.linear_model.MultiTaskLassoCV.
class MultiTaskLassoCV
    : public EstimatorOf<MultiTaskLassoCV, MultiTaskLassoCVParams, SparseCrossValidated> {
 public:
  using EstimatorOf::EstimatorOf;
  static constexpr std::string_view class_name = "MultiTaskLassoCV";
  static constexpr Tags tags = {.several_targets = true};
  static const EstimatorType& describe();

 private:
  void do_fit(const Rows& x, const Array& y, const Array& sample_weight);
};

/// MultiTaskElasticNet with penalty and l1_ratio chosen so, as
/// sklearn.linear_model.MultiTaskElasticNetCV.
class MultiTaskElasticNetCV
    : public EstimatorOf<MultiTaskElasticNetCV, MultiTaskElasticNetCVParams, SparseCrossValidated> {
 public:
  using EstimatorOf::EstimatorOf;
  double l1_ratio_ = 0;
  static constexpr std::string_view class_name = "MultiTaskElasticNetCV";
  static constexpr Tags tags = {.several_targets = true};
  static const EstimatorType& describe();

 private:
  void do_fit(const Rows& x, const Array& y, const Array& sample_weight);
};

}  // namespace tessera
