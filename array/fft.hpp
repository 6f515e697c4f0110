#pragma once
#include <optional>
#include <string_view>
#include <vector>

#include <tessera/runtime/array.hpp>

/// The fft extension of the array API standard, and what scipy.fft has beyond it. Lines of any
/// length along any axis. Of float32 and complex64 results have that precision, of other dtypes
/// that of float64. n is how many elements of a line are transformed: it is cut, or gets zeros at
/// its end. Results lie by rows, or on every process where x does, and have the same bits at any
/// number of processes and threads. All are collective. ValueError for an axis that x has not, for
/// n below 1 and for an array without axes. Computed by the operation `array.fft`.
namespace tessera::fft {

/// Where 1/n goes: to the inverse transforms, to the forward ones, or 1/sqrt(n) to both.
enum class Norm { backward, forward, ortho };
/// By its name; ValueError for another word.
Norm norm_of(std::string_view word);

using Length = std::optional<std::int64_t>;
using Lengths = std::optional<std::vector<std::int64_t>>;

/// Complex sums of x_j exp(-2 pi i j k / n).
Array fft(const Array& x, Length n = {}, std::int64_t axis = -1, Norm norm = Norm::backward);
/// The inverse.
Array ifft(const Array& x, Length n = {}, std::int64_t axis = -1, Norm norm = Norm::backward);
/// Along several axes: all, or the last ones, as many as there are lengths, unless they are named.
/// A length of -1 is that of the axis. ValueError unless there is a length for each axis.
Array fftn(const Array& x, const Lengths& s = {}, const Lengths& axes = {},
           Norm norm = Norm::backward);
Array ifftn(const Array& x, const Lengths& s = {}, const Lengths& axes = {},
            Norm norm = Norm::backward);
/// Of real numbers, the first n/2 + 1 elements, which determine the others. TypeError for complex
/// ones.
Array rfft(const Array& x, Length n = {}, std::int64_t axis = -1, Norm norm = Norm::backward);
/// The inverse: n real numbers, 2 (extent - 1) unless said otherwise.
Array irfft(const Array& x, Length n = {}, std::int64_t axis = -1, Norm norm = Norm::backward);
/// Of real numbers along the last axis, then of complex ones along the others.
Array rfftn(const Array& x, const Lengths& s = {}, const Lengths& axes = {},
            Norm norm = Norm::backward);
Array irfftn(const Array& x, const Lengths& s = {}, const Lengths& axes = {},
             Norm norm = Norm::backward);
/// Of a Hermitian line, given by its first half: n real numbers.
Array hfft(const Array& x, Length n = {}, std::int64_t axis = -1, Norm norm = Norm::backward);
/// The inverse: the first half.
Array ihfft(const Array& x, Length n = {}, std::int64_t axis = -1, Norm norm = Norm::backward);
/// Of what is Hermitian along several axes, given by the first half of the last of them.
Array hfftn(const Array& x, const Lengths& s = {}, const Lengths& axes = {},
            Norm norm = Norm::backward);
Array ihfftn(const Array& x, const Lengths& s = {}, const Lengths& axes = {},
             Norm norm = Norm::backward);

/// The frequency of each element of a transform of n samples d apart; a vector by rows. ValueError
/// for n below 1, TypeError for other than float32 and float64.
Array fftfreq(std::int64_t n, double d = 1, DType dtype = DType::float64,
              const Communicator& comm = Communicator::world());
/// Those of rfft, none negative.
Array rfftfreq(std::int64_t n, double d = 1, DType dtype = DType::float64,
               const Communicator& comm = Communicator::world());
/// Frequency 0 moved to the middle of some axes, of all for none given.
Array fftshift(const Array& x, const Lengths& axes = {});
/// The inverse.
Array ifftshift(const Array& x, const Lengths& axes = {});

}  // namespace tessera::fft
