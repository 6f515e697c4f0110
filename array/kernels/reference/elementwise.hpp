#pragma once
#include <tessera/array/kernels/elementwise.hpp>

namespace tessera::on_reference {

void implement_elementwise(Backend& backend);

}  // namespace tessera::on_reference
