#pragma once
#include <cstdint>

#include <tessera/runtime/array.hpp>

namespace tessera::linalg {

/// The elements x[i, i + offset] of a matrix, replicated, 1-D; none where the offset leaves the
/// matrix. ValueError unless x is a matrix. Collective.
Array diagonal(const Array& x, std::int64_t offset = 0);

/// The sum of diagonal(x, offset): shape (), replicated, in x's dtype (integers in int64).
/// Collective; the same bits at any number of processes.
Array trace(const Array& x, std::int64_t offset = 0);

}  // namespace tessera::linalg
