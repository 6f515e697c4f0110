// The double of CUDA does what it promises: see cuda_on_host.hpp.
#include <cublas_v2.h>
#include <cuda_runtime.h>
#include <cusolverDn.h>
#include <gtest/gtest.h>
#include <mpi.h>
#include <nccl.h>

#include <cmath>
#include <ctime>
#include <numeric>
#include <source_location>
#include <vector>

#include "cuda_on_host.hpp"
#include "double_kernels.hpp"

namespace {

template <class Code>
void ok(Code code, std::source_location at = std::source_location::current()) {
  EXPECT_EQ(static_cast<int>(code), 0) << "line " << at.line();
}

class CudaOnHost : public testing::Test {
 protected:
  void SetUp() override {
    ok(cudaSetDevice(0));
    ok(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking));
    cuda_on_host::reset_counters();
  }
  void TearDown() override {
    cudaSetDevice(0);
    for (void* p : owned_) ok(cudaFree(p));
    ok(cudaStreamDestroy(stream_));
    EXPECT_EQ(cuda_on_host::live_allocations(), 0u);
    EXPECT_EQ(cuda_on_host::pending_operations(), 0u);
  }

  template <class T>
  T* device(std::size_t n) {
    T* data = nullptr;
    EXPECT_EQ(cudaMalloc(&data, n * sizeof(T)), cudaSuccess);
    owned_.push_back(data);
    return data;
  }
  template <class T>
  T* device(const std::vector<T>& values) {
    T* data = device<T>(values.size());
    EXPECT_EQ(cudaMemcpy(data, values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice),
              cudaSuccess);
    return data;
  }
  template <class T>
  std::vector<T> host(const T* data, std::size_t n) {
    std::vector<T> values(n);
    EXPECT_EQ(cudaStreamSynchronize(stream_), cudaSuccess);
    EXPECT_EQ(cudaMemcpy(values.data(), data, n * sizeof(T), cudaMemcpyDeviceToHost), cudaSuccess);
    return values;
  }

  cudaStream_t stream_ = nullptr;
  std::vector<void*> owned_;
};
using CudaOnHostDeathTest = CudaOnHost;

TEST_F(CudaOnHost, FreshMemoryIsPoison) {
  for (const std::size_t n : {1u, 31u, 32u, 33u, 511u, 512u, 5000u}) {
    double* x = device<double>(n);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(x) % 256, 0u);
    for (const double v : host(x, n)) EXPECT_TRUE(std::isnan(v));
  }
}

TEST_F(CudaOnHost, NothingHappensBeforeSomebodyWaits) {
  std::vector<double> x(1000, 1.0);
  std::vector<double> y(1000, 0.0);
  double* d = device<double>(1000);
  ok(cudaMemcpyAsync(d, x.data(), 8000, cudaMemcpyHostToDevice, stream_));
  ok(queue_add_one(stream_, d, 1000));
  ok(cudaMemcpyAsync(y.data(), d, 8000, cudaMemcpyDefault, stream_));
  EXPECT_EQ(y[7], 0.0);
  EXPECT_EQ(cudaStreamQuery(stream_), cudaErrorNotReady);
  EXPECT_EQ(y[7], 0.0);
  EXPECT_EQ(cuda_on_host::pending_operations(), 3u);
  x[7] = 5;  // a mistake: the copy has not run
  ok(cudaStreamSynchronize(stream_));
  EXPECT_EQ(y[7], 6.0);
  EXPECT_EQ(y[999], 2.0);
  const auto c = cuda_on_host::counters();
  EXPECT_EQ(c.to_device, 1u);
  EXPECT_EQ(c.to_device_bytes, 8000u);
  EXPECT_EQ(c.to_host_bytes, 8000u);
  EXPECT_EQ(c.on_device, 0u);
  EXPECT_EQ(c.launches, 1u);
  EXPECT_EQ(c.synchronizations, 1u);
}

TEST_F(CudaOnHost, PollingGetsThere) {
  double* d = device(std::vector<double>(100, 1.0));
  ok(queue_add_one(stream_, d, 100));
  ok(queue_add_one(stream_, d, 100));
  int polls = 0;
  while (cudaStreamQuery(stream_) == cudaErrorNotReady) ++polls;
  EXPECT_GT(polls, 10);
  EXPECT_EQ(host(d, 100)[99], 3.0);
}

TEST_F(CudaOnHost, EventsOrderStreams) {
  cudaStream_t other = nullptr;
  cudaEvent_t event = nullptr;
  ok(cudaStreamCreateWithFlags(&other, cudaStreamNonBlocking));
  ok(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
  double* d = device(std::vector<double>(100, 1.0));
  double* e = device<double>(100);
  ok(queue_add_one(stream_, d, 100));
  ok(cudaEventRecord(event, stream_));
  ok(queue_add_one(stream_, d, 100));
  ok(cudaStreamWaitEvent(other, event));
  ok(cudaMemcpyAsync(e, d, 800, cudaMemcpyDeviceToDevice, other));
  EXPECT_EQ(cudaEventQuery(event), cudaErrorNotReady);
  ok(cudaStreamSynchronize(other));
  EXPECT_EQ(cudaEventQuery(event), cudaSuccess);
  EXPECT_EQ(host(e, 100)[5], 2.0);  // runs the second kernel, too
  EXPECT_EQ(host(d, 100)[5], 3.0);
  ok(cudaEventDestroy(event));
  ok(cudaStreamDestroy(other));
}

TEST_F(CudaOnHost, FreeingInOrderOnAStream) {
  void* d = nullptr;
  ok(cudaMallocAsync(&d, 800, stream_));
  ok(queue_add_one(stream_, static_cast<double*>(d), 100));
  ok(cudaFreeAsync(d, stream_));
  EXPECT_EQ(cuda_on_host::live_allocations(), 1u);
  ok(cudaStreamSynchronize(stream_));
  EXPECT_EQ(cuda_on_host::live_allocations(), 0u);
}

TEST_F(CudaOnHost, CopiesRectangles) {
  std::vector<int> x(6 * 10);
  std::iota(x.begin(), x.end(), 0);
  int* d = device<int>(6 * 7);
  std::vector<int> y(6 * 4, -1);
  ok(cudaMemcpy2DAsync(d, 28, x.data(), 40, 12, 6, cudaMemcpyHostToDevice, stream_));
  ok(cudaMemcpy2DAsync(y.data(), 16, d, 28, 12, 6, cudaMemcpyDeviceToHost, stream_));
  ok(cudaStreamSynchronize(stream_));
  for (int i = 0; i < 6; ++i)
    for (int j = 0; j < 4; ++j)
      EXPECT_EQ(y[static_cast<std::size_t>(4 * i + j)], j < 3 ? 10 * i + j : -1);
  EXPECT_EQ(host(d, 42)[3], -1);  // poison between the rows
  EXPECT_EQ(cudaMemcpy2DAsync(d, 28, x.data(), 40, 28, 7, cudaMemcpyHostToDevice, stream_),
            cudaErrorInvalidValue);
  EXPECT_EQ(cudaMemcpyAsync(d, x.data(), 4, cudaMemcpyDeviceToHost, stream_),
            cudaErrorInvalidValue);
}

TEST_F(CudaOnHost, BarriersAndShuffles) {
  std::vector<float> x(3 * 256);
  std::iota(x.begin(), x.end(), 0.0f);
  float* sums = device<float>(3);
  ok(queue_sum_blocks(stream_, device(x), sums, 3));
  const auto got = host(sums, 3);
  for (std::size_t b = 0; b < 3; ++b) EXPECT_EQ(got[b], 256 * 256.0f * b + 255 * 128.0f);
}

TEST_F(CudaOnHost, BarriersAreFast) {
  int* x = device<int>(256);
  ok(queue_many_barriers(stream_, x, 256, 1000));  // 2000 barriers
  const std::clock_t start = std::clock();
  const auto got = host(x, 256);
  const double seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  EXPECT_LT(seconds / 100, 20e-3) << "20 barriers of 256 threads; 0.2e-3 where nothing disturbs";
  for (int i = 0; i < 256; ++i) EXPECT_EQ(got[static_cast<std::size_t>(i)], (i + 1000) % 256);
}

TEST_F(CudaOnHost, ForgottenBarriersShow) {
  int* x = device<int>(64);
  int wrong = 0;
  for (int step = 1; step <= 2; ++step) {  // threads run in one order, then in the other
    ok(queue_forgotten_barrier(stream_, x, step));
    const auto got = host(x, 64);
    for (int i = 1; i < 64; ++i) wrong += got[static_cast<std::size_t>(i)] != step * i;
  }
  EXPECT_EQ(wrong, 63);
}

TEST_F(CudaOnHost, WarpFunctions) {
  int* x = device<int>(64);
  ok(queue_warp_functions(stream_, x));
  const auto got = host(x, 64);
  for (int i = 0; i < 64; ++i) {
    const int lane = i % 32;
    const int up = lane % 8 < 2 ? lane : lane - 2;
    const int rounds = lane < 16 ? 0 + 1 + 2 : 0 + 1 + 2 + 3 + 4;
    EXPECT_EQ(got[static_cast<std::size_t>(i)],
              (lane ^ 1) + 100 * 5 + 10000 * up + 1000000 * rounds);
  }
}

TEST_F(CudaOnHost, Atomics) {
  int* counters = device(std::vector<int>{0, -1});
  float* sum = device(std::vector<float>{0});
  ok(queue_atomics(stream_, counters, sum, counters + 1));
  EXPECT_EQ(host(counters, 2), (std::vector<int>{500, 499}));
  EXPECT_EQ(host(sum, 1)[0], 250.0f);
}

TEST_F(CudaOnHost, RefusesWhatADeviceRefuses) {
  double* d = device<double>(10);
  std::vector<double> x(10);
  EXPECT_EQ(queue_add_one(stream_, d, 0), cudaErrorInvalidConfiguration);
  EXPECT_EQ(queue_many_barriers(stream_, nullptr, 1025, 1), cudaErrorInvalidConfiguration);
  EXPECT_EQ(queue_add_one(nullptr, d, 10), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(queue_add_one(stream_, x.data(), 10), cudaErrorInvalidValue);
  ok(cudaSetDevice(1));
  EXPECT_EQ(queue_add_one(stream_, d, 10), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  EXPECT_EQ(cudaSetDevice(2), cudaErrorInvalidDevice);
  void* large = nullptr;
  EXPECT_EQ(cudaMalloc(&large, std::size_t{1} << 31), cudaErrorMemoryAllocation);
  EXPECT_EQ(cuda_on_host::counters().launches, 0u);
}

TEST_F(CudaOnHost, Libraries) {
  cublasHandle_t blas = nullptr;
  ok(cublasCreate(&blas));
  ok(cublasSetStream(blas, stream_));
  double* a = device(std::vector<double>{1, 2, 3, 4, 5, 6});  // 2 x 3
  double* c = device(std::vector<double>(9, 1.0));
  const double one = 1;
  const double two = 2;
  const double zero = 0;
  ok(cublasDgemm(blas, CUBLAS_OP_T, CUBLAS_OP_N, 3, 3, 2, &one, a, 2, a, 2, &two, c, 3));
  EXPECT_EQ(host(c, 9), (std::vector<double>{7, 13, 19, 13, 27, 41, 19, 41, 63}));
  double* s = device(std::vector<double>{2, 0, 0, 2});
  ok(cublasDsyrk(blas, CUBLAS_FILL_MODE_LOWER, CUBLAS_OP_N, 2, 3, &one, a, 2, &zero, s, 2));
  EXPECT_EQ(host(s, 4), (std::vector<double>{35, 44, 0, 56}));
  cusolverDnHandle_t solver = nullptr;
  ok(cusolverDnCreate(&solver));
  ok(cusolverDnSetStream(solver, stream_));
  double* w = device<double>(2);
  int lwork = 0;
  ok(cusolverDnDsyevd_bufferSize(solver, CUSOLVER_EIG_MODE_VECTOR, CUBLAS_FILL_MODE_LOWER, 2, s, 2,
                                 w, &lwork));
  double* work = device<double>(static_cast<std::size_t>(lwork));
  int* info = device<int>(1);
  ok(cusolverDnDsyevd(solver, CUSOLVER_EIG_MODE_VECTOR, CUBLAS_FILL_MODE_LOWER, 2, s, 2, w, work,
                      lwork, info));
  EXPECT_NEAR(host(w, 2)[0] + host(w, 2)[1], 91, 1e-12);
  EXPECT_EQ(host(info, 1)[0], 0);
  EXPECT_EQ(cuda_on_host::counters().math_calls, 3u);
  ok(cusolverDnDestroy(solver));
  ok(cublasDestroy(blas));
}

TEST_F(CudaOnHostDeathTest, HostTouchesDeviceMemory) {
  volatile double* d = device<double>(10);
  EXPECT_DEATH(d[3] = 1, "the host touched device memory directly: an allocation of 80 bytes");
}

TEST_F(CudaOnHostDeathTest, KernelsThatMisbehave) {
  int* x = device<int>(1000);
  const auto run = [&](Misbehaviour how) {
    queue_misbehaviour(stream_, x, 1000, how);
    cudaStreamSynchronize(stream_);
  };
  EXPECT_DEATH(run(Misbehaviour::write_far_past_the_end),
               "touched memory [0-9]+ bytes past the end of an allocation of 4000 bytes");
  EXPECT_DEATH(run(Misbehaviour::write_just_past_the_end),
               "past the end of an allocation of 4000 bytes");
  EXPECT_DEATH(run(Misbehaviour::miss_a_barrier),
               "thread \\(0, 0, 0\\) waits in __syncthreads, which thread .* never reached");
  EXPECT_DEATH(run(Misbehaviour::miss_a_shuffle), "waits in a warp function for lanes");
  EXPECT_DEATH(run(Misbehaviour::throw_an_exception), "threw: on purpose");
  EXPECT_DEATH(run(Misbehaviour::use_up_the_stack), "touched an invalid address");
}

TEST_F(CudaOnHostDeathTest, OtherMemory) {
  double* d = device<double>(10);
  EXPECT_DEATH(
      {
        queue_add_one(stream_, d, 10);
        cudaFreeAsync(d, stream_);
        queue_add_one(stream_, d, 10);
        cudaStreamSynchronize(stream_);
      },
      "not allocated \\(any more\\)");
}

class NcclOnHost : public CudaOnHost {
 protected:
  void SetUp() override {
    CudaOnHost::SetUp();
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
    MPI_Comm_size(MPI_COMM_WORLD, &size_);
    ncclUniqueId id{};
    if (rank_ == 0) ncclGetUniqueId(&id);
    MPI_Bcast(&id, sizeof(id), MPI_BYTE, 0, MPI_COMM_WORLD);
    ok(ncclCommInitRank(&comm_, size_, id, rank_));
  }

  int rank_ = 0;
  int size_ = 1;
  ncclComm_t comm_ = nullptr;
};

TEST_F(NcclOnHost, RingAndBroadcast) {
  const int next = (rank_ + 1) % size_;
  const int last = (rank_ + size_ - 1) % size_;
  int* mine = device(std::vector<int>(100, rank_));
  int* theirs = device<int>(100);
  if (size_ > 1) {
    ok(ncclGroupStart());
    ok(ncclSend(mine, 400, ncclChar, next, comm_, stream_));
    ok(ncclRecv(theirs, 400, ncclChar, last, comm_, stream_));
    ok(ncclGroupEnd());
    EXPECT_EQ(host(theirs, 100), std::vector<int>(100, last));
  }
  ok(ncclBroadcast(mine, mine, 400, ncclChar, size_ - 1, comm_, stream_));
  EXPECT_EQ(host(mine, 100), std::vector<int>(100, size_ - 1));
  EXPECT_GE(cuda_on_host::counters().messages, 1u);
  ok(ncclCommDestroy(comm_));
}

TEST_F(NcclOnHost, FailureIsReportedAndAborted) {
  cuda_on_host::fail_messages(ncclRemoteError);
  int* data = device(std::vector<int>(100, rank_));
  ok(ncclBroadcast(data, data, 400, ncclChar, 0, comm_, stream_));
  cuda_on_host::fail_messages(ncclSuccess);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(cudaStreamQuery(stream_), cudaErrorNotReady);
  ncclResult_t state = ncclSuccess;
  ok(ncclCommGetAsyncError(comm_, &state));
  EXPECT_EQ(state, ncclRemoteError);
  ok(ncclCommAbort(comm_));
  EXPECT_EQ(cudaStreamSynchronize(stream_), cudaSuccess);
}

}  // namespace
