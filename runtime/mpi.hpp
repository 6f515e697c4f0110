#pragma once
#include <mpi.h>

#include <source_location>

#include <tessera/runtime/communicator.hpp>

namespace tessera::mpi {

/// The result of an MPI call, remembering where the call was written.
struct Result {
  Result(int mpi_code, std::source_location place = std::source_location::current())
      : code(mpi_code), at(place) {}
  int code;
  std::source_location at;
};

/// RuntimeError with MPI's text and the place of the call unless it succeeded.
void check(Result result);

inline MPI_Comm native(const Communicator& comm) { return *static_cast<MPI_Comm*>(comm.native()); }

}  // namespace tessera::mpi
