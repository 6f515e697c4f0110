// Functions that are approximated: those of real numbers by SLEEF, a vector at a time, the others
// by the C library. SLEEF's deterministic functions take one path for all values, so a result
// depends neither on where in a vector its element sits nor on the vector's length, only on whether
// there are fused multiply-adds (finz) or not (cinz). Three instruction sets are enough: what lies
// between is as fast as the one below.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL)

#include <algorithm>
#include <cmath>

#include <tessera/array/kernels/cpu/elementwise.hpp>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/array/kernels/cpu/involved.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace tessera::on_cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
namespace fn = functions;

/// SLEEF's function for F, if it has one: `of` of one or two vectors.
template <class F>
struct Sleef {};

#undef TESSERA_SLEEF_NAME
#if HWY_TARGET <= HWY_AVX3  // and what later versions of Highway have above it
#define TESSERA_SLEEF_NAME(name, accuracy, doubles, floats) \
  Sleef_finz_##name##doubles##8##_##accuracy##avx512f,      \
      Sleef_finz_##name##floats##16##_##accuracy##avx512f
#elif HWY_TARGET == HWY_AVX2
#define TESSERA_SLEEF_NAME(name, accuracy, doubles, floats) \
  Sleef_finz_##name##doubles##4##_##accuracy##avx2, Sleef_finz_##name##floats##8##_##accuracy##avx2
#elif HWY_TARGET == HWY_SSE2
#define TESSERA_SLEEF_NAME(name, accuracy, doubles, floats) \
  Sleef_cinz_##name##doubles##2##_##accuracy##sse2, Sleef_cinz_##name##floats##4##_##accuracy##sse2
#endif

#ifdef TESSERA_SLEEF_NAME
using Doubles = decltype(hn::Zero(hn::ScalableTag<double>()).raw);
using Floats = decltype(hn::Zero(hn::ScalableTag<float>()).raw);
#define TESSERA_SLEEF(F, ...) TESSERA_SLEEF_(F, __VA_ARGS__)
#define TESSERA_SLEEF_(F, of_doubles, of_floats)           \
  extern "C" Doubles of_doubles(Doubles);                  \
  extern "C" Floats of_floats(Floats);                     \
  template <>                                              \
  struct Sleef<fn::F> {                                    \
    static Doubles of(Doubles x) { return of_doubles(x); } \
    static Floats of(Floats x) { return of_floats(x); }    \
  };
#define TESSERA_SLEEF2(F, ...) TESSERA_SLEEF2_(F, __VA_ARGS__)
#define TESSERA_SLEEF2_(F, of_doubles, of_floats)                        \
  extern "C" Doubles of_doubles(Doubles, Doubles);                       \
  extern "C" Floats of_floats(Floats, Floats);                           \
  template <>                                                            \
  struct Sleef<fn::F> {                                                  \
    static Doubles of(Doubles x, Doubles y) { return of_doubles(x, y); } \
    static Floats of(Floats x, Floats y) { return of_floats(x, y); }     \
  };
TESSERA_SLEEF(Acos, TESSERA_SLEEF_NAME(acos, u10, d, f))
TESSERA_SLEEF(Acosh, TESSERA_SLEEF_NAME(acosh, u10, d, f))
TESSERA_SLEEF(Asin, TESSERA_SLEEF_NAME(asin, u10, d, f))
TESSERA_SLEEF(Asinh, TESSERA_SLEEF_NAME(asinh, u10, d, f))
TESSERA_SLEEF(Atan, TESSERA_SLEEF_NAME(atan, u10, d, f))
TESSERA_SLEEF(Atanh, TESSERA_SLEEF_NAME(atanh, u10, d, f))
TESSERA_SLEEF(Cos, TESSERA_SLEEF_NAME(cos, u10, d, f))
TESSERA_SLEEF(Cosh, TESSERA_SLEEF_NAME(cosh, u10, d, f))
TESSERA_SLEEF(Exp, TESSERA_SLEEF_NAME(exp, u10, d, f))
TESSERA_SLEEF(Expm1, TESSERA_SLEEF_NAME(expm1, u10, d, f))
TESSERA_SLEEF(Log, TESSERA_SLEEF_NAME(log, u10, d, f))
TESSERA_SLEEF(Log10, TESSERA_SLEEF_NAME(log10, u10, d, f))
TESSERA_SLEEF(Log1p, TESSERA_SLEEF_NAME(log1p, u10, d, f))
TESSERA_SLEEF(Log2, TESSERA_SLEEF_NAME(log2, u10, d, f))
TESSERA_SLEEF(Sin, TESSERA_SLEEF_NAME(sin, u10, d, f))
TESSERA_SLEEF(Sinh, TESSERA_SLEEF_NAME(sinh, u10, d, f))
TESSERA_SLEEF(Tan, TESSERA_SLEEF_NAME(tan, u10, d, f))
TESSERA_SLEEF(Tanh, TESSERA_SLEEF_NAME(tanh, u10, d, f))
TESSERA_SLEEF2(Atan2, TESSERA_SLEEF_NAME(atan2, u10, d, f))
TESSERA_SLEEF2(Pow, TESSERA_SLEEF_NAME(pow, u10, d, f))
#undef TESSERA_SLEEF
#undef TESSERA_SLEEF_
#undef TESSERA_SLEEF2
#undef TESSERA_SLEEF2_
#endif

namespace {

/// Beyond this magnitude the C library computes: SLEEF overflows too early there.
template <class F, class T>
constexpr T reach() {
  constexpr bool is_double = sizeof(T) == sizeof(double);
  if constexpr (std::is_same_v<F, fn::Acosh> || std::is_same_v<F, fn::Asinh>)
    return static_cast<T>(is_double ? 1e150 : 1e18);
  else if constexpr (std::is_same_v<F, fn::Cosh> || std::is_same_v<F, fn::Sinh>)
    return static_cast<T>(is_double ? 709 : 88);
  else if constexpr (std::is_same_v<F, fn::Log1p>)
    return static_cast<T>(is_double ? 1e299 : 1e37);
  else
    return std::numeric_limits<T>::infinity();
}

template <class F, class T>
concept Vectorised = fn::Floating<T> && requires(decltype(hn::Zero(hn::ScalableTag<T>()).raw) v) {
  Sleef<F>::of(v);
} || fn::Floating<T> && requires(decltype(hn::Zero(hn::ScalableTag<T>()).raw) v) {
  Sleef<F>::of(v, v);
};

struct Rows {
  template <class F, class T>
  static void row(void* to, const void* const* in, std::int64_t n) {
    auto* out = static_cast<fn::Result<F, T>*>(to);
    const auto* x = static_cast<const T*>(in[0]);
    const auto* y = fn::arity<F> == 2 ? static_cast<const T*>(in[1]) : nullptr;
    if constexpr (Vectorised<F, T>)
      vectors<F>(x, y, n, out);
    else
      for (std::int64_t i = 0; i < n; ++i) out[i] = one<F>(x, y, i);
  }

 private:
  template <class F, class T>
  static auto one(const T* x, const T* y, std::int64_t i) {
    if constexpr (fn::arity<F> == 1)
      return F::of(x[i]);
    else
      return F::of(x[i], y[i]);
  }

  template <class F, class T>
  static void vectors(const T* x, const T* y, std::int64_t n, T* out) {
    constexpr hn::ScalableTag<T> d;
    const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
    std::int64_t i = 0;
    for (; i + lanes <= n; i += lanes) vector<F>(x + i, y ? y + i : y, out + i);
    if (i == n) return;
    // The last ones in a vector of their own.
    HWY_ALIGN T rest[3][HWY_LANES(T)] = {};
    std::copy(x + i, x + n, rest[0]);
    if (y) std::copy(y + i, y + n, rest[1]);
    vector<F>(rest[0], y ? rest[1] : y, rest[2]);
    std::copy_n(rest[2], n - i, out + i);
  }

  template <class F, class T>
  static void vector(const T* x, const T* y, T* out) {
    constexpr hn::ScalableTag<T> d;
    auto v = hn::LoadU(d, x);
    [[maybe_unused]] const auto given = v;
    if constexpr (fn::arity<F> == 1)
      v.raw = Sleef<F>::of(v.raw);
    else
      v.raw = Sleef<F>::of(v.raw, hn::LoadU(d, y).raw);
    hn::StoreU(v, d, out);
    constexpr T most = reach<F, T>();
    if constexpr (most < std::numeric_limits<T>::infinity())
      if (!hn::AllFalse(d, hn::Gt(hn::Abs(given), hn::Set(d, most))))
        for (std::size_t k = 0; k < hn::Lanes(d); ++k)
          if (std::abs(x[k]) > most) out[k] = F::of(x[k]);
  }
};

template <class... F>
constexpr auto table(fn::List<F...>) {
  return std::array{fn::row_functions<F, Rows>()...};
}

fn::RowFunction find_involved(std::size_t index, DType dtype) {
  static constexpr auto rows = table(fn::Involved{});
  return rows[index][static_cast<std::size_t>(dtype)];
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace tessera::on_cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::on_cpu {

HWY_EXPORT(find_involved);

namespace {
functions::RowFunction involved_row(std::size_t index, DType dtype) {
  return HWY_DYNAMIC_DISPATCH(find_involved)(index, dtype);
}
}  // namespace

void implement_involved(Backend& backend) {
  std::size_t index = 0;
  functions::for_each(functions::Involved{}, [&](auto f) {
    functions::implement<decltype(f)>(
        backend, [i = index++](DType dtype) { return involved_row(i, dtype); });
  });
}

}  // namespace tessera::on_cpu
#endif  // HWY_ONCE
