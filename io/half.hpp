#pragma once
#include <cmath>
#include <cstdint>
#include <limits>

namespace tessera::io {

/// A float16 by its bits.
inline float from_half(std::uint16_t half) {
  const float sign = (half & 0x8000U) ? -1.0F : 1.0F;
  const int exponent = (half >> 10) & 0x1f;
  const int mantissa = half & 0x3ff;
  if (exponent == 0) return sign * std::ldexp(static_cast<float>(mantissa), -24);
  if (exponent < 31) return sign * std::ldexp(static_cast<float>(mantissa + 1024), exponent - 25);
  return mantissa ? std::numeric_limits<float>::quiet_NaN()
                  : sign * std::numeric_limits<float>::infinity();
}

}  // namespace tessera::io
