#include <tessera/array/unique.hpp>

#include <algorithm>
#include <functional>
#include <iterator>
#include <numeric>

#include <tessera/array/entries.hpp>
#include <tessera/array/keys.hpp>
#include <tessera/array/ordering.hpp>
#include <tessera/runtime/exchange.hpp>

namespace tessera {
namespace {

using detail::entries;
using detail::Entry;
using detail::Room;
using detail::Slots;

/// Different keys, ascending, and how often each is there.
template <class Key>
struct Counted {
  Room<Key> room;
  std::vector<std::int64_t> counts;

  std::span<const Key> keys() const { return room.items(); }
  std::int64_t position(Key key) const {
    return std::lower_bound(keys().begin(), keys().end(), key) - keys().begin();
  }
};

/// Which of sorted keys differ from the next one.
template <class Key>
class Distinct {
 public:
  explicit Distinct(std::span<const Key> keys)
      : keys_(keys), pieces_(detail::pieces_of(std::ssize(keys))), at_(z(pieces_) + 1, 0) {
    for_pieces([&](std::int64_t p, Range piece) {
      std::int64_t count = 0;
      for (std::int64_t i = piece.begin; i < piece.end; ++i)
        count += keys_[z(i)] != keys_[z(i + 1)];
      at_[z(p) + 1] = count;
    });
    std::partial_sum(at_.begin(), at_.end(), at_.begin());
  }
  std::int64_t size() const { return at_.back() + !keys_.empty(); }
  /// write(which of them, the key, where the next one begins).
  template <class Write>
  void each(const Write& write) const {
    for_pieces([&](std::int64_t p, Range piece) {
      std::int64_t to = at_[z(p)];
      for (std::int64_t i = piece.begin; i < piece.end; ++i)
        if (keys_[z(i)] != keys_[z(i + 1)]) write(to++, keys_[z(i)], i + 1);
    });
    if (!keys_.empty()) write(at_.back(), keys_.back(), std::ssize(keys_));
  }

 private:
  static std::size_t z(std::int64_t i) { return static_cast<std::size_t>(i); }
  // Of all keys but the last.
  void for_pieces(const std::function<void(std::int64_t, Range)>& f) const {
    detail::for_pieces(std::max<std::int64_t>(0, std::ssize(keys_) - 1), pieces_, f);
  }
  std::span<const Key> keys_;
  std::int64_t pieces_;
  std::vector<std::int64_t> at_;  // how many come before each piece
};

// Of sorted keys.
template <class Key>
Counted<Key> distinct(const Room<Key>& room, bool counts) {
  const Distinct<Key> different(room.items());
  Counted<Key> found{Room<Key>(different.size()), {}};
  const std::span<Key> keys = found.room.items();
  std::vector<std::int64_t> ends(counts ? keys.size() : 0);
  different.each([&](std::int64_t i, Key key, std::int64_t end) {
    keys[static_cast<std::size_t>(i)] = key;
    if (counts) ends[static_cast<std::size_t>(i)] = end;
  });
  std::adjacent_difference(ends.begin(), ends.end(), std::back_inserter(found.counts));
  return found;
}

// key(0) to key(n - 1), ascending.
template <class Key, class F>
Room<Key> in_order(std::int64_t n, const F& key) {
  Room<Key> room(n);
  auto starts = detail::sorted_runs(room, key);
  return detail::merged(room, std::move(starts));
}

// Whether many of key(0) to key(n - 1) seem to differ.
template <class Key, class F>
bool many_differ(std::int64_t n, const F& key) {
  const std::int64_t some = std::min<std::int64_t>(n, 1 << 14);
  return n > some && 4 * std::ssize(entries<Key>({0, some}, key)) > some;
}

// Of key(0) to key(n - 1).
template <class Key, class F>
Counted<Key> counted(std::int64_t n, bool counts, const F& key) {
  if (many_differ<Key>(n, key)) return distinct(in_order<Key>(n, key), counts);
  const std::int64_t pieces = detail::pieces_of(n);
  std::vector<std::vector<Entry<Key>>> parts(static_cast<std::size_t>(pieces));
  detail::for_pieces(n, pieces, [&](std::int64_t p, Range piece) {
    parts[static_cast<std::size_t>(p)] = entries<Key>(piece, key);
  });
  std::vector<Entry<Key>> all;
  for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
  all = detail::joined(std::move(all));
  Counted<Key> found{Room<Key>(std::ssize(all)), {}};
  for (std::size_t i = 0; i < all.size(); ++i) {
    found.room.items()[i] = all[i].key;
    found.counts.push_back(all[i].value);
  }
  return found;
}

// A vector of the n elements of that dtype that this process writes, and those of the others.
Array by_rows(std::int64_t n, DType dtype, const Communicator& comm,
              const std::function<void(void*)>& write) {
  if (comm.size() == 1) {
    const Array out = empty({n}, dtype, comm);
    write(out.local().data);
    return out;
  }
  Buffer own;
  together(comm, [&] { own = Buffer(static_cast<std::size_t>(n) * size_of(dtype)); });
  write(own.data());
  return from_local({own.data(), n, 1, 1, dtype}, {}, comm);
}

}  // namespace

Unique unique(const Array& given, UniqueOptions options) {
  const auto& comm = given.comm();
  const Array x = redistribute(given.to(cpu), row_distribution(given.shape(), comm));
  Unique out;
  detail::visit_ordered(
      "unique", x.dtype(), [&]<class Key, bool floats>(detail::KeyOrder<Key, floats> order) {
        const Tile in = x.local();
        const bool scalar = x.ndim() == 0;  // everywhere, and counted once
        const auto n = scalar && comm.rank() != 0 ? 0 : in.rows * in.cols;
        const auto key = [&](std::int64_t i) { return order.key_of_equals(in.as<const Key>()[i]); };
        if (comm.size() == 1 && !options.counts && !options.inverse && many_differ<Key>(n, key)) {
          const Room<Key> room = in_order<Key>(n, key);
          const Distinct<Key> different(room.items());
          out.values = empty({different.size()}, x.dtype(), comm);
          Key* const to = out.values.local().template as<Key>();
          different.each([=](std::int64_t i, Key k, std::int64_t) { to[i] = order.bits(k); });
          return;
        }
        Counted<Key> mine;
        together(comm, [&] { mine = counted<Key>(n, options.counts, key); });
        // Each process sees to a range of keys.
        std::int64_t all = std::ssize(mine.keys());
        comm.all_reduce(std::span(&all, 1), Reduce::sum);
        std::vector<std::int64_t> ranks;
        for (int r = 1; r < comm.size(); ++r) ranks.push_back(all / comm.size() * r);
        std::vector<std::int64_t> cut = {0};
        for (const Key k : detail::keys_of_rank<Key>(mine.keys(), ranks, comm))
          cut.push_back(mine.position(k));
        cut.push_back(std::ssize(mine.keys()));
        std::vector<std::int64_t> send(static_cast<std::size_t>(comm.size()));
        for (std::size_t r = 0; r < send.size(); ++r) send[r] = cut[r + 1] - cut[r];
        const Exchange exchange(comm, send);
        Counted<Key> merged;
        std::vector<Key> there;  // what came, where answers or counts go with it
        together(comm, [&] { merged.room = Room<Key>(comm.size() > 1 ? exchange.received() : 0); });
        if (comm.size() > 1) exchange.template forward<Key>(mine.keys(), merged.room.items());
        const Counted<Key>& own = comm.size() > 1 ? merged : mine;
        together(comm, [&] {
          if (options.counts || options.inverse) there.assign(own.keys().begin(), own.keys().end());
          if (comm.size() == 1) return;
          std::vector<std::int64_t> starts;
          for (int r = 0; r < comm.size(); ++r) starts.push_back(exchange.received_from(r));
          merged = distinct(detail::merged(merged.room, std::move(starts)), false);
        });

        const std::int64_t different = std::ssize(own.keys());
        out.values = by_rows(different, x.dtype(), comm, [&](void* to) {
          detail::for_pieces(
              different, detail::pieces_of(different), [&](std::int64_t, Range piece) {
                for (std::int64_t i = piece.begin; i < piece.end; ++i)
                  static_cast<Key*>(to)[i] = order.bits(own.keys()[static_cast<std::size_t>(i)]);
              });
        });
        if (options.counts) {
          const auto counts = exchange.template forward<std::int64_t>(mine.counts);
          out.counts = by_rows(different, DType::int64, comm, [&](void* memory) {
            auto* to = static_cast<std::int64_t*>(memory);
            std::fill_n(to, different, 0);
            for (std::size_t i = 0; i < there.size(); ++i) to[own.position(there[i])] += counts[i];
          });
        }
        if (!options.inverse) return;
        const auto sizes = comm.all_gather(std::ssize(own.keys()));
        const std::int64_t before =
            std::accumulate(sizes.begin(), sizes.begin() + comm.rank(), std::int64_t{0});
        std::vector<std::int64_t> answers(there.size());
        for (std::size_t i = 0; i < there.size(); ++i) answers[i] = before + own.position(there[i]);
        const auto index = exchange.template back<std::int64_t>(answers);
        out.inverse = detail::allocate(x.shape(), DType::int64, x.distribution(), comm);
        auto* inverse = out.inverse.local().template as<std::int64_t>();
        detail::for_pieces(n, detail::pieces_of(n), [&](std::int64_t, Range piece) {
          Slots<Key> slots;
          for (std::int64_t i = piece.begin; i < piece.end; ++i) {
            const Key k = key(i);
            Entry<Key>& slot = slots.of(k);
            if (slot.key != k || slot.value == slots.nothing)
              slot = {k, index[static_cast<std::size_t>(mine.position(k))]};
            inverse[i] = slot.value;
          }
        });
        if (scalar) comm.broadcast(std::span(inverse, 1), 0);
      });
  const Device device = given.device();
  out.values = out.values.with({nullptr, given.names().categories}).to(device);
  out.counts = out.counts ? out.counts.to(device) : out.counts;
  out.inverse = out.inverse ? out.inverse.to(device) : out.inverse;
  return out;
}

}  // namespace tessera
