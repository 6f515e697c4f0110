#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <thread>

#include <tessera/runtime/communicator.hpp>
#include <tessera/runtime/embed.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/mpi.hpp>
#include <tessera/runtime/process.hpp>
#include <tessera/runtime/runtime.hpp>
#include <tessera/runtime/temporary_file.hpp>
#include <tessera/runtime/watchdog.hpp>

namespace tessera {
namespace {

using Clock = std::chrono::steady_clock;

MPI_Comm agreement = MPI_COMM_NULL;  // never shares messages with the work

enum class Reports { same, different, missing };

// Whether all processes take their part within the grace time.
bool completes(MPI_Request request) {
  constexpr auto grace = std::chrono::seconds(10);
  const auto deadline = Clock::now() + grace;
  for (int done = 0;;) {
    if (MPI_Test(&request, &done, MPI_STATUS_IGNORE) != MPI_SUCCESS) return false;
    if (done) return true;
    if (Clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

// Whether all processes arrive here within the grace time, and with the same text.
Reports collect_reports(std::size_t hash) {
  if (!detail::process().mpi) return Reports::same;
  std::array<std::uint64_t, 2> both = {hash, ~static_cast<std::uint64_t>(hash)};
  MPI_Request request = MPI_REQUEST_NULL;
  if (MPI_Iallreduce(MPI_IN_PLACE, both.data(), 2, MPI_UINT64_T, MPI_MAX, agreement, &request) !=
          MPI_SUCCESS ||
      !completes(request))
    return Reports::missing;
  return both[0] == hash && both[1] == ~static_cast<std::uint64_t>(hash) ? Reports::same
                                                                         : Reports::different;
}

}  // namespace

namespace detail {

void open_agreement() { mpi::check(MPI_Comm_dup(MPI_COMM_WORLD, &agreement)); }
void close_agreement() { MPI_Comm_free(&agreement); }

void report(const std::exception_ptr& failure) {
  const Process& me = process();
  const std::string text = describe(failure);
  const Reports all = collect_reports(std::hash<std::string>{}(text));
  if (all == Reports::same) {
    if (me.rank == 0) say("tessera: " + text);
    return;
  }
  say(fmt::format("tessera: rank {} of {}: {}", me.rank, me.size, text));
  if (all == Reports::missing) MPI_Abort(MPI_COMM_WORLD, 1);
}

void meet_after(const Communicator& comm, const std::exception_ptr& failure) {
  const Watch waiting("an agreement on a failure", 0.0, Watch::Waits::for_others);
  MPI_Request request = MPI_REQUEST_NULL;
  mpi::check(MPI_Ibarrier(mpi::native(comm), &request));
  while (!completes(request))
    if (failure) {
      say(fmt::format("tessera: rank {} of {}: {}", process().rank, process().size,
                      describe(failure)));
      MPI_Abort(MPI_COMM_WORLD, 1);
    }
}

[[noreturn]] void end_job() {
  remove_unfinished();
  if (const auto failure = std::current_exception(); failure && process().running) {
    report(failure);
    if (process().mpi) MPI_Finalize();
    std::_Exit(1);
  }
  std::abort();
}

}  // namespace detail

void embed::report_failure(const std::string& text) {
  const detail::Process& me = detail::process();
  const Reports all = collect_reports(std::hash<std::string>{}(text));
  if (all != Reports::same || me.rank == 0) {
    const std::string shown =
        all == Reports::same ? text
                             : fmt::format("tessera: rank {} of {}:\n{}", me.rank, me.size, text);
    (void)!write(STDERR_FILENO, shown.data(), shown.size());
  }
  if (all == Reports::missing) MPI_Abort(MPI_COMM_WORLD, 1);
}

int Runtime::run(const std::function<int()>& body) {
  try {
    return body();
  } catch (...) {
    detail::report(std::current_exception());
    return 1;
  }
}

}  // namespace tessera
