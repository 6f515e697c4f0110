#pragma once
#include <tessera/estimators/estimator.hpp>

namespace tessera {

struct SplineTransformerParams {
  std::int64_t n_knots = 5;
  std::int64_t degree = 3;
  Value knots = "uniform";
  std::string extrapolation = "constant";
  bool include_bias = true;
  std::string order = "C";
  std::string handle_missing = "error";
  bool sparse_output = false;
};

/// The B-splines of every column, as sklearn.preprocessing.SplineTransformer with dense results.
class SplineTransformer : public EstimatorOf<SplineTransformer, SplineTransformerParams> {
 public:
  using EstimatorOf::EstimatorOf;

  /// (knots + 2 degree, p) float64, ascending: those of the splines, beyond both ends of the base
  /// interval, too. What scikit-learn keeps in bsplines_.
  Array knots_;
  std::int64_t n_features_out_ = 0;

  static constexpr std::string_view class_name = "SplineTransformer";
  static const EstimatorType& describe();

 private:
  std::int64_t splines() const;
  static std::vector<std::string> names_out(const Estimator& e,
                                            const std::vector<std::string>& of_x);
  void do_fit(const Rows& x, const Array& y, const Array& sample_weight);
  Rows do_transform(const Rows& x) const;
};

}  // namespace tessera
