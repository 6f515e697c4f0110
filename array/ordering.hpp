#pragma once
#include <algorithm>
#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include <tessera/array/kernels/order.hpp>
#include <tessera/runtime/buffer.hpp>
#include <tessera/runtime/rows.hpp>

/// Sorting in memory on all threads: pieces by the kernel, then merged.
namespace tessera::detail {

/// Uninitialised memory for n items.
template <class T>
class Room {
 public:
  Room() = default;
  explicit Room(std::int64_t n)
      : buffer_(static_cast<std::size_t>(n) * sizeof(T)), n_(static_cast<std::size_t>(n)) {}
  std::span<T> items() const { return {reinterpret_cast<T*>(buffer_.data()), n_}; }

 private:
  Buffer buffer_;
  std::size_t n_ = 0;
};

/// A key and where it was, of arguments whose order is stable.
struct alignas(16) Placed {
  std::uint64_t index;
  std::uint64_t key;
  bool operator<(const Placed& other) const {
    return key != other.key ? key < other.key : index < other.index;
  }
};

/// Cuts [0, n) into pieces and calls f(which, range) for each, on all threads.
inline void for_pieces(std::int64_t n, std::int64_t pieces,
                       const std::function<void(std::int64_t, Range)>& f) {
  parallel_for({0, pieces}, Runtime::threads(), [&](std::int64_t i, Stream&) {
    f(i, {n * i / pieces, n * (i + 1) / pieces});
  });
}
inline std::int64_t pieces_of(std::int64_t n) { return n < (1 << 15) ? 1 : Runtime::threads(); }

template <class Item>
void sort_keys(std::span<Item> items) {
  Stream stream;
  if constexpr (std::is_same_v<Item, Placed>)
    order::sort_keys()(
        stream, tile_of(reinterpret_cast<std::uint64_t*>(items.data()), std::ssize(items), 2, 2));
  else
    order::sort_keys()(stream, tile_of(items.data(), std::ssize(items), 1, 1));
}

/// Two sorted runs, from which the next item is taken by arithmetic: a branch on what comes first
/// would be guessed wrongly half of the time.
template <class Item>
struct Pair {
  const Item *left, *left_end, *right, *right_end;

  bool both() const { return left != left_end && right != right_end; }
  const Item& next() {
    const bool second = *right < *left;
    const Item* item = second ? right : left;
    right += second;
    left += !second;
    return *item;
  }
  /// The first `k` of both in order, those of the left first where equal.
  std::pair<std::int64_t, std::int64_t> first(std::int64_t k) const {
    std::int64_t low = std::max<std::int64_t>(0, k - (right_end - right));
    std::int64_t high = std::min<std::int64_t>(k, left_end - left);
    while (low < high) {
      const std::int64_t middle = (low + high) / 2;
      if (right[k - middle - 1] < left[middle])
        high = middle;
      else
        low = middle + 1;
    }
    return {low, k - low};
  }
  Pair part(std::int64_t begin, std::int64_t end) const {
    const auto [l0, r0] = first(begin);
    const auto [l1, r1] = first(end);
    return {left + l0, left + l1, right + r0, right + r1};
  }
};

/// out[i] = made(item i) of two runs in order. Three parts go side by side: what one waits for, the
/// others compute meanwhile.
template <class Item, class Out, class Made>
void merge(const Pair<Item>& runs, Out* out, const Made& made) {
  const std::int64_t n = (runs.left_end - runs.left) + (runs.right_end - runs.right);
  constexpr std::int64_t lanes = 3;
  Pair<Item> part[lanes];
  Out* to[lanes];
  for (std::int64_t k = 0; k < lanes; ++k) {
    part[k] = runs.part(n * k / lanes, n * (k + 1) / lanes);
    to[k] = out + n * k / lanes;
  }
  const auto all_both = [&] {
    bool all = true;
    for (const auto& p : part) all &= p.both();
    return all;
  };
  while (all_both())
    for (std::int64_t k = 0; k < lanes; ++k) *to[k]++ = made(part[k].next());
  for (std::int64_t k = 0; k < lanes; ++k) {
    while (part[k].both()) *to[k]++ = made(part[k].next());
    to[k] = std::transform(part[k].left, part[k].left_end, to[k], made);
    std::transform(part[k].right, part[k].right_end, to[k], made);
  }
}

/// out[i] = made(item i) of sorted runs, of which each starts where `starts` says, in order. Uses
/// up the items; takes as much memory again for more than two runs.
template <class Item, class Out, class Made>
void merge_runs(Room<Item>& room, std::vector<std::int64_t> starts, Out* out, const Made& made) {
  const std::int64_t n = std::ssize(room.items());
  starts.push_back(n);
  // One round of all pairs, each in as many pieces as keep the threads busy.
  const auto round = [&](auto* to, const auto& project) {
    const Item* items = room.items().data();
    for (std::size_t i = 0; i + 1 < starts.size(); i += 2) {
      const std::int64_t begin = starts[i], middle = starts[i + 1];
      const std::int64_t end = i + 2 < starts.size() ? starts[i + 2] : middle;
      const Pair<Item> runs{items + begin, items + middle, items + middle, items + end};
      for_pieces(end - begin, 4 * pieces_of(end - begin), [&](std::int64_t, Range piece) {
        merge(runs.part(piece.begin, piece.end), to + begin + piece.begin, project);
      });
    }
  };
  for (Room<Item> other; starts.size() > 3;) {
    if (other.items().empty()) other = Room<Item>(n);
    round(other.items().data(), [](const Item& item) { return item; });
    std::swap(room, other);
    std::vector<std::int64_t> fewer;
    for (std::size_t i = 0; i < starts.size(); i += 2) fewer.push_back(starts[i]);
    if (fewer.back() != n) fewer.push_back(n);
    starts = std::move(fewer);
  }
  round(out, made);
}

/// item(i) for i of the room as sorted runs, one per thread; where they start.
template <class Item, class F>
std::vector<std::int64_t> sorted_runs(const Room<Item>& room, const F& item) {
  const std::int64_t n = std::ssize(room.items()), pieces = pieces_of(n);
  std::vector<std::int64_t> starts;
  for (std::int64_t i = 0; i < pieces; ++i) starts.push_back(n * i / pieces);
  for_pieces(n, pieces, [&](std::int64_t, Range piece) {
    Item* items = room.items().data();
    for (std::int64_t i = piece.begin; i < piece.end; ++i) items[i] = item(i);
    sort_keys(std::span(items + piece.begin, static_cast<std::size_t>(piece.size())));
  });
  return starts;
}

/// The runs as one.
template <class Item>
Room<Item> merged(Room<Item>& room, std::vector<std::int64_t> starts) {
  if (starts.size() == 1) return std::move(room);
  Room<Item> out(std::ssize(room.items()));
  merge_runs(room, std::move(starts), out.items().data(), [](const Item& item) { return item; });
  return out;
}

}  // namespace tessera::detail
