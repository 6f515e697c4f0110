#include <tessera/estimators/kernels/cpu/linear.hpp>

#include <algorithm>
#include <cstddef>
#include <type_traits>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/estimators/kernels/cpu/linear.cpp"
#include <hwy/aligned_allocator.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <hwy/contrib/math/math-inl.h>

#include <tessera/linalg/kernels/simd-inl.hpp>

#ifndef TESSERA_ESTIMATORS_KERNELS_CPU_LINEAR_ONCE
#define TESSERA_ESTIMATORS_KERNELS_CPU_LINEAR_ONCE
namespace tessera::on_cpu {
namespace {

template <class T>
struct RowArgs {
  const T* x;
  std::size_t rows;
  std::size_t p;
  std::size_t stride;
};

}  // namespace
}  // namespace tessera::on_cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace tessera::on_cpu {
namespace HWY_NAMESPACE {
namespace {

using Wide = hn::ScalableTag<double>;
using V = hn::Vec<Wide>;
constexpr size_t kLanes = hn::MaxLanes(Wide());

/// kR rows times the coefficients, which are padded with zeros to whole vectors.
template <size_t kR, class T>
HWY_INLINE void dot_rows(const RowArgs<T>& a, size_t row, const double* HWY_RESTRICT coef,
                         double intercept, double* HWY_RESTRICT u) {
  const Wide d;
  const T* HWY_RESTRICT x = a.x + row * a.stride;
  const size_t full = a.p / kLanes * kLanes;
  V sum[kR];
#pragma GCC unroll 8
  for (size_t r = 0; r < kR; ++r) sum[r] = hn::Zero(d);
  for (size_t j = 0; j < full; j += kLanes) {
    const V c = hn::Load(d, coef + j);
#pragma GCC unroll 8
    for (size_t r = 0; r < kR; ++r)
      sum[r] = hn::MulAdd(load_double(x + r * a.stride + j), c, sum[r]);
  }
  if (full < a.p) {
    const V c = hn::Load(d, coef + full);
#pragma GCC unroll 8
    for (size_t r = 0; r < kR; ++r)
      sum[r] = hn::MulAdd(load_double_first(x + r * a.stride + full, a.p - full), c, sum[r]);
  }
#pragma GCC unroll 8
  for (size_t r = 0; r < kR; ++r) u[row + r] = hn::GetLane(hn::SumOfLanes(d, sum[r])) + intercept;
}

template <class T>
void predict_all(const RowArgs<T>& a, const double* HWY_RESTRICT coef, double intercept,
                 double* HWY_RESTRICT u) {
  size_t row = 0;
  for (; row + 8 <= a.rows; row += 8) dot_rows<8>(a, row, coef, intercept, u);
  for (; row < a.rows; ++row) dot_rows<1>(a, row, coef, intercept, u);
}

/// kV vectors of columns from `first` on, the last of which may have `last` values only.
template <size_t kV, class T>
HWY_INLINE void add_columns(const RowArgs<T>& a, size_t first, size_t last,
                            const double* HWY_RESTRICT g, double* HWY_RESTRICT sum) {
  const Wide d;
  V total[kV];
#pragma GCC unroll 8
  for (size_t v = 0; v < kV; ++v) total[v] = hn::Zero(d);
  for (size_t i = 0; i < a.rows; ++i) {
    const T* HWY_RESTRICT x = a.x + i * a.stride + first;
    const V by = hn::Set(d, g[i]);
#pragma GCC unroll 8
    for (size_t v = 0; v < kV; ++v)
      total[v] = hn::MulAdd(v + 1 < kV || last == kLanes ? load_double(x + v * kLanes)
                                                         : load_double_first(x + v * kLanes, last),
                            by, total[v]);
  }
#pragma GCC unroll 8
  for (size_t v = 0; v < kV; ++v) {
    HWY_ALIGN double lanes[kLanes];
    hn::Store(total[v], d, lanes);
    const size_t count = v + 1 < kV ? kLanes : last;
    for (size_t c = 0; c < count; ++c) sum[first + v * kLanes + c] += lanes[c];
  }
}

template <class T>
void add_all(const RowArgs<T>& a, const double* HWY_RESTRICT g, double* HWY_RESTRICT sum) {
  constexpr size_t kV = 4;
  size_t j = 0;
  for (; j + kV * kLanes <= a.p; j += kV * kLanes) add_columns<kV>(a, j, kLanes, g, sum);
  for (; j < a.p; j += kLanes) add_columns<1>(a, j, HWY_MIN(kLanes, a.p - j), g, sum);
}

void predict_f32(const RowArgs<float>& a, const double* coef, double intercept, double* u) {
  predict_all(a, coef, intercept, u);
}
void predict_f64(const RowArgs<double>& a, const double* coef, double intercept, double* u) {
  predict_all(a, coef, intercept, u);
}
void add_f32(const RowArgs<float>& a, const double* g, double* sum) { add_all(a, g, sum); }
void add_f64(const RowArgs<double>& a, const double* g, double* sum) { add_all(a, g, sum); }

template <class T>
double dot_one(const T* HWY_RESTRICT x, size_t p, const double* HWY_RESTRICT w, double& square) {
  const Wide d;
  V sum[2] = {hn::Zero(d), hn::Zero(d)}, squares[2] = {hn::Zero(d), hn::Zero(d)};
  const auto add = [&](V v, V c, size_t k) {
    sum[k] = hn::MulAdd(v, c, sum[k]);
    squares[k] = hn::MulAdd(v, v, squares[k]);
  };
  size_t j = 0;
  for (; j + 2 * kLanes <= p; j += 2 * kLanes)
    for (size_t k = 0; k < 2; ++k)
      add(load_double(x + j + k * kLanes), hn::LoadU(d, w + j + k * kLanes), k);
  for (; j < p; j += kLanes) {
    const size_t count = HWY_MIN(kLanes, p - j);
    add(load_double_first(x + j, count), load_first(d, w + j, count), 0);
  }
  square = hn::GetLane(hn::SumOfLanes(d, hn::Add(squares[0], squares[1])));
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(sum[0], sum[1])));
}

template <class T>
double step_one(const T* HWY_RESTRICT x, size_t p, double shrink, double by,
                double* HWY_RESTRICT w) {
  const Wide d;
  const V scale = hn::Set(d, shrink), times = hn::Set(d, by);
  V square = hn::Zero(d);
  size_t j = 0;
  for (; j + kLanes <= p; j += kLanes) {
    const V v = hn::MulAdd(load_double(x + j), times, hn::Mul(hn::LoadU(d, w + j), scale));
    hn::StoreU(v, d, w + j);
    square = hn::MulAdd(v, v, square);
  }
  if (j < p) {
    const V v = hn::MulAdd(load_double_first(x + j, p - j), times,
                           hn::Mul(load_first(d, w + j, p - j), scale));
    store_first(v, d, w + j, p - j);
    square = hn::MulAdd(v, v, square);
  }
  return hn::GetLane(hn::SumOfLanes(d, square));
}

double dot_f32(const float* x, size_t p, const double* w, double* square) {
  return dot_one(x, p, w, *square);
}
double dot_f64(const double* x, size_t p, const double* w, double* square) {
  return dot_one(x, p, w, *square);
}
double step_f32(const float* x, size_t p, double shrink, double by, double* w) {
  return step_one(x, p, shrink, by, w);
}
double step_f64(const double* x, size_t p, double shrink, double by, double* w) {
  return step_one(x, p, shrink, by, w);
}

/// f of n values, vector by vector.
template <class F>
HWY_INLINE void for_each_vector(size_t n, F f) {
  for (size_t i = 0; i < n; i += kLanes) f(i, HWY_MIN(kLanes, n - i));
}
HWY_INLINE V load_some(const double* p, size_t count) {
  return count == kLanes ? hn::LoadU(Wide(), p) : load_first(Wide(), p, count);
}
HWY_INLINE void store_some(V v, double* p, size_t count) {
  if (count == kLanes)
    hn::StoreU(v, Wide(), p);
  else
    store_first(v, Wide(), p, count);
}

/// Highway's Exp takes neither NaN nor arguments of which the result is no normal number.
HWY_INLINE V exp_of(V x) {
  const Wide d;
  const V e = hn::Exp(d, hn::Clamp(x, hn::Set(d, -708.0), hn::Set(d, 709.0)));
  const V low = hn::IfThenZeroElse(hn::Lt(x, hn::Set(d, -708.0)), e);
  const V high = hn::IfThenElse(hn::Gt(x, hn::Set(d, 709.78)), hn::Inf(d), low);
  return hn::IfThenElse(hn::IsNaN(x), x, high);
}

void exp_all(double* v, size_t n) {
  for_each_vector(n, [&](size_t i, size_t count) {
    store_some(exp_of(load_some(v + i, count)), v + i, count);
  });
}

void logistic_all(const double* u, const double* y, size_t n, double* loss, double* slope,
                  double* curvature) {
  const Wide d;
  const V one = hn::Set(d, 1.0);
  for_each_vector(n, [&](size_t i, size_t count) {
    const V x = load_some(u + i, count);
    const V label = load_some(y + i, count);
    const V e = exp_of(hn::Neg(hn::Abs(x)));  // at most 1
    const V small = hn::Div(e, hn::Add(one, e));
    const V p = hn::IfThenElse(hn::Lt(x, hn::Zero(d)), small, hn::Sub(one, small));
    const V log = hn::Add(hn::Log1p(d, e), hn::Max(x, hn::Zero(d)));
    store_some(hn::IfThenElse(hn::IsNaN(x), x, hn::NegMulAdd(label, x, log)), loss + i, count);
    // Of label 1: -(1 - p), without cancelling.
    const V miss = hn::IfThenElse(hn::Lt(x, hn::Zero(d)), hn::Div(one, hn::Add(one, e)), small);
    const V g = hn::MulAdd(label, hn::Neg(miss), hn::Mul(hn::Sub(one, label), p));
    store_some(hn::IfThenElse(hn::IsNaN(x), x, g), slope + i, count);
    store_some(hn::Mul(p, miss), curvature + i, count);
  });
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace tessera::on_cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::on_cpu {

HWY_EXPORT(predict_f32);
HWY_EXPORT(predict_f64);
HWY_EXPORT(add_f32);
HWY_EXPORT(add_f64);
HWY_EXPORT(dot_f32);
HWY_EXPORT(dot_f64);
HWY_EXPORT(step_f32);
HWY_EXPORT(step_f64);
HWY_EXPORT(exp_all);
HWY_EXPORT(logistic_all);

namespace {

template <class T>
RowArgs<T> arguments(const T* x, std::int64_t rows, std::int64_t p, std::int64_t stride) {
  return {x, static_cast<std::size_t>(rows), static_cast<std::size_t>(p),
          static_cast<std::size_t>(stride)};
}

}  // namespace

template <class T>
void predict_rows(const T* x, std::int64_t rows, std::int64_t p, std::int64_t stride,
                  const double* coef, double intercept, double* u) {
  constexpr std::size_t most_lanes = 8;
  const std::size_t padded =
      (static_cast<std::size_t>(p) + most_lanes - 1) / most_lanes * most_lanes;
  const auto aligned = hwy::AllocateAligned<double>(std::max(padded, most_lanes));
  std::fill(std::copy_n(coef, p, aligned.get()), aligned.get() + padded, 0.0);
  const auto a = arguments(x, rows, p, stride);
  if constexpr (std::is_same_v<T, float>)
    HWY_DYNAMIC_DISPATCH(predict_f32)(a, aligned.get(), intercept, u);
  else
    HWY_DYNAMIC_DISPATCH(predict_f64)(a, aligned.get(), intercept, u);
}

template <class T>
void add_rows(const T* x, std::int64_t rows, std::int64_t p, std::int64_t stride, const double* g,
              double* sum) {
  const auto a = arguments(x, rows, p, stride);
  if constexpr (std::is_same_v<T, float>)
    HWY_DYNAMIC_DISPATCH(add_f32)(a, g, sum);
  else
    HWY_DYNAMIC_DISPATCH(add_f64)(a, g, sum);
}

template <class T>
double dot_row(const T* x, std::int64_t p, const double* w, double& square) {
  const auto n = static_cast<std::size_t>(p);
  if constexpr (std::is_same_v<T, float>)
    return HWY_DYNAMIC_DISPATCH(dot_f32)(x, n, w, &square);
  else
    return HWY_DYNAMIC_DISPATCH(dot_f64)(x, n, w, &square);
}

template <class T>
void step_row(const T* x, std::int64_t p, double shrink, double by, double* w, double& square) {
  const auto n = static_cast<std::size_t>(p);
  if constexpr (std::is_same_v<T, float>)
    square = HWY_DYNAMIC_DISPATCH(step_f32)(x, n, shrink, by, w);
  else
    square = HWY_DYNAMIC_DISPATCH(step_f64)(x, n, shrink, by, w);
}

void exponentials(double* v, std::int64_t n) {
  HWY_DYNAMIC_DISPATCH(exp_all)(v, static_cast<std::size_t>(n));
}

void logistic(const double* u, const double* y, std::int64_t n, double* loss, double* slope,
              double* curvature) {
  HWY_DYNAMIC_DISPATCH(logistic_all)(u, y, static_cast<std::size_t>(n), loss, slope, curvature);
}

template void predict_rows(const float*, std::int64_t, std::int64_t, std::int64_t, const double*,
                           double, double*);
template void predict_rows(const double*, std::int64_t, std::int64_t, std::int64_t, const double*,
                           double, double*);
template void add_rows(const float*, std::int64_t, std::int64_t, std::int64_t, const double*,
                       double*);
template void add_rows(const double*, std::int64_t, std::int64_t, std::int64_t, const double*,
                       double*);
template double dot_row(const float*, std::int64_t, const double*, double&);
template double dot_row(const double*, std::int64_t, const double*, double&);
template void step_row(const float*, std::int64_t, double, double, double*, double&);
template void step_row(const double*, std::int64_t, double, double, double*, double&);

}  // namespace tessera::on_cpu
#endif  // HWY_ONCE
