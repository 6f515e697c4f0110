#include <tessera/linalg/kernels/cpu/gram.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>
#include <type_traits>
#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/linalg/kernels/cpu/gram.cpp"
#include <hwy/aligned_allocator.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <tessera/linalg/kernels/simd-inl.hpp>

#ifndef TESSERA_LINALG_KERNELS_CPU_GRAM_ONCE
#define TESSERA_LINALG_KERNELS_CPU_GRAM_ONCE
namespace tessera::on_cpu {
namespace {

// Rows that are packed and multiplied at once: the length of a chain of products in T.
constexpr std::size_t kBlock = 192;

// All rows share one shift, the mean of the first kHead: a leaf's Gram loses at most a factor of
// its rows / kHead of accuracy, and that only when those rows are unlike the rest.
constexpr std::size_t kHead = kBlock;

// Values of the widest vector.
template <class T>
constexpr std::size_t kMaxLanes = 64 / sizeof(T);

template <class T>
struct GramArgs {
  const T* x;
  std::size_t rows;
  std::size_t p;
  std::size_t x_stride;
  const T* y;
  std::size_t q;
  std::size_t y_stride;
  const T* weights;
  bool center;
  double weight;  // sum of weights, not 0
  double* mean;
  double* gram;
  T* packed;      // kBlock * padded columns, aligned, zero
  T* shift;       // padded columns, aligned, zero
  T* block_sums;  // padded columns, aligned
  double* sums;   // p + q
};

}  // namespace
}  // namespace tessera::on_cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace tessera::on_cpu {
namespace HWY_NAMESPACE {
namespace {

template <class T>
using Tag = hn::ScalableTag<T>;
template <class T>
constexpr size_t kLanes = hn::MaxLanes(Tag<T>());

// Rows x vectors of the largest register tile: 24 accumulators of 32 registers, or 12 of 16.
constexpr size_t kTileRows = HWY_TARGET <= HWY_AVX3 ? 8 : 4;
constexpr size_t kTileVectors = 3;

/// Memory that the next block will read, fetched a line per step by the multiplication.
struct Prefetch {
  std::uintptr_t base;  // an integer: the last steps may lie beyond the data
  size_t stride;
};

/// Packs rows [begin, begin + count) of sqrt(w) (z - shift) into panels of one vector of columns,
/// packed[panel][row][lane], and leaves sum w (z - shift) of the block in a.block_sums.
template <bool kWeighted, class T>
void pack_block(const GramArgs<T>& a, size_t begin, size_t count) {
  const Tag<T> d;
  using V = hn::Vec<Tag<T>>;
  constexpr size_t kN = kLanes<T>;
  constexpr size_t kUnroll = 4;
  constexpr size_t kPanel = kBlock * kN;
  const size_t full = a.p / kN;
  const size_t tail = a.p % kN;
  T* HWY_RESTRICT sums = a.block_sums;
  const T* HWY_RESTRICT shift = a.shift;
  std::fill(sums, sums + (a.p + a.q + kN - 1) / kN * kN, T(0));
  for (size_t r = 0; r < count;) {
    const T* HWY_RESTRICT x = a.x + (begin + r) * a.x_stride;
    T* HWY_RESTRICT out = a.packed + r * kN;
    if (r + kUnroll <= count) {
      V w[kUnroll];
#pragma GCC unroll 4
      for (size_t u = 0; u < kUnroll; ++u) {
        w[u] = kWeighted ? hn::Sqrt(hn::Set(d, a.weights[begin + r + u])) : hn::Zero(d);
      }
      for (size_t v = 0; v < full + (tail != 0); ++v) {
        const V s = hn::Load(d, shift + v * kN);
        V z[kUnroll];
#pragma GCC unroll 4
        for (size_t u = 0; u < kUnroll; ++u) {
          const T* from = x + u * a.x_stride + v * kN;
          z[u] = hn::Sub(v < full ? hn::LoadU(d, from) : load_first(d, from, tail), s);
          if constexpr (kWeighted) z[u] = hn::Mul(z[u], w[u]);
          hn::Store(z[u], d, out + v * kPanel + u * kN);
          if constexpr (kWeighted) z[u] = hn::Mul(z[u], w[u]);
        }
        const V total = hn::Add(hn::Add(z[0], z[1]), hn::Add(z[2], z[3]));
        hn::Store(hn::Add(hn::Load(d, sums + v * kN), total), d, sums + v * kN);
      }
      r += kUnroll;
    } else {
      const V w = kWeighted ? hn::Sqrt(hn::Set(d, a.weights[begin + r])) : hn::Zero(d);
      for (size_t v = 0; v < full + (tail != 0); ++v) {
        const T* from = x + v * kN;
        V z = hn::Sub(v < full ? hn::LoadU(d, from) : load_first(d, from, tail),
                      hn::Load(d, shift + v * kN));
        if constexpr (kWeighted) z = hn::Mul(z, w);
        hn::Store(z, d, out + v * kPanel);
        if constexpr (kWeighted) z = hn::Mul(z, w);
        hn::Store(hn::Add(hn::Load(d, sums + v * kN), z), d, sums + v * kN);
      }
      ++r;
    }
  }
  // The columns of y share the last vector of x, whose unused lanes the loop above has zeroed.
  for (size_t t = 0; t < a.q; ++t) {
    const size_t column = a.p + t;
    T* HWY_RESTRICT out = a.packed + column / kN * kPanel + column % kN;
    T total = 0;
    for (size_t r = 0; r < count; ++r) {
      T z = a.y[(begin + r) * a.y_stride + t] - shift[column];
      if constexpr (kWeighted) {
        const T w = std::sqrt(a.weights[begin + r]);
        z *= w;
        out[r * kN] = z;
        z *= w;
      } else {
        out[r * kN] = z;
      }
      total += z;
    }
    sums[column] = total;
  }
}

/// gram[r][v * kN ...] += sum over `count` rows of left column r times right[v][.][lane] for
/// r < kRows and v < kVectors; `last` valid columns in the last vector.
template <size_t kRows, size_t kVectors, class T>
void multiply_tile(const T* HWY_RESTRICT left, const T* HWY_RESTRICT right, size_t count,
                   double* HWY_RESTRICT gram, size_t size, size_t last, Prefetch prefetch) {
  const Tag<T> d;
  const hn::ScalableTag<double> dd;
  using V = hn::Vec<Tag<T>>;
  constexpr size_t kN = kLanes<T>;
  constexpr size_t kND = hn::MaxLanes(hn::ScalableTag<double>());
  V acc[kRows][kVectors];
#pragma GCC unroll 8
  for (size_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 3
    for (size_t v = 0; v < kVectors; ++v) acc[r][v] = hn::Zero(d);
  }
  for (size_t i = 0; i < count; ++i) {
    __builtin_prefetch(reinterpret_cast<const void*>(prefetch.base + i * prefetch.stride), 0, 2);
    V b[kVectors];
#pragma GCC unroll 3
    for (size_t v = 0; v < kVectors; ++v) b[v] = hn::Load(d, right + v * kBlock * kN + i * kN);
#pragma GCC unroll 8
    for (size_t r = 0; r < kRows; ++r) {
      const V x = hn::Set(d, left[r / kN * kBlock * kN + i * kN + r % kN]);
#pragma GCC unroll 3
      for (size_t v = 0; v < kVectors; ++v) acc[r][v] = hn::MulAdd(x, b[v], acc[r][v]);
    }
  }
#pragma GCC unroll 8
  for (size_t r = 0; r < kRows; ++r) {
#pragma GCC unroll 3
    for (size_t v = 0; v < kVectors; ++v) {
      double* HWY_RESTRICT out = gram + r * size + v * kN;
      const size_t columns = v + 1 == kVectors ? last : kN;
      if (columns == kN) {
        hn::StoreU(hn::Add(hn::LoadU(dd, out), promote_lower(d, acc[r][v])), dd, out);
        if constexpr (kN > kND) {
          hn::StoreU(hn::Add(hn::LoadU(dd, out + kND), promote_upper(d, acc[r][v])), dd, out + kND);
        }
      } else {
        HWY_ALIGN T lanes[kN];
        hn::Store(acc[r][v], d, lanes);
        for (size_t c = 0; c < columns; ++c) out[c] += static_cast<double>(lanes[c]);
      }
    }
  }
}

template <class T>
using TileFunction = void (*)(const T*, const T*, size_t, double*, size_t, size_t, Prefetch);

template <class T>
TileFunction<T> tile_function(size_t rows, size_t vectors) {
  static constexpr TileFunction<T> kTable[8][kTileVectors] = {
      {multiply_tile<1, 1, T>, multiply_tile<1, 2, T>, multiply_tile<1, 3, T>},
      {multiply_tile<2, 1, T>, multiply_tile<2, 2, T>, multiply_tile<2, 3, T>},
      {multiply_tile<3, 1, T>, multiply_tile<3, 2, T>, multiply_tile<3, 3, T>},
      {multiply_tile<4, 1, T>, multiply_tile<4, 2, T>, multiply_tile<4, 3, T>},
      {multiply_tile<5, 1, T>, multiply_tile<5, 2, T>, multiply_tile<5, 3, T>},
      {multiply_tile<6, 1, T>, multiply_tile<6, 2, T>, multiply_tile<6, 3, T>},
      {multiply_tile<7, 1, T>, multiply_tile<7, 2, T>, multiply_tile<7, 3, T>},
      {multiply_tile<8, 1, T>, multiply_tile<8, 2, T>, multiply_tile<8, 3, T>}};
  return kTable[rows - 1][vectors - 1];
}

/// Adds the packed block's products to gram: the panels on and right of the diagonal for columns in
/// whole panels, and for the columns after them every panel.
template <class T>
void multiply_block(const GramArgs<T>& a, size_t begin, size_t count) {
  constexpr size_t kN = kLanes<T>;
  constexpr size_t kPanel = kBlock * kN;
  const size_t size = a.p + a.q;
  const size_t full = size / kN;
  const size_t panels = (size + kN - 1) / kN;
  // One line per row of the next block and tile; there are about as many tiles as lines in a row.
  const bool more = begin + count < a.rows;
  std::uintptr_t next =
      reinterpret_cast<std::uintptr_t>(a.x) + (begin + count) * a.x_stride * sizeof(T);
  size_t lines = more ? (a.p * sizeof(T) + 63) / 64 + 1 : 0;
  const auto multiply = [&](size_t i, size_t height, size_t j, size_t width) {
    const size_t last = j + width == panels ? size - (panels - 1) * kN : kN;
    Prefetch prefetch{reinterpret_cast<std::uintptr_t>(a.packed), 0};
    if (lines != 0) {
      prefetch = {next, a.x_stride * sizeof(T)};
      next += 64;
      --lines;
    }
    tile_function<T>(height, width)(a.packed + i / kN * kPanel + i % kN, a.packed + j * kPanel,
                                    count, a.gram + i * size + j * kN, size, last, prefetch);
  };
  // A group of panels stays in the L1 cache while all rows of the triangle pass it.
  for (size_t group = 0; group < panels; group += kTileVectors) {
    const size_t end = HWY_MIN(group + kTileVectors, full);
    for (size_t i = 0; group < end && i < end * kN;) {
      const size_t height = HWY_MIN(kTileRows, end * kN - i);
      const size_t j = HWY_MAX(group, i / kN);
      multiply(i, height, j, end - j);
      i += height;
    }
    const size_t width = HWY_MIN(kTileVectors, panels - group);
    for (size_t i = full * kN; i < size;) {
      const size_t height = HWY_MIN(kTileRows, size - i);
      multiply(i, height, group, width);
      i += height;
    }
  }
}

template <class T>
void pack(const GramArgs<T>& a, size_t begin, size_t count) {
  if (a.weights != nullptr) {
    pack_block<true>(a, begin, count);
  } else {
    pack_block<false>(a, begin, count);
  }
}

/// Sets a.shift to about the mean of the rows, exactly the constant for a constant column.
template <class T>
void find_shift(const GramArgs<T>& a) {
  const size_t size = a.p + a.q;
  for (size_t j = 0; j < a.p; ++j) a.shift[j] = a.x[j];
  for (size_t j = 0; j < a.q; ++j) a.shift[a.p + j] = a.y[j];
  if (a.weights == nullptr) {
    const size_t count = HWY_MIN(kHead, a.rows);
    pack(a, 0, count);
    for (size_t j = 0; j < size; ++j) a.shift[j] += a.block_sums[j] / static_cast<T>(count);
    return;
  }
  // A block's weight may be any small part of the whole, so weights need the mean of all rows.
  std::fill(a.sums, a.sums + size, 0.0);
  for (size_t begin = 0; begin < a.rows; begin += kBlock) {
    pack(a, begin, HWY_MIN(kBlock, a.rows - begin));
    for (size_t j = 0; j < size; ++j) a.sums[j] += static_cast<double>(a.block_sums[j]);
  }
  for (size_t j = 0; j < size; ++j) a.shift[j] += static_cast<T>(a.sums[j] / a.weight);
}

/// Copies the upper triangle to where multiply_block left nothing, and subtracts the rank-1
/// correction sums sums^T / weight.
void finish(double* HWY_RESTRICT gram, size_t size, size_t full_columns, size_t lanes,
            const double* HWY_RESTRICT sums, double weight, bool center) {
  if (center) {
    for (size_t i = 0; i < size; ++i) {
      const bool in_tail = i >= full_columns;
      const double factor = sums[i];
      double* HWY_RESTRICT row = gram + i * size;
      const size_t end = in_tail ? size : full_columns;
      // The product is formed before the division so that (i, j) and (j, i) get the same bits.
      for (size_t j = in_tail ? 0 : i / lanes * lanes; j < end; ++j) {
        row[j] -= factor * sums[j] / weight;
      }
    }
  }
  constexpr size_t kTile = 16;
  for (size_t i0 = 0; i0 < full_columns; i0 += kTile) {
    for (size_t j0 = i0; j0 < full_columns; j0 += kTile) {
      for (size_t i = i0; i < HWY_MIN(i0 + kTile, full_columns); ++i) {
        for (size_t j = HWY_MAX(i + 1, j0); j < HWY_MIN(j0 + kTile, full_columns); ++j) {
          gram[j * size + i] = gram[i * size + j];
        }
      }
    }
  }
  for (size_t i = full_columns; i < size; ++i) {
    for (size_t j = 0; j < full_columns; ++j) gram[j * size + i] = gram[i * size + j];
  }
}

template <class T>
void gram_kernel(const GramArgs<T>& a) {
  const size_t size = a.p + a.q;
  constexpr size_t kN = kLanes<T>;
  if (a.center) find_shift(a);
  std::fill(a.sums, a.sums + size, 0.0);
  std::fill(a.gram, a.gram + size * size, 0.0);
  for (size_t begin = 0; begin < a.rows; begin += kBlock) {
    const size_t count = HWY_MIN(kBlock, a.rows - begin);
    pack(a, begin, count);
    for (size_t j = 0; j < size; ++j) a.sums[j] += static_cast<double>(a.block_sums[j]);
    multiply_block(a, begin, count);
  }
  finish(a.gram, size, size / kN * kN, kN, a.sums, a.weight, a.center);
  for (size_t j = 0; j < size; ++j) {
    a.mean[j] = a.center ? static_cast<double>(a.shift[j]) + a.sums[j] / a.weight : 0.0;
  }
}

void gram_f32(const GramArgs<float>& a) { gram_kernel(a); }
void gram_f64(const GramArgs<double>& a) { gram_kernel(a); }

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace tessera::on_cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::on_cpu {

HWY_EXPORT(gram_f32);
HWY_EXPORT(gram_f64);

template <class T>
void centered_gram(const T* x, std::int64_t rows, std::int64_t p, std::int64_t x_stride, const T* y,
                   std::int64_t q, std::int64_t y_stride, const T* weights, bool center,
                   double* weight, double* mean, double* gram) {
  const auto size = static_cast<std::size_t>(p + q);
  const auto count = static_cast<std::size_t>(std::max<std::int64_t>(rows, 0));
  *weight = weights != nullptr ? std::accumulate(weights, weights + count, 0.0)
                               : static_cast<double>(count);
  std::fill(mean, mean + size, 0.0);
  std::fill(gram, gram + size * size, 0.0);
  if (*weight == 0 || size == 0) return;
  const std::size_t padded = (size + kMaxLanes<T> - 1) / kMaxLanes<T> * kMaxLanes<T>;
  const auto packed = hwy::AllocateAligned<T>((kBlock + 2) * padded);
  std::fill(packed.get(), packed.get() + (kBlock + 2) * padded, T(0));
  std::vector<double> sums(size);
  const GramArgs<T> args{x,
                         count,
                         static_cast<std::size_t>(p),
                         static_cast<std::size_t>(x_stride),
                         q == 0 ? nullptr : y,
                         static_cast<std::size_t>(q),
                         static_cast<std::size_t>(y_stride),
                         weights,
                         center,
                         *weight,
                         mean,
                         gram,
                         packed.get(),
                         packed.get() + kBlock * padded,
                         packed.get() + (kBlock + 1) * padded,
                         sums.data()};
  if constexpr (std::is_same_v<T, float>) {
    HWY_DYNAMIC_DISPATCH(gram_f32)(args);
  } else {
    HWY_DYNAMIC_DISPATCH(gram_f64)(args);
  }
}

template void centered_gram(const float*, std::int64_t, std::int64_t, std::int64_t, const float*,
                            std::int64_t, std::int64_t, const float*, bool, double*, double*,
                            double*);
template void centered_gram(const double*, std::int64_t, std::int64_t, std::int64_t, const double*,
                            std::int64_t, std::int64_t, const double*, bool, double*, double*,
                            double*);

}  // namespace tessera::on_cpu
#endif  // HWY_ONCE
