#include <tessera/array/unique.hpp>

#include <algorithm>
#include <numeric>

#include <tessera/array/keys.hpp>
#include <tessera/runtime/exchange.hpp>

namespace tessera {
namespace {

/// Different keys, ascending, and how often each is there.
template <class Key>
struct Counted {
  std::vector<Key> keys;
  std::vector<std::int64_t> counts;

  std::int64_t position(Key key) const {
    return std::lower_bound(keys.begin(), keys.end(), key) - keys.begin();
  }
};

// Of key(0) to key(n - 1). A key that comes again while its slot still has it costs a comparison:
// few different ones are counted at the speed of reading.
template <class Key, class F>
Counted<Key> counted(std::int64_t n, const F& key) {
  constexpr int slot_bits = 10;
  struct Entry {
    Key key;
    std::int64_t count;
  };
  std::vector<Entry> slots(std::size_t{1} << slot_bits, Entry{0, 0});
  std::vector<Entry> all;
  for (std::int64_t i = 0; i < n; ++i) {
    const Key k = key(i);
    Entry& slot = slots[(std::uint64_t{k} * 0x9E3779B97F4A7C15U) >> (64 - slot_bits)];
    if (slot.key == k) {
      ++slot.count;
      continue;
    }
    if (slot.count > 0) all.push_back(slot);
    slot = {k, 1};
  }
  for (const Entry& slot : slots)
    if (slot.count > 0) all.push_back(slot);
  std::sort(all.begin(), all.end(), [](const Entry& a, const Entry& b) { return a.key < b.key; });
  Counted<Key> found;
  for (const Entry& e : all) {
    if (found.keys.empty() || found.keys.back() != e.key) {
      found.keys.push_back(e.key);
      found.counts.push_back(0);
    }
    found.counts.back() += e.count;
  }
  return found;
}

template <class T>
Array by_rows(const std::vector<T>& values, const Communicator& comm) {
  return from_local(tile_of(values.data(), std::ssize(values), 1, 1), {}, comm);
}

}  // namespace

Unique unique(const Array& given, UniqueOptions options) {
  const auto& comm = given.comm();
  const Array x = redistribute(given.to(cpu), row_distribution(given.shape(), comm));
  Unique out;
  detail::visit_ordered("unique", x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    using Order = detail::Ordered<T>;
    using Key = typename Order::Key;
    const Tile in = x.local();
    const bool scalar = x.ndim() == 0;  // everywhere, and counted once
    const auto n = scalar && comm.rank() != 0 ? 0 : in.rows * in.cols;
    const auto key = [&](std::int64_t i) {
      return Order::key(static_cast<T>(in.as<const T>()[i] + T(0)));  // -0 is 0
    };
    Counted<Key> mine;
    together(comm, [&] { mine = counted<Key>(n, key); });
    // Each process sees to a range of keys.
    std::int64_t all = std::ssize(mine.keys);
    comm.all_reduce(std::span(&all, 1), Reduce::sum);
    std::vector<std::int64_t> ranks;
    for (int r = 1; r < comm.size(); ++r) ranks.push_back(all / comm.size() * r);
    std::vector<std::int64_t> cut = {0};
    for (const Key k : detail::keys_of_rank<Key>(mine.keys, ranks, comm))
      cut.push_back(mine.position(k));
    cut.push_back(std::ssize(mine.keys));
    std::vector<std::int64_t> send(static_cast<std::size_t>(comm.size()));
    for (std::size_t r = 0; r < send.size(); ++r) send[r] = cut[r + 1] - cut[r];
    const Exchange exchange(comm, send);
    const auto there = exchange.template forward<Key>(mine.keys);
    Counted<Key> own = counted<Key>(
        std::ssize(there), [&](std::int64_t i) { return there[static_cast<std::size_t>(i)]; });

    std::vector<T> values(own.keys.size());
    std::transform(own.keys.begin(), own.keys.end(), values.begin(), Order::value);
    if constexpr (std::is_same_v<T, bool>) {  // a vector of bools has no memory of bools
      const std::vector<std::uint8_t> bytes(values.begin(), values.end());
      Tile tile = tile_of(bytes.data(), std::ssize(bytes), 1, 1);
      tile.dtype = DType::boolean;
      out.values = from_local(tile, {}, comm);
    } else {
      out.values = by_rows(values, comm);
    }
    if (options.counts) {
      const auto counts = exchange.template forward<std::int64_t>(mine.counts);
      std::fill(own.counts.begin(), own.counts.end(), 0);
      for (std::size_t i = 0; i < there.size(); ++i)
        own.counts[static_cast<std::size_t>(own.position(there[i]))] += counts[i];
      out.counts = by_rows(own.counts, comm);
    }
    if (!options.inverse) return;
    const auto sizes = comm.all_gather(std::ssize(own.keys));
    const std::int64_t before =
        std::accumulate(sizes.begin(), sizes.begin() + comm.rank(), std::int64_t{0});
    std::vector<std::int64_t> answers(there.size());
    for (std::size_t i = 0; i < there.size(); ++i) answers[i] = before + own.position(there[i]);
    const auto index = exchange.template back<std::int64_t>(answers);
    out.inverse = detail::allocate(x.shape(), DType::int64, x.distribution(), comm);
    auto* inverse = out.inverse.local().template as<std::int64_t>();
    for (std::int64_t i = 0; i < n; ++i)
      inverse[i] = index[static_cast<std::size_t>(mine.position(key(i)))];
    if (scalar) comm.broadcast(std::span(inverse, 1), 0);
  });
  const Device device = given.device();
  out.values = out.values.with({nullptr, given.names().categories}).to(device);
  out.counts = out.counts ? out.counts.to(device) : out.counts;
  out.inverse = out.inverse ? out.inverse.to(device) : out.inverse;
  return out;
}

}  // namespace tessera
