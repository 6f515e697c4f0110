#pragma once
#include <tessera/estimators/roles.hpp>

namespace tessera {

/// Classes by Bayes' rule: fit and partial_fit by what learns from coded rows, and what follows
/// from predict_joint_log_proba.
class NaiveBayes : public Classifier {
 public:
  static std::vector<Method> role_methods();

 protected:
  /// Learns from rows whose classes have these codes, in addition to what the attributes know where
  /// is_fitted().
  virtual void learn_from(const Rows& x, const Array& codes, const Array& sample_weight) = 0;
  /// log P(x, class) of each class, (n, k).
  virtual Rows do_joint(const Rows& x) const = 0;

 private:
  void do_fit(const Rows& x, const Array& y, const Array& sample_weight);
  void do_partial_fit(const Rows& x, const Array& y, const Array& sample_weight);
  Rows do_predict(const Rows& x) const;
  Rows do_predict_proba(const Rows& x) const;
  Rows do_predict_log_proba(const Rows& x) const;
};

}  // namespace tessera
