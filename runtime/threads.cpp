#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <thread>
#include <vector>

#include <tessera/runtime/error.hpp>
#include <tessera/runtime/process.hpp>
#include <tessera/runtime/runtime.hpp>

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

// libgomp ends the program when it gets fewer threads than it asks for.
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

}  // namespace

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
