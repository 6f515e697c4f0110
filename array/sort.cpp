#include <tessera/array/sort.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include <tessera/array/keys.hpp>
#include <tessera/array/layout.hpp>
#include <tessera/array/manipulation.hpp>
#include <tessera/runtime/exchange.hpp>
#include <tessera/runtime/rows.hpp>

namespace tessera {
namespace {

// Sorted runs one after another become one.
template <class Key>
void merge_runs(std::vector<Key>& keys, std::vector<std::int64_t> starts) {
  starts.push_back(std::ssize(keys));
  while (starts.size() > 2) {
    std::vector<std::int64_t> fewer;
    for (std::size_t i = 0; i + 1 < starts.size(); i += 2) {
      fewer.push_back(starts[i]);
      if (i + 2 < starts.size())
        std::inplace_merge(keys.begin() + starts[i], keys.begin() + starts[i + 1],
                           keys.begin() + starts[i + 2]);
    }
    fewer.push_back(std::ssize(keys));
    starts = std::move(fewer);
  }
}

// How many of this process's sorted keys go to each process, so that all get what `to` says. Equal
// keys are dealt out by rank.
template <class Key>
std::vector<std::int64_t> shares(std::span<const Key> sorted, const Distribution& to,
                                 const Communicator& comm) {
  const auto processes = static_cast<std::size_t>(comm.size());
  const auto me = static_cast<std::size_t>(comm.rank());
  std::vector<std::int64_t> first;  // rank in the whole order of what goes to each process
  for (int r = 1; r < comm.size(); ++r) first.push_back(to.rows_of(r).begin);
  const std::vector<Key> keys = detail::keys_of_rank<Key>(sorted, first, comm);
  std::vector<std::int64_t> below, equal, cut = {0};
  for (const Key key : keys) {
    const auto [from, end] = std::equal_range(sorted.begin(), sorted.end(), key);
    below.push_back(from - sorted.begin());
    equal.push_back(end - from);
  }
  std::vector<std::int64_t> all_equal(equal.size() * processes);
  comm.all_gather_v(std::as_bytes(std::span(equal)),
                    std::vector<std::int64_t>(
                        processes, static_cast<std::int64_t>(equal.size() * sizeof equal[0])),
                    std::as_writable_bytes(std::span(all_equal)));
  std::vector<std::int64_t> all_below = below;
  comm.all_reduce(std::span(all_below), Reduce::sum);
  for (std::size_t i = 0; i < keys.size(); ++i) {
    std::int64_t left = first[i] - all_below[i];
    for (std::size_t r = 0; r < me; ++r) left -= all_equal[r * equal.size() + i];
    cut.push_back(below[i] + std::clamp<std::int64_t>(left, 0, equal[i]));
  }
  cut.push_back(std::ssize(sorted));
  std::vector<std::int64_t> counts;
  for (std::size_t r = 0; r < processes; ++r) counts.push_back(cut[r + 1] - cut[r]);
  return counts;
}

}  // namespace

Array sort(const Array& given) {
  if (given.ndim() != 1)
    throw ValueError(
        fmt::format("sort needs a vector, got an array of shape {}", to_string(given.shape())));
  const auto& comm = given.comm();
  const Array x = redistribute(given.to(cpu), row_distribution(given.shape(), comm));
  const Array out = empty(x.shape(), x.dtype(), comm);
  detail::visit_ordered("sort", x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    using Order = detail::Ordered<T>;
    using Key = typename Order::Key;
    const Tile in = x.local();
    std::vector<Key> keys;
    together(comm, [&] { keys.resize(static_cast<std::size_t>(in.rows)); });
    std::transform(in.as<const T>(), in.as<const T>() + in.rows, keys.begin(), Order::key);
    std::sort(keys.begin(), keys.end());
    if (comm.size() > 1) {
      const Exchange exchange(comm, shares<Key>(keys, out.distribution(), comm));
      keys = exchange.forward<Key>(keys);
      std::vector<std::int64_t> starts;
      for (int r = 0; r < comm.size(); ++r) starts.push_back(exchange.received_from(r));
      merge_runs(keys, std::move(starts));
    }
    std::transform(keys.begin(), keys.end(), out.local().template as<T>(), Order::value);
  });
  return out.with(given.names()).to(given.device());
}

namespace {

// The key of an element where zeros are one.
template <class T>
typename detail::Ordered<T>::Key key_of(T v, bool descending) {
  using Key = typename detail::Ordered<T>::Key;
  if constexpr (std::is_floating_point_v<T>)
    if (v == 0) v = 0;
  const Key key = detail::Ordered<T>::key(v);
  return descending ? static_cast<Key>(~key) : key;
}

template <class Key>
struct Place {
  Key key;
  std::int64_t index;
  bool operator<(const Place& other) const {
    return key != other.key ? key < other.key : index < other.index;
  }
};

// f(tag, elements of a line, how many, the line of `out`) for all lines of this process along the
// last axis.
template <class F>
void for_each_line(const std::string& function, const Array& x, const Array& out, F f) {
  const std::int64_t n = x.shape().back();
  if (n == 0) return;
  const std::int64_t lines = x.local().rows * x.local().cols / n;
  const auto width = static_cast<std::int64_t>(size_of(out.dtype()));
  detail::visit_ordered(function, x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    parallel_for({0, lines}, lines * n < (1 << 14) ? 1 : Runtime::threads(),
                 [&](std::int64_t i, Stream&) {
                   f(x.local().template as<const T>() + i * n, n,
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
  detail::visit_ordered("argsort", x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    using Key = typename detail::Ordered<T>::Key;
    const Tile in = x.local();
    std::vector<Place<Key>> places;
    std::vector<Key> keys;
    together(comm, [&] {
      places.resize(static_cast<std::size_t>(in.rows));
      keys.resize(comm.size() > 1 ? places.size() : 0);
    });
    for (std::int64_t i = 0; i < in.rows; ++i)
      places[static_cast<std::size_t>(i)] = {key_of(in.as<const T>()[i], descending),
                                             x.local_rows().begin + i};
    std::sort(places.begin(), places.end());
    if (comm.size() > 1) {
      std::transform(places.begin(), places.end(), keys.begin(),
                     [](const auto& p) { return p.key; });
      const Exchange exchange(comm, shares<Key>(keys, out.distribution(), comm));
      places = exchange.forward<Place<Key>>(places);
      std::vector<std::int64_t> starts;
      for (int r = 0; r < comm.size(); ++r) starts.push_back(exchange.received_from(r));
      merge_runs(places, std::move(starts));
    }
    std::transform(places.begin(), places.end(), out.local().template as<std::int64_t>(),
                   [](const auto& p) { return p.index; });
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
  for_each_line("sort", x, out, [&]<class T>(const T* line, std::int64_t n, std::byte* to) {
    T* sorted = reinterpret_cast<T*>(to);
    std::copy_n(line, n, sorted);
    std::sort(sorted, sorted + n, [descending](const T& a, const T& b) {
      return key_of(a, descending) < key_of(b, descending);
    });
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
  for_each_line("argsort", x, out, [&]<class T>(const T* line, std::int64_t n, std::byte* to) {
    auto* order = reinterpret_cast<std::int64_t*>(to);
    std::iota(order, order + n, 0);
    std::stable_sort(order, order + n, [&](std::int64_t i, std::int64_t j) {
      return key_of(line[i], descending) < key_of(line[j], descending);
    });
  });
  return out.to(given.device());
}

}  // namespace tessera
