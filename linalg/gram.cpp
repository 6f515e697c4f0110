#include <tessera/linalg/gram.hpp>

#include <tessera/linalg/kernels/kernels.hpp>

namespace tessera::linalg {

void CenteredGram::merge(const CenteredGram& right) {
  const double total = weight + right.weight;
  const std::size_t m = mean.size();
  const double shared = centered && total != 0.0 ? weight * right.weight / total : 0.0;
  std::vector<double> delta(m);
  for (std::size_t j = 0; j < m; ++j) delta[j] = right.mean[j] - mean[j];
  for (std::size_t i = 0; i < m; ++i) {
    const double scale = shared * delta[i];
    for (std::size_t j = 0; j < m; ++j) gram[i * m + j] += right.gram[i * m + j] + scale * delta[j];
  }
  if (total != 0.0)
    for (std::size_t j = 0; j < m; ++j) mean[j] += delta[j] * (right.weight / total);
  weight = total;
}

CenteredGram centered_gram(const Rows& x, const Array& y, const Array& weights, bool center) {
  const std::int64_t m = x.cols() + (y ? y.cols() : 0);
  return reduce<CenteredGram>(x, [&](const Leaf& leaf, Stream& stream) {
    CenteredGram g{center, 0.0, std::vector<double>(static_cast<std::size_t>(m)),
                   std::vector<double>(static_cast<std::size_t>(m * m))};
    kernels().centered_gram(stream, leaf.tile, leaf_of(y, leaf.index), leaf_of(weights, leaf.index),
                            g);
    return g;
  });
}

}  // namespace tessera::linalg
