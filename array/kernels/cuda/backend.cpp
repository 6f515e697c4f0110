#include <tessera/array/kernels/cuda/backend.hpp>

#include <tessera/array/functions.hpp>

namespace tessera::on_cuda {

Backend array_backend() {
  register_array_operations();
  Backend backend("cuda", Device::Kind::cuda);
  implement_simple(backend);
  implement_involved(backend);
  implement_fetch(backend);
  implement_fft(backend);
  implement_reductions(backend);
  return backend;
}

}  // namespace tessera::on_cuda
