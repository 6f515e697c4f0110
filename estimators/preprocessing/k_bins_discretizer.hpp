#pragma once
#include <tessera/estimators/estimator.hpp>

namespace tessera {

struct KBinsDiscretizerParams {
  Value n_bins = 5;
  std::string encode = "onehot-dense";
  std::string strategy = "quantile";
  std::string quantile_method = "averaged_inverted_cdf";
  Value dtype = {};
  Value subsample = 200000;
  Value random_state = {};
};

/// Cuts the range of every column into bins, as sklearn.preprocessing.KBinsDiscretizer. The edges
/// are those of all rows, exactly, whatever `subsample` is.
class KBinsDiscretizer : public EstimatorOf<KBinsDiscretizer, KBinsDiscretizerParams> {
 public:
  using EstimatorOf::EstimatorOf;

  List bin_edges_;  ///< for each column (n_bins + 1,) float64, ascending; infinite for a constant
                    ///< one
  Array n_bins_;    ///< (p,) int64

  static constexpr std::string_view class_name = "KBinsDiscretizer";
  static const EstimatorType& describe();

 private:
  std::vector<std::vector<double>> edges() const;
  static std::vector<std::string> names_out(const Estimator& e,
                                            const std::vector<std::string>& of_x);
  void do_fit(const Rows& x, const Array& y, const Array& sample_weight);
  Rows do_transform(const Rows& x) const;
  Rows do_inverse_transform(const Rows& x) const;
};

}  // namespace tessera
