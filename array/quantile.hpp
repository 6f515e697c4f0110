#pragma once
#include <span>

#include <tessera/runtime/rows.hpp>

namespace tessera {

/// Quantiles of every column of x over axis 0, (q, tail...), replicated in host memory: exact, with
/// linear interpolation between neighbours, as numpy.quantile(x, q, axis=0). float32 for float32,
/// float64 otherwise; NaN for a column that holds one, or for no rows. A few passes over x (two for
/// 16 bits of its elements, or four), and no more memory than counts for each column: x may be
/// streamed. Collective; ValueError for a q outside [0, 1], TypeError for complex numbers.
Array quantile(const Rows& x, std::span<const double> q);

/// quantile(x, 0.5) of shape (tail...).
Array median(const Rows& x);

}  // namespace tessera
