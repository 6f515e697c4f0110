#include <tessera/array/kernels/cpu/order.hpp>

#include <hwy/contrib/sort/vqsort.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace tessera::on_cpu {

void sort_keys(Stream&, const Tile& keys) {
  const auto n = static_cast<std::size_t>(keys.rows);
  if (keys.dtype == DType::uint8) {  // of which there are 256
    std::array<std::size_t, 256> counts{};
    auto* key = keys.as<std::uint8_t>();
    for (std::size_t i = 0; i < n; ++i) ++counts[key[i]];
    for (std::size_t v = 0; v < counts.size(); ++v)
      key = std::fill_n(key, counts[v], static_cast<std::uint8_t>(v));
    return;
  }
  static thread_local const hwy::Sorter sorter;
  const auto sort = [&](auto* first) { sorter(first, n, hwy::SortAscending()); };
  if (keys.cols == 2)
    sort(keys.as<hwy::uint128_t>());
  else if (keys.dtype == DType::uint16)
    sort(keys.as<std::uint16_t>());
  else if (keys.dtype == DType::uint32)
    sort(keys.as<std::uint32_t>());
  else
    sort(keys.as<std::uint64_t>());
}

}  // namespace tessera::on_cpu
