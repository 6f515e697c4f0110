#include <tessera/ndimage/lines.hpp>

#include <algorithm>
#include <functional>
#include <numeric>

#include <tessera/array/layout.hpp>
#include <tessera/array/manipulation.hpp>
#include <tessera/ndimage/common.hpp>
#include <tessera/runtime/rows.hpp>

namespace tessera::ndimage {
namespace {

// The first axis becomes the last, or comes back from there.
std::vector<Array> rotated(std::vector<Array> images, bool back) {
  const std::int64_t ndim = images[0].ndim();
  Axes axes(z(ndim));
  for (std::int64_t d = 0; d < ndim; ++d) axes[z(d)] = (d + (back ? ndim - 1 : 1)) % ndim;
  for (Array& x : images) x = permute_dims(x, axes);
  return images;
}

}  // namespace

std::vector<Array> with_whole_lines(const std::vector<Array>& images, std::int64_t axis,
                                    const OfLines& of) {
  const Array x = images[0];
  if (axis > 0 || detail::is_replicated(x)) return of(images, axis);
  std::vector<Array> out;
  if (x.ndim() == 1) {
    // One line is for one process; all do it.
    std::vector<Array> whole;
    for (const Array& image : images) whole.push_back(gather(image));
    out = of(whole, 0);
  } else {
    out = rotated(of(rotated(images, false), x.ndim() - 1), true);
  }
  for (Array& y : out) y = redistribute(y, x.distribution());
  return out;
}

void each_line(const Array& x, std::int64_t axis,
               const std::function<void(std::int64_t, std::int64_t)>& line) {
  const Shape& shape = x.shape();
  const std::int64_t n = shape[z(axis)], all = x.local_rows().size() * x.cols();
  if (all == 0) return;
  const std::int64_t inner =
      std::accumulate(shape.begin() + axis + 1, shape.end(), std::int64_t{1}, std::multiplies<>());
  constexpr std::int64_t piece = 64;
  const std::int64_t lines = all / n;
  parallel_for({0, (lines + piece - 1) / piece}, Runtime::threads(), [&](std::int64_t p, Stream&) {
    for (std::int64_t i = p * piece; i < std::min(lines, (p + 1) * piece); ++i)
      line(i / inner * n * inner + i % inner, inner);
  });
}

}  // namespace tessera::ndimage
