// Kernels of the double: the threads of a block are fibers on the thread that runs the kernel. A
// thread that meets no barrier costs two switches and no stack of its own.
#include <cuda_runtime.h>
#include <cxxabi.h>
#include <dlfcn.h>
#include <sys/mman.h>
#ifndef __x86_64__
#include <ucontext.h>
#endif
#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
#endif

#include <array>
#include <cstdlib>
#include <exception>
#include <memory>
#include <string>
#include <vector>

#include "internal.hpp"

constinit thread_local uint3 threadIdx{};
constinit thread_local uint3 blockIdx{};
constinit thread_local dim3 blockDim{};
constinit thread_local dim3 gridDim{};

namespace cuda_on_host {
namespace {

constexpr std::size_t stack_bytes = 256 << 10;
constexpr std::size_t page = 4096;

#ifdef __x86_64__
// Keeps the registers that a function must preserve on the old stack and takes them from the new.
asm(R"(
.text
.p2align 4
.type cuda_on_host_switch, @function
cuda_on_host_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size cuda_on_host_switch, .-cuda_on_host_switch
)");
extern "C" void cuda_on_host_switch(void** save, void* load);

class Context {
 public:
  void start(std::byte* stack_end, void (*entry)()) {
    auto** top = reinterpret_cast<void**>(stack_end);
    top[-1] = nullptr;  // where entry would return to: ends stack traces
    top[-2] = reinterpret_cast<void*>(entry);
    pointer_ = top - 8;
    for (int i = 3; i <= 8; ++i) top[-i] = nullptr;
  }
  static void change(Context& from, Context& to) {
    cuda_on_host_switch(&from.pointer_, to.pointer_);
  }

 private:
  void* pointer_ = nullptr;
};
#else
class Context {
 public:
  void start(std::byte* stack_end, void (*entry)()) {
    getcontext(&context_);
    context_.uc_stack.ss_sp = stack_end - stack_bytes / 2;
    context_.uc_stack.ss_size = stack_bytes / 2;
    context_.uc_link = nullptr;
    makecontext(&context_, entry, 0);
  }
  static void change(Context& from, Context& to) { swapcontext(&from.context_, &to.context_); }

 private:
  ucontext_t context_;
};
#endif

// Tells the address sanitizer that the stack changes; nothing without it.
struct StackNote {
  const void* bottom = nullptr;
  std::size_t bytes = 0;
#ifdef __SANITIZE_ADDRESS__
  void* fake = nullptr;
  void leave_for(const StackNote& next, bool for_ever) {
    __sanitizer_start_switch_fiber(for_ever ? nullptr : &fake, next.bottom, next.bytes);
  }
  void arrive(StackNote* previous) {
    __sanitizer_finish_switch_fiber(fake, previous ? &previous->bottom : nullptr,
                                    previous ? &previous->bytes : nullptr);
    fake = nullptr;
  }
#else
  void leave_for(const StackNote&, bool) {}
  void arrive(StackNote*) {}
#endif
};

enum class State { fresh, ready, barrier, warp, done };
enum class WarpCall { sync, ballot, exchange };

struct Fiber {
  State state = State::fresh;
  uint3 index{};
  int stack = -1;
  Context context;
  StackNote note;
  int predicate = 0;    // brought to the barrier
  int barrier_sum = 0;  // non-zero predicates of the block
  WarpCall call{};      // which warp function it waits in
  unsigned mask = 0;
  std::uint64_t value = 0;
  int source = 0;
  std::uint64_t answer = 0;
};

std::string describe(uint3 i) {
  std::string text = "(";
  text.append(std::to_string(i.x)).append(", ");
  text.append(std::to_string(i.y)).append(", ");
  return text.append(std::to_string(i.z)).append(")");
}

/// Runs blocks on one thread of the operating system and keeps its stacks.
class Engine {
 public:
  void run_block(const std::string& kernel, const std::function<void()>& thread) {
    kernel_ = &kernel;
    thread_ = &thread;
    fibers_.assign(std::size_t{blockDim.x} * blockDim.y * blockDim.z, Fiber{});
    std::size_t i = 0;
    for (unsigned z = 0; z < blockDim.z; ++z)
      for (unsigned y = 0; y < blockDim.y; ++y)
        for (unsigned x = 0; x < blockDim.x; ++x) fibers_[i++].index = {x, y, z};
    backward_ = !backward_;
    while (!round()) {
    }
  }

  void wait_at_barrier() { yield(State::barrier); }
  void wait_in_warp() { yield(State::warp); }
  Fiber& current() {
    if (!current_) fail("a function of kernels was called outside a kernel");
    return *current_;
  }
  int lane() const { return static_cast<int>((current_ - fibers_.data()) % warpSize); }
  std::string where() const {
    return "kernel " + *kernel_ + ", block " + describe(blockIdx) + ", thread " +
           describe(threadIdx);
  }

 private:
  // Runs every thread until it is done or at a barrier; true when all are done.
  bool round() {
    const std::size_t n = fibers_.size();
    const std::size_t warps = (n + warpSize - 1) / warpSize;
    for (std::size_t w = 0; w < warps; ++w) {
      const std::size_t first = (backward_ ? warps - 1 - w : w) * warpSize;
      const std::span warp(&fibers_[first], std::min<std::size_t>(warpSize, n - first));
      do {
        for (std::size_t i = 0; i < warp.size(); ++i) {
          Fiber& f = warp[backward_ ? warp.size() - 1 - i : i];
          if (f.state == State::fresh || f.state == State::ready) resume(f);
        }
      } while (release_warp(warp));
    }
    std::size_t done = 0;
    int sum = 0;
    const Fiber* waiting = nullptr;
    const Fiber* finished = nullptr;
    for (const Fiber& f : fibers_) {
      if (f.state == State::warp) report_warp(f);
      if (f.state == State::done) {
        ++done;
        if (!finished) finished = &f;
      } else {
        if (!waiting) waiting = &f;
        sum += f.predicate != 0;
      }
    }
    if (done == n) return true;
    if (done > 0)
      fail("kernel " + *kernel_ + ", block " + describe(blockIdx) + ": thread " +
           describe(waiting->index) + " waits in __syncthreads, which thread " +
           describe(finished->index) + " never reached");
    for (Fiber& f : fibers_) {
      f.barrier_sum = sum;
      f.state = State::ready;
    }
    return false;
  }

  // Lets one group of lanes go on that all wait in the same warp function.
  bool release_warp(std::span<Fiber> warp) {
    bool released = false;
    for (std::size_t first = 0; first < warp.size(); ++first) {
      const Fiber& leader = warp[first];
      if (leader.state != State::warp) continue;
      const unsigned mask = leader.mask;
      const WarpCall call = leader.call;
      std::array<std::uint64_t, warpSize> values{};
      std::uint64_t ballot = 0;
      bool complete = true;
      for (std::size_t i = 0; i < warpSize && complete; ++i) {
        if (!(mask >> i & 1u)) continue;
        complete = i < warp.size() && warp[i].state == State::warp && warp[i].mask == mask &&
                   warp[i].call == call;
        if (!complete) break;
        values[i] = warp[i].value;
        ballot |= std::uint64_t{warp[i].value != 0} << i;
      }
      if (!complete) continue;
      for (std::size_t i = 0; i < warp.size(); ++i) {
        if (!(mask >> i & 1u)) continue;
        Fiber& f = warp[i];
        const auto source = static_cast<std::size_t>(f.source);
        if (call == WarpCall::exchange && !(mask >> source & 1u))
          fail("kernel " + *kernel_ + ": a shuffle reads lane " + std::to_string(source) +
               ", which is not in its mask");
        f.answer = call == WarpCall::exchange ? values[source] : ballot;
        f.state = State::ready;
      }
      released = true;
    }
    return released;
  }

  [[noreturn]] void report_warp(const Fiber& f) const {
    fail("kernel " + *kernel_ + ", block " + describe(blockIdx) + ": thread " + describe(f.index) +
         " waits in a warp function for lanes of its mask that never reached it");
  }

  void resume(Fiber& f) {
    if (f.state == State::fresh) {
      if (free_stacks_.empty()) add_stack();
      f.stack = free_stacks_.back();
      free_stacks_.pop_back();
      std::byte* const bottom = stacks_[static_cast<std::size_t>(f.stack)];
      // Not all at the same place in the cache.
      f.context.start(bottom + stack_bytes - 256 * (f.stack % 16), &Engine::enter);
      f.note = {bottom, stack_bytes};
    }
    current_ = &f;
    threadIdx = f.index;
    note_.leave_for(f.note, false);
    Context::change(scheduler_, f.context);
    note_.arrive(nullptr);
    current_ = nullptr;
    if (f.state == State::done) free_stacks_.push_back(f.stack);
  }

  void yield(State state) {
    Fiber& f = current();
    f.state = state;
    f.note.leave_for(note_, state == State::done);
    Context::change(f.context, scheduler_);
    f.note.arrive(&note_);
  }

  static void enter();

  void add_stack() {
    void* at = mmap(nullptr, page + stack_bytes, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED) fail("no memory for the stack of a thread");
    mprotect(at, page, PROT_NONE);
    free_stacks_.push_back(static_cast<int>(stacks_.size()));
    stacks_.push_back(static_cast<std::byte*>(at) + page);
  }

  const std::string* kernel_ = nullptr;
  const std::function<void()>* thread_ = nullptr;
  std::vector<Fiber> fibers_;
  bool backward_ = true;  // every other block, so that a missing barrier shows
  Fiber* current_ = nullptr;
  Context scheduler_;
  StackNote note_;
  std::vector<std::byte*> stacks_;
  std::vector<int> free_stacks_;
};

Engine& engine() {
  static thread_local Engine& e = *new Engine;
  return e;
}

void Engine::enter() {
  Engine& e = engine();
  e.current_->note.arrive(&e.note_);
  try {
    (*e.thread_)();
  } catch (const std::exception& error) {
    fail(e.where() + " threw: " + error.what());
  } catch (...) {
    fail(e.where() + " threw");
  }
  e.yield(State::done);
}

}  // namespace

std::string kernel_name(const void* kernel) {
  Dl_info info{};
  if (dladdr(kernel, &info) == 0) return "without a name";
  if (!info.dli_sname || info.dli_saddr != kernel) {
    std::array<char, 32> offset{};
    std::snprintf(offset.data(), offset.size(), "+%#tx",
                  static_cast<const char*>(kernel) - static_cast<const char*>(info.dli_fbase));
    const std::string file = info.dli_fname;
    return file.substr(file.rfind('/') + 1) + offset.data();
  }
  int status = 0;
  const std::unique_ptr<char, void (*)(void*)> name(
      abi::__cxa_demangle(info.dli_sname, nullptr, nullptr, &status), std::free);
  return status == 0 ? name.get() : info.dli_sname;
}

void run_grid(const std::string& name, dim3 grid, dim3 block, const std::function<void()>& thread) {
  report_faults_on_own_stack();
  gridDim = grid;
  blockDim = block;
  for (unsigned z = 0; z < grid.z; ++z)
    for (unsigned y = 0; y < grid.y; ++y)
      for (unsigned x = 0; x < grid.x; ++x) {
        blockIdx = {x, y, z};
        engine().run_block(name, thread);
      }
}

int lane() { return engine().lane(); }

namespace {

std::uint64_t warp_call(WarpCall call, unsigned mask, std::uint64_t value, int source) {
  Engine& e = engine();
  Fiber& f = e.current();
  if (!(mask >> e.lane() & 1u))
    fail(e.where() + " called a warp function with a mask that does not have its own lane");
  f.call = call;
  f.mask = mask;
  f.value = value;
  f.source = source;
  e.wait_in_warp();
  return f.answer;
}

int barrier(int predicate) {
  Fiber& f = engine().current();
  f.predicate = predicate;
  engine().wait_at_barrier();
  return f.barrier_sum;
}

}  // namespace

std::uint64_t exchange(unsigned mask, std::uint64_t value, int source) {
  return warp_call(WarpCall::exchange, mask, value, source);
}

}  // namespace cuda_on_host

using cuda_on_host::WarpCall;

void __syncthreads() { cuda_on_host::barrier(0); }
int __syncthreads_or(int predicate) { return cuda_on_host::barrier(predicate) != 0; }
int __syncthreads_and(int predicate) { return cuda_on_host::barrier(!predicate) == 0; }
int __syncthreads_count(int predicate) { return cuda_on_host::barrier(predicate); }
void __syncwarp(unsigned mask) { cuda_on_host::warp_call(WarpCall::sync, mask, 0, 0); }
unsigned __ballot_sync(unsigned mask, int predicate) {
  return static_cast<unsigned>(cuda_on_host::warp_call(WarpCall::ballot, mask, predicate != 0, 0));
}
