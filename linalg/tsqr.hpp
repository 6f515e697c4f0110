#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include <tessera/runtime/rows.hpp>

namespace tessera::linalg {

/// The upper triangular (or trapezoidal) R of a QR factorisation; merging two takes the R of the
/// stacked pair. Demmel, Grigori, Hoemmen, Langou, "Communication-optimal parallel and sequential
/// QR and LU factorizations", 2012.
struct Triangle {
  std::int64_t rows = 0;  ///< min(rows seen, cols)
  std::int64_t cols = 0;
  std::vector<double> r;  ///< rows x cols, row-major

  void merge(const Triangle& right);
  template <class Archive>
  void serialize(Archive& archive) {
    archive(rows, cols, r);
  }
};

/// R, with a diagonal >= 0, of the QR of diag(sqrt(weights)) ([x, y] - 1 shift^T) in float64: x n x
/// p and y n x q of one floating dtype, `shift` nothing or p + q values. Collective; the same bits
/// at any number of processes. 2 n (p + q)^2 flops.
Triangle tsqr(const Rows& x, std::span<const double> shift = {}, const Array& y = {},
              const Array& weights = {});

}  // namespace tessera::linalg
