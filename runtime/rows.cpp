#include <tessera/runtime/rows.hpp>

#include <cstring>
#include <exception>
#include <limits>
#include <mutex>
#include <numeric>
#include <set>
#include <vector>

#include <tessera/runtime/error.hpp>

namespace tessera {

void parallel_for(Range range, int threads,
                  const std::function<void(std::int64_t, Stream&)>& work) {
  std::exception_ptr failure;
  std::int64_t failed_at = std::numeric_limits<std::int64_t>::max();
  std::mutex mutex;
#pragma omp parallel num_threads(threads) if (threads > 1)
  {
    Stream stream;
#pragma omp for schedule(dynamic)
    for (std::int64_t i = range.begin; i < range.end; ++i) {
      try {
        work(i, stream);
        note_progress();
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (i < failed_at) {
          failed_at = i;
          failure = std::current_exception();
        }
      }
    }
  }
  if (failure) std::rethrow_exception(failure);
}

namespace {

class ArraySource : public RowSource {
 public:
  explicit ArraySource(const Array& array)
      : RowSource(array.shape(), array.dtype(), array.distribution(), array.comm()),
        array_(array) {}
  Device device() const override { return array_.device(); }
  const Array* array() const override { return &array_; }

  void visit_leaves(std::span<const std::int64_t> leaves, const LeafVisitor& visit,
                    int threads) const override {
    parallel_for({0, std::ssize(leaves)}, threads, [&](std::int64_t i, Stream& stream) {
      const std::int64_t leaf = leaves[static_cast<std::size_t>(i)];
      visit({leaf, distribution().rows_of_leaf(leaf), array_.leaf(leaf)}, stream);
    });
  }

 private:
  Array array_;
};

class MappedSource : public RowSource {
 public:
  MappedSource(Rows x, Shape shape, DType dtype, LeafKernel kernel)
      : RowSource(std::move(shape), dtype, x.distribution(), x.comm()),
        x_(std::move(x)),
        kernel_(std::move(kernel)) {}
  Device device() const override { return x_.device(); }

  void visit_leaves(std::span<const std::int64_t> leaves, const LeafVisitor& visit,
                    int threads) const override {
    std::mutex mutex;
    std::vector<Buffer> spare;
    x_.visit_leaves(
        leaves,
        [&](const Leaf& in, Stream& stream) {
          Buffer memory;
          {
            const std::lock_guard lock(mutex);
            if (!spare.empty()) {
              memory = std::move(spare.back());
              spare.pop_back();
            }
          }
          const auto bytes = static_cast<std::size_t>(in.rows.size() * cols()) * size_of(dtype());
          if (memory.size() < bytes) memory = Buffer(bytes);
          const Tile out{memory.data(), in.rows.size(), cols(), cols(), dtype(), cpu};
          kernel_(in, out, stream);
          visit({in.index, in.rows, out}, stream);
          const std::lock_guard lock(mutex);
          spare.push_back(std::move(memory));
        },
        threads);
  }

 private:
  Rows x_;
  LeafKernel kernel_;
};

void convert(const Leaf& in, const Tile& out, Stream&) {
  visit(in.tile.dtype, [&](auto a) {
    using From = typename decltype(a)::type;
    visit_floating(out.dtype, [&](auto b) {
      using To = typename decltype(b)::type;
      if constexpr (std::is_constructible_v<To, From>)
        for (std::int64_t i = 0; i < out.rows; ++i)
          for (std::int64_t j = 0; j < out.cols; ++j)
            out.as<To>()[i * out.stride + j] =
                static_cast<To>(in.tile.as<From>()[i * in.tile.stride + j]);
    });
  });
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
}

void Rows::for_each_leaf(const LeafVisitor& visit, int threads) const {
  const Range mine = distribution().leaves_of(comm().rank());
  std::vector<std::int64_t> leaves(static_cast<std::size_t>(mine.size()));
  std::iota(leaves.begin(), leaves.end(), mine.begin);
  visit_leaves(leaves, visit, threads);
}

Rows Rows::as(DType wanted) const {
  if (wanted == dtype()) return *this;
  if (!is_floating(wanted) || is_complex(dtype()))
    throw TypeError(std::string("cannot read ") + std::string(name_of(dtype())) + " data as " +
                    std::string(name_of(wanted)));
  return map_rows(*this, shape(), wanted, convert);
}

Rows map_rows(const Rows& x, Shape shape, DType dtype, LeafKernel kernel) {
  if (row_count(shape) != x.rows())
    throw ValueError("map_rows keeps the " + std::to_string(x.rows()) +
                     " rows of its input; got shape " + to_string(shape));
  return Rows(std::make_shared<MappedSource>(x, std::move(shape), dtype, std::move(kernel)));
}

Array collect(const Rows& x) {
  if (x.array()) return *x.array();
  const Array out = detail::allocate(x.shape(), x.dtype(), x.distribution(), x.comm());
  together(x.comm(), [&] {
    x.for_each_leaf([&](const Leaf& leaf, Stream&) {
      const Tile to = out.leaf(leaf.index);
      const std::size_t row_bytes = static_cast<std::size_t>(to.cols) * size_of(to.dtype);
      for (std::int64_t i = 0; i < to.rows; ++i)
        std::copy_n(static_cast<const std::byte*>(leaf.tile.slice(i, 1).data), row_bytes,
                    static_cast<std::byte*>(to.slice(i, 1).data));
    });
  });
  return out;
}

Array take_rows(const Rows& x, std::span<const std::int64_t> indices) {
  if (x.array()) return take_rows(*x.array(), indices);
  detail::check_row_indices(x.shape(), indices);
  Shape shape = x.shape();
  shape[0] = static_cast<std::int64_t>(indices.size());
  const Array out = detail::allocate(shape, x.dtype(),
                                     Distribution::replicated(shape[0], x.comm().size()), x.comm());
  const std::size_t width = static_cast<std::size_t>(x.cols()) * size_of(x.dtype());
  // Only the leaves that hold one of the rows are read.
  const Range mine = x.distribution().leaves_of(x.comm().rank());
  std::set<std::int64_t> wanted;
  for (const auto i : indices)
    if (const auto leaf = i / x.distribution().leaf_rows(); leaf >= mine.begin && leaf < mine.end)
      wanted.insert(leaf);
  const std::vector<std::int64_t> leaves(wanted.begin(), wanted.end());
  together(x.comm(), [&] {
    x.visit_leaves(leaves, [&](const Leaf& leaf, Stream&) {
      for (std::size_t i = 0; i < indices.size(); ++i)
        if (indices[i] >= leaf.rows.begin && indices[i] < leaf.rows.end)
          std::memcpy(static_cast<std::byte*>(out.local().data) + i * width,
                      leaf.tile.slice(indices[i] - leaf.rows.begin, 1).data, width);
    });
  });
  if (x.distribution().kind() == Distribution::Kind::rows)
    for (std::size_t i = 0; i < indices.size(); ++i)
      x.comm().broadcast(std::span(static_cast<std::byte*>(out.local().data) + i * width, width),
                         x.distribution().owner_of_row(indices[i]));
  return out;
}

}  // namespace tessera
