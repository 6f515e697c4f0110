#pragma once
#include <tessera/runtime/array.hpp>

namespace tessera::linalg {

/// a_i b_j of two vectors (numpy.linalg.outer: without conjugation): m x n, laid out like a; b goes
/// to every process.
/// ValueError for other shapes. Collective.
Array outer(const Array& a, const Array& b);

}  // namespace tessera::linalg
