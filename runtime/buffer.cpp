#include <tessera/runtime/buffer.hpp>

#include <fmt/format.h>
#include <sys/mman.h>

#include <cstdlib>
#include <utility>

#include <tessera/runtime/device_layer.hpp>
#include <tessera/runtime/error.hpp>

namespace tessera {

Buffer::Buffer(std::size_t bytes, Device device) : size_(bytes), device_(device) {
  if (bytes == 0) return;
  if (device != cpu) {
    data_ = device_layer(device.kind).allocate(device.index, bytes);
    return;
  }
  constexpr std::size_t huge_page = std::size_t{2} << 20;
  const bool large = bytes >= 4 * huge_page;
  const std::size_t alignment = large ? huge_page : 64;
  const std::size_t rounded = (bytes + alignment - 1) / alignment * alignment;
  data_ =
      rounded < bytes ? nullptr : static_cast<std::byte*>(std::aligned_alloc(alignment, rounded));
  // Fewer page faults: touching new memory costs as much as computing on it otherwise.
  if (large && data_) madvise(data_, rounded, MADV_HUGEPAGE);
  if (!data_)
    throw MemoryError(fmt::format("cannot allocate {} bytes on {}", bytes, device.to_string()));
}

Buffer::Buffer(Buffer&& other) noexcept { *this = std::move(other); }

Buffer& Buffer::operator=(Buffer&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(device_, other.device_);
  return *this;
}

Buffer::~Buffer() {
  if (device_ == cpu)
    std::free(data_);
  else if (data_)
    device_layer(device_.kind).release(device_.index, data_);
}

}  // namespace tessera
