#pragma once
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>

/// Sums in a fixed order that a compiler can vectorise. Vectors of one size.
namespace tessera::solvers {

inline double dot(std::span<const double> a, std::span<const double> b) {
  constexpr std::size_t lanes = 8;
  std::array<double, lanes> sums{};
  std::size_t i = 0;
  for (; i + lanes <= a.size(); i += lanes)
    for (std::size_t l = 0; l < lanes; ++l) sums[l] += a[i + l] * b[i + l];
  for (std::size_t l = 0; i < a.size(); ++i, ++l) sums[l] += a[i] * b[i];
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

/// y += alpha x.
inline void add(std::span<double> y, double alpha, std::span<const double> x) {
  for (std::size_t i = 0; i < y.size(); ++i) y[i] += alpha * x[i];
}

inline double max_abs(std::span<const double> x) {
  double most = 0.0;
  for (const double v : x) most = std::max(most, std::abs(v));
  return most;
}

inline double sum_abs(std::span<const double> x) {
  double sum = 0.0;
  for (const double v : x) sum += std::abs(v);
  return sum;
}

}  // namespace tessera::solvers
