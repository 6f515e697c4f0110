#include <tessera/array/histogram.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include <tessera/runtime/error.hpp>
#include <tessera/runtime/reduce.hpp>

namespace tessera {
namespace {

struct Ends {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  bool finite = true;
  void merge(const Ends& other) {
    low = std::min(low, other.low);
    high = std::max(high, other.high);
    finite = finite && other.finite;
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(low, high, finite);
  }
};

template <class F>
void each_element(const Leaf& leaf, const F& f) {
  for (std::int64_t i = 0; i < leaf.tile.rows; ++i) {
    const auto* row = leaf.tile.slice(i, 1).as<const double>();
    for (std::int64_t j = 0; j < leaf.tile.cols; ++j) f(row[j]);
  }
}

}  // namespace

Histogram histogram(const Rows& given, std::int64_t bins,
                    std::optional<std::pair<double, double>> range) {
  if (bins < 1 || bins > 1 << 24)
    throw ValueError(fmt::format("histogram needs bins from 1 to 2^24, got {}", bins));
  if (is_complex(given.dtype()))
    throw TypeError(fmt::format("histogram takes real numbers, not {}", name_of(given.dtype())));
  const Rows x = given.to(cpu).as(DType::float64);
  if (!range) {
    const auto ends = reduce<Ends>(x, [](const Leaf& leaf, Stream&) {
      Ends e;
      each_element(leaf, [&](double v) {
        e.low = std::min(e.low, v);
        e.high = std::max(e.high, v);
        e.finite = e.finite && std::isfinite(v);
      });
      return e;
    });
    if (!ends.finite)
      throw ValueError("histogram needs a range where an element is NaN or infinite");
    range = ends.low <= ends.high ? std::pair(ends.low, ends.high) : std::pair(0.0, 1.0);
  }
  double low = range->first, high = range->second;
  if (!std::isfinite(high - low) || low > high)
    throw ValueError(
        fmt::format("histogram needs a finite, ascending range, got {} to {}", low, high));
  if (low == high) {
    low -= 0.5;
    high += 0.5;
  }
  std::vector<double> edges;
  for (std::int64_t k = 0; k < bins; ++k)
    edges.push_back(low + static_cast<double>(k) * ((high - low) / static_cast<double>(bins)));
  edges.push_back(high);
  const double per_unit = static_cast<double>(bins) / (high - low);
  const auto sums = reduce<Sums>(x, [&](const Leaf& leaf, Stream&) {
    Sums counts{std::vector<double>(static_cast<std::size_t>(bins))};
    each_element(leaf, [&](double v) {
      if (!(v >= low && v <= high)) return;
      // In a range so narrow that the quotient is none the first edge is as near as any.
      const double at = (v - low) * per_unit, last = static_cast<double>(bins - 1);
      auto k = at >= 0 ? static_cast<std::int64_t>(std::min(at, last)) : 0;
      // The edges decide, not the division.
      if (v < edges[static_cast<std::size_t>(k)]) --k;
      if (k + 1 < bins && v >= edges[static_cast<std::size_t>(k) + 1]) ++k;
      ++counts.values[static_cast<std::size_t>(k)];
    });
    return counts;
  });
  std::vector<std::int64_t> counts(static_cast<std::size_t>(bins));
  for (std::size_t k = 0; k < sums.values.size(); ++k)
    counts[k] = static_cast<std::int64_t>(sums.values[k]);
  return {replicated(counts, {bins}, x.comm()), replicated(edges, {bins + 1}, x.comm())};
}

}  // namespace tessera
