#pragma once
#include <optional>
#include <vector>

#include <tessera/runtime/array.hpp>

/// SciPy's filters of images that are Fourier transforms: what the filter is there, they are
/// multiplied by. Results lie as the image does; one value is for all axes. All are collective.
namespace tessera::ndimage {

/// What the transform was of: complex numbers, or real ones, of which `axis` had n.
struct Spectrum {
  std::int64_t n = -1;  ///< below 0: complex
  std::int64_t axis = -1;
  std::optional<DType> output = {};  ///< dtype of the result; x's, or the widest of its kind
};
Array fourier_gaussian(const Array& x, const std::vector<double>& sigma, const Spectrum& of = {});
/// A box of that size.
Array fourier_uniform(const Array& x, const std::vector<double>& size, const Spectrum& of = {});
/// An ellipsoid in images of up to 3 axes; NotImplementedError for more.
Array fourier_ellipsoid(const Array& x, const std::vector<double>& size, const Spectrum& of = {});
/// Complex.
Array fourier_shift(const Array& x, const std::vector<double>& shift, const Spectrum& of = {});

}  // namespace tessera::ndimage
