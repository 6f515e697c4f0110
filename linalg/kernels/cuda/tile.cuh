#pragma once
#include <tessera/runtime/cuda/launch.cuh>

/// The register-blocked products of small panels.
namespace tessera::on_cuda {

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
