#pragma once

namespace tessera {

/// The standard normal distribution function and its inverse: full precision of float64 in all of
/// (0, 1); -inf and inf for 0 and 1, NaN outside.
double normal_distribution(double x);
double normal_quantile(double p);

}  // namespace tessera
