#pragma once
#include <tessera/estimators/kernels/kernels.hpp>

namespace tessera::on_cuda {

/// EstimatorKernels on the GPU, as declared there.
void leaf_loss(Stream& stream, const Tile& x, std::int64_t leaf_rows, const Tile& y,
               const Tile& weights, std::span<const double> coef, const LinearLoss& loss,
               const Tile& curvature, const Tile& out);
void leaf_product(Stream& stream, const Tile& x, std::int64_t leaf_rows, const Tile& y,
                  const Tile& weights, std::span<const double> coef, const LinearLoss& loss,
                  std::span<const double> direction, const Tile& out);

}  // namespace tessera::on_cuda
