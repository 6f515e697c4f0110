#pragma once
#include <cstdint>
#include <vector>

#include <tessera/linalg/gram.hpp>
#include <tessera/linalg/moments.hpp>
#include <tessera/runtime/rows.hpp>

namespace tessera::linalg {

/// Weight, mean and sum of squared deviations of every column within each of k groups of rows.
struct GroupMoments {
  std::vector<double> weight;  ///< k: sum of the weights, the number of rows without weights
  std::vector<double> mean;    ///< k x p, 0 for an empty group
  std::vector<double> m2;      ///< k x p, sum of weight * (x - mean)^2
};

/// The moments of the rows of x (n x p, float32 or float64) by group, in float64 and one pass.
/// `codes` has the group of each row, int32 (n,), or a number outside [0, groups) for a row to be
/// left out; `weights` is nothing or n weights of x's dtype. NaN and infinities show as a mean of
/// their group that is not finite. Collective; the same bits at any number of processes. A partial
/// has 3 k p values.
GroupMoments group_moments(const Rows& x, const Array& codes, std::int64_t groups,
                           const Array& weights = {});

/// The weight, mean and centred Gram matrix of the rows of each group; arguments as of
/// group_moments. Zeros for an empty group. Collective, in one pass; the same bits at any number of
/// processes. A partial has k (1 + p + p^2) values; rows on a device are copied to the host leaf by
/// leaf. n p^2 flops.
std::vector<CenteredGram> group_gram(const Rows& x, const Array& codes, std::int64_t groups,
                                     const Array& weights = {});

/// The moments of the columns over all groups, merged in their order (Chan). A NaN or infinity in
/// any group shows as a mean that is not finite.
ColumnMoments merged(const GroupMoments& groups);

}  // namespace tessera::linalg
