#pragma once
#include <cstdint>
#include <optional>
#include <utility>

#include <tessera/linalg/eigh.hpp>
#include <tessera/runtime/array.hpp>

/// Matrices of which only diagonals are stored, one a row, as LAPACK has them: ab[u + i - j, j] is
/// a[i, j] of a general matrix with l diagonals below and u above; of a Hermitian one the upper
/// diagonals (ab[u + i - j, j]) or, with `lower`, the lower ones (ab[i - j, j]). All run on one
/// process, for up to 2^24 numbers stored (NotImplementedError beyond), and have the same bits at
/// any number of processes. All are collective; ValueError for shapes that do not fit and numbers
/// that are not finite.
namespace tessera::linalg {

/// x with a x = b, b (n,) or n x k; laid out like b (scipy.linalg.solve_banded). LinAlgError for a
/// singular matrix.
Array solve_banded(const Array& ab, const Array& b, std::pair<std::int64_t, std::int64_t> l_and_u,
                   bool check_finite = true);
/// The same for a Hermitian positive definite matrix (scipy.linalg.solveh_banded). LinAlgError
/// "matrix is not positive definite: leading minor k".
Array solveh_banded(const Array& ab, const Array& b, bool lower = false, bool check_finite = true);
/// The Cholesky factor of such a matrix, its diagonals stored alike (scipy.linalg.cholesky_banded).
Array cholesky_banded(const Array& ab, bool lower = false, bool check_finite = true);
/// x with a x = b from that (scipy.linalg.cho_solve_banded).
Array cho_solve_banded(const Array& cb, const Array& b, bool lower = false,
                       bool check_finite = true);

struct BandedOptions {
  bool lower = false;
  /// First and last index of the eigenvalues wanted, or an interval (low, high] that they lie in.
  std::optional<std::pair<std::int64_t, std::int64_t>> by_index = {};
  std::optional<std::pair<double, double>> by_value = {};
  bool check_finite = true;
};
/// Eigenvalues, ascending and replicated, and vectors of a Hermitian band
/// (scipy.linalg.eig_banded). LinAlgError when it does not converge.
Eigh eig_banded(const Array& ab, const BandedOptions& options = {});
Array eigvals_banded(const Array& ab, const BandedOptions& options = {});
/// The same of a real symmetric tridiagonal matrix by its diagonal d (n,) and what is beside it,
/// e (n - 1,) (scipy.linalg.eigh_tridiagonal).
Eigh eigh_tridiagonal(const Array& d, const Array& e, const BandedOptions& options = {});
Array eigvalsh_tridiagonal(const Array& d, const Array& e, const BandedOptions& options = {});

}  // namespace tessera::linalg
