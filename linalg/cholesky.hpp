#pragma once
#include <tessera/runtime/array.hpp>

namespace tessera::linalg {

struct CholeskyOptions {
  bool lower = false;        ///< a = L L^H instead of R^H R; reads and returns that triangle
  bool check_finite = true;  ///< look for NaN and infinities first
};

/// The Cholesky factor of a Hermitian positive definite n x n matrix (scipy.linalg.cholesky), zeros
/// in the other triangle, of which nothing is read. Laid out like a. ValueError unless a is square
/// and finite; LinAlgError "matrix is not positive definite: leading minor k". Collective. n^3 / 3
/// flops.
Array cholesky(const Array& a, const CholeskyOptions& options = {});

}  // namespace tessera::linalg
