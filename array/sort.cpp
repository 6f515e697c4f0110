#include <tessera/array/sort.hpp>

#include <fmt/format.h>

#include <algorithm>

#include <tessera/array/keys.hpp>
#include <tessera/runtime/exchange.hpp>

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

}  // namespace tessera
