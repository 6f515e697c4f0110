#include <tessera/estimators/kernels/cpu/kmeans.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <type_traits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/estimators/kernels/cpu/kmeans.cpp"
#include <hwy/aligned_allocator.h>
#include <hwy/cache_control.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <tessera/linalg/kernels/simd-inl.hpp>

#ifndef TESSERA_ESTIMATORS_KERNELS_CPU_KMEANS_ONCE
#define TESSERA_ESTIMATORS_KERNELS_CPU_KMEANS_ONCE
namespace tessera::on_cpu {
namespace {

// Rows of the widest block that any target packs: two vectors of 64 bytes.
template <class T>
constexpr std::size_t kMaxBlockRows = 128 / sizeof(T);

// Centres that the direct-difference kernel takes at once.
constexpr std::size_t kDirect = 4;

// Differences are squared and added in chains of this length, then the chains are added: keeps
// float32 accurate for d in the tens of thousands.
constexpr std::size_t kChain = 512;

template <class T>
struct AssignArgs {
  const T* x;
  std::size_t rows;
  std::size_t stride;
  const PackedCenters<T>* centers;
  const T* weights;
  std::int32_t* labels;
  double* sums;
  double* counts;
  double* inertia;
  std::int64_t* changed;
  T* scratch;  // d * kMaxBlockRows values, aligned
};

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

template <class T>
using Tag = hn::ScalableTag<T>;
template <class T>
constexpr size_t kLanes = hn::MaxLanes(Tag<T>());
template <class T>
constexpr size_t kBlockRows = 2 * kLanes<T>;

// Centres per micro-kernel call: 16 accumulators where there are 32 registers, else 8.
constexpr size_t kTileCenters = HWY_TARGET <= HWY_AVX3 ? 8 : 4;

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

template <class T>
struct Best {
  using DI = hn::RebindToSigned<Tag<T>>;
  hn::Vec<Tag<T>> value0, value1;
  hn::Vec<DI> index0, index1;
};

/// Compares the packed block with the kC centres from `panel` on (index `first`), in order.
template <size_t kC, class T>
HWY_INLINE void compare_centers(const T* HWY_RESTRICT packed, const T* HWY_RESTRICT panel,
                                size_t dim, const T* HWY_RESTRICT half_norms, size_t first,
                                Best<T>& best) {
  const Tag<T> d;
  const typename Best<T>::DI di;
  using V = hn::Vec<Tag<T>>;
  constexpr size_t kN = kLanes<T>;
  V acc0[kC], acc1[kC];
#pragma GCC unroll 8
  for (size_t c = 0; c < kC; ++c) acc0[c] = acc1[c] = hn::Zero(d);
  for (size_t t = 0; t < dim; ++t) {
    const V x0 = hn::Load(d, packed + t * 2 * kN);
    const V x1 = hn::Load(d, packed + t * 2 * kN + kN);
#pragma GCC unroll 8
    for (size_t c = 0; c < kC; ++c) {
      const V b = hn::Set(d, panel[t * PackedCenters<T>::kPanel + c]);
      acc0[c] = hn::MulAdd(b, x0, acc0[c]);
      acc1[c] = hn::MulAdd(b, x1, acc1[c]);
    }
  }
#pragma GCC unroll 8
  for (size_t c = 0; c < kC; ++c) {
    const auto index = hn::Set(di, static_cast<hn::TFromD<decltype(di)>>(first + c));
    // Last, because it is the larger: distances that are equal then mostly come out equal.
    const V norm = hn::Set(d, half_norms[c]);
    acc0[c] = hn::Add(acc0[c], norm);
    acc1[c] = hn::Add(acc1[c], norm);
    const auto less0 = hn::Lt(acc0[c], best.value0);
    const auto less1 = hn::Lt(acc1[c], best.value1);
    best.value0 = hn::IfThenElse(less0, acc0[c], best.value0);
    best.value1 = hn::IfThenElse(less1, acc1[c], best.value1);
    best.index0 = hn::IfThenElse(hn::RebindMask(di, less0), index, best.index0);
    best.index1 = hn::IfThenElse(hn::RebindMask(di, less1), index, best.index1);
  }
}

/// labels of the packed block, kBlockRows values.
template <class T>
HWY_INLINE void nearest_of_block(const T* HWY_RESTRICT packed, const PackedCenters<T>& centers,
                                 hwy::MakeSigned<T>* HWY_RESTRICT labels) {
  const Tag<T> d;
  const typename Best<T>::DI di;
  constexpr size_t kPanel = PackedCenters<T>::kPanel;
  const size_t dim = static_cast<size_t>(centers.d());
  const size_t k = static_cast<size_t>(centers.k());
  const auto infinity = hn::Set(d, std::numeric_limits<T>::infinity());
  Best<T> best{infinity, infinity, hn::Zero(di), hn::Zero(di)};
  size_t j = 0;
  for (; j + (kPanel - kTileCenters) < k; j += kTileCenters) {
    const T* panel = centers.panels() + j / kPanel * kPanel * dim + j % kPanel;
    compare_centers<kTileCenters>(packed, panel, dim, centers.half_norms() + j, j, best);
  }
  for (; j < k; j += 4) {
    const T* panel = centers.panels() + j / kPanel * kPanel * dim + j % kPanel;
    compare_centers<4>(packed, panel, dim, centers.half_norms() + j, j, best);
  }
  hn::Store(best.index0, di, labels);
  hn::Store(best.index1, di, labels + kLanes<T>);
}

/// sum += weight (row - offset) for the columns [t, t + kCount) if there are so many, and t after
/// them.
template <size_t kCount, class T>
HWY_INLINE void add_lanes(double weight, const T* HWY_RESTRICT row,
                          const double* HWY_RESTRICT offset, size_t dim, double* HWY_RESTRICT sum,
                          size_t& t) {
  if (t + kCount > dim) return;
  const hn::CappedTag<double, kCount> d;
  hn::Vec<decltype(d)> v;
  if constexpr (std::is_same_v<T, double>) {
    v = hn::LoadU(d, row + t);
  } else {
    v = hn::PromoteTo(d, hn::LoadU(hn::Rebind<T, decltype(d)>(), row + t));
  }
  v = hn::Sub(v, hn::LoadU(d, offset + t));
  hn::StoreU(hn::MulAdd(hn::Set(d, weight), v, hn::LoadU(d, sum + t)), d, sum + t);
  t += kCount;
}

template <class T>
HWY_INLINE void assign_nearest_kernel(const AssignArgs<T>& a) {
  const Tag<T> d;
  const hn::ScalableTag<double> dd;
  constexpr size_t kN = kLanes<T>;
  constexpr size_t kR = kBlockRows<T>;
  constexpr size_t kND = hn::MaxLanes(hn::ScalableTag<double>());
  const size_t dim = static_cast<size_t>(a.centers->d());
  const double* HWY_RESTRICT offset = a.centers->wide_offset();
  auto inertia0 = hn::Zero(dd);
  auto inertia1 = hn::Zero(dd);
  std::int64_t changed = 0;
  HWY_ALIGN hwy::MakeSigned<T> block_labels[kR];
  // The next block is asked for while this one is computed (hardware prefetchers stop at page
  // borders), if both fit the first-level cache.
  const bool small_blocks = kR * a.stride * sizeof(T) <= (size_t{16} << 10);
  for (size_t begin = 0; begin < a.rows; begin += kR) {
    const size_t count = HWY_MIN(kR, a.rows - begin);
    const T* HWY_RESTRICT x = a.x + begin * a.stride;
    pack_rows(x, count, a.stride, dim, a.centers->offset(), a.scratch);
    if (small_blocks && begin + 2 * kR <= a.rows) {
      const T* HWY_RESTRICT next = x + kR * a.stride;
      for (size_t t = 0; t < kR * a.stride; t += 64 / sizeof(T)) hwy::Prefetch(next + t);
    }
    nearest_of_block(a.scratch, *a.centers, block_labels);
    std::int32_t* HWY_RESTRICT labels = a.labels + begin;
    for (size_t r = 0; r < count; ++r) {
      const std::int32_t label = static_cast<std::int32_t>(block_labels[r]);
      changed += labels[r] != label;
      labels[r] = label;
    }
    if (a.counts == nullptr && a.sums == nullptr && a.inertia == nullptr) continue;
    for (size_t r = 0; r < count; ++r) {
      const size_t label = static_cast<size_t>(block_labels[r]);
      const T* HWY_RESTRICT row = x + r * a.stride;
      const double weight = a.weights ? static_cast<double>(a.weights[begin + r]) : 1.0;
      const auto w = hn::Set(dd, weight);
      if (a.counts != nullptr) a.counts[label] += weight;
      if (a.sums != nullptr) {
        double* HWY_RESTRICT sum = a.sums + label * dim;
        size_t t = 0;
        for (; t + kND <= dim; t += kND) {
          const auto v = hn::Sub(load_double(row + t), hn::LoadU(dd, offset + t));
          hn::StoreU(hn::MulAdd(w, v, hn::LoadU(dd, sum + t)), dd, sum + t);
        }
        // A masked load would wait for the masked store of the row before, if it had this label.
        if constexpr (kND > 4) add_lanes<4>(weight, row, offset, dim, sum, t);
        if constexpr (kND > 2) add_lanes<2>(weight, row, offset, dim, sum, t);
        if constexpr (kND > 1) add_lanes<1>(weight, row, offset, dim, sum, t);
      }
      if (a.inertia != nullptr) {
        const T* HWY_RESTRICT center = a.centers->centers() + label * dim;
        const T* HWY_RESTRICT origin = a.centers->offset();
        auto total = hn::Zero(d);
        size_t t = 0;
        for (; t + kN <= dim; t += kN) {
          const auto shifted = hn::Sub(hn::LoadU(d, row + t), hn::LoadU(d, origin + t));
          const auto v = hn::Sub(shifted, hn::LoadU(d, center + t));
          total = hn::MulAdd(v, v, total);
        }
        if (t < dim) {
          const size_t left = dim - t;
          const auto shifted =
              hn::Sub(load_first(d, row + t, left), load_first(d, origin + t, left));
          const auto v = hn::Sub(shifted, load_first(d, center + t, left));
          total = hn::MulAdd(v, v, total);
        }
        inertia0 = hn::MulAdd(w, promote_lower(d, total), inertia0);
        inertia1 = hn::MulAdd(w, promote_upper(d, total), inertia1);
      }
    }
  }
  if (a.changed != nullptr) *a.changed += changed;
  if (a.inertia != nullptr) {
    *a.inertia += hn::GetLane(hn::SumOfLanes(dd, hn::Add(inertia0, inertia1)));
  }
}

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

void assign_nearest_f32(const AssignArgs<float>& a) { assign_nearest_kernel(a); }
void assign_nearest_f64(const AssignArgs<double>& a) { assign_nearest_kernel(a); }
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

HWY_EXPORT(assign_nearest_f32);
HWY_EXPORT(assign_nearest_f64);
HWY_EXPORT(potentials_f32);
HWY_EXPORT(potentials_f64);
HWY_EXPORT(distances_f32);
HWY_EXPORT(distances_f64);

template <class T>
PackedCenters<T>::PackedCenters(const T* centers, std::int64_t k, std::int64_t d, const T* offset)
    : k_(k), d_(d), padded_k_((k + kPanel - 1) / kPanel * kPanel) {
  const auto dim = static_cast<std::size_t>(d);
  const auto count = static_cast<std::size_t>(k);
  const auto width = static_cast<std::size_t>(kPanel);
  panels_.assign(static_cast<std::size_t>(padded_k_) * dim, T(0));
  half_norms_.assign(static_cast<std::size_t>(padded_k_), std::numeric_limits<T>::infinity());
  centers_.assign(centers, centers + count * dim);
  offset_.assign(dim, T(0));
  if (offset != nullptr) offset_.assign(offset, offset + dim);
  wide_offset_.assign(offset_.begin(), offset_.end());
  for (std::size_t j = 0; j < count; ++j) {
    T* panel = panels_.data() + j / width * width * dim + j % width;
    double norm = 0;
    for (std::size_t t = 0; t < dim; ++t) {
      const T shifted = centers[j * dim + t];
      panel[t * width] = -shifted;
      norm += static_cast<double>(shifted) * static_cast<double>(shifted);
    }
    half_norms_[j] = static_cast<T>(0.5 * norm);
  }
}

template <class T>
void assign_nearest(const T* x, std::int64_t rows, std::int64_t stride,
                    const PackedCenters<T>& centers, const T* weights, std::int32_t* labels,
                    double* sums, double* counts, double* inertia, std::int64_t* changed) {
  if (rows <= 0) return;
  const auto scratch =
      hwy::AllocateAligned<T>(static_cast<std::size_t>(centers.d()) * kMaxBlockRows<T>);
  const AssignArgs<T> args{x,
                           static_cast<std::size_t>(rows),
                           static_cast<std::size_t>(stride),
                           &centers,
                           weights,
                           labels,
                           sums,
                           counts,
                           inertia,
                           changed,
                           scratch.get()};
  if constexpr (std::is_same_v<T, float>) {
    HWY_DYNAMIC_DISPATCH(assign_nearest_f32)(args);
  } else {
    HWY_DYNAMIC_DISPATCH(assign_nearest_f64)(args);
  }
}

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

template class PackedCenters<float>;
template class PackedCenters<double>;
template void assign_nearest(const float*, std::int64_t, std::int64_t, const PackedCenters<float>&,
                             const float*, std::int32_t*, double*, double*, double*, std::int64_t*);
template void assign_nearest(const double*, std::int64_t, std::int64_t,
                             const PackedCenters<double>&, const double*, std::int32_t*, double*,
                             double*, double*, std::int64_t*);
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
