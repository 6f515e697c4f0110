#include <tessera/linalg/moments.hpp>

#include <tessera/linalg/functions.hpp>
#include <tessera/linalg/kernels/kernels.hpp>
#include <tessera/runtime/reduce.hpp>

namespace tessera::linalg {

ColumnMoments composed::column_moments(const Rows& x, const Array& given) {
  const Array weights = given ? redistribute(given, x.distribution()) : given;
  const std::int64_t p = x.cols();
  const auto sums = reduce(
      zip(x, {weights}), 3 * p,
      [&](const Leaf& run, const Tile& out, Stream& stream) {
        kernels().leaf_moments(stream, run.tile, x.distribution().leaf_rows(), run.beside[0], out);
      },
      Merging::whole(kernels().merge_moments));
  const auto part = [&](std::int64_t i) {
    return std::vector<double>(sums.begin() + i * p, sums.begin() + (i + 1) * p);
  };
  return {part(0), part(1), part(2)};
}

}  // namespace tessera::linalg
