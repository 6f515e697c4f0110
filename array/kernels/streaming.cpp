// Compiled for several instruction sets, for a line that is stored whole waits for nothing.

#include <tessera/array/kernels/streaming.hpp>

#include <hwy/cache_control.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/array/kernels/streaming.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace tessera::detail {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

void stream(const void* given_from, void* given_to, std::size_t bytes,
            std::span<const Ahead> ahead) {
  constexpr std::size_t line = 64;
  const hn::CappedTag<std::uint8_t, line> d;
  const std::size_t width = hn::Lanes(d);
  const auto* from = static_cast<const std::uint8_t*>(given_from);
  auto* to = static_cast<std::uint8_t*>(given_to);
  // Only whole lines at their own addresses are streamed.
  const std::size_t past = reinterpret_cast<std::uintptr_t>(to) % line;
  const std::size_t head = std::min(bytes, past == 0 ? 0 : line - past);
  std::memcpy(to, from, head);
  std::size_t i = head;
  for (std::size_t lines = 0; i + line <= bytes; i += line, ++lines) {
    for (const Ahead& next : ahead)
      for (std::size_t k = 0; k < next.per_line; k += line)
        hwy::Prefetch(reinterpret_cast<const std::byte*>(next.data + lines * next.per_line + k));
    for (std::size_t k = i; k < i + line; k += width) hn::Stream(hn::LoadU(d, from + k), d, to + k);
  }
  std::memcpy(to + i, from + i, bytes - i);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace tessera::detail
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::detail {

HWY_EXPORT(stream);

void stream_to_memory(const void* from, void* to, std::size_t bytes, std::span<const Ahead> ahead) {
  HWY_DYNAMIC_DISPATCH(stream)(from, to, bytes, ahead);
}

void streamed() { hwy::FlushStream(); }

}  // namespace tessera::detail
#endif  // HWY_ONCE
