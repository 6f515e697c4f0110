#pragma once
#include <cstddef>

namespace tessera::detail {

/// memcpy that leaves the caches alone: no line of `to` is read before it is written. Others see it
/// once the thread has called streamed().
void stream_to_memory(const void* from, void* to, std::size_t bytes);
void streamed();

}  // namespace tessera::detail
