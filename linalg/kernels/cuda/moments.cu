#include <cmath>

#include <tessera/linalg/kernels/cuda/moments.hpp>
#include <tessera/linalg/kernels/cuda/tile.cuh>

namespace tessera::on_cuda {
namespace {

constexpr int kThreads = 256;

// The shift of a column is the mean of so many rows at the start of the leaf, as on the CPU.
constexpr int kHead = 128;

// Rows that a thread takes, for kernels that go over a whole tile.
constexpr int kRowsEach = 8;

/// Blocks of `lanes` columns by kThreads / lanes rows that take `leaves` x ceil(cols / lanes)
/// pieces, one after another: what a thread of a block has to do of such a piece.
struct Piece {
  std::int64_t leaf;
  std::int64_t col;
  int row;
  int row_step;
  __device__ Piece(std::int64_t piece, std::int64_t groups, int lanes)
      : leaf(piece / groups),
        col(piece % groups * lanes + static_cast<int>(threadIdx.x) % lanes),
        row(static_cast<int>(threadIdx.x) / lanes),
        row_step(kThreads / lanes) {}
};

/// Sums over rows [row, row + step, ...) of a column, with NaN left out.
struct Moments {
  double count = 0;
  double sum = 0;
  double square = 0;
  template <class T>
  __device__ void add_rows(const T* x, std::int64_t stride, Values<const T> weights, int row,
                           int step, int rows, double shift) {
#pragma unroll 4
    for (int r = row; r < rows; r += step) {
      const double v = static_cast<double>(x[r * stride]) - shift;
      const double w = weights ? static_cast<double>(weights[r]) : 1.0;
      if (isnan(v)) continue;
      const double wv = w * v;
      count += w;
      sum += wv;
      square = fma(wv, v, square);
    }
  }
  __device__ void sum_up(int lanes, double* room) {
    count = sum_of_block(count, lanes, room);
    sum = sum_of_block(sum, lanes, room);
    square = sum_of_block(square, lanes, room);
  }
};

template <class T>
__global__ void __launch_bounds__(kThreads)
    moments_kernel(const T* x, std::int64_t rows, std::int64_t cols, std::int64_t stride,
                   std::int64_t leaf_rows, Values<const T> weights, int lanes, std::int64_t leaves,
                   double* out, std::int64_t out_stride) {
  __shared__ double room[kThreads];
  __shared__ double shifts[32];
  const std::int64_t groups = (cols + lanes - 1) / lanes;
  for (std::int64_t block = blockIdx.x; block < leaves * groups; block += gridDim.x) {
    const Piece piece(block, groups, lanes);
    const LeafRows leaf = leaf_rows_of(piece.leaf, leaf_rows, rows);
    const bool valid = piece.col < cols;
    const T* column = x + leaf.begin * stride + piece.col;
    const int n = valid ? static_cast<int>(leaf.rows) : 0;
    const int head = n < kHead ? n : kHead;
    // The mean of the head is taken relative to a first value, so that it is exact for a constant
    // column: then the one pass over everything loses nothing to cancellation.
    __syncthreads();
    if (piece.row == 0) {
      double first = 0;
      for (int r = 0; r < head; ++r) {
        const auto value = static_cast<double>(column[r * stride]);
        if (!isfinite(value)) continue;
        first = value;
        break;
      }
      shifts[threadIdx.x] = first;
    }
    __syncthreads();
    double shift = shifts[threadIdx.x % lanes];
    Moments some;
    some.add_rows(column, stride, Values<const T>(nullptr, 0), piece.row, piece.row_step, head,
                  shift);
    some.sum_up(lanes, room);
    const double step = some.count > 0 ? some.sum / some.count : 0.0;
    if (isfinite(step)) shift += step;
    Moments all;
    all.add_rows(column, stride, weights.from(leaf.begin), piece.row, piece.row_step, n, shift);
    all.sum_up(lanes, room);
    if (piece.row != 0 || !valid) continue;
    double* to = out + piece.leaf * out_stride + piece.col;
    const bool any = all.count != 0;
    const double square = all.square - all.sum * all.sum / all.count;
    to[0] = all.count;
    to[cols] = any ? shift + all.sum / all.count : 0.0;
    to[2 * cols] = !any || square < 0 ? 0.0 : square;  // rounding must not leave it negative
  }
}

/// A thread per leaf and column adds its rows one by one, as on the CPU: the same bits.
template <class T>
__global__ void __launch_bounds__(kThreads)
    group_moments_kernel(const T* x, std::int64_t rows, std::int64_t cols, std::int64_t stride,
                         std::int64_t leaf_rows, Values<const std::int32_t> codes,
                         Values<const T> weights, std::int64_t groups, std::int64_t leaves,
                         double* out, std::int64_t out_stride) {
  for (std::int64_t piece = blockIdx.x * std::int64_t{kThreads} + threadIdx.x;
       piece < leaves * cols; piece += gridDim.x * std::int64_t{kThreads}) {
    const LeafRows leaf = leaf_rows_of(piece / cols, leaf_rows, rows);
    const T* column = x + leaf.begin * stride + piece % cols;
    double* const count = out + piece / cols * out_stride + piece % cols;
    double* const mean = count + groups * cols;
    double* const m2 = mean + groups * cols;
    for (std::int64_t i = 0; i < 3 * groups; ++i) count[i * cols] = 0;
    for (std::int64_t r = 0; r < leaf.rows; ++r) {
      const std::int64_t g = codes[leaf.begin + r];
      const double w = weights ? static_cast<double>(weights[leaf.begin + r]) : 1.0;
      if (g < 0 || g >= groups || w == 0) continue;
      const std::int64_t at = g * cols;
      const double v = static_cast<double>(column[r * stride]);
      const double d = v - mean[at];
      count[at] += w;
      mean[at] += d * (w / count[at]);
      m2[at] += w * d * (v - mean[at]);
    }
  }
}

template <class T>
__global__ void __launch_bounds__(kThreads)
    squares_kernel(const T* x, std::int64_t rows, std::int64_t cols, std::int64_t stride,
                   std::int64_t leaf_rows, int lanes, std::int64_t leaves, double* out,
                   std::int64_t out_stride) {
  __shared__ double room[kThreads];
  const std::int64_t groups = (cols + lanes - 1) / lanes;
  for (std::int64_t block = blockIdx.x; block < leaves * groups; block += gridDim.x) {
    const Piece piece(block, groups, lanes);
    const LeafRows leaf = leaf_rows_of(piece.leaf, leaf_rows, rows);
    double sum = 0;
    if (piece.col < cols) {
      const T* column = x + leaf.begin * stride + piece.col;
#pragma unroll 4
      for (std::int64_t r = piece.row; r < leaf.rows; r += piece.row_step) {
        const auto v = static_cast<double>(column[r * stride]);
        sum = fma(v, v, sum);
      }
    }
    sum = sum_of_block(sum, lanes, room);
    if (piece.row == 0 && piece.col < cols) out[piece.leaf * out_stride + piece.col] = sum;
  }
}

/// Calls f(row, col) for the elements of a tile.
template <class F>
__device__ void for_each(std::int64_t rows, std::int64_t cols, int lanes, const F& f) {
  const std::int64_t groups = (cols + lanes - 1) / lanes;
  const std::int64_t height = kThreads / lanes * kRowsEach;
  const std::int64_t blocks = (rows + height - 1) / height * groups;
  for (std::int64_t block = blockIdx.x; block < blocks; block += gridDim.x) {
    const Piece piece(block, groups, lanes);
    if (piece.col >= cols) continue;
#pragma unroll
    for (int i = 0; i < kRowsEach; ++i) {
      const std::int64_t row = piece.leaf * height + piece.row + i * piece.row_step;
      if (row < rows) f(row, piece.col);
    }
  }
}
dim3 grid_for_each(std::int64_t rows, std::int64_t cols, int lanes) {
  return grid_of(ceil_div(rows, kThreads / lanes * kRowsEach) * ceil_div(cols, lanes));
}

template <class T, bool kInverse>
__global__ void __launch_bounds__(kThreads)
    scale_kernel(const T* x, std::int64_t rows, std::int64_t cols, std::int64_t stride, int lanes,
                 const T* shift, const T* scale, T* out, std::int64_t out_stride) {
  for_each(rows, cols, lanes, [&](std::int64_t i, std::int64_t j) {
    const T v = x[i * stride + j];
    const T s = shift ? shift[j] : T(0);
    const T f = scale ? scale[j] : T(1);
    out[i * out_stride + j] = kInverse ? v * f + s : (v - s) / f;
  });
}

__global__ void __launch_bounds__(kThreads)
    add_kernel(std::int64_t rows, std::int64_t cols, int lanes, double* left,
               std::int64_t left_stride, const double* right, std::int64_t right_stride) {
  for_each(rows, cols, lanes, [&](std::int64_t i, std::int64_t j) {
    left[i * left_stride + j] += right[i * right_stride + j];
  });
}

__global__ void __launch_bounds__(kThreads)
    merge_kernel(std::int64_t rows, std::int64_t p, int lanes, double* left,
                 std::int64_t left_stride, const double* right, std::int64_t right_stride) {
  for_each(rows, p, lanes, [&](std::int64_t i, std::int64_t j) {
    double* mine = left + i * left_stride + j;
    const double* other = right + i * right_stride + j;
    const double count = mine[0];
    const double total = count + other[0];
    if (other[0] == 0 || total == 0) return;
    const double delta = other[p] - mine[p];
    mine[2 * p] += other[2 * p] + delta * delta * (count * other[0] / total);
    mine[p] += delta * (other[0] / total);
    mine[0] = total;
  });
}

template <class T>
__global__ void __launch_bounds__(kThreads)
    finite_kernel(const T* x, std::int64_t rows, std::int64_t cols, std::int64_t stride, int lanes,
                  int* found) {
  for_each(rows, cols, lanes, [&](std::int64_t i, std::int64_t j) {
    if (!isfinite(x[i * stride + j])) *found = 1;
  });
}

template <bool kInverse>
void scale_tile(Stream& stream, const Tile& x, std::span<const double> shift,
                std::span<const double> scale, const Tile& out) {
  if (x.rows == 0 || x.cols == 0) return;
  auto& queue = queue_of(stream);
  visit_floating(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const auto [shifts, scales] = workspace<T, T>(queue, shift.size(), scale.size());
    const T* const s = upload(queue, shift, shifts);
    const T* const f = upload(queue, scale, scales);
    const int lanes = column_lanes(x.cols);
    cuda::launch(queue, scale_kernel<T, kInverse>, grid_for_each(x.rows, x.cols, lanes), kThreads,
                 x.as<const T>(), x.rows, x.cols, x.stride, lanes, s, f, out.as<T>(), out.stride);
  });
}

}  // namespace

void leaf_moments(Stream& stream, const Tile& x, std::int64_t leaf_rows, const Tile& weights,
                  const Tile& out) {
  if (out.rows == 0 || x.cols == 0) return;
  visit_floating(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const int lanes = column_lanes(x.cols);
    cuda::launch(queue_of(stream), moments_kernel<T>, grid_of(out.rows * ceil_div(x.cols, lanes)),
                 kThreads, x.as<const T>(), x.rows, x.cols, x.stride, leaf_rows,
                 Values<const T>(weights), lanes, out.rows, out.as<double>(), out.stride);
  });
}

void leaf_group_moments(Stream& stream, const Tile& x, std::int64_t leaf_rows, const Tile& codes,
                        const Tile& weights, const Tile& out) {
  if (out.rows == 0 || x.cols == 0) return;
  visit_floating(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    cuda::launch(queue_of(stream), group_moments_kernel<T>,
                 grid_of(ceil_div(out.rows * x.cols, kThreads)), kThreads, x.as<const T>(), x.rows,
                 x.cols, x.stride, leaf_rows, Values<const std::int32_t>(codes),
                 Values<const T>(weights), out.cols / (3 * x.cols), out.rows, out.as<double>(),
                 out.stride);
  });
}

void leaf_squares(Stream& stream, const Tile& x, std::int64_t leaf_rows, const Tile& out) {
  if (out.rows == 0 || x.cols == 0) return;
  visit_floating(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const int lanes = column_lanes(x.cols);
    cuda::launch(queue_of(stream), squares_kernel<T>, grid_of(out.rows * ceil_div(x.cols, lanes)),
                 kThreads, x.as<const T>(), x.rows, x.cols, x.stride, leaf_rows, lanes, out.rows,
                 out.as<double>(), out.stride);
  });
}

void merge_moments(Stream& stream, const Tile& left, const Tile& right) {
  const std::int64_t p = left.cols / 3;
  if (left.rows == 0 || p == 0) return;
  const int lanes = column_lanes(p);
  cuda::launch(queue_of(stream), merge_kernel, grid_for_each(left.rows, p, lanes), kThreads,
               left.rows, p, lanes, left.as<double>(), left.stride, right.as<const double>(),
               right.stride);
}

void add(Stream& stream, const Tile& left, const Tile& right) {
  if (left.rows == 0 || left.cols == 0) return;
  const int lanes = column_lanes(left.cols);
  cuda::launch(queue_of(stream), add_kernel, grid_for_each(left.rows, left.cols, lanes), kThreads,
               left.rows, left.cols, lanes, left.as<double>(), left.stride,
               right.as<const double>(), right.stride);
}

void standardize(Stream& stream, const Tile& x, std::span<const double> shift,
                 std::span<const double> scale, const Tile& out) {
  scale_tile<false>(stream, x, shift, scale, out);
}

void unstandardize(Stream& stream, const Tile& x, std::span<const double> shift,
                   std::span<const double> scale, const Tile& out) {
  scale_tile<true>(stream, x, shift, scale, out);
}

bool all_finite(Stream& stream, const Tile& x) {
  if (x.rows == 0 || x.cols == 0) return true;
  auto& queue = queue_of(stream);
  const auto [found] = workspace<int>(queue, 1);
  cuda::check(cudaMemsetAsync(found, 0, sizeof(int), queue.stream()));
  const int lanes = column_lanes(x.cols);
  visit_floating(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    cuda::launch(queue, finite_kernel<T>, grid_for_each(x.rows, x.cols, lanes), kThreads,
                 x.as<const T>(), x.rows, x.cols, x.stride, lanes, found);
  });
  int any = 0;
  cuda::check(cudaMemcpyAsync(&any, found, sizeof any, cudaMemcpyDeviceToHost, queue.stream()));
  queue.synchronize();
  return any == 0;
}

}  // namespace tessera::on_cuda
