#pragma once
// The border to CUDA, for Tessera's own CUDA sources only.
#include <cublas_v2.h>
#include <cuda_runtime.h>
#include <cusolverDn.h>

#include <cstddef>
#include <memory>
#include <source_location>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <tessera/runtime/device_layer.hpp>

namespace tessera::cuda {

/// MemoryError when there is too little memory, RuntimeError for any other failure, with the
/// library's text and the place of the call.
void check(cudaError_t code, std::source_location at = std::source_location::current());
void check(cublasStatus_t code, std::source_location at = std::source_location::current());
void check(cusolverStatus_t code, std::source_location at = std::source_location::current());

/// Something whose failure would keep a queue from ever finishing.
class Watched {
 public:
  virtual ~Watched() = default;
  /// RuntimeError once it has failed.
  virtual void poll() = 0;
  virtual bool failed() const = 0;
};

struct StreamPool;
struct PooledStream;

/// A CUDA stream with the library handles that work on it. The functions that hand these out make
/// the queue's device the current one of the calling thread.
class Queue final : public DeviceQueue {
 public:
  Queue(std::shared_ptr<StreamPool> pool, int index);
  Queue(const Queue&) = delete;
  ~Queue() override;

  void synchronize() override;
  int index() const;
  cudaStream_t stream() const;
  cublasHandle_t cublas();
  cusolverDnHandle_t cusolver();
  /// At least `bytes` of uninitialised memory for the kernels that are queued next, valid until the
  /// next call; kept for later ones.
  std::byte* workspace(std::size_t bytes);
  /// Polled by the next synchronize().
  void watch(std::shared_ptr<Watched> watched);

 private:
  std::shared_ptr<StreamPool> pool_;
  std::unique_ptr<PooledStream> stream_;
  std::vector<std::shared_ptr<Watched>> watched_;
};

inline Queue& queue(DeviceQueue& queue) { return static_cast<Queue&>(queue); }

/// Where a kernel is launched: a queue, and the place in the source.
struct On {
  On(DeviceQueue& q, std::source_location place = std::source_location::current())
      : queue(static_cast<Queue&>(q)), at(place) {}
  Queue& queue;
  std::source_location at;
};

/// Queues a kernel; nothing for an empty grid.
template <class... Parameters, class... Arguments>
void launch(On on, void (*kernel)(Parameters...), dim3 grid, dim3 block, Arguments&&... arguments) {
  if (grid.x == 0 || grid.y == 0 || grid.z == 0) return;
  cudaLaunchConfig_t config{};
  config.gridDim = grid;
  config.blockDim = block;
  config.stream = on.queue.stream();
  check(cudaLaunchKernelEx(&config, kernel, std::forward<Arguments>(arguments)...), on.at);
}

/// The device layer for CUDA; for tessera::install.
std::unique_ptr<DeviceLayer> make_device_layer();

/// DeviceLayer::link over NCCL. The communicator's first call decides, later ones repeat the
/// answer; ValueError when a process comes with another device than then.
std::shared_ptr<DeviceLink> link(const Communicator& comm, int index, std::string& why_not);

}  // namespace tessera::cuda
