#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include <tessera/linalg/transpose.hpp>
#include <tessera/runtime/tile.hpp>

namespace tessera::linalg {

/// A float64 matrix in this process's memory, row-major; a value. What is small enough for one
/// process (a Gram matrix, a triangle, coefficients) is one, and `small` has its algebra.
class Small {
 public:
  Small() = default;
  /// Zeros.
  Small(std::int64_t rows, std::int64_t cols)
      : rows_(rows), cols_(cols), values_(static_cast<std::size_t>(rows * cols)) {}
  /// These values, row by row. ValueError unless there are rows * cols.
  Small(std::int64_t rows, std::int64_t cols, std::vector<double> values);
  /// A replicated matrix of any real dtype; a vector becomes one column. ValueError for others.
  explicit Small(const Array& x);
  static Small identity(std::int64_t n);

  std::int64_t rows() const { return rows_; }
  std::int64_t cols() const { return cols_; }
  bool empty() const { return values_.empty(); }
  double& at(std::int64_t i, std::int64_t j) { return values_[index(i, j)]; }
  double at(std::int64_t i, std::int64_t j) const { return values_[index(i, j)]; }
  std::span<double> row(std::int64_t i) { return {values_.data() + i * cols_, width()}; }
  std::span<const double> row(std::int64_t i) const {
    return {values_.data() + i * cols_, width()};
  }
  /// All of them, row by row.
  const std::vector<double>& values() const { return values_; }
  std::vector<double>& values() { return values_; }
  /// The memory, for kernels.
  Tile tile() const { return tile_of(values_.data(), rows_, cols_, cols_); }
  /// The first `rows` rows, and columns [first, first + count).
  Small first_rows(std::int64_t rows) const;
  Small columns(std::int64_t first, std::int64_t count) const;
  Small transposed() const;
  /// As a replicated Array. Every process has the same values.
  Array array(DType dtype, const Communicator& comm) const;

  bool operator==(const Small&) const = default;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(rows_, cols_, values_);
  }

 private:
  std::size_t index(std::int64_t i, std::int64_t j) const {
    return static_cast<std::size_t>(i * cols_ + j);
  }
  std::size_t width() const { return static_cast<std::size_t>(cols_); }

  std::int64_t rows_ = 0;
  std::int64_t cols_ = 0;
  std::vector<double> values_;
};

/// Dense algebra on at most a few thousand rows and columns: local, on one thread, in float64, made
/// of the operations of linalg::kernels(). Run it on one process and hand the result to the others
/// (on_root). LinAlgError where LAPACK does not converge, ValueError for shapes that do not fit.
namespace small {

/// op(a) op(b).
Small product(const Small& a, const Small& b, Transpose of_a = Transpose::no,
              Transpose of_b = Transpose::no);

/// Eigenvalues, ascending, and eigenvectors, the rows of `vectors`, of a symmetric matrix.
struct Eigh {
  std::vector<double> values;
  Small vectors;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(values, vectors);
  }
};
/// On a device when one is given and the matrix is large enough to gain from it.
Eigh eigh(Small a, Device device = cpu);

/// a = u diag(s) vt of an m x n matrix, with k = min(m, n): u m x k, s descending, vt k x n.
struct Svd {
  Small u;
  std::vector<double> s;
  Small vt;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(u, s, vt);
  }
};
Svd svd(Small a);

/// The upper triangular r with r^T r = a; nothing when the symmetric a is not positive definite.
std::optional<Small> cholesky(Small a);

/// x with r x = b, or r^T x = b, for an upper triangular r; by substitution, so zeros on the
/// diagonal give infinities and NaN.
Small solve_triangular(const Small& r, Small b, Transpose op = Transpose::no);

/// x with a x = b for a symmetric positive definite a, by Cholesky; nothing when it is not.
std::optional<Small> solve_positive(Small a, Small b);

/// An orthonormal basis of the columns of an m x n matrix, m >= n: the Q of its QR.
Small orthonormal_columns(Small a);

}  // namespace small
}  // namespace tessera::linalg
