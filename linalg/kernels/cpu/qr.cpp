#include <tessera/linalg/kernels/cpu/qr.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/linalg/kernels/cpu/qr.cpp"
#include <hwy/aligned_allocator.h>
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <tessera/linalg/kernels/cpu/simd-inl.hpp>

#ifndef TESSERA_LINALG_KERNELS_CPU_QR_ONCE
#define TESSERA_LINALG_KERNELS_CPU_QR_ONCE
namespace tessera::on_cpu {
namespace {

// Columns of a panel, whose reflections are applied to the others at once.
constexpr std::size_t kPanel = 8;
// Rows that are packed and reflected at once: with the triangle they stay in the L2 cache.
constexpr std::size_t kChunk = 192;

/// A matrix in panels of columns, [panel][row][column of the panel].
struct Panels {
  double* data;
  std::size_t capacity;  // rows
  std::size_t cols;
  std::size_t count() const { return (cols + kPanel - 1) / kPanel; }
  double* at(std::size_t panel, std::size_t row) const {
    return data + (panel * capacity + row) * kPanel;
  }
};

/// Rows that are reflected against the triangle on top. The first chunk has the triangle's rows in
/// it and starts at the diagonal; in a triangular one row i is zero left of column i.
struct Chunk {
  std::size_t begin;
  std::size_t end;
  bool first = false;
  bool triangular = false;
  std::size_t begin_of(std::size_t panel) const { return first ? (panel + 1) * kPanel : begin; }
  std::size_t end_of(std::size_t panel) const {
    return triangular ? std::min(end, begin + (panel + 1) * kPanel) : end;
  }
};

/// The product of a panel's reflections, I - V T V^T: V is `top` (unit lower triangular) in the
/// panel's rows of the triangle, and the chunk's rows of the panel times `scale` by column.
struct Reflections {
  double t[kPanel][kPanel];
  double top[kPanel][kPanel];
  double scale[kPanel];
};

template <class T>
struct PackArgs {
  const QrRows<T>& from;
  const double* shift;  // by column, or null; whole panels
  const double* scale;  // the same
  std::size_t begin;
  std::size_t count;
  Panels to;
  std::size_t row;
};

struct FactorArgs {
  Panels a;
  Chunk chunk;
  std::size_t reflections;
  Reflections* out;  // one per panel
};

struct ApplyArgs {
  Panels v;
  Chunk chunk;
  std::size_t panel;
  const Reflections& reflections;
  Panels to;
  std::size_t begin;  // panels of `to`
  std::size_t end;
};

}  // namespace
}  // namespace tessera::on_cpu
#endif

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
  for (size_t r = begin; r < end; ++r) {
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

void factor(const FactorArgs& f) {
  for (size_t panel = 0; panel * kPanel < f.reflections; ++panel) {
    factor_panel(f.a, panel, f.chunk.begin_of(panel), f.chunk.end_of(panel),
                 HWY_MIN(kPanel, f.reflections - panel * kPanel), f.out[panel]);
    apply<true>({f.a, f.chunk, panel, f.out[panel], f.a, panel + 1, f.a.count()});
  }
}

void apply_product(const ApplyArgs& a) { apply<false>(a); }

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace tessera::on_cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::on_cpu {

HWY_EXPORT(pack_f32);
HWY_EXPORT(pack_f64);
HWY_EXPORT(factor);
HWY_EXPORT(apply_product);

namespace {

std::size_t padded(std::size_t n) { return (n + kPanel - 1) / kPanel * kPanel; }

/// Room that grows and stays.
struct Memory {
  hwy::AlignedFreeUniquePtr<double[]> data;
  std::size_t size = 0;
};

/// The factorisation of a matrix that is packed chunk by chunk: with `keep` all of it stays, for Q,
/// otherwise a chunk takes the place of the one before.
class Qr {
 public:
  Qr(std::size_t rows, std::size_t cols, bool keep)
      : rows_(rows),
        cols_(cols),
        reflections_(std::min(rows, cols)),
        keep_(keep),
        a_(panels(keep ? padded(cols) + rows : std::min(rows, padded(cols) + kChunk), cols,
                  memory_)) {}

  /// pack(begin, count, panels, row) packs rows [begin, begin + count) from row `row` on. With
  /// `pair` the first cols rows are an upper triangle and those below an upper trapezoid.
  template <class Pack>
  void factor_rows(bool pair, const Pack& pack) {
    const std::size_t top = padded(cols_);
    if (pair) {
      pack(0, cols_, a_, 0);
      pack(cols_, rows_ - cols_, a_, top);
      return factor_chunk({top, top + rows_ - cols_, false, true});
    }
    Chunk chunk{0, std::min(rows_, top + kChunk), true};
    for (;;) {
      const std::size_t count = chunk.end - chunk.begin;
      const std::size_t at = keep_ || chunk.first ? chunk.begin : top;
      pack(chunk.begin, count, a_, at);
      factor_chunk({at, at + count, chunk.first});
      if (chunk.end == rows_) return;
      chunk = {chunk.end, std::min(rows_, chunk.end + kChunk)};
    }
  }

  /// Q's product with y, whose first min(rows, cols) rows are given and whose others are zero.
  void apply_to(const Panels& y) const {
    // c is often upper triangular; columns that are still zero stay so.
    std::vector<std::size_t> first(panel_count());
    std::size_t least = y.count();
    for (std::size_t panel = panel_count(); panel-- > 0;) {
      for (std::size_t k = 0; k < least; ++k)
        if (std::any_of(y.at(k, panel * kPanel), y.at(k, (panel + 1) * kPanel),
                        [](double v) { return v != 0; }))
          least = k;
      first[panel] = least;
    }
    for (std::size_t i = chunks_.size(); i-- > 0;)
      for (std::size_t panel = panel_count(); panel-- > 0;) HWY_DYNAMIC_DISPATCH(apply_product)
    ({a_, chunks_[i], panel, products_[i * panel_count() + panel], y, first[panel], y.count()});
  }

  std::size_t reflections() const { return reflections_; }
  double r(std::size_t i, std::size_t j) const { return *(a_.at(j / kPanel, i) + j % kPanel); }

  /// Zeros for that many rows, with room for whole panels of reflections.
  Panels panels(std::size_t rows, std::size_t cols, Memory& memory) const {
    Panels p{nullptr, std::max(padded(rows), padded(reflections_)), cols};
    const std::size_t size = p.capacity * p.count() * kPanel;
    if (!memory.data || memory.size < size) {
      memory = {nullptr, 0};
      memory = {hwy::AllocateAligned<double>(std::max<std::size_t>(size, 1)), size};
      if (!memory.data) throw std::bad_alloc();
    }
    std::fill_n(memory.data.get(), size, 0.0);
    p.data = memory.data.get();
    return p;
  }

 private:
  std::size_t panel_count() const { return padded(reflections_) / kPanel; }
  void factor_chunk(const Chunk& chunk) {
    if (keep_ || products_.empty()) products_.resize(products_.size() + panel_count());
    chunks_.push_back(chunk);
    HWY_DYNAMIC_DISPATCH(factor)
    ({a_, chunk, reflections_, products_.data() + products_.size() - panel_count()});
  }

  std::size_t rows_;
  std::size_t cols_;
  std::size_t reflections_;
  bool keep_;
  Memory memory_;
  Panels a_;
  std::vector<Chunk> chunks_;
  std::vector<Reflections> products_;
};

template <class T>
void pack_rows(const PackArgs<T>& args) {
  if constexpr (std::is_same_v<T, float>) {
    HWY_DYNAMIC_DISPATCH(pack_f32)(args);
  } else {
    HWY_DYNAMIC_DISPATCH(pack_f64)(args);
  }
}

/// Powers of two that bring columns near 1 whose squares might be lost or infinite; nothing when
/// there are none. R has the columns' norms.
template <class T>
std::vector<double> scales_of(const QrRows<T>& from, const Qr& qr) {
  constexpr double kLeast = 0x1p-200, kMost = 0x1p+400;
  const auto cols = static_cast<std::size_t>(from.p + from.q);
  std::vector<std::size_t> suspects;
  for (std::size_t j = 0; j < cols; ++j) {
    double largest = 0;  // NaN if one is
    for (std::size_t i = 0; i < std::min(qr.reflections(), j + 1); ++i) {
      const double size = std::abs(qr.r(i, j));
      if (!(size <= largest)) largest = size;
    }
    if (!(largest >= kLeast && largest <= kMost)) suspects.push_back(j);
  }
  std::vector<double> scales;
  for (const std::size_t j : suspects) {
    const auto k = static_cast<std::int64_t>(j);
    double largest = 0;
    for (std::int64_t i = 0; i < from.rows; ++i) {
      const double root = from.weights ? std::sqrt(static_cast<double>(from.weights[i])) : 1.0;
      const auto value = static_cast<double>(k < from.p ? from.x[i * from.x_stride + k]
                                                        : from.y[i * from.y_stride + k - from.p]);
      largest = std::max(largest, std::abs(root * (value - (from.shift ? from.shift[j] : 0.0))));
    }
    if (largest == 0 || !std::isfinite(largest) || (largest >= kLeast && largest <= kMost))
      continue;
    scales.resize(padded(cols), 1.0);
    // Both it and its inverse are normal numbers.
    scales[j] = std::ldexp(1.0, -std::clamp(std::ilogb(largest), -1000, 1000));
  }
  return scales;
}

/// Calls use(qr, scales) for the factorised rows, whose columns have been multiplied by `scales`.
template <class T, class Use>
void with_qr(const QrRows<T>& from, bool keep, bool pair, const Use& use) {
  const auto cols = static_cast<std::size_t>(from.p + from.q);
  std::vector<double> shift;
  if (from.shift) {
    shift.assign(from.shift, from.shift + cols);
    shift.resize(padded(cols));
  }
  const auto pointer = [](const std::vector<double>& v) { return v.empty() ? nullptr : v.data(); };
  const auto factorise = [&](Qr& qr, const std::vector<double>& scales) {
    qr.factor_rows(pair,
                   [&](std::size_t begin, std::size_t count, const Panels& to, std::size_t row) {
                     pack_rows<T>({from, pointer(shift), pointer(scales), begin, count, to, row});
                   });
  };
  Qr qr(static_cast<std::size_t>(from.rows), cols, keep);
  factorise(qr, {});
  const std::vector<double> scales = scales_of(from, qr);
  if (scales.empty()) return use(qr, scales);
  Qr scaled(static_cast<std::size_t>(from.rows), cols, keep);
  factorise(scaled, scales);
  use(scaled, scales);
}

void store_r(const Qr& qr, const std::vector<double>& scales, std::int64_t cols, double* r,
             std::int64_t stride) {
  for (std::size_t i = 0; i < qr.reflections(); ++i)
    for (std::size_t j = 0; j < static_cast<std::size_t>(cols); ++j)
      r[i * static_cast<std::size_t>(stride) + j] = j < i            ? 0.0
                                                    : scales.empty() ? qr.r(i, j)
                                                                     : qr.r(i, j) / scales[j];
}

/// `count` rows of y from `first` on into a row-major matrix.
template <class T>
void store_rows(const Panels& y, std::size_t first, std::size_t count, T* out,
                std::int64_t stride) {
  for (std::size_t i = 0; i < count; ++i)
    for (std::size_t j = 0; j < y.cols; j += kPanel)
      std::transform(y.at(j / kPanel, first + i),
                     y.at(j / kPanel, first + i) + std::min(kPanel, y.cols - j),
                     out + i * static_cast<std::size_t>(stride) + j,
                     [](double v) { return static_cast<T>(v); });
}

}  // namespace

template <class T>
void qr_triangle(const QrRows<T>& rows, double* r, std::int64_t r_stride) {
  with_qr(rows, false, false, [&](const Qr& qr, const std::vector<double>& scales) {
    store_r(qr, scales, rows.p + rows.q, r, r_stride);
  });
}

template <class T>
void qr_times(const QrRows<T>& rows, const double* c, std::int64_t l, std::int64_t c_stride, T* out,
              std::int64_t out_stride) {
  with_qr(rows, true, false, [&](const Qr& qr, const std::vector<double>&) {
    thread_local Memory memory;  // the heap would give it back to the system after every leaf
    const auto count = static_cast<std::size_t>(rows.rows);
    const Panels y = qr.panels(count, static_cast<std::size_t>(l), memory);
    const QrRows<double> given{c, static_cast<std::int64_t>(qr.reflections()), l, c_stride};
    pack_rows<double>({given, nullptr, nullptr, 0, qr.reflections(), y, 0});
    qr.apply_to(y);
    store_rows(y, 0, count, out, out_stride);
  });
}

void qr_pair(double* a, std::int64_t rows, std::int64_t n, std::int64_t stride, std::int64_t top,
             double* q, std::int64_t q_stride) {
  const bool pair = top == n;
  with_qr<double>(
      {a, rows, n, stride}, true, pair, [&](const Qr& qr, const std::vector<double>& scales) {
        store_r(qr, scales, n, a, stride);
        if (!q) return;
        const std::size_t count = static_cast<std::size_t>(rows), k = qr.reflections(),
                          below = pair ? padded(k) : k;
        Memory memory;
        const Panels y = qr.panels(below + count - k, k, memory);
        for (std::size_t i = 0; i < k; ++i) y.at(i / kPanel, i)[i % kPanel] = 1;
        qr.apply_to(y);
        store_rows(y, 0, k, q, q_stride);
        store_rows(y, below, count - k, q + static_cast<std::int64_t>(k) * q_stride, q_stride);
      });
}

template void qr_triangle(const QrRows<float>&, double*, std::int64_t);
template void qr_triangle(const QrRows<double>&, double*, std::int64_t);
template void qr_times(const QrRows<float>&, const double*, std::int64_t, std::int64_t, float*,
                       std::int64_t);
template void qr_times(const QrRows<double>&, const double*, std::int64_t, std::int64_t, double*,
                       std::int64_t);

}  // namespace tessera::on_cpu
#endif  // HWY_ONCE
