#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include <tessera/runtime/communicator.hpp>
#include <tessera/runtime/device.hpp>

/// Seeing what ran: operation, backend, device, time, bytes and who declined why.
namespace tessera::trace {

/// Whether calls are recorded.
bool enabled();

/// Starts recording anew; finish() will write to `file`. OSError, the same everywhere, when that
/// would fail. Collective.
void start(std::string file, const Communicator& comm);

/// Stops recording, prints a summary over all processes on rank 0's standard error and writes all
/// calls to the file, which chrome://tracing and Perfetto open: one lane per process and thread.
/// OSError, the same everywhere, when that fails; then there is no file. Nothing if not started.
/// Collective.
void finish(const Communicator& comm);

/// One call from construction to destruction, on the lane of the calling thread.
class Span {
 public:
  /// The views must outlive the recording (what operation_name() and Backend::name() return does).
  Span(std::string_view operation, std::string_view backend, Device device);
  Span(const Span&) = delete;
  ~Span();
  /// Work done, for GFLOP/s and GB/s.
  void work(double flops, double bytes);
  /// One line per backend that was asked and declined.
  void declined(std::string reasons) { declined_ = std::move(reasons); }

 private:
  std::string_view operation_;
  std::string_view backend_;
  Device device_;
  double flops_ = 0.0;
  double bytes_ = 0.0;
  std::string declined_;
  std::uint64_t sent_before_;
  std::int64_t start_;  // ns of the steady clock
};

/// Counts bytes that this process sends to or receives from others, on the open calls.
void communicated(std::uint64_t bytes);

}  // namespace tessera::trace
