#include <tessera/linalg/kernels/cpu/qr.hpp>

#include <hwy/aligned_allocator.h>

#include <algorithm>
#include <cmath>
#include <new>
#include <vector>

#include <tessera/linalg/kernels/cpu/reflections.hpp>

namespace tessera::on_cpu {
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
  /// `pair` the first cols rows are an upper triangle and those below an upper trapezoid. A row is
  /// `stride` bytes behind the one before, from x on.
  template <class Pack>
  void factor_rows(bool pair, const void* x, std::size_t stride, const Pack& pack) {
    const std::size_t top = padded(cols_);
    if (pair) {
      pack(0, cols_, a_, 0);
      pack(cols_, rows_ - cols_, a_, top);
      return factor_chunk({top, top + rows_ - cols_, false, true}, {});
    }
    Chunk chunk{0, std::min(rows_, top + kChunk), true};
    for (;;) {
      const std::size_t count = chunk.end - chunk.begin;
      const std::size_t at = keep_ || chunk.first ? chunk.begin : top;
      pack(chunk.begin, count, a_, at);
      const Chunk next{chunk.end, std::min(rows_, chunk.end + kChunk)};
      const auto address = reinterpret_cast<std::uintptr_t>(x);
      factor_chunk({at, at + count, chunk.first},
                   {address + next.begin * stride, address + next.end * stride});
      if (chunk.end == rows_) return;
      chunk = next;
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
    Ahead nothing;
    for (std::size_t i = chunks_.size(); i-- > 0;)
      for (std::size_t panel = panel_count(); panel-- > 0;)
        apply_product({a_, chunks_[i], panel, products_[i * panel_count() + panel], y, first[panel],
                       y.count(), &nothing});
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
  void factor_chunk(const Chunk& chunk, Ahead ahead) {
    if (keep_ || products_.empty()) products_.resize(products_.size() + panel_count());
    chunks_.push_back(chunk);
    factor({a_, chunk, reflections_, products_.data() + products_.size() - panel_count(), &ahead});
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
    qr.factor_rows(
        pair, from.x, static_cast<std::size_t>(from.x_stride) * sizeof(T),
        [&](std::size_t begin, std::size_t count, const Panels& to, std::size_t row) {
          pack_rows(PackArgs<T>{from, pointer(shift), pointer(scales), begin, count, to, row});
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
    pack_rows(PackArgs<double>{given, nullptr, nullptr, 0, qr.reflections(), y, 0});
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
