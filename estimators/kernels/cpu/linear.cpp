#include <tessera/estimators/kernels/cpu/linear.hpp>

#include <algorithm>
#include <cstddef>
#include <type_traits>
#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/estimators/kernels/cpu/linear.cpp"
#include <hwy/aligned_allocator.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <hwy/contrib/math/math-inl.h>

#include <tessera/estimators/kernels/cpu/blocks-inl.hpp>
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
constexpr size_t kWide = kLanes<double>;

/// kR rows times the coefficients, which are padded with zeros to whole vectors.
template <size_t kR, class T>
HWY_INLINE void dot_rows(const RowArgs<T>& a, size_t row, const double* HWY_RESTRICT coef,
                         double intercept, double* HWY_RESTRICT u) {
  const Wide d;
  const T* HWY_RESTRICT x = a.x + row * a.stride;
  const size_t full = a.p / kWide * kWide;
  V sum[kR];
#pragma GCC unroll 8
  for (size_t r = 0; r < kR; ++r) sum[r] = hn::Zero(d);
  for (size_t j = 0; j < full; j += kWide) {
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

/// f(number of classes, first) for tiles of them, whose sums stay in registers.
template <class F>
HWY_INLINE void for_class_tiles(size_t k, F f) {
  size_t c = 0;
  for (; c + 6 <= k; c += 6) f(std::integral_constant<size_t, 6>(), c);
  if (c + 4 <= k) {
    f(std::integral_constant<size_t, 4>(), c);
    c += 4;
  }
  if (c + 2 <= k) {
    f(std::integral_constant<size_t, 2>(), c);
    c += 2;
  }
  if (c < k) f(std::integral_constant<size_t, 1>(), c);
}

/// Two vectors of packed rows times kC classes of `coef`, each value of which is `width` from that
/// of the next column.
template <size_t kC, class T>
HWY_INLINE void predict_tile(const T* HWY_RESTRICT packed, size_t p,
                             const double* HWY_RESTRICT coef, size_t width, double* HWY_RESTRICT u,
                             size_t u_stride) {
  const Wide d;
  V sum0[kC], sum1[kC];
#pragma GCC unroll 8
  for (size_t c = 0; c < kC; ++c) sum0[c] = sum1[c] = hn::Set(d, coef[p * width + c]);
  for (size_t j = 0; j < p; ++j) {
    const V x0 = load_double(packed + j * kBlockRows<T>);
    const V x1 = load_double(packed + j * kBlockRows<T> + kWide);
#pragma GCC unroll 8
    for (size_t c = 0; c < kC; ++c) {
      const V b = hn::Set(d, coef[j * width + c]);
      sum0[c] = hn::MulAdd(b, x0, sum0[c]);
      sum1[c] = hn::MulAdd(b, x1, sum1[c]);
    }
  }
#pragma GCC unroll 8
  for (size_t c = 0; c < kC; ++c) {
    hn::StoreU(sum0[c], d, u + c * u_stride);
    hn::StoreU(sum1[c], d, u + c * u_stride + kWide);
  }
}

template <class T>
void predict_classes_in(const RowArgs<T>& a, const double* HWY_RESTRICT coef, size_t k,
                        double* HWY_RESTRICT u, size_t u_stride, const T* zeros, T* scratch) {
  constexpr size_t kR = kBlockRows<T>;
  for (size_t row = 0; row < a.rows; row += kR) {
    pack_rows(a.x + row * a.stride, HWY_MIN(kR, a.rows - row), a.stride, a.p, zeros, scratch);
    for (size_t r = 0; r < kR; r += 2 * kWide)
      for_class_tiles(k, [&](auto tile, size_t c) {
        predict_tile<tile()>(scratch + r, a.p, coef + c, k, u + c * u_stride + row + r, u_stride);
      });
  }
}

/// kV vectors of columns from `first` on, the last of which may have `last` values only, for kC
/// classes.
template <size_t kC, size_t kV, class T>
HWY_INLINE void add_columns(const RowArgs<T>& a, size_t first, size_t last,
                            const double* HWY_RESTRICT g, size_t g_stride, double* HWY_RESTRICT sum,
                            size_t sum_stride) {
  const Wide d;
  V total[kC][kV];
#pragma GCC unroll 8
  for (size_t c = 0; c < kC; ++c)
#pragma GCC unroll 8
    for (size_t v = 0; v < kV; ++v) total[c][v] = hn::Zero(d);
  for (size_t i = 0; i < a.rows; ++i) {
    const T* HWY_RESTRICT x = a.x + i * a.stride + first;
    V columns[kV];
#pragma GCC unroll 8
    for (size_t v = 0; v < kV; ++v)
      columns[v] = v + 1 < kV || last == kWide ? load_double(x + v * kWide)
                                               : load_double_first(x + v * kWide, last);
#pragma GCC unroll 8
    for (size_t c = 0; c < kC; ++c) {
      const V by = hn::Set(d, g[c * g_stride + i]);
#pragma GCC unroll 8
      for (size_t v = 0; v < kV; ++v) total[c][v] = hn::MulAdd(columns[v], by, total[c][v]);
    }
  }
#pragma GCC unroll 8
  for (size_t c = 0; c < kC; ++c)
#pragma GCC unroll 8
    for (size_t v = 0; v < kV; ++v) {
      double* HWY_RESTRICT to = sum + c * sum_stride + first + v * kWide;
      if (v + 1 < kV || last == kWide)
        hn::StoreU(hn::Add(hn::LoadU(d, to), total[c][v]), d, to);
      else
        store_first(hn::Add(load_first(d, to, last), total[c][v]), d, to, last);
    }
}

template <class T>
void add_all(const RowArgs<T>& a, const double* HWY_RESTRICT g, size_t k, size_t g_stride,
             double* HWY_RESTRICT sum, size_t sum_stride) {
  for_class_tiles(k, [&](auto tile, size_t c) {
    constexpr size_t kC = tile(), kV = kC == 1 ? 4 : 2;
    const double* HWY_RESTRICT of = g + c * g_stride;
    double* HWY_RESTRICT to = sum + c * sum_stride;
    double total[kC] = {};
    for (size_t i = 0; i < a.rows; ++i)
#pragma GCC unroll 8
      for (size_t t = 0; t < kC; ++t) total[t] += of[t * g_stride + i];
    for (size_t t = 0; t < kC; ++t) to[t * sum_stride + a.p] += total[t];
    size_t j = 0;
    for (; j + kV * kWide <= a.p; j += kV * kWide)
      add_columns<kC, kV>(a, j, kWide, of, g_stride, to, sum_stride);
    for (; j < a.p; j += kWide)
      add_columns<kC, 1>(a, j, HWY_MIN(kWide, a.p - j), of, g_stride, to, sum_stride);
  });
}

void predict_f32(const RowArgs<float>& a, const double* coef, double intercept, double* u) {
  predict_all(a, coef, intercept, u);
}
void predict_f64(const RowArgs<double>& a, const double* coef, double intercept, double* u) {
  predict_all(a, coef, intercept, u);
}
void predict_classes_f32(const RowArgs<float>& a, const double* coef, size_t k, double* u,
                         size_t u_stride, const float* zeros, float* scratch) {
  predict_classes_in(a, coef, k, u, u_stride, zeros, scratch);
}
void predict_classes_f64(const RowArgs<double>& a, const double* coef, size_t k, double* u,
                         size_t u_stride, const double* zeros, double* scratch) {
  predict_classes_in(a, coef, k, u, u_stride, zeros, scratch);
}
void add_f32(const RowArgs<float>& a, const double* g, size_t k, size_t g_stride, double* sum,
             size_t sum_stride) {
  add_all(a, g, k, g_stride, sum, sum_stride);
}
void add_f64(const RowArgs<double>& a, const double* g, size_t k, size_t g_stride, double* sum,
             size_t sum_stride) {
  add_all(a, g, k, g_stride, sum, sum_stride);
}

template <class T>
double dot_one(const T* HWY_RESTRICT x, size_t p, const double* HWY_RESTRICT w, double& square) {
  const Wide d;
  V sum[2] = {hn::Zero(d), hn::Zero(d)}, squares[2] = {hn::Zero(d), hn::Zero(d)};
  const auto add = [&](V v, V c, size_t k) {
    sum[k] = hn::MulAdd(v, c, sum[k]);
    squares[k] = hn::MulAdd(v, v, squares[k]);
  };
  size_t j = 0;
  for (; j + 2 * kWide <= p; j += 2 * kWide)
    for (size_t k = 0; k < 2; ++k)
      add(load_double(x + j + k * kWide), hn::LoadU(d, w + j + k * kWide), k);
  for (; j < p; j += kWide) {
    const size_t count = HWY_MIN(kWide, p - j);
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
  for (; j + kWide <= p; j += kWide) {
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
  for (size_t i = 0; i < n; i += kWide) f(i, HWY_MIN(kWide, n - i));
}
HWY_INLINE V load_some(const double* p, size_t count) {
  return count == kWide ? hn::LoadU(Wide(), p) : load_first(Wide(), p, count);
}
HWY_INLINE void store_some(V v, double* p, size_t count) {
  if (count == kWide)
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

void softmax_all(double* u, size_t n, size_t k, size_t stride, double* slope, double* loss) {
  const Wide d;
  for_each_vector(n, [&](size_t i, size_t count) {
    V most = load_some(u + i, count), sum = hn::Zero(d);
    for (size_t c = 1; c < k; ++c) most = hn::Max(most, load_some(u + c * stride + i, count));
    for (size_t c = 0; c < k; ++c) {
      const V e = exp_of(hn::Sub(load_some(u + c * stride + i, count), most));
      store_some(e, u + c * stride + i, count);
      sum = hn::Add(sum, e);
    }
    const V by = hn::Div(hn::Set(d, 1.0), sum);
    for (size_t c = 0; c < k; ++c) {
      const V share = hn::Mul(load_some(u + c * stride + i, count), by);
      store_some(share, u + c * stride + i, count);
      store_some(share, slope + c * stride + i, count);
    }
    const V log = hn::IfThenElse(hn::IsNaN(sum), sum, hn::Log(d, sum));
    store_some(hn::Add(hn::Sub(most, load_some(loss + i, count)), log), loss + i, count);
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
HWY_EXPORT(predict_classes_f32);
HWY_EXPORT(predict_classes_f64);
HWY_EXPORT(add_f32);
HWY_EXPORT(add_f64);
HWY_EXPORT(dot_f32);
HWY_EXPORT(dot_f64);
HWY_EXPORT(step_f32);
HWY_EXPORT(step_f64);
HWY_EXPORT(softmax_all);
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
void predict_classes(const T* x, std::int64_t rows, std::int64_t p, std::int64_t stride,
                     const double* coef, std::int64_t k, double* u, std::int64_t u_stride) {
  const auto a = arguments(x, rows, p, stride);
  const auto count = static_cast<std::size_t>(k), apart = static_cast<std::size_t>(u_stride);
  const std::vector<T> zeros(a.p, T(0));
  const auto scratch = hwy::AllocateAligned<T>(std::max<std::size_t>(1, a.p) * kMaxBlockRows<T>);
  if constexpr (std::is_same_v<T, float>) HWY_DYNAMIC_DISPATCH(predict_classes_f32)
  (a, coef, count, u, apart, zeros.data(), scratch.get());
  else HWY_DYNAMIC_DISPATCH(predict_classes_f64)(a, coef, count, u, apart, zeros.data(),
                                                 scratch.get());
}

template <class T>
void add_rows(const T* x, std::int64_t rows, std::int64_t p, std::int64_t stride, const double* g,
              std::int64_t k, std::int64_t g_stride, double* sum, std::int64_t sum_stride) {
  const auto a = arguments(x, rows, p, stride);
  const auto count = static_cast<std::size_t>(k), apart = static_cast<std::size_t>(g_stride),
             sums_apart = static_cast<std::size_t>(sum_stride);
  if constexpr (std::is_same_v<T, float>)
    HWY_DYNAMIC_DISPATCH(add_f32)(a, g, count, apart, sum, sums_apart);
  else
    HWY_DYNAMIC_DISPATCH(add_f64)(a, g, count, apart, sum, sums_apart);
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

void softmax(double* u, std::int64_t n, std::int64_t k, std::int64_t stride, double* slope,
             double* loss) {
  HWY_DYNAMIC_DISPATCH(softmax_all)
  (u, static_cast<std::size_t>(n), static_cast<std::size_t>(k), static_cast<std::size_t>(stride),
   slope, loss);
}

void logistic(const double* u, const double* y, std::int64_t n, double* loss, double* slope,
              double* curvature) {
  HWY_DYNAMIC_DISPATCH(logistic_all)(u, y, static_cast<std::size_t>(n), loss, slope, curvature);
}

template void predict_rows(const float*, std::int64_t, std::int64_t, std::int64_t, const double*,
                           double, double*);
template void predict_rows(const double*, std::int64_t, std::int64_t, std::int64_t, const double*,
                           double, double*);
template void predict_classes(const float*, std::int64_t, std::int64_t, std::int64_t, const double*,
                              std::int64_t, double*, std::int64_t);
template void predict_classes(const double*, std::int64_t, std::int64_t, std::int64_t,
                              const double*, std::int64_t, double*, std::int64_t);
template void add_rows(const float*, std::int64_t, std::int64_t, std::int64_t, const double*,
                       std::int64_t, std::int64_t, double*, std::int64_t);
template void add_rows(const double*, std::int64_t, std::int64_t, std::int64_t, const double*,
                       std::int64_t, std::int64_t, double*, std::int64_t);
template double dot_row(const float*, std::int64_t, const double*, double&);
template double dot_row(const double*, std::int64_t, const double*, double&);
template void step_row(const float*, std::int64_t, double, double, double*, double&);
template void step_row(const double*, std::int64_t, double, double, double*, double&);

}  // namespace tessera::on_cpu
#endif  // HWY_ONCE
