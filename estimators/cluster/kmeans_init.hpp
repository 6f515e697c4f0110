#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <tessera/estimators/kernels/kernels.hpp>
#include <tessera/runtime/random_state.hpp>
#include <tessera/runtime/reduce.hpp>
#include <tessera/runtime/rows.hpp>

namespace tessera::detail {

/// What a pass of assign_nearest over all rows adds up.
class Assignment {
 public:
  Assignment(const AssignmentParts& parts, AlignedVector<double> values)
      : parts_(parts), values_(std::move(values)) {}
  std::span<double> sums() { return part(0, parts_.counts_at()); }
  std::span<double> counts() { return part(parts_.counts_at(), parts_.k); }
  double inertia() const { return values_[static_cast<std::size_t>(parts_.inertia_at())]; }
  double changed() const { return values_[static_cast<std::size_t>(parts_.changed_at())]; }

 private:
  std::span<double> part(std::int64_t first, std::int64_t count) {
    return std::span(values_).subspan(static_cast<std::size_t>(first),
                                      static_cast<std::size_t>(count));
  }
  AssignmentParts parts_;
  AlignedVector<double> values_;
};

/// That pass: labels and what `parts` asks for. Collective.
Assignment assign(const Rows& x, const Tile& centers, const Tile& offset, const Array& weights,
                  const Array& labels, const AssignmentParts& parts);

/// An array of n values, laid out like the rows of x and on their device. Collective.
Array one_per_row(const Rows& x, double value, DType dtype);

/// The `limit` rows of greatest value, descending, ties by the lower row: a partial.
struct TopRows {
  struct Entry {
    double value = 0.0;
    std::int64_t row = 0;
    std::int32_t label = 0;
    template <class Archive>
    void serialize(Archive& archive) {
      archive(value, row, label);
    }
  };
  std::size_t limit = 0;
  std::vector<Entry> entries;

  void offer(const Entry& entry);
  void merge(const TopRows& right);
  template <class Archive>
  void serialize(Archive& archive) {
    archive(limit, entries);
  }
};

/// The initial centres: rows of x or, of k-means||, computed from them; k x d in x's dtype,
/// replicated. x is floating and finite, weights nothing or n weights of x's dtype. Draws from
/// `random`, which is the same on every process and stays so. Collective; the same at any number of
/// processes.
///
/// - "k-means++": Arthur and Vassilvitskii 2007 with scikit-learn's greedy choice among
///   2 + floor(ln k) candidates drawn with probability proportional to w D^2.
/// - "random": k different rows drawn without replacement with probability proportional to w.
/// - "k-means||": Bahmani et al. 2012 with 2 rounds of 2 k expected candidates each, reduced to k
///   by weighted k-means++. What every row draws comes from Random by its number.
///
/// The first two draw what scikit-learn draws, and so choose its rows, as long as the float64 sums
/// of masses here and its sums, in x's dtype, do not lie on different sides of a drawn share.
Array initial_centers(const std::string& method, const Rows& x, std::int64_t k,
                      const Array& weights, RandomState& random);

}  // namespace tessera::detail
