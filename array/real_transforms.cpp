#include <tessera/array/real_transforms.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>

#include <tessera/array/elementwise.hpp>
#include <tessera/array/fft_lines.hpp>
#include <tessera/array/functions.hpp>
#include <tessera/array/indexing.hpp>
#include <tessera/array/layout.hpp>
#include <tessera/array/promotion.hpp>
#include <tessera/runtime/error.hpp>

namespace tessera::fft {
namespace {

using fourier::Kind;

struct Which {
  const char* function;
  bool sine, inverse;
};
constexpr Which cosines{"dct", false, false}, inverse_cosines{"idct", false, true},
    sines{"dst", true, false}, inverse_sines{"idst", true, true};

// One element of each line multiplied.
Array scaled_at(const Array& x, std::int64_t axis, std::int64_t element, double factor) {
  std::vector<Index> at(static_cast<std::size_t>(axis), Slice{});
  at.emplace_back(element);
  return assigned(x, at, multiply(index(x, at), factor));
}

Array transformed(const Array& x, const Which& which, int type, Length n, std::int64_t given_axis,
                  Norm norm, bool orthogonal) {
  if (type < 1 || type > 4)
    throw ValueError(fmt::format("{} has types 1 to 4, not {}", which.function, type));
  if (x.ndim() == 0)
    throw ValueError(fmt::format("{} needs an array of one dimension at least", which.function));
  const std::int64_t axis = detail::checked_axis(given_axis, x.ndim());
  const std::int64_t length = n.value_or(x.shape()[static_cast<std::size_t>(axis)]);
  const bool ends = type == 1 && !which.sine;  // both are of the symmetry
  if (length < (ends ? 2 : 1))
    throw ValueError(fmt::format("{} of type {} needs at least {} in a line, got {}",
                                 which.function, type, ends ? "2 elements" : "1 element", length));
  if (is_complex(x.dtype())) {
    const auto part = [&](const Array& p) {
      return transformed(p, which, type, n, axis, norm, orthogonal);
    };
    return add(part(real(x)), multiply(part(imag(x)), std::complex<double>(0, 1)));
  }
  // Types II and III are each other's inverses.
  const int own = which.inverse && (type == 2 || type == 3) ? 5 - type : type;
  const double whole = 2 * static_cast<double>(type > 1     ? length
                                               : which.sine ? length + 1
                                                            : length - 1);
  double factor = which.inverse == (norm == Norm::backward) ? 1 / whole : 1;
  if (norm == Norm::ortho) factor = 1 / std::sqrt(whole);
  Array in = is_floating(x.dtype()) ? x : x.astype(DType::float64);
  constexpr double root = std::numbers::sqrt2;
  const bool before = orthogonal && (own == 3 || ends), after = orthogonal && (own == 2 || ends);
  const std::int64_t there = in.shape()[static_cast<std::size_t>(axis)];
  const std::int64_t end = which.sine ? length - 1 : 0;
  if (before && end < there) in = scaled_at(in, axis, end, root);
  if (before && ends && length - 1 < there) in = scaled_at(in, axis, length - 1, root);
  const auto kind =
      static_cast<Kind>(static_cast<int>(which.sine ? Kind::dst1 : Kind::dct1) + own - 1);
  Array out = detail::transform_lines(in, axis, kind, length, factor);
  if (after) out = scaled_at(out, axis, end, 1 / root);
  if (after && ends) out = scaled_at(out, axis, length - 1, 1 / root);
  return out;
}

Array one(const Array& x, const Which& which, const RealOptions& o) {
  return transformed(x, which, o.type, o.n, o.axis, o.norm,
                     o.orthogonalize.value_or(o.norm == Norm::ortho));
}

Array several(Array x, const Which& which, const RealOptionsN& o) {
  const std::int64_t count = o.axes ? std::ssize(*o.axes) : o.s ? std::ssize(*o.s) : x.ndim();
  if (o.s && std::ssize(*o.s) != count)
    throw ValueError(fmt::format("{}n needs a length for each axis, got {} lengths and {} axes",
                                 which.function, o.s->size(), count));
  if (o.axes) detail::checked_axes(*o.axes, x.ndim());
  for (std::int64_t k = count; k-- > 0;) {
    const auto i = static_cast<std::size_t>(k);
    const Length n = o.s && (*o.s)[i] != -1 ? Length((*o.s)[i]) : std::nullopt;
    x = transformed(x, which, o.type, n, o.axes ? (*o.axes)[i] : k - count, o.norm,
                    o.orthogonalize.value_or(o.norm == Norm::ortho));
  }
  return x;
}

}  // namespace

Array dct(const Array& x, const RealOptions& o) { return one(x, cosines, o); }
Array idct(const Array& x, const RealOptions& o) { return one(x, inverse_cosines, o); }
Array dst(const Array& x, const RealOptions& o) { return one(x, sines, o); }
Array idst(const Array& x, const RealOptions& o) { return one(x, inverse_sines, o); }
Array dctn(const Array& x, const RealOptionsN& o) { return several(x, cosines, o); }
Array idctn(const Array& x, const RealOptionsN& o) { return several(x, inverse_cosines, o); }
Array dstn(const Array& x, const RealOptionsN& o) { return several(x, sines, o); }
Array idstn(const Array& x, const RealOptionsN& o) { return several(x, inverse_sines, o); }

namespace {

// visit(m) for the products of odd primes of fast lengths up to `most`.
template <class Visit>
void each_odd(std::int64_t most, bool real, const Visit& visit, std::int64_t m = 1,
              std::size_t from = 0) {
  constexpr std::int64_t primes[] = {3, 5, 7, 11};
  visit(m);
  for (std::size_t k = from; k < (real ? 2 : 4); ++k)
    if (m <= most / primes[k]) each_odd(most, real, visit, m * primes[k], k);
}

std::int64_t checked_length(std::string_view function, std::int64_t n, std::int64_t least) {
  if (n < least || n > std::int64_t{1} << 62)
    throw ValueError(fmt::format("{} needs a length from {} to 2^62, got {}", function, least, n));
  return n;
}

}  // namespace

std::int64_t next_fast_len(std::int64_t n, bool real) {
  if (checked_length("next_fast_len", n, 0) == 0) return 0;
  // Powers of two times what is odd: the least of each odd one that is large enough.
  std::int64_t best = 1;
  while (best < n) best *= 2;
  each_odd(best, real, [&](std::int64_t two) {
    while (two < n) two *= 2;
    best = std::min(best, two);
  });
  return best;
}

std::int64_t prev_fast_len(std::int64_t n, bool real) {
  std::int64_t best = 1;
  each_odd(checked_length("prev_fast_len", n, 1), real, [&](std::int64_t two) {
    while (two <= n / 2) two *= 2;
    best = std::max(best, two);
  });
  return best;
}

}  // namespace tessera::fft

namespace tessera {

void detail::add_real_transforms(std::vector<ArrayFunction>& all) {
  using In = const ArrayArguments&;
  const auto norm = [](In in, std::size_t i) {
    return in.given(i) ? fft::norm_of(in.word(i)) : fft::Norm::backward;
  };
  const auto flag = [](In in, std::size_t i) {
    return in.given(i) ? std::optional(in.flag(i)) : std::nullopt;
  };
  const auto one = [&](std::string name, std::string doc, auto f) {
    all.push_back({std::move(name), "x, type=2, n=None, axis=-1, norm=None, orthogonalize=None",
                   std::move(doc),
                   [=](In in) -> Argument {
                     return f(in.array(0),
                              fft::RealOptions{static_cast<int>(in.integer(1)), in.maybe_integer(2),
                                               in.integer(3), norm(in, 4), flag(in, 5)});
                   },
                   "scipy_fft"});
  };
  const auto several = [&](std::string name, std::string doc, auto f) {
    all.push_back({std::move(name), "x, type=2, s=None, axes=None, norm=None, orthogonalize=None",
                   std::move(doc),
                   [=](In in) -> Argument {
                     return f(
                         in.array(0),
                         fft::RealOptionsN{static_cast<int>(in.integer(1)), in.maybe_integers(2),
                                           in.maybe_integers(3), norm(in, 4), flag(in, 5)});
                   },
                   "scipy_fft"});
  };
  one("dct", "Transforms of cosines along an axis, types 1 to 4.", fft::dct);
  one("idct", "The inverse of dct of that type.", fft::idct);
  one("dst", "Transforms of sines along an axis, types 1 to 4.", fft::dst);
  one("idst", "The inverse of dst of that type.", fft::idst);
  several("dctn", "Transforms of cosines along several axes.", fft::dctn);
  several("idctn", "The inverse of dctn.", fft::idctn);
  several("dstn", "Transforms of sines along several axes.", fft::dstn);
  several("idstn", "The inverse of dstn.", fft::idstn);
  const auto hankel = [&](std::string name, std::string doc, auto f) {
    all.push_back(
        {std::move(name), "a, dln, mu, offset=0.0, bias=0.0", std::move(doc),
         [=](In in) -> Argument {
           return f(in.array(0), {in.number(1), in.number(2), in.number(3), in.number(4)});
         },
         "scipy_fft"});
  };
  using Hankel = Array (*)(const Array&, const fft::Hankel&);
  hankel("fht", "Fast Hankel transforms of lines along the last axis.", Hankel(fft::fht));
  hankel("ifht", "The inverse of fht.", Hankel(fft::ifht));
  all.push_back(
      {"fhtoffset", "dln, mu, initial=0.0, bias=0.0",
       "The offset next to `initial` at which fht rings least.",
       [](In in) -> Argument {
         return Scalar(fft::fhtoffset({in.number(0), in.number(1), in.number(2), in.number(3)}));
       },
       "scipy_fft", "", true});
  const auto fast = [&](std::string name, std::string doc, auto f) {
    all.push_back({std::move(name), "target, real=False", std::move(doc),
                   [=](In in) -> Argument { return Scalar(f(in.integer(0), in.flag(1))); },
                   "scipy_fft", "", true});
  };
  fast("next_fast_len", "The least length from `target` on that is fast.", fft::next_fast_len);
  fast("prev_fast_len", "The largest length up to `target` that is fast.", fft::prev_fast_len);
}

}  // namespace tessera
