#pragma once
#include <algorithm>
#include <bit>
#include <concepts>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include <tessera/runtime/communicator.hpp>
#include <tessera/runtime/distribution.hpp>
#include <tessera/runtime/dtype.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/visit.hpp>

/// Numbers as unsigned integers of the same order: what sorting, sets and order statistics share.
namespace tessera::detail {

template <std::size_t bytes>
struct UnsignedOf;
template <>
struct UnsignedOf<1> {
  using type = std::uint8_t;
};
template <>
struct UnsignedOf<2> {
  using type = std::uint16_t;
};
template <>
struct UnsignedOf<4> {
  using type = std::uint32_t;
};
template <>
struct UnsignedOf<8> {
  using type = std::uint64_t;
};

/// -0 comes before 0, and NaN, all of them one, last.
template <class T>
struct Ordered {
  using Key = typename UnsignedOf<sizeof(T)>::type;
  static constexpr int shift = 8 * sizeof(Key) - 1;
  static constexpr Key top = static_cast<Key>(Key{1} << shift);

  static Key key(T v) {
    if constexpr (std::is_floating_point_v<T>) {
      constexpr Key nan = std::bit_cast<Key>(std::numeric_limits<T>::quiet_NaN()) | top;
      const auto bits = std::bit_cast<Key>(v);
      const Key key = bits ^ ((Key{0} - (bits >> shift)) | top);  // all bits of negative ones
      return v != v ? nan : key;
    } else if constexpr (std::is_signed_v<T>) {
      return static_cast<Key>(static_cast<Key>(v) ^ top);
    } else {
      return static_cast<Key>(v);
    }
  }
  static T value(Key key) {
    if constexpr (std::is_floating_point_v<T>)
      return std::bit_cast<T>(key ^ (((key >> shift) - Key{1}) | top));
    else if constexpr (std::is_signed_v<T>)
      return static_cast<T>(static_cast<Key>(key ^ top));
    else
      return static_cast<T>(key);
  }
};

/// Calls f with the tag of a dtype that has an order; TypeError for complex numbers.
template <class F>
decltype(auto) visit_ordered(const std::string& function, DType dtype, F&& f) {
  if (is_complex(dtype))
    throw TypeError(function + " needs numbers that have an order, not " +
                    std::string(name_of(dtype)));
  return visit(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_arithmetic_v<T>) f(TypeTag<T>{});
  });
}

/// For each of `ranks` the key of that rank (from 0) among the keys of all processes, of which each
/// has below_here(key) smaller ones; the largest key for a rank beyond. Collective: as many small
/// sums as a key has bits.
template <class Key, std::invocable<Key> F>
std::vector<Key> keys_of_rank(const F& below_here, std::span<const std::int64_t> ranks,
                              const Communicator& comm) {
  std::vector<Key> found(ranks.size(), 0);
  std::vector<std::int64_t> below(ranks.size());
  for (int bit = 8 * static_cast<int>(sizeof(Key)) - 1; bit >= 0; --bit) {
    const auto next = [&](std::size_t i) { return static_cast<Key>(found[i] | Key{1} << bit); };
    for (std::size_t i = 0; i < ranks.size(); ++i) below[i] = below_here(next(i));
    comm.all_reduce(std::span(below), Reduce::sum);
    for (std::size_t i = 0; i < ranks.size(); ++i)
      if (below[i] <= ranks[i]) found[i] = next(i);
  }
  return found;
}
/// The same of keys that each process has sorted.
template <class Key>
std::vector<Key> keys_of_rank(std::span<const Key> sorted, std::span<const std::int64_t> ranks,
                              const Communicator& comm) {
  return keys_of_rank<Key>(
      [&](Key key) { return std::lower_bound(sorted.begin(), sorted.end(), key) - sorted.begin(); },
      ranks, comm);
}

}  // namespace tessera::detail
