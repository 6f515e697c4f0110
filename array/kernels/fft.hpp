#pragma once
#include <tessera/runtime/operation.hpp>
#include <tessera/runtime/stream.hpp>

/// The block kernel of Fourier transforms: lines of one length, each by itself.
namespace tessera::fourier {

/// What becomes of a line. With w = exp(-2 pi i / n), and n the length of a line of real numbers or
/// of complex ones on both sides:
enum class Kind : std::uint8_t {
  forward,   ///< complex to complex: sum_j x_j w^jk
  backward,  ///< the same with w^-jk
  to_half,   ///< real to complex: `forward`, its first n/2 + 1 elements
  /// Complex to real: `backward` of the n elements whose first n/2 + 1 these are and which are
  /// Hermitian; the imaginary part of element 0, and of element n/2 for an even n, is 0.
  from_half,
  dct1,  ///< real to real, as scipy.fft has them: cosines, types I to IV, not normalised
  dct2,
  dct3,
  dct4,
  dst1,  ///< sines
  dst2,
  dst3,
  dst4,
};

/// What comes out of a line of `dtype`.
DType result_of(Kind kind, DType dtype);

/// Row i of `out` is `factor` times the transform of row i of `in`, which is not written; they do
/// not overlap. One column at least; two for dct1. A row's result depends on nothing but the row:
/// not on its place in memory nor on how many there are.
using Signature = void(Stream&, const Tile& in, const Tile& out, Kind kind, double factor);
/// `array.fft`. Loads the module for FFTW, where there is one, before the first use.
const Operation<Signature>& operation();

}  // namespace tessera::fourier
