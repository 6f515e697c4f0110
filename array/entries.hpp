#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <tessera/runtime/distribution.hpp>

/// Counting and looking up keys of which few are different.
namespace tessera::detail {

/// A key and what belongs to it: how often it is there, or its place.
template <class Key>
struct Entry {
  Key key;
  std::int64_t value;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(key, value);
  }
};

/// Room for what belongs to keys, each in one place: what comes again while it is still there costs
/// a comparison, so few different keys are looked up at the speed of reading.
template <class Key>
class Slots {
 public:
  Entry<Key>& of(Key key) {
    return slots_[(std::uint64_t{key} * 0x9E3779B97F4A7C15U) >> (64 - bits)];
  }
  const std::vector<Entry<Key>>& all() const { return slots_; }
  static constexpr std::int64_t nothing = -1;

 private:
  static constexpr int bits = 10;
  std::vector<Entry<Key>> slots_ = std::vector(std::size_t{1} << bits, Entry<Key>{0, nothing});
};

/// Of key(i) for i of the range how often each is there; some come more than once.
template <class Key, class F>
std::vector<Entry<Key>> entries(Range range, const F& key) {
  Slots<Key> slots;
  std::vector<Entry<Key>> all;
  for (std::int64_t i = range.begin; i < range.end; ++i) {
    const Key k = key(i);
    Entry<Key>& slot = slots.of(k);
    if (slot.key == k && slot.value != slots.nothing) {
      ++slot.value;
      continue;
    }
    if (slot.value != slots.nothing) all.push_back(slot);
    slot = {k, 1};
  }
  for (const auto& slot : slots.all())
    if (slot.value != slots.nothing) all.push_back(slot);
  return all;
}

/// Each key once, ascending, with the sum of its counts.
template <class Key>
std::vector<Entry<Key>> joined(std::vector<Entry<Key>> entries) {
  std::sort(entries.begin(), entries.end(),
            [](const auto& a, const auto& b) { return a.key < b.key; });
  std::size_t n = 0;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (n > 0 && entries[n - 1].key == entries[i].key)
      entries[n - 1].value += entries[i].value;
    else
      entries[n++] = entries[i];
  }
  entries.resize(n);
  return entries;
}

}  // namespace tessera::detail
