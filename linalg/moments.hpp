#pragma once
#include <vector>

#include <tessera/runtime/rows.hpp>

namespace tessera::linalg {

/// Count, mean and sum of squared deviations of every column: a one-pass variance.
/// Chan, Golub, LeVeque, "Algorithms for computing the sample variance", 1983.
struct ColumnMoments {
  std::vector<double> count;  ///< sum of weights over the rows that are not NaN
  std::vector<double> mean;
  std::vector<double> m2;  ///< sum of weight * (x - mean)^2
};

/// Moments of the columns of x (n x p, float32 or float64), in float64, NaN left out. `weights` is
/// nothing or an array of n weights of x's dtype, laid out like x. Collective; the same bits at any
/// number of processes. An infinity shows as a non-finite mean.
ColumnMoments column_moments(const Rows& x, const Array& weights = {});

}  // namespace tessera::linalg
