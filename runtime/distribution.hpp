#pragma once
#include <cstdint>
#include <string>

namespace tessera {

/// A half-open range of global indices.
struct Range {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  std::int64_t size() const { return end - begin; }
  bool operator==(const Range&) const = default;
};

/// Who owns which rows or blocks of a global array. A pure value: arithmetic only, no MPI inside.
///
/// - rows: axis 0 is cut into leaves of leaf_rows() rows; processes own consecutive leaves, each as
///   many as the others, the first leaves % processes of them one more. The size of a leaf depends
///   on the number of rows and their width, never on processes, so that the reduction tree over the
///   leaves is the same for every number of processes. What has a row for each row of a wide array
///   (y, weights) lies like it only once redistributed to that array's distribution.
/// - replicated: every process owns everything.
/// - block_cyclic: ScaLAPACK's two-dimensional block-cyclic layout of a matrix over a grid of
///   grid_rows x grid_cols processes, rank = row * grid_cols + col, first block on rank 0.
class Distribution {
 public:
  enum class Kind : std::uint8_t { rows, replicated, block_cyclic };

  Distribution() = default;
  /// `width`: elements in a row.
  static Distribution rows(std::int64_t rows, int processes, std::int64_t width = 1);
  static Distribution replicated(std::int64_t rows, int processes, std::int64_t width = 1);
  /// ValueError unless all sizes are positive (rows and cols may be 0) and the grid fits.
  static Distribution block_cyclic(std::int64_t rows, std::int64_t cols, int grid_rows,
                                   int grid_cols, std::int64_t block_rows, std::int64_t block_cols,
                                   int processes);

  /// Rows per leaf for an array of n rows of `width` elements: a power of two between 256 and 4096,
  /// aiming at 64 leaves or more and, above 512 rows, at no more than 2^18 elements in a leaf.
  static std::int64_t leaf_rows_for(std::int64_t n, std::int64_t width = 1);

  Kind kind() const { return kind_; }
  int processes() const { return processes_; }
  std::int64_t rows() const { return rows_; }

  /// Kinds rows and replicated: the same leaves, all of them on every process.
  Distribution everywhere() const;

  /// kind rows: leaves and who owns them. A replicated array has all leaves everywhere.
  std::int64_t leaf_rows() const { return leaf_rows_; }
  std::int64_t leaves() const;
  Range leaves_of(int rank) const;
  Range rows_of_leaf(std::int64_t leaf) const;
  /// Global rows that `rank` holds (kinds rows and replicated).
  Range rows_of(int rank) const;
  /// The process that owns a global row (kind rows; 0 when replicated).
  int owner_of_row(std::int64_t row) const;

  /// kind block_cyclic: the grid, the blocks and what a process holds of them.
  std::int64_t cols() const { return cols_; }
  int grid_rows() const { return grid_rows_; }
  int grid_cols() const { return grid_cols_; }
  std::int64_t block_rows() const { return block_rows_; }
  std::int64_t block_cols() const { return block_cols_; }
  bool in_grid(int rank) const { return rank < grid_rows_ * grid_cols_; }
  std::int64_t local_rows(int rank) const;
  std::int64_t local_cols(int rank) const;
  /// Global index of local row i (column j) on `rank`.
  std::int64_t global_row(int rank, std::int64_t i) const;
  std::int64_t global_col(int rank, std::int64_t j) const;

  std::string to_string() const;
  bool operator==(const Distribution&) const = default;

 private:
  Kind kind_ = Kind::replicated;
  int processes_ = 1;
  std::int64_t rows_ = 0;
  std::int64_t cols_ = 0;
  std::int64_t leaf_rows_ = 1;
  int grid_rows_ = 1;
  int grid_cols_ = 1;
  std::int64_t block_rows_ = 1;
  std::int64_t block_cols_ = 1;
};

}  // namespace tessera
