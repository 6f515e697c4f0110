#include <tessera/linalg/precision.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <tessera/runtime/warn.hpp>

namespace tessera::linalg {

using detail::complex_of;
using detail::real_of;

DType detail::real_of(DType dtype) {
  return dtype == DType::float32 || dtype == DType::complex64 ? DType::float32 : DType::float64;
}
DType detail::complex_of(DType dtype) {
  return real_of(dtype) == DType::float32 ? DType::complex64 : DType::complex128;
}
DType common_dtype(DType a, DType b) {
  const bool narrow = real_of(a) == DType::float32 && real_of(b) == DType::float32;
  const DType real = narrow ? DType::float32 : DType::float64;
  return is_complex(a) || is_complex(b) ? complex_of(real) : real;
}
bool is_finite(std::span<const double> values) {
  return std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); });
}
double detail::eps_of(DType dtype) {
  return real_of(dtype) == DType::float32 ? std::numeric_limits<float>::epsilon()
                                          : std::numeric_limits<double>::epsilon();
}

int exponent_for(long double size, DType dtype) {
  if (!(size > 0) || !std::isfinite(size)) return 0;
  const bool single = real_of(dtype) == DType::float32;
  const int e = std::ilogb(size);
  if (e >= (single ? -40 : -400) && e <= (single ? 44 : 400)) return 0;
  return exponent_to_one(size, dtype);
}
int most_exponent(DType dtype) { return real_of(dtype) == DType::float32 ? 126 : 1022; }
int exponent_to_one(long double size, DType dtype) {
  const int most = most_exponent(dtype);
  return std::clamp(-std::ilogb(size), -most, most);
}

namespace {

template <class T>
bool holds(double size) {
  return size >= double{std::numeric_limits<T>::min()} &&
         size <= double{std::numeric_limits<T>::max()};
}

void warn_of_loss(std::string_view what, double value) {
  warn(fmt::format("{} leaves the range of float64: it is stored as {}", what, value),
       "RuntimeWarning");
}

}  // namespace

double scaled_back(double value, int exponent, std::string_view what) {
  const double out = std::ldexp(value, exponent);
  if (exponent != 0 && value != 0 && std::isfinite(value) && !holds<double>(std::abs(out)))
    warn_of_loss(what, out);
  return out;
}

Array scaled_back(const std::vector<double>& values, int exponent, const Shape& shape, DType dtype,
                  const Communicator& comm, std::string_view what) {
  double largest = 0;
  std::vector<double> out;
  bool nothing = true;
  for (const double v : values) {
    nothing = nothing && v == 0;
    out.push_back(std::ldexp(v, exponent));
    largest = std::max(largest, std::abs(out.back()));
  }
  Array wide = replicated(out, shape, comm);
  if (exponent == 0 || nothing || !is_finite(values) ||
      (dtype == DType::float32 ? holds<float>(largest) : holds<double>(largest)))
    return wide.astype(dtype);
  if (!holds<double>(largest)) warn_of_loss(what, largest);
  return wide;
}

}  // namespace tessera::linalg
