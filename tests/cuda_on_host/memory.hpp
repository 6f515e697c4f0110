#pragma once
#include <sys/mman.h>

#include <cuda_runtime.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <string>

#include "internal.hpp"

/// The memory of the double's devices.
namespace cuda_on_host {

inline constexpr std::size_t page = 4096;
inline constexpr std::size_t arena_bytes = std::size_t{1} << 40;
inline constexpr std::size_t alignment = 256;
inline constexpr unsigned char slack_byte = 0xA5;

inline std::size_t from_environment(const char* name, std::size_t fallback) {
  const char* text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 10) : fallback;
}

/// The end of the data lies within 255 bytes of the end of the last page; an inaccessible page
/// follows. Addresses are never used again, so pointers to freed memory fault.
struct Allocation {
  std::byte* pages;
  std::size_t page_bytes;
  std::byte* data;
  std::size_t bytes;
  int device;
  std::byte* pages_end() const { return pages + page_bytes; }
};

class Memory {
 public:
  cudaError_t allocate(int device, std::size_t bytes, void** data) {
    const std::lock_guard lock(mutex_);
    const std::size_t whole = (bytes + page - 1) / page * page;
    if (bytes == 0 || whole < bytes) return cudaErrorInvalidValue;
    if (used_[device] + whole > limit_) return cudaErrorMemoryAllocation;
    if (!arena_) {
      void* at =
          mmap(nullptr, arena_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
      if (at == MAP_FAILED) fail("no address space for device memory");
      arena_ = next_ = static_cast<std::byte*>(at);
    }
    if (next_ + whole + page > arena_ + arena_bytes) return cudaErrorMemoryAllocation;
    Allocation a{next_, whole, next_ + (whole - bytes) / alignment * alignment, bytes, device};
    next_ += whole + page;
    if (mprotect(a.pages, whole, PROT_READ | PROT_WRITE) != 0) return cudaErrorMemoryAllocation;
    std::memset(a.pages, slack_byte, whole);
    std::memset(a.data, 0xFF, bytes);
    if (open_[device] == 0) mprotect(a.pages, whole, PROT_NONE);
    used_[device] += whole;
    live_.emplace(a.data, a);
    *data = a.data;
    return cudaSuccess;
  }

  void release(void* data) {
    const std::lock_guard lock(mutex_);
    const auto found = live_.find(static_cast<std::byte*>(data));
    if (found == live_.end()) fail("memory on a device was freed twice or never allocated");
    const Allocation a = found->second;
    mprotect(a.pages, a.page_bytes, PROT_READ | PROT_WRITE);
    check_slack(a);
    mmap(a.pages, a.page_bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED,
         -1, 0);
    used_[a.device] -= a.page_bytes;
    live_.erase(found);
  }

  void open(int device) {
    const std::lock_guard lock(mutex_);
    if (open_[device]++ == 0) protect(device, PROT_READ | PROT_WRITE);
  }
  void close(int device) {
    const std::lock_guard lock(mutex_);
    if (--open_[device] > 0) return;
    for (const auto& [data, a] : live_)
      if (a.device == device) check_slack(a);
    protect(device, PROT_NONE);
  }

  /// The allocation that holds or last began before `at`, if it has one.
  const Allocation* before(const void* at) const {
    auto next = live_.upper_bound(static_cast<std::byte*>(const_cast<void*>(at)));
    return next == live_.begin() ? nullptr : &std::prev(next)->second;
  }
  const Allocation* after(const void* at) const {
    auto next = live_.upper_bound(static_cast<std::byte*>(const_cast<void*>(at)));
    return next == live_.end() ? nullptr : &next->second;
  }
  /// The device whose live memory holds all these bytes, or -1.
  int device_of(const void* data, std::size_t bytes) const {
    const std::lock_guard lock(mutex_);
    const Allocation* a = before(data);
    if (!a) return -1;
    const auto offset = static_cast<std::size_t>(static_cast<const std::byte*>(data) - a->data);
    return offset <= a->bytes && bytes <= a->bytes - offset ? a->device : -1;
  }
  bool in_arena(const void* at) const {
    return arena_ && at >= arena_ && at < arena_ + arena_bytes;
  }
  bool pinned(const void* at) const {
    const std::lock_guard lock(mutex_);
    auto next = pinned_.upper_bound(at);
    return next != pinned_.begin() &&
           at < static_cast<const std::byte*>(std::prev(next)->first) + std::prev(next)->second;
  }
  void pin(const void* data, std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    pinned_[data] = bytes;
  }
  void unpin(const void* data) {
    const std::lock_guard lock(mutex_);
    if (pinned_.erase(data) == 0) fail("cudaFreeHost: not from cudaMallocHost");
  }
  std::size_t live() const {
    const std::lock_guard lock(mutex_);
    return live_.size();
  }
  std::size_t limit() const { return limit_; }
  std::size_t used(int device) const {
    const std::lock_guard lock(mutex_);
    const auto found = used_.find(device);
    return found == used_.end() ? 0 : found->second;
  }
  std::mutex& mutex() { return mutex_; }

 private:
  void protect(int device, int access) {
    for (const auto& [data, a] : live_)
      if (a.device == device) mprotect(a.pages, a.page_bytes, access);
  }
  static void check_slack(const Allocation& a) {
    const auto untouched = [](std::byte b) { return b == std::byte{slack_byte}; };
    const bool front = std::all_of(a.pages, a.data, untouched);
    if (front && std::all_of(a.data + a.bytes, a.pages_end(), untouched)) return;
    fail("a kernel or copy wrote " + std::string(front ? "past the end" : "before the start") +
         " of an allocation of " + std::to_string(a.bytes) +
         " bytes on cuda:" + std::to_string(a.device));
  }

  mutable std::mutex mutex_;
  std::byte* arena_ = nullptr;
  std::byte* next_ = nullptr;
  const std::size_t limit_ = from_environment("TESSERA_CUDA_ON_HOST_MEMORY", std::size_t{1} << 34);
  std::map<std::byte*, Allocation> live_;
  std::map<const void*, std::size_t> pinned_;
  std::map<int, std::size_t> used_;
  std::map<int, int> open_;
};

/// The one instance. Never destroyed: buffers in static objects are freed later than anything of
/// ours would be.
Memory& memory();

/// Device memory is accessible while one of these lives.
class Open {
 public:
  explicit Open(int device) : device_(device) { memory().open(device); }
  Open(const Open&) = delete;
  ~Open() { memory().close(device_); }

 private:
  int device_;
};

}  // namespace cuda_on_host
