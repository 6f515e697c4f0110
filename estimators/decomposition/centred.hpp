#pragma once
#include <span>

#include <tessera/linalg/transpose.hpp>
#include <tessera/runtime/stream.hpp>
#include <tessera/runtime/tile.hpp>

/// What PCA does with rows about their mean, on the device of the rows.
namespace tessera::detail {

/// x - mean in a thread's scratch memory, with room for `extra` values of x's dtype behind it; with
/// `powers` by column, x times these less the mean.
Tile centred(Stream& stream, const Tile& x, std::span<const double> mean, std::int64_t extra = 0,
             std::span<const double> powers = {});
/// out = (x - mean) op(b), or (x powers - mean) op(b): on a CPU in blocks whose centred rows stay
/// in its cache.
void multiply_centred(Stream& stream, const Tile& x, std::span<const double> mean,
                      std::span<const double> powers, const Tile& b, linalg::Transpose op,
                      const Tile& out);
/// The contiguous memory of a tile as one of another shape.
Tile reshaped(Tile t, std::int64_t rows, std::int64_t cols);
/// The tile of `rows` x `cols` right behind `before` in memory.
Tile behind(const Tile& before, std::int64_t rows, std::int64_t cols);

}  // namespace tessera::detail
