#pragma once
#include <tessera/array/fft.hpp>

/// Transforms of cosines and sines, types I to IV, as scipy.fft defines them: of real numbers, of
/// complex ones by their two parts. `orthogonalize`: the elements at the ends are scaled so that
/// the transform with Norm::ortho is orthogonal, which is the default with that norm. Inverses have
/// the type of what they undo. What fft.hpp says about dtypes, lengths, axes, errors and bits
/// holds; ValueError for another type, and for fewer than 2 elements in a cosine transform of type
/// I.
namespace tessera::fft {

struct RealOptions {
  int type = 2;
  Length n = {};
  std::int64_t axis = -1;
  Norm norm = Norm::backward;
  std::optional<bool> orthogonalize = {};
};
Array dct(const Array& x, const RealOptions& options = {});
Array idct(const Array& x, const RealOptions& options = {});
Array dst(const Array& x, const RealOptions& options = {});
Array idst(const Array& x, const RealOptions& options = {});

/// Along several axes, as fftn() names them.
struct RealOptionsN {
  int type = 2;
  Lengths s = {};
  Lengths axes = {};
  Norm norm = Norm::backward;
  std::optional<bool> orthogonalize = {};
};
Array dctn(const Array& x, const RealOptionsN& options = {});
Array idctn(const Array& x, const RealOptionsN& options = {});
Array dstn(const Array& x, const RealOptionsN& options = {});
Array idstn(const Array& x, const RealOptionsN& options = {});

/// The fast Hankel transform (FFTLog: Hamilton 2000, MNRAS 312, 257) of real lines along the last
/// axis, sampled at logarithms `dln` apart, of order `mu`, offset from r to 1/k by `offset`, of
/// a(r) r^-bias. A warning where it is singular, of the mean then left out. TypeError for complex
/// numbers, ValueError for dln 0.
struct Hankel {
  double dln, mu;
  double offset = 0, bias = 0;
};
Array fht(const Array& a, const Hankel& options);
/// The inverse.
Array ifht(const Array& a, const Hankel& options);
/// The offset next to options.offset at which the transform rings least. Local.
double fhtoffset(const Hankel& options);

/// The least length from n on whose prime factors are 2, 3, 5, 7 and 11, or with `real` 2, 3 and 5.
/// 0 for 0; ValueError for n below 0 or above 2^62. Local.
std::int64_t next_fast_len(std::int64_t n, bool real = false);
/// The largest one up to n, which is 1 at least. Local.
std::int64_t prev_fast_len(std::int64_t n, bool real = false);

}  // namespace tessera::fft
