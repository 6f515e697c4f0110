// The CUDA device layer, against the double of CUDA.
#include <gtest/gtest.h>

#include <cstdlib>
#include <numeric>
#include <thread>
#include <vector>

#include <tessera/runtime/cuda/cuda.hpp>
#include <tessera/runtime/error.hpp>

#include "cuda_on_host.hpp"

namespace tessera {
namespace {

constexpr Device gpu{Device::Kind::cuda, 0};

__global__ void fill(int* x, int n, int value) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  if (i < n) x[i] = value;
}

DeviceLayer& layer() {
  static DeviceLayer& l = *cuda::make_device_layer().release();
  return l;
}

template <class T>
Tile on_gpu(std::byte* data, std::int64_t rows, std::int64_t cols, std::int64_t stride) {
  return {data, rows, cols, stride, dtype_of<T>, gpu};
}

template <class F>
std::string error_of(F&& f) {
  try {
    f();
  } catch (const Error& e) {
    return std::string(e.kind()) + ": " + e.what();
  }
  return "no error";
}

class CudaLayer : public testing::Test {
 protected:
  void SetUp() override {
    setenv("TESSERA_CUDA_ON_HOST_EXCLUSIVE", "1", 1);
    cuda_on_host::reset_counters();
  }
  void TearDown() override {
    EXPECT_EQ(cuda_on_host::live_allocations(), 0u);
    EXPECT_EQ(cuda_on_host::pending_operations(), 0u);
  }
};

TEST_F(CudaLayer, CountsAndRefuses) {
  EXPECT_EQ(layer().count(), 2);
  EXPECT_EQ(error_of([] { layer().open_queue(2); }),
            "ValueError: device cuda:2: this process sees 2 GPU(s), from cuda:0");
  EXPECT_EQ(error_of([] { layer().allocate(-1, 8); }),
            "ValueError: device cuda:-1: this process sees 2 GPU(s), from cuda:0");
  EXPECT_EQ(error_of([] { layer().allocate(0, std::size_t{1} << 40); }),
            "MemoryError: cannot allocate 1099511627776 bytes on cuda:0: 268435456 of 268435456 "
            "are free");
  EXPECT_EQ(layer().allocate(0, 0), nullptr);
  layer().release(0, nullptr);
  EXPECT_EQ(error_of([] { cuda::check(cudaErrorInvalidValue); }).substr(0, 38),
            "RuntimeError: CUDA: invalid argument a");
  EXPECT_EQ(error_of([] { cuda::check(CUBLAS_STATUS_ALLOC_FAILED); }).substr(0, 20),
            "MemoryError: cuBLAS:");
}

TEST_F(CudaLayer, CopiesTilesOfAnyStride) {
  const auto queue = layer().open_queue(0);
  std::vector<double> x(5 * 8);
  std::iota(x.begin(), x.end(), 0.0);
  std::vector<double> y(5 * 9, -1.0);
  std::byte* a = layer().allocate(0, 5 * 4 * sizeof(double));
  std::byte* b = layer().allocate(0, 5 * 6 * sizeof(double));
  layer().copy(*queue, tile_of(x.data(), 5, 4, 8), on_gpu<double>(a, 5, 4, 4));
  layer().copy(*queue, on_gpu<double>(a, 5, 4, 4), on_gpu<double>(b, 5, 4, 6));
  layer().copy(*queue, on_gpu<double>(b, 5, 4, 6), tile_of(y.data(), 5, 4, 9));
  layer().copy(*queue, on_gpu<double>(b, 0, 4, 6), tile_of(y.data(), 0, 4, 9));
  // One row: its stride says nothing.
  layer().copy(*queue, on_gpu<double>(b, 1, 2, std::int64_t{1} << 50),
               tile_of(y.data() + 6, 1, 2, 0));
  EXPECT_EQ(y[0], -1) << "copies are queued";
  queue->synchronize();
  for (std::size_t i = 0; i < 5; ++i)
    for (std::size_t j = 0; j < 6; ++j)
      EXPECT_EQ(y[9 * i + j], j < 4 ? x[8 * i + j] : -1) << i << " " << j;
  EXPECT_EQ(y[6], x[0]);
  EXPECT_EQ(y[7], x[1]);
  const auto c = cuda_on_host::counters();
  EXPECT_EQ(c.to_device, 1u);
  EXPECT_EQ(c.to_device_bytes, 160u);
  EXPECT_EQ(c.on_device, 1u);
  EXPECT_EQ(c.to_host, 2u);
  EXPECT_EQ(c.synchronizations, 1u);
  layer().release(0, a);
  layer().release(0, b);
}

TEST_F(CudaLayer, MemoryIsFreedAfterWhatWasQueued) {
  const auto queue = layer().open_queue(0);
  std::vector<int> y(1000, -1);
  std::byte* a = layer().allocate(0, 4000);
  cuda::launch(*queue, fill, 8, 128, reinterpret_cast<int*>(a), 1000, 7);
  cuda::launch(*queue, fill, 0, 128, reinterpret_cast<int*>(a), 1000, 8);  // nothing to do
  layer().copy(*queue, on_gpu<int>(a, 1, 1000, 1000), tile_of(y.data(), 1, 1000, 1000));
  layer().release(0, a);
  std::byte* other = layer().allocate(0, 4000);
  EXPECT_EQ(y, std::vector<int>(1000, -1)) << "neither waits";
  EXPECT_EQ(cuda_on_host::counters().synchronizations, 0u);
  queue->synchronize();
  EXPECT_EQ(y, std::vector<int>(1000, 7));
  EXPECT_EQ(cuda_on_host::live_allocations(), 1u);
  layer().release(0, other);
}

TEST_F(CudaLayer, PendingFreesMakeRoom) {
  const auto queue = layer().open_queue(0);
  constexpr std::size_t most = 200 << 20;
  std::byte* a = layer().allocate(0, most);
  cuda::launch(*queue, fill, 1, 32, reinterpret_cast<int*>(a), 32, 7);
  layer().release(0, a);
  std::byte* b = layer().allocate(0, most);
  layer().release(0, b);
  queue->synchronize();
}

TEST_F(CudaLayer, QueuesAreKeptAndFinishWhenClosed) {
  std::vector<int> y(100, -1);
  std::byte* a = layer().allocate(1, 400);
  cudaStream_t first = nullptr;
  {
    const auto queue = layer().open_queue(1);
    first = cuda::queue(*queue).stream();
    cuda::launch(*queue, fill, 1, 100, reinterpret_cast<int*>(a), 100, 3);
    layer().copy(*queue, on_gpu<int>(a, 1, 100, 100), tile_of(y.data(), 1, 100, 100));
  }
  EXPECT_EQ(y, std::vector<int>(100, 3));
  const auto again = layer().open_queue(1);
  const auto more = layer().open_queue(1);
  EXPECT_EQ(cuda::queue(*again).stream(), first);
  EXPECT_NE(cuda::queue(*more).stream(), first);
  EXPECT_EQ(cuda::queue(*again).cublas(), cuda::queue(*again).cublas());
  EXPECT_NE(cuda::queue(*again).cusolver(), nullptr);
  layer().release(1, a);
}

TEST_F(CudaLayer, ThreadsWithQueuesOfTheirOwn) {
  std::vector<std::vector<int>> results(4, std::vector<int>(5000, -1));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([t, &y = results[static_cast<std::size_t>(t)]] {
      const auto queue = layer().open_queue(t % 2);
      for (int i = 0; i < 20; ++i) {
        std::byte* a = layer().allocate(t % 2, 20000);
        cuda::launch(*queue, fill, 40, 128, reinterpret_cast<int*>(a), 5000, 100 * t + i);
        layer().copy(*queue, on_gpu<int>(a, 1, 5000, 5000), tile_of(y.data(), 1, 5000, 5000));
        layer().release(t % 2, a);
        if (i % 3 == 0) queue->synchronize();
      }
    });
  for (auto& t : threads) t.join();
  for (int t = 0; t < 4; ++t)
    EXPECT_EQ(results[static_cast<std::size_t>(t)], std::vector<int>(5000, 100 * t + 19));
}

class CudaLink : public CudaLayer {
 protected:
  int rank() const { return comm_.rank(); }
  int size() const { return comm_.size(); }
  std::byte* filled(DeviceQueue& queue, int n, int value) {
    std::byte* data = layer().allocate(0, static_cast<std::size_t>(n) * sizeof(int));
    cuda::launch(queue, fill, static_cast<unsigned>(n + 127) / 128, 128,
                 reinterpret_cast<int*>(data), n, value);
    return data;
  }
  std::vector<int> host(DeviceQueue& queue, std::byte* data, int n) {
    std::vector<int> values(static_cast<std::size_t>(n));
    layer().copy(queue, on_gpu<int>(data, 1, n, n), tile_of(values.data(), 1, n, n));
    queue.synchronize();
    return values;
  }

  Communicator comm_ = Communicator::world().dup();
  std::string why_not_ = "untouched";
};

TEST_F(CudaLink, NotWhenProcessesShareADevice) {
  unsetenv("TESSERA_CUDA_ON_HOST_EXCLUSIVE");
  EXPECT_EQ(layer().link(comm_, 0, why_not_), nullptr);
  EXPECT_EQ(why_not_, size() == 1 ? "a single process has nobody to link with"
                                  : "ranks 0 and 1 share GPU 0000:01:00.0");
  why_not_.clear();
  EXPECT_EQ(layer().link(comm_, 0, why_not_), nullptr);
  EXPECT_FALSE(why_not_.empty()) << "the reason is repeated";
}

TEST_F(CudaLink, NotWhenOneProcessHasNoDevice) {
  if (size() == 1) GTEST_SKIP() << "one process has nobody to link with";
  EXPECT_EQ(layer().link(comm_, rank() == 1 ? 5 : 0, why_not_), nullptr);
  EXPECT_EQ(why_not_, "there is no cuda:5 (rank 1)");
}

TEST_F(CudaLink, SendsReceivesBroadcasts) {
  const auto link = layer().link(comm_, 0, why_not_);
  if (size() == 1) {
    EXPECT_EQ(link, nullptr);
    return;
  }
  ASSERT_NE(link, nullptr) << why_not_;
  EXPECT_EQ(why_not_, "");
  EXPECT_EQ(layer().link(comm_, 0, why_not_), link) << "made once";
  EXPECT_EQ(error_of([&] { layer().link(comm_, 1, why_not_); }),
            "ValueError: a communicator linked for cuda:0 is asked for cuda:1");
  const auto queue = layer().open_queue(0);
  constexpr int n = 1000;
  std::byte* data = filled(*queue, n, rank());
  // Up a chain, each adding nothing: what rank 0 receives is what the last one had.
  if (rank() < size() - 1) link->receive(*queue, data, n * sizeof(int), rank() + 1);
  if (rank() > 0) link->send(*queue, data, n * sizeof(int), rank() - 1);
  link->broadcast(*queue, data, 0, 0);
  EXPECT_EQ(host(*queue, data, n), std::vector<int>(n, size() - 1));
  cuda::launch(*queue, fill, 8, 128, reinterpret_cast<int*>(data), n, 10 + rank());
  link->broadcast(*queue, data, n * sizeof(int), 1);
  EXPECT_EQ(host(*queue, data, n), std::vector<int>(n, 11));
  const auto c = cuda_on_host::counters();
  EXPECT_EQ(c.to_device, 0u);
  EXPECT_EQ(c.to_host, 2u) << "messages do not go through the host";
  layer().release(0, data);
}

TEST_F(CudaLink, OfPartsOfTheProcesses) {
  if (size() < 3) return;
  const Communicator part = comm_.split(rank() == 1 ? 0 : 1, -rank());
  const auto link = layer().link(part, 0, why_not_);
  EXPECT_EQ(link == nullptr, rank() == 1);
  if (!link) return;
  const auto queue = layer().open_queue(0);
  std::byte* data = filled(*queue, 10, rank());
  link->broadcast(*queue, data, 40, 0);  // the highest rank of the world
  EXPECT_EQ(host(*queue, data, 10), std::vector<int>(10, size() - 1));
  layer().release(0, data);
}

TEST_F(CudaLink, FailureOfOthersEndsTheWait) {
  if (size() == 1) return;
  const auto link = layer().link(comm_, 0, why_not_);
  ASSERT_NE(link, nullptr);
  {
    const auto queue = layer().open_queue(0);
    std::byte* data = filled(*queue, 10, rank());
    cuda_on_host::fail_messages(ncclRemoteError);
    const std::string text =
        "RuntimeError: NCCL: remote process exited or there was a network error (seen by rank " +
        std::to_string(rank()) + "); messages between devices were aborted";
    EXPECT_EQ(error_of([&] {
                link->broadcast(*queue, data, 40, 0);
                queue->synchronize();
              }),
              text);
    cuda_on_host::fail_messages(ncclSuccess);
    EXPECT_EQ(error_of([&] { link->broadcast(*queue, data, 40, 0); }), text);
    layer().release(0, data);
  }
  const auto other = layer().link(comm_.dup(), 0, why_not_);
  EXPECT_NE(other, nullptr);
}

}  // namespace
}  // namespace tessera
