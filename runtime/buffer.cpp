#include <tessera/runtime/buffer.hpp>

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <bit>
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

/// Large blocks that were freed. Expressions free and allocate arrays of the same few sizes again
/// and again, and the pages of new memory cost as much as computing on them. The system may have
/// the pages back at any time, and with what is kept no more memory is used at once than there was
/// in use before. None are kept where addresses are limited.
class Freed {
 public:
  static Freed& all() {
    static Freed* const one = new Freed;  // outlives every Buffer
    return *one;
  }

  /// How large a block is that has room for `bytes`: an eighth more at most, so that what is about
  /// as large has the same.
  std::size_t size_for(std::size_t bytes) const {
    if (bytes < large || most_ == 0) return rounded(bytes, bytes < large ? 64 : huge_page);
    return rounded(bytes, std::max(huge_page, std::bit_floor(bytes) / 8));
  }
  /// Of size_for() bytes; null if there is no memory.
  void* take(std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    const auto end = kept_.begin() + count_;
    const auto same = std::find_if(kept_.begin(), end, [&](Kept k) { return k.bytes == bytes; });
    void* block = nullptr;
    if (same != end) {
      block = drop(same);
    } else {
      while (count_ > 0 && kept_bytes_ + in_use_ + bytes > most_in_use_)
        std::free(drop(kept_.begin()));
      block = fresh(bytes);
      while (!block && count_ > 0) {
        std::free(drop(kept_.begin()));
        block = fresh(bytes);
      }
    }
    if (block) in_use_ += bytes;
    most_in_use_ = std::max(most_in_use_, in_use_);
    return block;
  }
  void give_back() {
    const std::lock_guard lock(mutex_);
    while (count_ > 0) std::free(drop(kept_.begin()));
  }
  void keep(void* block, std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    in_use_ -= bytes;
    if (kept_bytes_ + bytes > most_ || madvise(block, bytes, MADV_FREE) != 0)
      return std::free(block);
    kept_[static_cast<std::size_t>(count_++)] = {block, bytes};
    kept_bytes_ += bytes;
  }

 private:
  struct Kept {
    void* block;
    std::size_t bytes;
  };

  Freed() {
    rlimit limit{};
    if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur != RLIM_INFINITY) most_ = 0;
  }
  static std::size_t rounded(std::size_t bytes, std::size_t unit) {
    return (bytes + unit - 1) / unit * unit;
  }
  static void* fresh(std::size_t bytes) {
    void* const block = std::aligned_alloc(huge_page, bytes);
    // Fewer page faults: touching new memory costs as much as computing on it otherwise.
    if (block) madvise(block, bytes, MADV_HUGEPAGE);
    return block;
  }
  void* drop(Kept* one) {
    void* const block = one->block;
    kept_bytes_ -= one->bytes;
    std::move(one + 1, kept_.begin() + count_--, one);
    return block;
  }

  static constexpr std::size_t limit_ = std::size_t{512} << 20;  // of a process
  std::mutex mutex_;
  std::array<Kept, limit_ / large> kept_{};  // no vector, which may throw where a Buffer ends
  std::ptrdiff_t count_ = 0;                 // the oldest first
  std::size_t kept_bytes_ = 0, in_use_ = 0, most_in_use_ = 0;
  std::size_t most_ = limit_;
};

void* host_memory(std::size_t bytes) {
  const std::size_t all = Freed::all().size_for(bytes);
  if (all < bytes) return nullptr;
  return all < large ? std::aligned_alloc(64, all) : Freed::all().take(all);
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
  if (const std::size_t all = device_ == cpu && data_ ? Freed::all().size_for(size_) : 0;
      all >= large)
    Freed::all().keep(data_, all);
  else if (device_ == cpu)
    std::free(data_);
  else if (data_)
    device_layer(device_.kind).release(device_.index, data_);
}

}  // namespace tessera
