#pragma once
#include <tessera/runtime/array.hpp>

namespace tessera::linalg {

/// The matrix exponential of a square matrix (scipy.linalg.expm) by scaling and squaring with Pade
/// approximants: Higham, "The scaling and squaring method for the matrix exponential revisited",
/// SIAM J. Matrix Anal. Appl. 26(4), 2005, algorithm 2.3, with
/// the scaling of Al-Mohy and Higham, "A new scaling and squaring algorithm for the matrix
/// exponential", 31(3), 2009, algorithm 5.1. Laid out like a. ValueError unless a is
/// square and finite. Collective.
Array expm(const Array& a);

}  // namespace tessera::linalg
