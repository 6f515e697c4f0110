#include <algorithm>
#include <cmath>

#include <tessera/estimators/kernels/cuda/kmeans.hpp>
#include <tessera/linalg/kernels/cuda/tile.cuh>

namespace tessera::on_cuda {
namespace {

constexpr int kThreads = 256;

// Squared differences are added in chains of so many columns, then the chains, as on the CPU.
constexpr int kChain = 512;

// Bytes of intermediate results for which leaves are taken at once.
constexpr std::int64_t kRoom = std::int64_t{1} << 28;

/// 128 rows by 8 C centres.
template <int C>
using RowsBy = Tiling<128, 8 * C, 8, C>;
constexpr int kTileRows = RowsBy<1>::kRows;
constexpr int kTileThreads = RowsBy<1>::kThreads;

template <class T>
struct Rows {
  const T* at;
  std::int64_t stride;
  std::int64_t rows;
  int cols;
  explicit Rows(const Tile& t)
      : at(t.as<const T>()), stride(t.stride), rows(t.rows), cols(static_cast<int>(t.cols)) {}
  template <bool kNegated = false>
  __device__ Side<T, kNegated> side(std::int64_t first, const T* shift = nullptr) const {
    return {at + first * stride, stride, 1, shift};
  }
};

/// A run of leaves of which each is cut into pieces of kTileRows rows. A piece never has rows of
/// two leaves, and may have none.
struct Pieces {
  std::int64_t leaves;
  std::int64_t leaf_rows;
  std::int64_t per_leaf;
  Pieces(std::int64_t run, std::int64_t rows)
      : leaves(run), leaf_rows(rows), per_leaf(ceil_div(rows, kTileRows)) {}
  __host__ __device__ std::int64_t size() const { return leaves * per_leaf; }
  __device__ LeafRows rows_of(std::int64_t piece, std::int64_t rows) const {
    const LeafRows leaf = leaf_rows_of(piece / per_leaf, leaf_rows, rows);
    const std::int64_t skipped = piece % per_leaf * kTileRows;
    const std::int64_t left = leaf.rows - skipped;
    return {leaf.begin + skipped, left < 0 ? 0 : left < kTileRows ? left : kTileRows};
  }
};

__device__ inline int at_most(std::int64_t n, int most) {
  return n < most ? static_cast<int>(n) : most;
}

// ---- assign_nearest ----

/// |c|^2 / 2 of each centre, a warp for each.
template <class T>
__global__ void __launch_bounds__(kThreads) half_norm_kernel(Rows<T> centers, T* half_norms) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  for (std::int64_t j = blockIdx.x * std::int64_t{kThreads / 32} + threadIdx.x / 32;
       j < centers.rows; j += gridDim.x * std::int64_t{kThreads / 32}) {
    double norm = 0;
    for (std::int64_t t = lane; t < centers.cols; t += 32) {
      const auto v = static_cast<double>(centers.at[j * centers.stride + t]);
      norm = fma(v, v, norm);
    }
    for (int step = 16; step > 0; step /= 2) norm += __shfl_xor_sync(0xffffffffu, norm, step);
    if (lane == 0) half_norms[j] = static_cast<T>(0.5 * norm);
  }
}

/// What assign_kernel adds up for a piece.
struct PieceSums {
  double inertia;
  int changed;
};

/// The sum of w |x - offset - c_label|^2 over the rows of a piece, `lanes` threads to a row.
template <class T>
__device__ double inertia_of(const Rows<T>& x, LeafRows piece, const Rows<T>& centers,
                             const T* offset, Values<const T> weights, const int* labels, int lanes,
                             double* room) {
  const int thread = static_cast<int>(threadIdx.x);
  double sum = 0;
  for (int first = 0; first < piece.rows; first += kTileThreads / lanes) {
    const int r = first + thread / lanes;
    T square = 0;
    if (r < piece.rows) {
      const T* row = x.at + (piece.begin + r) * x.stride;
      const T* center = centers.at + labels[r] * centers.stride;
      for (std::int64_t t = thread % lanes; t < x.cols; t += lanes) {
        const T v = (offset ? row[t] - offset[t] : row[t]) - center[t];
        square = fma(v, v, square);
      }
    }
    auto wide = static_cast<double>(square);
    for (int step = lanes / 2; step > 0; step /= 2)
      wide += __shfl_xor_sync(0xffffffffu, wide, step);
    if (r < piece.rows && thread % lanes == 0)
      sum = fma(weights ? static_cast<double>(weights[piece.begin + r]) : 1.0, wide, sum);
  }
  return sum_of_block(sum, 1, room);
}

/// Labels, and what a piece adds up beside the sums of its clusters. lanes: 0 for no inertia.
template <class T, class S>
__global__ void __launch_bounds__(S::kThreads, sizeof(T) == 4 ? 3 : 2)
    assign_kernel(Rows<T> x, Pieces pieces, Rows<T> centers, const T* offset, const T* half_norms,
                  Values<const T> weights, Values<std::int32_t> labels, int lanes,
                  PieceSums* sums) {
  constexpr T kInfinity = static_cast<T>(INFINITY);
  __shared__ int label_of[S::kRows];
  __shared__ double room[S::kThreads];
  const int thread = static_cast<int>(threadIdx.x);
  for (std::int64_t block = blockIdx.x; block < pieces.size(); block += gridDim.x) {
    const LeafRows piece = pieces.rows_of(block, x.rows);
    const int count = static_cast<int>(piece.rows);
    T best[S::R];
    int nearest[S::R];
#pragma unroll
    for (int r = 0; r < S::R; ++r) {
      best[r] = kInfinity;
      nearest[r] = 0;
    }
    for (std::int64_t first = 0; first < centers.rows; first += S::kCols) {
      const int width = at_most(centers.rows - first, S::kCols);
      T acc[S::R][S::C];
      row_products<S, false, 0>(x.side(piece.begin, offset), count,
                                centers.template side<true>(first), width, x.cols, acc);
#pragma unroll
      for (int c = 0; c < S::C; ++c) {
        if (S::col(c) >= width) continue;
        const int j = static_cast<int>(first) + S::col(c);
        // Last, because it is the larger: distances that are equal then mostly come out equal.
        const T norm = half_norms[j];
#pragma unroll
        for (int r = 0; r < S::R; ++r) {
          const T value = acc[r][c] + norm;
          if (value < best[r]) {
            best[r] = value;
            nearest[r] = j;
          }
        }
      }
    }
#pragma unroll
    for (int r = 0; r < S::R; ++r) {
      for (int step = S::kThreadCols / 2; step > 0; step /= 2) {
        const T value = __shfl_xor_sync(0xffffffffu, best[r], step);
        const int j = __shfl_xor_sync(0xffffffffu, nearest[r], step);
        if (value < best[r] || (value == best[r] && j < nearest[r])) {
          best[r] = value;
          nearest[r] = j;
        }
      }
      if (thread % S::kThreadCols == 0) label_of[S::first_row() + r] = nearest[r];
    }
    __syncthreads();
    int changed = 0;
    if (thread < count) {
      std::int32_t& label = labels[piece.begin + thread];
      changed = label != label_of[thread];
      label = label_of[thread];
    }
    changed = __syncthreads_count(changed);
    double inertia = 0;
    if (lanes > 0) inertia = inertia_of(x, piece, centers, offset, weights, label_of, lanes, room);
    if (thread == 0) sums[block] = {inertia, changed};
    __syncthreads();
  }
}

// Rows that a thread sorts, and the bits of a label that one round looks at.
constexpr int kItems = most_leaf_rows / kThreads;
constexpr int kBits = 4;
constexpr int kDigits = 1 << kBits;
constexpr int kRowBits = 12;
static_assert(most_leaf_rows == 1 << kRowBits && most_centers <= 1 << (32 - kRowBits));
static_assert(kDigits == kItems, "a thread adds up as many counters as it sorts rows");

/// Where item i lies, so that threads that take consecutive runs of them find them in different
/// banks.
__device__ constexpr int spread(int i) { return i + i / kItems; }

/// The sum of the values of the threads before this one.
__device__ inline int sum_before(int value, int* room) {
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int warp = static_cast<int>(threadIdx.x) / 32;
  int sum = value;
  for (int step = 1; step < 32; step *= 2) {
    const int other = __shfl_up_sync(0xffffffffu, sum, static_cast<unsigned>(step));
    if (lane >= step) sum += other;
  }
  if (lane == 31) room[warp] = sum;
  __syncthreads();
  for (int i = 0; i < warp; ++i) sum += room[i];
  __syncthreads();
  return sum - value;
}

/// AssignmentParts for the device; d is 0 without sums.
struct Parts {
  std::int64_t k;
  std::int64_t d;
  std::int64_t counts_at;
  std::int64_t inertia_at;
  std::int64_t changed_at;
  explicit Parts(const AssignmentParts& p)
      : k(p.k),
        d(p.sums ? p.d : 0),
        counts_at(p.counts_at()),
        inertia_at(p.inertia_at()),
        changed_at(p.changed_at()) {}
};

/// order (leaf_rows for each leaf) = the rows of the leaf by label, equal ones in their order;
/// starts (k + 1 for each leaf) = where each label starts. A block sorts a leaf, label and row
/// packed in 32 bits, digit by digit. It also adds up what the leaf's pieces have.
__global__ void __launch_bounds__(kThreads)
    sort_kernel(Values<std::int32_t> labels, std::int64_t rows, Pieces pieces, Parts parts,
                const PieceSums* sums, std::uint16_t* order, int* starts, double* out,
                std::int64_t out_stride) {
  __shared__ std::uint32_t items[spread(most_leaf_rows)];
  __shared__ std::uint16_t counters[spread(kDigits * kThreads)];
  __shared__ int room[kThreads / 32];
  const int thread = static_cast<int>(threadIdx.x);
  const auto k = static_cast<std::uint32_t>(parts.k);
  for (std::int64_t leaf = blockIdx.x; leaf < pieces.leaves; leaf += gridDim.x) {
    const LeafRows range = leaf_rows_of(leaf, pieces.leaf_rows, rows);
    const int count = static_cast<int>(range.rows);
    for (int i = thread; i < most_leaf_rows; i += kThreads)
      items[spread(i)] =
          i < count ? static_cast<std::uint32_t>(labels[range.begin + i]) << kRowBits | i : ~0u;
    for (int shift = 0; (k - 1) >> shift > 0; shift += kBits) {
      __syncthreads();
      std::uint32_t mine[kItems];
      const auto counter = [&](std::uint32_t item) -> std::uint16_t& {
        return counters[spread((item >> (kRowBits + shift)) % kDigits * kThreads + thread)];
      };
      for (int i = 0; i < kDigits; ++i) counters[spread(i * kThreads + thread)] = 0;
#pragma unroll
      for (int i = 0; i < kItems; ++i) {
        mine[i] = items[spread(thread * kItems + i)];
        ++counter(mine[i]);
      }
      __syncthreads();
      int sum = 0;
      for (int i = 0; i < kDigits; ++i) sum += counters[spread(thread * kDigits + i)];
      sum = sum_before(sum, room);
      for (int i = 0; i < kDigits; ++i) {
        std::uint16_t& c = counters[spread(thread * kDigits + i)];
        const int size = c;
        c = static_cast<std::uint16_t>(sum);
        sum += size;
      }
      __syncthreads();
#pragma unroll
      for (int i = 0; i < kItems; ++i) items[spread(counter(mine[i])++)] = mine[i];
    }
    __syncthreads();
    for (int i = thread; i < count; i += kThreads)
      order[leaf * pieces.leaf_rows + i] =
          static_cast<std::uint16_t>(items[spread(i)] % most_leaf_rows);
    for (std::uint32_t j = threadIdx.x; j <= k; j += kThreads) {
      int low = 0, high = count;  // the first item whose label is at least j
      while (low < high) {
        const int middle = (low + high) / 2;
        if (items[spread(middle)] >> kRowBits < j)
          low = middle + 1;
        else
          high = middle;
      }
      starts[leaf * (parts.k + 1) + j] = low;
    }
    if (thread == 0) {
      PieceSums all{0, 0};
      for (std::int64_t i = 0; i < pieces.per_leaf; ++i) {
        all.inertia += sums[leaf * pieces.per_leaf + i].inertia;
        all.changed += sums[leaf * pieces.per_leaf + i].changed;
      }
      out[leaf * out_stride + parts.inertia_at] = all.inertia;
      out[leaf * out_stride + parts.changed_at] = all.changed;
    }
    __syncthreads();
  }
}

/// Sums and weights of the clusters of each leaf: a block takes `chunk` clusters, one after
/// another, and `lanes` columns; the weight is one column more where it has to be added up.
template <class T>
__global__ void __launch_bounds__(kThreads)
    cluster_kernel(Rows<T> x, Pieces pieces, const T* offset, Values<const T> weights, Parts parts,
                   const std::uint16_t* order, const int* starts, int lanes, int chunk, double* out,
                   std::int64_t out_stride) {
  __shared__ double room[kThreads];
  const std::int64_t d = parts.d;
  const bool weight_column = weights || d == 0;
  const std::int64_t cols = d + (weight_column ? 1 : 0);
  const std::int64_t groups = (cols + lanes - 1) / lanes;
  const std::int64_t chunks = (parts.k + chunk - 1) / chunk;
  const int row = static_cast<int>(threadIdx.x) / lanes;
  for (std::int64_t block = blockIdx.x; block < pieces.leaves * chunks * groups;
       block += gridDim.x) {
    const std::int64_t leaf = block / (chunks * groups);
    const std::int64_t col = block % groups * lanes + threadIdx.x % lanes;
    const std::int64_t begin = leaf * pieces.leaf_rows;
    const T* column = x.at + begin * x.stride + col;
    const double origin = offset && col < d ? static_cast<double>(offset[col]) : 0.0;
    double* to = out + leaf * out_stride;
    const std::int64_t first = block / groups % chunks * chunk;
    for (std::int64_t j = first; j < first + chunk && j < parts.k; ++j) {
      const int start = starts[leaf * (parts.k + 1) + j];
      const int end = starts[leaf * (parts.k + 1) + j + 1];
      double sum = 0;
      if (col < cols) {
#pragma unroll 4
        for (int i = start + row; i < end; i += kThreads / lanes) {
          const int r = order[begin + i];
          const double v = col < d ? static_cast<double>(column[r * x.stride]) - origin : 1.0;
          sum = weights ? fma(static_cast<double>(weights[begin + r]), v, sum) : sum + v;
        }
      }
      if (start < end) sum = sum_of_block(sum, lanes, room);
      if (row != 0) continue;
      if (col < cols) to[col < d ? j * d + col : parts.counts_at + j] = sum;
      if (!weight_column && col == 0) to[parts.counts_at + j] = end - start;
    }
  }
}

// ---- direct differences ----

/// sums (pieces x m) = sum w min(closest, |x - c|^2) over the rows of each piece.
template <class T, class S>
__global__ void __launch_bounds__(S::kThreads)
    potential_kernel(Rows<T> x, Pieces pieces, Rows<T> candidates, Values<const T> weights,
                     Values<const T> closest, double* sums) {
  __shared__ double room[S::kRows / S::R][S::kCols];
  const std::int64_t m = candidates.rows;
  const std::int64_t groups = (m + S::kCols - 1) / S::kCols;
  for (std::int64_t block = blockIdx.x; block < pieces.size() * groups; block += gridDim.x) {
    const LeafRows piece = pieces.rows_of(block / groups, x.rows);
    const std::int64_t first = block % groups * S::kCols;
    const int width = at_most(m - first, S::kCols);
    T acc[S::R][S::C];
    row_products<S, true, kChain>(x.side(piece.begin), static_cast<int>(piece.rows),
                                  candidates.side(first), width, x.cols, acc);
    double sum[S::C] = {};
#pragma unroll
    for (int r = 0; r < S::R; ++r) {
      const int row = S::first_row() + r;
      if (row >= piece.rows) continue;
      const T most = closest[piece.begin + row];
      const double w = weights ? static_cast<double>(weights[piece.begin + row]) : 1.0;
#pragma unroll
      for (int c = 0; c < S::C; ++c)
        sum[c] = fma(w, static_cast<double>(acc[r][c] < most ? acc[r][c] : most), sum[c]);
    }
    __syncthreads();
#pragma unroll
    for (int c = 0; c < S::C; ++c) room[S::first_row() / S::R][S::col(c)] = sum[c];
    __syncthreads();
    if (static_cast<int>(threadIdx.x) < width) {
      double total = 0;
      for (int i = 0; i < S::kRows / S::R; ++i) total += room[i][threadIdx.x];
      sums[block / groups * m + first + threadIdx.x] = total;
    }
  }
}

/// closest = min(closest, |x - c|^2); sums (pieces) = sum w closest over the rows of each piece.
template <class T, class S>
__global__ void __launch_bounds__(S::kThreads, 2)
    update_kernel(Rows<T> x, Pieces pieces, Rows<T> centers, Values<const T> weights,
                  Values<T> closest, double* sums) {
  __shared__ double room[S::kThreads];
  for (std::int64_t block = blockIdx.x; block < pieces.size(); block += gridDim.x) {
    const LeafRows piece = pieces.rows_of(block, x.rows);
    T best[S::R];
#pragma unroll
    for (int r = 0; r < S::R; ++r) {
      const int row = S::first_row() + r;
      best[r] = row < piece.rows ? closest[piece.begin + row] : T(0);
    }
    for (std::int64_t first = 0; first < centers.rows; first += S::kCols) {
      const int width = at_most(centers.rows - first, S::kCols);
      T acc[S::R][S::C];
      row_products<S, true, kChain>(x.side(piece.begin), static_cast<int>(piece.rows),
                                    centers.side(first), width, x.cols, acc);
#pragma unroll
      for (int c = 0; c < S::C; ++c)
#pragma unroll
        for (int r = 0; r < S::R; ++r)
          if (S::col(c) < width && acc[r][c] < best[r]) best[r] = acc[r][c];
    }
    double sum = 0;
#pragma unroll
    for (int r = 0; r < S::R; ++r) {
      for (int step = S::kThreadCols / 2; step > 0; step /= 2) {
        const T other = __shfl_xor_sync(0xffffffffu, best[r], step);
        if (other < best[r]) best[r] = other;
      }
      const std::int64_t row = piece.begin + S::first_row() + r;
      if (threadIdx.x % S::kThreadCols != 0 || row >= piece.begin + piece.rows) continue;
      closest[row] = best[r];
      sum =
          fma(weights ? static_cast<double>(weights[row]) : 1.0, static_cast<double>(best[r]), sum);
    }
    sum = sum_of_block(sum, 1, room);
    if (threadIdx.x == 0) sums[block] = sum;
  }
}

/// out (leaves x m) = the sums of each leaf's pieces.
__global__ void __launch_bounds__(kThreads)
    add_pieces_kernel(Pieces pieces, std::int64_t m, const double* sums, double* out,
                      std::int64_t out_stride) {
  for (std::int64_t e = blockIdx.x * std::int64_t{kThreads} + threadIdx.x; e < pieces.leaves * m;
       e += gridDim.x * std::int64_t{kThreads}) {
    const std::int64_t leaf = e / m;
    double sum = 0;
    for (std::int64_t i = 0; i < pieces.per_leaf; ++i)
      sum += sums[(leaf * pieces.per_leaf + i) * m + e % m];
    out[leaf * out_stride + e % m] = sum;
  }
}

/// The root of |x_i - c_j|^2, or the distance by scaled differences where that leaves the range of
/// T.
template <class T>
__device__ T root_of(T square, const Rows<T>& x, std::int64_t i, const Rows<T>& centers,
                     std::int64_t j) {
  constexpr T kLeast = sizeof(T) == 4 ? T(0x1p-96) : T(0x1p-960);
  if ((square >= kLeast && square < static_cast<T>(INFINITY)) || isnan(square)) return sqrt(square);
  const T* const row = x.at + i * x.stride;
  const T* const center = centers.at + j * centers.stride;
  const double half = square < kLeast ? 1.0 : 0.5;  // differences may overflow, too
  const auto difference = [&](int t) {
    return fabs(static_cast<double>(row[t]) * half - static_cast<double>(center[t]) * half);
  };
  double largest = 0;
  for (int t = 0; t < x.cols; ++t) largest = fmax(largest, difference(t));
  if (largest == 0 || isinf(largest)) return static_cast<T>(largest);
  double sum = 0;
  for (int t = 0; t < x.cols; ++t) {
    const double v = difference(t) / largest;
    sum = fma(v, v, sum);
  }
  return static_cast<T>(largest * sqrt(sum) / half);
}

template <class T, class S>
__global__ void __launch_bounds__(S::kThreads)
    distance_kernel(Rows<T> x, Rows<T> centers, T* out, std::int64_t out_stride) {
  const std::int64_t groups = (centers.rows + S::kCols - 1) / S::kCols;
  const std::int64_t blocks = (x.rows + S::kRows - 1) / S::kRows * groups;
  for (std::int64_t block = blockIdx.x; block < blocks; block += gridDim.x) {
    const std::int64_t begin = block / groups * S::kRows;
    const std::int64_t first = block % groups * S::kCols;
    const int height = at_most(x.rows - begin, S::kRows);
    const int width = at_most(centers.rows - first, S::kCols);
    T acc[S::R][S::C];
    row_products<S, true, kChain>(x.side(begin), height, centers.side(first), width, x.cols, acc);
#pragma unroll
    for (int r = 0; r < S::R; ++r)
#pragma unroll
      for (int c = 0; c < S::C; ++c)
        if (S::first_row() + r < height && S::col(c) < width)
          out[(begin + S::first_row() + r) * out_stride + first + S::col(c)] =
              root_of(acc[r][c], x, begin + S::first_row() + r, centers, first + S::col(c));
  }
}

/// Calls f with the tiling for so many centres. All give the same bits.
template <class T, class F>
void with_tiling(std::int64_t centers, const F& f) {
  if (centers <= RowsBy<1>::kCols)
    f(RowsBy<1>{});
  else
    f(RowsBy < sizeof(T) == 4 ? 4 : 2 > {});
}

}  // namespace

void assign_nearest(Stream& stream, const Tile& x, std::int64_t leaf_rows, const Tile& centers,
                    const Tile& offset, const Tile& weights, const Tile& labels,
                    const AssignmentParts& parts, const Tile& out) {
  if (out.rows == 0 || centers.rows == 0) return;
  leaf_rows = std::min(leaf_rows, std::max<std::int64_t>(1, x.rows));
  auto& queue = queue_of(stream);
  visit_floating(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const Rows<T> c(centers);
    const std::int64_t k = centers.rows;
    const std::int64_t per_leaf = ceil_div(leaf_rows, kTileRows);
    const std::int64_t leaf_bytes = leaf_rows * 2 + (k + 1) * 4 + per_leaf * 16;
    const std::int64_t at_once = std::clamp<std::int64_t>(kRoom / leaf_bytes, 1, out.rows);
    const auto [half_norms, sums, order, starts] = workspace<T, PieceSums, std::uint16_t, int>(
        queue, static_cast<std::size_t>(k), static_cast<std::size_t>(at_once * per_leaf),
        static_cast<std::size_t>(at_once * leaf_rows), static_cast<std::size_t>(at_once * (k + 1)));
    cuda::launch(queue, half_norm_kernel<T>, grid_of(ceil_div(k, kThreads / 32)), kThreads, c,
                 half_norms);
    const auto* const origin = offset.as<const T>();
    const Parts at(parts);
    const std::int64_t cols = at.d + (weights || at.d == 0 ? 1 : 0);
    const int lanes = column_lanes(cols);
    const int chunk = k > 1024 ? 32 : 4;
    for (std::int64_t first = 0; first < out.rows; first += at_once) {
      const Pieces pieces(std::min(at_once, out.rows - first), leaf_rows);
      const auto run = [&](const Tile& t) {
        if (!t) return Tile{};
        const std::int64_t begin = std::min(t.rows, first * leaf_rows);
        return t.slice(begin, std::min(pieces.leaves * leaf_rows, t.rows - begin));
      };
      const Rows<T> rows(run(x));
      const Values<const T> w(run(weights));
      const Values<std::int32_t> l(run(labels));
      auto* const to = out.slice(first, 1).as<double>();
      const auto assign = [&](auto kernel) {
        cuda::launch(queue, kernel, grid_of(pieces.size()), kTileThreads, rows, pieces, c, origin,
                     static_cast<const T*>(half_norms), w, l,
                     parts.inertia ? column_lanes(x.cols) : 0, sums);
      };
      if (k <= RowsBy<2>::kCols)
        assign(assign_kernel<T, RowsBy<2>>);
      else if (k <= RowsBy<4>::kCols || sizeof(T) == 8)
        assign(assign_kernel<T, RowsBy<4>>);
      else if constexpr (sizeof(T) == 4)
        assign(assign_kernel<T, RowsBy<8>>);
      cuda::launch(queue, sort_kernel, grid_of(pieces.leaves), kThreads, l, rows.rows, pieces, at,
                   static_cast<const PieceSums*>(sums), order, starts, to, out.stride);
      cuda::launch(queue, cluster_kernel<T>,
                   grid_of(pieces.leaves * ceil_div(k, chunk) * ceil_div(cols, lanes)), kThreads,
                   rows, pieces, origin, w, at, static_cast<const std::uint16_t*>(order),
                   static_cast<const int*>(starts), lanes, chunk, to, out.stride);
    }
  });
}

void candidate_potentials(Stream& stream, const Tile& x, std::int64_t leaf_rows,
                          const Tile& candidates, const Tile& weights, const Tile& closest,
                          const Tile& out) {
  const std::int64_t m = candidates.rows;
  if (out.rows == 0 || m == 0) return;
  auto& queue = queue_of(stream);
  const Pieces pieces(out.rows, std::min(leaf_rows, std::max<std::int64_t>(1, x.rows)));
  const auto [sums] = workspace<double>(queue, static_cast<std::size_t>(pieces.size() * m));
  visit_floating(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    with_tiling<T>(m, [&]<class S>(S) {
      cuda::launch(queue, potential_kernel<T, S>, grid_of(pieces.size() * ceil_div(m, S::kCols)),
                   S::kThreads, Rows<T>(x), pieces, Rows<T>(candidates), Values<const T>(weights),
                   Values<const T>(closest), sums);
    });
  });
  cuda::launch(queue, add_pieces_kernel, grid_of(ceil_div(out.rows * m, kThreads)), kThreads,
               pieces, m, static_cast<const double*>(sums), out.as<double>(), out.stride);
}

void update_closest(Stream& stream, const Tile& x, std::int64_t leaf_rows, const Tile& centers,
                    const Tile& weights, const Tile& closest, const Tile& out) {
  if (out.rows == 0) return;
  auto& queue = queue_of(stream);
  const Pieces pieces(out.rows, std::min(leaf_rows, std::max<std::int64_t>(1, x.rows)));
  const auto [sums] = workspace<double>(queue, static_cast<std::size_t>(pieces.size()));
  visit_floating(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    with_tiling<T>(centers.rows, [&]<class S>(S) {
      cuda::launch(queue, update_kernel<T, S>, grid_of(pieces.size()), S::kThreads, Rows<T>(x),
                   pieces, Rows<T>(centers), Values<const T>(weights), Values<T>(closest), sums);
    });
  });
  cuda::launch(queue, add_pieces_kernel, grid_of(ceil_div(out.rows, kThreads)), kThreads, pieces,
               std::int64_t{1}, static_cast<const double*>(sums), out.as<double>(), out.stride);
}

void distances(Stream& stream, const Tile& x, const Tile& centers, const Tile& out) {
  if (x.rows == 0 || centers.rows == 0) return;
  visit_floating(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    with_tiling<T>(centers.rows, [&]<class S>(S) {
      cuda::launch(queue_of(stream), distance_kernel<T, S>,
                   grid_of(ceil_div(x.rows, S::kRows) * ceil_div(centers.rows, S::kCols)),
                   S::kThreads, Rows<T>(x), Rows<T>(centers), out.as<T>(), out.stride);
    });
  });
}

}  // namespace tessera::on_cuda
