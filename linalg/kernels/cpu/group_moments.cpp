#include <tessera/linalg/kernels/cpu/group_moments.hpp>

#include <algorithm>
#include <type_traits>
#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/linalg/kernels/cpu/group_moments.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <tessera/linalg/kernels/simd-inl.hpp>

HWY_BEFORE_NAMESPACE();
namespace tessera::on_cpu {
namespace HWY_NAMESPACE {
namespace {

/// One row of weight w into mean and m2, of which it is the share w / (weights so far). Product and
/// sum are rounded apart, as where there is no fused operation.
template <class T>
void add_row(const T* HWY_RESTRICT x, size_t p, double w, double share, double* HWY_RESTRICT mean,
             double* HWY_RESTRICT m2) {
  const hn::ScalableTag<double> dd;
  constexpr size_t kN = hn::MaxLanes(hn::ScalableTag<double>());
  const auto weight = hn::Set(dd, w);
  const auto part = hn::Set(dd, share);
  size_t j = 0;
  for (; j + kN <= p; j += kN) {
    const auto v = load_double(x + j);
    const auto before = hn::LoadU(dd, mean + j);
    const auto d = hn::Sub(v, before);
    const auto after = hn::Add(before, hn::Mul(d, part));
    hn::StoreU(after, dd, mean + j);
    const auto square = hn::Mul(hn::Mul(weight, d), hn::Sub(v, after));
    hn::StoreU(hn::Add(hn::LoadU(dd, m2 + j), square), dd, m2 + j);
  }
  for (; j < p; ++j) {
    const double v = static_cast<double>(x[j]);
    const double d = v - mean[j];
    mean[j] += d * share;
    m2[j] += w * d * (v - mean[j]);
  }
}

template <class T>
void group_moments_kernel(const T* x, std::int64_t rows, std::int64_t p, std::int64_t stride,
                          const std::int32_t* codes, const T* weights, std::int64_t groups,
                          double* weight, double* mean, double* m2) {
  for (std::int64_t i = 0; i < rows; ++i) {
    const std::int64_t g = codes[i];
    const double w = weights == nullptr ? 1.0 : static_cast<double>(weights[i]);
    if (g < 0 || g >= groups || w == 0.0) continue;
    weight[g] += w;
    add_row(x + i * stride, static_cast<size_t>(p), w, w / weight[g], mean + g * p, m2 + g * p);
  }
}

void group_moments_f32(const float* x, std::int64_t rows, std::int64_t p, std::int64_t stride,
                       const std::int32_t* codes, const float* weights, std::int64_t groups,
                       double* weight, double* mean, double* m2) {
  group_moments_kernel(x, rows, p, stride, codes, weights, groups, weight, mean, m2);
}
void group_moments_f64(const double* x, std::int64_t rows, std::int64_t p, std::int64_t stride,
                       const std::int32_t* codes, const double* weights, std::int64_t groups,
                       double* weight, double* mean, double* m2) {
  group_moments_kernel(x, rows, p, stride, codes, weights, groups, weight, mean, m2);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace tessera::on_cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::on_cpu {

HWY_EXPORT(group_moments_f32);
HWY_EXPORT(group_moments_f64);

template <class T>
void group_moments(const T* x, std::int64_t rows, std::int64_t p, std::int64_t stride,
                   const std::int32_t* codes, const T* weights, std::int64_t groups,
                   double* partial) {
  double* const count = partial;
  double* const mean = count + groups * p;
  double* const m2 = mean + groups * p;
  std::fill(partial, partial + 3 * groups * p, 0.0);
  std::vector<double> weight(static_cast<std::size_t>(groups), 0.0);
  if constexpr (std::is_same_v<T, float>) HWY_DYNAMIC_DISPATCH(group_moments_f32)
  (x, rows, p, stride, codes, weights, groups, weight.data(), mean, m2);
  else HWY_DYNAMIC_DISPATCH(group_moments_f64)(x, rows, p, stride, codes, weights, groups,
                                               weight.data(), mean, m2);
  for (std::int64_t g = 0; g < groups; ++g)
    std::fill_n(count + g * p, p, weight[static_cast<std::size_t>(g)]);
}

template void group_moments(const float*, std::int64_t, std::int64_t, std::int64_t,
                            const std::int32_t*, const float*, std::int64_t, double*);
template void group_moments(const double*, std::int64_t, std::int64_t, std::int64_t,
                            const std::int32_t*, const double*, std::int64_t, double*);

}  // namespace tessera::on_cpu
#endif  // HWY_ONCE
