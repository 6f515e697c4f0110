#include <tessera/array/kernels/cuda/backend.hpp>
#include <tessera/estimators/kernels/kernels.hpp>
#include <tessera/linalg/kernels/kernels.hpp>
#include <tessera/runtime/cuda/cuda.hpp>
#include <tessera/runtime/plugin.hpp>

extern "C" [[gnu::visibility("default")]] tessera::Plugin tessera_plugin() {
  return {tessera::plugin_version, [] {
            using namespace tessera;
            install(Device::Kind::cuda, cuda::make_device_layer());
            install(on_cuda::array_backend());
            install(linalg::cuda_backend(linalg::kernels()));
            install(cuda_backend(estimator_kernels()));
          }};
}
