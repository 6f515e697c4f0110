#pragma once
#include <tessera/ndimage/kernels/filters.hpp>

namespace tessera::ndimage::on_reference {

/// The definitions of the filters.
void implement(Backend& backend, const Filters& filters);

}  // namespace tessera::ndimage::on_reference
