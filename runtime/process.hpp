#pragma once
#include <atomic>
#include <exception>

namespace tessera {
class Communicator;
}

/// How a process starts and ends.
namespace tessera::detail {

struct Process {
  std::atomic<bool> running{false};  // the watchdog's thread looks at it
  int rank = 0;
  int size = 1;
  int local_rank = 0;  ///< among those of this machine
  int local_size = 1;
  bool mpi = false;  ///< it is used
};
/// This one.
Process& process();

/// What TESSERA_THREADS or OMP_NUM_THREADS says, else a fair share of the cores.
int default_threads();

/// Gives the processes a way to agree on how they end, and takes it back. Collective.
void open_agreement();
void close_agreement();
/// Prints a failure once if every process has the same one; ends the job if some have none.
void report(const std::exception_ptr& failure);
/// Waits until all processes of `comm` have called this, as do those that know of a failure which
/// happened to all or to one alone; `failure` is what happened here, if anything. Ends the job with
/// it where some have not heard of it.
void meet_after(const Communicator& comm, const std::exception_ptr& failure);
/// For std::set_terminate.
[[noreturn]] void end_job();

}  // namespace tessera::detail
