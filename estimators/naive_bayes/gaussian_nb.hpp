#pragma once
#include <tessera/estimators/naive_bayes/naive_bayes.hpp>

namespace tessera {

struct GaussianNBParams {
  Value priors = {};  ///< None or (k,) prior probabilities
  double var_smoothing = 1e-9;
};

/// Classes by Bayes' rule with independent normal features, as sklearn.naive_bayes.GaussianNB. Two
/// passes over X, one of them by class.
class GaussianNB : public EstimatorOf<GaussianNB, GaussianNBParams, NaiveBayes> {
 public:
  using EstimatorOf::EstimatorOf;

  Array class_count_;   ///< (k,) float64: the rows of each class, or their weights
  Array class_prior_;   ///< (k,) float64
  Array theta_;         ///< (k, p) float64: means
  Array var_;           ///< (k, p) float64: variances, with epsilon_
  double epsilon_ = 0;  ///< var_smoothing times the largest variance of a column

  static constexpr std::string_view class_name = "GaussianNB";
  static const EstimatorType& describe();

 private:
  void learn_from(const Rows& x, const Array& codes, const Array& sample_weight) override;
  Rows do_joint(const Rows& x) const override;
};

}  // namespace tessera
