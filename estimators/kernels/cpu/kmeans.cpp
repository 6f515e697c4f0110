#include <tessera/estimators/kernels/cpu/kmeans.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <type_traits>

#include <tessera/linalg/kernels/ahead.hpp>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/estimators/kernels/cpu/kmeans.cpp"
#include <hwy/aligned_allocator.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <tessera/estimators/kernels/cpu/blocks-inl.hpp>
#include <tessera/linalg/kernels/simd-inl.hpp>

#ifndef TESSERA_ESTIMATORS_KERNELS_CPU_KMEANS_ONCE
#define TESSERA_ESTIMATORS_KERNELS_CPU_KMEANS_ONCE
namespace tessera::on_cpu {
namespace {

// Rows whose labels are found before any of them is added, as far as they fit kBatchBytes.
constexpr std::size_t kMaxBatch = 256;
constexpr std::size_t kBatchBytes = std::size_t{8} << 10;
// Vectors of doubles that a row has at most where all clusters' sums are kept in whole vectors.
constexpr std::size_t kNarrow = 4;
constexpr std::size_t kMaxNarrowColumns = kNarrow * 8;
// Blocks that are fetched ahead are no larger, and lie at least that far ahead.
constexpr std::size_t kFetched = std::size_t{16} << 10;
constexpr std::size_t kAhead = std::size_t{4} << 10;

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
  T* scratch;     // d * kMaxBlockRows values, aligned
  double* table;  // (k + 1) * kMaxNarrowColumns values, aligned, or null for more columns than that
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
                                Best<T>& best, Ahead& ahead) {
  const Tag<T> d;
  const typename Best<T>::DI di;
  using V = hn::Vec<Tag<T>>;
  constexpr size_t kN = kLanes<T>;
  V acc0[kC], acc1[kC];
#pragma GCC unroll 8
  for (size_t c = 0; c < kC; ++c) acc0[c] = acc1[c] = hn::Zero(d);
  const size_t line = ahead.next < ahead.end ? 64 : 0;
  std::uintptr_t fetched = ahead.next;
  ahead.next += line * dim;
  for (size_t t = 0; t < dim; ++t, fetched += line) {
    __builtin_prefetch(reinterpret_cast<const void*>(fetched));
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
HWY_NOINLINE void nearest_of_block(const T* HWY_RESTRICT packed, const PackedCenters<T>& centers,
                                   hwy::MakeSigned<T>* HWY_RESTRICT labels, Ahead ahead) {
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
    compare_centers<kTileCenters>(packed, panel, dim, centers.half_norms() + j, j, best, ahead);
  }
  for (; j < k; j += 4) {
    const T* panel = centers.panels() + j / kPanel * kPanel * dim + j % kPanel;
    compare_centers<4>(packed, panel, dim, centers.half_norms() + j, j, best, ahead);
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

/// Rows of a batch and their labels.
template <class T>
struct Batch {
  const T* x;
  size_t count;
  const T* weights;  // or null
  const hwy::MakeSigned<T>* labels;
  double weight(size_t r) const { return weights ? static_cast<double>(weights[r]) : 1.0; }
  size_t label(size_t r) const { return static_cast<size_t>(labels[r]); }
};

/// The clusters' sums, as many whole vectors for each as a row has. Where a lane is free, the first
/// one adds up the weights, for that lane of the offset is -1.
template <size_t kV, bool kWeighted, class T>
void add_narrow(const AssignArgs<T>& a, const Batch<T>& batch) {
  const hn::ScalableTag<double> dd;
  using V = hn::Vec<hn::ScalableTag<double>>;
  constexpr size_t kND = hn::MaxLanes(hn::ScalableTag<double>());
  constexpr size_t kColumns = kV * kND;
  const size_t last = static_cast<size_t>(a.centers->d()) - (kV - 1) * kND;
  V origin[kV];
  for (size_t v = 0; v < kV; ++v) origin[v] = hn::Load(dd, a.table + v * kND);
  double* HWY_RESTRICT const sums = a.table + kColumns;
  const auto add = [&](auto whole) HWY_ATTR {
#pragma GCC unroll 4
    for (size_t r = 0; r < batch.count; ++r) {
      const T* HWY_RESTRICT row = batch.x + r * a.stride;
      double* HWY_RESTRICT sum = sums + batch.label(r) * kColumns;
      const V weight = kWeighted ? hn::Set(dd, batch.weight(r)) : hn::Zero(dd);
#pragma GCC unroll 4
      for (size_t v = 0; v < kV; ++v) {
        const T* from = row + v * kND;
        const V z = hn::Sub(v + 1 < kV || whole ? load_double(from) : load_double_first(from, last),
                            origin[v]);
        const V before = hn::Load(dd, sum + v * kND);
        hn::Store(kWeighted ? hn::MulAdd(weight, z, before) : hn::Add(z, before), dd,
                  sum + v * kND);
      }
    }
  };
  if (last == kND)
    add(std::true_type());
  else
    add(std::false_type());
}

/// add_narrow for the rows of one call.
template <class T>
class NarrowSums {
 public:
  explicit NarrowSums(const AssignArgs<T>& a) : a_(a) {
    if (a.sums == nullptr || a.table == nullptr || vectors_ > kNarrow) return;
    std::fill_n(a.table, (clusters_ + 1) * columns_, 0.0);
    std::copy_n(a.centers->wide_offset(), dim_, a.table);
    if (counts()) a.table[dim_] = -1;
    constexpr void (*kAdd[kNarrow][2])(const AssignArgs<T>&, const Batch<T>&) = {
        {add_narrow<1, false, T>, add_narrow<1, true, T>},
        {add_narrow<2, false, T>, add_narrow<2, true, T>},
        {add_narrow<3, false, T>, add_narrow<3, true, T>},
        {add_narrow<4, false, T>, add_narrow<4, true, T>}};
    add_ = kAdd[vectors_ - 1][a.weights != nullptr];
  }
  explicit operator bool() const { return add_ != nullptr; }
  /// Whether there is a free lane for them.
  bool counts() const { return dim_ < columns_; }
  void add(const Batch<T>& batch) const { add_(a_, batch); }
  void finish() const {
    for (size_t j = 0; j < clusters_; ++j) {
      const double* from = a_.table + (j + 1) * columns_;
      for (size_t t = 0; t < dim_; ++t) a_.sums[j * dim_ + t] += from[t];
      if (counts() && a_.counts != nullptr) a_.counts[j] += from[dim_];
    }
  }

 private:
  const AssignArgs<T>& a_;
  size_t dim_ = static_cast<size_t>(a_.centers->d());
  size_t clusters_ = static_cast<size_t>(a_.centers->k());
  size_t vectors_ = (dim_ + hn::MaxLanes(hn::ScalableTag<double>()) - 1) /
                    hn::MaxLanes(hn::ScalableTag<double>());
  size_t columns_ = vectors_ * hn::MaxLanes(hn::ScalableTag<double>());
  void (*add_)(const AssignArgs<T>&, const Batch<T>&) = nullptr;
};

template <class T>
HWY_INLINE void add_wide(const AssignArgs<T>& a, const Batch<T>& batch) {
  const hn::ScalableTag<double> dd;
  constexpr size_t kND = hn::MaxLanes(hn::ScalableTag<double>());
  const size_t dim = static_cast<size_t>(a.centers->d());
  const double* HWY_RESTRICT offset = a.centers->wide_offset();
  for (size_t r = 0; r < batch.count; ++r) {
    const T* HWY_RESTRICT row = batch.x + r * a.stride;
    const double weight = batch.weight(r);
    const auto w = hn::Set(dd, weight);
    double* HWY_RESTRICT sum = a.sums + batch.label(r) * dim;
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
}

/// The inertia of rows, in lanes.
template <class T>
struct InertiaLanes {
  hn::Vec<hn::ScalableTag<double>> lower;
  hn::Vec<hn::ScalableTag<double>> upper;

  HWY_INLINE void add(const AssignArgs<T>& a, const Batch<T>& batch) {
    const Tag<T> d;
    constexpr size_t kN = kLanes<T>;
    const size_t dim = static_cast<size_t>(a.centers->d());
    const T* HWY_RESTRICT origin = a.centers->offset();
    for (size_t r = 0; r < batch.count; ++r) {
      const T* HWY_RESTRICT row = batch.x + r * a.stride;
      const T* HWY_RESTRICT center = a.centers->centers() + batch.label(r) * dim;
      auto total = hn::Zero(d);
      size_t t = 0;
      for (; t + kN <= dim; t += kN) {
        const auto shifted = hn::Sub(hn::LoadU(d, row + t), hn::LoadU(d, origin + t));
        const auto v = hn::Sub(shifted, hn::LoadU(d, center + t));
        total = hn::MulAdd(v, v, total);
      }
      if (t < dim) {
        const size_t left = dim - t;
        const auto shifted = hn::Sub(load_first(d, row + t, left), load_first(d, origin + t, left));
        const auto v = hn::Sub(shifted, load_first(d, center + t, left));
        total = hn::MulAdd(v, v, total);
      }
      const auto w = hn::Set(hn::ScalableTag<double>(), batch.weight(r));
      lower = hn::MulAdd(w, promote_lower(d, total), lower);
      upper = hn::MulAdd(w, promote_upper(d, total), upper);
    }
  }
  HWY_INLINE double sum() const {
    const hn::ScalableTag<double> dd;
    return hn::GetLane(hn::SumOfLanes(dd, hn::Add(lower, upper)));
  }
};

/// Stores what was found in labels; returns how many were others before.
template <class Label>
std::int32_t replace_labels(std::int32_t* HWY_RESTRICT labels, const Label* HWY_RESTRICT found,
                            size_t count) {
  std::int32_t changed = 0;
  for (size_t r = 0; r < count; ++r) {
    const auto label = static_cast<std::int32_t>(found[r]);
    changed += labels[r] != label;
    labels[r] = label;
  }
  return changed;
}

template <class T>
HWY_INLINE void assign_nearest_kernel(const AssignArgs<T>& a) {
  constexpr size_t kR = kBlockRows<T>;
  const size_t dim = static_cast<size_t>(a.centers->d());
  const size_t block_bytes = kR * a.stride * sizeof(T);
  const size_t ahead = HWY_MAX(block_bytes, kAhead);
  const size_t fetched = block_bytes <= kFetched ? block_bytes : 0;
  const size_t batch_rows = HWY_MIN(kMaxBatch, HWY_MAX(kBatchBytes / block_bytes, size_t{1}) * kR);
  const NarrowSums<T> narrow(a);
  const auto zero = hn::Zero(hn::ScalableTag<double>());
  InertiaLanes<T> inertia{zero, zero};
  std::int64_t changed = 0;
  HWY_ALIGN hwy::MakeSigned<T> found[kMaxBatch];
  for (size_t begin = 0; begin < a.rows; begin += batch_rows) {
    const Batch<T> batch{a.x + begin * a.stride, HWY_MIN(batch_rows, a.rows - begin),
                         a.weights ? a.weights + begin : nullptr, found};
    for (size_t r = 0; r < batch.count; r += kR) {
      const T* x = batch.x + r * a.stride;
      pack_rows(x, HWY_MIN(kR, batch.count - r), a.stride, dim, a.centers->offset(), a.scratch);
      const std::uintptr_t next = reinterpret_cast<std::uintptr_t>(x) + ahead;
      nearest_of_block(a.scratch, *a.centers, found + r, Ahead{next, next + fetched});
    }
    changed += replace_labels(a.labels + begin, found, batch.count);
    if (narrow)
      narrow.add(batch);
    else if (a.sums != nullptr)
      add_wide(a, batch);
    if (a.counts != nullptr && !(narrow && narrow.counts()))
      for (size_t r = 0; r < batch.count; ++r) a.counts[batch.label(r)] += batch.weight(r);
    if (a.inertia != nullptr) inertia.add(a, batch);
  }
  if (narrow) narrow.finish();
  if (a.changed != nullptr) *a.changed += changed;
  if (a.inertia != nullptr) *a.inertia += inertia.sum();
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
  hwy::AlignedFreeUniquePtr<double[]> table;
  if (sums != nullptr && static_cast<std::size_t>(centers.d()) <= kMaxNarrowColumns)
    table = hwy::AllocateAligned<double>((static_cast<std::size_t>(centers.k()) + 1) *
                                         kMaxNarrowColumns);
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
                           scratch.get(),
                           table.get()};
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
