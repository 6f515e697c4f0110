#pragma once
// STUB of the kernels' author; the device layer's author writes the real one.
#include <cublas_v2.h>
#include <cuda_runtime.h>
#include <cusolverDn.h>

#include <cstddef>
#include <source_location>
#include <utility>

#include <tessera/runtime/device_layer.hpp>
#include <tessera/runtime/stream.hpp>

namespace tessera::cuda {

void check(cudaError_t status, std::source_location where = std::source_location::current());
void check(cublasStatus_t status, std::source_location where = std::source_location::current());
void check(cusolverStatus_t status, std::source_location where = std::source_location::current());

class Queue : public DeviceQueue {
 public:
  cudaStream_t stream() const;
  cublasHandle_t cublas();
  cusolverDnHandle_t cusolver();
  /// Uninitialised memory for the kernel that is being queued, until the next call.
  std::byte* workspace(std::size_t bytes);
};
Queue& queue_of(Stream& stream);

template <class... Parameters, class... Arguments>
void launch(Queue& queue, void (*kernel)(Parameters...), dim3 grid, dim3 block,
            Arguments&&... arguments) {
  cudaLaunchConfig_t config{};
  config.gridDim = grid;
  config.blockDim = block;
  config.stream = queue.stream();
  check(cudaLaunchKernelEx(&config, kernel, std::forward<Arguments>(arguments)...));
}

}  // namespace tessera::cuda
