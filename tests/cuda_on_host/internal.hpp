#pragma once
#include <cuda_runtime.h>

#include <cstdint>
#include <functional>
#include <string>

#include "cuda_on_host.hpp"

namespace cuda_on_host {

/// Prints the text and ends the program: what a device would punish with wrong results.
[[noreturn]] void fail(const std::string& text);

/// Queues work that returns whether it has finished; if not, it is called again.
void enqueue(cudaStream_t stream, std::function<bool()> run);
/// Queues a cuBLAS or cuSOLVER call.
void enqueue_call(cudaStream_t stream, std::function<void()> run);
int device_of(cudaStream_t stream);
/// Whether all these bytes are in one allocation on `device`.
bool on_device(const void* data, std::size_t bytes, int device);
/// Changes the counters, which several threads may do.
void count(const std::function<void(Counters&)>& change);

/// What this operating system thread is doing on a device, for the report of a fault.
struct Doing {
  std::string what;
  int device = -1;
};
Doing& doing();
/// Faults inside kernels are reported even when a kernel has used up its stack.
void report_faults_on_own_stack();

std::string kernel_name(const void* kernel);
/// Runs the blocks one after another on the calling thread.
void run_grid(const std::string& name, dim3 grid, dim3 block, const std::function<void()>& thread);

}  // namespace cuda_on_host
