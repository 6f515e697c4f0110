#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <tuple>
#include <utility>

#include <tessera/runtime/cuda/cuda.hpp>
#include <tessera/runtime/stream.hpp>

/// What kernels on the GPU share: launches, workspace, sums over a block, and the register-blocked
/// products of small panels. Everything that adds floating numbers does so in an order that depends
/// on the leaf alone: no atomics, no shape of the grid, no number of leaves in the call.
namespace tessera::on_cuda {

// ---- on the host ----

inline cuda::Queue& queue_of(Stream& stream) { return cuda::queue(stream.queue()); }

inline std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// The grid for so many pieces of work; kernels go on from blockIdx.x in steps of gridDim.x.
inline dim3 grid_of(std::int64_t pieces) {
  return dim3(static_cast<unsigned>(std::clamp<std::int64_t>(pieces, 1, 0x7fffffff)));
}

/// Pointers to consecutive arrays of so many elements in the queue's workspace.
template <class... Types>
std::tuple<Types*...> workspace(cuda::Queue& queue, decltype(sizeof(Types))... counts) {
  const auto padded = [](std::size_t bytes) { return (bytes + 255) / 256 * 256; };
  std::byte* next = queue.workspace((padded(counts * sizeof(Types)) + ... + 0));
  const auto take = [&]<class T>(T*, std::size_t count) {
    return reinterpret_cast<T*>(std::exchange(next, next + padded(count * sizeof(T))));
  };
  return {take(static_cast<Types*>(nullptr), counts)...};
}

/// Values that travel as an argument of a kernel, which CUDA copies when it is launched: host
/// memory need not outlive the call, and nobody waits.
struct Parcel {
  static constexpr int size = 480;
  double values[size];
};
template <class T>
__global__ void unpack(Parcel parcel, int count, T* to) {
  for (int i = threadIdx.x; i < count; i += blockDim.x) to[i] = static_cast<T>(parcel.values[i]);
}

/// Values of the host in device memory, converted to T; nullptr for none.
template <class T>
const T* upload(cuda::Queue& queue, std::span<const double> values, T* to) {
  for (std::size_t first = 0; first < values.size(); first += Parcel::size) {
    const std::size_t count = std::min<std::size_t>(Parcel::size, values.size() - first);
    Parcel parcel{};
    std::copy_n(values.begin() + first, count, parcel.values);
    cuda::launch(queue, unpack<T>, 1, 128, parcel, static_cast<int>(count), to + first);
  }
  return values.empty() ? nullptr : to;
}

/// Threads of a block beside each other along the columns of a row: the power of two that covers
/// `cols`, at most a warp. The others take other rows.
inline int column_lanes(std::int64_t cols) {
  int lanes = 1;
  while (lanes < cols && lanes < 32) lanes *= 2;
  return lanes;
}

// ---- on the device ----

/// Rows [begin, begin + rows) are a leaf of a run.
struct LeafRows {
  std::int64_t begin;
  std::int64_t rows;
};
__device__ inline LeafRows leaf_rows_of(std::int64_t leaf, std::int64_t leaf_rows,
                                        std::int64_t rows) {
  const std::int64_t begin = leaf * leaf_rows;
  const std::int64_t left = rows - begin;
  return {begin, left < 0 ? 0 : left < leaf_rows ? left : leaf_rows};
}

/// A column of weights or the like; there may be none.
template <class T>
struct Values {
  T* at;
  std::int64_t stride;
  explicit Values(const Tile& tile) : at(tile.as<T>()), stride(tile.stride) {}
  __device__ Values(T* first, std::int64_t step) : at(first), stride(step) {}
  __device__ T& operator[](std::int64_t i) const { return at[i * stride]; }
  __device__ explicit operator bool() const { return at != nullptr; }
  __device__ Values from(std::int64_t first) const {
    return {at ? at + first * stride : nullptr, stride};
  }
};

/// The sum over the threads of a block with equal threadIdx.x % lanes, as a tree, for all of them.
/// `lanes` is a power of two that divides the block, `room` has a value per thread.
template <class T>
__device__ T sum_of_block(T value, int lanes, T* room) {
  const int thread = static_cast<int>(threadIdx.x);
  __syncthreads();
  room[thread] = value;
  for (int half = static_cast<int>(blockDim.x) / 2; half >= lanes; half /= 2) {
    __syncthreads();
    if (thread < half) room[thread] += room[thread + half];
  }
  __syncthreads();
  return room[thread & (lanes - 1)];
}

template <class T, int N>
struct alignas(sizeof(T) * N) Pack {
  T v[N];
};

/// N values from shared memory; 16 bytes at a time where there are so many.
template <class T, int N>
__device__ __forceinline__ void load_pack(T* to, const T* from) {
  constexpr int width = N * sizeof(T) < 16 ? N : 16 / sizeof(T);
#pragma unroll
  for (int i = 0; i < N; i += width) {
    const Pack<T, width> pack = *reinterpret_cast<const Pack<T, width>*>(from + i);
#pragma unroll
    for (int j = 0; j < width; ++j) to[i + j] = pack.v[j];
  }
}

/// A tile of outputs, (threads along rows x R) by (threads along columns x C), of which each thread
/// holds R x C in registers. Its columns come in two groups when C is 8, so that the loads of
/// neighbouring threads fall into different banks.
template <int kRows_, int kCols_, int R_, int C_>
struct Tiling {
  static constexpr int kRows = kRows_;
  static constexpr int kCols = kCols_;
  static constexpr int R = R_;
  static constexpr int C = C_;
  static constexpr int kThreadCols = kCols / C;
  static constexpr int kThreads = kRows / R * kThreadCols;
  static constexpr int kDepth = 16;  // of the panels in shared memory
  static constexpr int kGroup = C > 4 ? 4 : C;

  static __device__ int first_row() { return static_cast<int>(threadIdx.x) / kThreadCols * R; }
  static __device__ int col(int c) {
    return c / kGroup * (kThreadCols * kGroup) +
           static_cast<int>(threadIdx.x) % kThreadCols * kGroup + c % kGroup;
  }
};

/// acc(r, c) = fma(a, b, acc), or of the squared difference, over `depth` steps in order.
template <class S, bool kSquares, class T, int kARow, int kBRow>
__device__ __forceinline__ void multiply(const T (&a)[S::kDepth][kARow],
                                         const T (&b)[S::kDepth][kBRow], int depth,
                                         T (&acc)[S::R][S::C]) {
  const int row = S::first_row();
#pragma unroll 4
  for (int k = 0; k < depth; ++k) {
    T x[S::R], y[S::C];
    load_pack<T, S::R>(x, &a[k][row]);
#pragma unroll
    for (int c = 0; c < S::C; c += S::kGroup) load_pack<T, S::kGroup>(y + c, &b[k][S::col(c)]);
#pragma unroll
    for (int r = 0; r < S::R; ++r)
#pragma unroll
      for (int c = 0; c < S::C; ++c) {
        if constexpr (kSquares) {
          const T v = x[r] - y[c];
          acc[r][c] = fma(v, v, acc[r][c]);
        } else {
          acc[r][c] = fma(x[r], y[c], acc[r][c]);
        }
      }
  }
}

/// One side of row_products: value (row, k) is at[row * row_step + k * step], minus shift[k] if
/// there is a shift, or negated.
template <class T, bool kNegated = false>
struct Side {
  const T* at;
  std::int64_t row_step;
  std::int64_t step = 1;
  const T* shift = nullptr;
};

/// Rows of x times rows of y, or squared distances: acc(r, c) runs over k < depth in order, in
/// chains of kChain whose sums are then added (0: one chain). What lies beyond the first x_rows of
/// S::kRows and y_rows of S::kCols rows is not read and counts as 0. All threads of the block call
/// it.
template <class S, bool kSquares, int kChain, class T, bool kNegatedX, bool kNegatedY>
__device__ __forceinline__ void row_products(Side<T, kNegatedX> x, int x_rows, Side<T, kNegatedY> y,
                                             int y_rows, int depth, T (&acc)[S::R][S::C]) {
  constexpr int kPad = 16 / sizeof(T);
  __shared__ __align__(16) T a[S::kDepth][S::kRows + kPad];
  __shared__ __align__(16) T b[S::kDepth][S::kCols + kPad];
  constexpr int kStep = S::kThreads / S::kDepth;  // rows that the block loads at once
  static_assert(S::kRows % kStep == 0 && S::kCols % kStep == 0 && kChain % S::kDepth == 0);
  const int k = static_cast<int>(threadIdx.x) % S::kDepth;
  const int row = static_cast<int>(threadIdx.x) / S::kDepth;
  T next_a[S::kRows / kStep] = {}, next_b[S::kCols / kStep] = {};
  T total[kChain > 0 ? S::R : 1][kChain > 0 ? S::C : 1] = {};
  const auto fetch = [&](auto& next, auto& side, int rows, int begin) {
    constexpr int kLoads = sizeof(next) / sizeof(T);
    const T* from = side.at;
#pragma unroll
    for (int u = 0; u < kLoads; ++u, from += kStep * side.row_step)
      if (begin + k < depth && row + u * kStep < rows) next[u] = *from;
    side.at += S::kDepth * side.step;
  };
  const auto store = [&](auto& panel, const auto& next, const auto& side, bool negated, int rows,
                         int begin) {
    constexpr int kLoads = sizeof(next) / sizeof(T);
    const T shift = side.shift && begin + k < depth ? side.shift[begin + k] : T(0);
#pragma unroll
    for (int u = 0; u < kLoads; ++u) {
      const T value = negated ? -next[u] : next[u] - shift;
      panel[k][row + u * kStep] = begin + k < depth && row + u * kStep < rows ? value : T(0);
    }
  };
#pragma unroll
  for (int r = 0; r < S::R; ++r)
#pragma unroll
    for (int c = 0; c < S::C; ++c) acc[r][c] = T(0);
  x.at += row * x.row_step + k * x.step;
  y.at += row * y.row_step + k * y.step;
  fetch(next_a, x, x_rows, 0);
  fetch(next_b, y, y_rows, 0);
  for (int begin = 0; begin < depth; begin += S::kDepth) {
    __syncthreads();
    store(a, next_a, x, kNegatedX, x_rows, begin);
    store(b, next_b, y, kNegatedY, y_rows, begin);
    __syncthreads();
    fetch(next_a, x, x_rows, begin + S::kDepth);
    fetch(next_b, y, y_rows, begin + S::kDepth);
    multiply<S, kSquares>(a, b, depth - begin < S::kDepth ? depth - begin : S::kDepth, acc);
    if constexpr (kChain > 0) {
      if ((begin + S::kDepth) % kChain == 0 || depth - begin <= S::kDepth) {
#pragma unroll
        for (int r = 0; r < S::R; ++r)
#pragma unroll
          for (int c = 0; c < S::C; ++c) {
            total[r][c] += acc[r][c];
            acc[r][c] = T(0);
          }
      }
    }
  }
  if constexpr (kChain > 0) {
#pragma unroll
    for (int r = 0; r < S::R; ++r)
#pragma unroll
      for (int c = 0; c < S::C; ++c) acc[r][c] = total[r][c];
  }
  __syncthreads();
}

}  // namespace tessera::on_cuda
