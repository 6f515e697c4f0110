#include <tessera/linalg/scalapack/blacs.hpp>

#include <fmt/format.h>

#include <limits>

#include <tessera/runtime/error.hpp>
#include <tessera/runtime/mpi.hpp>

extern "C" {
int Csys2blacs_handle(MPI_Comm comm);
void Cfree_blacs_system_handle(int handle);
void Cblacs_gridinit(int* context, const char* order, int rows, int cols);
void Cblacs_gridexit(int context);
void Cblacs_set(int context, int what, const int* value);
void pb_topset_(const int* context, const char* operation, const char* scope, const char* top);
}

namespace tessera::linalg::scalapack {

BlacsGrid::BlacsGrid(const Communicator& comm, int rows, int cols) {
  const int handle = Csys2blacs_handle(mpi::native(comm));
  context_ = handle;
  Cblacs_gridinit(&context_, "Row", rows, cols);
  if (context_ >= 0) {
    // Sums in the same order every time and with the same bits everywhere, whoever comes first.
    constexpr int repeatable = 15;
    constexpr int coherent = 16;
    constexpr int yes = 1;
    Cblacs_set(context_, repeatable, &yes);
    Cblacs_set(context_, coherent, &yes);
    // PBLAS keeps topologies per process, not per grid, and some routines leave theirs behind:
    // after a grid of rank 0 alone, processes would wait for messages along different trees.
    for (const char* operation : {"Broadcast", "Combine"})
      for (const char* scope : {"Rowwise", "Columnwise", "All"})
        pb_topset_(&context_, operation, scope, " ");
  }
  Cfree_blacs_system_handle(handle);  // the grid has communicators of its own
}

BlacsGrid::~BlacsGrid() {
  if (context_ >= 0) Cblacs_gridexit(context_);
}

int scalapack_int(std::int64_t value) {
  if (value > std::numeric_limits<int>::max())
    throw ValueError(fmt::format("{} exceeds ScaLAPACK's 32-bit sizes", value));
  return static_cast<int>(value);
}

}  // namespace tessera::linalg::scalapack
