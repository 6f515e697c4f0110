#pragma once
#include <optional>

#include <tessera/runtime/array.hpp>

/// Systems whose matrix a column (and a row) determine. All are collective; ValueError for shapes
/// that do not fit and, with check_finite, numbers that are not finite.
namespace tessera::linalg {

/// x with t x = b for the Toeplitz matrix of first column c and first row r, of which r[0] is not
/// read; conj(c) without one (scipy.linalg.solve_toeplitz). b is (n,) or n x k; x lies like it.
/// Levinson's recursion on one process, n^2 operations, for up to 2^24 numbers in b
/// (NotImplementedError beyond). LinAlgError where a leading minor is singular.
Array solve_toeplitz(const Array& c, const Array& b, const Array& r = {}, bool check_finite = true);
/// t x by Fourier transforms (scipy.linalg.matmul_toeplitz), over all processes: of m x n, m from c
/// and n from r, and x (n,) or n x k.
Array matmul_toeplitz(const Array& c, const Array& x, const Array& r = {},
                      bool check_finite = true);
/// x with the circulant matrix of first column c times x equal to b, by Fourier transforms, over
/// all processes (scipy.linalg.solve_circulant). LinAlgError where a transform of c is at most eps
/// n times the largest (or `tol`), or, with `lstsq`, the shortest solution.
Array solve_circulant(const Array& c, const Array& b, bool lstsq = false,
                      std::optional<double> tol = {});

}  // namespace tessera::linalg
