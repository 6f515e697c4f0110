#pragma once
#include <optional>
#include <utility>

#include <tessera/runtime/rows.hpp>

namespace tessera {

/// How many elements lie in each of some bins of one width.
struct Histogram {
  Array counts;  ///< int64, (bins,), replicated
  Array edges;   ///< float64, (bins + 1,), replicated
};
/// As numpy.histogram: bins are half-open but for the last one; without `range` from the least to
/// the largest element, half a unit around them where these are one. Elements outside of a given
/// range, and NaN, are in no bin. One pass, and one before it without `range`: x may be streamed.
/// Collective; ValueError for bins outside [1, 2^24], for a range that is not finite or reversed
/// and, without one, where an element is not finite, TypeError for complex numbers.
Histogram histogram(const Rows& x, std::int64_t bins = 10,
                    std::optional<std::pair<double, double>> range = {});

}  // namespace tessera
