#pragma once
#include <cstdint>
#include <span>

#include <tessera/runtime/stream.hpp>

namespace tessera::on_cuda {

/// linalg::Kernels on the GPU, as declared there.
///
/// Products are formed in T on values shifted by about their mean, in chains of at most 256 rows
/// that are then added in float64, as on the CPU.
void leaf_gram(Stream& stream, const Tile& x, std::int64_t leaf_rows, const Tile& y,
               const Tile& weights, bool center, const Tile& out);
/// gemm for a as it is: each row of c depends on that row of a and on b alone, not on how many rows
/// there are, which cuBLAS does not promise.
void gemm_rows(Stream& stream, double alpha, const Tile& a, const Tile& b, bool transposed,
               double beta, const Tile& c);
void merge_grams(Stream& stream, std::int64_t m, std::int64_t first, const Tile& left,
                 const Tile& right);
void leaf_gram_product(Stream& stream, const Tile& x, std::int64_t leaf_rows,
                       std::span<const double> mean, const Tile& q, const Tile& out);

}  // namespace tessera::on_cuda
