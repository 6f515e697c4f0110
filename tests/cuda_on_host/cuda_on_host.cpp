// The double's queues, launches and faults.
#include "cuda_on_host.hpp"

#include <cuda_runtime.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>

#include "memory.hpp"
#include "queues.hpp"

namespace cuda_on_host {

Memory& memory() {
  static Memory& m = *new Memory;
  return m;
}

Registry& registry() {
  static Registry& r = *new Registry;
  return r;
}

std::vector<std::shared_ptr<Stream>> all_streams() {
  const std::lock_guard lock(registry().mutex);
  return registry().streams;
}

namespace {

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

}  // namespace

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

void host_waits(Stream& s, std::uint64_t until) {
  if (s.done >= until) return;
  count([](Counters& c) { ++c.synchronizations; });
  drain(s, until);
}

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

namespace {

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

}  // namespace

void watch_faults() {
  static std::once_flag once;
  std::call_once(once, [] {
    struct sigaction action {};
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigaction(SIGSEGV, &action, &previous_action);
  });
}

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
