#pragma once
#include <vector>

#include <tessera/runtime/array.hpp>

/// SciPy's distance transforms of images by rows. They are exact and computed along one axis after
/// another, whose lines become whole for that; the bits are the same at any number of processes
/// and threads.
namespace tessera::ndimage {

enum class Metric : std::uint8_t { euclidean, taxicab, chessboard };

struct Distances {
  Array distances;  ///< float64; int32 if not Euclidean
  Array indices;    ///< int32 of shape (axes, ...): where the nearest 0 is; empty unless asked for
};
/// How far from each element that is not 0 the nearest 0 is. `sampling`: how far neighbours along
/// each axis are from each other, one for all or 1 for none; of the Euclidean metric alone. Of
/// several nearest, one; without any 0 Euclidean distances are those from the place (-1, 0, ...),
/// as in SciPy, and others -1. An image without axes is one of one element. ValueError for sampling
/// that is not positive, TypeError for complex numbers. Collective.
Distances distance_transform(const Array& x, Metric metric,
                             const std::vector<double>& sampling = {}, bool indices = false);

}  // namespace tessera::ndimage
