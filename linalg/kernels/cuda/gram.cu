#include <algorithm>
#include <cmath>
#include <type_traits>

#include <tessera/linalg/kernels/cuda/gram.hpp>
#include <tessera/linalg/kernels/cuda/tile.cuh>

namespace tessera::on_cuda {
namespace {

constexpr int kThreads = 256;

// Rows whose products are added in T before they go to float64.
constexpr int kChain = 256;

// Without weights all rows of a leaf share one shift, the mean of the first kHead, as on the CPU.
constexpr int kHead = 192;

// Bytes of intermediate results for which leaves are taken at once.
constexpr std::int64_t kRoom = std::int64_t{1} << 28;

// Large tiles do more products per load from shared memory; small ones waste less on few columns.
using Large = Tiling<64, 64, 8, 4>;
using Small = Tiling<32, 32, 4, 4>;

// Blocks of a processor that the registers must be enough for; fewer for kernels that need more.
template <class T, class S, bool kMore>
constexpr int kResident = (sizeof(T) == 8 ? 256
                           : kMore        ? 384
                                          : 512) /
                          S::kThreads;

/// The columns [x, y] of the rows of a run.
template <class T>
struct Columns {
  const T* x;
  std::int64_t x_stride;
  std::int64_t p;
  const T* y;
  std::int64_t y_stride;
  std::int64_t q;
  Values<const T> weights;
  std::int64_t rows;
  std::int64_t leaf_rows;

  __host__ __device__ std::int64_t cols() const { return p + q; }
};

/// One column of the rows of a leaf; it does not exist where `at` is null.
template <class T>
struct Column {
  const T* at;
  std::int64_t stride;
};
template <class T>
__device__ Column<T> column_of(const Columns<T>& z, std::int64_t begin, std::int64_t j) {
  if (j < z.p) return {z.x + begin * z.x_stride + j, z.x_stride};
  if (j < z.cols()) return {z.y + begin * z.y_stride + (j - z.p), z.y_stride};
  return {nullptr, 0};
}

/// The weight of each leaf to its row of `out` and about the mean of each column to `shift` (leaves
/// x cols; null for none), exactly the constant for a constant column.
template <class T>
__global__ void __launch_bounds__(kThreads)
    head_kernel(Columns<T> z, int lanes, std::int64_t leaves, T* shift, double* out,
                std::int64_t out_stride) {
  __shared__ double room[kThreads];
  const int thread = static_cast<int>(threadIdx.x);
  const std::int64_t groups = shift ? (z.cols() + lanes - 1) / lanes : 1;
  for (std::int64_t block = blockIdx.x; block < leaves * groups; block += gridDim.x) {
    const std::int64_t leaf = block / groups;
    const auto [begin, rows] = leaf_rows_of(leaf, z.leaf_rows, z.rows);
    double weight = static_cast<double>(rows);
    if (z.weights) {
      weight = 0;
      for (std::int64_t r = thread; r < rows; r += kThreads)
        weight += static_cast<double>(z.weights[begin + r]);
      weight = sum_of_block(weight, 1, room);
    }
    if (block % groups == 0 && thread == 0) out[leaf * out_stride] = weight;
    if (!shift) continue;
    const std::int64_t j = block % groups * lanes + thread % lanes;
    const Column<T> column = column_of(z, begin, j);
    const bool valid = column.at && rows > 0;
    const double first = valid ? static_cast<double>(column.at[0]) : 0.0;
    // A block's weight may be any small part of the whole, so weights need the mean of all rows.
    const std::int64_t head = z.weights || rows < kHead ? rows : kHead;
    double sum = 0;
    if (valid) {
      for (std::int64_t r = thread / lanes; r < head; r += kThreads / lanes) {
        const double v = static_cast<double>(column.at[r * column.stride]) - first;
        sum += z.weights ? static_cast<double>(z.weights[begin + r]) * v : v;
      }
    }
    sum = sum_of_block(sum, lanes, room);
    if (thread < lanes && column.at)
      shift[leaf * z.cols() + j] =
          static_cast<T>(first + sum / (z.weights ? weight : static_cast<double>(head)));
  }
}

/// Calls store(i, j, sum of a_i b_j over the rows of a leaf) for S::kRows columns a by S::kCols
/// columns b, the same ones if `same`, and if `with_sums` store_sum(i, sum of a_i). Each value is
/// shifted and, with weights, times the square root of its row's weight.
template <class S, bool kWeighted, class T, class Store, class StoreSum>
__device__ __forceinline__ void column_products(Column<T> a, T a_shift, Column<T> b, T b_shift,
                                                bool same, Values<const T> weights, int rows,
                                                bool with_sums, const Store& store,
                                                const StoreSum& store_sum) {
  static_assert(S::kRows == S::kCols);
  constexpr bool kWide = std::is_same_v<T, double>;
  constexpr int kStep = S::kThreads / S::kCols;  // rows that the block loads at once
  constexpr int kLoads = S::kDepth / kStep;
  __shared__ __align__(16) T panel[2][S::kDepth][S::kCols];
  // In shared memory, since in registers they would cost float32 half its warps per processor.
  __shared__ double totals[kWide ? 1 : S::R * S::C][kWide ? 1 : S::kThreads];
  const int thread = static_cast<int>(threadIdx.x);
  const int col = thread % S::kCols;
  const int row = thread / S::kCols;
  const bool has_a = a.at, has_b = b.at && !same;
  if (has_a) a.at += row * a.stride;
  if (has_b) b.at += row * b.stride;
  T next_a[kLoads] = {}, next_b[kLoads] = {}, next_w[kWeighted ? kLoads : 1] = {};
  T acc[S::R][S::C];
  T chain = 0;
  double sum = 0;
  const auto fetch = [&](int begin) {
#pragma unroll
    for (int u = 0; u < kLoads; ++u) {
      const int r = begin + row + u * kStep;
      if (r < rows && has_a) next_a[u] = __ldg(a.at);
      if (r < rows && has_b) next_b[u] = __ldg(b.at);
      if (kWeighted && r < rows) next_w[kWeighted ? u : 0] = weights[r];
      a.at += kStep * a.stride;
      b.at += kStep * b.stride;
    }
  };
#pragma unroll
  for (int r = 0; r < S::R; ++r)
#pragma unroll
    for (int c = 0; c < S::C; ++c) {
      acc[r][c] = T(0);
      if constexpr (!kWide) totals[r * S::C + c][thread] = 0;
    }
  fetch(0);
  for (int begin = 0; begin < rows; begin += S::kDepth) {
    __syncthreads();
#pragma unroll
    for (int u = 0; u < kLoads; ++u) {
      const bool inside = begin + row + u * kStep < rows;
      T va = inside && has_a ? next_a[u] - a_shift : T(0);
      T vb = inside && has_b ? next_b[u] - b_shift : T(0);
      T weighted = va;
      if constexpr (kWeighted) {
        const T root = inside ? sqrt(next_w[u]) : T(0);
        va *= root;
        vb *= root;
        weighted = va * root;
      }
      chain += weighted;
      panel[0][row + u * kStep][col] = va;
      if (!same) panel[1][row + u * kStep][col] = vb;
    }
    __syncthreads();
    fetch(begin + S::kDepth);
    multiply<S, false>(panel[0], panel[same ? 0 : 1],
                       rows - begin < S::kDepth ? rows - begin : S::kDepth, acc);
    if ((begin + S::kDepth) % kChain == 0 || rows - begin <= S::kDepth) {
      sum += static_cast<double>(chain);
      chain = 0;
      if constexpr (!kWide) {
#pragma unroll
        for (int r = 0; r < S::R; ++r)
#pragma unroll
          for (int c = 0; c < S::C; ++c) {
            totals[r * S::C + c][thread] += static_cast<double>(acc[r][c]);
            acc[r][c] = 0;
          }
      }
    }
  }
#pragma unroll
  for (int r = 0; r < S::R; ++r)
#pragma unroll
    for (int c = 0; c < S::C; ++c) {
      if constexpr (kWide)
        store(S::first_row() + r, S::col(c), acc[r][c]);
      else
        store(S::first_row() + r, S::col(c), totals[r * S::C + c][thread]);
    }
  __syncthreads();
  if (!with_sums) return;
  double* sums = reinterpret_cast<double*>(panel);  // its values are no longer needed
  sums[thread] = sum;
  __syncthreads();
  if (thread < S::kCols) {
    for (int i = 1; i < kStep; ++i) sum += sums[thread + i * S::kCols];
    store_sum(thread, sum);
  }
  __syncthreads();
}

/// Sums of products of the columns of each leaf, a block for each tile on or above the diagonal of
/// each Gram matrix, relative to `shift`; with a shift the sums of the columns go to `sums`.
template <class T, class S, bool kWeighted>
__global__ void __launch_bounds__(S::kThreads, kResident<T, S, kWeighted>)
    gram_kernel(Columns<T> z, std::int64_t leaves, const T* shift, double* sums, double* out,
                std::int64_t out_stride) {
  const std::int64_t m = z.cols();
  const std::int64_t side = (m + S::kCols - 1) / S::kCols;
  const std::int64_t pairs = side * (side + 1) / 2;
  for (std::int64_t block = blockIdx.x; block < leaves * pairs; block += gridDim.x) {
    const std::int64_t leaf = block / pairs;
    std::int64_t i = 0, j = block % pairs;
    for (; j >= side - i; ++i) j -= side - i;
    const bool same = j == 0;
    const std::int64_t first_row = i * S::kCols;
    const std::int64_t first_col = (i + j) * S::kCols;
    const auto [begin, rows] = leaf_rows_of(leaf, z.leaf_rows, z.rows);
    double* mean = out + leaf * out_stride + 1;
    double* gram = mean + m;
    const bool empty = mean[-1] == 0;  // all weights are 0
    const std::int64_t a = first_row + threadIdx.x % S::kCols;
    const std::int64_t b = first_col + threadIdx.x % S::kCols;
    column_products<S, kWeighted>(
        column_of(z, begin, a), shift && a < m ? shift[leaf * m + a] : T(0), column_of(z, begin, b),
        shift && b < m ? shift[leaf * m + b] : T(0), same, z.weights.from(begin),
        empty ? 0 : static_cast<int>(rows), same,
        [&](int r, int c, double sum) {
          const std::int64_t row = first_row + r;
          const std::int64_t col = first_col + c;
          if (row >= m || col >= m) return;
          gram[row * m + col] = sum;
          if (!same) gram[col * m + row] = sum;
        },
        [&](int r, double sum) {
          if (first_row + r >= m) return;
          if (shift)
            sums[leaf * m + first_row + r] = sum;
          else
            mean[first_row + r] = 0;
        });
  }
}

/// The mean, and the Gram about it instead of about the shift.
template <class T>
__global__ void __launch_bounds__(kThreads)
    center_kernel(std::int64_t m, std::int64_t leaves, const T* shift, const double* sums,
                  double* out, std::int64_t out_stride) {
  const std::int64_t size = m + m * m;
  const std::int64_t blocks = (size + kThreads - 1) / kThreads;
  for (std::int64_t block = blockIdx.x; block < leaves * blocks; block += gridDim.x) {
    const std::int64_t leaf = block / blocks;
    const std::int64_t e = block % blocks * kThreads + threadIdx.x;
    if (e >= size) continue;
    double* mean = out + leaf * out_stride + 1;
    const double weight = mean[-1];
    const double* sum = sums + leaf * m;
    if (e < m) {
      mean[e] = weight == 0 ? 0.0 : static_cast<double>(shift[leaf * m + e]) + sum[e] / weight;
    } else if (weight != 0) {
      const std::int64_t i = e / m - 1;
      // The product is formed before the division so that (i, j) and (j, i) get the same bits.
      mean[e] -= sum[i] * sum[e - (i + 1) * m] / weight;
    }
  }
}

template <class T, class S>
void run_gram(cuda::Queue& queue, const Columns<T>& z, bool center, const Tile& out) {
  const std::int64_t m = z.cols();
  const std::int64_t leaves = out.rows;
  const auto room = static_cast<std::size_t>(center ? leaves * m : 0);
  auto [shift, sums] = workspace<T, double>(queue, room, room);
  if (!center) shift = nullptr;
  auto* to = out.as<double>();
  const int lanes = column_lanes(m);
  cuda::launch(queue, head_kernel<T>, grid_of(leaves * (center ? ceil_div(m, lanes) : 1)), kThreads,
               z, lanes, leaves, shift, to, out.stride);
  if (m == 0) return;
  const std::int64_t side = ceil_div(m, S::kCols);
  cuda::launch(queue, z.weights.at ? gram_kernel<T, S, true> : gram_kernel<T, S, false>,
               grid_of(leaves * (side * (side + 1) / 2)), S::kThreads, z, leaves,
               static_cast<const T*>(shift), sums, to, out.stride);
  if (center)
    cuda::launch(queue, center_kernel<T>, grid_of(leaves * ceil_div(m + m * m, kThreads)), kThreads,
                 m, leaves, static_cast<const T*>(shift), static_cast<const double*>(sums), to,
                 out.stride);
}

/// Chan et al. in matrix form for the m x m values behind the means.
__global__ void __launch_bounds__(kThreads)
    merge_kernel(std::int64_t m, std::int64_t first, std::int64_t gram_rows, std::int64_t rows,
                 double* left, std::int64_t left_stride, const double* right,
                 std::int64_t right_stride) {
  const std::int64_t blocks = (m * gram_rows + kThreads - 1) / kThreads;
  for (std::int64_t block = blockIdx.x; block < rows * blocks; block += gridDim.x) {
    const std::int64_t e = block % blocks * kThreads + threadIdx.x;
    if (e >= m * gram_rows) continue;
    double* mine = left + block / blocks * left_stride;
    const double* other = right + block / blocks * right_stride;
    const double total = mine[0] + other[0];
    const double shared = total != 0 ? mine[0] * other[0] / total : 0.0;
    const std::int64_t i = 1 + first + e / m;
    const std::int64_t j = 1 + e % m;
    const double scale = shared * (other[i] - mine[i]);
    mine[1 + m + e] += other[1 + m + e] + scale * (other[j] - mine[j]);
  }
}
/// And for the weight and the means, after that.
__global__ void __launch_bounds__(kThreads)
    merge_means_kernel(std::int64_t m, std::int64_t rows, double* left, std::int64_t left_stride,
                       const double* right, std::int64_t right_stride) {
  for (std::int64_t row = blockIdx.x; row < rows; row += gridDim.x) {
    double* mine = left + row * left_stride;
    const double* other = right + row * right_stride;
    const double total = mine[0] + other[0];
    if (total != 0)
      for (std::int64_t j = 1 + threadIdx.x; j <= m; j += kThreads)
        mine[j] += (other[j] - mine[j]) * (other[0] / total);
    __syncthreads();
    if (threadIdx.x == 0) mine[0] = total;
  }
}

using Product = Tiling<128, 32, 8, 4>;

// Columns whose products are added up before they are added to the others, for long rows.
template <class T>
constexpr int kRowChain = sizeof(T) == 4 ? 512 : 0;

/// c = alpha x y^T + beta c; a row of c depends on that row of x alone.
template <class T>
__global__ void __launch_bounds__(Product::kThreads, 3)
    rows_kernel(Side<T> x, std::int64_t rows, Side<T> y, std::int64_t cols, int depth, T alpha,
                T beta, T* c, std::int64_t c_stride) {
  using S = Product;
  const std::int64_t groups = (cols + S::kCols - 1) / S::kCols;
  const std::int64_t blocks = (rows + S::kRows - 1) / S::kRows * groups;
  for (std::int64_t block = blockIdx.x; block < blocks; block += gridDim.x) {
    const std::int64_t row = block / groups * S::kRows;
    const std::int64_t col = block % groups * S::kCols;
    const int height = static_cast<int>(rows - row < S::kRows ? rows - row : S::kRows);
    const int width = static_cast<int>(cols - col < S::kCols ? cols - col : S::kCols);
    T acc[S::R][S::C];
    row_products<S, false, kRowChain<T>>(
        Side<T>{x.at + row * x.row_step, x.row_step, x.step, x.shift}, height,
        Side<T>{y.at + col * y.row_step, y.row_step, y.step, y.shift}, width, depth, acc);
#pragma unroll
    for (int i = 0; i < S::R; ++i)
#pragma unroll
      for (int j = 0; j < S::C; ++j) {
        if (S::first_row() + i >= height || S::col(j) >= width) continue;
        T& to = c[(row + S::first_row() + i) * c_stride + col + S::col(j)];
        to = beta == 0 ? alpha * acc[i][j] : alpha * acc[i][j] + beta * to;
      }
  }
}

template <class T>
void multiply_rows(cuda::Queue& queue, const Tile& a, const T* shift, const Tile& b,
                   bool transposed, double alpha, double beta, const Tile& c) {
  const Side<T> rows{a.as<const T>(), a.stride, 1, shift};
  const Side<T> cols{b.as<const T>(), transposed ? b.stride : 1, transposed ? 1 : b.stride};
  cuda::launch(queue, rows_kernel<T>,
               grid_of(ceil_div(c.rows, Product::kRows) * ceil_div(c.cols, Product::kCols)),
               Product::kThreads, rows, c.rows, cols, c.cols, static_cast<int>(a.cols),
               static_cast<T>(alpha), static_cast<T>(beta), c.as<T>(), c.stride);
}

/// out (p x l) of each leaf = (x - mean)^T y.
template <class T, class S>
__global__ void __launch_bounds__(S::kThreads, kResident<T, S, true>)
    product_kernel(Columns<T> x, const T* mean, const T* y, std::int64_t l, std::int64_t leaves,
                   double* out, std::int64_t out_stride) {
  const std::int64_t height = (x.p + S::kCols - 1) / S::kCols;
  const std::int64_t width = (l + S::kCols - 1) / S::kCols;
  for (std::int64_t block = blockIdx.x; block < leaves * height * width; block += gridDim.x) {
    const std::int64_t leaf = block / (height * width);
    const std::int64_t first_row = block / width % height * S::kCols;
    const std::int64_t first_col = block % width * S::kCols;
    const auto [begin, rows] = leaf_rows_of(leaf, x.leaf_rows, x.rows);
    const std::int64_t a = first_row + threadIdx.x % S::kCols;
    const std::int64_t b = first_col + threadIdx.x % S::kCols;
    column_products<S, false>(
        column_of(x, begin, a), mean && a < x.p ? mean[a] : T(0),
        Column<T>{b < l ? y + begin * l + b : nullptr, l}, T(0), false, x.weights,
        static_cast<int>(rows), false,
        [&](int r, int c, double sum) {
          if (first_row + r < x.p && first_col + c < l)
            out[leaf * out_stride + (first_row + r) * l + first_col + c] = sum;
        },
        [](int, double) {});
  }
}

template <class T>
Columns<T> columns_of(const Tile& x, std::int64_t leaf_rows, const Tile& y, const Tile& weights) {
  return {x.as<const T>(),          x.stride, x.cols,   y.as<const T>(), y.stride, y.cols,
          Values<const T>(weights), x.rows,   leaf_rows};
}

}  // namespace

void leaf_gram(Stream& stream, const Tile& x, std::int64_t leaf_rows, const Tile& y,
               const Tile& weights, bool center, const Tile& out) {
  if (out.rows == 0) return;
  visit_floating(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const Columns<T> z = columns_of<T>(x, leaf_rows, y, weights);
    const auto run = z.cols() <= Small::kCols ? run_gram<T, Small> : run_gram<T, Large>;
    run(queue_of(stream), z, center, out);
  });
}

void gemm_rows(Stream& stream, double alpha, const Tile& a, const Tile& b, bool transposed,
               double beta, const Tile& c) {
  if (c.rows == 0 || c.cols == 0) return;
  visit_floating(c.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    multiply_rows<T>(queue_of(stream), a, nullptr, b, transposed, alpha, beta, c);
  });
}

void merge_grams(Stream& stream, std::int64_t m, std::int64_t first, const Tile& left,
                 const Tile& right) {
  if (left.rows == 0) return;
  const std::int64_t gram_rows = m > 0 ? (left.cols - 1 - m) / m : 0;
  auto& queue = queue_of(stream);
  if (gram_rows > 0)
    cuda::launch(queue, merge_kernel, grid_of(left.rows * ceil_div(m * gram_rows, kThreads)),
                 kThreads, m, first, gram_rows, left.rows, left.as<double>(), left.stride,
                 right.as<const double>(), right.stride);
  cuda::launch(queue, merge_means_kernel, grid_of(left.rows), kThreads, m, left.rows,
               left.as<double>(), left.stride, right.as<const double>(), right.stride);
}

void leaf_gram_product(Stream& stream, const Tile& x, std::int64_t leaf_rows,
                       std::span<const double> mean, const Tile& q, const Tile& out) {
  if (x.cols == 0 || q.cols == 0 || out.rows == 0) return;
  auto& queue = queue_of(stream);
  visit_floating(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const std::int64_t l = q.cols;
    const std::int64_t n = std::min(leaf_rows, std::max<std::int64_t>(1, x.rows));
    const std::int64_t at_once = std::clamp<std::int64_t>(
        kRoom / (n * l * static_cast<std::int64_t>(sizeof(T))), 1, out.rows);
    auto [means, y] =
        workspace<T, T>(queue, mean.size(), static_cast<std::size_t>(at_once * n * l));
    const T* const shift = upload(queue, mean, means);
    for (std::int64_t first = 0; first < out.rows; first += at_once) {
      const std::int64_t leaves = std::min(at_once, out.rows - first);
      const std::int64_t begin = std::min(x.rows, first * n);
      const Tile run = x.slice(begin, std::min(leaves * n, x.rows - begin));
      multiply_rows<T>(queue, run, shift, q, false, 1, 0,
                       Tile{y, run.rows, l, l, x.dtype, x.device});
      cuda::launch(queue, product_kernel<T, Large>,
                   grid_of(leaves * ceil_div(x.cols, Large::kCols) * ceil_div(l, Large::kCols)),
                   Large::kThreads, columns_of<T>(run, n, {}, {}), shift, static_cast<const T*>(y),
                   l, leaves, out.slice(first, 1).as<double>(), out.stride);
    }
  });
}

}  // namespace tessera::on_cuda
