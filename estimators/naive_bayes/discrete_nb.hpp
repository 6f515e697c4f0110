#pragma once
#include <tessera/estimators/naive_bayes/naive_bayes.hpp>
#include <tessera/linalg/small.hpp>

namespace tessera {

struct MultinomialNBParams {
  Value alpha = 1.0;
  bool force_alpha = true;
  bool fit_prior = true;
  Value class_prior = {};
};
struct ComplementNBParams {
  Value alpha = 1.0;
  bool force_alpha = true;
  bool fit_prior = true;
  Value class_prior = {};
  bool norm = false;
};
struct BernoulliNBParams {
  Value alpha = 1.0;
  bool force_alpha = true;
  std::optional<double> binarize = 0.0;
  bool fit_prior = true;
  Value class_prior = {};
};
struct CategoricalNBParams {
  double alpha = 1.0;
  bool force_alpha = true;
  bool fit_prior = true;
  Value class_prior = {};
  Value min_categories = {};
};

/// Naive Bayes on counts, one pass over X: what the classes below share.
class DiscreteNaiveBayes : public NaiveBayes {
 public:
  Array class_count_;      ///< (k,) float64: the rows of each class, or their weights
  Array class_log_prior_;  ///< (k,) float64

 protected:
  /// The parameters that all have.
  struct Smoothing {
    Value alpha;
    bool force_alpha, fit_prior;
    Value class_prior;
  };
  /// alpha of each of p features; ValueError for an array of another length or negative.
  std::vector<double> alphas(const Smoothing& smoothing, std::int64_t p) const;
  template <class P>
  static Smoothing smoothing_of(const P& p) {
    return {p.alpha, p.force_alpha, p.fit_prior, p.class_prior};
  }
  /// class_count_ and class_log_prior_ from the weights of classes, beside what is known of them.
  void learn_prior(std::vector<double> weights, const Smoothing& smoothing, const Rows& x);

  /// Entries for the list of attributes, of numbers by class, and by class and feature.
  template <class Self>
  static FieldOf<Self> count_attribute() {
    return attribute<Self, Array>("class_count_", &Self::class_count_, [](const Self& s) {
      return array({class_count(s.classes_)}, {.low = 0.0, .dtypes = {DType::float64}});
    });
  }
  template <class Self>
  static FieldOf<Self> prior_attribute() {
    return attribute<Self, Array>("class_log_prior_", &Self::class_log_prior_, [](const Self& s) {
      return array({class_count(s.classes_)}, logarithms(s.params.class_prior.is_none()));
    });
  }
  /// Logarithms, of what sums to 1 or of any numbers.
  static Numbers logarithms(bool of_shares);
};

/// Those whose classes differ by one number per feature.
class LinearNaiveBayes : public DiscreteNaiveBayes {
 public:
  Array feature_count_;     ///< (k, p) float64: sums of X by class
  Array feature_log_prob_;  ///< (k, p) float64

 protected:
  /// Adds the rows to the counts and the prior; x >= 0, else a ValueError.
  linalg::Small count(const Rows& x, const Array& codes, const Array& sample_weight,
                      const Smoothing& smoothing);
  /// x coef^T + intercept of every class.
  Rows joint(const Rows& x, const linalg::Small& coef, const std::vector<double>& intercept) const;

  template <class Self>
  static FieldOf<Self> features_attribute() {
    return attribute<Self, Array>("feature_count_", &Self::feature_count_, [](const Self& s) {
      return array({class_count(s.classes_), s.n_features_in_},
                   {.low = 0.0, .dtypes = {DType::float64}});
    });
  }
  /// `numbers` says what logarithms of an estimator may be.
  template <class Self>
  static FieldOf<Self> log_attribute(Numbers (*numbers)(const Self&)) {
    return attribute<Self, Array>(
        "feature_log_prob_", &Self::feature_log_prob_, [numbers](const Self& s) {
          return array({class_count(s.classes_), s.n_features_in_}, numbers(s));
        });
  }
};

/// sklearn.naive_bayes.MultinomialNB: X counts how often each feature occurs in a row.
class MultinomialNB : public EstimatorOf<MultinomialNB, MultinomialNBParams, LinearNaiveBayes> {
 public:
  using EstimatorOf::EstimatorOf;
  static constexpr std::string_view class_name = "MultinomialNB";
  static constexpr Tags tags = {.positive_x = true, .poor_score = true};
  static const EstimatorType& describe();

 private:
  void learn_from(const Rows& x, const Array& codes, const Array& sample_weight) override;
  Rows do_joint(const Rows& x) const override;
};

/// sklearn.naive_bayes.ComplementNB: each class by what the others have; for classes of unequal
/// size.
class ComplementNB : public EstimatorOf<ComplementNB, ComplementNBParams, LinearNaiveBayes> {
 public:
  using EstimatorOf::EstimatorOf;
  Array feature_all_;  ///< (p,) float64: sums of X
  static constexpr std::string_view class_name = "ComplementNB";
  static constexpr Tags tags = {.positive_x = true, .poor_score = true};
  static const EstimatorType& describe();

 private:
  void learn_from(const Rows& x, const Array& codes, const Array& sample_weight) override;
  Rows do_joint(const Rows& x) const override;
};

/// sklearn.naive_bayes.BernoulliNB: X says whether each feature occurs, or how far it is above
/// `binarize`.
class BernoulliNB : public EstimatorOf<BernoulliNB, BernoulliNBParams, LinearNaiveBayes> {
 public:
  using EstimatorOf::EstimatorOf;
  static constexpr std::string_view class_name = "BernoulliNB";
  static constexpr Tags tags = {.poor_score = true};
  static const EstimatorType& describe();

 private:
  void learn_from(const Rows& x, const Array& codes, const Array& sample_weight) override;
  Rows do_joint(const Rows& x) const override;
  Rows binarized(const Rows& x) const;
};

/// sklearn.naive_bayes.CategoricalNB: X holds numbers of categories, 0, 1, ... in each column. Two
/// passes: the highest number of each, and the counts. Categories that a prediction meets and fit
/// did not are a ValueError.
class CategoricalNB : public EstimatorOf<CategoricalNB, CategoricalNBParams, DiscreteNaiveBayes> {
 public:
  using EstimatorOf::EstimatorOf;
  Value category_count_;    ///< p arrays (k, categories) float64
  Value feature_log_prob_;  ///< p arrays (k, categories) float64
  Array n_categories_;      ///< (p,) int64
  static constexpr std::string_view class_name = "CategoricalNB";
  static constexpr Tags tags = {.positive_x = true, .categorical = true, .poor_score = true};
  static const EstimatorType& describe();

 private:
  void learn_from(const Rows& x, const Array& codes, const Array& sample_weight) override;
  Rows do_joint(const Rows& x) const override;
};

}  // namespace tessera
