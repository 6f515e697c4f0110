#pragma once
#include <cstdint>

#include <tessera/runtime/operation.hpp>
#include <tessera/runtime/stream.hpp>

/// The block kernel of interpolation.
namespace tessera::ndimage {

/// How a line goes on beyond its ends: as Mode has it.
enum class SplineEnds : std::uint8_t { mirror, reflect, wrap };

/// The operations.
struct Interpolators {
  Interpolators();
  /// `ndimage.spline_filter`: each column of a tile of float64 becomes the coefficients of the
  /// spline of an order from 2 to 5 through it.
  Operation<void(Stream&, const Tile& lines, int order, SplineEnds ends)> spline_filter;
};
const Interpolators& interpolators();

}  // namespace tessera::ndimage
