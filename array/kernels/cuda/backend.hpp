#pragma once
#include <tessera/runtime/operation.hpp>

namespace tessera::on_cuda {

/// The kernels of the array room on the GPU.
Backend array_backend();

void implement_simple(Backend& backend);
void implement_involved(Backend& backend);
void implement_fetch(Backend& backend);
/// Nothing without cuFFT.
void implement_fft(Backend& backend);
void implement_reductions(Backend& backend);

}  // namespace tessera::on_cuda
