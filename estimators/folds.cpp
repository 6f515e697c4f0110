#include <tessera/estimators/folds.hpp>

#include <fmt/format.h>

#include <algorithm>

#include <tessera/runtime/error.hpp>
#include <tessera/runtime/index.hpp>

namespace tessera::detail {

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

}  // namespace tessera::detail
