#include <tessera/array/sort.hpp>

#include <fmt/format.h>

#include <algorithm>

#include <tessera/array/keys.hpp>
#include <tessera/array/layout.hpp>
#include <tessera/array/manipulation.hpp>
#include <tessera/array/ordering.hpp>
#include <tessera/runtime/exchange.hpp>
#include <tessera/runtime/rows.hpp>

namespace tessera {
namespace {

// How many of this process's items, sorted by key(item), go to each process, so that all get what
// `to` says. Those of equal keys are dealt out by rank.
template <class Item, class F>
std::vector<std::int64_t> shares(std::span<const Item> sorted, const F& key, const Distribution& to,
                                 const Communicator& comm) {
  using Key = std::invoke_result_t<F, Item>;
  std::vector<std::int64_t> first;  // rank in the whole order of what goes to each process
  for (int r = 1; r < comm.size(); ++r) first.push_back(to.rows_of(r).begin);
  const auto below_here = [&](Key k) {
    return std::ranges::lower_bound(sorted, k, {}, key) - sorted.begin();
  };
  const std::vector<Key> keys = detail::keys_of_rank<Key>(below_here, first, comm);
  std::vector<std::int64_t> below, equal, cut = {0};
  for (const Key k : keys) {
    below.push_back(below_here(k));
    equal.push_back(std::ranges::upper_bound(sorted, k, {}, key) - sorted.begin() - below.back());
  }
  const std::vector<std::int64_t> equal_in_lower = detail::sums_of_lower(comm, equal);
  std::vector<std::int64_t> all_below = below;
  comm.all_reduce(std::span(all_below), Reduce::sum);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const std::int64_t left = first[i] - all_below[i] - equal_in_lower[i];
    cut.push_back(below[i] + std::clamp<std::int64_t>(left, 0, equal[i]));
  }
  cut.push_back(std::ssize(sorted));
  std::vector<std::int64_t> counts;
  for (std::size_t r = 0; r + 1 < cut.size(); ++r) counts.push_back(cut[r + 1] - cut[r]);
  return counts;
}

// item(i) of this process's rows of `like`, in the order of all; to[i] is made of the i-th of what
// the distribution of `like` deals to this process. key(item) is what processes compare.
template <class Item, class From, class Key, class Out, class Made>
void sort_items(const Array& like, const From& item, const Key& key, Out* to, const Made& made) {
  const auto& comm = like.comm();
  const std::int64_t n = like.local_rows().size();
  detail::Room<Item> room;
  std::vector<std::int64_t> starts;
  together(comm, [&] {
    room = detail::Room<Item>(n);
    starts = detail::sorted_runs(room, item);
    if (comm.size() == 1) return;
    room = detail::merged(room, std::move(starts));
  });
  if (comm.size() > 1) {
    const std::span<const Item> sorted = room.items();
    const Exchange exchange(comm, shares(sorted, key, like.distribution(), comm));
    detail::Room<Item> there;
    together(comm, [&] { there = detail::Room<Item>(exchange.received()); });
    exchange.forward(sorted, there.items());
    room = std::move(there);
    starts.clear();
    for (int r = 0; r < comm.size(); ++r) starts.push_back(exchange.received_from(r));
  }
  together(comm, [&] { detail::merge_runs(room, std::move(starts), to, made); });
}

}  // namespace

Array sort(const Array& given) {
  if (given.ndim() != 1)
    throw ValueError(
        fmt::format("sort needs a vector, got an array of shape {}", to_string(given.shape())));
  const auto& comm = given.comm();
  const Array x = redistribute(given.to(cpu), row_distribution(given.shape(), comm));
  const Array out = empty(x.shape(), x.dtype(), comm);
  detail::visit_ordered(
      "sort", x.dtype(), [&]<class Key, bool floats>(detail::KeyOrder<Key, floats> order) {
        const Key* in = x.local().as<const Key>();
        sort_items<Key>(
            out, [=](std::int64_t i) { return order.key(in[i]); }, [](Key key) { return key; },
            out.local().as<Key>(), [=](Key key) { return order.bits(key); });
      });
  return out.with(given.names()).to(given.device());
}

namespace {

// The key of an element where zeros are one.
template <class Key, bool floats>
Key key_of(Key bits, detail::KeyOrder<Key, floats> order, bool descending) {
  const Key key = order.key_of_equals(bits);
  return descending ? static_cast<Key>(~key) : key;
}

// A key and where it was, in one number where both fit.
template <class Item, class Key>
Item placed(Key key, std::int64_t index) {
  if constexpr (std::is_same_v<Item, detail::Placed>)
    return {static_cast<std::uint64_t>(index), std::uint64_t{key}};
  else
    return Item{key} << 32 | static_cast<Item>(index);
}
std::int64_t index_of(const detail::Placed& p) { return static_cast<std::int64_t>(p.index); }
std::int64_t index_of(std::uint64_t p) { return static_cast<std::int64_t>(p & 0xFFFFFFFFU); }

// f(tag) of the type of items that hold such keys and indices below n.
template <class Key, class F>
void with_item(std::int64_t n, F&& f) {
  if constexpr (sizeof(Key) <= 4)
    if (n <= std::int64_t{1} << 32) return f(TypeTag<std::uint64_t>{});
  f(TypeTag<detail::Placed>{});
}

// f(order of keys, elements of a line, how many, the line of `out`) for all lines of this process
// along the last axis.
template <class F>
void for_each_line(const std::string& function, const Array& x, const Array& out, F f) {
  const std::int64_t n = x.shape().back();
  if (n == 0) return;
  const std::int64_t lines = x.local().rows * x.local().cols / n;
  const auto width = static_cast<std::int64_t>(size_of(out.dtype()));
  detail::visit_ordered(
      function, x.dtype(), [&]<class Key, bool floats>(detail::KeyOrder<Key, floats> order) {
        parallel_for({0, lines}, lines * n < (1 << 14) ? 1 : Runtime::threads(),
                     [&](std::int64_t i, Stream&) {
                       f(order, x.local().template as<const Key>() + i * n, n,
                         static_cast<std::byte*>(out.local().data) + i * n * width);
                     });
      });
}

// Along the last axis, of an array of more than one.
Array with_last_axis(const Array& x, std::int64_t axis,
                     Array (*sorted)(const Array&, std::int64_t, bool), bool descending) {
  return moveaxis(sorted(moveaxis(x, {axis}, {-1}), -1, descending), {-1}, {axis});
}

Array argsort_vector(const Array& given, bool descending) {
  const auto& comm = given.comm();
  const Array x = redistribute(given, row_distribution(given.shape(), comm));
  const Array out = empty(x.shape(), DType::int64, comm);
  detail::visit_ordered("argsort", x.dtype(),
                        [&]<class Key, bool floats>(detail::KeyOrder<Key, floats> order) {
                          const Key* in = x.local().as<const Key>();
                          const std::int64_t first = x.local_rows().begin;
                          with_item<Key>(x.rows(), [&](auto item_tag) {
                            using Item = typename decltype(item_tag)::type;
                            const auto compared = [](const Item& item) {
                              if constexpr (std::is_same_v<Item, detail::Placed>)
                                return item.key;
                              else
                                return item;
                            };
                            sort_items<Item>(
                                out,
                                [=](std::int64_t i) {
                                  return placed<Item>(key_of(in[i], order, descending), first + i);
                                },
                                compared, out.local().as<std::int64_t>(),
                                [](const Item& item) { return index_of(item); });
                          });
                        });
  return out;
}

}  // namespace

Array sort(const Array& given, std::int64_t axis, bool descending) {
  const std::int64_t along = detail::checked_axis(axis, given.ndim());
  if (given.ndim() == 1) {
    const Array up = detail::is_replicated(given) ? gather(sort(given)) : sort(given);
    return descending ? flip(up) : up;
  }
  if (along + 1 != given.ndim())
    return with_last_axis(
        given, along, [](const Array& x, std::int64_t a, bool d) { return sort(x, a, d); },
        descending);
  const Array x = detail::in_rows(given);
  const Array out = detail::room_for(x.shape(), x.dtype(), x.distribution(), x.comm());
  for_each_line("sort", x, out,
                [&]<class Key, bool floats>(detail::KeyOrder<Key, floats> order, const Key* line,
                                            std::int64_t n, std::byte* to) {
                  const std::span keys(reinterpret_cast<Key*>(to), static_cast<std::size_t>(n));
                  const Key turn = descending ? static_cast<Key>(~Key{0}) : Key{0};
                  for (std::size_t i = 0; i < keys.size(); ++i) keys[i] = order.key(line[i]) ^ turn;
                  detail::sort_keys(keys);
                  for (Key& key : keys) key = order.bits(key ^ turn);
                });
  return out.to(given.device());
}

Array argsort(const Array& given, std::int64_t axis, bool descending) {
  const std::int64_t along = detail::checked_axis(axis, given.ndim());
  if (along + 1 != given.ndim()) return with_last_axis(given, along, argsort, descending);
  const Array x = detail::in_rows(given);
  if (given.ndim() == 1) {
    const Array order = argsort_vector(x, descending);
    return (detail::is_replicated(x) ? gather(order) : order).to(given.device());
  }
  const Array out = detail::room_for(x.shape(), DType::int64, x.distribution(), x.comm());
  for_each_line("argsort", x, out,
                [&]<class Key, bool floats>(detail::KeyOrder<Key, floats> order, const Key* line,
                                            std::int64_t n, std::byte* to) {
                  with_item<Key>(n, [&](auto tag) {
                    using Item = typename decltype(tag)::type;
                    const detail::Room<Item> items(n);
                    for (std::int64_t i = 0; i < n; ++i)
                      items.items()[static_cast<std::size_t>(i)] =
                          placed<Item>(key_of(line[i], order, descending), i);
                    detail::sort_keys(items.items());
                    std::transform(items.items().begin(), items.items().end(),
                                   reinterpret_cast<std::int64_t*>(to),
                                   [](const Item& item) { return index_of(item); });
                  });
                });
  return out.to(given.device());
}

}  // namespace tessera
