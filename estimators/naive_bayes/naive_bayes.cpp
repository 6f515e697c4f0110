#include <tessera/estimators/naive_bayes/naive_bayes.hpp>

#include <tessera/estimators/class_scores.hpp>

namespace tessera {

std::vector<Method> NaiveBayes::role_methods() {
  auto all = Classifier::role_methods();
  all.push_back(method("predict", &NaiveBayes::do_predict, "the likeliest class of each row"));
  all.push_back(
      method("predict_proba", &NaiveBayes::do_predict_proba, "the probability of each class"));
  all.push_back(
      method("predict_log_proba", &NaiveBayes::do_predict_log_proba, "the logarithm of that"));
  return all;
}

Rows NaiveBayes::do_predict(const Rows& x) const {
  return decode_classes(detail::highest(run("predict_joint_log_proba", x)[0]), classes_);
}
Rows NaiveBayes::do_predict_log_proba(const Rows& x) const {
  return detail::log_softmax(run("predict_joint_log_proba", x)[0]);
}
Rows NaiveBayes::do_predict_proba(const Rows& x) const {
  return detail::exponential(run("predict_log_proba", x)[0]);
}

}  // namespace tessera
