#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include <tessera/linalg/scalapack/blacs.hpp>
#include <tessera/runtime/array.hpp>
#include <tessera/runtime/error.hpp>

namespace tessera::linalg::scalapack {

class Matrix;

/// A grid of processes and the square blocks that all its matrices are dealt in.
class Grid {
 public:
  enum class Form : bool { wide, tall };
  /// Near-square, leaving processes out where P is no product: 1x2, 1x3, 2x2, 2x2, 2x3, 2x3, 2x4
  /// for 2 to 8, or turned. Factorisations by columns of a lower triangle like it wide, by rows of
  /// an upper one tall (Cholesky on 2 processes: 2.0 s against 3.0 s). Collective.
  explicit Grid(const Communicator& comm, Form form = Form::wide);
  /// The grid and blocks of a block-cyclic array whose blocks are square. Collective.
  explicit Grid(const Array& like);

  /// The edge of the blocks of grids to come; returns what it was. Only tests change it.
  static std::int64_t use_blocks_of(std::int64_t edge);

  /// Its rows for so many processes, at most as many as columns.
  static int near_square(int processes);

  const Communicator& comm() const { return comm_; }
  int rows() const { return rows_; }
  int cols() const { return cols_; }
  std::int64_t block() const { return block_; }
  /// Whether this process takes part; ScaLAPACK is called by those that do.
  bool inside() const { return blacs_->context() >= 0; }
  bool one_process() const { return rows_ * cols_ == 1; }
  int context() const { return blacs_->context(); }

  Distribution distribution(std::int64_t rows, std::int64_t cols) const;
  /// Uninitialised, or with that value everywhere (MemoryError on all processes). Collective.
  Matrix empty(std::int64_t rows, std::int64_t cols, DType dtype) const;
  Matrix zeros(std::int64_t rows, std::int64_t cols, DType dtype) const;
  Matrix identity(std::int64_t n, DType dtype) const;
  /// A copy of `x`, wherever it lies on this communicator. Collective.
  Matrix copy(const Array& x) const;
  /// `x` on this grid, to be read only: x's own memory when it lies so already. Collective.
  Matrix view(const Array& x) const;

  /// Room for n values, or the same MemoryError or ValueError (more than ScaLAPACK's 32-bit sizes)
  /// on every process. Collective.
  template <class T>
  std::vector<T> room(std::int64_t n) const {
    std::vector<T> values;
    together(comm_, [&] {
      values.resize(static_cast<std::size_t>(scalapack_int(std::max<std::int64_t>(1, n))));
    });
    return values;
  }
  /// Values that processes of the grid hold, on all processes: rank 0's. Collective.
  template <class T>
  void share(std::vector<T>& values) const {
    comm_.broadcast(std::span(values), 0);
  }

 private:
  Communicator comm_;
  int rows_;
  int cols_;
  std::int64_t block_;
  std::shared_ptr<const BlacsGrid> blacs_;
};

/// A block-cyclic Array with its ScaLAPACK descriptor. A handle, like Array.
class Matrix {
 public:
  Matrix(const Grid& grid, Array array);

  const Grid& grid() const { return grid_; }
  const Array& array() const { return array_; }
  std::int64_t rows() const { return array_.rows(); }
  std::int64_t cols() const { return array_.cols(); }
  DType dtype() const { return array_.dtype(); }
  Device device() const { return cpu; }
  const int* descriptor() const { return descriptor_.data(); }
  /// This process's column-major block and its extents.
  template <class T>
  T* data() const {
    return array_.local().as<T>();
  }
  std::int64_t local_rows() const { return array_.local().cols; }
  std::int64_t local_cols() const { return array_.local().rows; }

  /// Calls f(i, j, element) with the global indices of this process's elements, in order.
  template <class T, class F>
  void for_each(F f) const {
    for_columns<T>({0, local_cols()}, f);
  }
  /// The same for some of this process's columns.
  template <class T, class F>
  void for_columns(Range columns, F f) const {
    const auto& d = array_.distribution();
    const int rank = grid_.comm().rank();
    const std::int64_t m = local_rows();
    T* element = data<T>() + columns.begin * m;
    std::vector<std::int64_t> global(static_cast<std::size_t>(m));
    for (std::int64_t i = 0; i < m; ++i)
      global[static_cast<std::size_t>(i)] = d.global_row(rank, i);
    for (std::int64_t j = columns.begin; j < columns.end; ++j) {
      const std::int64_t col = d.global_col(rank, j);
      for (const std::int64_t row : global) f(row, col, *element++);
    }
  }

 private:
  Grid grid_;
  Array array_;
  std::array<int, 9> descriptor_;
};

}  // namespace tessera::linalg::scalapack
