#pragma once
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include <tessera/runtime/array.hpp>

/// SciPy's interpolation of images by splines. Results lie by rows, or on every process where the
/// image does; a process gets the rows of the image that its rows of the result come from. The bits
/// are the same at any number of processes and threads. All are collective; RuntimeError,
/// ValueError and TypeError where SciPy has them.
namespace tessera::ndimage {

/// What lies beyond the ends of an image, with SciPy's names for interpolation, where those with
/// grid_ are modes of their own.
enum class Beyond : std::uint8_t {
  constant,
  nearest,
  mirror,
  reflect,
  wrap,
  grid_constant,
  grid_wrap
};
/// By its name, with - for _, and grid-mirror for reflect; RuntimeError for another word.
Beyond beyond_of(std::string_view word);

/// What all functions that interpolate take.
struct Interpolation {
  std::optional<DType> output = {};  ///< dtype of the result, else x's; integers are rounded
  int order = 3;                     ///< of the spline, from 0 to 5
  Beyond mode = Beyond::constant;
  double cval = 0;
  bool prefilter = true;  ///< x is numbers, not yet coefficients of the spline
};

/// Coefficients of the spline through lines along an axis. `order` from 0 to 5.
Array spline_filter1d(const Array& x, int order = 3, std::int64_t axis = -1,
                      std::optional<DType> output = DType::float64, Beyond mode = Beyond::mirror);
/// Along all axes. `order` from 2 to 5.
Array spline_filter(const Array& x, int order = 3, std::optional<DType> output = DType::float64,
                    Beyond mode = Beyond::mirror);

/// Where in x an element of the result comes from. Called on several threads at once, and twice.
using Mapping = std::function<void(std::span<const std::int64_t> at, std::span<double> from)>;
Array geometric_transform(const Array& x, const Mapping& mapping, const Shape& shape,
                          const Interpolation& how = {});
/// coordinates[k] are those along axis k of x.
Array map_coordinates(const Array& x, const Array& coordinates, const Interpolation& how = {});
/// The same with the axes of x last.
Array map_points(const Array& x, const Array& points, const Interpolation& how = {});
/// From matrix @ at + offset; the matrix may be its diagonal alone, or have the offset in it.
Array affine_transform(const Array& x, const Array& matrix, const std::vector<double>& offset = {0},
                       const std::optional<Shape>& shape = {}, const Interpolation& how = {});
Array shift(const Array& x, const std::vector<double>& by, const Interpolation& how = {});
/// grid_mode: elements have an extent, and the ends of the image are those of elements.
Array zoom(const Array& x, const std::vector<double>& by, const Interpolation& how = {},
           bool grid_mode = false);
/// By degrees in a plane, in an image that becomes as large as is needed, or stays as it is.
Array rotate(const Array& x, double angle, const std::vector<std::int64_t>& axes = {1, 0},
             bool reshape = true, const Interpolation& how = {});

}  // namespace tessera::ndimage
