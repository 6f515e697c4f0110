#include <tessera/linalg/tsqr.hpp>

#include <algorithm>

#include <tessera/linalg/functions.hpp>
#include <tessera/linalg/kernels/kernels.hpp>
#include <tessera/runtime/reduce.hpp>

namespace tessera::linalg {

void Triangle::merge(const Triangle& right) {
  r.insert(r.end(), right.r.begin(), right.r.end());
  const std::int64_t stacked = rows + right.rows;
  Stream stream;
  kernels().qr_r(stream, tile_of(r.data(), stacked, cols, cols));
  rows = std::min(stacked, cols);
  r.resize(static_cast<std::size_t>(rows * cols));
}

Triangle composed::tsqr(const Rows& x, std::span<const double> shift, const Array& y,
                        const Array& weights) {
  const std::int64_t m = x.cols() + (y ? y.cols() : 0);
  return reduce<Triangle>(x, [&](const Leaf& leaf, Stream& stream) {
    Triangle t{std::min(leaf.rows.size(), m), m, {}};
    t.r.resize(static_cast<std::size_t>(t.rows * m));
    kernels().leaf_triangle(stream, leaf.tile, shift, rows_of(y, leaf), rows_of(weights, leaf),
                            t.r);
    return t;
  });
}

}  // namespace tessera::linalg
