#include <tessera/linalg/kernels/cpu/reflections.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/linalg/kernels/cpu/reflections.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <tessera/linalg/kernels/simd-inl.hpp>

HWY_BEFORE_NAMESPACE();
namespace tessera::on_cpu {
namespace HWY_NAMESPACE {
namespace {

using D = hn::CappedTag<double, kPanel>;
using V = hn::Vec<D>;
constexpr size_t kLanes = hn::MaxLanes(D());
constexpr size_t kVectors = kPanel / kLanes;  // of a panel's row
// Vectors of columns that a panel is applied to at once: 24 accumulators of 32 registers, or 8.
constexpr size_t kGroup = HWY_TARGET <= HWY_AVX3 ? 3 : 1;

template <class T>
void pack(const PackArgs<T>& a) {
  const D d;
  const QrRows<T>& from = a.from;
  const auto p = static_cast<size_t>(from.p);
  const auto q = static_cast<size_t>(from.q);
  for (size_t r = 0; r < a.count; ++r) {
    const size_t i = a.begin + r;
    const T* x = from.x + i * static_cast<size_t>(from.x_stride);
    const double root = from.weights ? std::sqrt(static_cast<double>(from.weights[i])) : 1.0;
    const V root_vector = hn::Set(d, root);
    for (size_t j = 0; j < a.to.count() * kPanel; j += kLanes) {
      V z = j + kLanes <= p ? load_double(x + j)
            : j < p         ? load_double_first(x + j, p - j)
                            : hn::Zero(d);
      if (a.shift) z = hn::Sub(z, hn::LoadU(d, a.shift + j));
      if (from.weights) z = hn::Mul(z, root_vector);
      if (a.scale) z = hn::Mul(z, hn::LoadU(d, a.scale + j));
      hn::Store(z, d, a.to.at(j / kPanel, a.row + r) + j % kPanel);
    }
    for (size_t t = 0; t < q; ++t) {
      const size_t j = p + t;
      double z = static_cast<double>(from.y[i * static_cast<size_t>(from.y_stride) + t]);
      if (a.shift) z -= a.shift[j];
      if (from.weights) z *= root;
      if (a.scale) z *= a.scale[j];
      a.to.at(j / kPanel, a.row + r)[j % kPanel] = z;
    }
  }
}

/// One pass over rows [begin, end) of a panel: subtracts column j times `u` (zero up to column j),
/// and with kNext leaves in `sums` the products of column `next` with all columns.
template <bool kUpdate, bool kNext>
void pass(double* panel, size_t begin, size_t end, size_t j, const double* u, size_t next,
          double* sums) {
  const D d;
  constexpr size_t kUnroll = 4;
  V acc[kUnroll][kVectors];
  V factor[kVectors];
  for (size_t v = 0; v < kVectors; ++v) {
    for (size_t k = 0; k < kUnroll; ++k) acc[k][v] = hn::Zero(d);
    factor[v] = kUpdate ? hn::Load(d, u + v * kLanes) : hn::Zero(d);
  }
  const V next_factor = hn::Set(d, kUpdate && kNext ? u[next] : 0.0);
  const auto step = [&](double* HWY_RESTRICT row, V* HWY_RESTRICT sum) HWY_ATTR {
    const V x = kUpdate ? hn::Set(d, row[j]) : hn::Zero(d);
    V y = kNext ? hn::Set(d, row[next]) : hn::Zero(d);
    if constexpr (kUpdate && kNext) y = hn::NegMulAdd(x, next_factor, y);
#pragma GCC unroll 8
    for (size_t v = 0; v < kVectors; ++v) {
      V z = hn::Load(d, row + v * kLanes);
      if constexpr (kUpdate) {
        z = hn::NegMulAdd(x, factor[v], z);
        hn::Store(z, d, row + v * kLanes);
      }
      if constexpr (kNext) sum[v] = hn::MulAdd(y, z, sum[v]);
    }
  };
  size_t r = begin;
  for (; r + kUnroll <= end; r += kUnroll) {
#pragma GCC unroll 4
    for (size_t k = 0; k < kUnroll; ++k) step(panel + (r + k) * kPanel, acc[k]);
  }
  for (; r < end; ++r) step(panel + r * kPanel, acc[0]);
  if constexpr (kNext) {
    for (size_t v = 0; v < kVectors; ++v) {
      hn::Store(hn::Add(hn::Add(acc[0][v], acc[1][v]), hn::Add(acc[2][v], acc[3][v])), d,
                sums + v * kLanes);
    }
  }
}

/// Householder's reflections of the first `count` columns of a panel.
void factor_panel(const Panels& a, size_t panel, size_t begin, size_t end, size_t count,
                  Reflections& out) {
  // Rows of which no square is left are no rows: columns are scaled so that these are rounding.
  constexpr double kNothing = 0x1p-960;
  double* const rows = a.at(panel, 0);
  double(*const top)[kPanel] = reinterpret_cast<double(*)[kPanel]>(rows + panel * kPanel * kPanel);
  HWY_ALIGN double sums[kPanel];
  HWY_ALIGN double u[kPanel];
  out = {};
  pass<false, true>(rows, begin, end, 0, u, 0, sums);
  for (size_t j = 0; j < count; ++j) {
    for (size_t i = j + 1; i < kPanel; ++i)
      for (size_t l = 0; l < kPanel; ++l) sums[l] += top[i][j] * top[i][l];
    const double alpha = top[j][j];
    double scale = 0, tau = 0;
    if (!(sums[j] <= kNothing)) {
      const double norm = std::sqrt(alpha * alpha + sums[j]);
      const double beta = alpha < 0 ? norm : -norm;
      scale = 1 / (alpha - beta);
      tau = (beta - alpha) / beta;
      top[j][j] = beta;
    }
    out.scale[j] = scale;
    out.t[j][j] = tau;
    for (size_t l = 0; l < j; ++l) {
      double sum = 0;
      for (size_t k = l; k < j; ++k)
        sum += out.t[l][k] * (out.scale[k] * (top[j][k] + scale * sums[k]));
      out.t[l][j] = -tau * sum;
    }
    std::fill_n(u, kPanel, 0.0);
    for (size_t l = j + 1; l < kPanel; ++l) {
      const double w = tau * (top[j][l] + scale * sums[l]);
      top[j][l] -= w;
      u[l] = scale * w;
    }
    for (size_t i = j + 1; i < kPanel; ++i)
      for (size_t l = j + 1; l < kPanel; ++l) top[i][l] -= top[i][j] * u[l];
    if (j + 1 < count) {
      pass<true, true>(rows, begin, end, j, u, j + 1, sums);
    } else if (j + 1 < kPanel) {
      pass<true, false>(rows, begin, end, j, u, 0, sums);
    }
  }
  for (size_t j = 0; j < count; ++j) {
    out.top[j][j] = 1;
    for (size_t i = j + 1; i < kPanel; ++i) {
      out.top[i][j] = top[i][j] * out.scale[j];
      top[i][j] = 0;
    }
  }
}

/// (I - V T V^T) or its transpose times kWidth vectors of columns of `to` from vector `first` on.
template <bool kTransposed, size_t kWidth>
void apply_to(const ApplyArgs& a, size_t first) {
  const D d;
  const Reflections& h = a.reflections;
  const size_t begin = a.chunk.begin_of(a.panel), end = a.chunk.end_of(a.panel);
  const double* HWY_RESTRICT v = a.v.at(a.panel, 0);
  double* HWY_RESTRICT c[kWidth];
  V w[kPanel][kWidth];
#pragma GCC unroll 8
  for (size_t k = 0; k < kWidth; ++k) {
    c[k] = a.to.at((first + k) / kVectors, 0) + (first + k) % kVectors * kLanes;
  }
#pragma GCC unroll 8
  for (size_t i = 0; i < kPanel; ++i) {
#pragma GCC unroll 8
    for (size_t k = 0; k < kWidth; ++k) w[i][k] = hn::Zero(d);
  }
  const size_t line = a.ahead->next < a.ahead->end ? 64 : 0;
  std::uintptr_t fetched = a.ahead->next;
  for (size_t r = begin; r < end; ++r, fetched += line) {
    __builtin_prefetch(reinterpret_cast<const void*>(fetched), 0, 2);
    V row[kWidth];
#pragma GCC unroll 8
    for (size_t k = 0; k < kWidth; ++k) row[k] = hn::Load(d, c[k] + r * kPanel);
#pragma GCC unroll 8
    for (size_t i = 0; i < kPanel; ++i) {
      const V x = hn::Set(d, v[r * kPanel + i]);
#pragma GCC unroll 8
      for (size_t k = 0; k < kWidth; ++k) w[i][k] = hn::MulAdd(x, row[k], w[i][k]);
    }
  }
  a.ahead->next = fetched;
#pragma GCC unroll 8
  for (size_t k = 0; k < kWidth; ++k) {
    double* const top = c[k] + a.panel * kPanel * kPanel;
    HWY_ALIGN double all[kPanel][kLanes];
    for (size_t i = 0; i < kPanel; ++i) {
      V sum = hn::Mul(hn::Set(d, h.scale[i]), w[i][k]);
      for (size_t l = i; l < (a.chunk.first ? kPanel : i + 1); ++l)
        sum = hn::MulAdd(hn::Set(d, h.top[l][i]), hn::Load(d, top + l * kPanel), sum);
      hn::Store(sum, d, all[i]);
    }
#pragma GCC unroll 8
    for (size_t i = 0; i < kPanel; ++i) {
      V sum = hn::Zero(d);
      for (size_t l = kTransposed ? 0 : i; l < (kTransposed ? i + 1 : kPanel); ++l)
        sum = hn::MulAdd(hn::Set(d, kTransposed ? h.t[l][i] : h.t[i][l]), hn::Load(d, all[l]), sum);
      w[i][k] = sum;
    }
    for (size_t i = 0; i < kPanel; ++i) hn::Store(w[i][k], d, all[i]);
    for (size_t i = 0; i < kPanel; ++i) {
      V row = hn::Load(d, top + i * kPanel);
      for (size_t l = a.chunk.first ? 0 : i; l <= i; ++l)
        row = hn::NegMulAdd(hn::Set(d, h.top[i][l]), hn::Load(d, all[l]), row);
      hn::Store(row, d, top + i * kPanel);
    }
#pragma GCC unroll 8
    for (size_t i = 0; i < kPanel; ++i) w[i][k] = hn::Mul(hn::Set(d, h.scale[i]), w[i][k]);
  }
  for (size_t r = begin; r < end; ++r) {
    V row[kWidth];
#pragma GCC unroll 8
    for (size_t k = 0; k < kWidth; ++k) row[k] = hn::Load(d, c[k] + r * kPanel);
#pragma GCC unroll 8
    for (size_t i = 0; i < kPanel; ++i) {
      const V x = hn::Set(d, v[r * kPanel + i]);
#pragma GCC unroll 8
      for (size_t k = 0; k < kWidth; ++k) row[k] = hn::NegMulAdd(x, w[i][k], row[k]);
    }
#pragma GCC unroll 8
    for (size_t k = 0; k < kWidth; ++k) hn::Store(row[k], d, c[k] + r * kPanel);
  }
}

template <bool kTransposed>
void apply(const ApplyArgs& a) {
  const size_t end = a.end * kVectors;
  size_t first = a.begin * kVectors;
  for (; first + kGroup <= end; first += kGroup) apply_to<kTransposed, kGroup>(a, first);
  if constexpr (kGroup > 2) {
    if (first + 2 <= end) {
      apply_to<kTransposed, 2>(a, first);
      first += 2;
    }
  }
  for (; first < end; ++first) apply_to<kTransposed, 1>(a, first);
}

void pack_f32(const PackArgs<float>& a) { pack(a); }
void pack_f64(const PackArgs<double>& a) { pack(a); }

void factor_chunk(const FactorArgs& f) {
  for (size_t panel = 0; panel * kPanel < f.reflections; ++panel) {
    factor_panel(f.a, panel, f.chunk.begin_of(panel), f.chunk.end_of(panel),
                 HWY_MIN(kPanel, f.reflections - panel * kPanel), f.out[panel]);
    apply<true>({f.a, f.chunk, panel, f.out[panel], f.a, panel + 1, f.a.count(), f.ahead});
  }
}

void apply_panels(const ApplyArgs& a) { apply<false>(a); }

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace tessera::on_cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::on_cpu {

HWY_EXPORT(pack_f32);
HWY_EXPORT(pack_f64);
HWY_EXPORT(factor_chunk);
HWY_EXPORT(apply_panels);

void pack_rows(const PackArgs<float>& args) { HWY_DYNAMIC_DISPATCH(pack_f32)(args); }
void pack_rows(const PackArgs<double>& args) { HWY_DYNAMIC_DISPATCH(pack_f64)(args); }
void factor(const FactorArgs& args) { HWY_DYNAMIC_DISPATCH(factor_chunk)(args); }
void apply_product(const ApplyArgs& args) { HWY_DYNAMIC_DISPATCH(apply_panels)(args); }

}  // namespace tessera::on_cpu
#endif  // HWY_ONCE
