#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include <tessera/runtime/array.hpp>

namespace tessera::linalg {

/// The sum of products over pairs of axes (numpy.tensordot), axes_a[i] of a against axes_b[i] of b;
/// negative axes count from the end. Contractions that are a matrix product of the arrays as they
/// lie (all axes summed over are the last of a and the first of b in order, or the first of both)
/// move neither; for others axes are permuted first. ValueError for axes that do not fit.
/// Collective.
Array tensordot(const Array& a, const Array& b, std::span<const std::int64_t> axes_a,
                std::span<const std::int64_t> axes_b);
/// The last `axes` axes of a against the first of b.
Array tensordot(const Array& a, const Array& b, std::int64_t axes = 2);

}  // namespace tessera::linalg
