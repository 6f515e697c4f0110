#include <tessera/estimators/naive_bayes/naive_bayes.hpp>

#include <tessera/estimators/class_scores.hpp>

namespace tessera {

std::vector<Method> NaiveBayes::role_methods() {
  using Self = NaiveBayes;
  std::vector<Method> all = {
      method("fit", &Self::do_fit, "learns how features are distributed in each class"),
      method("partial_fit", &Self::do_partial_fit, "goes on with more rows"),
      method("predict_joint_log_proba", &Self::do_joint, "log P(x, class) of each class")};
  for (Method& one : Classifier::role_methods()) all.push_back(std::move(one));
  all.push_back(method("predict", &Self::do_predict, "the likeliest class of each row"));
  all.push_back(method("predict_proba", &Self::do_predict_proba, "the probability of each class"));
  all.push_back(method("predict_log_proba", &Self::do_predict_log_proba, "the logarithm of that"));
  return all;
}

void NaiveBayes::do_fit(const Rows& x, const Array& y, const Array& sample_weight) {
  learn_from(x, learn_classes(y, x), sample_weight);
}
void NaiveBayes::do_partial_fit(const Rows& x, const Array& y, const Array& sample_weight) {
  learn_from(x, codes_of(y, x), sample_weight);
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
