#pragma once
#include <tessera/runtime/array.hpp>

namespace tessera::linalg {

/// The sum over the last axis of conj(a) * b (array API vecdot): shape () for two vectors, (m,) for
/// two m x k matrices, by rows or replicated like a; added in float64. ValueError unless the shapes
/// agree. Collective; same bits at any number of processes.
Array vecdot(const Array& a, const Array& b);

}  // namespace tessera::linalg
