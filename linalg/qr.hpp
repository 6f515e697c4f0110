#pragma once
#include <cstdint>

#include <tessera/runtime/array.hpp>

namespace tessera::linalg {

enum class QrMode : std::uint8_t { reduced, r, complete };

/// a = q r with k = min(m, n), or k = m with QrMode::complete: q m x k with orthonormal columns, r
/// k x n upper triangular (trapezoidal) with a real diagonal >= 0.
struct Qr {
  Array q;  ///< lies like a; no array with QrMode::r
  Array r;
};

/// QR factorisation of an m x n matrix (numpy.linalg.qr). Tall matrices take TSQR, R and, down the
/// same tree, Q: the same bits at any number of processes; others p?geqrf, small ones on one
/// process, and so do tall ones with QrMode::complete. ValueError unless a is a finite matrix.
/// Collective. 2 m n^2 flops for r, as many again and more for q.
Qr qr(const Array& a, QrMode mode = QrMode::reduced, bool check_finite = true);

}  // namespace tessera::linalg
