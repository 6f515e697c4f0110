#include <tessera/estimators/kernels/cpu/kmeans.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <type_traits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/estimators/kernels/cpu/distances.cpp"
#include <hwy/aligned_allocator.h>
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <tessera/estimators/kernels/cpu/blocks-inl.hpp>
#include <tessera/linalg/kernels/simd-inl.hpp>

#ifndef TESSERA_ESTIMATORS_KERNELS_CPU_DISTANCES_ONCE
#define TESSERA_ESTIMATORS_KERNELS_CPU_DISTANCES_ONCE
namespace tessera::on_cpu {
namespace {

// Centres that the direct-difference kernel takes at once.
constexpr std::size_t kDirect = 4;

// Differences are squared and added in chains of this length, then the chains are added: keeps
// float32 accurate for d in the tens of thousands.
constexpr std::size_t kChain = 512;

template <class T>
struct PotentialArgs {
  const T* x;
  std::size_t rows;
  std::size_t stride;
  std::size_t d;
  const T* candidates;
  std::size_t m;
  const T* weights;
  const T* closest;
  T* updated;  // where the new closest distances go (m = 1), or null
  double* potentials;
  const T* zeros;  // d zeros, the offset of raw data
  T* scratch;      // d * kMaxBlockRows values, aligned
  double* lanes;   // m * kMaxBlockRows zeros, aligned
};

template <class T>
struct DistanceArgs {
  const T* x;
  std::size_t rows;
  std::size_t stride;
  std::size_t d;
  const T* centers;
  std::size_t k;
  T* out;
  std::size_t out_stride;
  const T* zeros;
  T* scratch;
};

/// Distances below have squares that underflow in part.
template <class T>
constexpr T kLeastDistance = sizeof(T) == 4 ? T(0x1p-48) : T(0x1p-480);

/// The distance of two rows whose squared differences leave the range of T.
template <class T>
T distance_beyond(const T* x, const T* center, std::size_t d) {
  long double sum = 0;
  for (std::size_t t = 0; t < d; ++t) {
    const long double v = static_cast<long double>(x[t]) - center[t];
    sum += v * v;
  }
  return static_cast<T>(std::sqrt(sum));
}

}  // namespace
}  // namespace tessera::on_cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace tessera::on_cpu {
namespace HWY_NAMESPACE {
namespace {

/// out[c * kBlockRows + row] = |x_row - center_c|^2 for kC centres, on a packed block of raw rows.
template <size_t kC, class T>
HWY_INLINE void direct_tile(const T* HWY_RESTRICT packed, const T* HWY_RESTRICT centers, size_t dim,
                            T* HWY_RESTRICT out) {
  const Tag<T> d;
  using V = hn::Vec<Tag<T>>;
  constexpr size_t kN = kLanes<T>;
  V total0[kC], total1[kC];
#pragma GCC unroll 4
  for (size_t c = 0; c < kC; ++c) total0[c] = total1[c] = hn::Zero(d);
  for (size_t begin = 0; begin < dim; begin += kChain) {
    const size_t end = HWY_MIN(dim, begin + kChain);
    V acc0[kC], acc1[kC];
#pragma GCC unroll 4
    for (size_t c = 0; c < kC; ++c) acc0[c] = acc1[c] = hn::Zero(d);
    for (size_t t = begin; t < end; ++t) {
      const V x0 = hn::Load(d, packed + t * 2 * kN);
      const V x1 = hn::Load(d, packed + t * 2 * kN + kN);
#pragma GCC unroll 4
      for (size_t c = 0; c < kC; ++c) {
        const V b = hn::Set(d, centers[c * dim + t]);
        const V v0 = hn::Sub(x0, b);
        const V v1 = hn::Sub(x1, b);
        acc0[c] = hn::MulAdd(v0, v0, acc0[c]);
        acc1[c] = hn::MulAdd(v1, v1, acc1[c]);
      }
    }
#pragma GCC unroll 4
    for (size_t c = 0; c < kC; ++c) {
      total0[c] = hn::Add(total0[c], acc0[c]);
      total1[c] = hn::Add(total1[c], acc1[c]);
    }
  }
#pragma GCC unroll 4
  for (size_t c = 0; c < kC; ++c) {
    hn::Store(total0[c], d, out + c * 2 * kN);
    hn::Store(total1[c], d, out + c * 2 * kN + kN);
  }
}

template <class T>
HWY_INLINE void direct_block(const T* packed, const T* centers, size_t count, size_t dim, T* out) {
  switch (count) {
    case 1:
      return direct_tile<1>(packed, centers, dim, out);
    case 2:
      return direct_tile<2>(packed, centers, dim, out);
    case 3:
      return direct_tile<3>(packed, centers, dim, out);
    default:
      return direct_tile<4>(packed, centers, dim, out);
  }
}

template <class T>
HWY_INLINE void potentials_kernel(const PotentialArgs<T>& a) {
  const hn::ScalableTag<double> dd;
  constexpr size_t kND = hn::MaxLanes(hn::ScalableTag<double>());
  constexpr size_t kR = kBlockRows<T>;
  HWY_ALIGN T squared[kDirect * kR];
  for (size_t begin = 0; begin < a.rows; begin += kR) {
    const size_t count = HWY_MIN(kR, a.rows - begin);
    pack_rows(a.x + begin * a.stride, count, a.stride, a.d, a.zeros, a.scratch);
    const T* HWY_RESTRICT closest = a.closest + begin;
    for (size_t c0 = 0; c0 < a.m; c0 += kDirect) {
      const size_t tile = HWY_MIN(kDirect, a.m - c0);
      direct_block(a.scratch, a.candidates + c0 * a.d, tile, a.d, squared);
      for (size_t c = 0; c < tile; ++c) {
        T* HWY_RESTRICT s = squared + c * kR;
        double* HWY_RESTRICT lanes = a.lanes + (c0 + c) * kR;
        for (size_t r = 0; r < count; ++r) s[r] = s[r] < closest[r] ? s[r] : closest[r];
        if (a.updated != nullptr) std::copy(s, s + count, a.updated + begin);
        if (count == kR) {
          for (size_t r = 0; r < kR; r += kND) {
            const auto w = a.weights ? load_double(a.weights + begin + r) : hn::Set(dd, 1.0);
            hn::Store(hn::MulAdd(w, load_double(s + r), hn::Load(dd, lanes + r)), dd, lanes + r);
          }
        } else {
          for (size_t r = 0; r < count; ++r) {
            const double w = a.weights ? static_cast<double>(a.weights[begin + r]) : 1.0;
            lanes[r] += w * static_cast<double>(s[r]);
          }
        }
      }
    }
  }
  for (size_t c = 0; c < a.m; ++c) {
    double total = 0;
    for (size_t r = 0; r < kR; ++r) total += a.lanes[c * kR + r];
    a.potentials[c] += total;
  }
}

template <class T>
HWY_INLINE void distances_kernel(const DistanceArgs<T>& a) {
  const Tag<T> d;
  constexpr size_t kN = kLanes<T>;
  constexpr size_t kR = kBlockRows<T>;
  HWY_ALIGN T tile[kDirect * kR];
  const auto least = hn::Set(d, kLeastDistance<T>);
  const auto most = hn::Set(d, std::numeric_limits<T>::max());
  for (size_t begin = 0; begin < a.rows; begin += kR) {
    const size_t count = HWY_MIN(kR, a.rows - begin);
    pack_rows(a.x + begin * a.stride, count, a.stride, a.d, a.zeros, a.scratch);
    for (size_t c0 = 0; c0 < a.k; c0 += kDirect) {
      const size_t width = HWY_MIN(kDirect, a.k - c0);
      direct_block(a.scratch, a.centers + c0 * a.d, width, a.d, tile);
      auto safe = hn::Eq(hn::Zero(d), hn::Zero(d));
      for (size_t i = 0; i < width * kR; i += kN) {
        const auto v = hn::Sqrt(hn::Load(d, tile + i));
        safe = hn::And(safe, hn::And(hn::Ge(v, least), hn::Le(v, most)));
        hn::Store(v, d, tile + i);
      }
      if (HWY_UNLIKELY(!hn::AllTrue(d, safe))) {
        for (size_t c = 0; c < width; ++c) {
          for (size_t r = 0; r < count; ++r) {
            T& v = tile[c * kR + r];
            if (v >= kLeastDistance<T> && v <= std::numeric_limits<T>::max()) continue;
            v = distance_beyond(a.x + (begin + r) * a.stride, a.centers + (c0 + c) * a.d, a.d);
          }
        }
      }
      T* HWY_RESTRICT out = a.out + begin * a.out_stride + c0;
      for (size_t r = 0; r < count; ++r) {
        for (size_t c = 0; c < width; ++c) out[r * a.out_stride + c] = tile[c * kR + r];
      }
    }
  }
}

void potentials_f32(const PotentialArgs<float>& a) { potentials_kernel(a); }
void potentials_f64(const PotentialArgs<double>& a) { potentials_kernel(a); }
void distances_f32(const DistanceArgs<float>& a) { distances_kernel(a); }
void distances_f64(const DistanceArgs<double>& a) { distances_kernel(a); }

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace tessera::on_cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::on_cpu {

HWY_EXPORT(potentials_f32);
HWY_EXPORT(potentials_f64);
HWY_EXPORT(distances_f32);
HWY_EXPORT(distances_f64);

namespace {

template <class T>
void run_potentials(const T* x, std::int64_t rows, std::int64_t stride, std::int64_t d,
                    const T* candidates, std::int64_t m, const T* weights, const T* closest,
                    T* updated, double* potentials) {
  if (rows <= 0 || m <= 0) return;
  const auto dim = static_cast<std::size_t>(d);
  const auto count = static_cast<std::size_t>(m);
  const auto scratch = hwy::AllocateAligned<T>(dim * kMaxBlockRows<T>);
  const auto lanes = hwy::AllocateAligned<double>(count * kMaxBlockRows<T>);
  std::fill(lanes.get(), lanes.get() + count * kMaxBlockRows<T>, 0.0);
  const std::vector<T> zeros(dim, T(0));
  const PotentialArgs<T> args{x,
                              static_cast<std::size_t>(rows),
                              static_cast<std::size_t>(stride),
                              dim,
                              candidates,
                              count,
                              weights,
                              closest,
                              updated,
                              potentials,
                              zeros.data(),
                              scratch.get(),
                              lanes.get()};
  if constexpr (std::is_same_v<T, float>) {
    HWY_DYNAMIC_DISPATCH(potentials_f32)(args);
  } else {
    HWY_DYNAMIC_DISPATCH(potentials_f64)(args);
  }
}

}  // namespace

template <class T>
void candidate_potentials(const T* x, std::int64_t rows, std::int64_t stride, std::int64_t d,
                          const T* candidates, std::int64_t m, const T* weights, const T* closest,
                          double* potentials) {
  run_potentials<T>(x, rows, stride, d, candidates, m, weights, closest, nullptr, potentials);
}

template <class T>
double update_closest(const T* x, std::int64_t rows, std::int64_t stride, std::int64_t d,
                      const T* center, const T* weights, T* closest) {
  double potential = 0;
  run_potentials<T>(x, rows, stride, d, center, 1, weights, closest, closest, &potential);
  return potential;
}

template <class T>
void distances(const T* x, std::int64_t rows, std::int64_t stride, const T* centers, std::int64_t k,
               std::int64_t d, T* out, std::int64_t out_stride) {
  if (rows <= 0) return;
  const auto dim = static_cast<std::size_t>(d);
  const auto scratch = hwy::AllocateAligned<T>(dim * kMaxBlockRows<T>);
  const std::vector<T> zeros(dim, T(0));
  const DistanceArgs<T> args{x,
                             static_cast<std::size_t>(rows),
                             static_cast<std::size_t>(stride),
                             dim,
                             centers,
                             static_cast<std::size_t>(k),
                             out,
                             static_cast<std::size_t>(out_stride),
                             zeros.data(),
                             scratch.get()};
  if constexpr (std::is_same_v<T, float>) {
    HWY_DYNAMIC_DISPATCH(distances_f32)(args);
  } else {
    HWY_DYNAMIC_DISPATCH(distances_f64)(args);
  }
}

template void candidate_potentials(const float*, std::int64_t, std::int64_t, std::int64_t,
                                   const float*, std::int64_t, const float*, const float*, double*);
template void candidate_potentials(const double*, std::int64_t, std::int64_t, std::int64_t,
                                   const double*, std::int64_t, const double*, const double*,
                                   double*);
template double update_closest(const float*, std::int64_t, std::int64_t, std::int64_t, const float*,
                               const float*, float*);
template double update_closest(const double*, std::int64_t, std::int64_t, std::int64_t,
                               const double*, const double*, double*);
template void distances(const float*, std::int64_t, std::int64_t, const float*, std::int64_t,
                        std::int64_t, float*, std::int64_t);
template void distances(const double*, std::int64_t, std::int64_t, const double*, std::int64_t,
                        std::int64_t, double*, std::int64_t);

}  // namespace tessera::on_cpu
#endif  // HWY_ONCE
