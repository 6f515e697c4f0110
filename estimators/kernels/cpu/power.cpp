#include <tessera/estimators/kernels/cpu/power.hpp>

#include <cmath>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/estimators/kernels/cpu/power.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <hwy/contrib/math/math-inl.h>

#include <tessera/linalg/kernels/simd-inl.hpp>

HWY_BEFORE_NAMESPACE();
namespace tessera::on_cpu {
namespace HWY_NAMESPACE {
namespace {

using Wide = hn::ScalableTag<double>;
using V = hn::Vec<Wide>;
using M = hn::Mask<Wide>;
constexpr size_t kWide = hn::MaxLanes(Wide());

/// f(vector, first, how many) of n values; what is missing of the last vector is NaN.
template <class F>
HWY_INLINE void for_each_vector(const double* HWY_RESTRICT x, size_t n, F f) {
  const Wide d;
  size_t i = 0;
  for (; i + kWide <= n; i += kWide) f(hn::LoadU(d, x + i), i, kWide);
  if (i < n)
    f(hn::IfThenElse(hn::FirstN(d, n - i), load_first(d, x + i, n - i), hn::NaN(d)), i, n - i);
}
HWY_INLINE void store_some(V v, double* p, size_t count) {
  if (count == kWide)
    hn::StoreU(v, Wide(), p);
  else
    store_first(v, Wide(), p, count);
}

/// log(1 + |x|) or log(x), and the exponent that belongs to x.
struct Logarithm {
  V log, power;
  M negative;

  HWY_INLINE Logarithm(const Power& of, V x) {
    const Wide d;
    const V lambda = hn::Set(d, of.lambda);
    negative = hn::FirstN(d, 0);
    power = lambda;
    if (of.yeo_johnson) {
      negative = hn::Lt(x, hn::Zero(d));
      power = hn::IfThenElse(negative, hn::Sub(hn::Set(d, 2.0), lambda), lambda);
      log = hn::Log1p(d, hn::Abs(x));
    } else {
      log = hn::Log(d, x);
    }
  }
  HWY_INLINE V with_sign(V v) const { return hn::IfThenElse(negative, hn::Neg(v), v); }
};

void log1p_all(const double* x, size_t n, double* out) {
  const Wide d;
  for_each_vector(x, n, [&](V v, size_t i, size_t count) {
    const V log = hn::IfThenElse(hn::IsFinite(v), hn::Log1p(d, v), v);
    store_some(log, out + i, count);
  });
}

void powers_all(const Power& of, const double* x, size_t n, double* y) {
  const Wide d;
  const V most = hn::Set(d, 709.0);
  for_each_vector(x, n, [&](V v, size_t i, size_t count) {
    const M known = hn::Not(hn::IsNaN(v));
    const Logarithm l(of, hn::IfThenElse(known, v, hn::Set(d, 1.0)));
    const V z = hn::Mul(l.power, l.log);
    // Highway's Expm1 takes no arguments of which the result is no normal number.
    V e = hn::Expm1(d, hn::Clamp(z, hn::Set(d, -700.0), most));
    if (const M large = hn::Gt(z, most); !hn::AllFalse(d, large)) {
      HWY_ALIGN double each[kWide];
      hn::Store(z, d, each);
      for (double& one : each) one = std::expm1(one);
      e = hn::IfThenElse(large, hn::Load(d, each), e);
    }
    const V result = hn::IfThenElse(hn::Eq(l.power, hn::Zero(d)), l.log, hn::Div(e, l.power));
    store_some(hn::IfThenElse(known, l.with_sign(result), v), y + i, count);
  });
}

/// phi(z) = (e^z - 1) / z and its first two derivatives.
struct Phi {
  V value, first, second;

  HWY_INLINE explicit Phi(V z) {
    const Wide d;
    const V one = hn::Set(d, 1.0), two = hn::Set(d, 2.0), far = hn::Set(d, 708.0);
    const V e =
        hn::IfThenElse(hn::Gt(z, far), hn::Inf(d), hn::Exp(d, hn::Clamp(z, hn::Neg(far), far)));
    const V by = hn::Div(one, z), by2 = hn::Mul(by, by);
    value = hn::Mul(hn::Sub(e, one), by);
    first = hn::Mul(hn::MulAdd(e, hn::Sub(z, one), one), by2);
    second =
        hn::Mul(hn::Sub(hn::Mul(e, hn::MulAdd(z, hn::Sub(z, two), two)), two), hn::Mul(by, by2));
    const M small = hn::Lt(hn::Abs(z), hn::Set(d, 0.3));
    if (hn::AllFalse(d, small)) return;
    // The series: the formulas cancel.
    constexpr int terms = 12;
    V v = hn::Zero(d), f = v, s = v;
    double factorial = 39916800.0;  // of terms - 1
    for (int k = terms - 1; k >= 0; --k) {
      const double c = 1.0 / factorial;
      v = hn::MulAdd(v, z, hn::Set(d, c / (k + 1)));
      f = hn::MulAdd(f, z, hn::Set(d, c / (k + 2)));
      s = hn::MulAdd(s, z, hn::Set(d, c / (k + 3)));
      if (k > 0) factorial /= k;
    }
    value = hn::IfThenElse(small, v, value);
    first = hn::IfThenElse(small, f, first);
    second = hn::IfThenElse(small, s, second);
  }
};

void add_powers_all(const Power& of, double centre, const double* x, size_t n, double* sums) {
  const Wide d;
  const V middle = hn::Set(d, centre);
  V total[power_parts];
  for (V& each : total) each = hn::Zero(d);
  for_each_vector(x, n, [&](V v, size_t, size_t) {
    const M known = hn::Not(hn::IsNaN(v));
    const Logarithm l(of, hn::IfThenElse(known, v, hn::Set(d, 1.0)));
    const Phi phi(hn::Mul(l.power, l.log));
    const V log2 = hn::Mul(l.log, l.log);
    const V apart = hn::Sub(l.with_sign(hn::Mul(phi.value, l.log)), middle);
    const V first = hn::Mul(phi.first, log2);
    const V second = l.with_sign(hn::Mul(phi.second, hn::Mul(l.log, log2)));
    const V terms[power_parts] = {apart,
                                  hn::Mul(apart, apart),
                                  first,
                                  hn::Mul(apart, first),
                                  hn::Mul(first, first),
                                  hn::Mul(apart, second),
                                  second,
                                  l.with_sign(l.log)};
#pragma GCC unroll 8
    for (size_t t = 0; t < power_parts; ++t)
      total[t] = hn::Add(total[t], hn::IfThenElseZero(known, terms[t]));
  });
  for (size_t t = 0; t < power_parts; ++t) sums[t] += hn::GetLane(hn::SumOfLanes(d, total[t]));
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace tessera::on_cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::on_cpu {

HWY_EXPORT(log1p_all);
HWY_EXPORT(powers_all);
HWY_EXPORT(add_powers_all);

void log1p(const double* x, std::size_t n, double* out) {
  HWY_DYNAMIC_DISPATCH(log1p_all)(x, n, out);
}
void powers(const Power& power, const double* x, std::size_t n, double* y) {
  HWY_DYNAMIC_DISPATCH(powers_all)(power, x, n, y);
}
void add_powers(const Power& power, double centre, const double* x, std::size_t n, double* sums) {
  HWY_DYNAMIC_DISPATCH(add_powers_all)(power, centre, x, n, sums);
}

}  // namespace tessera::on_cpu
#endif  // HWY_ONCE
