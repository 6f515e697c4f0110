#pragma once
#include <cstdint>
#include <span>

#include <tessera/runtime/stream.hpp>

namespace tessera::on_cuda {

/// linalg::Kernels on the GPU, as declared there.
void leaf_moments(Stream& stream, const Tile& x, std::int64_t leaf_rows, const Tile& weights,
                  const Tile& out);
void leaf_group_moments(Stream& stream, const Tile& x, std::int64_t leaf_rows, const Tile& codes,
                        const Tile& weights, const Tile& out);
void merge_moments(Stream& stream, const Tile& left, const Tile& right);
void add(Stream& stream, const Tile& left, const Tile& right);
void leaf_squares(Stream& stream, const Tile& x, std::int64_t leaf_rows, const Tile& out);
void standardize(Stream& stream, const Tile& x, std::span<const double> shift,
                 std::span<const double> scale, const Tile& out);
void unstandardize(Stream& stream, const Tile& x, std::span<const double> shift,
                   std::span<const double> scale, const Tile& out);
bool all_finite(Stream& stream, const Tile& x);

}  // namespace tessera::on_cuda
