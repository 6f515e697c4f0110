#pragma once
#include <tessera/estimators/estimator.hpp>

namespace tessera {

struct LabelEncoderParams {};

/// Labels as numbers from 0, as sklearn.preprocessing.LabelEncoder. X is a vector of labels of any
/// real dtype or text.
class LabelEncoder : public EstimatorOf<LabelEncoder, LabelEncoderParams> {
 public:
  using EstimatorOf::EstimatorOf;

  Value classes_;  ///< ascending: an array of X's dtype or a list of strings

  static constexpr std::string_view class_name = "LabelEncoder";
  static constexpr Tags tags = {.keeps_text = true, .input = Input::labels};
  static const EstimatorType& describe();

 private:
  void do_fit(const Rows& x, const Array& y, const Array& sample_weight);
  Rows do_transform(const Rows& x) const;
  Rows do_inverse_transform(const Rows& x) const;
};

struct LabelBinarizerParams {
  std::int64_t neg_label = 0;
  std::int64_t pos_label = 1;
  bool sparse_output = false;
};

/// A column for each label that is pos_label where it is the row's, one for two labels, as
/// sklearn.preprocessing.LabelBinarizer. X is a vector of labels.
class LabelBinarizer : public EstimatorOf<LabelBinarizer, LabelBinarizerParams> {
 public:
  using EstimatorOf::EstimatorOf;

  Value classes_;       ///< as of LabelEncoder
  std::string y_type_;  ///< "binary" or "multiclass"
  bool sparse_input_ = false;

  static constexpr std::string_view class_name = "LabelBinarizer";
  static constexpr Tags tags = {.input = Input::labels};
  static const EstimatorType& describe();

 private:
  void do_fit(const Rows& x, const Array& y, const Array& sample_weight);
  Rows do_transform(const Rows& x) const;
  Rows do_inverse_transform(const Rows& x) const;
};

}  // namespace tessera
