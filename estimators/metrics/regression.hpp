#pragma once
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include <tessera/runtime/rows.hpp>

/// How far predictions are from numbers, as sklearn.metrics. y_true and y_pred are (n,) or (n, q),
/// of any real dtype, and may be rows that are computed or streamed; `sample_weight` is nothing or
/// a weight for each row. Every function gives a value for each target: their mean is what
/// scikit-learn calls 'uniform_average'. All are collective, one or two passes, and the same bits
/// at any number of processes. ValueError where shapes differ, there are no rows, or a value is not
/// finite or out of the function's domain.
namespace tessera::metrics {

using PerTarget = std::vector<double>;

/// Targets and predictions of them, computed with in float64. Whether all are finite is looked at
/// when a result is not.
class Pairs {
 public:
  Pairs(const Rows& y_true, const Rows& y_pred, const Array& sample_weight = {});

  /// Some rows of one target.
  struct Block {
    const double *truth, *predicted;
    const double* weight;  ///< nullptr where there are none
    std::size_t rows;
  };
  /// Of every target.
  struct Spreads {
    PerTarget weight;       ///< of the rows
    PerTarget total;        ///< weighted squared deviations of the targets from their mean
    PerTarget left;         ///< those of the errors from theirs
    PerTarget squares;      ///< squared errors
    std::vector<int> unit;  ///< these three are in squares of 2^unit
  };

  std::size_t targets() const { return static_cast<std::size_t>(y_true_.cols()); }
  std::int64_t rows() const { return y_true_.rows(); }
  /// For each target in turn `each` sums over all rows, to which `add` adds those of some.
  PerTarget sums(std::size_t each,
                 const std::function<void(const Block&, double* sums)>& add) const;
  /// The means of what `sum` gives the weighted sum of.
  PerTarget mean(const std::function<double(const Block&)>& sum) const;
  /// The largest |true - predicted|.
  PerTarget largest_error() const;
  /// In one pass, unless squares leave the range of float64.
  Spreads spreads() const;
  /// The weighted medians of |true - predicted|, and a quantile of y_true.
  PerTarget median_error() const;
  PerTarget quantile_of_truth(double quantile) const;
  /// The same targets with one prediction for each.
  Pairs against(const PerTarget& constant) const;
  /// ValueError for a NaN or infinity. A pass over each. Collective.
  void require_finite() const;

 private:
  static void each_target(const Leaf& leaf,
                          const std::function<void(const Block&, std::size_t target)>& f);
  Rows together() const;
  Rows errors(bool absolute) const;
  Spreads spreads_in(const std::vector<int>& unit) const;
  /// The values, if they are finite or what they are made of is.
  PerTarget checked(PerTarget values) const;
  PerTarget quantile_of(const Rows& values, double q) const;
  Rows y_pred_;
  Array y_true_, weights_;
};

PerTarget mean_squared_error(const Pairs& y);
PerTarget root_mean_squared_error(const Pairs& y);
PerTarget mean_absolute_error(const Pairs& y);
PerTarget median_absolute_error(const Pairs& y);
PerTarget mean_absolute_percentage_error(const Pairs& y);
/// ValueError for values up to -1.
PerTarget mean_squared_log_error(const Pairs& y);
PerTarget root_mean_squared_log_error(const Pairs& y);
/// ValueError for several targets.
double max_error(const Pairs& y);
/// alpha in [0, 1]: the quantile that is predicted.
PerTarget mean_pinball_loss(const Pairs& y, double alpha = 0.5);
/// The deviance of the distribution with variance mean^power: 0 is squared error, 1 Poisson, 2
/// Gamma. ValueError for a power in (0, 1), values outside of the distribution, several targets.
PerTarget mean_tweedie_deviance(const Pairs& y, double power = 0.0);
PerTarget mean_poisson_deviance(const Pairs& y);
PerTarget mean_gamma_deviance(const Pairs& y);
/// 1 - residual / total sum of squares, of squares in units near 1; with a constant target 1 for
/// perfect predictions, otherwise 0, or without `force_finite` NaN and -inf. NaN and an
/// UndefinedMetricWarning for a single row.
PerTarget r2_score(const Pairs& y, bool force_finite = true);
/// As r2_score, with the mean error taken off.
PerTarget explained_variance_score(const Pairs& y, bool force_finite = true);
/// 1 - deviance / deviance of the best constant.
PerTarget d2_tweedie_score(const Pairs& y, double power = 0.0);
PerTarget d2_pinball_score(const Pairs& y, double alpha = 0.5);
PerTarget d2_absolute_error_score(const Pairs& y);
/// What 'variance_weighted' averages with: weighted variances of the targets, in one unit of all.
PerTarget variances(const Pairs& y);

}  // namespace tessera::metrics
