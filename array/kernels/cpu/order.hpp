#pragma once
#include <tessera/runtime/stream.hpp>

namespace tessera::on_cpu {

/// By Highway's vectorised quicksort.
void sort_keys(Stream& stream, const Tile& keys);

}  // namespace tessera::on_cpu
