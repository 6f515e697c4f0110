#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <exception>
#include <limits>
#include <mutex>
#include <thread>

#include <tessera/io/array_file.hpp>
#include <tessera/io/chunks.hpp>
#include <tessera/io/dataset.hpp>
#include <tessera/io/file_source.hpp>
#include <tessera/io/hdf5.hpp>
#include <tessera/io/inspection.hpp>
#include <tessera/runtime/memory.hpp>
#include <tessera/runtime/runtime.hpp>
#include <tessera/runtime/visit.hpp>

namespace tessera::io {
namespace {

/// Hands leaves from the thread that reads them to the workers that visit them, through a fixed
/// number of buffers.
class Queue {
 public:
  explicit Queue(std::vector<std::byte*> buffers) : free_(std::move(buffers)) {}

  struct Item {
    std::int64_t leaf = 0;
    std::byte* data = nullptr;
  };

  /// A buffer to read into; null once the pass has ended.
  std::byte* take_buffer() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ended_ || !free_.empty(); });
    if (ended_) return nullptr;
    std::byte* data = free_.back();
    free_.pop_back();
    return data;
  }
  void give_buffer(std::byte* data) {
    const std::lock_guard lock(mutex_);
    free_.push_back(data);
    changed_.notify_all();
  }
  void offer(Item item) {
    const std::lock_guard lock(mutex_);
    ready_.push_back(item);
    changed_.notify_all();
  }
  /// The next leaf in order; one without data when there is none left.
  Item take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ended_ || read_all_ || !ready_.empty(); });
    if (failed_at_ <= next_ready() || ready_.empty()) return {};
    const Item item = ready_.front();
    ready_.pop_front();
    return item;
  }
  /// No more leaves come.
  void finish_reading() {
    const std::lock_guard lock(mutex_);
    read_all_ = true;
    changed_.notify_all();
  }
  /// Leaf `leaf` could not be read or visited: nothing above it is visited from now on.
  void fail(std::int64_t leaf, std::exception_ptr why) {
    const std::lock_guard lock(mutex_);
    if (leaf < failed_at_) {
      failed_at_ = leaf;
      failure_ = std::move(why);
    }
    changed_.notify_all();
  }
  /// A worker gave up: the reader stops.
  void end() {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }
  const std::exception_ptr& failure() const { return failure_; }

 private:
  std::int64_t next_ready() const {
    return ready_.empty() ? std::numeric_limits<std::int64_t>::max() : ready_.front().leaf;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::byte*> free_;
  std::deque<Item> ready_;
  bool read_all_ = false;
  bool ended_ = false;
  std::int64_t failed_at_ = std::numeric_limits<std::int64_t>::max();
  std::exception_ptr failure_;
};

class DatasetSource : public RowSource {
 public:
  DatasetSource(std::string file, DatasetInfo info, const Communicator& comm)
      : RowSource(info.shape, info.dtype, comm), file_(std::move(file)), info_(std::move(info)) {}

  bool is_everywhere() const override { return true; }
  std::size_t bytes_of_leaf() const {
    return static_cast<std::size_t>(std::min(distribution().leaf_rows(), distribution().rows()) *
                                    cols()) *
           size_of(dtype());
  }

  void visit_leaves(const LeafList& leaves, const LeafVisitor& visit, int threads) const override {
    if (leaves.size() == 0) return;
    const auto workers =
        static_cast<int>(std::min<std::int64_t>(std::max(1, threads), leaves.size()));
    const std::size_t bytes = bytes_of_leaf();
    std::vector<Buffer> memory;
    std::vector<std::byte*> buffers;
    for (std::int64_t i = 0; i < std::min<std::int64_t>(workers + 2, leaves.size()); ++i)
      buffers.push_back(memory.emplace_back(std::max<std::size_t>(bytes, 1)).data());

    Queue queue(std::move(buffers));
    reading_unchanged(file_, info_.file, [&](const InputFile&) {
      const std::jthread reader([&] { read_leaves(leaves, queue); });
      const struct Ending {  // before the reader is joined, however this block is left
        Queue& queue;
        ~Ending() { queue.end(); }
      } ending{queue};
      parallel_for({0, workers}, workers,
                   [&](std::int64_t, Stream& stream) { work(visit, queue, stream); });
    });
    if (queue.failure()) std::rethrow_exception(queue.failure());
  }

 private:
  void read_leaves(const LeafList& leaves, Queue& queue) const {
    std::int64_t at = leaves[0];
    try {
      const std::string failed = "cannot read " + hdf5::title(file_, info_.name);
      hdf5::Id file;
      hdf5::Id dataset;
      DatasetInfo here;
      hdf5::explain(failed, [&] {
        file = hdf5::open_file(file_);
        require_unchanged(file_, hdf5::descriptor(file), info_.file);
        dataset = hdf5::open_dataset(file, info_.name, distribution().leaf_rows());
        here = hdf5::describe(dataset, file_, info_.name);
        if (here.shape != info_.shape || here.dtype != info_.dtype)
          throw OSError(hdf5::title(file_, info_.name) + " changed since it was opened");
      });
      hdf5::DeflatedRows deflated(dataset, here,
                                  distribution().rows_of_leaf(leaves[leaves.size() - 1]).end);
      for (std::int64_t i = 0; i < leaves.size(); ++i) {
        at = leaves[i];
        // Waiting for who works on the leaves may take as long as they take.
        std::byte* data = queue.take_buffer();
        if (!data) break;
        hdf5::explain(failed, [&] {
          const Range rows = distribution().rows_of_leaf(at);
          if (!deflated.read(rows, data)) hdf5::read_rows(dataset, here, rows, data);
        });
        note_progress();
        queue.offer({at, data});
      }
    } catch (...) {
      queue.fail(at, std::current_exception());
    }
    queue.finish_reading();
  }

  void work(const LeafVisitor& visit, Queue& queue, Stream& stream) const {
    for (;;) {
      const auto item = queue.take();
      if (!item.data) return;
      const Range rows = distribution().rows_of_leaf(item.leaf);
      try {
        visit({item.leaf, rows, {item.data, rows.size(), cols(), cols(), dtype(), cpu}}, stream);
      } catch (...) {
        queue.fail(item.leaf, std::current_exception());
        queue.end();
      }
      queue.give_buffer(item.data);
    }
  }

  std::string file_;
  DatasetInfo info_;
};

}  // namespace

Rows stream(const std::string& file, const std::string& dataset, ReadOptions options,
            const Communicator& comm) {
  const DatasetInfo info = inspect_to_read(file, dataset, comm).info;
  hdf5::require_dense(info, file, options.dense);
  if (info.text)
    throw TypeError(fmt::format("{} holds strings, which cannot be streamed; expected numbers",
                                hdf5::title(file, info.name)));
  if (info.sparse == "csc")
    throw NotImplementedError(fmt::format(
        "'{}' of '{}' is a sparse matrix by columns (csc), which cannot be streamed by rows",
        info.name, file));
  const auto rows = std::make_shared<DatasetSource>(file, info, comm);
  constexpr std::uint64_t little = 16 << 20;
  const std::uint64_t buffers =
      rows->bytes_of_leaf() * (static_cast<std::uint64_t>(Runtime::threads()) + 2);
  if (rows->bytes_of_leaf() > little)
    require_memory(buffers, "streaming " + hdf5::title(file, info.name),
                   "fewer --threads hold fewer rows at a time", comm);
  return Rows(rows).named(info.column_names);
}

Rows stream(const std::string& location, ReadOptions options, const Communicator& comm) {
  const Location named = parse_location(location);
  if (is_array_file(named)) return open_array_file(named.file, comm);
  const Location at = resolve(named, comm);
  return stream(at.file, at.dataset, options, comm);
}

}  // namespace tessera::io
