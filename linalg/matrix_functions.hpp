#pragma once
#include <cstdint>

#include <tessera/runtime/array.hpp>

namespace tessera::linalg {

/// a^n of a square matrix by repeated squaring (numpy.linalg.matrix_power): the identity for n = 0,
/// powers of inv(a) for n < 0. Laid out like a. ValueError unless a is square; LinAlgError for n <
/// 0 and singular a. Collective.
Array matrix_power(const Array& a, std::int64_t n);

/// The matrix exponential of a square matrix (scipy.linalg.expm) by scaling and squaring with Pade
/// approximants: Higham, "The scaling and squaring method for the matrix exponential revisited",
/// SIAM J. Matrix Anal. Appl. 26(4), 2005, algorithm 2.3. Laid out like a. ValueError unless a is
/// square and finite. Collective.
Array expm(const Array& a);

}  // namespace tessera::linalg
