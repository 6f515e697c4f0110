#pragma once
#include <cmath>
#include <limits>

#include <tessera/estimators/kernels/kernels.hpp>

namespace tessera {

/// A row's loss by its one predictor u: its value, first and second derivative by u, and the first
/// by the scale.
template <class Real>
struct Pointwise {
  Real loss, slope, curvature, scale_slope = 0;
};

/// Of every Loss but multinomial; constexpr for kernels on a GPU. Infinite where a mean is not
/// positive that must be.
template <class Real>
constexpr Pointwise<Real> pointwise(const LinearLoss& of, Real u, Real y) {
  using std::abs, std::exp, std::log, std::log1p, std::pow;
  const Real power = of.power;
  switch (of.loss) {
    case Loss::squared:
      return {(u - y) * (u - y) / 2, u - y, 1};
    case Loss::logistic: {
      const Real e = exp(-abs(u));
      const Real p = (u < 0 ? e : 1) / (1 + e), rest = (u < 0 ? 1 : e) / (1 + e);
      return {log1p(e) + (u > 0 ? u : 0) - y * u, (1 - y) * p - y * rest, p * rest};
    }
    case Loss::poisson:
      return {exp(u) - y * u, exp(u) - y, exp(u)};
    case Loss::gamma:
      return {u + y * exp(-u), 1 - y * exp(-u), y * exp(-u)};
    case Loss::tweedie: {  // of neither power 1 nor 2, which are poisson and gamma
      const Real a = exp((2 - power) * u), b = y == 0 ? 0 : y * exp((1 - power) * u);
      if (power == 0) return {(exp(u) - y) * (exp(u) - y) / 2, a - b, 2 * a - b};
      return {a / (2 - power) - b / (1 - power), a - b, (2 - power) * a - (1 - power) * b};
    }
    case Loss::tweedie_identity: {
      if (power == 0) return {(u - y) * (u - y) / 2, u - y, 1};
      if (!(u > 0) && !(u == 0 && power < 0))
        return {std::isnan(u) ? u : std::numeric_limits<Real>::infinity(), 0, 0};
      if (power == 1) return {(y > 0 ? y * log(y / u) : 0) + u - y, 1 - y / u, y / (u * u)};
      if (power == 2) return {log(u / y) + y / u - 1, (1 - y / u) / u, (2 * y / u - 1) / (u * u)};
      return {(y > 0 ? pow(y, 2 - power) / ((1 - power) * (2 - power)) : 0) -
                  y * pow(u, 1 - power) / (1 - power) + pow(u, 2 - power) / (2 - power),
              (u - y) * pow(u, -power), pow(u, -power - 1) * ((1 - power) * u + power * y)};
    }
    case Loss::huber: {
      const Real epsilon = of.epsilon, scale = of.scale, z = (u - y) / scale;
      if (abs(z) <= epsilon) return {scale * (1 + z * z), 2 * z, 2 / scale, 1 - z * z};
      return {scale + scale * (2 * epsilon * abs(z) - epsilon * epsilon),
              z > 0 ? 2 * epsilon : -2 * epsilon, 0, 1 - epsilon * epsilon};
    }
    case Loss::multinomial:
      break;
  }
  return {};
}

}  // namespace tessera
