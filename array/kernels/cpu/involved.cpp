// Functions that are approximated: those of real numbers by SLEEF, a vector at a time, the others
// by the C library. SLEEF's deterministic functions take one path for all values, so a result
// depends neither on where in a vector its element sits nor on the vector's length, only on whether
// there are fused multiply-adds (finz) or not (cinz).

#include <algorithm>
#include <cmath>

#include <tessera/array/kernels/cpu/elementwise.hpp>
#include <tessera/array/kernels/elementwise.hpp>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/array/kernels/cpu/involved.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace tessera::on_cpu {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
namespace fn = functions;

/// SLEEF's function for F, if it has one: `of` one or two vectors. Its names are made here, for its
/// header has those of the instruction set only that all of a source is compiled for.
template <class F>
struct Sleef;
template <int operands, class V>
struct OfVectors {
  using type = V(V);
};
template <class V>
struct OfVectors<2, V> {
  using type = V(V, V);
};

#undef TESSERA_SLEEF
#if HWY_TARGET <= HWY_AVX3  // and what later versions of Highway have above it
#define TESSERA_SLEEF(F, name) \
  TESSERA_SLEEF_OF(F, Sleef_finz_##name##d8_u10avx512f, Sleef_finz_##name##f16_u10avx512f)
#elif HWY_TARGET == HWY_AVX2
#define TESSERA_SLEEF(F, name) \
  TESSERA_SLEEF_OF(F, Sleef_finz_##name##d4_u10avx2, Sleef_finz_##name##f8_u10avx2)
#elif HWY_TARGET == HWY_SSE2
#define TESSERA_SLEEF(F, name) \
  TESSERA_SLEEF_OF(F, Sleef_cinz_##name##d2_u10sse2, Sleef_cinz_##name##f4_u10sse2)
#endif

#ifdef TESSERA_SLEEF
using Doubles = decltype(hn::Zero(hn::ScalableTag<double>()).raw);
using Floats = decltype(hn::Zero(hn::ScalableTag<float>()).raw);
#define TESSERA_SLEEF_OF(F, of_doubles, of_floats)                          \
  extern "C" OfVectors<fn::arity<fn::F>, Doubles>::type of_doubles;         \
  extern "C" OfVectors<fn::arity<fn::F>, Floats>::type of_floats;           \
  template <>                                                               \
  struct Sleef<fn::F> {                                                     \
    static Doubles of(Doubles x, auto... y) { return of_doubles(x, y...); } \
    static Floats of(Floats x, auto... y) { return of_floats(x, y...); }    \
  };
TESSERA_SLEEF(Acos, acos)
TESSERA_SLEEF(Acosh, acosh)
TESSERA_SLEEF(Asin, asin)
TESSERA_SLEEF(Asinh, asinh)
TESSERA_SLEEF(Atan, atan)
TESSERA_SLEEF(Atan2, atan2)
TESSERA_SLEEF(Atanh, atanh)
TESSERA_SLEEF(Cos, cos)
TESSERA_SLEEF(Cosh, cosh)
TESSERA_SLEEF(Exp, exp)
TESSERA_SLEEF(Expm1, expm1)
TESSERA_SLEEF(Log, log)
TESSERA_SLEEF(Log10, log10)
TESSERA_SLEEF(Log1p, log1p)
TESSERA_SLEEF(Log2, log2)
TESSERA_SLEEF(Pow, pow)
TESSERA_SLEEF(Sin, sin)
TESSERA_SLEEF(Sinh, sinh)
TESSERA_SLEEF(Tan, tan)
TESSERA_SLEEF(Tanh, tanh)
#undef TESSERA_SLEEF_OF
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
concept Vectorised = fn::Floating<T> && requires {
  sizeof(Sleef<F>);
};

struct Rows {
  template <class F, class T>
  static void row(void* to, const void* const* in, std::int64_t n) {
    if constexpr (Vectorised<F, T>)
      vectors<F>(static_cast<const T*>(in[0]),
                 fn::arity<F> == 2 ? static_cast<const T*>(in[1]) : nullptr, n,
                 static_cast<T*>(to));
    else
      fn::each<F, T>(to, in, n, [](const auto&... x) { return F::of(x...); });
  }

 private:
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

fn::RowFunction find_involved(std::size_t place, DType dtype) {
  static constexpr auto rows = fn::row_table<Rows>(fn::Involved{});
  return rows[place][static_cast<std::size_t>(dtype)];
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace tessera::on_cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::on_cpu {

HWY_EXPORT(find_involved);

void implement_involved(Backend& backend) {
  functions::implement(backend, functions::Involved{}, [](std::size_t place, DType dtype) {
    return HWY_DYNAMIC_DISPATCH(find_involved)(place, dtype);
  });
}

}  // namespace tessera::on_cpu
#endif  // HWY_ONCE
