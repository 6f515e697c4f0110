#pragma once
#include <cstdint>

namespace tessera::on_cpu {

/// Memory that will be read next, fetched a line per step of what is computed now: all at once, the
/// fetches would wait for each other. (Hardware prefetchers stop at page borders.)
struct Ahead {
  std::uintptr_t next = 0;  // integers: the last steps may lie beyond the data
  std::uintptr_t end = 0;
};

}  // namespace tessera::on_cpu
