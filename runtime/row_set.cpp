#include <tessera/runtime/row_set.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>
#include <utility>

#include <tessera/runtime/error.hpp>
#include <tessera/runtime/visit.hpp>

namespace tessera {
namespace {

using Kind = Distribution::Kind;

Distribution target_of(const Shape& shape, const Distribution& from, const Communicator& comm) {
  return from.kind() == Kind::rows ? row_distribution(shape, comm)
                                   : replicated_distribution(shape, comm);
}

// Whether every process holds the rows that it is to have.
bool stays(const RowSet& set, const Distribution& from, const Distribution& to) {
  for (int r = 0; r < from.processes(); ++r) {
    const Range mine = to.rows_of(r);
    if (mine.size() == 0) continue;
    const Range needed = set.span_of(mine);
    if (needed.begin < from.rows_of(r).begin || needed.end > from.rows_of(r).end) return false;
  }
  return true;
}

void check(const Shape& shape, const RowSet& set) {
  if (shape.empty()) throw ValueError("an array of shape () has no rows to take");
  if (set.size() > 0 && set.ranges().back().end > shape[0])
    throw ValueError(fmt::format("row {} is outside an array of shape {}",
                                 set.ranges().back().end - 1, to_string(shape)));
  if (set.size() > 0 && set.ranges().front().begin < 0)
    throw ValueError(fmt::format("row {} is outside an array of shape {}",
                                 set.ranges().front().begin, to_string(shape)));
}

/// Rows of others, put together leaf by leaf while those are visited.
class SelectedSource : public RowSource {
 public:
  SelectedSource(Rows x, Shape shape, const Distribution& distribution, RowSet set)
      : RowSource(std::move(shape), x.dtype(), distribution, x.comm()),
        x_(std::move(x)),
        set_(std::move(set)) {}
  Device device() const override { return x_.device(); }
  bool is_everywhere() const override { return x_.is_everywhere(); }

  void visit_leaves(const LeafList& leaves, const LeafVisitor& visit, int threads) const override {
    struct Open {
      Buffer memory;
      std::int64_t missing = 0;
    };
    std::map<std::int64_t, Open> open;
    std::mutex mutex;
    const std::int64_t leaf_rows = distribution().leaf_rows();
    const std::int64_t from_rows = x_.distribution().leaf_rows();
    std::vector<std::int64_t> needed;
    for (std::int64_t i = 0; i < leaves.size(); ++i) {
      const Range selected = distribution().rows_of_leaf(leaves[i]);
      open[leaves[i]].missing = selected.size();
      set_.each_in(set_.span_of(selected), [&](Range rows, std::int64_t) {
        for (auto l = rows.begin / from_rows; l * from_rows < rows.end; ++l)
          if (needed.empty() || needed.back() < l) needed.push_back(l);
      });
    }
    const auto width = static_cast<std::size_t>(cols()) * size_of(dtype());
    const auto tile_of_leaf = [&](std::byte* data, std::int64_t rows) {
      return Tile{data, rows, cols(), cols(), dtype(), device()};
    };
    x_.visit_leaves(
        needed,
        [&](const Leaf& in, Stream& stream) {
          set_.each_in(in.rows, [&](Range rows, std::int64_t at) {
            while (rows.size() > 0) {
              const std::int64_t leaf = at / leaf_rows;
              const Range whole = distribution().rows_of_leaf(leaf);
              const std::int64_t count = std::min(rows.size(), whole.end - at);
              Open* target = nullptr;
              {
                const std::lock_guard lock(mutex);
                if (const auto found = open.find(leaf); found != open.end()) {
                  target = &found->second;  // stays in place while rows are missing
                  if (!target->memory.data())
                    target->memory =
                        Buffer(static_cast<std::size_t>(whole.size()) * width, device());
                }
              }
              if (target) {
                copy(stream, in.tile.slice(rows.begin - in.rows.begin, count),
                     tile_of_leaf(target->memory.data(), whole.size())
                         .slice(at - whole.begin, count));
                stream.synchronize();  // another thread's stream may use it
                Open full;
                {
                  const std::lock_guard lock(mutex);
                  target->missing -= count;
                  if (target->missing == 0) full = std::move(open.extract(leaf).mapped());
                }
                if (full.memory.data()) {
                  visit({leaf, whole, tile_of_leaf(full.memory.data(), whole.size())}, stream);
                  stream.synchronize();  // before the memory goes
                }
              }
              rows.begin += count;
              at += count;
            }
          });
        },
        threads);
  }

 private:
  Rows x_;
  RowSet set_;
};

// The rows of the set that this process holds, one after another in host memory, and then to where
// the row distribution wants them.
Array moved(const Rows& x, const RowSet& set) {
  const Range mine = x.distribution().rows_of(x.comm().rank());
  std::int64_t first = -1;
  std::int64_t count = 0;
  set.each_in(mine, [&](Range rows, std::int64_t at) {
    if (first < 0) first = at;
    count += rows.size();
  });
  const auto width = static_cast<std::size_t>(x.cols()) * size_of(x.dtype());
  Buffer memory;
  Tile packed{nullptr, count, x.cols(), x.cols(), x.dtype(), cpu};
  const auto pack = [&](const Leaf& leaf, Stream& stream) {
    set.each_in(leaf.rows, [&](Range rows, std::int64_t at) {
      copy(stream, leaf.tile.slice(rows.begin - leaf.rows.begin, rows.size()),
           packed.slice(at - first, rows.size()));
    });
    stream.synchronize();
  };
  together(x.comm(), [&] {
    memory = Buffer(static_cast<std::size_t>(count) * width);
    packed.data = memory.data();
    if (const Array* array = x.array()) {
      Stream stream(x.device());
      return pack({0, mine, array->local()}, stream);
    }
    std::vector<std::int64_t> needed;
    set.each_in(mine, [&](Range rows, std::int64_t) {
      const std::int64_t leaf_rows = x.distribution().leaf_rows();
      for (auto l = rows.begin / leaf_rows; l * leaf_rows < rows.end; ++l)
        if (needed.empty() || needed.back() < l) needed.push_back(l);
    });
    x.visit_leaves(needed, pack);
  });
  return from_local(packed, Shape(x.shape().begin() + 1, x.shape().end()), x.comm());
}

// The same where none leaves its process.
Array copied(const Array& x, const RowSet& set, const Distribution& to) {
  const Array out =
      detail::allocate(with_rows(x.shape(), set.size()), x.dtype(), to, x.comm(), x.device());
  together(x.comm(), [&] {
    const Range mine = out.local_rows();
    if (mine.size() == 0) return;
    Stream stream(x.device());
    set.each_in(set.span_of(mine), [&](Range rows, std::int64_t at) {
      copy(stream, x.local().slice(rows.begin - x.local_rows().begin, rows.size()),
           out.local().slice(at - mine.begin, rows.size()));
    });
    stream.synchronize();
  });
  return out;
}

}  // namespace

RowSet::RowSet(Range rows) { add(rows); }

void RowSet::add(Range range) {
  if (range.size() < 0 || (!ranges_.empty() && range.begin < ranges_.back().end))
    throw ValueError(fmt::format("the rows of a set must ascend, got [{}, {}) after row {}",
                                 range.begin, range.end,
                                 ranges_.empty() ? range.begin : ranges_.back().end - 1));
  if (range.size() == 0) return;
  if (!ranges_.empty() && ranges_.back().end == range.begin) {
    ranges_.back().end = range.end;
    return;
  }
  first_.push_back(size());
  ranges_.push_back(range);
}

RowSet RowSet::of_ranges(const std::vector<Range>& ranges) {
  RowSet set;
  for (const Range range : ranges) set.add(range);
  return set;
}

RowSet RowSet::of_indices(std::span<const std::int64_t> indices) {
  RowSet set;
  for (const auto i : indices) set.add({i, i + 1});
  return set;
}

RowSet RowSet::of_mask(const Array& given) {
  if (given.dtype() != DType::boolean || given.ndim() != 1)
    throw TypeError(fmt::format("a mask of rows must be a vector of bools, got {} of shape {}",
                                name_of(given.dtype()), to_string(given.shape())));
  const Array mask = given.to(cpu);
  const auto* at = mask.local().as<const bool>();
  const Range mine = mask.local_rows();
  std::vector<Range> own;
  for (std::int64_t i = 0; i < mine.size(); ++i) {
    if (!at[i]) continue;
    const std::int64_t row = mine.begin + i;
    if (!own.empty() && own.back().end == row)
      own.back().end = row + 1;
    else
      own.push_back({row, row + 1});
  }
  if (mask.distribution().kind() != Kind::rows) return of_ranges(own);
  const auto counts = mask.comm().all_gather(std::ssize(own));
  std::vector<std::int64_t> bytes;
  std::int64_t total = 0;
  for (const auto count : counts) {
    bytes.push_back(count * static_cast<std::int64_t>(sizeof(Range)));
    total += count;
  }
  std::vector<Range> all(static_cast<std::size_t>(total));
  mask.comm().all_gather_v(std::as_bytes(std::span(own)), bytes,
                           std::as_writable_bytes(std::span(all)));
  return of_ranges(all);
}

RowSet RowSet::complement(std::int64_t rows) const {
  RowSet others;
  std::int64_t at = 0;
  for (const Range range : ranges_) {
    others.add({at, range.begin});
    at = range.end;
  }
  others.add({at, std::max(at, rows)});
  return others;
}

void RowSet::each_in(Range rows, const std::function<void(Range, std::int64_t)>& f) const {
  auto at = std::upper_bound(ranges_.begin(), ranges_.end(), rows.begin,
                             [](std::int64_t row, Range range) { return row < range.end; });
  for (; at != ranges_.end() && at->begin < rows.end; ++at) {
    const Range part = {std::max(at->begin, rows.begin), std::min(at->end, rows.end)};
    f(part, first_[static_cast<std::size_t>(at - ranges_.begin())] + part.begin - at->begin);
  }
}

Range RowSet::span_of(Range selected) const {
  const auto row = [&](std::int64_t i) {
    const auto at = std::upper_bound(first_.begin(), first_.end(), i) - first_.begin() - 1;
    return ranges_[static_cast<std::size_t>(at)].begin + i - first_[static_cast<std::size_t>(at)];
  };
  return {row(selected.begin), row(selected.end - 1) + 1};
}

Array select(const Array& given, const RowSet& set) {
  check(given.shape(), set);
  if (given.distribution().kind() == Kind::block_cyclic)
    return select(redistribute(given, row_distribution(given.shape(), given.comm())), set);
  if (set.ranges().size() == 1)
    if (Array view = given.view(set.ranges().front())) return view;
  const Distribution to =
      target_of(with_rows(given.shape(), set.size()), given.distribution(), given.comm());
  const Array out = stays(set, given.distribution(), to) ? copied(given, set, to)
                                                         : moved(given, set).to(given.device());
  return out.with(given.names());
}

Rows select(const Rows& x, const RowSet& set) {
  if (const Array* array = x.array()) return select(array->with(x.names()), set);
  check(x.shape(), set);
  const Shape shape = with_rows(x.shape(), set.size());
  const Distribution to = target_of(shape, x.distribution(), x.comm());
  if (x.is_everywhere() || stays(set, x.distribution(), to))
    return Rows(std::make_shared<SelectedSource>(x, shape, to, set)).with(x.names());
  return Rows(moved(x, set).to(x.device())).with(x.names());
}

}  // namespace tessera
