#pragma once
#include <cstddef>
#include <cstdint>
#include <span>

namespace tessera::detail {

/// What is read next: so many bytes while a line of 64 bytes is written.
struct Ahead {
  std::uintptr_t data;  // an integer: after the last piece it lies beyond the array
  std::size_t per_line;
};

/// memcpy that leaves the caches alone: no line of `to` is read before it is written. Others see it
/// once the thread has called streamed(). Meanwhile fetches what comes next into the caches:
/// reading would wait while writing is busy.
void stream_to_memory(const void* from, void* to, std::size_t bytes, std::span<const Ahead> ahead);
void streamed();

}  // namespace tessera::detail
