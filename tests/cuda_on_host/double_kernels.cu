// Kernels that try out the double; compiled as C++ against its headers.
#include "double_kernels.hpp"

#include <stdexcept>

namespace {

__device__ std::int64_t global_index() {
  return std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
}

__global__ void add_one(double* x, std::int64_t n) {
  const std::int64_t i = global_index();
  if (i < n) x[i] += 1;
}

// Sums 256 values per block: half by barriers and shared memory, the last warp by shuffles.
__global__ void __launch_bounds__(256) sum_blocks(const float* x, float* sums) {
  __shared__ __align__(16) float partial[256];
  partial[threadIdx.x] = x[global_index()];
  __syncthreads();
  for (unsigned half = 128; half >= 32; half /= 2) {
    if (threadIdx.x < half) partial[threadIdx.x] += partial[threadIdx.x + half];
    __syncthreads();
  }
  if (threadIdx.x >= 32) return;
  float sum = partial[threadIdx.x];
  for (int offset = 16; offset > 0; offset /= 2) sum += __shfl_down_sync(0xffffffffu, sum, offset);
  if (threadIdx.x == 0) sums[blockIdx.x] = sum;
}

// Each thread reads what another one has or has not written yet.
__global__ void forget_a_barrier(int* x, int step) {
  __shared__ int shared[64];
  shared[threadIdx.x] = step * static_cast<int>(threadIdx.x + 1);
  x[threadIdx.x] = shared[(threadIdx.x + 63) % 64];
}

__global__ void many_barriers(int* x, int rounds) {
  __shared__ int shared[1024];
  shared[threadIdx.x] = static_cast<int>(threadIdx.x);
  for (int i = 0; i < rounds; ++i) {
    __syncthreads();
    const int next = shared[(threadIdx.x + 1) % blockDim.x];
    __syncthreads();
    shared[threadIdx.x] = next;
  }
  x[threadIdx.x] = shared[threadIdx.x];
}

__global__ void warp_functions(int* out) {
  const unsigned all = 0xffffffffu;
  const int lane = static_cast<int>(threadIdx.x % warpSize);
  const bool low = lane < 16;
  int value = __shfl_xor_sync(all, lane, 1);
  value += 100 * __shfl_sync(all, lane, 5);
  value += 10000 * __shfl_up_sync(all, lane, 2, 8);
  // Two halves of a warp on their own, a different number of times.
  const unsigned half = low ? 0x0000ffffu : 0xffff0000u;
  for (int i = 0; i < (low ? 3 : 5); ++i) value += 1000000 * __shfl_sync(half, i, low ? 3 : 20);
  if (__ballot_sync(all, lane % 3 == 0) != 0x49249249u) value = -1;
  if (!__any_sync(all, lane == 7) || __all_sync(all, lane == 7)) value = -2;
  const double wide = __shfl_sync(all, 0.5 * lane, 31);
  const long long whole = __shfl_sync(all, (1LL << 40) + lane, 1);
  if (wide != 15.5 || whole != (1LL << 40) + 1) value = -3;
  if (__syncthreads_count(lane == 0) != static_cast<int>(blockDim.x / 32)) value = -4;
  __syncwarp();
  out[threadIdx.x] = value;
}

__global__ void count_with_atomics(int* counter, float* sum, int* largest) {
  atomicAdd(counter, 1);
  atomicAdd(sum, 0.5f);
  atomicMax(largest, static_cast<int>(global_index()));
}

__device__ __attribute__((noinline)) int use_up_the_stack() {
  volatile char big[1 << 20];
  // Downwards, as stacks grow: what lies below the guard page may be anybody's.
  for (int i = (1 << 20) - 1; i >= 0; --i) big[i] = 1;
  return big[1000];
}

__global__ void misbehave(int* x, int n, Misbehaviour how) {
  const auto i = static_cast<int>(threadIdx.x);
  switch (how) {
    case Misbehaviour::write_far_past_the_end:
      x[n + 64 + i] = 1;
      return;
    case Misbehaviour::write_just_past_the_end:
      if (i == 0) x[n] = 1;
      return;
    case Misbehaviour::miss_a_barrier:
      if (i < 40) __syncthreads();
      return;
    case Misbehaviour::miss_a_shuffle:
      if (i != 3) x[i] = __shfl_sync(0xffffffffu, i, 0);
      return;
    case Misbehaviour::throw_an_exception:
      throw std::logic_error("on purpose");
    case Misbehaviour::use_up_the_stack:
      x[0] = use_up_the_stack();
      return;
  }
}

template <class... Parameters, class... Arguments>
cudaError_t launch(cudaStream_t stream, unsigned grid, unsigned block,
                   void (*kernel)(Parameters...), Arguments... arguments) {
  cudaLaunchConfig_t config{};
  config.gridDim = grid;
  config.blockDim = block;
  config.stream = stream;
  return cudaLaunchKernelEx(&config, kernel, arguments...);
}

}  // namespace

cudaError_t queue_add_one(cudaStream_t stream, double* x, std::int64_t n) {
  return launch(stream, static_cast<unsigned>((n + 127) / 128), 128, add_one, x, n);
}
cudaError_t queue_sum_blocks(cudaStream_t stream, const float* x, float* sums, unsigned blocks) {
  return launch(stream, blocks, 256, sum_blocks, x, sums);
}
cudaError_t queue_many_barriers(cudaStream_t stream, int* x, unsigned threads, int rounds) {
  return launch(stream, 1, threads, many_barriers, x, rounds);
}
cudaError_t queue_forgotten_barrier(cudaStream_t stream, int* x, int step) {
  return launch(stream, 1, 64, forget_a_barrier, x, step);
}
cudaError_t queue_warp_functions(cudaStream_t stream, int* out) {
  return launch(stream, 1, 64, warp_functions, out);
}
cudaError_t queue_atomics(cudaStream_t stream, int* counter, float* sum, int* largest) {
  return launch(stream, 5, 100, count_with_atomics, counter, sum, largest);
}
cudaError_t queue_misbehaviour(cudaStream_t stream, int* x, int n, Misbehaviour how) {
  return launch(stream, 1, 64, misbehave, x, n, how);
}
