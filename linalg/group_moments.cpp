#include <tessera/linalg/group_moments.hpp>

#include <fmt/format.h>

#include <tessera/linalg/functions.hpp>
#include <tessera/linalg/kernels/kernels.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/reduce.hpp>

namespace tessera::linalg {

GroupMoments composed::group_moments(const Rows& x, const Array& codes, std::int64_t groups,
                                     const Array& weights) {
  if (codes.dtype() != DType::int32 || codes.ndim() != 1)
    throw TypeError(fmt::format("codes of groups must be an int32 vector, got {} of shape {}",
                                name_of(codes.dtype()), to_string(codes.shape())));
  if (weights && weights.dtype() != x.dtype())
    throw TypeError(fmt::format("weights must have the dtype of the rows, {}, got {}",
                                name_of(x.dtype()), name_of(weights.dtype())));
  const std::int64_t values = groups * x.cols();
  const auto sums = reduce(
      zip(x, {codes, weights}), 3 * values,
      [leaf_rows = x.distribution().leaf_rows()](const Leaf& run, const Tile& out, Stream& stream) {
        kernels().leaf_group_moments(stream, run.tile, leaf_rows, run.beside[0], run.beside[1],
                                     out);
      },
      kernels().merge_moments);
  GroupMoments all{{},
                   {sums.begin() + values, sums.begin() + 2 * values},
                   {sums.begin() + 2 * values, sums.end()}};
  for (std::int64_t g = 0; g < groups; ++g)
    all.weight.push_back(x.cols() > 0 ? sums[static_cast<std::size_t>(g * x.cols())] : 0.0);
  return all;
}

ColumnMoments merged(const GroupMoments& groups) {
  const std::size_t p = groups.weight.empty() ? 0 : groups.mean.size() / groups.weight.size();
  ColumnMoments all{std::vector<double>(p), std::vector<double>(p), std::vector<double>(p)};
  for (std::size_t i = 0; i < groups.mean.size(); ++i) {
    const double weight = groups.weight[i / p];
    if (weight == 0) continue;
    const std::size_t j = i % p;
    const double before = all.count[j];
    const double step = groups.mean[i] - all.mean[j];
    all.count[j] += weight;
    all.mean[j] += step * (weight / all.count[j]);
    all.m2[j] += groups.m2[i] + step * step * (before * (weight / all.count[j]));
  }
  return all;
}

}  // namespace tessera::linalg
