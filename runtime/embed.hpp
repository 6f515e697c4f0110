#pragma once
#include <any>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <typeinfo>

#include <tessera/runtime/array.hpp>
#include <tessera/runtime/communicator.hpp>
#include <tessera/runtime/random_state.hpp>

/// What a language that Tessera is embedded in (Python) needs beside the library.
namespace tessera::embed {

/// An array over memory of somebody else, which `owner` keeps: this process's rows of `shape`,
/// row-major, on `device`, as row_distribution() deals them. No copy; nothing writes to it. No
/// communication.
Array adopt(const void* rows, Shape shape, DType dtype, const Communicator& comm,
            std::shared_ptr<const void> owner, Device device = cpu);

/// A communicator of the program (an MPI_Comm by address) for arrays: a duplicate, made at the
/// first call and kept with it, so that messages never meet the program's own. Of MPI_COMM_WORLD
/// and MPI_COMM_SELF, world() and self(). ValueError for MPI_COMM_NULL, which is what processes
/// outside of a group have, and for intercommunicators. Collective over it.
Communicator communicator(void* comm);
/// What MPI says it is.
std::string mpi_version();

/// Who is told of warnings, on every process and each time, in place of the standard error.
using WarningHandler = std::function<void(const std::string& text, std::string_view kind)>;
void handle_warnings(WarningHandler handler);

/// Asked by a job of one process whenever its parts would agree, several times in an iteration; if
/// it answers true, the work ends with Interrupted.
void check_for_interrupt(std::function<bool()> interrupted);
struct Interrupted : std::exception {
  const char* what() const noexcept override { return "interrupted"; }
};

/// While it lives, random_state=None draws from this, on this thread; all processes have the same.
class Draws {
 public:
  explicit Draws(RandomState& from);
  ~Draws();
  Draws(const Draws&) = delete;
  Draws& operator=(const Draws&) = delete;

 private:
  RandomState* before_;
};

/// The type of the implementations of an operation (Operation<...>::Implementation), as one of them
/// has it; null where there is none. ValueError for an unknown operation.
const std::type_info* implementation_type(const std::string& operation);
/// Adds one, of that type, to a backend for host memory that runs, as a plug-in's, only where it is
/// preferred or the only one. ValueError for the name of a backend that is not such a one,
/// RuntimeError where the processes add different ones. Collective over all processes.
void implement(const std::string& operation, const std::string& backend, DTypes dtypes,
               int priority, std::any implementation);

/// For a failure that ends this process's program: `text` is printed once if all processes have the
/// same within ten seconds, otherwise with the rank, and the job is ended if some have none.
void report_failure(const std::string& text);

}  // namespace tessera::embed
