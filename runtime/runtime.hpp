#pragma once
#include <functional>
#include <string>

#include <tessera/runtime/communicator.hpp>
#include <tessera/runtime/device.hpp>
#include <tessera/runtime/progress.hpp>
#include <tessera/runtime/warn.hpp>
#include <tessera/runtime/watchdog.hpp>

namespace tessera {

/// Starts MPI for the process and ends it. Create one in main before anything else of Tessera and
/// keep it until the end. Adopts an MPI that the program has initialised itself, and then leaves
/// finalising to the program. A process that no launcher started takes the shortest way into MPI:
/// without a daemon beside it and without networks, so that it cannot spawn or connect (unless
/// OMPI_MCA_ess_singleton_isolated, OMPI_MCA_pml and OMPI_MCA_btl say otherwise).
///
/// An exception that leaves main while a Runtime lives ends the whole job: printed once when all
/// processes throw the same, otherwise with the rank, and with MPI_Abort, so that nothing hangs.
///
/// Where nothing has decided otherwise, SIGXFSZ is ignored meanwhile: a file beyond the limit of
/// its size is an OSError.
///
/// Environment: TESSERA_THREADS (else OMP_NUM_THREADS, where what cannot be used is warned of),
/// threads per process; TESSERA_PORTABLE_BITS, pin_portable_bits() at the start; and, as rank 0 has
/// them, TESSERA_TIMEOUT, the seconds (600) without any progress inside of Tessera after which the
/// job is ended with exit status 86, 0 for never (a long call of LAPACK, a large read and such may
/// take longer, by what its work is estimated to need; waiting for a process that gets on, or that
/// is outside of Tessera, is no standstill); TESSERA_PLUGINS, shared libraries to load, with colons
/// between them; TESSERA_BACKEND, the backends to use where no guard says otherwise; TESSERA_TRACE,
/// a file for trace::start(). ValueError, the same everywhere, for a value that is not allowed.
class Runtime {
 public:
  Runtime(int& argc, char**& argv);
  Runtime();
  /// One process without MPI, which is not started: for work that needs none. Of its communicators
  /// native() is a RuntimeError. An MPI that the program has initialised is adopted all the same.
  struct WithoutMpi {};
  explicit Runtime(WithoutMpi);
  ~Runtime();
  Runtime(const Runtime&) = delete;

  /// Runs `body` and returns its result; if it throws, reports the error once for all processes
  /// and returns 1. A failure that the other processes do not share within ten seconds aborts the
  /// job. All processes must call it.
  int run(const std::function<int()>& body);

  /// True between construction and destruction.
  static bool running();

  /// Whether mpirun, prun or srun started this process, as one of perhaps several. Needs no
  /// Runtime.
  static bool launched();

  /// Threads that work on the leaves of one process. By default what the environment says, or the
  /// cores that this process may use, shared among the processes of this machine.
  static int threads();
  /// ValueError for less than one or more than most_threads(), RuntimeError if the system does not
  /// give so many.
  static void set_threads(int count);
  /// 16 for every core of the machine, at least 64 and at most 1024.
  static int most_threads();

  /// The device that a word names: "cpu", "cuda:N", "cuda" (one GPU per process, shared when there
  /// are more processes than GPUs), "auto" (cuda where there is a GPU, else cpu). ValueError for
  /// another word or a number this machine does not have, NotImplementedError for cuda where there
  /// is none. Local: processes may find different ones.
  static Device device(const std::string& word);

  /// Pins Highway's kernels to AVX2 code and checks that OpenBLAS is, so that results are the same
  /// bits on every x86-64 machine that has it. Call before the first computation. OpenBLAS chooses
  /// when it is loaded: RuntimeError unless OPENBLAS_CORETYPE=Haswell was set for the program.
  static void pin_portable_bits();

 private:
  void start(int* argc, char*** argv, bool with_mpi);
  bool owns_mpi_ = false;
  bool ignores_size_signal_ = false;
};

}  // namespace tessera
