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

/// How elements of a dtype become keys: of their bits, so that code on keys is compiled for four
/// sizes and not for eleven dtypes. -0 comes before 0, and NaN, all of them one, last.
template <class K>
class KeyOrder {
 public:
  using Key = K;
  /// Of a dtype of that size that has an order.
  explicit constexpr KeyOrder(DType dtype)
      : floats_(is_floating(dtype) ? all : Key{0}),
        turned_(is_floating(dtype) || (dtype >= DType::int8 && dtype <= DType::int64) ? top : 0),
        largest_(is_floating(dtype) ? bits_of(std::numeric_limits<Float>::infinity()) : size) {}

  Key key(Key bits) const {
    const Key nan = negative(static_cast<Key>(largest_ - (bits & size)));
    const auto turned = static_cast<Key>((negative(bits) & floats_) | turned_);
    return static_cast<Key>(((bits ^ turned) & ~nan) | (nan_key & nan));
  }
  /// The same where 0 and -0 are one.
  Key key_of_equals(Key bits) const { return key(bits == (top & floats_) ? Key{0} : bits); }
  Key bits(Key key) const { return static_cast<Key>(key ^ ((~negative(key) & floats_) | turned_)); }
  /// Whether it is that of NaN.
  bool is_nan(Key key) const { return floats_ != 0 && key == nan_key; }

 private:
  static constexpr int shift = 8 * sizeof(Key) - 1;
  static constexpr Key all = static_cast<Key>(~Key{0});
  static constexpr Key top = static_cast<Key>(Key{1} << shift);
  static constexpr Key size = static_cast<Key>(~top);
  // All bits where the first one is set.
  static constexpr Key negative(Key bits) { return static_cast<Key>(Key{0} - (bits >> shift)); }
  using Float = std::conditional_t<sizeof(Key) == 8, double, float>;
  static constexpr Key bits_of(Float v) {
    if constexpr (sizeof(Float) == sizeof(Key)) return std::bit_cast<Key>(v);
    return all;
  }
  static constexpr Key nan_key =
      static_cast<Key>(bits_of(std::numeric_limits<Float>::quiet_NaN()) | top);

  Key floats_;   // all bits of floating dtypes, none of others
  Key turned_;   // what distinguishes positive numbers from negative ones
  Key largest_;  // without its sign; beyond is NaN
};

/// Calls f with the KeyOrder of a dtype; TypeError for complex numbers.
template <class F>
decltype(auto) visit_ordered(const std::string& function, DType dtype, F&& f) {
  if (is_complex(dtype))
    throw TypeError(function + " needs numbers that have an order, not " +
                    std::string(name_of(dtype)));
  switch (size_of(dtype)) {
    case 1:
      return f(KeyOrder<std::uint8_t>(dtype));
    case 2:
      return f(KeyOrder<std::uint16_t>(dtype));
    case 4:
      return f(KeyOrder<std::uint32_t>(dtype));
    default:
      return f(KeyOrder<std::uint64_t>(dtype));
  }
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
