#pragma once
#include <tessera/runtime/array.hpp>

namespace tessera::linalg {

struct Eig {
  Array values;     ///< complex, replicated, in LAPACK's order
  Array vectors;    ///< complex; column j, of 2-norm 1, belongs to values[j]; lies like a
  Array left = {};  ///< if wanted: left^H a = values left^H (times b), likewise
};

/// Eigenvalues and right eigenvectors, with `left` also left ones, of a general square matrix, or
/// of a x = w b x (scipy.linalg.eig); a singular b has infinite ones. On one process, for matrices
/// of up to 2^24 elements; NotImplementedError for larger ones: ScaLAPACK lacks p?trevc for real
/// and p?hseqr and p?gebal for complex matrices. ValueError unless a is square and finite, and b
/// like it. Collective.
Eig eig(const Array& a, bool check_finite = true, bool left = false, const Array& b = {});

/// The eigenvalues only; refused beyond that size, too, rather than given for real matrices alone.
Array eigvals(const Array& a, bool check_finite = true, const Array& b = {});

}  // namespace tessera::linalg
