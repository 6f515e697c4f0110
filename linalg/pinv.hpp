#pragma once
#include <cstdint>
#include <optional>

#include <tessera/runtime/array.hpp>

namespace tessera::linalg {

/// The Moore-Penrose inverse of an m x n matrix by SVD (scipy.linalg.pinv): n x m. Singular values
/// up to atol + rtol * s[0] count as zero; rtol is eps * max(m, n) by default. With `hermitian` by
/// eigenvalues of the lower triangle of a, which is square then. Laid out like a; how many values
/// counted goes to `rank`. Collective.
Array pinv(const Array& a, double atol = 0.0, std::optional<double> rtol = {},
           bool check_finite = true, bool hermitian = false, std::int64_t* rank = nullptr);

/// The same of a Hermitian matrix by the eigenvalues of one triangle of it (scipy.linalg.pinvh).
Array pinvh(const Array& a, double atol = 0.0, std::optional<double> rtol = {}, bool lower = true,
            bool check_finite = true, std::int64_t* rank = nullptr);

}  // namespace tessera::linalg
