#include <tessera/runtime/buffer.hpp>

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <array>
#include <cstdlib>
#include <mutex>
#include <utility>

#include <tessera/runtime/device_layer.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/memory.hpp>

namespace tessera {
namespace {

constexpr std::size_t huge_page = std::size_t{2} << 20;
constexpr std::size_t large = 4 * huge_page;

/// Large blocks that were freed last, all of one size. Expressions free and allocate arrays of one
/// size again and again, and the pages of new memory cost as much as computing on them. The system
/// may have the pages back at any time, and a block of another size is taken only when these are
/// gone, so no more memory is used at once than without. None are kept where addresses are limited.
class Freed {
 public:
  static Freed& all() {
    static Freed* const one = new Freed;  // outlives every Buffer
    return *one;
  }

  /// Null if there is none of that size.
  void* take(std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    if (bytes != bytes_) clear();
    return count_ > 0 ? blocks_[--count_] : nullptr;
  }
  void give_back() {
    const std::lock_guard lock(mutex_);
    clear();
  }
  void keep(void* block, std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    if (bytes != bytes_) clear();
    bytes_ = bytes;
    if ((count_ + 1) * bytes > most_ || madvise(block, bytes, MADV_FREE) != 0)
      std::free(block);
    else
      blocks_[count_++] = block;
  }

 private:
  Freed() {
    rlimit limit{};
    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur != RLIM_INFINITY) most_ = 0;
  }
  void clear() {
    while (count_ > 0) std::free(blocks_[--count_]);
  }
  static constexpr std::size_t limit_ = std::size_t{512} << 20;  // of a process
  std::mutex mutex_;
  std::array<void*, limit_ / large> blocks_{};  // no vector, which may throw where a Buffer ends
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
  std::size_t most_ = limit_;
};

std::size_t rounded(std::size_t bytes) {
  const std::size_t alignment = bytes >= large ? huge_page : 64;
  return (bytes + alignment - 1) / alignment * alignment;
}

void* host_memory(std::size_t bytes) {
  const std::size_t all = rounded(bytes);
  if (all < bytes) return nullptr;
  if (all < large) return std::aligned_alloc(64, all);
  if (void* const block = Freed::all().take(all)) return block;
  void* const block = std::aligned_alloc(huge_page, all);
  // Fewer page faults: touching new memory costs as much as computing on it otherwise.
  if (block) madvise(block, all, MADV_HUGEPAGE);
  return block;
}

}  // namespace

void detail::give_back_freed() { Freed::all().give_back(); }

Buffer::Buffer(std::size_t bytes, Device device) : size_(bytes), device_(device) {
  if (bytes == 0) return;
  if (device != cpu) {
    data_ = device_layer(device.kind).allocate(device.index, bytes);
    return;
  }
  data_ = static_cast<std::byte*>(host_memory(bytes));
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
  if (device_ == cpu && rounded(size_) >= large)
    Freed::all().keep(data_, rounded(size_));
  else if (device_ == cpu)
    std::free(data_);
  else if (data_)
    device_layer(device_.kind).release(device_.index, data_);
}

}  // namespace tessera
