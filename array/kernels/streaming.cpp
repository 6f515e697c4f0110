#include <tessera/array/kernels/streaming.hpp>

#include <hwy/cache_control.h>
#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace tessera::detail {

void stream_to_memory(const void* given_from, void* given_to, std::size_t bytes) {
  namespace hn = hwy::HWY_NAMESPACE;
  const hn::ScalableTag<std::uint8_t> d;
  const std::size_t width = hn::Lanes(d);
  const auto* from = static_cast<const std::uint8_t*>(given_from);
  auto* to = static_cast<std::uint8_t*>(given_to);
  // Only whole vectors at their own addresses are streamed.
  const std::size_t past = reinterpret_cast<std::uintptr_t>(to) % width;
  const std::size_t head = std::min(bytes, past == 0 ? 0 : width - past);
  std::memcpy(to, from, head);
  std::size_t i = head;
  for (; i + width <= bytes; i += width) hn::Stream(hn::LoadU(d, from + i), d, to + i);
  std::memcpy(to + i, from + i, bytes - i);
}

void streamed() { hwy::FlushStream(); }

}  // namespace tessera::detail
