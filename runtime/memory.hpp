#pragma once
#include <cstdint>
#include <string>

#include <tessera/runtime/communicator.hpp>

namespace tessera {

namespace detail {
/// Returns to the system the large blocks of freed Buffers that were kept for the next ones. Local.
void give_back_freed();
}  // namespace detail

/// Bytes that can still be had here: on this machine, by all its processes together (what is free,
/// and what the control group of a job or container allows), and by this process alone (ulimit).
struct FreeMemory {
  std::uint64_t machine = 0;
  std::uint64_t process = 0;
};
FreeMemory free_memory();

/// Before memory is taken: MemoryError, the same on every process, when `bytes` of each are more
/// than its machine or its limits have. The text is `purpose` ("reading 'x.h5'"), what is needed
/// and what there is, and `advice`. Collective.
void require_memory(std::uint64_t bytes, const std::string& purpose, const std::string& advice,
                    const Communicator& comm);

}  // namespace tessera
