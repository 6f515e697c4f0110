#pragma once
#include <limits>

#include <tessera/estimators/estimator.hpp>

namespace tessera {

struct MissingIndicatorParams {
  Value missing_values = std::numeric_limits<double>::quiet_NaN();
  std::string features = "missing-only";
  Value sparse = "auto";
  bool error_on_new = true;
};

/// Which values are missing, as sklearn.impute.MissingIndicator: bools, dense.
class MissingIndicator : public EstimatorOf<MissingIndicator, MissingIndicatorParams> {
 public:
  using EstimatorOf::EstimatorOf;

  Array features_;  ///< int64: the columns that there are, ascending

  static constexpr std::string_view class_name = "MissingIndicator";
  static constexpr Tags tags = {.allows_nan = true, .takes_text = true};
  static const EstimatorType& describe();
  static std::vector<std::string> names_out(const Estimator& e,
                                            const std::vector<std::string>& of_x);

 private:
  void do_fit(const Rows& x, const Array& y, const Array& sample_weight);
  Rows do_transform(const Rows& x) const;
};

struct SimpleImputerParams {
  Value missing_values = std::numeric_limits<double>::quiet_NaN();
  std::string strategy = "mean";
  Value fill_value = {};
  bool copy = true;
  bool add_indicator = false;
  bool keep_empty_features = false;
};

/// Puts a statistic of its column in the place of every missing value, as
/// sklearn.impute.SimpleImputer; columns of missing values are left out. A pass over X, a few for
/// medians.
class SimpleImputer : public EstimatorOf<SimpleImputer, SimpleImputerParams> {
 public:
  using EstimatorOf::EstimatorOf;

  /// (p,) float64, of text and tables a list of values; NaN for a column that is left out.
  Value statistics_;
  FittedEstimator indicator_;  ///< a MissingIndicator, with add_indicator

  static constexpr std::string_view class_name = "SimpleImputer";
  static constexpr Tags tags = {.allows_nan = true, .takes_text = true};
  static const EstimatorType& describe();

 private:
  std::vector<double> statistics(const Rows& x) const;
  List text_statistics(const Rows& x) const;
  std::vector<std::int64_t> kept() const;
  const MissingIndicator* indicator() const;
  std::vector<std::int64_t> indicated() const;
  static bool keeps_dtype(const Estimator& e);
  static std::vector<std::string> names_out(const Estimator& e,
                                            const std::vector<std::string>& of_x);
  void do_fit(const Rows& x, const Array& y, const Array& sample_weight);
  Rows do_transform(const Rows& x) const;
  Rows transform_text(const Rows& x) const;
  Rows do_inverse_transform(const Rows& x) const;
};

}  // namespace tessera
