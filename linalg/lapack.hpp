#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include <tessera/runtime/device.hpp>

namespace tessera::linalg {

namespace lapack {
/// Small dense solves in float64 on one process, single-threaded, row-major. Callers run them on
/// one process and broadcast (on_root). LinAlgError when LAPACK does not converge.

/// Eigenvalues ascending and eigenvectors as the rows of `vectors` (n x n) of a symmetric matrix.
struct Eigh {
  std::vector<double> values;
  std::vector<double> vectors;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(values, vectors);
  }
};
/// On a device when one is given and the matrix is large enough to gain from it.
Eigh eigh(std::vector<double> a, std::int64_t n, Device device = cpu);

/// a = u diag(s) vt of an m x n matrix, with k = min(m, n): u m x k, s descending, vt k x n.
struct Svd {
  std::vector<double> u;
  std::vector<double> s;
  std::vector<double> vt;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(u, s, vt);
  }
};
Svd svd(std::vector<double> a, std::int64_t m, std::int64_t n);

/// Upper triangular R with R^T R = a, n x n with zeros below; nothing if a is not positive
/// definite.
std::optional<std::vector<double>> cholesky(std::vector<double> a, std::int64_t n);

/// An orthonormal basis of the columns of an m x n matrix, m >= n: the Q of its QR.
std::vector<double> orthonormal_columns(std::vector<double> a, std::int64_t m, std::int64_t n);
}  // namespace lapack

/// A 64-bit size as LAPACK's and BLAS's 32-bit integer; ValueError when it does not fit.
int blas_int(std::int64_t n);
/// Makes OpenBLAS take its memory for calls from so many threads at once. MemoryError when there is
/// not enough: OpenBLAS itself would ask again forever. Goes before every use of BLAS and LAPACK.
void reserve_blas(int threads);

}  // namespace tessera::linalg
