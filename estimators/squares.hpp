#pragma once
#include <string_view>
#include <vector>

#include <tessera/runtime/rows.hpp>

/// For estimators that do not scale data whose squares leave the range of their dtype (range.hpp):
/// one clear error.
namespace tessera::detail {

/// The largest of values that are not negative; infinity where one is no finite number.
double largest(const std::vector<double>& values);

/// ValueError, in terms of `estimator`, unless float64 holds the squares of x's deviations, of
/// whose sums by column `largest` is the largest, or x is constant. Reads x again where that looks
/// wrong. `what` is X or y. Collective.
void require_squares(const Rows& x, double largest, std::string_view estimator,
                     std::string_view what = "X");

}  // namespace tessera::detail
