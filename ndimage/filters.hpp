#pragma once
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include <tessera/ndimage/border.hpp>
#include <tessera/runtime/array.hpp>

/// SciPy's filters of images of any dimension, by rows over the processes or on all of them;
/// results lie as x does. Numbers are computed in float64 and become the dtype of the result as C
/// converts them: x's own, unless another is named, also between the passes of separable filters.
/// Complex numbers are filtered by their parts where that is linear, else refused. The bits are the
/// same at any number of processes and threads. All are collective; RuntimeError, ValueError and
/// TypeError where SciPy has them.
namespace tessera::ndimage {

/// What filters share. Values for each axis may be one for all.
struct Filter {
  std::optional<DType> output = {};  ///< dtype of the result
  std::vector<Mode> mode = {Mode::reflect};
  double cval = 0;                                     ///< what lies beyond, for Mode::constant
  std::vector<std::int64_t> origin = {0};              ///< by how much what is looked at moves
  std::optional<std::vector<std::int64_t>> axes = {};  ///< along which; all for none given
};

/// Which neighbours are looked at: a box, or where a footprint is true; heights, the structure, are
/// added to (subtracted from) them by filters for the largest (smallest).
struct Footprint {
  std::vector<std::int64_t> size = {};
  Array footprint = {};
  Array structure = {};
};

Array correlate1d(const Array& x, std::span<const double> weights, std::int64_t axis = -1,
                  const Filter& filter = {});
/// With the weights in reverse.
Array convolve1d(const Array& x, std::span<const double> weights, std::int64_t axis = -1,
                 const Filter& filter = {});
/// Weights of real numbers, with as many axes as there are to filter.
Array correlate(const Array& x, const Array& weights, const Filter& filter = {});
Array convolve(const Array& x, const Array& weights, const Filter& filter = {});

Array uniform_filter1d(const Array& x, std::int64_t size, std::int64_t axis = -1,
                       const Filter& filter = {});
Array uniform_filter(const Array& x, const std::vector<std::int64_t>& size = {3},
                     const Filter& filter = {});

/// How a Gaussian is cut off: at a radius, or at `truncate` standard deviations.
struct Tail {
  double truncate = 4;
  std::vector<std::int64_t> radius = {};
};
/// order: which derivative.
Array gaussian_filter1d(const Array& x, double sigma, std::int64_t axis = -1,
                        std::int64_t order = 0, const Filter& filter = {}, const Tail& tail = {});
Array gaussian_filter(const Array& x, const std::vector<double>& sigma,
                      const std::vector<std::int64_t>& order = {0}, const Filter& filter = {},
                      const Tail& tail = {});
Array gaussian_gradient_magnitude(const Array& x, const std::vector<double>& sigma,
                                  const Filter& filter = {}, const Tail& tail = {});
Array gaussian_laplace(const Array& x, const std::vector<double>& sigma, const Filter& filter = {},
                       const Tail& tail = {});
Array prewitt(const Array& x, std::int64_t axis = -1, const Filter& filter = {});
Array sobel(const Array& x, std::int64_t axis = -1, const Filter& filter = {});
Array laplace(const Array& x, const Filter& filter = {});
/// A derivative along an axis, in a mode.
using Derivative = std::function<Array(const Array& x, std::int64_t axis, const Filter& filter)>;
/// The sum of second derivatives.
Array generic_laplace(const Array& x, const Derivative& derivative2, const Filter& filter = {});
/// The root of the sum of squares of derivatives.
Array generic_gradient_magnitude(const Array& x, const Derivative& derivative,
                                 const Filter& filter = {});

Array minimum_filter1d(const Array& x, std::int64_t size, std::int64_t axis = -1,
                       const Filter& filter = {});
Array maximum_filter1d(const Array& x, std::int64_t size, std::int64_t axis = -1,
                       const Filter& filter = {});
Array minimum_filter(const Array& x, const Footprint& around, const Filter& filter = {});
Array maximum_filter(const Array& x, const Footprint& around, const Filter& filter = {});
/// The element at `rank` of all that are looked at, counted from the end if negative.
Array rank_filter(const Array& x, std::int64_t rank, const Footprint& around,
                  const Filter& filter = {});
Array median_filter(const Array& x, const Footprint& around, const Filter& filter = {});
Array percentile_filter(const Array& x, double percentile, const Footprint& around,
                        const Filter& filter = {});

/// A function of the neighbours of an element in the order of the footprint, as float64. Called on
/// several threads at once.
using Kernel = std::function<double(std::span<const double> neighbours)>;
Array generic_filter(const Array& x, const Kernel& kernel, const Footprint& around,
                     const Filter& filter = {});
/// The neighbours themselves, float64, along a last axis.
Array neighbours(const Array& x, const Footprint& around, const Filter& filter = {});

/// The values of x as C converts them, for results that are of another dtype.
Array as_output(const Array& x, std::optional<DType> dtype);

}  // namespace tessera::ndimage
