#pragma once
#include <cuda_runtime.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "internal.hpp"

/// The streams of the double, and what its functions answer with.
namespace cuda_on_host {

struct Operation {
  std::function<bool()> run;
  std::function<bool()> ready;  ///< of operations that need no work and do not wait for anybody
};

struct Stream {
  int device = 0;
  std::mutex mutex;  ///< of the queue
  std::deque<Operation> queue;
  std::uint64_t queued = 0;
  std::atomic<std::uint64_t> done = 0;
  std::atomic<unsigned> queries = 0;
  std::recursive_mutex running;
};

struct Registry {
  std::mutex mutex;
  std::vector<std::shared_ptr<Stream>> streams;
  Counters counters;
};
Registry& registry();
std::vector<std::shared_ptr<Stream>> all_streams();

/// What a device would have done by itself: waits for events that have happened, frees.
void advance();
void push(Stream& s, Operation operation);
/// How many operations have been queued.
std::uint64_t queued(Stream& s);
/// Runs the queue until so many operations are done.
void drain(Stream& s, std::uint64_t until);
/// drain() for the host, which counts where there is something to wait for.
void host_waits(Stream& s, std::uint64_t until);
/// Whether so many are done. Polling makes progress, but so slowly that a program cannot rely on a
/// first look.
cudaError_t query(Stream& s, std::uint64_t until);

inline thread_local int current_device = 0;
inline thread_local cudaError_t last_error = cudaSuccess;
/// Keeps an error for cudaGetLastError.
cudaError_t result(cudaError_t error);
/// Prints the text, too.
cudaError_t refuse(cudaError_t error, const std::string& text);

/// How many devices there are.
int devices();
/// Has faults of the host and of kernels explained from now on.
void watch_faults();

}  // namespace cuda_on_host

struct CUstream_st {
  std::shared_ptr<cuda_on_host::Stream> stream = std::make_shared<cuda_on_host::Stream>();
};
struct CUevent_st {
  std::shared_ptr<cuda_on_host::Stream> stream;  // where it was recorded
  std::uint64_t ticket = 0;
};
struct CUmemPoolHandle_st {
  int device;
};
