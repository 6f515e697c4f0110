#pragma once
#include <tessera/estimators/estimator.hpp>

namespace tessera {

struct QuantileTransformerParams {
  std::int64_t n_quantiles = 1000;
  std::string output_distribution = "uniform";
  bool ignore_implicit_zeros = false;
  Value subsample = 10000;
  Value random_state = {};
  bool copy = true;
};

/// Maps every column to a uniform or normal distribution by its quantiles, as
/// sklearn.preprocessing.QuantileTransformer. The quantiles are those of all rows, exactly,
/// whatever `subsample` is. NaN are ignored by fit and kept.
class QuantileTransformer : public EstimatorOf<QuantileTransformer, QuantileTransformerParams> {
 public:
  using EstimatorOf::EstimatorOf;

  std::int64_t n_quantiles_ = 0;
  Array quantiles_;   ///< (n_quantiles_, p) of X's dtype
  Array references_;  ///< (n_quantiles_,) float64, from 0 to 1

  static constexpr std::string_view class_name = "QuantileTransformer";
  static constexpr Tags tags = {.allows_nan = true};
  static const EstimatorType& describe();

 private:
  void do_fit(const Rows& x, const Array& y, const Array& sample_weight);
  Rows do_transform(const Rows& x) const;
  Rows do_inverse_transform(const Rows& x) const;
};

}  // namespace tessera
