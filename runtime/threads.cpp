#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <condition_variable>
#include <cstdlib>
#include <exception>
#include <functional>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <tessera/runtime/error.hpp>
#include <tessera/runtime/process.hpp>
#include <tessera/runtime/rows.hpp>
#include <tessera/runtime/runtime.hpp>
#include <tessera/runtime/selection.hpp>

namespace tessera {
namespace {

int in_use = 1;

int usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return std::max(1, CPU_COUNT(&set));
}

// The whole text as a number of threads; nothing if it is none.
std::optional<int> thread_count(std::string_view text) {
  int n = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return n >= 1 && n <= Runtime::most_threads() ? std::optional(n) : std::nullopt;
}

// What the system does not give is said at once, not found out by being slow.
void require_threads(int count) {
  std::vector<std::thread> all;
  std::atomic<bool> go{false};
  int refused = 0;
  try {
    all.reserve(static_cast<std::size_t>(count));
    while (std::ssize(all) < count) all.emplace_back([&] { go.wait(false); });
  } catch (const std::exception&) {
    refused = 1 + static_cast<int>(all.size());
  }
  go = true;
  go.notify_all();
  for (auto& t : all) t.join();
  if (refused)
    throw RuntimeError(
        fmt::format("cannot use {} threads: the system gives {}", count + 1, refused));
}

// One loop over [next, end) that several threads work on.
struct Loop {
  Loop(Range range, int others, const std::function<void(std::int64_t, Stream&)>& does)
      : next(range.begin), end(range.end), places(others), work(does) {}

  // Works on it until there is nothing left to begin. `shared`: other threads may, too.
  void join(bool shared) {
    const bool outside = std::exchange(inside, inside || shared);
    {
      const SelectionGuard guard(selection);
      Stream stream;
      for (std::int64_t i = 0; (i = next.fetch_add(1)) < end;) {
        try {
          work(i, stream);
          note_progress();
        } catch (...) {
          const std::lock_guard lock(mutex);
          if (i < failed_at) {
            failed_at = i;
            failure = std::current_exception();
          }
        }
      }
    }
    inside = outside;
  }

  std::atomic<std::int64_t> next;
  const std::int64_t end;
  int places;                   // for more threads; under the lock of Helpers
  std::atomic<int> helpers{0};  // that are in it
  const std::function<void(std::int64_t, Stream&)>& work;
  const detail::SelectionHandle selection = detail::selection_in_force();
  std::mutex mutex;
  std::int64_t failed_at = std::numeric_limits<std::int64_t>::max();
  std::exception_ptr failure;
  static thread_local bool inside;  // of one that is shared
};
thread_local bool Loop::inside = false;

// Threads that sleep until there is a loop to help with. Whoever has a loop works on it, too, and
// waits in the end for those helpers only that have come: on a busy machine one that is woken may
// wait for its time slice long after the work is done. For the same reason nobody spins for long,
// as OpenMP's threads do: who has used up its slice when work comes waits for the next one.
class Helpers {
 public:
  static Helpers& all() {
    static Helpers* const one = new Helpers;  // outlives every thread
    return *one;
  }

  void run(const std::shared_ptr<Loop>& loop) {
    {
      const std::lock_guard lock(mutex_);
      loops_.push_back(loop);
      for (; idle_ < loop->places && start_one(); ++idle_) continue;
      open_.fetch_add(loop->places);
    }
    changed_.notify_all();
    loop->join(true);
    {
      const std::lock_guard lock(mutex_);
      open_.fetch_sub(std::exchange(loop->places, 0));
      std::erase(loops_, loop);
    }
    for (int here = 0; (here = loop->helpers.load()) != 0;) loop->helpers.wait(here);
  }

 private:
  bool start_one() {
    try {
      std::thread([this] { help(); }).detach();
      return true;
    } catch (const std::system_error&) {
      return false;  // the others do it
    }
  }

  [[noreturn]] void help() {
    for (std::unique_lock lock(mutex_);;) {
      const auto found = std::ranges::find_if(loops_, [](const auto& l) { return l->places > 0; });
      if (found == loops_.end()) {
        changed_.wait(lock);
        continue;
      }
      const std::shared_ptr<Loop> loop = *found;
      --loop->places;
      --idle_;
      open_.fetch_sub(1);
      loop->helpers.fetch_add(1);
      lock.unlock();
      loop->join(true);
      if (loop->helpers.fetch_sub(1) == 1) loop->helpers.notify_one();
      // The next loop often follows at once.
      for (int i = 0; i < 64 && open_.load() == 0; ++i) std::this_thread::yield();
      lock.lock();
      ++idle_;
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::shared_ptr<Loop>> loops_;  // which have places, or had them
  int idle_ = 0;
  std::atomic<int> open_{0};  // places in all loops
};

}  // namespace

void parallel_for(Range range, int threads,
                  const std::function<void(std::int64_t, Stream&)>& work) {
  threads = static_cast<int>(std::clamp<std::int64_t>(range.size(), 1, threads));
  const bool alone = threads == 1 || Loop::inside;
  const auto loop = std::make_shared<Loop>(range, alone ? 0 : threads - 1, work);
  if (alone)
    loop->join(false);
  else
    Helpers::all().run(loop);
  if (loop->failure) std::rethrow_exception(loop->failure);
}

int detail::default_threads() {
  if (const char* text = std::getenv("TESSERA_THREADS"); text && *text) {
    const auto n = thread_count(text);
    if (!n)
      throw ValueError(fmt::format("TESSERA_THREADS must be a whole number from 1 to {}, got '{}'",
                                   Runtime::most_threads(), text));
    return *n;
  }
  const int all = static_cast<int>(std::thread::hardware_concurrency());
  const int fair = std::max(1, std::min(usable_cores(), all / process().local_size));
  if (const char* text = std::getenv("OMP_NUM_THREADS"); text && *text) {
    // OpenMP's list has a number for every level of nesting, between spaces.
    std::string_view first = text;
    first = first.substr(0, first.find(','));
    first.remove_prefix(std::min(first.find_first_not_of(" \t"), first.size()));
    first = first.substr(0, first.find_last_not_of(" \t") + 1);
    if (const auto n = thread_count(first)) return *n;
    warn(
        fmt::format("OMP_NUM_THREADS is '{}', expected a whole number from 1 to {}; {} thread(s) "
                    "are used",
                    text, Runtime::most_threads(), fair));
  }
  return fair;
}

int Runtime::threads() { return in_use; }

int Runtime::most_threads() {
  return std::clamp(16 * static_cast<int>(std::thread::hardware_concurrency()), 64, 1024);
}

void Runtime::set_threads(int count) {
  if (count < 1) throw ValueError(fmt::format("threads must be at least 1, got {}", count));
  if (count > most_threads())
    throw ValueError(
        fmt::format("threads must be at most {} on this machine, got {}", most_threads(), count));
  require_threads(count - 1);
  in_use = count;
  const int cores = usable_cores();
  if (count <= cores) return;
  const bool bound = cores < static_cast<int>(std::thread::hardware_concurrency());
  warn(fmt::format(
      "{} threads on {} core(s): {}", count, cores,
      bound ? "this process is bound to fewer cores than threads; start with mpirun --bind-to none"
            : "the machine has no more, and more threads than cores are slower"));
}

}  // namespace tessera
