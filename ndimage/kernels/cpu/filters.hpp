#pragma once
#include <tessera/ndimage/kernels/filters.hpp>

namespace tessera::ndimage::on_cpu {

/// The filters with vector instructions.
void implement(Backend& backend, const Filters& filters);

}  // namespace tessera::ndimage::on_cpu
