#pragma once
#include <cuda_runtime.h>

#include <cstdint>

enum class Misbehaviour {
  write_far_past_the_end,
  write_just_past_the_end,
  miss_a_barrier,
  miss_a_shuffle,
  throw_an_exception,
  use_up_the_stack,
};

cudaError_t queue_add_one(cudaStream_t stream, double* x, std::int64_t n);
cudaError_t queue_sum_blocks(cudaStream_t stream, const float* x, float* sums, unsigned blocks);
cudaError_t queue_many_barriers(cudaStream_t stream, int* x, unsigned threads, int rounds);
cudaError_t queue_forgotten_barrier(cudaStream_t stream, int* x, int step);
cudaError_t queue_warp_functions(cudaStream_t stream, int* out);
cudaError_t queue_atomics(cudaStream_t stream, int* counter, float* sum, int* largest);
cudaError_t queue_misbehaviour(cudaStream_t stream, int* x, int n, Misbehaviour how);
