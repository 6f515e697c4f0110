#include <tessera/estimators/preprocessing/normal.hpp>

#include <cmath>
#include <limits>

namespace tessera {

double normal_distribution(double x) { return 0.5 * std::erfc(-x * M_SQRT1_2); }

// A start by rational approximation of the central part or the tail (Abramowitz and Stegun 26.2.23,
// error below 5e-4), then Halley's steps on erfc, of which three reach the last bits.
double normal_quantile(double p) {
  if (!(p >= 0.0 && p <= 1.0)) return std::numeric_limits<double>::quiet_NaN();
  if (p == 0.0) return -std::numeric_limits<double>::infinity();
  if (p == 1.0) return std::numeric_limits<double>::infinity();
  if (p > 0.5) return -normal_quantile(1.0 - p);
  if (p == 0.5) return 0.0;
  const double t = std::sqrt(-2.0 * std::log(p));
  double x = -(t - (2.515517 + t * (0.802853 + t * 0.010328)) /
                       (1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308))));
  for (int step = 0; step < 3; ++step) {
    const double density = std::exp(-0.5 * x * x) / std::sqrt(2.0 * M_PI);
    if (density == 0.0) break;
    const double e = (normal_distribution(x) - p) / density;
    x -= e / (1.0 + 0.5 * x * e);
  }
  return x;
}

}  // namespace tessera
