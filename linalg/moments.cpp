#include <tessera/linalg/moments.hpp>

#include <tessera/linalg/kernels/kernels.hpp>

namespace tessera::linalg {

void ColumnMoments::merge(const ColumnMoments& right) {
  for (std::size_t j = 0; j < count.size(); ++j) {
    const double total = count[j] + right.count[j];
    if (right.count[j] == 0.0 || total == 0.0) continue;
    const double delta = right.mean[j] - mean[j];
    m2[j] += right.m2[j] + delta * delta * (count[j] * right.count[j] / total);
    mean[j] += delta * (right.count[j] / total);
    count[j] = total;
  }
}

ColumnMoments column_moments(const Rows& x, const Array& weights) {
  return reduce<ColumnMoments>(x, [&](const Leaf& leaf, Stream& stream) {
    const auto p = static_cast<std::size_t>(leaf.tile.cols);
    ColumnMoments m{std::vector<double>(p), std::vector<double>(p), std::vector<double>(p)};
    kernels().column_moments(stream, leaf.tile, leaf_of(weights, leaf.index), m);
    return m;
  });
}

}  // namespace tessera::linalg
