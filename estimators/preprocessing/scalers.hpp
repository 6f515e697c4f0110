#pragma once
#include <tessera/estimators/preprocessing/column_scaler.hpp>

namespace tessera {

struct MinMaxScalerParams {
  Value feature_range = Tuple{List{0, 1}};
  bool copy = true;
  bool clip = false;
};

/// Brings every column into a range: x scale_ + min_, as sklearn.preprocessing.MinMaxScaler. One
/// pass over X.
class MinMaxScaler : public EstimatorOf<MinMaxScaler, MinMaxScalerParams, ColumnScaler> {
 public:
  using EstimatorOf::EstimatorOf;

  Array min_;         ///< (p,) of X's dtype: what is added
  Array scale_;       ///< (p,): what is multiplied with, NaN for a column of NaN
  Array data_min_;    ///< (p,)
  Array data_max_;    ///< (p,)
  Array data_range_;  ///< (p,)
  std::int64_t n_samples_seen_ = 0;

  static constexpr std::string_view class_name = "MinMaxScaler";
  static constexpr Tags tags = {.allows_nan = true};
  static const EstimatorType& describe();

 private:
  void do_fit(const Rows& x, const Array& y, const Array& sample_weight);
  void do_partial_fit(const Rows& x, const Array& y, const Array& sample_weight);
  void add(const Rows& x, bool more);
  Scaling scaling() const override;
};

struct MaxAbsScalerParams {
  bool copy = true;
  bool clip = false;
};

/// Divides every column by its largest absolute value, as sklearn.preprocessing.MaxAbsScaler. One
/// pass over X.
class MaxAbsScaler : public EstimatorOf<MaxAbsScaler, MaxAbsScalerParams, ColumnScaler> {
 public:
  using EstimatorOf::EstimatorOf;

  Array scale_;    ///< (p,) of X's dtype: max_abs_, or 1 for a column of zeros
  Array max_abs_;  ///< (p,)
  std::int64_t n_samples_seen_ = 0;

  static constexpr std::string_view class_name = "MaxAbsScaler";
  static constexpr Tags tags = {.allows_nan = true};
  static const EstimatorType& describe();

 private:
  void do_fit(const Rows& x, const Array& y, const Array& sample_weight);
  void do_partial_fit(const Rows& x, const Array& y, const Array& sample_weight);
  void add(const Rows& x, bool more);
  Scaling scaling() const override;
};

struct RobustScalerParams {
  bool with_centering = true;
  bool with_scaling = true;
  Value quantile_range = Tuple{List{25.0, 75.0}};
  bool copy = true;
  bool unit_variance = false;
};

/// (x - median) / the distance of two quantiles by column, as sklearn.preprocessing.RobustScaler.
/// Exact; a few passes over X.
class RobustScaler : public EstimatorOf<RobustScaler, RobustScalerParams, ColumnScaler> {
 public:
  using EstimatorOf::EstimatorOf;

  Value center_;  ///< (p,) of X's dtype; None without with_centering
  Value scale_;   ///< (p,) of X's dtype, 1 for a distance of 0; None without with_scaling

  static constexpr std::string_view class_name = "RobustScaler";
  static constexpr Tags tags = {.allows_nan = true};
  static const EstimatorType& describe();

 private:
  void do_fit(const Rows& x, const Array& y, const Array& sample_weight);
  Scaling scaling() const override;
};

}  // namespace tessera
