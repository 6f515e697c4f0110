#pragma once
#include <cstddef>
#include <cstdint>

#include <nccl.h>

/// The double of CUDA for tests. It is stricter than a device, so that mistakes show:
///  * The host cannot touch device memory: it faults. Each allocation ends at an inaccessible page,
///    its slack is checked, and fresh memory is filled with 0xFF bytes (NaN).
///  * A stream does nothing until somebody waits for it, so results read too early are stale. Host
///    memory of a copy is read when the copy runs. A query does one step every 16th time.
///  * Memory of one device is not open to kernels of another, nor host memory to any kernel.
///  * A barrier or warp function that some threads never reach ends the program with a text.
///  * Threads of a block run in turn, in every other block the last one first: a missing barrier
///    shows in one of the two orders.
///  * There is no default stream, no dynamic shared memory and no `<<<...>>>`.
/// It runs queued messages only while it waits for their stream: a process that blocks in MPI
/// before it has synchronised a stream on which another process waits for it, hangs.
/// MPI is used from the thread that waits; with MPI_THREAD_FUNNELED that must be the main one.
///
/// Environment: TESSERA_CUDA_ON_HOST_DEVICES (1), TESSERA_CUDA_ON_HOST_MEMORY bytes per device
/// (2^34); TESSERA_CUDA_ON_HOST_EXCLUSIVE set: no two processes see the same device.
namespace cuda_on_host {

/// What has been queued since the last reset.
struct Counters {
  std::uint64_t to_device = 0;  ///< copies from host to device
  std::uint64_t to_device_bytes = 0;
  std::uint64_t to_host = 0;
  std::uint64_t to_host_bytes = 0;
  std::uint64_t on_device = 0;
  std::uint64_t on_device_bytes = 0;
  std::uint64_t launches = 0;
  std::uint64_t math_calls = 0;        ///< cuBLAS and cuSOLVER
  std::uint64_t messages = 0;          ///< NCCL sends, receives and broadcasts of this process
  std::uint64_t message_bytes = 0;     ///< of these
  std::uint64_t synchronizations = 0;  ///< that had to wait; without polling
};
Counters counters();
void reset_counters();

/// Allocations in device memory that have not been freed, on all devices.
std::size_t live_allocations();
/// Operations queued and not run, on all streams.
std::size_t pending_operations();
/// Messages of this process never arrive from now on, and NCCL reports `result` for its
/// communicators; ncclSuccess heals those made afterwards.
void fail_messages(ncclResult_t result);

}  // namespace cuda_on_host
