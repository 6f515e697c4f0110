#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include <tessera/ndimage/kernels/filters.hpp>

/// The algorithm of `slide`, which both backends share: three steps an element, whatever the size
/// (van Herk, Gil and Werman).
namespace tessera::ndimage {

/// `width` lines side by side: element i of line c is in[i * in_step + c].
template <int width, class T, class Step>
void slide_lines(const T* in, std::int64_t in_step, T* out, std::int64_t out_step, std::int64_t n,
                 std::int64_t size, std::int64_t first, std::vector<T>& room, const Step& step,
                 bool mean) {
  room.resize(static_cast<std::size_t>(size * width));
  T* suffix = room.data();
  const T divisor = mean ? static_cast<T>(size) : T(1);
  for (std::int64_t i = 0; i < n;) {
    // As many elements from i on lie before the next multiple of the size.
    const std::int64_t over = (first + i) % size;
    const std::int64_t m = size - (over < 0 ? over + size : over);
    std::copy_n(in + (i + m - 1) * in_step, width, suffix + (m - 1) * width);
    for (std::int64_t j = m - 1; j-- > 0;)
      for (int c = 0; c < width; ++c)
        suffix[j * width + c] = step(suffix[(j + 1) * width + c], in[(i + j) * in_step + c]);
    T prefix[width];
    bool begun = false;
    const auto extend = [&](std::int64_t at) {
      const T* x = in + at * in_step;
      for (int c = 0; c < width; ++c) prefix[c] = begun ? step(prefix[c], x[c]) : x[c];
      begun = true;
    };
    for (std::int64_t k = m; k < size; ++k) extend(i + k);
    const std::int64_t count = std::min(m, n - i);
    for (std::int64_t j = 0; j < count; ++j) {
      if (j > 0) extend(i + j + size - 1);
      T* y = out + (i + j) * out_step;
      for (int c = 0; c < width; ++c) {
        const T both = begun ? step(suffix[j * width + c], prefix[c]) : suffix[j * width + c];
        y[c] = mean ? both / divisor : both;
      }
    }
    i += count;
  }
}

template <class T>
void slide_tile(const Tile& in, const Tile& out, Fold fold, int axis, std::int64_t size,
                std::int64_t first) {
  std::vector<T> room;
  const auto lines = [&](const auto& step) {
    const bool mean = fold == Fold::mean;
    const T* x = in.as<const T>();
    T* y = out.as<T>();
    if (axis == 1) {
      for (std::int64_t i = 0; i < out.rows; ++i)
        slide_lines<1>(x + i * in.stride, 1, y + i * out.stride, 1, out.cols, size, first, room,
                       step, mean);
      return;
    }
    constexpr int width = 64;
    std::int64_t c = 0;
    for (; c + width <= out.cols; c += width)
      slide_lines<width>(x + c, in.stride, y + c, out.stride, out.rows, size, first, room, step,
                         mean);
    for (; c < out.cols; ++c)
      slide_lines<1>(x + c, in.stride, y + c, out.stride, out.rows, size, first, room, step, mean);
  };
  if (fold == Fold::mean)
    lines([](T a, T b) { return static_cast<T>(a + b); });
  else if (fold == Fold::least)
    lines([](T a, T b) { return b < a ? b : a; });
  else
    lines([](T a, T b) { return b > a ? b : a; });
}

}  // namespace tessera::ndimage
