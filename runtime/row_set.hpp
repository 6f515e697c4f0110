#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include <tessera/runtime/rows.hpp>

namespace tessera {

/// Some rows of an array, ascending: a fold, a split, what a mask leaves. A value that every
/// process has; 24 bytes for each run of consecutive rows.
class RowSet {
 public:
  RowSet() = default;
  RowSet(Range rows);  // NOLINT(google-explicit-constructor): a run of rows is a set
  /// ValueError unless the ranges (indices) ascend and do not overlap.
  static RowSet of_ranges(const std::vector<Range>& ranges);
  static RowSet of_indices(std::span<const std::int64_t> indices);
  /// The rows where a boolean vector is true. Collective; TypeError for another dtype.
  static RowSet of_mask(const Array& mask);

  std::int64_t size() const { return first_.empty() ? 0 : first_.back() + ranges_.back().size(); }
  const std::vector<Range>& ranges() const { return ranges_; }
  /// The other rows of `rows`.
  RowSet complement(std::int64_t rows) const;

  /// Calls f(rows, at) for the runs of the set within `rows`: rows.begin is the set's row `at`.
  void each_in(Range rows, const std::function<void(Range rows, std::int64_t at)>& f) const;
  /// The global rows from the first to the last of the set's rows [begin, end); not for none.
  Range span_of(Range selected) const;

 private:
  void add(Range range);
  std::vector<Range> ranges_;
  std::vector<std::int64_t> first_;  // where each range starts in the set
};

/// The rows of the set, by rows (of a replicated array: replicated) and named like x: a view where
/// they are one run and no row changes its process, else a copy made in one exchange. Collective;
/// ValueError for rows that x has not.
Array select(const Array& x, const RowSet& set);
/// The same. Rows of a file, and computed ones that no process needs of another, are read when they
/// are needed; others are computed here and moved.
Rows select(const Rows& x, const RowSet& set);

}  // namespace tessera
