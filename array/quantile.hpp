#pragma once
#include <cstdint>
#include <span>

#include <tessera/runtime/rows.hpp>

namespace tessera {

/// Where a quantile lies among the values: NumPy's methods (Hyndman and Fan 1996).
enum class QuantileMethod : std::uint8_t {
  inverted_cdf,
  averaged_inverted_cdf,
  closest_observation,
  interpolated_inverted_cdf,
  hazen,
  weibull,
  linear,
  median_unbiased,
  normal_unbiased,
};

struct QuantileOptions {
  QuantileMethod method = QuantileMethod::linear;
  /// NaN are left out, as numpy.nanquantile does; otherwise a column that holds one gives NaN.
  bool ignore_nan = false;
  /// Nothing, or a weight of 0 or more for each row, of any real dtype: for the first two methods
  /// alone. Of rows of weight 0 there is none.
  Array weights = {};
};

/// Quantiles of every column of x over axis 0, (q, tail...), replicated in host memory, exact:
/// numpy.quantile(x, q, axis=0). float32 for float32, float64 otherwise; NaN for a column without
/// values. A few passes over x (two for 16 bits of its elements, or four; with weights one for 8
/// bits), and no more memory than counts for some columns at a time: x may be streamed. More than
/// 32 quantiles are taken from a column at a time, sorted in memory. Collective; ValueError for a q
/// outside [0, 1] and for weights with another method, TypeError for complex numbers.
Array quantile(const Rows& x, std::span<const double> q, const QuantileOptions& options = {});

/// quantile(x, 0.5) of shape (tail...).
Array median(const Rows& x);

}  // namespace tessera
