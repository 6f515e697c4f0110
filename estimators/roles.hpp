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
  Target target() const override { return Target::numbers; }

 private:
  double do_score(const Rows& x, const Array& y, const Array& sample_weight) const;
};

/// Predicts classes: needs y, (n,), labels of any integer or floating dtype, bools or text, of
/// which predictions are, too. score is the share of rows, by weight, with the class predicted.
class Classifier : public Estimator {
 public:
  /// The labels that it tells apart, ascending: an array of y's dtype or a list of strings.
  Value classes_;

  /// The first call needs all `classes` there will be, an array or a list of strings; ValueError
  /// for others later.
  Classifier& partial_fit(const Rows& x, const Array& y, const Value& classes = {},
                          const Array& sample_weight = {}) override;
  static std::vector<Method> role_methods();

 protected:
  Target target() const override { return Target::classes; }
  /// The code of each row of y, int32 as X lies: among new classes_, or those that are known, where
  /// a label that is none of them is a ValueError. For fit and partial_fit.
  Array learn_classes(const Array& y, const Rows& x);
  Array codes_of(const Array& y, const Rows& x) const;
  /// The entry for the list of attributes.
  template <class Self>
  static FieldOf<Self> classes_attribute() {
    return attribute<Self, Value>("classes_", &Self::classes_, class_labels());
  }

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
