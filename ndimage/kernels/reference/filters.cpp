#include <tessera/ndimage/kernels/reference/filters.hpp>

#include <algorithm>
#include <vector>

#include <tessera/ndimage/kernels/filters.hpp>

namespace tessera::ndimage::on_reference {
namespace {

/// f(TypeTag<T>{}) with the type of the tiles.
template <class F>
void visit_comparable(DType dtype, const F& f) {
  if (dtype == DType::float64) return f(TypeTag<double>{});
  if (dtype == DType::float32) return f(TypeTag<float>{});
  return f(TypeTag<std::uint8_t>{});
}

/// Fills every element of out from a function of its taps: of(get), with get(k) the tap k.
template <class T, class Of>
void each(const Tile& out, const Taps& taps, const Of& of) {
  for (std::int64_t i = 0; i < out.rows; ++i)
    for (std::int64_t j = 0; j < out.cols; ++j)
      out.as<T>()[i * out.stride + j] = of(
          [&](std::size_t k) { return static_cast<const T*>(taps.lines[k])[i * taps.stride + j]; });
}

void weighted_sum(Stream&, const Tile& out, const Taps& taps, std::span<const double> weights,
                  Pairs pairs) {
  each<double>(out, taps, [&](const auto& tap) {
    double sum = tap(0) * weights[0];
    for (std::size_t k = 1; k < weights.size(); ++k) {
      const std::size_t other = weights.size() - 1 + k;
      sum += weights[k] * (pairs == Pairs::none   ? tap(k)
                           : pairs == Pairs::even ? tap(k) + tap(other)
                                                  : tap(k) - tap(other));
    }
    return sum;
  });
}

void extreme(Stream&, const Tile& out, const Taps& taps, std::span<const double> heights,
             bool largest) {
  visit_comparable(out.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    each<T>(out, taps, [&](const auto& tap) {
      const auto value = [&](std::size_t k) {
        return heights.empty() ? tap(k) : static_cast<T>(tap(k) + heights[k]);
      };
      T best = value(0);
      for (std::size_t k = 1; k < taps.lines.size(); ++k)
        if (const T v = value(k); largest ? v > best : v < best) best = v;
      return best;
    });
  });
}

void rank(Stream&, const Tile& out, const Taps& taps, std::int64_t rank) {
  visit_comparable(out.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    std::vector<T> all(taps.lines.size());
    each<T>(out, taps, [&](const auto& tap) {
      for (std::size_t k = 0; k < all.size(); ++k) all[k] = tap(k);
      std::nth_element(all.begin(), all.begin() + rank, all.end());
      return all[static_cast<std::size_t>(rank)];
    });
  });
}

void slide(Stream&, const Tile& in, const Tile& out, Fold fold, int axis, std::int64_t size,
           std::int64_t first) {
  visit_comparable(out.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const std::int64_t along = axis == 0 ? in.stride : 1;
    for (std::int64_t i = 0; i < out.rows; ++i)
      for (std::int64_t j = 0; j < out.cols; ++j) {
        const T* x = in.as<const T>() + i * in.stride + j;
        // Elements from the middle on to the right, then from before it to the left.
        const std::int64_t over = (first + (axis == 0 ? i : j)) % size;
        const std::int64_t middle = size - (over < 0 ? over + size : over);
        const auto step = [&](T a, T b) {
          if (fold == Fold::mean) return static_cast<T>(a + b);
          return (fold == Fold::least ? b < a : b > a) ? b : a;
        };
        T left = x[(middle - 1) * along];
        for (std::int64_t k = middle - 1; k-- > 0;) left = step(left, x[k * along]);
        if (middle < size) {
          T right = x[middle * along];
          for (std::int64_t k = middle + 1; k < size; ++k) right = step(right, x[k * along]);
          left = step(left, right);
        }
        out.as<T>()[i * out.stride + j] =
            fold == Fold::mean ? static_cast<T>(left / static_cast<T>(size)) : left;
      }
  });
}

}  // namespace

void implement(Backend& backend, const Filters& filters) {
  backend.implement(filters.weighted_sum, {DType::float64}, weighted_sum)
      .implement(filters.extreme, comparable, extreme)
      .implement(filters.rank, comparable, rank)
      .implement(filters.slide, comparable, slide);
}

}  // namespace tessera::ndimage::on_reference
