// Devices, memory, streams and copies of the double.
#include "cuda_on_host.hpp"

#include <cuda_runtime.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "internal.hpp"

namespace cuda_on_host {
namespace {

constexpr std::size_t page = 4096;
constexpr std::size_t arena_bytes = std::size_t{1} << 40;
constexpr std::size_t alignment = 256;
constexpr unsigned char slack_byte = 0xA5;

std::size_t from_environment(const char* name, std::size_t fallback) {
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

// Never destroyed: buffers in static objects are freed later than anything of ours would be.
Memory& memory() {
  static Memory& m = *new Memory;
  return m;
}

/// Device memory is accessible while one of these lives.
class Open {
 public:
  explicit Open(int device) : device_(device) { memory().open(device); }
  Open(const Open&) = delete;
  ~Open() { memory().close(device_); }

 private:
  int device_;
};

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
Registry& registry() {
  static Registry& r = *new Registry;
  return r;
}

std::vector<std::shared_ptr<Stream>> all_streams() {
  const std::lock_guard lock(registry().mutex);
  return registry().streams;
}

// The front operation, if there is one; the caller holds `running`.
bool step(Stream& s) {
  Operation* front = nullptr;
  {
    const std::lock_guard lock(s.mutex);
    if (s.queue.empty()) return true;
    front = &s.queue.front();  // stays where it is when others are appended
  }
  if (!front->run()) return false;
  const std::lock_guard lock(s.mutex);
  s.queue.pop_front();
  ++s.done;
  return true;
}

// What a device would have done by itself: waits for events that have happened, frees.
void advance() {
  for (bool again = true; again;) {
    again = false;
    for (const auto& s : all_streams()) {
      const std::unique_lock running(s->running, std::try_to_lock);
      if (!running) continue;
      for (;;) {
        {
          const std::lock_guard lock(s->mutex);
          if (s->queue.empty() || !s->queue.front().ready || !s->queue.front().ready()) break;
        }
        step(*s);
        again = true;
      }
    }
  }
}

void drain(Stream& s, std::uint64_t until) {
  if (s.done >= until) return;
  const std::lock_guard running(s.running);
  const Open open(s.device);
  while (s.done < until)
    if (!step(s)) sched_yield();
}

std::uint64_t queued(Stream& s) {
  const std::lock_guard lock(s.mutex);
  return s.queued;
}

// What the host waits for counts where there is something to wait for.
void host_waits(Stream& s, std::uint64_t until) {
  if (s.done >= until) return;
  count([](Counters& c) { ++c.synchronizations; });
  drain(s, until);
}

// Polling makes progress, but so slowly that a program cannot rely on a first look.
cudaError_t query(Stream& s, std::uint64_t until) {
  if (s.done < until && ++s.queries % 16 == 0) {
    const std::unique_lock running(s.running, std::try_to_lock);
    if (running) {
      const Open open(s.device);
      step(s);
    }
  }
  return s.done >= until ? cudaSuccess : cudaErrorNotReady;
}

thread_local int current_device = 0;
thread_local cudaError_t last_error = cudaSuccess;

cudaError_t result(cudaError_t error) {
  if (error != cudaSuccess && error != cudaErrorNotReady) last_error = error;
  return error;
}

cudaError_t refuse(cudaError_t error, const std::string& text) {
  std::fprintf(stderr, "cuda_on_host: %s\n", text.c_str());
  return result(error);
}

int devices() {
  static const int n = static_cast<int>(from_environment("TESSERA_CUDA_ON_HOST_DEVICES", 1));
  return n;
}

void push(Stream& s, Operation operation) {
  const std::lock_guard lock(s.mutex);
  s.queue.push_back(std::move(operation));
  ++s.queued;
}

// ---- faults ----

struct sigaction previous_action;

// Not safe in a signal handler in general; here the program is lost anyway.
void on_fault(int signal, siginfo_t* info, void*) {
  const void* at = info->si_addr;
  std::string text;
  const std::string who = doing().what.empty() ? "the host" : doing().what;
  if (memory().in_arena(at) && memory().mutex().try_lock()) {
    const auto* address = static_cast<const std::byte*>(at);
    const Allocation* left = memory().before(at);
    const Allocation* right = memory().after(at);
    const auto name = [](const Allocation& a) {
      return "an allocation of " + std::to_string(a.bytes) +
             " bytes on cuda:" + std::to_string(a.device);
    };
    if (right && address >= right->pages) left = right;  // in the slack before it
    if (left && address < left->pages_end()) {
      text = doing().device < 0 ? who + " touched device memory directly: " + name(*left)
                                : who + " on cuda:" + std::to_string(doing().device) +
                                      " touched the memory of another device: " + name(*left);
    } else if (left && address < left->pages_end() + page) {
      text = who + " touched memory " + std::to_string(address - (left->data + left->bytes)) +
             " bytes past the end of " + name(*left);
    } else {
      text = who + " touched device memory that is not allocated (any more)";
    }
    memory().mutex().unlock();
  } else if (!doing().what.empty()) {
    text = who + " touched an invalid address";
  }
  if (!text.empty()) {
    text = "cuda_on_host: " + text + "\n";
    (void)!write(STDERR_FILENO, text.data(), text.size());
  }
  sigaction(signal, &previous_action, nullptr);  // the same instruction faults again
}

void watch_faults() {
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction action {};
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigaction(SIGSEGV, &action, &previous_action);
  });
}

}  // namespace

void fail(const std::string& text) {
  const std::string line = "cuda_on_host: " + text + "\n";
  (void)!write(STDERR_FILENO, line.data(), line.size());
  std::abort();
}

Doing& doing() {
  static thread_local Doing d;
  return d;
}

void report_faults_on_own_stack() {
  static thread_local std::unique_ptr<std::byte[]> stack;
  stack_t old{};
  if (stack || sigaltstack(nullptr, &old) != 0 || !(old.ss_flags & SS_DISABLE)) return;
  constexpr std::size_t bytes = 1 << 16;
  stack.reset(new std::byte[bytes]);
  stack_t fresh{};
  fresh.ss_sp = stack.get();
  fresh.ss_size = bytes;
  sigaltstack(&fresh, nullptr);
}

Counters counters() {
  const std::lock_guard lock(registry().mutex);
  return registry().counters;
}

void reset_counters() {
  count([](Counters& c) { c = {}; });
}

void count(const std::function<void(Counters&)>& change) {
  const std::lock_guard lock(registry().mutex);
  change(registry().counters);
}

std::size_t live_allocations() {
  advance();
  return memory().live();
}

std::size_t pending_operations() {
  advance();
  std::size_t n = 0;
  for (const auto& s : all_streams()) {
    const std::lock_guard lock(s->mutex);
    n += s->queue.size();
  }
  return n;
}

bool on_device(const void* data, std::size_t bytes, int device) {
  return memory().device_of(data, bytes) == device;
}

}  // namespace cuda_on_host

using namespace cuda_on_host;  // NOLINT(google-build-using-namespace)

struct CUstream_st {
  std::shared_ptr<Stream> stream = std::make_shared<Stream>();
};
struct CUevent_st {
  std::shared_ptr<Stream> stream;  // where it was recorded
  std::uint64_t ticket = 0;
};
struct CUmemPoolHandle_st {
  int device;
};

namespace cuda_on_host {

int device_of(cudaStream_t stream) {
  if (!stream) fail("the default stream is not to be used");
  return stream->stream->device;
}

void enqueue(cudaStream_t stream, std::function<bool()> run) {
  push(*stream->stream, {std::move(run), nullptr});
}

void enqueue_call(cudaStream_t stream, std::function<void()> run) {
  count([](Counters& c) { ++c.math_calls; });
  enqueue(stream, [run = std::move(run)] {
    run();
    return true;
  });
}

namespace {

// A word of a kernel's argument that is the address of mapped host memory.
bool is_host_address(std::uint64_t word) {
  void* const at = reinterpret_cast<void*>(word / page * page);
  if (word < (std::uint64_t{1} << 40) || word >= (std::uint64_t{1} << 47)) return false;
  return !memory().in_arena(at) && !memory().pinned(reinterpret_cast<void*>(word)) &&
         msync(at, page, MS_ASYNC) == 0;
}

}  // namespace

cudaError_t launch(const cudaLaunchConfig_t& config, const void* kernel,
                   std::span<const Argument> arguments, std::function<void()> thread) {
  const std::string name = kernel_name(kernel);
  const auto& [gx, gy, gz] = config.gridDim;
  const auto& [bx, by, bz] = config.blockDim;
  if (!config.stream) return refuse(cudaErrorInvalidResourceHandle, name + " without a stream");
  if (gx == 0 || gy == 0 || gz == 0 || gx > 0x7fffffff || gy > 65535 || gz > 65535 || bx == 0 ||
      by == 0 || bz == 0 || bz > 64 || std::uint64_t{bx} * by * bz > 1024)
    return refuse(cudaErrorInvalidConfiguration, name + " with a grid or block of impossible size");
  if (config.dynamicSmemBytes > 0)
    return refuse(cudaErrorInvalidValue, name + " with dynamic shared memory");
  const int device = config.stream->stream->device;
  if (device != current_device)
    return refuse(cudaErrorInvalidResourceHandle,
                  name + " on a stream of another than the current device");
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    for (std::size_t at = 0; at + 8 <= arguments[i].bytes; at += 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, static_cast<const std::byte*>(arguments[i].data) + at, 8);
      if (is_host_address(word))
        return refuse(cudaErrorInvalidValue, "argument " + std::to_string(i) + " of " + name +
                                                 " holds the address of host memory");
      void* const pointer = reinterpret_cast<void*>(word);
      if (arguments[i].pointer && pointer && !on_device(pointer, 0, device) &&
          !memory().pinned(pointer))
        return refuse(cudaErrorInvalidValue, "argument " + std::to_string(i) + " of " + name +
                                                 " is not memory of the stream's device");
    }
  }
  count([](Counters& c) { ++c.launches; });
  enqueue(config.stream,
          [=, grid = config.gridDim, block = config.blockDim, thread = std::move(thread)] {
            doing() = {"kernel " + name, device};
            run_grid(name, grid, block, thread);
            doing() = {};
            return true;
          });
  return cudaSuccess;
}

}  // namespace cuda_on_host

// ---- errors and devices ----

const char* cudaGetErrorName(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "cudaSuccess";
    case cudaErrorInvalidValue:
      return "cudaErrorInvalidValue";
    case cudaErrorMemoryAllocation:
      return "cudaErrorMemoryAllocation";
    case cudaErrorInvalidConfiguration:
      return "cudaErrorInvalidConfiguration";
    case cudaErrorNoDevice:
      return "cudaErrorNoDevice";
    case cudaErrorInvalidDevice:
      return "cudaErrorInvalidDevice";
    case cudaErrorInvalidResourceHandle:
      return "cudaErrorInvalidResourceHandle";
    case cudaErrorNotReady:
      return "cudaErrorNotReady";
    case cudaErrorLaunchFailure:
      return "cudaErrorLaunchFailure";
    case cudaErrorNotSupported:
      return "cudaErrorNotSupported";
    case cudaErrorUnknown:
      break;
  }
  return "cudaErrorUnknown";
}

const char* cudaGetErrorString(cudaError_t error) {
  switch (error) {
    case cudaSuccess:
      return "no error";
    case cudaErrorInvalidValue:
      return "invalid argument";
    case cudaErrorMemoryAllocation:
      return "out of memory";
    case cudaErrorInvalidConfiguration:
      return "invalid configuration argument";
    case cudaErrorNoDevice:
      return "no CUDA-capable device is detected";
    case cudaErrorInvalidDevice:
      return "invalid device ordinal";
    case cudaErrorInvalidResourceHandle:
      return "invalid resource handle";
    case cudaErrorNotReady:
      return "device not ready";
    case cudaErrorLaunchFailure:
      return "unspecified launch failure";
    case cudaErrorNotSupported:
      return "operation not supported";
    case cudaErrorUnknown:
      break;
  }
  return "unknown error";
}

cudaError_t cudaGetLastError() { return std::exchange(last_error, cudaSuccess); }
cudaError_t cudaPeekAtLastError() { return last_error; }

cudaError_t cudaGetDeviceCount(int* count) {
  *count = devices();
  return devices() > 0 ? cudaSuccess : result(cudaErrorNoDevice);
}

cudaError_t cudaSetDevice(int device) {
  if (device < 0 || device >= devices()) return result(cudaErrorInvalidDevice);
  current_device = device;
  watch_faults();
  return cudaSuccess;
}

cudaError_t cudaGetDevice(int* device) {
  *device = current_device;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetPCIBusId(char* text, int length, int device) {
  if (device < 0 || device >= devices()) return result(cudaErrorInvalidDevice);
  const bool exclusive = std::getenv("TESSERA_CUDA_ON_HOST_EXCLUSIVE") != nullptr;
  std::snprintf(text, static_cast<std::size_t>(length), "%04X:%02X:00.0",
                exclusive ? static_cast<unsigned>(getpid()) & 0xffffu : 0u,
                static_cast<unsigned>(device) + 1);
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  if (device < 0 || device >= devices()) return result(cudaErrorInvalidDevice);
  switch (attribute) {
    case cudaDevAttrMaxThreadsPerBlock:
      *value = 1024;
      break;
    case cudaDevAttrMaxSharedMemoryPerBlock:
      *value = 48 << 10;
      break;
    case cudaDevAttrWarpSize:
      *value = warpSize;
      break;
    case cudaDevAttrMaxPitch:
      *value = 0x7fffffff;
      break;
    case cudaDevAttrMultiProcessorCount:
      *value = 4;
      break;
    case cudaDevAttrComputeCapabilityMajor:
      *value = 9;
      break;
    case cudaDevAttrComputeCapabilityMinor:
      *value = 0;
      break;
    case cudaDevAttrMemoryPoolsSupported:
      *value = 1;
      break;
    default:
      return result(cudaErrorInvalidValue);
  }
  return cudaSuccess;
}

cudaError_t cudaMemGetInfo(std::size_t* free, std::size_t* total) {
  advance();
  *total = memory().limit();
  *free = *total - memory().used(current_device);
  return cudaSuccess;
}

cudaError_t cudaDeviceSynchronize() {
  for (const auto& s : all_streams())
    if (s->device == current_device) host_waits(*s, queued(*s));
  advance();
  return cudaSuccess;
}

// ---- streams and events ----

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  if (devices() == 0) return result(cudaErrorNoDevice);
  watch_faults();
  *stream = new CUstream_st;
  (*stream)->stream->device = current_device;
  const std::lock_guard lock(registry().mutex);
  registry().streams.push_back((*stream)->stream);
  return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  if (!stream) return result(cudaErrorInvalidResourceHandle);
  drain(*stream->stream, queued(*stream->stream));
  {
    const std::lock_guard lock(registry().mutex);
    std::erase(registry().streams, stream->stream);
  }
  delete stream;
  return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  if (!stream)
    return refuse(cudaErrorInvalidResourceHandle, "the default stream is not to be used");
  host_waits(*stream->stream, queued(*stream->stream));
  advance();
  return cudaSuccess;
}

cudaError_t cudaStreamQuery(cudaStream_t stream) {
  if (!stream)
    return refuse(cudaErrorInvalidResourceHandle, "the default stream is not to be used");
  return query(*stream->stream, queued(*stream->stream));
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  if (!stream || !event) return result(cudaErrorInvalidResourceHandle);
  if (!event->stream) return cudaSuccess;
  push(*stream->stream,
       {[from = event->stream, ticket = event->ticket] {
          drain(*from, ticket);
          return true;
        },
        [from = event->stream, ticket = event->ticket] { return from->done >= ticket; }});
  return cudaSuccess;
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  *event = new CUevent_st;
  return cudaSuccess;
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  if (!event || !stream) return result(cudaErrorInvalidResourceHandle);
  const std::lock_guard lock(stream->stream->mutex);
  event->stream = stream->stream;
  event->ticket = stream->stream->queued;
  return cudaSuccess;
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  if (event->stream) host_waits(*event->stream, event->ticket);
  advance();
  return cudaSuccess;
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  return event->stream ? query(*event->stream, event->ticket) : cudaSuccess;
}

// ---- memory ----

cudaError_t cudaMalloc(void** data, std::size_t bytes) {
  if (devices() == 0) return result(cudaErrorNoDevice);
  watch_faults();
  advance();
  return result(memory().allocate(current_device, bytes, data));
}

cudaError_t cudaFree(void* data) {
  if (!data) return cudaSuccess;
  const int device = memory().device_of(data, 0);
  for (const auto& s : all_streams())
    if (s->device == device) drain(*s, queued(*s));
  memory().release(data);
  return cudaSuccess;
}

cudaError_t cudaMallocAsync(void** data, std::size_t bytes, cudaStream_t stream) {
  if (!stream) return result(cudaErrorInvalidResourceHandle);
  advance();
  return result(memory().allocate(stream->stream->device, bytes, data));
}

cudaError_t cudaFreeAsync(void* data, cudaStream_t stream) {
  if (!data || !stream) return result(cudaErrorInvalidValue);
  if (memory().device_of(data, 0) < 0) return result(cudaErrorInvalidValue);
  push(*stream->stream, {[data] {
                           memory().release(data);
                           return true;
                         },
                         [] { return true; }});
  return cudaSuccess;
}

cudaError_t cudaMallocHost(void** data, std::size_t bytes) {
  *data = std::aligned_alloc(page, (bytes + page - 1) / page * page);
  if (!*data) return result(cudaErrorMemoryAllocation);
  memory().pin(*data, bytes);
  return cudaSuccess;
}

cudaError_t cudaFreeHost(void* data) {
  if (!data) return cudaSuccess;
  memory().unpin(data);
  std::free(data);
  return cudaSuccess;
}

cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* pool, int device) {
  static CUmemPoolHandle_st one{0};
  if (device < 0 || device >= devices()) return result(cudaErrorInvalidDevice);
  *pool = &one;
  return cudaSuccess;
}
cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t, cudaMemPoolAttr, void*) { return cudaSuccess; }
cudaError_t cudaMemPoolTrimTo(cudaMemPool_t, std::size_t) { return cudaSuccess; }

namespace {

/// A copy of `height` rows of `width` bytes.
struct Copy {
  std::byte* to;
  std::size_t to_pitch;
  const std::byte* from;
  std::size_t from_pitch;
  std::size_t width;
  std::size_t height;

  std::size_t to_bytes() const { return (height - 1) * to_pitch + width; }
  std::size_t from_bytes() const { return (height - 1) * from_pitch + width; }

  // Neither end may have been freed since the copy was queued.
  void run(int to_device, int from_device) const {
    if (to_device >= 0 && !on_device(to, to_bytes(), to_device))
      fail("a copy writes memory that was freed after it had been queued");
    if (from_device >= 0 && !on_device(from, from_bytes(), from_device))
      fail("a copy reads memory that was freed after it had been queued");
    const Open open_to(to_device);
    const Open open_from(from_device);
    doing() = {"a copy", std::max(to_device, from_device)};
    for (std::size_t i = 0; i < height; ++i)
      std::memcpy(to + i * to_pitch, from + i * from_pitch, width);
    doing() = {};
  }
};

cudaError_t copy(const Copy& c, cudaMemcpyKind kind, cudaStream_t stream) {
  if (c.width == 0 || c.height == 0) return cudaSuccess;
  if (c.to_pitch < c.width || c.from_pitch < c.width)
    return refuse(cudaErrorInvalidValue, "a copy whose rows are longer than their distance");
  const int to = memory().device_of(c.to, c.to_bytes());
  const int from = memory().device_of(c.from, c.from_bytes());
  if ((to < 0 && memory().in_arena(c.to)) || (from < 0 && memory().in_arena(c.from)))
    return refuse(cudaErrorInvalidValue, "a copy reaches outside an allocation");
  if (kind != cudaMemcpyDefault) {
    const bool to_host = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyHostToHost;
    const bool from_host = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyHostToHost;
    if (to_host != (to < 0) || from_host != (from < 0))
      return refuse(cudaErrorInvalidValue, "a copy's direction is not that of its addresses");
  }
  count([&](Counters& counters) {
    const std::uint64_t bytes = c.width * c.height;
    if (to >= 0 && from >= 0) {
      ++counters.on_device;
      counters.on_device_bytes += bytes;
    } else if (to >= 0) {
      ++counters.to_device;
      counters.to_device_bytes += bytes;
    } else if (from >= 0) {
      ++counters.to_host;
      counters.to_host_bytes += bytes;
    }
  });
  if (!stream) {
    c.run(to, from);
    return cudaSuccess;
  }
  enqueue(stream, [=] {
    c.run(to, from);
    return true;
  });
  return cudaSuccess;
}

Copy flat(void* to, const void* from, std::size_t bytes) {
  return {static_cast<std::byte*>(to), bytes, static_cast<const std::byte*>(from), bytes, bytes, 1};
}

}  // namespace

cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  return copy(flat(to, from, bytes), kind, nullptr);
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  if (!stream)
    return refuse(cudaErrorInvalidResourceHandle, "the default stream is not to be used");
  return copy(flat(to, from, bytes), kind, stream);
}

cudaError_t cudaMemcpy2DAsync(void* to, std::size_t to_pitch, const void* from,
                              std::size_t from_pitch, std::size_t width, std::size_t height,
                              cudaMemcpyKind kind, cudaStream_t stream) {
  if (!stream)
    return refuse(cudaErrorInvalidResourceHandle, "the default stream is not to be used");
  if (to_pitch > 0x7fffffff || from_pitch > 0x7fffffff) return result(cudaErrorInvalidValue);
  return copy({static_cast<std::byte*>(to), to_pitch, static_cast<const std::byte*>(from),
               from_pitch, width, height},
              kind, stream);
}

cudaError_t cudaMemsetAsync(void* data, int value, std::size_t bytes, cudaStream_t stream) {
  if (!stream)
    return refuse(cudaErrorInvalidResourceHandle, "the default stream is not to be used");
  if (bytes == 0) return cudaSuccess;
  const int device = stream->stream->device;
  if (!on_device(data, bytes, device)) return result(cudaErrorInvalidValue);
  enqueue(stream, [=] {
    if (!on_device(data, bytes, device)) fail("a memset of memory that has been freed");
    std::memset(data, value, bytes);
    return true;
  });
  return cudaSuccess;
}
