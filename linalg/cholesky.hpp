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

/// The same, for cho_solve (scipy.linalg.cho_factor).
Array cho_factor(const Array& a, const CholeskyOptions& options = {});
/// x with a x = b from the Cholesky factor of a that `lower` says, as cholesky gives it, or
/// scipy.linalg.cho_factor: the other triangle is not read (scipy.linalg.cho_solve). b is (n,) or
/// n x k; x is laid out like it. ValueError for shapes that do not fit; LinAlgError for a zero on
/// the diagonal. Collective. 2 n^2 k flops.
Array cho_solve(const Array& c, const Array& b, bool lower = false, bool check_finite = true);

}  // namespace tessera::linalg
