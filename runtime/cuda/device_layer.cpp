#include <tessera/runtime/device_layer.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <thread>
#include <utility>

#include <tessera/runtime/cuda/cuda.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/runtime.hpp>

namespace tessera::cuda {
namespace {

[[noreturn]] void raise(bool memory, const std::string& library, const std::string& text,
                        std::source_location at) {
  const std::string message =
      fmt::format("{}: {} at {}:{}", library, text, at.file_name(), at.line());
  if (memory) throw MemoryError(message);
  throw RuntimeError(message);
}

}  // namespace

void check(cudaError_t code, std::source_location at) {
  if (code == cudaSuccess) return;
  cudaGetLastError();  // else the next call of somebody who asks for it reports it again
  raise(code == cudaErrorMemoryAllocation, "CUDA", cudaGetErrorString(code), at);
}

void check(cublasStatus_t code, std::source_location at) {
  if (code == CUBLAS_STATUS_SUCCESS) return;
  raise(code == CUBLAS_STATUS_ALLOC_FAILED, "cuBLAS", cublasGetStatusString(code), at);
}

void check(cusolverStatus_t code, std::source_location at) {
  if (code == CUSOLVER_STATUS_SUCCESS) return;
  raise(code == CUSOLVER_STATUS_ALLOC_FAILED, "cuSOLVER",
        fmt::format("status {}", static_cast<int>(code)), at);
}

/// A stream and what was made for it. Never destroyed: when static objects are, CUDA may have
/// unloaded itself.
struct PooledStream {
  explicit PooledStream(int device) : index(device) {
    check(cudaSetDevice(index));
    check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    check(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
  }
  int index;
  cudaStream_t stream = nullptr;
  cudaEvent_t event = nullptr;  ///< marks the end of what was queued so far
  cublasHandle_t cublas = nullptr;
  cusolverDnHandle_t cusolver = nullptr;
  void* workspace = nullptr;
  std::size_t workspace_bytes = 0;
};

struct StreamPool {
  std::mutex mutex;
  std::vector<std::unique_ptr<PooledStream>> idle;
  std::vector<PooledStream*> open;

  std::unique_ptr<PooledStream> take(int index) {
    const std::lock_guard lock(mutex);
    const auto found =
        std::find_if(idle.rbegin(), idle.rend(), [&](const auto& s) { return s->index == index; });
    std::unique_ptr<PooledStream> stream;
    if (found == idle.rend()) {
      stream = std::make_unique<PooledStream>(index);
    } else {
      stream = std::move(*found);
      idle.erase(std::next(found).base());
    }
    open.push_back(stream.get());
    return stream;
  }

  /// One that is not usable counts as open for ever, so that no memory it may use is given away.
  void give_back(std::unique_ptr<PooledStream> stream, bool usable) noexcept {
    if (!usable) return (void)stream.release();
    const std::lock_guard lock(mutex);
    std::erase(open, stream.get());
    idle.push_back(std::move(stream));
  }

  /// Makes `later` wait for what is now queued on the open streams of a device.
  void order_after_open(int index, cudaStream_t later) {
    const std::lock_guard lock(mutex);
    for (const PooledStream* s : open) {
      if (s->index != index) continue;
      check(cudaEventRecord(s->event, s->stream));
      check(cudaStreamWaitEvent(later, s->event, 0));
    }
  }
};

Queue::Queue(std::shared_ptr<StreamPool> pool, int index)
    : pool_(std::move(pool)), stream_(pool_->take(index)) {}

// Waits, for queued copies may concern host memory that goes away next; but not for messages
// whose other side may be gone.
Queue::~Queue() {
  const bool waits = std::all_of(watched_.begin(), watched_.end(),
                                 [](const auto& watched) { return watched->failed(); });
  const bool usable = waits && cudaStreamSynchronize(stream_->stream) == cudaSuccess;
  pool_->give_back(std::move(stream_), usable);
}

void Queue::synchronize() {
  using namespace std::chrono_literals;
  if (watched_.empty()) {
    check(cudaStreamSynchronize(stream()));
  } else {
    const auto start = std::chrono::steady_clock::now();
    for (;;) {
      const cudaError_t state = cudaStreamQuery(stream());
      if (state != cudaErrorNotReady) {
        check(state);
        break;
      }
      for (const auto& watched : watched_) watched->poll();
      if (std::chrono::steady_clock::now() - start > 200us)
        std::this_thread::sleep_for(20us);
      else
        std::this_thread::yield();
    }
    watched_.clear();
  }
  note_progress();
}

int Queue::index() const { return stream_->index; }

cudaStream_t Queue::stream() const {
  check(cudaSetDevice(stream_->index));
  return stream_->stream;
}

cublasHandle_t Queue::cublas() {
  cudaStream_t const s = stream();
  if (!stream_->cublas) {
    check(cublasCreate(&stream_->cublas));
    check(cublasSetStream(stream_->cublas, s));
  }
  return stream_->cublas;
}

cusolverDnHandle_t Queue::cusolver() {
  cudaStream_t const s = stream();
  if (!stream_->cusolver) {
    check(cusolverDnCreate(&stream_->cusolver));
    check(cusolverDnSetStream(stream_->cusolver, s));
  }
  return stream_->cusolver;
}

// Freed and allocated in the stream's order: kernels that use the old one come before.
std::byte* Queue::workspace(std::size_t bytes) {
  if (stream_->workspace_bytes < bytes) {
    cudaStream_t const s = stream();
    stream_->workspace_bytes = 0;
    if (void* const old = std::exchange(stream_->workspace, nullptr)) check(cudaFreeAsync(old, s));
    check(cudaMallocAsync(&stream_->workspace, bytes, s));
    stream_->workspace_bytes = bytes;
  }
  return static_cast<std::byte*>(stream_->workspace);
}

void Queue::watch(std::shared_ptr<Watched> watched) {
  if (std::find(watched_.begin(), watched_.end(), watched) == watched_.end())
    watched_.push_back(std::move(watched));
}

namespace {

/// CUDA's own memory pool keeps what is freed. Memory is freed in order after everything queued at
/// that time, on a stream of its own, so that release() never waits; and allocated on another one,
/// so that allocate() does not wait for that either.
class Memory {
 public:
  Memory(int index, std::shared_ptr<StreamPool> streams)
      : streams_(std::move(streams)), index_(index) {
    check(cudaSetDevice(index_));
    check(cudaStreamCreateWithFlags(&allocating_, cudaStreamNonBlocking));
    check(cudaStreamCreateWithFlags(&freeing_, cudaStreamNonBlocking));
    check(cudaDeviceGetDefaultMemPool(&pool_, index_));
    std::uint64_t keep = UINT64_MAX;
    check(cudaMemPoolSetAttribute(pool_, cudaMemPoolAttrReleaseThreshold, &keep));
    int wait_for_frees = 0;
    check(
        cudaMemPoolSetAttribute(pool_, cudaMemPoolReuseAllowInternalDependencies, &wait_for_frees));
  }

  std::byte* allocate(std::size_t bytes) {
    check(cudaSetDevice(index_));
    void* data = nullptr;
    cudaError_t code = cudaMallocAsync(&data, bytes, allocating_);
    if (code == cudaErrorMemoryAllocation) {
      // Perhaps there is enough once pending frees are done and cached blocks of other sizes gone.
      cudaGetLastError();
      check(cudaStreamSynchronize(freeing_));
      check(cudaMemPoolTrimTo(pool_, 0));
      code = cudaMallocAsync(&data, bytes, allocating_);
    }
    if (code == cudaErrorMemoryAllocation) {
      cudaGetLastError();
      std::size_t free = 0;
      std::size_t total = 0;
      check(cudaMemGetInfo(&free, &total));
      throw MemoryError(fmt::format("cannot allocate {} bytes on cuda:{}: {} of {} are free", bytes,
                                    index_, free, total));
    }
    check(code);
    check(cudaStreamSynchronize(allocating_));
    return static_cast<std::byte*>(data);
  }

  void release(std::byte* data) {
    check(cudaSetDevice(index_));
    streams_->order_after_open(index_, freeing_);
    check(cudaFreeAsync(data, freeing_));
  }

 private:
  std::shared_ptr<StreamPool> streams_;
  int index_;
  cudaStream_t allocating_ = nullptr;
  cudaStream_t freeing_ = nullptr;
  cudaMemPool_t pool_ = nullptr;
};

class Layer final : public DeviceLayer {
 public:
  int count() const override {
    int n = 0;
    if (cudaGetDeviceCount(&n) == cudaSuccess) return n;
    cudaGetLastError();
    return 0;
  }

  std::byte* allocate(int index, std::size_t bytes) override {
    return bytes == 0 ? nullptr : memory(index).allocate(bytes);
  }

  void release(int index, std::byte* data) noexcept override {
    if (!data) return;
    try {
      memory(index).release(data);
    } catch (const Error&) {
      // The device has failed, which its queues report, or the program is ending.
    }
  }

  void synchronize(int index) override {
    check(cudaSetDevice(index));
    check(cudaDeviceSynchronize());
  }

  std::unique_ptr<DeviceQueue> open_queue(int index) override {
    need(index);
    return std::make_unique<Queue>(streams_, index);
  }

  void copy(DeviceQueue& queue, const Tile& from, const Tile& to) override {
    if (to.rows == 0 || to.cols == 0) return;
    cudaStream_t const stream = cuda::queue(queue).stream();
    const std::size_t element = size_of(to.dtype);
    const auto rows = static_cast<std::size_t>(to.rows);
    const std::size_t width = static_cast<std::size_t>(to.cols) * element;
    const std::size_t from_pitch = static_cast<std::size_t>(from.stride) * element;
    const std::size_t to_pitch = static_cast<std::size_t>(to.stride) * element;
    constexpr std::size_t longest_pitch = 0x7fffffff;  // of every device so far
    if (rows == 1 || (from_pitch == width && to_pitch == width)) {
      check(cudaMemcpyAsync(to.data, from.data, rows * width, cudaMemcpyDefault, stream));
    } else if (std::max(from_pitch, to_pitch) <= longest_pitch) {
      check(cudaMemcpy2DAsync(to.data, to_pitch, from.data, from_pitch, width, rows,
                              cudaMemcpyDefault, stream));
    } else {
      for (std::int64_t i = 0; i < to.rows; ++i)
        check(cudaMemcpyAsync(to.slice(i, 1).data, from.slice(i, 1).data, width, cudaMemcpyDefault,
                              stream));
    }
  }

  std::shared_ptr<DeviceLink> link(const Communicator& comm, int index,
                                   std::string& why_not) override {
    return cuda::link(comm, index, why_not);
  }

 private:
  static void need(int index) {
    int n = 0;
    const cudaError_t code = cudaGetDeviceCount(&n);
    if (code != cudaSuccess) {
      cudaGetLastError();
      throw NotImplementedError(
          fmt::format("device cuda: this process sees no usable GPU ({}); use device cpu",
                      cudaGetErrorString(code)));
    }
    if (index < 0 || index >= n)
      throw ValueError(
          fmt::format("device cuda:{}: this process sees {} GPU(s), from cuda:0", index, n));
  }

  Memory& memory(int index) {
    const std::lock_guard lock(mutex_);
    auto found = memories_.find(index);
    if (found == memories_.end()) {
      need(index);
      found = memories_.try_emplace(index, index, streams_).first;
    }
    return found->second;
  }

  std::shared_ptr<StreamPool> streams_ = std::make_shared<StreamPool>();
  std::mutex mutex_;
  std::map<int, Memory> memories_;
};

}  // namespace

std::unique_ptr<DeviceLayer> make_device_layer() { return std::make_unique<Layer>(); }

}  // namespace tessera::cuda
