#include <tessera/linalg/tsqr.hpp>

#include <algorithm>
#include <functional>

#include <tessera/linalg/functions.hpp>
#include <tessera/linalg/kernels/kernels.hpp>
#include <tessera/runtime/reduce.hpp>

namespace tessera::linalg {

void Triangle::merge(const Triangle& right) {
  r.insert(r.end(), right.r.begin(), right.r.end());
  const std::int64_t stacked = rows + right.rows;
  Stream stream;
  kernels().qr_pair(stream, tile_of(r.data(), stacked, cols, cols), rows, {});
  rows = std::min(stacked, cols);
  r.resize(static_cast<std::size_t>(rows * cols));
}

Triangle composed::tsqr(const Rows& x, std::span<const double> shift, const Array& y,
                        const Array& weights) {
  const std::int64_t m = x.cols() + (y ? y.cols() : 0);
  if (!is_floating(x.dtype())) refuse_non_floating(x.dtype());
  Triangle whole = reduce<Triangle>(x, [&](const Leaf& leaf, Stream& stream) {
    Triangle t{std::min(leaf.rows.size(), m), m, {}};
    t.r.resize(static_cast<std::size_t>(t.rows * m));
    kernels().leaf_triangle(stream, leaf.tile, shift, rows_of(y, leaf), rows_of(weights, leaf),
                            tile_of(t.r.data(), t.rows, m, m));
    return t;
  });
  for (std::int64_t i = 0; i < whole.rows; ++i) {
    double* const row = whole.r.data() + i * m;
    if (row[i] < 0) std::transform(row + i, row + m, row + i, std::negate<>());
  }
  return whole;
}

}  // namespace tessera::linalg
