#include <tessera/estimators/folds.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include <tessera/runtime/error.hpp>
#include <tessera/runtime/index.hpp>

namespace tessera::detail {
namespace {

// How many of `draws` each class has by its share: the whole parts, and one more for those that
// have most left, by chance among equal ones.
std::vector<std::int64_t> counts_by_share(const std::vector<std::int64_t>& counts,
                                          std::int64_t draws, RandomState& random) {
  double all = 0.0;
  for (const std::int64_t c : counts) all += static_cast<double>(c);
  std::vector<std::int64_t> taken;
  std::vector<double> left;
  for (const std::int64_t c : counts) {
    const double share = static_cast<double>(c) / all * static_cast<double>(draws);
    taken.push_back(static_cast<std::int64_t>(std::floor(share)));
    left.push_back(share - std::floor(share));
  }
  std::int64_t missing = draws - std::accumulate(taken.begin(), taken.end(), std::int64_t{0});
  std::vector<double> values = left;
  std::ranges::sort(values, std::greater<>());
  values.erase(std::unique(values.begin(), values.end()), values.end());
  for (std::size_t v = 0; v < values.size() && missing > 0; ++v) {
    std::vector<std::size_t> equal;
    for (std::size_t c = 0; c < left.size(); ++c)
      if (left[c] == values[v]) equal.push_back(c);
    const std::int64_t now = std::min(std::ssize(equal), missing);
    for (const std::int64_t i : random.choice(std::ssize(equal), now, false)) ++taken[equal[z(i)]];
    missing -= now;
  }
  return taken;
}

}  // namespace

Allowed folds_allowed() {
  return integers(2) | list_of(tuple_of({several(integers(0)), several(integers(0))}), 2) | none();
}

std::vector<RowSet> folds_of(const Value& cv, std::int64_t rows, std::string_view estimator) {
  std::vector<RowSet> all;
  if (const List* pairs = cv.items()) {
    std::vector<bool> tested(z(rows));
    bool partition = true;
    std::int64_t count = 0;
    for (const Value& pair : *pairs) {
      const auto sorted = [&](std::size_t which) {
        std::vector<std::int64_t> rows_of;
        for (const double v : doubles((*pair.items())[which]))
          rows_of.push_back(static_cast<std::int64_t>(v));
        std::sort(rows_of.begin(), rows_of.end());
        if (!rows_of.empty() && (rows_of.front() < 0 || rows_of.back() >= rows))
          throw ValueError(fmt::format("{}: cv has row {}, but X has {} rows", estimator,
                                       rows_of.front() < 0 ? rows_of.front() : rows_of.back(),
                                       rows));
        partition =
            partition && std::adjacent_find(rows_of.begin(), rows_of.end()) == rows_of.end();
        return rows_of;
      };
      const auto train = sorted(0), test = sorted(1);
      if (!partition) break;
      for (const std::int64_t row : test) {
        partition = partition && !tested[z(row)];
        tested[z(row)] = true;
      }
      count += std::ssize(test);
      all.push_back(RowSet::of_indices(test));
      const RowSet others = all.back().complement(rows);
      std::size_t at = 0;
      others.each_in({0, rows}, [&](Range run, std::int64_t) {
        for (std::int64_t row = run.begin; row < run.end; ++row, ++at)
          partition = partition && at < train.size() && train[at] == row;
      });
      partition = partition && at == train.size();
    }
    if (!partition || count != rows)
      throw NotImplementedError(
          fmt::format("{}: such a cv is not supported; only test sets that make up all rows, each "
                      "with all others in train, are",
                      estimator));
    return all;
  }
  const std::int64_t folds = cv.is_none() ? 5 : cv.as<std::int64_t>();
  if (folds > rows)
    throw ValueError(
        fmt::format("{}: {} folds need as many rows, got n_samples={}", estimator, folds, rows));
  std::int64_t begin = 0;
  for (std::int64_t i = 0; i < folds; ++i) {
    const std::int64_t end = begin + rows / folds + (i < rows % folds ? 1 : 0);
    all.emplace_back(Range{begin, end});
    begin = end;
  }
  return all;
}

std::vector<std::int32_t> folds_of_rows(const Value& cv, const Array& codes, std::int64_t k,
                                        std::string_view estimator, RandomState* draws) {
  const std::int64_t n = codes.rows();
  std::vector<std::int32_t> fold(z(n));
  if (cv.items()) {
    const auto sets = folds_of(cv, n, estimator);
    for (std::size_t f = 0; f < sets.size(); ++f)
      sets[f].each_in({0, n}, [&](Range rows, std::int64_t) {
        std::fill(fold.begin() + rows.begin, fold.begin() + rows.end, static_cast<std::int32_t>(f));
      });
    return fold;
  }
  const std::int64_t folds = cv.is_none() ? 5 : cv.as<std::int64_t>();
  const Array all = gather(codes).to(cpu);
  const auto code = all.values<std::int32_t>();
  // Classes in the order of their first rows, and how many rows each has.
  std::vector<std::int64_t> place(z(k), -1), count;
  for (const std::int32_t c : code) {
    if (place[z(c)] < 0) {
      place[z(c)] = std::ssize(count);
      count.push_back(0);
    }
    ++count[z(place[z(c)])];
  }
  if (*std::max_element(count.begin(), count.end()) < folds)
    throw ValueError(fmt::format("{}: {} folds need a class of as many rows, the largest has {}",
                                 estimator, folds, *std::max_element(count.begin(), count.end())));
  // The folds of each class's rows, in their order.
  std::vector<std::vector<std::int32_t>> of_class(count.size());
  std::int64_t at = 0;
  for (std::size_t c = 0; c < count.size(); ++c) {
    for (std::int64_t i = 0; i < count[c]; ++i, ++at)
      of_class[c].push_back(static_cast<std::int32_t>(at % folds));
    std::sort(of_class[c].begin(), of_class[c].end());
    if (draws) draws->shuffle(std::span(of_class[c]));
  }
  std::vector<std::size_t> next(count.size());
  for (std::int64_t i = 0; i < n; ++i) {
    const std::size_t c = z(place[z(code[z(i)])]);
    fold[z(i)] = of_class[c][next[c]++];
  }
  return fold;
}

std::vector<bool> shuffle_split(double share, std::int64_t rows, const Array& codes, std::int64_t k,
                                RandomState& draws, std::string_view estimator) {
  const auto tested = static_cast<std::int64_t>(std::ceil(share * static_cast<double>(rows)));
  const std::int64_t others = rows - tested;
  const std::int64_t least = codes ? k : 1;
  if (others < least || tested < least)
    throw ValueError(fmt::format(
        "{}: a share of {} of {} rows to validate leaves {} of these and {} to fit; there must be "
        "{} of each at least",
        estimator, share, rows, tested, others, least));
  std::vector<bool> in_test(z(rows));
  if (!codes) {
    const auto order = draws.permutation(rows);
    for (std::int64_t i = 0; i < tested; ++i) in_test[z(order[z(i)])] = true;
    return in_test;
  }
  const Array all = gather(codes).to(cpu);
  std::vector<std::vector<std::int64_t>> of_class(z(k));
  for (std::int64_t i = 0; i < rows; ++i)
    of_class[z(all.values<std::int32_t>()[z(i)])].push_back(i);
  std::vector<std::int64_t> counts;
  for (const auto& one : of_class) {
    counts.push_back(std::ssize(one));
    if (one.size() < 2)
      throw ValueError(fmt::format(
          "{}: The least populated classes in y have only 1 member, which is too few. The minimum "
          "number of groups for any class cannot be less than 2.",
          estimator));
  }
  const auto train = counts_by_share(counts, others, draws);
  auto rest = counts;
  for (std::size_t c = 0; c < rest.size(); ++c) rest[c] -= train[c];
  const auto test = counts_by_share(rest, tested, draws);
  for (std::size_t c = 0; c < counts.size(); ++c) {
    const auto order = draws.permutation(counts[c]);
    for (std::int64_t i = train[c]; i < train[c] + test[c]; ++i)
      in_test[z(of_class[c][z(order[z(i)])])] = true;
  }
  return in_test;
}

}  // namespace tessera::detail
