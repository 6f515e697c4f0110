#pragma once
#include <tessera/estimators/feature_selection/selector.hpp>

namespace tessera {

struct SelectKBestParams {
  std::string score_func = "f_classif";
  Value k = 10;
};

/// Keeps the k columns that say most of y, as sklearn.feature_selection.SelectKBest: by the F of an
/// analysis of variance (f_classif), of the correlation with numbers (f_regression), or chi^2 of
/// counts (chi2). One pass over X, two for f_regression.
class SelectKBest : public EstimatorOf<SelectKBest, SelectKBestParams, Selector> {
 public:
  using EstimatorOf::EstimatorOf;

  Array scores_;   ///< (p,) float64, NaN for a constant column of f_classif
  Array pvalues_;  ///< (p,) float64

  static constexpr std::string_view class_name = "SelectKBest";
  static const EstimatorType& describe();

 protected:
  Target target() const override {
    return params.score_func == "f_regression" ? Target::numbers : Target::classes;
  }

 private:
  struct Scores {
    std::vector<double> scores, pvalues;
  };
  Scores by_class(const Rows& x, const Array& y) const;
  Scores by_correlation(const Rows& x, const Array& y) const;
  void do_fit(const Rows& x, const Array& y, const Array& sample_weight);
  std::vector<bool> support() const override;
};

}  // namespace tessera
