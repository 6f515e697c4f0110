// The entries of the extension fft in the table of functions.
#include <tessera/array/fft.hpp>
#include <tessera/array/functions.hpp>

namespace tessera {
namespace {

using In = const ArrayArguments&;

fft::Norm norm(In in, std::size_t i) {
  return in.given(i) ? fft::norm_of(in.word(i)) : fft::Norm::backward;
}

}  // namespace

void detail::add_fft(std::vector<ArrayFunction>& all) {
  using One = Array (*)(const Array&, fft::Length, std::int64_t, fft::Norm);
  using Several = Array (*)(const Array&, const fft::Lengths&, const fft::Lengths&, fft::Norm);
  using Shift = Array (*)(const Array&, const fft::Lengths&);
  const auto one = [&](std::string name, std::string doc, One f) {
    all.push_back({std::move(name), "x, /, *, n=None, axis=-1, norm='backward'", std::move(doc),
                   [f](In in) -> Argument {
                     return f(in.array(0), in.maybe_integer(1), in.integer(2), norm(in, 3));
                   },
                   "fft"});
  };
  const auto several = [&](std::string name, std::string doc, Several f) {
    all.push_back({std::move(name), "x, /, *, s=None, axes=None, norm='backward'", std::move(doc),
                   [f](In in) -> Argument {
                     return f(in.array(0), in.maybe_integers(1), in.maybe_integers(2), norm(in, 3));
                   },
                   "fft"});
  };
  // Beside the standard, as in scipy.fft.
  const auto beside = [&](std::string name, const char* axes, std::string doc, Several f) {
    all.push_back({std::move(name), std::string("x, s=None, axes=") + axes + ", norm='backward'",
                   std::move(doc),
                   [f](In in) -> Argument {
                     return f(in.array(0), in.maybe_integers(1), in.maybe_integers(2), norm(in, 3));
                   },
                   "scipy_fft"});
  };
  const auto frequencies = [&](std::string name, std::string doc, auto f) {
    all.push_back(
        {std::move(name), "n, /, *, d=1.0, dtype=None, device=None, comm=None", std::move(doc),
         [f](In in) -> Argument {
           return f(in.integer(0), in.number(1), in.dtype(2).value_or(DType::float64), in.comm());
         },
         "fft"});
  };
  const auto shift = [&](std::string name, std::string doc, Shift f) {
    all.push_back({std::move(name), "x, /, *, axes=None", std::move(doc),
                   [f](In in) -> Argument { return f(in.array(0), in.maybe_integers(1)); }, "fft"});
  };
  one("fft", "Fourier transforms of lines along an axis, cut or filled with zeros to n elements.",
      fft::fft);
  one("ifft", "The inverse of fft.", fft::ifft);
  several("fftn", "Fourier transforms along several axes.", fft::fftn);
  several("ifftn", "The inverse of fftn.", fft::ifftn);
  one("rfft", "Fourier transforms of real lines: the half that determines the other.", fft::rfft);
  one("irfft", "The inverse of rfft: n real numbers.", fft::irfft);
  several("rfftn", "Fourier transforms of real numbers along several axes.", fft::rfftn);
  several("irfftn", "The inverse of rfftn.", fft::irfftn);
  one("hfft", "Real Fourier transforms of Hermitian lines, given by their first half.", fft::hfft);
  one("ihfft", "The inverse of hfft.", fft::ihfft);
  frequencies("fftfreq", "Frequencies of the elements of fft.", fft::fftfreq);
  frequencies("rfftfreq", "Frequencies of the elements of rfft.", fft::rfftfreq);
  shift("fftshift", "Frequency 0 moved to the middle.", fft::fftshift);
  shift("ifftshift", "The inverse of fftshift.", fft::ifftshift);
  const auto both = [&](const std::string& name, const std::string& of, Several f) {
    beside(name, "(-2, -1)", of + " along two axes.", f);
  };
  both("fft2", "Fourier transforms", fft::fftn);
  both("ifft2", "The inverse of fftn", fft::ifftn);
  both("rfft2", "Fourier transforms of real numbers", fft::rfftn);
  both("irfft2", "The inverse of rfftn", fft::irfftn);
  both("hfft2", "Real Fourier transforms of what is Hermitian", fft::hfftn);
  both("ihfft2", "The inverse of hfftn", fft::ihfftn);
  beside("hfftn", "None",
         "Real Fourier transforms of what is Hermitian along several axes, given by the first half "
         "of the last.",
         fft::hfftn);
  beside("ihfftn", "None", "The inverse of hfftn.", fft::ihfftn);
}

}  // namespace tessera
