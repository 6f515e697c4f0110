#pragma once
#include <cstdint>

#include <tessera/runtime/communicator.hpp>

namespace tessera::linalg::scalapack {

/// A BLACS context over the first rows * cols processes of a communicator, row by row. Making one
/// is collective, ending one is not.
class BlacsGrid {
 public:
  BlacsGrid(const Communicator& comm, int rows, int cols);
  BlacsGrid(const BlacsGrid&) = delete;
  ~BlacsGrid();
  /// Negative on processes outside the grid.
  int context() const { return context_; }

 private:
  int context_ = -1;
};

/// A size as one of BLACS's and ScaLAPACK's 32-bit integers; ValueError when it does not fit.
int scalapack_int(std::int64_t value);

}  // namespace tessera::linalg::scalapack
