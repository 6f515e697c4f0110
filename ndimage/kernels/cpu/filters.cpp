// Plain loops over a few hundred bytes of a line at a time, which the compiler turns into vector
// instructions for each instruction set. IEEE arithmetic without contraction is the same in all.

#include <tessera/ndimage/kernels/cpu/filters.hpp>

#include <algorithm>
#include <type_traits>
#include <vector>

#include <tessera/ndimage/kernels/cpu/network.hpp>
#include <tessera/ndimage/kernels/slide.hpp>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tessera/ndimage/kernels/cpu/filters.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace tessera::ndimage::on_cpu {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

/// f(first, count) for the pieces of a line: `chunk` elements, and one by one what is left.
template <int chunk, class F>
HWY_INLINE void pieces(std::int64_t n, const F& f) {
  std::int64_t c = 0;
  for (; c + chunk <= n; c += chunk) f(c, std::integral_constant<int, chunk>{});
  for (; c < n; ++c) f(c, std::integral_constant<int, 1>{});
}

// Sums of `vectors` vectors from element c on, in registers.
template <int vectors, Pairs pairs, class D>
HWY_INLINE void sums(D d, const Taps& taps, std::span<const double> weights, std::int64_t at,
                     double* HWY_RESTRICT out) {
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  const auto line = [&](std::size_t k) { return static_cast<const double*>(taps.lines[k]) + at; };
  hn::Vec<D> sum[vectors];
  const double* x = line(0);
  for (int v = 0; v < vectors; ++v)
    sum[v] = hn::Mul(hn::LoadU(d, x + v * lanes), hn::Set(d, weights[0]));
  for (std::size_t k = 1; k < weights.size(); ++k) {
    const auto w = hn::Set(d, weights[k]);
    x = line(k);
    const double* y = pairs == Pairs::none ? x : line(weights.size() - 1 + k);
    for (int v = 0; v < vectors; ++v) {
      auto value = hn::LoadU(d, x + v * lanes);
      if constexpr (pairs == Pairs::even) value = hn::Add(value, hn::LoadU(d, y + v * lanes));
      if constexpr (pairs == Pairs::odd) value = hn::Sub(value, hn::LoadU(d, y + v * lanes));
      sum[v] = hn::Add(sum[v], hn::Mul(value, w));
    }
  }
  for (int v = 0; v < vectors; ++v) hn::StoreU(sum[v], d, out + v * lanes);
}

template <Pairs pairs>
void weighted_rows(const Tile& out, const Taps& taps, std::span<const double> weights) {
  const hn::ScalableTag<double> wide;
  const hn::CappedTag<double, 1> narrow;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(wide));
  for (std::int64_t i = 0; i < out.rows; ++i) {
    double* y = out.as<double>() + i * out.stride;
    const std::int64_t at = i * taps.stride;
    std::int64_t c = 0;
    for (; c + 4 * lanes <= out.cols; c += 4 * lanes)
      sums<4, pairs>(wide, taps, weights, at + c, y + c);
    for (; c + lanes <= out.cols; c += lanes) sums<1, pairs>(wide, taps, weights, at + c, y + c);
    for (; c < out.cols; ++c) sums<1, pairs>(narrow, taps, weights, at + c, y + c);
  }
}

void weighted_sum(const Tile& out, const Taps& taps, std::span<const double> weights, Pairs pairs) {
  if (pairs == Pairs::none) return weighted_rows<Pairs::none>(out, taps, weights);
  if (pairs == Pairs::even) return weighted_rows<Pairs::even>(out, taps, weights);
  weighted_rows<Pairs::odd>(out, taps, weights);
}

template <class T, bool largest>
void extreme_rows(const Tile& out, const Taps& taps, std::span<const double> heights) {
  for (std::int64_t i = 0; i < out.rows; ++i) {
    T* y = out.as<T>() + i * out.stride;
    pieces<256 / sizeof(T)>(out.cols, [&](std::int64_t c, auto count) {
      T best[count] = {};
      for (std::size_t k = 0; k < taps.lines.size(); ++k) {
        const T* x = static_cast<const T*>(taps.lines[k]) + i * taps.stride + c;
        const T height = heights.empty() ? T(0) : static_cast<T>(heights[k]);
        for (int j = 0; j < count; ++j) {
          const T v = heights.empty() ? x[j] : static_cast<T>(x[j] + height);
          best[j] = k == 0 || (largest ? v > best[j] : v < best[j]) ? v : best[j];
        }
      }
      for (int j = 0; j < count; ++j) y[c + j] = best[j];
    });
  }
}

template <class T>
void extreme_of(const Tile& out, const Taps& taps, std::span<const double> heights, bool largest) {
  largest ? extreme_rows<T, true>(out, taps, heights) : extreme_rows<T, false>(out, taps, heights);
}

template <class T>
void rank_of(const Tile& out, const Taps& taps, std::int64_t rank, const Network& network) {
  // Boxes are at least 256 elements wide where images are.
  constexpr int most = std::min<int>(128, 512 / sizeof(T));
  const std::size_t n = taps.lines.size();
  std::vector<T> room(n * most);
  for (std::int64_t i = 0; i < out.rows; ++i) {
    T* y = out.as<T>() + i * out.stride;
    pieces<most>(out.cols, [&](std::int64_t c, auto count) {
      for (std::size_t k = 0; k < n; ++k)
        std::copy_n(static_cast<const T*>(taps.lines[k]) + i * taps.stride + c, int{count},
                    room.data() + k * count);
      if (network.steps.empty() && n > 1) {  // too many
        for (int j = 0; j < count; ++j) {
          std::vector<T> all(n);
          for (std::size_t k = 0; k < n; ++k)
            all[k] = room[k * count + static_cast<std::size_t>(j)];
          std::nth_element(all.begin(), all.begin() + rank, all.end());
          y[c + j] = all[static_cast<std::size_t>(rank)];
        }
        return;
      }
      for (const Network::Step& s : network.steps) {
        T* HWY_RESTRICT a = room.data() + s.low * count;
        T* HWY_RESTRICT b = room.data() + s.high * count;
        if constexpr (std::is_integral_v<T> && count > 1) {  // which the compiler leaves alone
          const hn::ScalableTag<T> d;
          for (std::size_t j = 0; j < count; j += hn::Lanes(d)) {
            const auto one = hn::LoadU(d, a + j), other = hn::LoadU(d, b + j);
            hn::StoreU(hn::Min(one, other), d, a + j);
            hn::StoreU(hn::Max(one, other), d, b + j);
          }
          continue;
        }
        for (int j = 0; j < count; ++j) {
          const T low = b[j] < a[j] ? b[j] : a[j], high = b[j] < a[j] ? a[j] : b[j];
          a[j] = low;
          b[j] = high;
        }
      }
      std::copy_n(room.data() + static_cast<std::size_t>(rank) * count, int{count}, y + c);
    });
  }
}

void extreme(const Tile& out, const Taps& taps, std::span<const double> heights, bool largest) {
  if (out.dtype == DType::float64) return extreme_of<double>(out, taps, heights, largest);
  if (out.dtype == DType::float32) return extreme_of<float>(out, taps, heights, largest);
  extreme_of<std::uint8_t>(out, taps, heights, largest);
}

void rank(const Tile& out, const Taps& taps, std::int64_t at, const Network& network) {
  if (out.dtype == DType::float64) return rank_of<double>(out, taps, at, network);
  if (out.dtype == DType::float32) return rank_of<float>(out, taps, at, network);
  rank_of<std::uint8_t>(out, taps, at, network);
}

void slide(const Tile& in, const Tile& out, Fold fold, int axis, std::int64_t size,
           std::int64_t first) {
  if (out.dtype == DType::float64) return slide_tile<double>(in, out, fold, axis, size, first);
  if (out.dtype == DType::float32) return slide_tile<float>(in, out, fold, axis, size, first);
  slide_tile<std::uint8_t>(in, out, fold, axis, size, first);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace tessera::ndimage::on_cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace tessera::ndimage::on_cpu {

HWY_EXPORT(weighted_sum);
HWY_EXPORT(extreme);
HWY_EXPORT(rank);
HWY_EXPORT(slide);

void implement(Backend& backend, const Filters& filters) {
  backend
      .implement(filters.weighted_sum, {DType::float64},
                 [](Stream&, const Tile& out, const Taps& taps, std::span<const double> weights,
                    Pairs pairs) {
                   HWY_DYNAMIC_DISPATCH(weighted_sum)
                   (out, taps, weights, pairs);
                 })
      .implement(filters.extreme, comparable,
                 [](Stream&, const Tile& out, const Taps& taps, std::span<const double> heights,
                    bool largest) {
                   HWY_DYNAMIC_DISPATCH(extreme)
                   (out, taps, heights, largest);
                 })
      .implement(filters.rank, comparable,
                 [](Stream&, const Tile& out, const Taps& taps, std::int64_t at) {
                   HWY_DYNAMIC_DISPATCH(rank)
                   (out, taps, at,
                    network_for(static_cast<int>(taps.lines.size()), static_cast<int>(at)));
                 })
      .implement(filters.slide, comparable,
                 [](Stream&, const Tile& in, const Tile& out, Fold fold, int axis,
                    std::int64_t size, std::int64_t first) {
                   HWY_DYNAMIC_DISPATCH(slide)(in, out, fold, axis, size, first);
                 });
}

}  // namespace tessera::ndimage::on_cpu
#endif  // HWY_ONCE
