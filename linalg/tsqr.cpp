#include <tessera/linalg/tsqr.hpp>

#include <algorithm>
#include <cmath>

#include <tessera/linalg/kernels/kernels.hpp>

namespace tessera::linalg {
namespace {

Triangle triangle_of(Stream& stream, std::vector<double> a, std::int64_t rows, std::int64_t cols) {
  kernels().qr_r(stream, tile_of(a.data(), rows, cols, cols));
  Triangle t{std::min(rows, cols), cols, std::move(a)};
  t.r.resize(static_cast<std::size_t>(t.rows * cols));
  return t;
}

}  // namespace

void Triangle::merge(const Triangle& right) {
  r.insert(r.end(), right.r.begin(), right.r.end());
  Stream stream;
  *this = triangle_of(stream, std::move(r), rows + right.rows, cols);
}

Triangle tsqr(const Rows& x, std::span<const double> shift, const Array& y, const Array& weights) {
  const std::int64_t p = x.cols();
  const std::int64_t q = y ? y.cols() : 0;
  const std::int64_t m = p + q;
  return reduce<Triangle>(x, [&](const Leaf& leaf, Stream& stream) {
    const std::int64_t rows = leaf.tile.rows;
    std::vector<double> a(static_cast<std::size_t>(rows * m));
    const Tile w = leaf_of(weights, leaf.index);
    visit_floating(leaf.tile.dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      const auto fill = [&](const Tile& from, std::int64_t first) {
        for (std::int64_t i = 0; i < from.rows; ++i) {
          const double scale = w ? std::sqrt(static_cast<double>(w.as<T>()[i])) : 1.0;
          for (std::int64_t j = 0; j < from.cols; ++j) {
            const double mean = shift.empty() ? 0.0 : shift[static_cast<std::size_t>(first + j)];
            a[static_cast<std::size_t>(i * m + first + j)] =
                scale * (static_cast<double>(from.as<T>()[i * from.stride + j]) - mean);
          }
        }
      };
      fill(leaf.tile, 0);
      if (y) fill(leaf_of(y, leaf.index), p);
    });
    return triangle_of(stream, std::move(a), rows, m);
  });
}

}  // namespace tessera::linalg
