#pragma once
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include <tessera/runtime/array.hpp>
#include <tessera/runtime/runtime.hpp>
#include <tessera/runtime/stream.hpp>

namespace tessera {

/// One leaf of a row distribution, or a run of consecutive ones, in the memory of the process that
/// works on it.
struct Leaf {
  std::int64_t index = 0;  ///< of the first leaf
  Range rows;              ///< global rows
  Tile tile;               ///< rows.size() x cols; valid during the visit only
  /// The same rows of what zip() put beside, in its order; empty tiles for no array.
  std::span<const Tile> beside = {};
};

/// Work on one leaf. Runs on several threads at once, each with its own stream.
using LeafVisitor = std::function<void(const Leaf&, Stream&)>;

/// Indices of leaves, ascending: a run of them, never written out, or a choice, which must outlive
/// the list.
class LeafList {
 public:
  LeafList(Range run) : run_(run) {}                 // NOLINT(google-explicit-constructor)
  LeafList(const std::vector<std::int64_t>& chosen)  // NOLINT(google-explicit-constructor)
      : run_{0, std::ssize(chosen)}, chosen_(chosen.data()) {}
  std::int64_t size() const { return run_.size(); }
  std::int64_t operator[](std::int64_t i) const { return chosen_ ? chosen_[i] : run_.begin + i; }

 private:
  Range run_;
  const std::int64_t* chosen_ = nullptr;
};

/// A source of leaves behind Rows. To add one (a file format, a generator), derive from it.
class RowSource {
 public:
  /// Rows that lie as row_distribution() says.
  RowSource(Shape shape, DType dtype, const Communicator& comm);
  RowSource(Shape shape, DType dtype, const Distribution& distribution, const Communicator& comm);
  virtual ~RowSource() = default;
  const Shape& shape() const { return shape_; }
  DType dtype() const { return dtype_; }
  const Distribution& distribution() const { return distribution_; }
  const Communicator& comm() const { return comm_; }
  /// Elements per row.
  std::int64_t cols() const { return cols_; }
  virtual Device device() const { return cpu; }
  /// Visits the given leaves of this process, which ascend, on `threads` threads; in order when
  /// `threads` is 1. Local: no communication. Rethrows what the visitor throws, that of the lowest
  /// leaf.
  virtual void visit_leaves(const LeafList& leaves, const LeafVisitor& visit,
                            int threads) const = 0;
  /// Visits every leaf of this process once, in runs if that suits the device: of at most `leaves`
  /// leaves, a power of two, none of them across a multiple of it. Otherwise as visit_leaves.
  virtual void visit_runs(std::int64_t leaves, const LeafVisitor& visit, int threads) const;
  /// Writes every row of this process to `out`, which has this source's shape, dtype, distribution
  /// and device. Local.
  virtual void write_to(const Array& out, int threads) const;
  /// The Array behind this source, if there is one.
  virtual const Array* array() const { return nullptr; }
  /// Whether visit_leaves also visits leaves of other processes, on every process alike: those of a
  /// file.
  virtual bool is_everywhere() const;

 private:
  Shape shape_;
  DType dtype_;
  Distribution distribution_;
  Communicator comm_;
  std::int64_t cols_;
};

/// Anything that hands out its rows leaf by leaf: an Array in memory, a dataset streamed from disk,
/// a function of other rows. Estimators take Rows, so data larger than memory is not a second code
/// path. A cheap handle.
class Rows {
 public:
  Rows(const Array& array);  // NOLINT(google-explicit-constructor): an Array is Rows
  explicit Rows(std::shared_ptr<const RowSource> source) : source_(std::move(source)) {}

  const Shape& shape() const { return source_->shape(); }
  std::int64_t ndim() const { return static_cast<std::int64_t>(shape().size()); }
  std::int64_t rows() const { return row_count(shape()); }
  /// Elements per row.
  std::int64_t cols() const { return source_->cols(); }
  DType dtype() const { return source_->dtype(); }
  const Distribution& distribution() const { return source_->distribution(); }
  const Communicator& comm() const { return source_->comm(); }
  Device device() const { return source_->device(); }
  const Array* array() const { return source_->array(); }
  bool is_everywhere() const { return source_->is_everywhere(); }
  /// As of an Array.
  const std::vector<std::string>& column_names() const {
    return detail::names_or_none(names_.columns);
  }
  Rows named(std::vector<std::string> names) const;
  /// As of an Array.
  const std::vector<std::string>& categories() const {
    return detail::names_or_none(names_.categories);
  }
  Rows categorized(std::vector<std::string> categories) const;
  const detail::Names& names() const { return names_; }
  Rows with(detail::Names names) const;

  /// Visits every leaf this process owns once, as RowSource::visit_leaves.
  void for_each_leaf(const LeafVisitor& visit, int threads = Runtime::threads()) const;
  void visit_leaves(const LeafList& leaves, const LeafVisitor& visit,
                    int threads = Runtime::threads()) const {
    source_->visit_leaves(leaves, visit, threads);
  }
  void visit_runs(std::int64_t leaves, const LeafVisitor& visit,
                  int threads = Runtime::threads()) const {
    source_->visit_runs(leaves, visit, threads);
  }

  /// As RowSource::write_to.
  void write_to(const Array& out, int threads = Runtime::threads()) const {
    source_->write_to(out, threads);
  }

  /// The same rows with every element converted to a floating dtype, leaf by leaf, when read; those
  /// on a device by way of host memory. ValueError for text.
  Rows as(DType dtype) const;
  /// The same rows on another device, copied leaf by leaf when read, copies beside computation on
  /// several threads: for data larger than the device's memory, and for work on the host that no
  /// device has a kernel for. An array moves as a whole with Array::to.
  Rows to(Device device) const;

 private:
  std::shared_ptr<const RowSource> source_;
  detail::Names names_;
};

/// Rows computed from other rows when read, on x's device and under the selection in force here:
/// `kernel` fills `out` (rows x cols of `dtype`) from a leaf or run of leaves. `shape` has x's
/// number of rows.
using LeafKernel = std::function<void(const Leaf& in, const Tile& out, Stream&)>;
Rows map_rows(const Rows& x, Shape shape, DType dtype, LeafKernel kernel);

/// An Array with the contents of `x` on its device; x's own Array when there is one. Collective.
Array collect(const Rows& x);
/// Some rows of x by global index, replicated, as take_rows of an Array. One pass over a streamed
/// source. Collective.
Array take_rows(const Rows& x, std::span<const std::int64_t> indices);

/// x with arrays of as many rows beside it (y, weights, codes), for a reduction or a map over all
/// of them at once: Leaf::beside has their rows, where x lies. An empty handle gives empty tiles.
/// They are moved to x's distribution and device if they lie elsewhere. Collective; ValueError for
/// another number of rows.
Rows zip(const Rows& x, std::vector<Array> beside);

/// The rows of x, kept in memory on x's device by the first pass over them, for what would be
/// computed or read again in every iteration. x itself when it is an Array. Collective: MemoryError
/// where there is no room.
Rows cached(const Rows& x);

/// The rows of a companion array that a visitor writes to, distributed like X, which belong to a
/// leaf or run of X; an empty tile for no array. What is only read goes beside X, by zip().
Tile rows_of(const Array& companion, const Leaf& leaf);

/// Runs work(i, stream) for i in [begin, end) on up to `threads` threads (one inside of itself),
/// under the selection in force here, and rethrows the failure of the lowest i. Local.
void parallel_for(Range range, int threads, const std::function<void(std::int64_t, Stream&)>& work);

}  // namespace tessera
