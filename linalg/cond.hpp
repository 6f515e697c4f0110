#pragma once
#include <tessera/linalg/norm.hpp>

namespace tessera::linalg {

/// The condition number norm(a, order) * norm(inv(a), order) (numpy.linalg.cond): by default, and
/// for 2 and -2, the ratio of the extreme singular values, for any m x n; other orders for square
/// matrices. Infinite for singular ones and those with infinities, NaN for those with NaN.
/// ValueError for an order that does not exist or an empty matrix. Collective.
double cond(const Array& a, const NormOrder& order = {});

}  // namespace tessera::linalg
