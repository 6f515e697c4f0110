#include <tessera/runtime/runtime.hpp>

#include <cblas.h>
#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <tessera/runtime/cpu_target.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/mpi.hpp>
#include <tessera/runtime/plugin.hpp>
#include <tessera/runtime/process.hpp>
#include <tessera/runtime/selection.hpp>
#include <tessera/runtime/temporary_file.hpp>
#include <tessera/runtime/trace.hpp>

// Of OpenBLAS with kernels for several processors; no header has them.
extern "C" {
void gotoblas_dynamic_init() __attribute__((weak));
void gotoblas_dynamic_quit() __attribute__((weak));
int blas_thread_shutdown_() __attribute__((weak));
}

namespace tessera {
namespace {

using detail::process;
using detail::say;
using mpi::check;

// MPI of a process that nothing has launched: no daemon (orted) beside it, no search for networks,
// and no session folder, which another job that ends can take away while this one makes it.
// What the environment says already counts. Programs that this one starts do not inherit it, but
// for what is read later.
class AloneSettings {
 public:
  AloneSettings() {
    for (const auto& [name, value] : std::initializer_list<std::pair<const char*, const char*>>{
             {"OMPI_MCA_ess_singleton_isolated", "1"},
             {"OMPI_MCA_orte_create_session_dirs", "0"},
             {"OMPI_MCA_pml", "ob1"},
             {"OMPI_MCA_btl", "self"}})
      if (!std::getenv(name) && setenv(name, value, 0) == 0) set_.push_back(name);
    // Stays: it is read when the first file is opened, whose shared file pointers, which nobody
    // uses, would lie in that folder.
    setenv("OMPI_MCA_sharedfp", "^sm", 0);
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
  check(MPI_Comm_rank(MPI_COMM_WORLD, &process().rank));
  check(MPI_Comm_size(MPI_COMM_WORLD, &process().size));
  detail::open_agreement();
}

void find_neighbours() {
  Communicator neighbours = Communicator::self();
  if (process().mpi) {
    MPI_Comm node = MPI_COMM_NULL;
    check(MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &node));
    neighbours = Communicator::adopt(&node);
  }
  process().local_rank = neighbours.rank();
  process().local_size = neighbours.size();
  const bool open_to_all = detail::share_progress(neighbours, process().rank, process().size);
  detail::allow_unnamed_files(open_to_all && process().local_size == process().size);
}

}  // namespace

detail::Process& detail::process() {
  static Process one;
  return one;
}

namespace {

#if defined(__x86_64__)
// OpenBLAS takes a processor that is newer than itself for one of 2004, and multiplies matrices at
// a quarter of its speed: 0.3.21 does so on Xeons from 2023 on. It gets the kernels of the newest
// that it knows and that has the same instructions.
void choose_blas_kernels() {
  if (std::getenv("OPENBLAS_CORETYPE") || !&gotoblas_dynamic_quit || !&gotoblas_dynamic_init ||
      !&blas_thread_shutdown_ || std::string_view(openblas_get_corename()) != "Prescott" ||
      !__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma"))
    return;
  const bool wide = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512cd") &&
                    __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw") &&
                    __builtin_cpu_supports("avx512vl");
  const char* core = !wide                                  ? "Haswell"
                     : __builtin_cpu_supports("avx512bf16") ? "Cooperlake"
                                                            : "SkylakeX";
  // Its threads, which just start, would choose, too, on a busy machine after this one has. It
  // starts others where it is asked for more than one.
  blas_thread_shutdown_();
  setenv("OPENBLAS_CORETYPE", core, 1);
  gotoblas_dynamic_quit();
  gotoblas_dynamic_init();
  unsetenv("OPENBLAS_CORETYPE");  // another OpenBLAS of this process may know better
}
#else
void choose_blas_kernels() {}
#endif

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
  if (process().running)
    throw RuntimeError("a tessera::Runtime is alive already; keep one, in main");
  choose_blas_kernels();  // before MPI's threads are there: it sets the environment
  int initialized = 0;
  MPI_Initialized(&initialized);
  if (with_mpi && !initialized) {
    start_mpi(argc, argv);
    owns_mpi_ = true;
  }
  process().mpi = owns_mpi_ || initialized;
  if (process().mpi) join_job();
  process().running = true;
  find_neighbours();
  std::set_terminate(detail::end_job);
  struct sigaction action {};
  if (sigaction(SIGXFSZ, nullptr, &action) == 0 && !(action.sa_flags & SA_SIGINFO) &&
      action.sa_handler == SIG_DFL)
    ignores_size_signal_ = std::signal(SIGXFSZ, SIG_IGN) != SIG_ERR;
  together(Communicator::world(), [] { set_threads(detail::default_threads()); });
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
    std::string text = process().rank == 0 && mine && *mine ? mine : otherwise;
    Communicator::world().broadcast(text, 0);
    return text;
  };
  detail::start_watchdog(from_environment("TESSERA_TIMEOUT", "600"));
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
      if (process().rank == 0) say("tessera: " + describe(std::current_exception()));
    }
  }
  process().running = false;
  detail::stop_watchdog();
  if (ignores_size_signal_) std::signal(SIGXFSZ, SIG_DFL);
  if (std::uncaught_exceptions() > 0) {
    say(fmt::format(
        "tessera: rank {} of {}: an exception left the scope of the Runtime; ending the job",
        process().rank, process().size));
    if (!process().mpi) std::_Exit(1);
    MPI_Abort(MPI_COMM_WORLD, 1);
  }
  if (process().mpi) detail::close_agreement();
  if (owns_mpi_) MPI_Finalize();
}

void Runtime::pin_portable_bits() {
  if (std::string_view(openblas_get_corename()) != "Haswell")
    throw RuntimeError(
        fmt::format("portable bits need OPENBLAS_CORETYPE=Haswell in the environment from the "
                    "start; OpenBLAS runs on {}",
                    openblas_get_corename()));
  on_cpu::pin_target_avx2();
}

bool Runtime::running() { return process().running; }

}  // namespace tessera
