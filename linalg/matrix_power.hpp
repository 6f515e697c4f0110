#pragma once
#include <cstdint>

#include <tessera/runtime/array.hpp>

namespace tessera::linalg {

/// a^n of a square matrix by repeated squaring (numpy.linalg.matrix_power): the identity for n = 0,
/// powers of inv(a) for n < 0. Laid out like a. ValueError unless a is square; LinAlgError for n <
/// 0 and singular a. Collective.
Array matrix_power(const Array& a, std::int64_t n);

}  // namespace tessera::linalg
