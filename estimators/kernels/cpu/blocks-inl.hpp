// Rows as KMeans' kernels take them; compiled once per target, hence the toggled guard.
#if defined(TESSERA_ESTIMATORS_KERNELS_CPU_BLOCKS_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef TESSERA_ESTIMATORS_KERNELS_CPU_BLOCKS_INL_HPP_
#undef TESSERA_ESTIMATORS_KERNELS_CPU_BLOCKS_INL_HPP_
#else
#define TESSERA_ESTIMATORS_KERNELS_CPU_BLOCKS_INL_HPP_
#endif

#include <hwy/highway.h>

#include <tessera/linalg/kernels/simd-inl.hpp>

#ifndef TESSERA_ESTIMATORS_KERNELS_CPU_BLOCKS_ONCE
#define TESSERA_ESTIMATORS_KERNELS_CPU_BLOCKS_ONCE
namespace tessera::on_cpu {
// Rows of the widest block that any target packs: two vectors of 64 bytes.
template <class T>
inline constexpr std::size_t kMaxBlockRows = 128 / sizeof(T);
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
template <class T>
constexpr size_t kBlockRows = 2 * kLanes<T>;

/// Transposes `rows` (<= kBlockRows) rows of x, less offset, into out[t * kBlockRows + row]; the
/// missing rows of a ragged block become zeros.
template <class T>
void pack_rows(const T* HWY_RESTRICT x, size_t rows, size_t stride, size_t dim,
               const T* HWY_RESTRICT offset, T* HWY_RESTRICT out) {
  constexpr size_t kN = kLanes<T>;
  constexpr size_t kR = kBlockRows<T>;
#if HWY_TARGET != HWY_SCALAR
  const Tag<T> d;
  constexpr size_t kQ = 16 / sizeof(T);  // values in a 128-bit block
#endif
  for (size_t half = 0; half < 2; ++half) {
    const T* HWY_RESTRICT xh = x + half * kN * stride;
    T* HWY_RESTRICT oh = out + half * kN;
    const size_t count = rows <= half * kN ? 0 : HWY_MIN(rows - half * kN, kN);
    size_t t = 0;
#if HWY_TARGET != HWY_SCALAR
    if (count == kN) {
      // Block b of vector i is row kQ * b + i, so that a transpose within blocks ends in row order.
      for (; t + kQ <= dim; t += kQ) {
        const auto v0 = load_blocks(d, xh + t, kQ * stride);
        const auto v1 = load_blocks(d, xh + stride + t, kQ * stride);
        if constexpr (kQ == 2) {
          hn::Store(hn::Sub(hn::InterleaveLower(d, v0, v1), hn::Set(d, offset[t])), d, oh + t * kR);
          hn::Store(hn::Sub(hn::InterleaveUpper(d, v0, v1), hn::Set(d, offset[t + 1])), d,
                    oh + (t + 1) * kR);
        } else {
          const auto v2 = load_blocks(d, xh + 2 * stride + t, kQ * stride);
          const auto v3 = load_blocks(d, xh + 3 * stride + t, kQ * stride);
          const auto a = hn::InterleaveLower(d, v0, v2);
          const auto b = hn::InterleaveLower(d, v1, v3);
          const auto c = hn::InterleaveUpper(d, v0, v2);
          const auto e = hn::InterleaveUpper(d, v1, v3);
          T* HWY_RESTRICT o = oh + t * kR;
          hn::Store(hn::Sub(hn::InterleaveLower(d, a, b), hn::Set(d, offset[t])), d, o);
          hn::Store(hn::Sub(hn::InterleaveUpper(d, a, b), hn::Set(d, offset[t + 1])), d, o + kR);
          hn::Store(hn::Sub(hn::InterleaveLower(d, c, e), hn::Set(d, offset[t + 2])), d,
                    o + 2 * kR);
          hn::Store(hn::Sub(hn::InterleaveUpper(d, c, e), hn::Set(d, offset[t + 3])), d,
                    o + 3 * kR);
        }
      }
    }
#endif
    for (; t < dim; ++t) {
      for (size_t r = 0; r < count; ++r) oh[t * kR + r] = xh[r * stride + t] - offset[t];
      for (size_t r = count; r < kN; ++r) oh[t * kR + r] = T(0);
    }
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace tessera::on_cpu
HWY_AFTER_NAMESPACE();

#endif  // toggled guard
