#pragma once
#include <cstdint>
#include <vector>

#include <tessera/linalg/small.hpp>
#include <tessera/runtime/rows.hpp>

namespace tessera::linalg {

/// Weight, mean and centred Gram matrix of rows: what is behind covariances and least squares.
struct CenteredGram {
  double weight = 0.0;       ///< sum of the weights, the number of rows without weights
  std::vector<double> mean;  ///< m
  Small gram;                ///< sum of weight * (z - mean)(z - mean)^T, m x m, symmetric

  std::int64_t cols() const { return static_cast<std::int64_t>(mean.size()); }
};

/// The centred Gram of the rows [x, y] (n x (p + q), float32 or float64), accumulated in float64;
/// y and weights are nothing or arrays of x's dtype laid out like x. Without `center` the mean is 0
/// and gram the plain Gram matrix. Collective; the same bits at any number of processes. NaN and
/// infinities show as non-finite values in mean. n (p + q)^2 flops.
CenteredGram centered_gram(const Rows& x, const Array& y = {}, const Array& weights = {},
                           bool center = true);

/// x^H x of an n x p matrix, p x p, replicated, Hermitian to the bit and of x's dtype (integers in
/// float64), on x's device. Added in float64 (complex128) one leaf at a time, so x by rows never
/// moves; block-cyclic x is redistributed by rows first. For p > 2048 as matmul does it.
/// Collective; the same bits at any number of processes but for block-cyclic x with p > 2048. n p^2
/// flops.
Array gram(const Array& x);

}  // namespace tessera::linalg
