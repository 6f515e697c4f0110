#pragma once
#include <cstddef>

#include <tessera/runtime/device.hpp>

namespace tessera {

/// Owns uninitialised memory on one device, aligned to 64 bytes. Move-only.
/// MemoryError when there is not enough; NotImplementedError for a device this build lacks.
class Buffer {
 public:
  Buffer() = default;
  explicit Buffer(std::size_t bytes, Device device = cpu);
  Buffer(Buffer&& other) noexcept;
  Buffer& operator=(Buffer&& other) noexcept;
  Buffer(const Buffer&) = delete;
  ~Buffer();

  std::byte* data() const { return data_; }
  std::size_t size() const { return size_; }
  Device device() const { return device_; }

 private:
  std::byte* data_ = nullptr;
  std::size_t size_ = 0;
  Device device_{};
};

}  // namespace tessera
