#pragma once
#include <cstdint>

#include <tessera/runtime/array.hpp>

namespace tessera::linalg {

enum class QrMode : std::uint8_t { reduced, r, complete, raw };

/// a = q r with k = min(m, n), or k = m with QrMode::complete: q m x k with orthonormal columns, r
/// k x n upper triangular (trapezoidal) with a real diagonal >= 0.
struct Qr {
  Array q;  ///< lies like a; no array with QrMode::r, LAPACK's reflectors with QrMode::raw
  Array r;
  Array p = {};    ///< with pivoting: column j of a p is column p[j] of a; int64, replicated
  Array tau = {};  ///< with QrMode::raw: the reflectors' factors
};

/// QR factorisation of an m x n matrix (numpy.linalg.qr). Tall matrices take TSQR, R and, down the
/// same tree, Q: the same bits at any number of processes; others p?geqrf, small ones on one
/// process, and so do tall ones with QrMode::complete. With `pivoting`, columns are interchanged so
/// that the diagonal of r falls (scipy.linalg.qr): tall matrices by TSQR and then on r, small ones
/// as LAPACK does; of large ones a tournament chooses 64 columns at a time, so that the diagonal
/// falls within these and hardly rises after, and the permuted matrix is factorised. QrMode::raw is
/// LAPACK's on one process, up to 2^24 elements. ValueError unless a is a finite matrix.
/// Collective. 2 m n^2 flops for r, as many again and more for q, and for pivots.
Qr qr(const Array& a, QrMode mode = QrMode::reduced, bool check_finite = true,
      bool pivoting = false);

struct QrProduct {
  Array cq;
  Array r;
  Array p = {};
};
/// q c, or c q with `right`, for the reduced q of a, and r (scipy.linalg.qr_multiply); with
/// `conjugate` conj(q). ValueError for shapes that do not fit. Collective.
QrProduct qr_multiply(const Array& a, const Array& c, bool right = true, bool pivoting = false,
                      bool conjugate = false);

/// a = r q with the rows of q orthonormal, r upper triangular at its right end and real there, not
/// negative (scipy.linalg.rq): a qr of the adjoint in reverse order. q has min(m, n) rows, with
/// QrMode::complete n; r m x that, and m x n with QrMode::r, without q. Collective.
Qr rq(const Array& a, QrMode mode = QrMode::complete, bool check_finite = true);

}  // namespace tessera::linalg
