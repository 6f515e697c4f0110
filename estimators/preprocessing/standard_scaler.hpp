#pragma once
#include <tessera/estimators/preprocessing/column_scaler.hpp>

namespace tessera {

struct StandardScalerParams {
  bool copy = true;
  bool with_mean = true;
  bool with_std = true;
};

/// Standardises features: (x - mean_) / scale_ by column, as sklearn.preprocessing.StandardScaler.
/// NaN are ignored by fit and kept by transform; infinities are refused. One pass over X.
class StandardScaler : public EstimatorOf<StandardScaler, StandardScalerParams, ColumnScaler> {
 public:
  using EstimatorOf::EstimatorOf;

  Value mean_;  ///< (p,) float64, NaN for a column of NaN; None when neither with_mean nor with_std
  Value var_;   ///< (p,) float64, NaN for a column of NaN; None without with_std
  Value scale_;  ///< (p,) float64, 1 for constant columns; None without with_std
  /// The rows of a column that are not NaN: an int, or (p,) int64 where columns differ. The sum of
  /// their weights as float64, if there are weights and with_mean or with_std.
  Value n_samples_seen_;

  static constexpr std::string_view class_name = "StandardScaler";
  static constexpr Tags tags = {.allows_nan = true};
  static const EstimatorType& describe();

 private:
  void do_fit(const Rows& x, const Array& y, const Array& sample_weight);
  void do_partial_fit(const Rows& x, const Array& y, const Array& sample_weight);
  void add(const Rows& x, const Array& sample_weight, bool more);
  Scaling scaling() const override;
};

}  // namespace tessera
