#include <tessera/linalg/gram.hpp>

#include <tessera/linalg/functions.hpp>
#include <tessera/linalg/kernels/kernels.hpp>
#include <tessera/runtime/reduce.hpp>

namespace tessera::linalg {

CenteredGram composed::centered_gram(const Rows& x, const Array& y, const Array& weights,
                                     bool center) {
  const std::int64_t m = x.cols() + (y ? y.cols() : 0);
  const auto sums = reduce(
      x, 1 + m + m * m,
      [&](const Leaf& run, const Tile& out, Stream& stream) {
        kernels().leaf_gram(stream, run.tile, x.distribution().leaf_rows(), rows_of(y, run),
                            rows_of(weights, run), center, out);
      },
      center ? kernels().merge_grams : kernels().add);
  return {sums[0], {sums.begin() + 1, sums.begin() + 1 + m}, {sums.begin() + 1 + m, sums.end()}};
}

}  // namespace tessera::linalg
