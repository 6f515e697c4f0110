#pragma once
#include <span>

#include <tessera/runtime/operation.hpp>
#include <tessera/runtime/stream.hpp>

/// The block kernels of filters. They see elements of one dtype with all that surrounds them, know
/// nothing of borders, and what comes out for an element does not depend on where in a block it is.
namespace tessera::ndimage {

/// What stands at some places around each element of a block: that of tap k around element (i, j)
/// is lines[k][i * stride + j], of the dtype of the result.
struct Taps {
  std::span<const void* const> lines;
  std::int64_t stride = 0;
};

/// Which taps a sum takes together.
enum class Pairs : std::uint8_t {
  none,  ///< weights[0] lines[0] + weights[1] lines[1] + ...
  /// With n weights and 2n - 1 lines, weights[0] lines[0] + weights[1] (lines[1] + lines[n]) + ...
  even,
  odd,  ///< the same with lines[1] - lines[n]
};
/// The dtypes that most take: float64, float32, uint8.
inline constexpr DTypes comparable = {DType::float64, DType::float32, DType::uint8};

/// What becomes of consecutive elements.
enum class Fold : std::uint8_t { least, largest, mean };

/// The operations.
struct Filters {
  Filters();
  /// `ndimage.weighted_sum`, float64: added in the order of Pairs, each product rounded.
  Operation<void(Stream&, const Tile& out, const Taps&, std::span<const double> weights, Pairs)>
      weighted_sum;
  /// `ndimage.extreme`: the largest or smallest tap, with heights (of float64 alone, or none) added
  /// to them. One tap at least.
  Operation<void(Stream&, const Tile& out, const Taps&, std::span<const double> heights,
                 bool largest)>
      extreme;
  /// `ndimage.rank`: the tap that stands at `rank` in ascending order. Of NaN any tap.
  Operation<void(Stream&, const Tile& out, const Taps&, std::int64_t rank)> rank;
  /// `ndimage.slide`: element i of `out` along axis 0 or 1 is the fold of elements [i, i + size) of
  /// `in`, which has size - 1 more than `out`. `first` is the index of in's first element in the
  /// whole line; a mean is summed from the multiple of `size` that lies within, to both sides.
  Operation<void(Stream&, const Tile& in, const Tile& out, Fold, int axis, std::int64_t size,
                 std::int64_t first)>
      slide;
};
const Filters& filters();

}  // namespace tessera::ndimage
