#pragma once
#include <tessera/array/kernels/fft.hpp>

namespace tessera::on_reference {

void implement_fft(Backend& backend, const Operation<fourier::Signature>& operation);

}  // namespace tessera::on_reference
