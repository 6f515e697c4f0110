#include <tessera/runtime/climb_steps.hpp>

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

ClimbStep step_in(Range group, int rank, std::int64_t count) {
  const int size = static_cast<int>(group.size());
  const int first = static_cast<int>(group.begin);
  ClimbStep step;
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

// Each of a half with the one of its place in the other half; the left one may have one more.
ClimbStep whole_step_in(Range group, int rank) {
  constexpr Range whole = {0, 1};
  const int first = static_cast<int>(group.begin), end = static_cast<int>(group.end);
  ClimbStep step{group, (first + end + 1) / 2, whole, whole, {}, {}};
  const int left = step.middle - first, right = end - step.middle;
  const auto add = [&](auto& pieces, int other) { pieces.push_back({other, whole, true}); };
  if (rank < step.middle) {
    const int i = rank - first;
    add(step.take, step.middle + std::min(i, right - 1));
    if (i < right) add(step.give, step.middle + i);
  } else {
    const int i = rank - step.middle;
    add(step.take, first + i);
    add(step.give, first + i);
    if (i == right - 1 && left > right) add(step.give, step.middle - 1);
  }
  return step;
}

// step(group) for the groups that a process belongs to, the smallest first.
template <class Step>
std::vector<ClimbStep> steps_of(int rank, int size, const Step& step) {
  std::vector<ClimbStep> steps;
  for (Range group{0, size}; group.size() > 1;) {
    steps.push_back(step(group));
    (rank < steps.back().middle ? group.end : group.begin) = steps.back().middle;
  }
  std::reverse(steps.begin(), steps.end());
  return steps;
}

}  // namespace

std::vector<ClimbStep> slice_steps(int rank, int size, std::int64_t count) {
  return steps_of(rank, size, [&](Range group) { return step_in(group, rank, count); });
}
std::vector<ClimbStep> whole_steps(int rank, int size) {
  return steps_of(rank, size, [&](Range group) { return whole_step_in(group, rank); });
}

}  // namespace tessera::detail
