// The filters in the table of functions.
#include <tessera/ndimage/arguments.hpp>
#include <tessera/ndimage/common.hpp>
#include <tessera/ndimage/filters.hpp>
#include <tessera/ndimage/fourier.hpp>
#include <tessera/ndimage/functions.hpp>

namespace tessera::ndimage {

void add_filters(std::vector<ArrayFunction>& all) {
  const auto add = [&](std::string name, std::string parameters, std::string doc, auto call) {
    all.push_back({std::move(name), std::move(parameters), std::move(doc),
                   [call](In in) -> Argument { return call(in); }});
  };
  // Filters of one axis, whose second parameter is weights or a size.
  const std::string common = "output=None, mode='reflect', cval=0.0, origin=0";
  using Weighted1d = Array (*)(const Array&, std::span<const double>, std::int64_t, const Filter&);
  const auto weighted1d = [&](std::string name, std::string doc, Weighted1d f) {
    add(std::move(name), "input, weights, axis=-1, " + common, std::move(doc), [f](In in) {
      const Array& w = in.array(1);
      if (w.ndim() != 1)
        throw RuntimeError("weights must be a vector, got shape " + to_string(w.shape()));
      return f(in.array(0), host_numbers(w), in.integer(2), filter_of(in, {3, 4, 5, 6}));
    });
  };
  weighted1d("correlate1d", "Weighted sums of the neighbours along an axis.", correlate1d);
  weighted1d("convolve1d", "The same with the weights in reverse.", convolve1d);
  using Sized1d = Array (*)(const Array&, std::int64_t, std::int64_t, const Filter&);
  const auto sized1d = [&](std::string name, std::string doc, Sized1d f) {
    add(std::move(name), "input, size, axis=-1, " + common, std::move(doc), [f](In in) {
      return f(in.array(0), in.integer(1), in.integer(2), filter_of(in, {3, 4, 5, 6}));
    });
  };
  sized1d("uniform_filter1d", "Means of neighbours along an axis.", uniform_filter1d);
  sized1d("minimum_filter1d", "The smallest neighbours along an axis.", minimum_filter1d);
  sized1d("maximum_filter1d", "The largest neighbours along an axis.", maximum_filter1d);

  using Weighted = Array (*)(const Array&, const Array&, const Filter&);
  const auto weighted = [&](std::string name, std::string doc, Weighted f) {
    add(std::move(name), "input, weights, " + common + ", *, axes=None", std::move(doc),
        [f](In in) {
          return f(in.array(0), in.array(1), filter_of(in, {2, 3, 4, 5, 6}));
        });
  };
  weighted("correlate", "Weighted sums of neighbours.", correlate);
  weighted("convolve", "The same with the weights in reverse.", convolve);
  add("uniform_filter", "input, size=3, " + common + ", *, axes=None", "Means of neighbours.",
      [](In in) {
        return uniform_filter(in.array(0), in.integers(1), filter_of(in, {2, 3, 4, 5, 6}));
      });

  add("gaussian_filter1d",
      "input, sigma, axis=-1, order=0, output=None, mode='reflect', cval=0.0, truncate=4.0, *, "
      "radius=None",
      "A Gaussian filter, or a derivative of one, along an axis.", [](In in) {
        return gaussian_filter1d(in.array(0), in.number(1), in.integer(2), in.integer(3),
                                 filter_of(in, {4, 5, 6}), {in.number(7), maybe_integers(in, 8)});
      });
  add("gaussian_filter",
      "input, sigma, order=0, output=None, mode='reflect', cval=0.0, truncate=4.0, *, radius=None, "
      "axes=None",
      "A Gaussian filter, or a derivative of one.", [](In in) {
        return gaussian_filter(in.array(0), in.numbers(1), in.integers(2),
                               filter_of(in, {3, 4, 5, -1, 8}),
                               {in.number(6), maybe_integers(in, 7)});
      });
  using Gaussian = Array (*)(const Array&, const std::vector<double>&, const Filter&, const Tail&);
  const auto gaussian = [&](std::string name, std::string doc, Gaussian f) {
    add(std::move(name),
        "input, sigma, output=None, mode='reflect', cval=0.0, *, axes=None, truncate=4.0, "
        "radius=None",
        std::move(doc), [f](In in) {
          return f(in.array(0), in.numbers(1), filter_of(in, {2, 3, 4, -1, 5}),
                   {in.number(6), maybe_integers(in, 7)});
        });
  };
  gaussian("gaussian_gradient_magnitude",
           "The length of the gradient, by derivatives of a Gaussian.",
           gaussian_gradient_magnitude);
  gaussian("gaussian_laplace", "The Laplacian, by second derivatives of a Gaussian.",
           gaussian_laplace);
  using Slope = Array (*)(const Array&, std::int64_t, const Filter&);
  const auto slope = [&](std::string name, std::string doc, Slope f) {
    add(std::move(name), "input, axis=-1, output=None, mode='reflect', cval=0.0", std::move(doc),
        [f](In in) {
          return f(in.array(0), in.integer(1), filter_of(in, {2, 3, 4}));
        });
  };
  slope("prewitt", "Prewitt's filter: a derivative along an axis, means along the others.",
        prewitt);
  slope("sobel", "Sobel's filter: a derivative along an axis, weighted means along the others.",
        sobel);
  add("laplace", "input, output=None, mode='reflect', cval=0.0, *, axes=None",
      "The Laplacian, by second differences.", [](In in) {
        return laplace(in.array(0), filter_of(in, {1, 2, 3, -1, 4}));
      });

  using Around = Array (*)(const Array&, const Footprint&, const Filter&);
  const std::string around = "size=None, footprint=None, " + common + ", *, axes=None";
  const auto footprint = [](In in, std::size_t i) {
    return Footprint{maybe_integers(in, i), maybe_array(in, i + 1)};
  };
  const auto extreme = [&](std::string name, std::string doc, Around f) {
    add(std::move(name), "input, " + around, std::move(doc), [f, footprint](In in) {
      return f(in.array(0), footprint(in, 1), filter_of(in, {3, 4, 5, 6, 7}));
    });
  };
  extreme("minimum_filter", "The smallest neighbours.", minimum_filter);
  extreme("maximum_filter", "The largest neighbours.", maximum_filter);
  extreme("median_filter", "Medians of neighbours.", median_filter);
  add("rank_filter", "input, rank, " + around, "The neighbours of one rank.", [footprint](In in) {
    return rank_filter(in.array(0), in.integer(1), footprint(in, 2),
                       filter_of(in, {4, 5, 6, 7, 8}));
  });
  add("percentile_filter", "input, percentile, " + around, "Percentiles of neighbours.",
      [footprint](In in) {
        return percentile_filter(in.array(0), in.number(1), footprint(in, 2),
                                 filter_of(in, {4, 5, 6, 7, 8}));
      });
  using Fourier = Array (*)(const Array&, const std::vector<double>&, const Spectrum&);
  const auto fourier = [&](std::string name, const std::string& by, std::string doc, Fourier f) {
    add(std::move(name), "input, " + by + ", n=-1, axis=-1, output=None", std::move(doc),
        [f](In in) {
          return f(in.array(0), in.numbers(1), {in.integer(2), in.integer(3), in.dtype(4)});
        });
  };
  fourier("fourier_gaussian", "sigma", "A Gaussian filter of a Fourier transform.",
          fourier_gaussian);
  fourier("fourier_uniform", "size", "Means of neighbours in a box, of a Fourier transform.",
          fourier_uniform);
  fourier("fourier_ellipsoid", "size", "Means of neighbours in an ellipsoid, of a transform.",
          fourier_ellipsoid);
  fourier("fourier_shift", "shift", "A Fourier transform of what is moved.", fourier_shift);
  add("_neighbours",
      "input, size=None, footprint=None, mode='reflect', cval=0.0, origin=0, *, axes=None",
      "The neighbours of every element along a last axis.", [footprint](In in) {
        return neighbours(in.array(0), footprint(in, 1), filter_of(in, {-1, 3, 4, 5, 6}));
      });
}

}  // namespace tessera::ndimage
