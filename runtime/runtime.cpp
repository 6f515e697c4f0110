#include <tessera/runtime/runtime.hpp>

#include <cblas.h>
#include <fmt/format.h>
#include <malloc.h>
#include <sched.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <initializer_list>
#include <mutex>
#include <optional>
#include <set>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <tessera/runtime/cpu_target.hpp>
#include <tessera/runtime/device_layer.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/mpi.hpp>
#include <tessera/runtime/plugin.hpp>
#include <tessera/runtime/selection.hpp>
#include <tessera/runtime/temporary_file.hpp>
#include <tessera/runtime/trace.hpp>

namespace tessera {
namespace {

using mpi::check;
using Clock = std::chrono::steady_clock;

struct State {
  std::atomic<bool> running{false};  // the watchdog's thread looks at it
  int rank = 0;
  int size = 1;
  int threads = 1;
  int local_rank = 0;
  int local_size = 1;
  bool progress = false;
  bool mpi = false;
  MPI_Comm agreement = MPI_COMM_NULL;  // never shares messages with the work
};
State state;

using detail::say;

// The whole text as a number; nothing if it is none.
template <class T>
std::optional<T> number(std::string_view text) {
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

enum class Reports { same, different, missing };

// Whether all processes arrive here within the grace time, and with the same text.
Reports collect_reports(std::size_t hash) {
  if (!state.mpi) return Reports::same;
  constexpr auto grace = std::chrono::seconds(10);
  std::array<std::uint64_t, 2> both = {hash, ~static_cast<std::uint64_t>(hash)};
  MPI_Request request = MPI_REQUEST_NULL;
  if (MPI_Iallreduce(MPI_IN_PLACE, both.data(), 2, MPI_UINT64_T, MPI_MAX, state.agreement,
                     &request) != MPI_SUCCESS)
    return Reports::missing;
  const auto deadline = Clock::now() + grace;
  for (int done = 0; !done;) {
    if (MPI_Test(&request, &done, MPI_STATUS_IGNORE) != MPI_SUCCESS) return Reports::missing;
    if (!done && Clock::now() > deadline) return Reports::missing;
    if (!done) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return both[0] == hash && both[1] == ~static_cast<std::uint64_t>(hash) ? Reports::same
                                                                         : Reports::different;
}

// Prints a failure once if every process has the same one; ends the job if some have none.
void report(const std::exception_ptr& failure) {
  const std::string text = describe(failure);
  const Reports all = collect_reports(std::hash<std::string>{}(text));
  if (all == Reports::same) {
    if (state.rank == 0) say("tessera: " + text);
    return;
  }
  say(fmt::format("tessera: rank {} of {}: {}", state.rank, state.size, text));
  if (all == Reports::missing) MPI_Abort(MPI_COMM_WORLD, 1);
}

[[noreturn]] void end_job() {
  remove_unfinished();
  if (const auto failure = std::current_exception(); failure && state.running) {
    report(failure);
    if (state.mpi) MPI_Finalize();
    std::_Exit(1);
  }
  std::abort();
}

int usable_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return std::max(1, CPU_COUNT(&set));
}

// MPI of a process that nothing has launched: no daemon (orted) beside it, no search for networks.
// What the environment says already counts. Programs that this one starts do not inherit it.
class AloneSettings {
 public:
  AloneSettings() {
    for (const auto& [name, value] : std::initializer_list<std::pair<const char*, const char*>>{
             {"OMPI_MCA_ess_singleton_isolated", "1"},
             {"OMPI_MCA_pml", "ob1"},
             {"OMPI_MCA_btl", "self"}})
      if (!std::getenv(name) && setenv(name, value, 0) == 0) set_.push_back(name);
  }
  ~AloneSettings() {
    for (const char* name : set_) unsetenv(name);
  }
  AloneSettings(const AloneSettings&) = delete;

 private:
  std::vector<const char*> set_;
};

void start_mpi(int* argc, char*** argv) {
  std::optional<AloneSettings> alone;
  if (!Runtime::launched()) alone.emplace();
  int provided = 0;
  check(MPI_Init_thread(argc, argv, MPI_THREAD_FUNNELED, &provided));
}

void join_job() {
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN);
  check(MPI_Comm_rank(MPI_COMM_WORLD, &state.rank));
  check(MPI_Comm_size(MPI_COMM_WORLD, &state.size));
  check(MPI_Comm_dup(MPI_COMM_WORLD, &state.agreement));
}

void find_neighbours() {
  Communicator neighbours = Communicator::self();
  if (state.mpi) {
    MPI_Comm node = MPI_COMM_NULL;
    check(MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node));
    neighbours = Communicator::adopt(&node);
  }
  state.local_rank = neighbours.rank();
  state.local_size = neighbours.size();
  const bool open_to_all = detail::share_progress(neighbours, state.rank, state.size);
  detail::allow_unnamed_files(open_to_all && state.local_size == state.size);
}

int default_threads() {
  if (const char* text = std::getenv("TESSERA_THREADS")) {
    const auto n = number<std::int64_t>(text);
    if (!n || *n < 1 || *n > Runtime::most_threads())
      throw ValueError(fmt::format("TESSERA_THREADS must be a whole number from 1 to {}, got '{}'",
                                   Runtime::most_threads(), text));
    return static_cast<int>(*n);
  }
  const int all = static_cast<int>(std::thread::hardware_concurrency());
  const int fair = std::max(1, std::min(usable_cores(), all / state.local_size));
  if (const char* text = std::getenv("OMP_NUM_THREADS")) {
    // OpenMP's list has a number for every level of nesting, between spaces.
    std::string_view first = text;
    first = first.substr(0, first.find(','));
    first.remove_prefix(std::min(first.find_first_not_of(" \t"), first.size()));
    first = first.substr(0, first.find_last_not_of(" \t") + 1);
    const auto n = number<std::int64_t>(first);
    if (n && *n >= 1 && *n <= Runtime::most_threads()) return static_cast<int>(*n);
    warn(
        fmt::format("OMP_NUM_THREADS is '{}', expected a whole number from 1 to {}; {} thread(s) "
                    "are used",
                    text, Runtime::most_threads(), fair));
  }
  return fair;
}

double watchdog_limit(const std::string& text) {
  const auto seconds = number<double>(text);
  if (!seconds || !std::isfinite(*seconds) || *seconds < 0)
    throw ValueError(fmt::format(
        "TESSERA_TIMEOUT must be a number of seconds, or 0 for no limit, got '{}'", text));
  return *seconds;
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

Runtime::Runtime(int& argc, char**& argv) { start(&argc, &argv, true); }
Runtime::Runtime() { start(nullptr, nullptr, true); }
Runtime::Runtime(WithoutMpi) { start(nullptr, nullptr, false); }

bool Runtime::launched() {
  // Open MPI's mpirun; PMIx (prun, srun --mpi=pmix); PMI (srun --mpi=pmi2).
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMIX_RANK", "PMI_RANK", "PMI_FD"})
    if (std::getenv(name)) return true;
  return false;
}

void Runtime::start(int* argc, char*** argv, bool with_mpi) {
  if (state.running) throw RuntimeError("a tessera::Runtime is alive already; keep one, in main");
  int initialized = 0;
  MPI_Initialized(&initialized);
  if (with_mpi && !initialized) {
    start_mpi(argc, argv);
    owns_mpi_ = true;
  }
  state.mpi = owns_mpi_ || initialized;
  if (state.mpi) join_job();
  state.running = true;
  auto log = std::make_shared<spdlog::logger>("tessera",
                                              std::make_shared<spdlog::sinks::stderr_sink_mt>());
  log->set_pattern("tessera: %l: %v");
  spdlog::set_default_logger(log);
  find_neighbours();
  std::set_terminate(end_job);
  struct sigaction action {};
  if (sigaction(SIGXFSZ, nullptr, &action) == 0 && !(action.sa_flags & SA_SIGINFO) &&
      action.sa_handler == SIG_DFL)
    ignores_size_signal_ = std::signal(SIGXFSZ, SIG_IGN) != SIG_ERR;
  together(Communicator::world(), [] { set_threads(default_threads()); });
  // Large blocks go back to the system when they are freed. Otherwise glibc keeps all up to the
  // largest freed so far, and those between which smaller ones lie can never be joined.
  mallopt(M_MMAP_THRESHOLD, 8 << 20);
  // One BLAS thread per tile: the bits of a product depend on the number of BLAS threads.
  openblas_set_num_threads(1);

  if (std::getenv("TESSERA_PORTABLE_BITS")) pin_portable_bits();
  const auto kernels =
      std::hash<std::string>{}(openblas_get_corename() + std::string(on_cpu::target_name()));
  std::array<std::uint64_t, 2> both = {kernels, ~std::uint64_t{kernels}};
  Communicator::world().all_reduce(std::span(both), Reduce::max);
  if (both[0] != ~both[1])
    warn(
        "the processes use different CPU kernels; pass --portable-bits for results that are the "
        "same bits on all of them");

  // Rank 0's environment counts, so that no process dispatches differently.
  const auto from_environment = [](const char* name, const char* otherwise = "") {
    const char* mine = std::getenv(name);
    std::string text = state.rank == 0 && mine ? mine : otherwise;
    Communicator::world().broadcast(text, 0);
    return text;
  };
  if (const double limit = watchdog_limit(from_environment("TESSERA_TIMEOUT", "600")); limit > 0)
    detail::start_watchdog(limit);
  if (const auto file = from_environment("TESSERA_TRACE"); !file.empty())
    trace::start(file, Communicator::world());
  const std::string plugins = from_environment("TESSERA_PLUGINS");
  for (std::size_t at = 0; at < plugins.size();) {
    const std::size_t end = std::min(plugins.find(':', at), plugins.size());
    if (end > at) load_plugin(plugins.substr(at, end - at));
    at = end + 1;
  }
  if (const auto choice = from_environment("TESSERA_BACKEND"); !choice.empty())
    set_default_selection(Selection::parse(choice));
}

Runtime::~Runtime() {
  if (std::uncaught_exceptions() == 0) {
    try {
      trace::finish(Communicator::world());
    } catch (...) {
      if (state.rank == 0) say("tessera: " + describe(std::current_exception()));
    }
  }
  state.running = false;
  detail::stop_watchdog();
  if (ignores_size_signal_) std::signal(SIGXFSZ, SIG_DFL);
  if (std::uncaught_exceptions() > 0) {
    say(fmt::format(
        "tessera: rank {} of {}: an exception left the scope of the Runtime; ending the job",
        state.rank, state.size));
    if (!state.mpi) std::_Exit(1);
    MPI_Abort(MPI_COMM_WORLD, 1);
  }
  if (state.mpi) MPI_Comm_free(&state.agreement);
  if (owns_mpi_) MPI_Finalize();
}

int Runtime::run(const std::function<int()>& body) {
  try {
    return body();
  } catch (...) {
    report(std::current_exception());
    return 1;
  }
}

void Runtime::pin_portable_bits() {
  if (std::string_view(openblas_get_corename()) != "Haswell")
    throw RuntimeError(
        fmt::format("portable bits need OPENBLAS_CORETYPE=Haswell in the environment from the "
                    "start; OpenBLAS runs on {}",
                    openblas_get_corename()));
  on_cpu::pin_target_avx2();
}

bool Runtime::running() { return state.running; }
int Runtime::threads() { return state.threads; }

Device Runtime::device(const std::string& word) {
  if (word == "cpu") return cpu;
  if (word == "auto") return device_count(Device::Kind::cuda) > 0 ? device("cuda") : cpu;
  Device found = Device::parse(word);
  const int count = device_layer(found.kind).count();
  if (count == 0) throw NotImplementedError("device cuda: there is no GPU here; use device cpu");
  if (word == "cuda") found.index = state.local_rank % count;
  if (found.index >= count)
    throw ValueError(fmt::format("there is no device {}; this machine has cuda:0 to cuda:{}",
                                 found.to_string(), count - 1));
  return found;
}

int Runtime::most_threads() {
  return std::clamp(16 * static_cast<int>(std::thread::hardware_concurrency()), 64, 1024);
}

void Runtime::set_threads(int count) {
  if (count < 1) throw ValueError(fmt::format("threads must be at least 1, got {}", count));
  if (count > most_threads())
    throw ValueError(
        fmt::format("threads must be at most {} on this machine, got {}", most_threads(), count));
  require_threads(count - 1);
  state.threads = count;
  const int cores = usable_cores();
  if (count <= cores) return;
  const bool bound = cores < static_cast<int>(std::thread::hardware_concurrency());
  warn(fmt::format(
      "{} threads on {} core(s): {}", count, cores,
      bound ? "this process is bound to fewer cores than threads; start with mpirun --bind-to none"
            : "the machine has no more, and more threads than cores are slower"));
}

void warn(const std::string& text, std::string_view kind) {
  static std::mutex mutex;
  static std::set<std::string> told;
  const std::lock_guard lock(mutex);
  if (state.rank == 0 && told.insert(text).second) spdlog::warn("{}: {}", kind, printable(text));
}

Progress::Progress(std::string title) : title_(std::move(title)) {}

Progress::~Progress() {
  if (drawn_) (void)!write(STDERR_FILENO, "\n", 1);
}

void Progress::enable(bool on) { state.progress = on; }

void Progress::update(std::int64_t done, std::int64_t total, const std::string& note) {
  if (!state.progress || state.rank != 0 || !isatty(STDERR_FILENO)) return;
  constexpr int width = 30;
  const auto filled = total > 0 ? static_cast<int>(width * done / total) : 0;
  const std::string line = fmt::format("\r{} [{:#<{}}{:.<{}}] {}/{} {}\x1b[K", title_, "", filled,
                                       "", width - filled, done, total, note);
  (void)!write(STDERR_FILENO, line.data(), line.size());
  drawn_ = true;
}

}  // namespace tessera
