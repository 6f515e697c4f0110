#pragma once
#include <cstddef>
#include <memory>

#include <tessera/runtime/buffer.hpp>
#include <tessera/runtime/tile.hpp>

namespace tessera {

class DeviceQueue;

/// The execution context handed to a kernel: scratch memory and, on a device, the queue whose work
/// runs in order. One per thread.
class Stream {
 public:
  explicit Stream(Device device = cpu);
  Stream(const Stream&) = delete;
  ~Stream();
  Device device() const { return device_; }
  /// The device's queue. Not for the CPU.
  DeviceQueue& queue() const { return *queue_; }
  /// Returns when the kernels and copies given to this stream have finished.
  void synchronize();

  /// At least `bytes` of uninitialised scratch, valid until the next call on this stream; for those
  /// who call kernels. Kernels bring their own.
  std::byte* scratch(std::size_t bytes);

 private:
  Device device_;
  std::unique_ptr<DeviceQueue> queue_;
  Buffer scratch_;
};

/// Copies a tile to one of the same rows, columns and dtype. With a side on a device the copy is
/// queued on the stream of that device: host memory must stay until it is synchronised.
void copy(Stream& stream, const Tile& from, const Tile& to);

}  // namespace tessera
