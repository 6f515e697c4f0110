// The fast Hankel transform: a product with ratios of gamma functions between two Fourier
// transforms.
#include <array>
#include <cmath>
#include <complex>
#include <functional>
#include <limits>
#include <numbers>

#include <fmt/format.h>

#include <tessera/array/elementwise.hpp>
#include <tessera/array/layout.hpp>
#include <tessera/array/manipulation.hpp>
#include <tessera/array/real_transforms.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/warn.hpp>

namespace tessera::fft {
namespace {

using Complex = std::complex<double>;
using std::numbers::ln2, std::numbers::pi;

// Up to multiples of 2 pi i. Stirling's series from where eight terms are exact on; what is left of
// there goes there by the recurrence.
Complex log_gamma(Complex z) {
  constexpr double far = 10;
  constexpr std::array bernoulli = {1.0 / 12,   -1.0 / 360,      1.0 / 1260, -1.0 / 1680,
                                    1.0 / 1188, -691.0 / 360360, 1.0 / 156,  -3617.0 / 122400};
  Complex steps = 0;
  for (; z.real() < far && std::abs(z.imag()) < far; z += 1) steps += std::log(z);
  if (z.real() < 0) {  // far from the real axis: the reflection, whose sine is an exponential there
    const double side = z.imag() > 0 ? 1 : -1;
    const Complex i(0, side), turn = i * pi * z;
    const Complex log_sine = -turn + std::log(i * (1.0 - std::exp(2.0 * turn)) / 2.0);
    return std::log(pi) - log_sine - log_gamma(1.0 - z) - steps;
  }
  Complex series = 0;
  const Complex inverse = 1.0 / z, square = inverse * inverse;
  for (std::size_t k = bernoulli.size(); k-- > 0;) series = series * square + bernoulli[k];
  return (z - 0.5) * std::log(z) - z + std::log(2 * pi) / 2 + series * inverse - steps;
}

// gamma(a) / gamma(b), where one of them may be infinite.
double gamma_ratio(double a, double b) {
  const auto infinite = [](double x) { return x <= 0 && x == std::floor(x); };
  if (infinite(a) && infinite(b))  // their residues
    return (std::fmod(a - b, 2) == 0 ? 1 : -1) * std::exp(std::lgamma(1 - b) - std::lgamma(1 - a));
  if (infinite(b)) return 0;
  if (infinite(a)) return std::numeric_limits<double>::infinity();
  return std::tgamma(a) / std::tgamma(b);
}

// A vector of the values at 0, 1, ... n - 1, by rows.
template <class T>
Array vector_of(std::int64_t n, DType dtype, const Communicator& comm,
                const std::function<T(std::int64_t)>& value) {
  const Shape shape = {n};
  const Array out = detail::room_for(shape, dtype, row_distribution(shape, comm), comm);
  T* to = out.local().as<T>();
  for (std::int64_t i = out.local_rows().begin; i < out.local_rows().end; ++i) *to++ = value(i);
  return out;
}

// What the n / 2 + 1 elements of a transform of n are multiplied by.
Array coefficients(const Hankel& o, std::int64_t n, bool inverse, const Communicator& comm) {
  const double above = (o.mu + 1 + o.bias) / 2, below = (o.mu + 1 - o.bias) / 2;
  const auto at = [&](std::int64_t m) -> Complex {
    const double y = pi * static_cast<double>(m) / (static_cast<double>(n) * o.dln);
    Complex u = std::exp(log_gamma({above, y}) - std::conj(log_gamma({below, y})) +
                         Complex(o.bias * ln2, 0) + Complex(0, 2 * (ln2 - o.offset) * y));
    if (m > 0) return n % 2 == 0 && m == n / 2 ? u.real() : u;
    if (!std::isfinite(u.real()) || !std::isfinite(u.imag()))
      u = std::exp2(o.bias) * gamma_ratio(above, below);
    return u;
  };
  Complex first = at(0);
  if (inverse ? first == 0.0 : std::isinf(first.real())) {
    warn(
        fmt::format("singular {}transform; consider changing the bias", inverse ? "inverse " : ""));
    first = inverse ? std::numeric_limits<double>::infinity() : 0;
  }
  return vector_of<Complex>(n / 2 + 1, DType::complex128, comm,
                            [&](std::int64_t m) { return m == 0 ? first : at(m); });
}

Array transformed(const char* function, const Array& given, const Hankel& o, bool inverse) {
  if (is_complex(given.dtype()))
    throw TypeError(fmt::format("{} takes real numbers, not {}", function, name_of(given.dtype())));
  if (given.ndim() == 0)
    throw ValueError(fmt::format("{} needs an array of one dimension at least", function));
  if (o.dln == 0 || !std::isfinite(o.dln))
    throw ValueError(fmt::format("{} needs a dln other than 0, got {}", function, o.dln));
  const std::int64_t n = given.shape().back();
  if (n < 1)
    throw ValueError(fmt::format("{} needs at least 1 element in a line, got 0", function));
  const Communicator& comm = given.comm();
  // r^bias about the middle.
  const auto power = [&](double bias, double offset) {
    const double middle = static_cast<double>(n - 1) / 2;
    return vector_of<double>(n, DType::float64, comm, [=, &o](std::int64_t j) {
      return std::exp(bias * ((static_cast<double>(j) - middle) * o.dln + offset));
    });
  };
  Array x = given;
  if (o.bias != 0) x = multiply(x, inverse ? power(o.bias, o.offset) : power(-o.bias, 0));
  x = rfft(x);
  const Array u = coefficients(o, n, inverse, comm).astype(x.dtype());
  x = flip(irfft(inverse ? divide(x, conj(u)) : multiply(x, u), n), std::vector<std::int64_t>{-1});
  if (o.bias != 0)
    x = inverse ? divide(x, power(-o.bias, 0)) : multiply(x, power(-o.bias, o.offset));
  return x;
}

}  // namespace

Array fht(const Array& a, const Hankel& o) { return transformed("fht", a, o, false); }
Array ifht(const Array& a, const Hankel& o) { return transformed("ifht", a, o, true); }

double fhtoffset(const Hankel& o) {
  if (o.dln == 0) throw ValueError("fhtoffset needs a dln other than 0");
  const double y = pi / (2 * o.dln);
  const double turns = (ln2 - o.offset) / o.dln + (log_gamma({(o.mu + 1 + o.bias) / 2, y}).imag() +
                                                   log_gamma({(o.mu + 1 - o.bias) / 2, y}).imag()) /
                                                      pi;
  return o.offset + (turns - std::nearbyint(turns)) * o.dln;
}

}  // namespace tessera::fft
