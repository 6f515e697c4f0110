#pragma once
#include <optional>

#include <tessera/runtime/array.hpp>

namespace tessera::linalg {

/// An orthonormal basis of the columns of an m x n matrix by SVD (scipy.linalg.orth): m x r for the
/// r singular values above rcond * s[0], eps * max(m, n) by default. Lies like a. ValueError unless
/// a is a finite matrix. Collective; same bits as svd.
Array orth(const Array& a, std::optional<double> rcond = {});

/// An orthonormal basis of what an m x n matrix maps to zero (scipy.linalg.null_space): n x (n - r)
/// for the same r. Laid out like a. With m < n vh is formed in full, n x n. Collective; same bits
/// as svd.
Array null_space(const Array& a, std::optional<double> rcond = {}, bool check_finite = true);

}  // namespace tessera::linalg
