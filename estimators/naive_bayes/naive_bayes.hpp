#pragma once
#include <tessera/estimators/roles.hpp>

namespace tessera {

/// Classes by Bayes' rule: what follows from predict_joint_log_proba, which a class has.
class NaiveBayes : public Classifier {
 public:
  static std::vector<Method> role_methods();

 private:
  Rows do_predict(const Rows& x) const;
  Rows do_predict_proba(const Rows& x) const;
  Rows do_predict_log_proba(const Rows& x) const;
};

}  // namespace tessera
