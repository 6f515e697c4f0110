#pragma once

#include <cstddef>

namespace tessera::on_cpu {

/// out_i = log(1 + x_i) of x > -1; NaN and infinity stay what they are.
void log1p(const double* x, std::size_t n, double* out);

/// What powers make of x: y = (x^lambda - 1) / lambda (Box and Cox), or (1 + x)^lambda in place of
/// x^lambda, and of negative x -y(-x) with 2 - lambda (Yeo and Johnson).
struct Power {
  double lambda = 1.0;
  bool yeo_johnson = true;
};

/// y of n values; NaN stays. x is finite, and positive for Box and Cox.
void powers(const Power& power, const double* x, std::size_t n, double* y);

/// Adds up, with y' and y'' the derivatives by lambda: y - centre = d, d^2, y', d y', y'^2, d y'',
/// y'', and the slope of the logarithm of dy / dx by lambda. NaN is left out.
inline constexpr std::size_t power_parts = 8;
void add_powers(const Power& power, double centre, const double* x, std::size_t n, double* sums);

}  // namespace tessera::on_cpu
