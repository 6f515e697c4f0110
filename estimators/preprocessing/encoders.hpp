#pragma once
#include <limits>

#include <tessera/estimators/estimator.hpp>

namespace tessera {

struct OrdinalEncoderParams {
  Value categories = "auto";
  std::string dtype = "float64";
  std::string handle_unknown = "error";
  Value unknown_value = {};
  Value encoded_missing_value = std::numeric_limits<double>::quiet_NaN();
  Value min_frequency = {};
  Value max_categories = {};
};

/// The number of its category in place of every value, as sklearn.preprocessing.OrdinalEncoder. X
/// is of any real dtype or text.
class OrdinalEncoder : public EstimatorOf<OrdinalEncoder, OrdinalEncoderParams> {
 public:
  using EstimatorOf::EstimatorOf;

  /// For each column an array of X's dtype, ascending with NaN last, or a list of strings.
  List categories_;
  /// For each column those that are one because they are rare, or None; empty where none are asked
  /// for.
  List infrequent_categories_;

  static constexpr std::string_view class_name = "OrdinalEncoder";
  static constexpr Tags tags = {.allows_nan = true, .input = Input::categories};
  static const EstimatorType& describe();

 private:
  void do_fit(const Rows& x, const Array& y, const Array& sample_weight);
  Rows do_transform(const Rows& x) const;
  Rows do_inverse_transform(const Rows& x) const;
};

struct OneHotEncoderParams {
  Value categories = "auto";
  Value drop = {};
  bool sparse_output = false;
  std::string dtype = "float64";
  std::string handle_unknown = "error";
  Value min_frequency = {};
  Value max_categories = {};
  std::string feature_name_combiner = "concat";
};

/// A column for each category that is 1 where it is the value's, as
/// sklearn.preprocessing.OneHotEncoder with dense results. X is of any real dtype or text.
class OneHotEncoder : public EstimatorOf<OneHotEncoder, OneHotEncoderParams> {
 public:
  using EstimatorOf::EstimatorOf;

  List categories_;             ///< as of OrdinalEncoder
  List infrequent_categories_;  ///< as of OrdinalEncoder
  /// The category of each column that has none, or None; None where nothing is left out.
  Value drop_idx_;

  static constexpr std::string_view class_name = "OneHotEncoder";
  static constexpr Tags tags = {.allows_nan = true, .input = Input::categories};
  static const EstimatorType& describe();

 private:
  /// Of each column: the code of each category after grouping, how many those are, the one that is
  /// left out or -1, and where its results start.
  struct Column {
    std::vector<std::int32_t> codes;
    std::int32_t count = 0, dropped = -1, rare = -1;
    std::int64_t first = 0;
    std::int64_t width() const { return count - (dropped >= 0 ? 1 : 0); }
  };
  std::vector<Column> columns() const;
  static std::vector<std::string> names_out(const Estimator& e,
                                            const std::vector<std::string>& of_x);
  void do_fit(const Rows& x, const Array& y, const Array& sample_weight);
  Rows do_transform(const Rows& x) const;
  Rows do_inverse_transform(const Rows& x) const;
};

}  // namespace tessera
