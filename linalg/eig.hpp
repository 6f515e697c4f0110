#pragma once
#include <tessera/runtime/array.hpp>

namespace tessera::linalg {

struct Eig {
  Array values;   ///< complex, replicated, in LAPACK's order
  Array vectors;  ///< complex; column j, of 2-norm 1, belongs to values[j]; lies like a
};

/// Eigenvalues and right eigenvectors of a general square matrix (scipy.linalg.eig). Matrices of up
/// to 2^20 elements; NotImplementedError for larger ones: ScaLAPACK lacks p?trevc for real and
/// p?hseqr and p?gebal for complex matrices. ValueError unless a is square and finite. Collective.
Eig eig(const Array& a, bool check_finite = true);

/// The eigenvalues only; refused beyond that size, too, rather than given for real matrices alone.
Array eigvals(const Array& a, bool check_finite = true);

}  // namespace tessera::linalg
