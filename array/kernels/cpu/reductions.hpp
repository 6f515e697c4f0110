#pragma once
#include <tessera/array/kernels/reductions.hpp>

namespace tessera::on_cpu {

void implement_reductions(Backend& backend, const reductions::Operations& operations);

}  // namespace tessera::on_cpu
