// Helpers shared by the Highway kernels; compiled once per target, hence the toggled guard.
#if defined(TESSERA_LINALG_KERNELS_CPU_SIMD_INL_HPP_) == defined(HWY_TARGET_TOGGLE)
#ifdef TESSERA_LINALG_KERNELS_CPU_SIMD_INL_HPP_
#undef TESSERA_LINALG_KERNELS_CPU_SIMD_INL_HPP_
#else
#define TESSERA_LINALG_KERNELS_CPU_SIMD_INL_HPP_
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <type_traits>

HWY_BEFORE_NAMESPACE();
namespace tessera::on_cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using std::size_t;

static_assert(HWY_HAVE_SCALABLE == 0,
              "the kernels keep vectors in arrays: fixed-size targets only");

/// The first `count` (< lanes) values at p, zeros above; reads nothing beyond them.
template <class D>
HWY_INLINE hn::Vec<D> load_first(D d, const hn::TFromD<D>* p, size_t count) {
#if HWY_MEM_OPS_MIGHT_FAULT
  HWY_ALIGN hn::TFromD<D> buffer[hn::MaxLanes(D())] = {};
  for (size_t i = 0; i < count; ++i) buffer[i] = p[i];
  return hn::Load(d, buffer);
#else
  return hn::MaskedLoad(hn::FirstN(d, count), d, p);
#endif
}

/// Stores the first `count` (< lanes) values of v at p; writes nothing beyond them.
template <class D>
HWY_INLINE void store_first(hn::Vec<D> v, D d, hn::TFromD<D>* p, size_t count) {
#if HWY_MEM_OPS_MIGHT_FAULT
  HWY_ALIGN hn::TFromD<D> buffer[hn::MaxLanes(D())];
  hn::Store(v, d, buffer);
  for (size_t i = 0; i < count; ++i) p[i] = buffer[i];
#else
  hn::BlendedStore(v, hn::FirstN(d, count), d, p);
#endif
}

/// The tag whose vectors of T, promoted to double, fill one full vector.
template <class T>
using PromotedFrom = hn::Rebind<T, hn::ScalableTag<double>>;

/// A full vector of doubles from as many values at p.
template <class T>
HWY_INLINE hn::Vec<hn::ScalableTag<double>> load_double(const T* p) {
  const hn::ScalableTag<double> dd;
  if constexpr (std::is_same_v<T, double>) {
    return hn::LoadU(dd, p);
  } else {
    return hn::PromoteTo(dd, hn::LoadU(PromotedFrom<T>(), p));
  }
}

/// As load_double, but only the first `count` values; zeros above.
template <class T>
HWY_INLINE hn::Vec<hn::ScalableTag<double>> load_double_first(const T* p, size_t count) {
  const hn::ScalableTag<double> dd;
  if constexpr (std::is_same_v<T, double>) {
    return load_first(dd, p, count);
  } else {
    return hn::PromoteTo(dd, load_first(PromotedFrom<T>(), p, count));
  }
}

/// Lower half of a vector as doubles; the whole vector for T = double or a single lane.
template <class D>
HWY_INLINE hn::Vec<hn::ScalableTag<double>> promote_lower(D, hn::Vec<D> v) {
  if constexpr (std::is_same_v<hn::TFromD<D>, double>) {
    return v;
  } else if constexpr (hn::MaxLanes(D()) == 1) {
    return hn::PromoteTo(hn::ScalableTag<double>(), v);
  } else {
    return hn::PromoteTo(hn::ScalableTag<double>(), hn::LowerHalf(hn::Half<D>(), v));
  }
}

/// Upper half of a vector as doubles; zero where promote_lower returned everything.
template <class D>
HWY_INLINE hn::Vec<hn::ScalableTag<double>> promote_upper(D, hn::Vec<D> v) {
#if HWY_TARGET != HWY_SCALAR
  if constexpr (!std::is_same_v<hn::TFromD<D>, double>) {
    return hn::PromoteTo(hn::ScalableTag<double>(), hn::UpperHalf(hn::Half<D>(), v));
  }
#endif
  (void)v;
  return hn::Zero(hn::ScalableTag<double>());
}

#if HWY_TARGET != HWY_SCALAR
/// Loads 128-bit blocks from p, p + step, p + 2 step, ... into one vector, lowest block first.
template <class D>
HWY_INLINE hn::Vec<D> load_blocks(D d, const hn::TFromD<D>* p, size_t step) {
  constexpr size_t kBlocks = hn::MaxLanes(D()) * sizeof(hn::TFromD<D>) / 16;
  if constexpr (kBlocks == 1) {
    return hn::LoadU(d, p);
  } else {
    const hn::Half<D> dh;
    return hn::Combine(d, load_blocks(dh, p + kBlocks / 2 * step, step), load_blocks(dh, p, step));
  }
}
#endif

}  // namespace HWY_NAMESPACE
}  // namespace tessera::on_cpu
HWY_AFTER_NAMESPACE();

#endif  // toggled guard
