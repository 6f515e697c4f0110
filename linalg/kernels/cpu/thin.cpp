#include <tessera/linalg/kernels/cpu/thin.hpp>

#include <algorithm>
#include <cstddef>
#include <type_traits>
#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/linalg/kernels/cpu/thin.cpp"
#include <hwy/aligned_allocator.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <tessera/linalg/kernels/simd-inl.hpp>

#ifndef TESSERA_LINALG_KERNELS_CPU_THIN_ONCE
#define TESSERA_LINALG_KERNELS_CPU_THIN_ONCE
namespace tessera::on_cpu {
namespace {

template <class T>
struct ThinArgs {
  T alpha;
  const T* a;
  std::size_t m;
  std::size_t k;
  std::size_t a_stride;
  const T* b;  // k rows of most_thin_columns values, zeros above n, aligned; or one column
  std::size_t n;
  T* c;
  std::size_t c_stride;
};

// Products that are added in one chain.
constexpr std::size_t kThinChain = 512;
// Products of a dot product before its chains, four vectors of them, are added.
constexpr std::size_t kDotBlock = 4096;

}  // namespace
}  // namespace tessera::on_cpu
#endif

HWY_BEFORE_NAMESPACE();
namespace tessera::on_cpu {
namespace HWY_NAMESPACE {
namespace {

constexpr size_t kRowOfB = static_cast<size_t>(most_thin_columns);

/// kR rows of c, in kV vectors each.
template <size_t kR, size_t kV, class T>
HWY_INLINE void thin_rows(const ThinArgs<T>& args, size_t row) {
  const hn::ScalableTag<T> d;
  using V = hn::Vec<decltype(d)>;
  constexpr size_t kN = hn::MaxLanes(d);
  const T* HWY_RESTRICT a = args.a + row * args.a_stride;
  V total[kR][kV];
#pragma GCC unroll 8
  for (size_t r = 0; r < kR; ++r)
#pragma GCC unroll 8
    for (size_t v = 0; v < kV; ++v) total[r][v] = hn::Zero(d);
  for (size_t begin = 0; begin < args.k; begin += kThinChain) {
    const size_t end = HWY_MIN(args.k, begin + kThinChain);
    V sum[kR][kV];
#pragma GCC unroll 8
    for (size_t r = 0; r < kR; ++r)
#pragma GCC unroll 8
      for (size_t v = 0; v < kV; ++v) sum[r][v] = hn::Zero(d);
    for (size_t t = begin; t < end; ++t) {
      V b[kV];
#pragma GCC unroll 8
      for (size_t v = 0; v < kV; ++v) b[v] = hn::Load(d, args.b + t * kRowOfB + v * kN);
#pragma GCC unroll 8
      for (size_t r = 0; r < kR; ++r) {
        const V x = hn::Set(d, a[r * args.a_stride + t]);
#pragma GCC unroll 8
        for (size_t v = 0; v < kV; ++v) sum[r][v] = hn::MulAdd(x, b[v], sum[r][v]);
      }
    }
#pragma GCC unroll 8
    for (size_t r = 0; r < kR; ++r)
#pragma GCC unroll 8
      for (size_t v = 0; v < kV; ++v) total[r][v] = hn::Add(total[r][v], sum[r][v]);
  }
  const V alpha = hn::Set(d, args.alpha);
#pragma GCC unroll 8
  for (size_t r = 0; r < kR; ++r) {
    T* HWY_RESTRICT c = args.c + (row + r) * args.c_stride;
#pragma GCC unroll 8
    for (size_t v = 0; v < kV; ++v) {
      const V value = hn::Mul(alpha, total[r][v]);
      const size_t left = args.n - v * kN;
      if (left >= kN)
        hn::StoreU(value, d, c + v * kN);
      else
        store_first(value, d, c + v * kN, left);
    }
  }
}

template <size_t kV, class T>
HWY_INLINE void thin_in(const ThinArgs<T>& args) {
  // 24 of 32 registers for sums, or 12 of 16.
  constexpr size_t kSums = HWY_TARGET <= HWY_AVX3 ? 24 : 12;
  constexpr size_t kR = HWY_MAX(size_t{1}, HWY_MIN(size_t{8}, kSums / kV));
  size_t row = 0;
  for (; row + kR <= args.m; row += kR) thin_rows<kR, kV>(args, row);
  for (; row < args.m; ++row) thin_rows<1, kV>(args, row);
}

template <class T>
void thin(const ThinArgs<T>& args) {
  constexpr size_t kN = hn::MaxLanes(hn::ScalableTag<T>());
  constexpr size_t kMost = (kRowOfB + kN - 1) / kN;
  const size_t vectors = (args.n + kN - 1) / kN;
  if (vectors <= 1) return thin_in<1>(args);
  if constexpr (kMost > 1)
    if (vectors <= 2) return thin_in<2>(args);
  if constexpr (kMost > 2)
    if (vectors <= 3) return thin_in<3>(args);
  if constexpr (kMost > 3)
    if (vectors <= 4) return thin_in<4>(args);
  if constexpr (kMost > 4) {  // of short vectors, by and by
    ThinArgs<T> part = args;
    for (size_t j = 0; j < args.n; j += 4 * kN) {
      part.b = args.b + j;
      part.c = args.c + j;
      part.n = HWY_MIN(4 * kN, args.n - j);
      thin(part);
    }
  }
}

/// Loads at any address and adds in an order that k alone decides.
template <class T>
HWY_INLINE T dot(const T* HWY_RESTRICT a, const T* HWY_RESTRICT b, size_t k) {
  const hn::ScalableTag<T> d;
  using V = hn::Vec<decltype(d)>;
  constexpr size_t kN = hn::MaxLanes(d), kChains = 4;
  V total = hn::Zero(d);
  for (size_t begin = 0; begin < k; begin += kDotBlock) {
    const size_t end = HWY_MIN(k, begin + kDotBlock);
    V sum[kChains] = {hn::Zero(d), hn::Zero(d), hn::Zero(d), hn::Zero(d)};
    size_t t = begin;
    for (; t + kChains * kN <= end; t += kChains * kN)
#pragma GCC unroll 4
      for (size_t u = 0; u < kChains; ++u)
        sum[u] = hn::MulAdd(hn::LoadU(d, a + t + u * kN), hn::LoadU(d, b + t + u * kN), sum[u]);
    for (; t + kN <= end; t += kN)
      sum[0] = hn::MulAdd(hn::LoadU(d, a + t), hn::LoadU(d, b + t), sum[0]);
    if (t < end)
      sum[1] = hn::MulAdd(load_first(d, a + t, end - t), load_first(d, b + t, end - t), sum[1]);
    total = hn::Add(total, hn::Add(hn::Add(sum[0], sum[1]), hn::Add(sum[2], sum[3])));
  }
  return hn::GetLane(hn::SumOfLanes(d, total));
}

template <class T>
HWY_INLINE void vector_product_in(const ThinArgs<T>& args, T beta) {
  for (size_t i = 0; i < args.m; ++i) {
    T& c = args.c[i * args.c_stride];
    const T product = args.alpha * dot(args.a + i * args.a_stride, args.b, args.k);
    c = beta == 0 ? product : beta * c + product;
  }
}

void vector_product_f32(const ThinArgs<float>& args, float beta) { vector_product_in(args, beta); }
void vector_product_f64(const ThinArgs<double>& args, double beta) {
  vector_product_in(args, beta);
}
void thin_f32(const ThinArgs<float>& args) { thin(args); }
void thin_f64(const ThinArgs<double>& args) { thin(args); }

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace tessera::on_cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::on_cpu {

HWY_EXPORT(thin_f32);
HWY_EXPORT(thin_f64);
HWY_EXPORT(vector_product_f32);
HWY_EXPORT(vector_product_f64);

template <class T>
void thin_product(T alpha, const T* a, std::int64_t m, std::int64_t k, std::int64_t a_stride,
                  const T* b, std::int64_t n, std::int64_t b_stride, bool transposed, T* c,
                  std::int64_t c_stride) {
  constexpr auto width = static_cast<std::size_t>(most_thin_columns);
  const auto rows = static_cast<std::size_t>(k);
  const auto packed = hwy::AllocateAligned<T>(std::max<std::size_t>(1, rows * width));
  std::fill_n(packed.get(), rows * width, T(0));
  for (std::int64_t t = 0; t < k; ++t)
    for (std::int64_t j = 0; j < n; ++j)
      packed[static_cast<std::size_t>(t) * width + static_cast<std::size_t>(j)] =
          transposed ? b[j * b_stride + t] : b[t * b_stride + j];
  const ThinArgs<T> args{alpha,
                         a,
                         static_cast<std::size_t>(m),
                         rows,
                         static_cast<std::size_t>(a_stride),
                         packed.get(),
                         static_cast<std::size_t>(n),
                         c,
                         static_cast<std::size_t>(c_stride)};
  if constexpr (std::is_same_v<T, float>)
    HWY_DYNAMIC_DISPATCH(thin_f32)(args);
  else
    HWY_DYNAMIC_DISPATCH(thin_f64)(args);
}

template <class T>
void vector_product(T alpha, const T* a, std::int64_t m, std::int64_t k, std::int64_t a_stride,
                    const T* b, std::int64_t b_stride, T beta, T* c, std::int64_t c_stride) {
  std::vector<T> packed;
  if (b_stride != 1) {
    packed.resize(static_cast<std::size_t>(k));
    for (std::int64_t t = 0; t < k; ++t) packed[static_cast<std::size_t>(t)] = b[t * b_stride];
    b = packed.data();
  }
  const ThinArgs<T> args{alpha,
                         a,
                         static_cast<std::size_t>(m),
                         static_cast<std::size_t>(k),
                         static_cast<std::size_t>(a_stride),
                         b,
                         1,
                         c,
                         static_cast<std::size_t>(c_stride)};
  if constexpr (std::is_same_v<T, float>)
    HWY_DYNAMIC_DISPATCH(vector_product_f32)(args, beta);
  else
    HWY_DYNAMIC_DISPATCH(vector_product_f64)(args, beta);
}

template void vector_product(float, const float*, std::int64_t, std::int64_t, std::int64_t,
                             const float*, std::int64_t, float, float*, std::int64_t);
template void vector_product(double, const double*, std::int64_t, std::int64_t, std::int64_t,
                             const double*, std::int64_t, double, double*, std::int64_t);

template void thin_product(float, const float*, std::int64_t, std::int64_t, std::int64_t,
                           const float*, std::int64_t, std::int64_t, bool, float*, std::int64_t);
template void thin_product(double, const double*, std::int64_t, std::int64_t, std::int64_t,
                           const double*, std::int64_t, std::int64_t, bool, double*, std::int64_t);

}  // namespace tessera::on_cpu
#endif  // HWY_ONCE
