#include <tessera/runtime/slices.hpp>

#include <algorithm>

namespace tessera::detail {
namespace {

// What process i of a group of g has. Where the halves are alike, i and its partner in the other
// half have had the same, and each keeps a half of that: so one exchanges with one other only.
Range share(int g, int i, std::int64_t count) {
  if (g == 1) return {0, count};
  if (g % 2 == 1) return {count * i / g, count * (i + 1) / g};
  const Range whole = share(g / 2, i % (g / 2), count);
  const std::int64_t middle = (whole.begin + whole.end) / 2;
  return i < g / 2 ? Range{whole.begin, middle} : Range{middle, whole.end};
}

SliceStep step_in(Range group, int rank, std::int64_t count) {
  const int size = static_cast<int>(group.size());
  const int first = static_cast<int>(group.begin);
  SliceStep step;
  step.group = group;
  step.middle = first + (size + 1) / 2;
  const auto before = [&](int r) {
    return r < step.middle ? share(step.middle - first, r - first, count)
                           : share(first + size - step.middle, r - step.middle, count);
  };
  step.before = before(rank);
  step.after = share(size, rank - first, count);
  const auto add = [&](int other) {
    const auto piece = [&](auto& pieces, Range mine, Range theirs) {
      const Range part = {std::max(mine.begin, theirs.begin), std::min(mine.end, theirs.end)};
      if (part.size() > 0) pieces.push_back({other, part, part.begin == theirs.begin});
    };
    piece(step.give, step.before, share(size, other - first, count));
    piece(step.take, step.after, before(other));
  };
  if (size % 2 == 0) {
    add(rank < step.middle ? rank + size / 2 : rank - size / 2);
  } else {
    for (int r = first; r < first + size; ++r)
      if (r != rank) add(r);
  }
  return step;
}

}  // namespace

std::vector<SliceStep> slice_steps(int rank, int size, std::int64_t count) {
  std::vector<SliceStep> steps;
  for (Range group{0, size}; group.size() > 1;) {
    steps.push_back(step_in(group, rank, count));
    (rank < steps.back().middle ? group.end : group.begin) = steps.back().middle;
  }
  std::reverse(steps.begin(), steps.end());
  return steps;
}

}  // namespace tessera::detail
