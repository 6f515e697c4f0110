#include <tessera/linalg/precision.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

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
double detail::eps_of(DType dtype) {
  return real_of(dtype) == DType::float32 ? std::numeric_limits<float>::epsilon()
                                          : std::numeric_limits<double>::epsilon();
}

int exponent_for(long double size, DType dtype) {
  if (!(size > 0) || !std::isfinite(size)) return 0;
  const bool single = real_of(dtype) == DType::float32;
  const int e = std::ilogb(size);
  if (e >= (single ? -40 : -400) && e <= (single ? 44 : 400)) return 0;
  const int most = single ? 126 : 1022;  // with an inverse that is a normal number
  return std::clamp(-e, -most, most);
}

}  // namespace tessera::linalg
