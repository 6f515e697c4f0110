#pragma once
#include <cstdint>
#include <span>

#include <tessera/linalg/transpose.hpp>
#include <tessera/runtime/operation.hpp>
#include <tessera/runtime/stream.hpp>

namespace tessera::linalg {

/// What products take: all numbers.
inline constexpr DTypes numbers = {DType::int8,    DType::int16,     DType::int32,
                                   DType::int64,   DType::uint8,     DType::uint16,
                                   DType::uint32,  DType::uint64,    DType::float32,
                                   DType::float64, DType::complex64, DType::complex128};

/// The block kernels of linear algebra: local work on tiles of one device, on one thread. x, y and
/// weights have the same rows and floating dtype; y and weights may be empty tiles. Spans are host
/// memory. What a kernel leaves in a tile or host memory is there when the stream is synchronised;
/// a kernel that returns a value has synchronised it.
///
/// The leaf_ kernels turn a run of leaves into partials: x holds out.rows leaves of `leaf_rows`
/// rows each, the last may be shorter, and row i of `out` (float64, on x's device) receives leaf
/// i's partial, which depends on that leaf alone. The merge kernels let row i of `left` absorb row
/// i of `right`, its right neighbour; both have any number of rows.
struct Kernels {
  using Leaf = void(Stream&, const Tile& x, std::int64_t leaf_rows, const Tile& weights,
                    const Tile& out);
  using Merge = void(Stream&, const Tile& left, const Tile& right);

  /// [count | mean | m2], p values each: the sum of weights over the rows that are not NaN, the
  /// weighted mean and sum of squared deviations of every column.
  Operation<Leaf> leaf_moments{"linalg.leaf_moments", flops_of_moments};
  /// The same for each of k groups, k = out.cols / (3 x.cols), and column, group after group: codes
  /// (rows x 1, int32) has the group of each row, or a number outside [0, k) for a row to be left
  /// out. NaN and infinities run into their group's mean. merge_moments merges them.
  Operation<void(Stream&, const Tile& x, std::int64_t leaf_rows, const Tile& codes,
                 const Tile& weights, const Tile& out)>
      leaf_group_moments{"linalg.leaf_group_moments", flops_of_group_moments};
  /// Chan's formulas by column.
  Operation<Merge> merge_moments{"linalg.merge_moments"};
  /// [weight | mean | gram], 1 + m + m^2 values for the m = p + q columns of z = [x, y]: the sum of
  /// weights, the weighted mean and sum w (z - mean)(z - mean)^T; without `center` the mean is 0.
  Operation<void(Stream&, const Tile& x, std::int64_t leaf_rows, const Tile& y, const Tile& weights,
                 bool center, const Tile& out)>
      leaf_gram{"linalg.leaf_gram", flops_of_gram};
  /// Chan's formulas in matrix form, for centred partials of m columns. Others are added. Of the
  /// Gram matrices there are the rows from `first` on: all, or those of a slice.
  Operation<void(Stream&, std::int64_t m, std::int64_t first, const Tile& left, const Tile& right)>
      merge_grams{"linalg.merge_grams"};
  /// left += right.
  Operation<Merge> add{"linalg.add"};
  /// The sum of squares of every column, p values.
  Operation<void(Stream&, const Tile& x, std::int64_t leaf_rows, const Tile& out)> leaf_squares{
      "linalg.leaf_squares"};
  /// Xc^T Xc q with Xc = x - mean, p x l values; q (p x l) has x's dtype and device. Xc and Xc q
  /// are rounded to x's dtype.
  Operation<void(Stream&, const Tile& x, std::int64_t leaf_rows, std::span<const double> mean,
                 const Tile& q, const Tile& out)>
      leaf_gram_product{"linalg.leaf_gram_product", flops_of_gram_product};
  /// R of the QR factorisation of diag(sqrt(weights)) ([x, y] - 1 shift^T); `shift` is nothing or m
  /// values. r is min(rows, m) x m in host memory: float64, or complex128 for complex x, y, in
  /// which all is formed; weights are floating. The phases of the rows of R are free. LinAlgError
  /// when R is not finite.
  Operation<void(Stream&, const Tile& x, std::span<const double> shift, const Tile& y,
                 const Tile& weights, const Tile& r)>
      leaf_triangle{"linalg.leaf_triangle", flops_of_triangle};
  /// out (x.rows x c.cols, x's dtype) = Q c for the Q of x = Q R with the R that leaf_triangle of
  /// this backend leaves of x; c has min(rows, cols) rows and R's dtype, in host memory.
  Operation<void(Stream&, const Tile& x, const Tile& c, const Tile& out)> leaf_q{"linalg.leaf_q",
                                                                                 flops_of_q};

  /// Leaves the R of a's QR factorisation in its first min(rows, cols) rows, zeros below the
  /// diagonal. float64 or complex128.
  Operation<void(Stream&, const Tile& a)> qr_r{"linalg.qr_r"};
  /// The same for a matrix of two upper trapezoidal ones, the first of `top` rows, with the Q (rows
  /// x min(rows, cols)) into q, which may be an empty tile: a node of the tree of triangles.
  Operation<void(Stream&, const Tile& a, std::int64_t top, const Tile& q)> qr_pair{
      "linalg.qr_pair"};
  /// c = alpha op(a) op(b) + beta c, tiles of numbers of one dtype; c is not read when beta is 0.
  /// Integers wrap around, alpha and beta are whole then.
  Operation<void(Stream&, double alpha, const Tile& a, Transpose, const Tile& b, Transpose,
                 double beta, const Tile& c)>
      gemm{"linalg.gemm", flops_of_gemm};
  /// out = (x - shift) / scale by column, rounded at each step in x's dtype; shift or scale may be
  /// empty. `out` may be x.
  Operation<void(Stream&, const Tile& x, std::span<const double> shift,
                 std::span<const double> scale, const Tile& out)>
      standardize{"linalg.standardize"};
  /// out = x * scale + shift by column, the inverse.
  Operation<void(Stream&, const Tile& x, std::span<const double> shift,
                 std::span<const double> scale, const Tile& out)>
      unstandardize{"linalg.unstandardize"};
  /// Whether no element of x is NaN or infinite.
  Operation<bool(Stream&, const Tile& x)> all_finite{"linalg.all_finite"};

  /// Dense solves on one process ("local_" in their names), contiguous tiles, float64 if nothing is
  /// said.
  /// LinAlgError when LAPACK does not converge. Symmetric a (n x n) = sum_i values_i v_i v_i^T,
  /// values ascending (1 x n); row i of a becomes v_i.
  Operation<void(Stream&, const Tile& a, const Tile& values)> eigh{"linalg.local_eigh"};
  /// a (m x n, overwritten; floating or complex) = u diag(s) vh, k = min(m, n), s descending and of
  /// the real dtype; u m x k, s 1 x k, vh k x n. u and vh may both be empty tiles.
  Operation<void(Stream&, const Tile& a, const Tile& u, const Tile& s, const Tile& vh)> svd{
      "linalg.local_svd"};
  /// Upper triangular R with a = R^H R, or `lower` L with a = L L^H, over that triangle of a
  /// Hermitian a (floating or complex), of which only that is read; zeros in the other one. 0, or
  /// the order of the first leading minor that is not positive; a is destroyed then.
  Operation<std::int64_t(Stream&, const Tile& a, bool lower)> cholesky{"linalg.local_cholesky"};
  /// b = r^-1 b or r^-T b for an upper triangular r (n x n); b is n x l. By substitution: what is
  /// not finite goes as far as that takes it.
  Operation<void(Stream&, const Tile& r, Transpose, const Tile& b)> solve_triangular{
      "linalg.local_solve_triangular"};
  /// Orthonormal columns that span those of a (m x n, m >= n), in place.
  Operation<void(Stream&, const Tile& a)> orthonormal_columns{"linalg.orthonormal_columns"};

 private:
  static double flops_of_moments(Stream&, const Tile&, std::int64_t, const Tile&, const Tile&);
  static double flops_of_group_moments(Stream&, const Tile&, std::int64_t, const Tile&, const Tile&,
                                       const Tile&);
  static double flops_of_gram(Stream&, const Tile&, std::int64_t, const Tile&, const Tile&, bool,
                              const Tile&);
  static double flops_of_gram_product(Stream&, const Tile&, std::int64_t, std::span<const double>,
                                      const Tile&, const Tile&);
  static double flops_of_triangle(Stream&, const Tile&, std::span<const double>, const Tile&,
                                  const Tile&, const Tile&);
  static double flops_of_q(Stream&, const Tile&, const Tile&, const Tile&);
  static double flops_of_gemm(Stream&, double, const Tile&, Transpose, const Tile&, Transpose,
                              double, const Tile&);
};

/// The one instance. The first call installs this room's built-in backends.
const Kernels& kernels();

/// The built-in implementations: OpenBLAS, LAPACK and Highway; plain loops, the oracle of the
/// others; CUDA, in a module of its own that is loaded when a GPU is asked for.
Backend cpu_backend(const Kernels& kernels);
Backend reference_backend(const Kernels& kernels);
Backend cuda_backend(const Kernels& kernels);

/// Leaf i of a run of leaves and its row of `out`; how CPU kernels walk the run.
inline Tile leaf_of_run(const Tile& x, std::int64_t leaf_rows, std::int64_t i) {
  const std::int64_t first = i * leaf_rows;
  const std::int64_t left = x.rows - first;
  return x ? x.slice(first, left < leaf_rows ? left : leaf_rows) : Tile{};
}

}  // namespace tessera::linalg
