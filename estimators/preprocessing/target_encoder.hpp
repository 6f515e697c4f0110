#pragma once
#include <tessera/estimators/estimator.hpp>

namespace tessera {

struct TargetEncoderParams {
  Value categories = "auto";
  std::string target_type = "auto";
  Value smooth = "auto";
  Value cv = 5;
  Value shuffle = "deprecated";
  Value random_state = "deprecated";
};

/// The mean of y over the rows of its category in place of every value, drawn to the mean of all
/// rows where a category has few, as sklearn.preprocessing.TargetEncoder: y holds numbers or
/// labels, of which each of more than two has a column. One pass over X beyond finding categories.
///
/// fit_transform encodes each row by the means of the other folds. Folds are scikit-learn's for its
/// seed, with classes in equal shares; of more than 2^24 rows each draws its fold by itself. cv is
/// a number of folds, 5 for None, or pairs (train, test) of rows.
class TargetEncoder : public EstimatorOf<TargetEncoder, TargetEncoderParams> {
 public:
  using EstimatorOf::EstimatorOf;

  /// (n, p), or (n, p k) of k > 2 classes. Collective.
  Rows fit_transform_rows(const Rows& x, const Array& y = {},
                          const Array& sample_weight = {}) override;

  List categories_;  ///< as of OrdinalEncoder
  List encodings_;   ///< of each column, and class, (categories,) float64
  std::string target_type_;
  Value target_mean_ = 0.0;  ///< a number, or (k,)
  Value classes_;            ///< of labels, else None

  static constexpr std::string_view class_name = "TargetEncoder";
  static constexpr Tags tags = {
      .allows_nan = true, .fit_transforms = true, .input = Input::categories};
  static const EstimatorType& describe();

 protected:
  Target target() const override { return Target::any; }

 private:
  void do_fit(const Rows& x, const Array& y, const Array& sample_weight);
  Rows do_transform(const Rows& x) const;
  static std::vector<std::string> names_out(const Estimator& e,
                                            const std::vector<std::string>& of_x);
  Array fold_of_rows(const Rows& x, const Array& codes, std::int64_t& folds) const;
  std::int64_t outputs() const { return target_type_ == "multiclass" ? class_count(classes_) : 1; }
  bool cross_fits_ = false;  // fit computes `crossed_`
  Array crossed_;
};

}  // namespace tessera
