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
  // No device has a kernel for it: leaf by leaf on the host.
  const auto sums = reduce(
      zip(x.to(cpu), {codes, weights}), 3 * values,
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

}  // namespace tessera::linalg
