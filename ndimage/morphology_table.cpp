// Morphology in the table of functions. What a binary function gives is of booleans, whatever dtype
// `output` has: as in SciPy, where only an array that is passed gets others.
#include <tessera/ndimage/arguments.hpp>
#include <tessera/ndimage/distance.hpp>
#include <tessera/ndimage/functions.hpp>
#include <tessera/ndimage/morphology.hpp>

namespace tessera::ndimage {

void add_morphology(std::vector<ArrayFunction>& all) {
  const auto add = [&](std::string name, std::string parameters, std::string doc, auto call) {
    all.push_back({std::move(name), std::move(parameters), std::move(doc),
                   [call](In in) -> Argument { return call(in); }});
  };
  add("generate_binary_structure", "rank, connectivity",
      "Neighbours that differ from the middle along some axes at most.",
      [](In in) { return generate_binary_structure(in.integer(0), in.integer(1)); });
  add("iterate_structure", "structure, iterations", "A structure dilated by itself.",
      [](In in) { return iterate_structure(in.array(0), in.integer(1)); });

  using Of = Array (*)(const Array&, const Binary&);
  const auto binary = [](In in, int iterations, int origin, int mask, int border,
                         std::size_t axes) {
    const auto at = [](int i) { return static_cast<std::size_t>(i); };
    Binary how{.structure = maybe_array(in, 1)};
    if (iterations >= 0) how.iterations = in.integer(at(iterations));
    if (mask >= 0) how.mask = maybe_array(in, at(mask));
    if (border >= 0) how.border_value = in.number(at(border)) != 0;
    how.origin = in.integers(at(origin));
    how.axes = in.maybe_integers(axes);
    return how;
  };
  const auto one = [&](std::string name, std::string doc, Of f) {
    add(std::move(name),
        "input, structure=None, iterations=1, mask=None, output=None, border_value=0, origin=0, "
        "brute_force=False, *, axes=None",
        std::move(doc), [f, binary](In in) { return f(in.array(0), binary(in, 2, 6, 3, 5, 8)); });
  };
  one("binary_erosion", "Whether all neighbours are true.", binary_erosion);
  one("binary_dilation", "Whether one neighbour is true.", binary_dilation);
  const auto two = [&](std::string name, std::string doc, Of f) {
    add(std::move(name),
        "input, structure=None, iterations=1, output=None, origin=0, mask=None, border_value=0, "
        "brute_force=False, *, axes=None",
        std::move(doc), [f, binary](In in) { return f(in.array(0), binary(in, 2, 4, 5, 6, 8)); });
  };
  two("binary_opening", "Erosion, then dilation.", binary_opening);
  two("binary_closing", "Dilation, then erosion.", binary_closing);
  add("binary_propagation",
      "input, structure=None, mask=None, output=None, border_value=0, origin=0, *, axes=None",
      "Dilation until nothing changes.",
      [binary](In in) { return binary_propagation(in.array(0), binary(in, -1, 5, 2, 4, 6)); });
  add("binary_fill_holes", "input, structure=None, output=None, origin=0, *, axes=None",
      "Objects with their holes filled.",
      [binary](In in) { return binary_fill_holes(in.array(0), binary(in, -1, 3, -1, -1, 4)); });
  add("binary_hit_or_miss",
      "input, structure1=None, structure2=None, output=None, origin1=0, origin2=None, *, axes=None",
      "Where one structure fits and another one finds nothing.", [](In in) {
        return binary_hit_or_miss(in.array(0), maybe_array(in, 1), maybe_array(in, 2),
                                  in.integers(4), in.given(5) ? in.integers(5) : in.integers(4),
                                  in.maybe_integers(6));
      });

  // Distances, and where the nearest 0 is, if that is asked for.
  const auto distances = [&](std::string name, std::string parameters, std::string doc, auto of) {
    add(std::move(name), std::move(parameters), std::move(doc), [of](In in) {
      const Distances found = of(in);
      return found.indices ? std::vector{found.distances, found.indices}
                           : std::vector{found.distances};
    });
  };
  const auto sampling = [](In in, std::size_t i) {
    return in.given(i) ? in.numbers(i) : std::vector<double>{};
  };
  const std::string metrics = "'euclidean', 'taxicab', 'cityblock', 'manhattan' or 'chessboard'";
  const auto metric = [metrics](In in, std::size_t i) {
    const std::string& word = in.word(i);
    if (word == "euclidean") return Metric::euclidean;
    if (word == "chessboard") return Metric::chessboard;
    if (word == "taxicab" || word == "cityblock" || word == "manhattan") return Metric::taxicab;
    throw RuntimeError("metric must be " + metrics + ", got '" + word + "'");
  };
  distances("distance_transform_edt", "input, sampling=None, return_indices=False",
            "How far the nearest 0 is.", [sampling](In in) {
              return distance_transform(in.array(0), Metric::euclidean, sampling(in, 1),
                                        in.flag(2));
            });
  distances("distance_transform_cdt", "input, metric='chessboard', return_indices=False",
            "How many steps away the nearest 0 is.", [metric](In in) {
              return distance_transform(in.array(0), metric(in, 1), {}, in.flag(2));
            });
  distances("distance_transform_bf",
            "input, metric='euclidean', sampling=None, return_indices=False",
            "How far the nearest 0 is, by one of three metrics.", [metric, sampling](In in) {
              Distances found =
                  distance_transform(in.array(0), metric(in, 1), sampling(in, 2), in.flag(3));
              if (found.distances.dtype() == DType::int32)
                found.distances = as_output(found.distances, DType::uint32);
              return found;
            });

  using Grey = Array (*)(const Array&, const Footprint&, const Filter&);
  const auto grey = [&](std::string name, std::string doc, Grey f) {
    add(std::move(name),
        "input, size=None, footprint=None, structure=None, output=None, mode='reflect', cval=0.0, "
        "origin=0, *, axes=None",
        std::move(doc), [f](In in) {
          return f(in.array(0), {maybe_integers(in, 1), maybe_array(in, 2), maybe_array(in, 3)},
                   filter_of(in, {4, 5, 6, 7, 8}));
        });
  };
  grey("grey_erosion", "The smallest neighbours, less the heights of a structure.", grey_erosion);
  grey("grey_dilation", "The largest neighbours, and the heights of a structure.", grey_dilation);
  grey("grey_opening", "Erosion, then dilation.", grey_opening);
  grey("grey_closing", "Dilation, then erosion.", grey_closing);
  grey("morphological_gradient", "Dilation less erosion.", morphological_gradient);
  grey("morphological_laplace", "Dilation and erosion, less twice the image.",
       morphological_laplace);
  grey("white_tophat", "The image less its opening.", white_tophat);
  grey("black_tophat", "The closing less the image.", black_tophat);
}

}  // namespace tessera::ndimage
