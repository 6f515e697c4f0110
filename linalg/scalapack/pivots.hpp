#pragma once
#include <cstdint>
#include <vector>

#include <tessera/runtime/array.hpp>

namespace tessera::linalg::scalapack {

/// The order in which a QR factorisation with pivoting takes the columns of a large matrix a, by
/// blocks of 64. Columns play a tournament up the reduction tree, each match a ?geqp3 that leaves
/// 64; they play by 72 random combinations of their rows (Duersch and Gu, SIAM J. Sci. Comput.
/// 39(4), 2017), for whole columns cost twice what eliminating them does. The winners are ordered
/// by their true lengths. `adjoint` is a^H by rows, finite, of a floating or complex dtype, and is
/// destroyed. Every process gets the order. Collective; 4 m n k - 2 (m + n) k^2 + 4/3 k^3 flops, k
/// = min(m, n), half as many again where the lengths fall fast.
std::vector<std::int64_t> pivots_of(const Array& adjoint);

}  // namespace tessera::linalg::scalapack
