// Interpolation in the table of functions.
#include <algorithm>

#include <tessera/ndimage/arguments.hpp>
#include <tessera/ndimage/functions.hpp>
#include <tessera/ndimage/interpolation.hpp>

namespace tessera::ndimage {
namespace {

// Parameters output, order, mode, cval and prefilter, which follow each other.
Interpolation interpolation(In in, std::size_t first) {
  Interpolation how;
  how.output = in.dtype(first);
  how.order = static_cast<int>(std::clamp<std::int64_t>(in.integer(first + 1), -1, 99));
  how.mode = beyond_of(in.word(first + 2));
  how.cval = in.number(first + 3);
  how.prefilter = in.flag(first + 4);
  return how;
}

}  // namespace

void add_interpolation(std::vector<ArrayFunction>& all) {
  const auto add = [&](std::string name, std::string parameters, std::string doc, auto call) {
    all.push_back({std::move(name), std::move(parameters), std::move(doc),
                   [call](In in) -> Argument { return call(in); }});
  };
  const auto order = [](In in) {
    return static_cast<int>(std::clamp<std::int64_t>(in.integer(1), -1, 99));
  };
  add("spline_filter1d", "input, order=3, axis=-1, output='float64', mode='mirror'",
      "Coefficients of the spline through lines along an axis.", [order](In in) {
        return spline_filter1d(in.array(0), order(in), in.integer(2), in.dtype(3),
                               beyond_of(in.word(4)));
      });
  add("spline_filter", "input, order=3, output='float64', mode='mirror'",
      "Coefficients of the spline through an image.", [order](In in) {
        return spline_filter(in.array(0), order(in), in.dtype(2), beyond_of(in.word(3)));
      });
  const std::string common = "output=None, order=3, mode='constant', cval=0.0, prefilter=True";
  add("map_coordinates", "input, coordinates, " + common, "The image at some places.",
      [](In in) { return map_coordinates(in.array(0), in.array(1), interpolation(in, 2)); });
  add("_map_points", "input, points, " + common, "The image at some places, whose axes come last.",
      [](In in) { return map_points(in.array(0), in.array(1), interpolation(in, 2)); });
  add("affine_transform", "input, matrix, offset=0.0, output_shape=None, " + common,
      "The image at matrix @ place + offset.", [](In in) {
        return affine_transform(in.array(0), in.array(1), in.numbers(2), in.maybe_integers(3),
                                interpolation(in, 4));
      });
  add("shift", "input, shift, " + common, "The image moved.",
      [](In in) { return shift(in.array(0), in.numbers(1), interpolation(in, 2)); });
  add("zoom", "input, zoom, " + common + ", *, grid_mode=False", "The image larger or smaller.",
      [](In in) { return zoom(in.array(0), in.numbers(1), interpolation(in, 2), in.flag(7)); });
  add("rotate", "input, angle, axes=(1, 0), reshape=True, " + common,
      "The image turned in a plane.", [](In in) {
        return rotate(in.array(0), in.number(1), in.integers(2), in.flag(3), interpolation(in, 4));
      });
}

}  // namespace tessera::ndimage
