#pragma once
#include <vector>

#include <tessera/estimators/estimator.hpp>

/// What estimators of one purpose have in common: `class Ridge : public EstimatorOf<Ridge,
/// RidgeParams, Regressor>`. A role's methods go through the operations of the others, so that a
/// backend that overrides predict changes score.
namespace tessera {

/// Predicts numbers: needs y, (n,) or (n, q). score is R^2 averaged over the targets, NaN and a
/// warning for a single row.
class Regressor : public Estimator {
 public:
  static std::vector<Method> role_methods();

 protected:
  bool needs_y() const override { return true; }

 private:
  double do_score(const Rows& x, const Array& y, const Array& sample_weight) const;
};

/// Predicts classes: needs y, (n,). score is the share of rows, by weight, with the class
/// predicted.
class Classifier : public Estimator {
 public:
  static std::vector<Method> role_methods();

 protected:
  bool needs_y() const override { return true; }

 private:
  double do_score(const Rows& x, const Array& y, const Array& sample_weight) const;
};

/// Has the log-likelihood of rows, score_samples; score is their mean.
class Density : public Estimator {
 public:
  static std::vector<Method> role_methods();

 private:
  double do_score(const Rows& x, const Array& y, const Array& sample_weight) const;
};

}  // namespace tessera
