#pragma once
#include <tessera/runtime/array.hpp>

namespace tessera::linalg {

/// The inverse of a square matrix by LU (scipy.linalg.inv), laid out like a. LinAlgError when it is
/// exactly singular, a warning when its reciprocal condition number is below eps; ValueError unless
/// a is square and finite. Collective. 2 n^3 flops.
Array inv(const Array& a, bool check_finite = true);

}  // namespace tessera::linalg
