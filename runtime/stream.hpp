#pragma once
#include <cstddef>

#include <tessera/runtime/buffer.hpp>

namespace tessera {

/// The execution context handed to a kernel: on the CPU just scratch memory, one stream per
/// thread. Not shared between threads.
class Stream {
 public:
  explicit Stream(Device device = cpu) : device_(device) {}
  Device device() const { return device_; }

  /// At least `bytes` of uninitialised scratch, valid until the next call on this stream.
  std::byte* scratch(std::size_t bytes) {
    if (scratch_.size() < bytes) scratch_ = Buffer(bytes, device_);
    return scratch_.data();
  }

 private:
  Device device_;
  Buffer scratch_;
};

}  // namespace tessera
