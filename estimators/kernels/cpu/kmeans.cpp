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

#include <tessera/estimators/kernels/cpu/blocks-inl.hpp>
#include <tessera/linalg/kernels/simd-inl.hpp>

#ifndef TESSERA_ESTIMATORS_KERNELS_CPU_KMEANS_ONCE
#define TESSERA_ESTIMATORS_KERNELS_CPU_KMEANS_ONCE
namespace tessera::on_cpu {
namespace {

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

}  // namespace
}  // namespace tessera::on_cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace tessera::on_cpu {
namespace HWY_NAMESPACE {
namespace {

// Centres per micro-kernel call: 16 accumulators where there are 32 registers, else 8.
constexpr size_t kTileCenters = HWY_TARGET <= HWY_AVX3 ? 8 : 4;

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

void assign_nearest_f32(const AssignArgs<float>& a) { assign_nearest_kernel(a); }
void assign_nearest_f64(const AssignArgs<double>& a) { assign_nearest_kernel(a); }

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace tessera::on_cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::on_cpu {

HWY_EXPORT(assign_nearest_f32);
HWY_EXPORT(assign_nearest_f64);

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

template class PackedCenters<float>;
template class PackedCenters<double>;
template void assign_nearest(const float*, std::int64_t, std::int64_t, const PackedCenters<float>&,
                             const float*, std::int32_t*, double*, double*, double*, std::int64_t*);
template void assign_nearest(const double*, std::int64_t, std::int64_t,
                             const PackedCenters<double>&, const double*, std::int32_t*, double*,
                             double*, double*, std::int64_t*);
}  // namespace tessera::on_cpu
#endif  // HWY_ONCE
