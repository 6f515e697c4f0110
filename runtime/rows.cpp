#include <tessera/runtime/rows.hpp>

#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include <tessera/runtime/error.hpp>
#include <tessera/runtime/selection.hpp>
#include <tessera/runtime/visit.hpp>

namespace tessera {

namespace {

// Leaves that one call may fill, where nothing is kept of them.
constexpr std::int64_t whole_runs = 256;

class ArraySource : public RowSource {
 public:
  explicit ArraySource(const Array& array)
      : RowSource(array.shape(), array.dtype(), array.distribution(), array.comm()),
        array_(array) {}
  Device device() const override { return array_.device(); }
  const Array* array() const override { return &array_; }

  void visit_leaves(const LeafList& leaves, const LeafVisitor& visit, int threads) const override {
    const auto one = [&](std::int64_t leaf, Stream& stream) {
      visit({leaf, distribution().rows_of_leaf(leaf), array_.leaf(leaf)}, stream);
    };
    if (device() == cpu) {
      // Less than a team of threads takes to meet.
      constexpr std::int64_t few_elements = 1 << 14;
      const bool tiny = leaves.size() * distribution().leaf_rows() * cols() <= few_elements;
      return parallel_for({0, leaves.size()}, tiny ? 1 : threads,
                          [&](std::int64_t i, Stream& stream) { one(leaves[i], stream); });
    }
    on_device([&](Stream& stream) {
      for (std::int64_t i = 0; i < leaves.size(); ++i) one(leaves[i], stream);
    });
  }

  void visit_runs(std::int64_t leaves, const LeafVisitor& visit, int threads) const override {
    if (device() == cpu) return RowSource::visit_runs(leaves, visit, threads);
    // Visitors may hold a copy of their run.
    constexpr std::int64_t most_bytes = std::int64_t{1} << 30;
    const std::int64_t leaf_bytes =
        distribution().leaf_rows() * cols() * static_cast<std::int64_t>(size_of(dtype()));
    while (leaves > 1 && leaf_bytes > most_bytes / leaves) leaves /= 2;
    const Range mine = distribution().leaves_of(comm().rank());
    const std::int64_t first_row = array_.local_rows().begin;
    on_device([&](Stream& stream) {
      for (std::int64_t at = mine.begin; at < mine.end;) {
        const std::int64_t next = std::min(mine.end, (at / leaves + 1) * leaves);
        const Range rows = {distribution().rows_of_leaf(at).begin,
                            distribution().rows_of_leaf(next - 1).end};
        visit({at, rows, array_.local().slice(rows.begin - first_row, rows.size())}, stream);
        note_progress();
        at = next;
      }
    });
  }

 private:
  // One host thread keeps a device busy.
  template <class Work>
  void on_device(const Work& work) const {
    Stream stream(device());
    work(stream);
    stream.synchronize();
  }
  Array array_;
};

class MappedSource : public RowSource {
 public:
  MappedSource(Rows x, Shape shape, DType dtype, LeafKernel kernel)
      : RowSource(std::move(shape), dtype, x.distribution(), x.comm()),
        x_(std::move(x)),
        kernel_(std::move(kernel)),
        selection_(detail::selection_in_force()) {}
  Device device() const override { return x_.device(); }
  bool is_everywhere() const override { return x_.is_everywhere(); }

  void visit_leaves(const LeafList& leaves, const LeafVisitor& visit, int threads) const override {
    Spare spare;
    x_.visit_leaves(leaves, through(visit, spare), threads);
  }
  void visit_runs(std::int64_t leaves, const LeafVisitor& visit, int threads) const override {
    Spare spare;
    x_.visit_runs(leaves, through(visit, spare), threads);
  }
  void write_to(const Array& out, int threads) const override {
    x_.visit_runs(
        whole_runs,
        [&](const Leaf& in, Stream& stream) {
          const SelectionGuard guard(selection_);
          kernel_(in, rows_of(out, in), stream);
        },
        threads);
  }

 private:
  /// Memory for results, to be used again. Each stream has its own: what it has queued may still
  /// read the memory when its next leaf comes, but then runs first.
  struct Spare {
    std::mutex mutex;
    std::map<const Stream*, Buffer> of;
  };

  LeafVisitor through(const LeafVisitor& visit, Spare& spare) const {
    return [&](const Leaf& in, Stream& stream) {
      Buffer& memory = [&]() -> Buffer& {
        const std::lock_guard lock(spare.mutex);
        return spare.of[&stream];
      }();
      const auto bytes = static_cast<std::size_t>(in.rows.size() * cols()) * size_of(dtype());
      if (memory.size() < bytes) {
        stream.synchronize();  // what is queued may use the old one
        memory = Buffer(bytes, device());
      }
      const Tile out{memory.data(), in.rows.size(), cols(), cols(), dtype(), device()};
      {
        const SelectionGuard guard(selection_);
        kernel_(in, out, stream);
      }
      visit({in.index, in.rows, out}, stream);
    };
  }

  Rows x_;
  LeafKernel kernel_;
  detail::SelectionHandle selection_;
};

/// Rows on another device while they are visited.
class CopiedSource : public RowSource {
 public:
  CopiedSource(Rows x, Device device)
      : RowSource(x.shape(), x.dtype(), x.distribution(), x.comm()),
        x_(std::move(x)),
        device_(device) {}
  Device device() const override { return device_; }
  bool is_everywhere() const override { return x_.is_everywhere(); }

  void visit_leaves(const LeafList& leaves, const LeafVisitor& visit, int threads) const override {
    struct Place {
      explicit Place(Device device) : stream(device) {}
      Stream stream;
      Buffer memory;
    };
    std::mutex mutex;
    std::vector<std::unique_ptr<Place>> free;
    x_.visit_leaves(
        leaves,
        [&](const Leaf& in, Stream& theirs) {
          std::unique_ptr<Place> place;
          {
            const std::lock_guard lock(mutex);
            if (!free.empty()) {
              place = std::move(free.back());
              free.pop_back();
            }
          }
          if (!place) place = std::make_unique<Place>(device_);
          const auto bytes = static_cast<std::size_t>(in.rows.size() * cols()) * size_of(dtype());
          if (place->memory.size() < bytes) place->memory = Buffer(bytes, device_);
          const Tile there{place->memory.data(), in.rows.size(), cols(), cols(), dtype(), device_};
          copy(device_ == cpu ? theirs : place->stream, in.tile, there);
          if (device_ == cpu) theirs.synchronize();
          visit({in.index, in.rows, there}, place->stream);
          place->stream.synchronize();  // host memory is read until here
          const std::lock_guard lock(mutex);
          free.push_back(std::move(place));
        },
        threads);
  }

 private:
  Rows x_;
  Device device_;
};

void convert_on_host(const Tile& in, const Tile& out) {
  visit(in.dtype, [&](auto a) {
    using From = typename decltype(a)::type;
    visit_floating(out.dtype, [&](auto b) {
      using To = typename decltype(b)::type;
      if constexpr (std::is_constructible_v<To, From>)
        for (std::int64_t i = 0; i < out.rows; ++i)
          for (std::int64_t j = 0; j < out.cols; ++j)
            out.as<To>()[i * out.stride + j] = static_cast<To>(in.as<From>()[i * in.stride + j]);
    });
  });
}

void convert(const Leaf& in, const Tile& out, Stream& stream) {
  if (out.device == cpu) return convert_on_host(in.tile, out);
  const auto beside = [](const Tile& t, Buffer& memory) {
    memory = Buffer(static_cast<std::size_t>(t.rows * t.cols) * size_of(t.dtype));
    return Tile{memory.data(), t.rows, t.cols, t.cols, t.dtype, cpu};
  };
  Buffer before;
  Buffer after;
  const Tile host_in = beside(in.tile, before);
  const Tile host_out = beside(out, after);
  copy(stream, in.tile, host_in);
  stream.synchronize();
  convert_on_host(host_in, host_out);
  copy(stream, host_out, out);
  stream.synchronize();
}

}  // namespace

RowSource::RowSource(Shape shape, DType dtype, const Communicator& comm)
    : RowSource(shape, dtype, row_distribution(shape, comm), comm) {}

RowSource::RowSource(Shape shape, DType dtype, const Distribution& distribution,
                     const Communicator& comm)
    : shape_(std::move(shape)),
      dtype_(dtype),
      distribution_(distribution),
      comm_(comm),
      cols_(elements_per_row(shape_)) {}

Rows::Rows(const Array& array) {
  if (!array) throw ValueError("expected an array, got an empty Array handle");
  if (array.distribution().kind() == Distribution::Kind::block_cyclic)
    throw ValueError("a block-cyclic array has no rows to hand out; redistribute it by rows first");
  source_ = std::make_shared<ArraySource>(array);
  names_ = array.names();
}

void Rows::for_each_leaf(const LeafVisitor& visit, int threads) const {
  source_->RowSource::visit_runs(1, visit, threads);
}

void RowSource::visit_runs(std::int64_t, const LeafVisitor& visit, int threads) const {
  visit_leaves(distribution().leaves_of(comm().rank()), visit, threads);
}

void RowSource::write_to(const Array& out, int threads) const {
  visit_runs(
      whole_runs, [&](const Leaf& in, Stream& stream) { copy(stream, in.tile, rows_of(out, in)); },
      threads);
}

bool RowSource::is_everywhere() const {
  return comm().size() == 1 || distribution().kind() == Distribution::Kind::replicated;
}

Rows Rows::as(DType wanted) const {
  if (wanted == dtype()) return *this;
  if (!is_floating(wanted) || is_complex(dtype()))
    throw TypeError(std::string("cannot read ") + std::string(name_of(dtype())) + " data as " +
                    std::string(name_of(wanted)));
  if (!categories().empty()) detail::refuse_text(categories());
  return map_rows(*this, shape(), wanted, convert).with(names_);
}

Rows Rows::to(Device wanted) const {
  if (wanted == device()) return *this;
  Rows there = device() == cpu ? *this : Rows(std::make_shared<CopiedSource>(*this, cpu));
  if (wanted != cpu) there = Rows(std::make_shared<CopiedSource>(there, wanted));
  return there.with(names_);
}

Rows Rows::named(std::vector<std::string> names) const {
  Rows out = *this;
  out.names_.columns = detail::column_names(std::move(names), shape());
  return out;
}

Rows Rows::categorized(std::vector<std::string> categories) const {
  Rows out = *this;
  out.names_.categories = detail::category_names(std::move(categories), dtype());
  return out;
}

Rows Rows::with(detail::Names names) const {
  Rows out = *this;
  out.names_ = std::move(names);
  return out;
}

Rows map_rows(const Rows& x, Shape shape, DType dtype, LeafKernel kernel) {
  if (row_count(shape) != x.rows())
    throw ValueError("map_rows keeps the " + std::to_string(x.rows()) +
                     " rows of its input; got shape " + to_string(shape));
  return Rows(std::make_shared<MappedSource>(x, std::move(shape), dtype, std::move(kernel)));
}

Tile rows_of(const Array& companion, const Leaf& leaf) {
  if (!companion) return {};
  const Range here = companion.local_rows();
  if (leaf.rows.begin < here.begin || leaf.rows.end > here.end)
    throw RuntimeError("rows_of needs an array distributed like the one of the leaf");
  return companion.local().slice(leaf.rows.begin - here.begin, leaf.rows.size());
}

Array collect(const Rows& x) {
  if (x.array()) return x.array()->with(x.names());
  const Array out = detail::allocate(x.shape(), x.dtype(), x.distribution(), x.comm(), x.device());
  together(x.comm(), [&] { x.write_to(out); });
  return out.with(x.names());
}

}  // namespace tessera
