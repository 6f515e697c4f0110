#include <tessera/ndimage/border.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include <tessera/runtime/error.hpp>

namespace tessera::ndimage {

Mode mode_of(std::string_view word) {
  if (word == "reflect" || word == "grid-mirror") return Mode::reflect;
  if (word == "constant" || word == "grid-constant") return Mode::constant;
  if (word == "nearest") return Mode::nearest;
  if (word == "mirror") return Mode::mirror;
  if (word == "wrap" || word == "grid-wrap") return Mode::wrap;
  throw RuntimeError(
      fmt::format("mode must be 'reflect', 'constant', 'nearest', 'mirror', 'wrap', 'grid-mirror', "
                  "'grid-constant' or 'grid-wrap', got '{}'",
                  word));
}

std::int64_t source_index(std::int64_t i, std::int64_t n, Mode mode) {
  if (i >= 0 && i < n) return i;
  const auto modulo = [i](std::int64_t period) {
    const std::int64_t m = i % period;
    return m < 0 ? m + period : m;
  };
  switch (mode) {
    case Mode::constant:
      return -1;
    case Mode::nearest:
      return i < 0 ? 0 : n - 1;
    case Mode::wrap:
      return modulo(n);
    case Mode::reflect: {
      const std::int64_t m = modulo(2 * n);
      return m < n ? m : 2 * n - 1 - m;
    }
    case Mode::mirror: {
      if (n == 1) return 0;
      const std::int64_t m = modulo(2 * n - 2);
      return m < n ? m : 2 * n - 2 - m;
    }
  }
  return -1;
}

std::vector<Range> source_ranges(Range indices, std::int64_t n, Mode mode) {
  std::vector<Range> ranges;
  // Of what lies beyond an end, two lengths have all that any more could.
  const auto add = [&](std::int64_t begin, std::int64_t end) {
    Range hull{n, 0};
    for (std::int64_t i = begin; i < std::min(end, begin + 2 * n); ++i) {
      const std::int64_t s = source_index(i, n, mode);
      if (s >= 0) hull = {std::min(hull.begin, s), std::max(hull.end, s + 1)};
    }
    if (hull.begin < hull.end) ranges.push_back(hull);
  };
  if (n == 0 || indices.size() <= 0) return ranges;
  add(indices.begin, std::min<std::int64_t>(indices.end, 0));
  if (std::max<std::int64_t>(indices.begin, 0) < std::min(indices.end, n))
    ranges.push_back({std::max<std::int64_t>(indices.begin, 0), std::min(indices.end, n)});
  add(std::max(indices.begin, n), indices.end);
  std::sort(ranges.begin(), ranges.end(),
            [](const Range& a, const Range& b) { return a.begin < b.begin; });
  std::vector<Range> joined;
  for (const Range& r : ranges)
    if (!joined.empty() && r.begin <= joined.back().end)
      joined.back().end = std::max(joined.back().end, r.end);
    else
      joined.push_back(r);
  return joined;
}

}  // namespace tessera::ndimage
