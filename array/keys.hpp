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
/// sizes of integers and two of floating numbers, not for eleven dtypes. -0 comes before 0, and
/// NaN, all of them one, last.
template <class K, bool floats>
class KeyOrder {
 public:
  using Key = K;
  /// Of a dtype of that size and kind.
  explicit constexpr KeyOrder(DType dtype)
      : turned_(dtype >= DType::int8 && dtype <= DType::int64 ? top : Key{0}) {}

  Key key(Key bits) const {
    if constexpr (floats) {
      const Float v = std::bit_cast<Float>(bits);
      const auto key = static_cast<Key>(bits ^ ((Key{0} - (bits >> shift)) | top));
      return v != v ? nan() : key;
    } else {
      return static_cast<Key>(bits ^ turned_);
    }
  }
  /// The same where 0 and -0 are one.
  Key key_of_equals(Key bits) const {
    if constexpr (floats) return key(std::bit_cast<Key>(std::bit_cast<Float>(bits) + Float{0}));
    return key(bits);
  }
  Key bits(Key key) const {
    if constexpr (floats) return static_cast<Key>(key ^ (((key >> shift) - Key{1}) | top));
    return static_cast<Key>(key ^ turned_);
  }
  /// Whether it is that of NaN.
  bool is_nan(Key key) const {
    if constexpr (floats) return key == nan();
    return false;
  }

 private:
  using Float = std::conditional_t<sizeof(Key) == 8, double, float>;
  static constexpr int shift = 8 * sizeof(Key) - 1;
  static constexpr Key top = static_cast<Key>(Key{1} << shift);
  static constexpr Key nan() {
    return std::bit_cast<Key>(std::numeric_limits<Float>::quiet_NaN()) | top;
  }

  Key turned_;  // what distinguishes positive integers from negative ones
};

/// Calls f with the KeyOrder of a dtype; TypeError for complex numbers.
template <class F>
decltype(auto) visit_ordered(const std::string& function, DType dtype, F&& f) {
  if (is_complex(dtype))
    throw TypeError(function + " needs numbers that have an order, not " +
                    std::string(name_of(dtype)));
  if (dtype == DType::float32) return f(KeyOrder<std::uint32_t, true>(dtype));
  if (dtype == DType::float64) return f(KeyOrder<std::uint64_t, true>(dtype));
  switch (size_of(dtype)) {
    case 1:
      return f(KeyOrder<std::uint8_t, false>(dtype));
    case 2:
      return f(KeyOrder<std::uint16_t, false>(dtype));
    case 4:
      return f(KeyOrder<std::uint32_t, false>(dtype));
    default:
      return f(KeyOrder<std::uint64_t, false>(dtype));
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
