#pragma once
#include <tessera/estimators/estimator.hpp>

namespace tessera {

struct FunctionTransformerParams {
  Value func = {};
  Value inverse_func = {};
  bool validate = false;
  bool accept_sparse = false;
  bool check_inverse = true;
  Value feature_names_out = {};
  Value kw_args = {};
  Value inv_kw_args = {};
};

/// A function of every value, by its name in NumPy ("log1p", "sqrt", ...), as
/// sklearn.preprocessing.FunctionTransformer. None is the identity. Needs no fit.
class FunctionTransformer : public EstimatorOf<FunctionTransformer, FunctionTransformerParams> {
 public:
  using EstimatorOf::EstimatorOf;

  static constexpr std::string_view class_name = "FunctionTransformer";
  static constexpr Tags tags = {.allows_nan = true, .requires_fit = false};
  static const EstimatorType& describe();

 private:
  void do_fit(const Rows& x, const Array& y, const Array& sample_weight);
  Rows do_transform(const Rows& x) const;
  Rows do_inverse_transform(const Rows& x) const;
};

}  // namespace tessera
