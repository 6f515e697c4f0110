#include <tessera/linalg/kernels/cpu/moments.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <type_traits>
#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/linalg/kernels/cpu/moments.cpp"
#include <hwy/aligned_allocator.h>
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <tessera/linalg/kernels/simd-inl.hpp>

#ifndef TESSERA_LINALG_KERNELS_CPU_MOMENTS_ONCE
#define TESSERA_LINALG_KERNELS_CPU_MOMENTS_ONCE
namespace tessera::on_cpu {
namespace {

// Rows that are read before the block is checked for NaN.
constexpr std::size_t kBlock = 128;

// Rows whose sums stay in registers.
constexpr std::size_t kGroup = 8;

// Outputs at least this large bypass the caches.
constexpr std::size_t kStreamBytes = std::size_t{1} << 19;

template <class T>
struct MomentArgs {
  const T* x;
  std::size_t rows;
  std::size_t p;
  std::size_t stride;
  const T* weights;
  std::size_t padded;   // p rounded up to whole vectors
  const double* shift;  // finite, aligned, padded
  double* sums;         // sum w, sum w (x - shift), sum w (x - shift)^2: 3 x padded, added to
  double* block;        // as sums, for one block
};

template <class T>
struct ScaleArgs {
  const T* x;
  std::size_t rows;
  std::size_t p;
  std::size_t stride;
  const T* shift;  // `period` values of repeated columns, then kTableEnd more
  const T* factor;
  std::size_t period;  // a multiple of p, at least one vector
  T* out;
  std::size_t out_stride;
};

template <class T>
constexpr std::size_t kTableEnd = 64 / sizeof(T);

}  // namespace
}  // namespace tessera::on_cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace tessera::on_cpu {
namespace HWY_NAMESPACE {
namespace {

constexpr size_t kND = hn::MaxLanes(hn::ScalableTag<double>());

/// Adds kRows rows from x on to one vector of columns, of which the first `columns` exist; count,
/// sum and square are that vector's accumulators. kMasked leaves out NaN.
template <bool kMasked, bool kWeighted, bool kWhole, size_t kRows, class T>
HWY_INLINE void add_rows(const T* HWY_RESTRICT x, size_t stride, const T* HWY_RESTRICT weights,
                         size_t columns, const double* HWY_RESTRICT shift,
                         double* HWY_RESTRICT count, double* HWY_RESTRICT sum,
                         double* HWY_RESTRICT square) {
  const hn::ScalableTag<double> dd;
  using V = hn::Vec<hn::ScalableTag<double>>;
  const V s = hn::Load(dd, shift);
  V counts = kMasked ? hn::Load(dd, count) : hn::Zero(dd);
  V sums = hn::Load(dd, sum);
  V squares = hn::Load(dd, square);
#pragma GCC unroll 8
  for (size_t r = 0; r < kRows; ++r) {
    const T* from = x + r * stride;
    V v = hn::Sub(kWhole ? load_double(from) : load_double_first(from, columns), s);
    V w = hn::Set(dd, kWeighted ? static_cast<double>(weights[r]) : 1.0);
    if constexpr (kMasked) {
      const auto valid = hn::Eq(v, v);
      v = hn::IfThenElseZero(valid, v);
      w = hn::IfThenElseZero(valid, w);
      counts = hn::Add(counts, w);
    }
    const V wv = kWeighted ? hn::Mul(w, v) : v;
    sums = hn::Add(sums, wv);
    squares = hn::MulAdd(wv, v, squares);
  }
  if constexpr (kMasked) hn::Store(counts, dd, count);
  hn::Store(sums, dd, sum);
  hn::Store(squares, dd, square);
}

template <bool kMasked, bool kWeighted, size_t kRows, class T>
HWY_INLINE void add_group(const MomentArgs<T>& a, size_t row) {
  const T* x = a.x + row * a.stride;
  const T* weights = kWeighted ? a.weights + row : nullptr;
  double* sum = a.block + a.padded;
  double* square = a.block + 2 * a.padded;
  size_t j = 0;
  for (; j + kND <= a.p; j += kND) {
    add_rows<kMasked, kWeighted, true, kRows>(x + j, a.stride, weights, kND, a.shift + j,
                                              a.block + j, sum + j, square + j);
  }
  if (j < a.p) {
    add_rows<kMasked, kWeighted, false, kRows>(x + j, a.stride, weights, a.p - j, a.shift + j,
                                               a.block + j, sum + j, square + j);
  }
}

template <bool kMasked, bool kWeighted, class T>
void add_block(const MomentArgs<T>& a, size_t begin, size_t count) {
  std::fill(a.block, a.block + 3 * a.padded, 0.0);
  size_t r = 0;
  for (; r + kGroup <= count; r += kGroup) add_group<kMasked, kWeighted, kGroup>(a, begin + r);
  for (; r < count; ++r) add_group<kMasked, kWeighted, 1>(a, begin + r);
}

template <bool kWeighted, class T>
void moments_pass(const MomentArgs<T>& a) {
  for (size_t begin = 0; begin < a.rows; begin += kBlock) {
    const size_t count = HWY_MIN(kBlock, a.rows - begin);
    add_block<false, kWeighted>(a, begin, count);
    // A NaN or infinity shows in the sums of the quick pass; only then is the block read again.
    double check = 0;
    for (size_t j = 0; j < a.p; ++j) check += a.block[a.padded + j] * 0.0;
    if (check == 0) {
      double weight = static_cast<double>(count);
      if constexpr (kWeighted) {
        weight = 0;
        for (size_t r = 0; r < count; ++r) weight += static_cast<double>(a.weights[begin + r]);
      }
      std::fill(a.block, a.block + a.p, weight);
    } else {
      add_block<true, kWeighted>(a, begin, count);
    }
    for (size_t j = 0; j < 3 * a.padded; ++j) a.sums[j] += a.block[j];
  }
}

template <class T>
void moments_kernel(const MomentArgs<T>& a) {
  if (a.weights != nullptr) {
    moments_pass<true>(a);
  } else {
    moments_pass<false>(a);
  }
}

template <bool kInverse, class V>
HWY_INLINE V scale_one(V x, V shift, V factor) {
  if constexpr (kInverse) {
    return hn::Add(hn::Mul(x, factor), shift);
  } else {
    return hn::Div(hn::Sub(x, shift), factor);
  }
}

/// `count` consecutive values from column 0 on; the tables repeat, so a vector may run over the end
/// of a row.
template <bool kInverse, bool kStream, class T>
HWY_INLINE void scale_run(const ScaleArgs<T>& a, const T* x, size_t count, T* out) {
  const hn::ScalableTag<T> d;
  constexpr size_t kN = hn::MaxLanes(hn::ScalableTag<T>());
  size_t i = 0;
  size_t column = 0;
  if constexpr (kStream) {
    while (i < count && reinterpret_cast<std::uintptr_t>(out + i) % (kN * sizeof(T)) != 0) {
      const hn::CappedTag<T, 1> d1;
      hn::StoreU(scale_one<kInverse>(hn::LoadU(d1, x + i), hn::LoadU(d1, a.shift + column),
                                     hn::LoadU(d1, a.factor + column)),
                 d1, out + i);
      ++i;
      column = column + 1 == a.period ? 0 : column + 1;
    }
  }
  for (; i + kN <= count; i += kN) {
    const auto v = scale_one<kInverse>(hn::LoadU(d, x + i), hn::LoadU(d, a.shift + column),
                                       hn::LoadU(d, a.factor + column));
    if constexpr (kStream) {
      hn::Stream(v, d, out + i);
    } else {
      hn::StoreU(v, d, out + i);
    }
    column += kN;
    if (column >= a.period) column -= a.period;
  }
  if (i < count) {
    const size_t left = count - i;
    const auto v = scale_one<kInverse>(load_first(d, x + i, left), hn::LoadU(d, a.shift + column),
                                       hn::LoadU(d, a.factor + column));
    store_first(v, d, out + i, left);
  }
}

template <bool kInverse, class T>
void scale_kernel(const ScaleArgs<T>& a, bool stream) {
  if (a.stride == a.p && a.out_stride == a.p) {
    if (stream) {
      scale_run<kInverse, true>(a, a.x, a.rows * a.p, a.out);
      hwy::FlushStream();
    } else {
      scale_run<kInverse, false>(a, a.x, a.rows * a.p, a.out);
    }
    return;
  }
  for (size_t r = 0; r < a.rows; ++r) {
    scale_run<kInverse, false>(a, a.x + r * a.stride, a.p, a.out + r * a.out_stride);
  }
}

template <class T>
void scale(const ScaleArgs<T>& a, bool inverse, bool stream) {
  return inverse ? scale_kernel<true>(a, stream) : scale_kernel<false>(a, stream);
}

void moments_f32(const MomentArgs<float>& a) { moments_kernel(a); }
void moments_f64(const MomentArgs<double>& a) { moments_kernel(a); }
void scale_f32(const ScaleArgs<float>& a, bool inverse, bool stream) { scale(a, inverse, stream); }
void scale_f64(const ScaleArgs<double>& a, bool inverse, bool stream) { scale(a, inverse, stream); }

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace tessera::on_cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::on_cpu {

HWY_EXPORT(moments_f32);
HWY_EXPORT(moments_f64);
HWY_EXPORT(scale_f32);
HWY_EXPORT(scale_f64);

template <class T>
void column_moments(const T* x, std::int64_t rows, std::int64_t p, std::int64_t stride,
                    const T* weights, double* count, double* mean, double* m2) {
  const auto columns = static_cast<std::size_t>(p);
  std::fill(count, count + columns, 0.0);
  std::fill(mean, mean + columns, 0.0);
  std::fill(m2, m2 + columns, 0.0);
  if (rows <= 0 || columns == 0) return;
  const std::size_t padded = (columns + 7) / 8 * 8;
  const auto scratch = hwy::AllocateAligned<double>(7 * padded);
  std::fill(scratch.get(), scratch.get() + 7 * padded, 0.0);
  double* shift = scratch.get();
  double* sums = shift + padded;
  double* block = sums + 3 * padded;
  MomentArgs<T> args{x,       static_cast<std::size_t>(rows),
                     columns, static_cast<std::size_t>(stride),
                     nullptr, padded,
                     shift,   sums,
                     block};
  const auto run = [&] {
    if constexpr (std::is_same_v<T, float>) {
      HWY_DYNAMIC_DISPATCH(moments_f32)(args);
    } else {
      HWY_DYNAMIC_DISPATCH(moments_f64)(args);
    }
  };
  // The shift is the plain mean of the first rows, relative to a first value so that it is exact
  // for a constant column: then the one pass over everything loses nothing to cancellation.
  const std::size_t head = std::min(args.rows, kBlock);
  for (std::size_t j = 0; j < columns; ++j) {
    for (std::size_t i = 0; i < head; ++i) {
      const auto value = static_cast<double>(x[i * args.stride + j]);
      if (std::isfinite(value)) {
        shift[j] = value;
        break;
      }
    }
  }
  args.rows = head;
  run();
  for (std::size_t j = 0; j < columns; ++j) {
    const double step = sums[j] > 0 ? sums[padded + j] / sums[j] : 0.0;
    if (std::isfinite(step)) shift[j] += step;
  }
  std::fill(sums, sums + 3 * padded, 0.0);
  args.rows = static_cast<std::size_t>(rows);
  args.weights = weights;
  run();
  for (std::size_t j = 0; j < columns; ++j) {
    count[j] = sums[j];
    if (sums[j] == 0) continue;
    const double sum = sums[padded + j];
    mean[j] = shift[j] + sum / sums[j];
    const double centered = sums[2 * padded + j] - sum * sum / sums[j];
    // Rounding must not leave a negative sum of squares; NaN stays.
    m2[j] = centered < 0 ? 0.0 : centered;
  }
}

namespace {

template <class T>
void run_scale(const T* x, std::int64_t rows, std::int64_t p, std::int64_t stride,
               const double* shift, const double* factor, bool inverse, T* out,
               std::int64_t out_stride) {
  if (rows <= 0 || p <= 0) return;
  const auto columns = static_cast<std::size_t>(p);
  // Repeat short rows so that one vector spans at most the end of one period.
  std::size_t period = columns;
  while (period < kTableEnd<T>) period += columns;
  const std::size_t length = period + kTableEnd<T>;
  std::vector<T> table(2 * length);
  for (std::size_t i = 0; i < length; ++i) {
    table[i] = shift == nullptr ? T(0) : static_cast<T>(shift[i % columns]);
    table[length + i] = factor == nullptr ? T(1) : static_cast<T>(factor[i % columns]);
  }
  const ScaleArgs<T> args{x,
                          static_cast<std::size_t>(rows),
                          columns,
                          static_cast<std::size_t>(stride),
                          table.data(),
                          table.data() + length,
                          period,
                          out,
                          static_cast<std::size_t>(out_stride)};
  const bool stream = out != x && args.rows * columns * sizeof(T) >= kStreamBytes;
  if constexpr (std::is_same_v<T, float>) {
    HWY_DYNAMIC_DISPATCH(scale_f32)(args, inverse, stream);
  } else {
    HWY_DYNAMIC_DISPATCH(scale_f64)(args, inverse, stream);
  }
}

}  // namespace

template <class T>
void shift_scale(const T* x, std::int64_t rows, std::int64_t p, std::int64_t stride,
                 const double* shift, const double* factor, T* out, std::int64_t out_stride) {
  run_scale(x, rows, p, stride, shift, factor, false, out, out_stride);
}

template <class T>
void scale_shift(const T* x, std::int64_t rows, std::int64_t p, std::int64_t stride,
                 const double* shift, const double* factor, T* out, std::int64_t out_stride) {
  run_scale(x, rows, p, stride, shift, factor, true, out, out_stride);
}

template void column_moments(const float*, std::int64_t, std::int64_t, std::int64_t, const float*,
                             double*, double*, double*);
template void column_moments(const double*, std::int64_t, std::int64_t, std::int64_t, const double*,
                             double*, double*, double*);
template void shift_scale(const float*, std::int64_t, std::int64_t, std::int64_t, const double*,
                          const double*, float*, std::int64_t);
template void shift_scale(const double*, std::int64_t, std::int64_t, std::int64_t, const double*,
                          const double*, double*, std::int64_t);
template void scale_shift(const float*, std::int64_t, std::int64_t, std::int64_t, const double*,
                          const double*, float*, std::int64_t);
template void scale_shift(const double*, std::int64_t, std::int64_t, std::int64_t, const double*,
                          const double*, double*, std::int64_t);

}  // namespace tessera::on_cpu
#endif  // HWY_ONCE
