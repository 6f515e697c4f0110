#pragma once
#include <tessera/runtime/array.hpp>

namespace tessera::linalg {

struct Slogdet {
  Array sign;  ///< shape (), replicated: +-1, of absolute value 1 when complex, 0 if singular
  double logabsdet = 0.0;  ///< -infinity if singular
};

/// Sign and logarithm of the absolute value of the determinant of a square matrix by LU
/// (numpy.linalg.slogdet); 1 and 0 for a 0 x 0 matrix. ValueError unless a is square and finite.
/// Collective. 2 n^3 / 3 flops.
Slogdet slogdet(const Array& a, bool check_finite = true);

/// The determinant (scipy.linalg.det): shape (), replicated, float64 or complex128. Infinite or 0
/// where it leaves their range, which slogdet does not. Collective.
Array det(const Array& a, bool check_finite = true);

}  // namespace tessera::linalg
