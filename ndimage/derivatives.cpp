// Filters that are Gaussians or differences, made of those with weights.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include <tessera/array/elementwise.hpp>
#include <tessera/array/layout.hpp>
#include <tessera/ndimage/common.hpp>
#include <tessera/ndimage/filters.hpp>
#include <tessera/runtime/error.hpp>

namespace tessera::ndimage {
namespace {

using Integers = std::vector<std::int64_t>;

std::vector<double> gaussian_weights(double sigma, std::int64_t order, std::int64_t radius) {
  if (order < 0) throw ValueError(fmt::format("order must not be negative, got {}", order));
  if (!(sigma * sigma > 0)) throw ValueError(fmt::format("sigma must not be {}", sigma));
  std::vector<double> w;
  w.reserve(z(2 * radius + 1));
  for (std::int64_t i = -radius; i <= radius; ++i)
    w.push_back(std::exp(-0.5 / (sigma * sigma) * static_cast<double>(i * i)));
  const double sum = std::accumulate(w.begin(), w.end(), 0.0);
  // The derivative is a polynomial times the Gaussian: q' = q derived + q times -x / sigma^2.
  std::vector<double> q(z(order + 1), 0.0);
  q[0] = 1;
  for (std::int64_t k = 0; k < order; ++k) {
    std::vector<double> next(q.size(), 0.0);
    for (std::size_t e = 0; e + 1 < q.size(); ++e) {
      next[e] += static_cast<double>(e + 1) * q[e + 1];
      next[e + 1] -= q[e] / (sigma * sigma);
    }
    q = next;
  }
  for (std::int64_t i = -radius; i <= radius; ++i) {
    double p = 0;
    for (std::size_t e = q.size(); e-- > 0;) p = p * static_cast<double>(i) + q[e];
    w[z(i + radius)] *= p / sum;
  }
  std::reverse(w.begin(), w.end());
  return w;
}

std::int64_t radius_of(double sigma, const Tail& tail, std::size_t i) {
  if (tail.radius.empty() && !(std::abs(tail.truncate * sigma) < 0x1p53))
    throw ValueError(fmt::format("truncate * sigma must be a finite number of elements, got {}",
                                 tail.truncate * sigma));
  const std::int64_t radius = tail.radius.empty()
                                  ? static_cast<std::int64_t>(tail.truncate * sigma + 0.5)
                                  : tail.radius[tail.radius.size() == 1 ? 0 : i];
  if (radius < 0) throw ValueError(fmt::format("radius must not be negative, got {}", radius));
  return radius;
}

Array derivative_of_three(const Array& x, std::int64_t given, const Filter& filter, double middle,
                          std::string_view function) {
  const std::int64_t axis = detail::checked_axis(given, x.ndim());
  const auto modes = per_axis(function, "mode", filter.mode, z(x.ndim()));
  const double slope[] = {-1, 0, 1}, smooth[] = {1, middle, 1};
  Filter one = filter;
  const auto step = [&](const Array& y, std::span<const double> weights, std::int64_t d) {
    one.mode = {modes[z(d)]};
    return correlate1d(y, weights, d, one);
  };
  Array y = step(x, slope, axis);
  for (std::int64_t d = 0; d < x.ndim(); ++d)
    if (d != axis) y = step(y, smooth, d);
  return y;
}

// Derivatives along all axes, each in the mode of its axis, made one.
Array over_axes(std::string_view function, const Array& x, const Derivative& derivative,
                const Filter& filter, const std::function<Array(const Array&)>& each) {
  const Integers axes = checked_axes(filter.axes, x.ndim());
  const auto modes = per_axis(function, "mode", filter.mode, axes.size());
  Filter one = filter;
  one.axes = {};
  one.output = filter.output.value_or(x.dtype());
  Array sum;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    one.mode = {modes[i]};
    const Array part = each(derivative(x, axes[i], one));
    sum = sum ? sum + part : part;
  }
  return sum;
}

}  // namespace

Array gaussian_filter1d(const Array& x, double sigma, std::int64_t axis, std::int64_t order,
                        const Filter& filter, const Tail& tail) {
  return correlate1d(x, gaussian_weights(sigma, order, radius_of(sigma, tail, 0)), axis, filter);
}

Array gaussian_filter(const Array& x, const std::vector<double>& sigma, const Integers& order,
                      const Filter& filter, const Tail& tail) {
  const Integers axes = checked_axes(filter.axes, x.ndim());
  const auto sigmas = per_axis("gaussian_filter", "sigma", sigma, axes.size());
  const Integers orders = per_axis("gaussian_filter", "order", order, axes.size());
  const auto modes = per_axis("gaussian_filter", "mode", filter.mode, axes.size());
  if (tail.radius.size() > 1) per_axis("gaussian_filter", "radius", tail.radius, axes.size());
  Filter one = filter;
  one.origin = {0};
  one.output = filter.output.value_or(x.dtype());
  Array y = x;
  bool any = false;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    if (!(sigmas[i] > 1e-15)) continue;
    any = true;
    one.mode = {modes[i]};
    y = gaussian_filter1d(y, sigmas[i], axes[i], orders[i], one,
                          {0, {radius_of(sigmas[i], tail, i)}});
  }
  return any ? y : as_output(x, filter.output);
}

Array gaussian_gradient_magnitude(const Array& x, const std::vector<double>& sigma,
                                  const Filter& filter, const Tail& tail) {
  return generic_gradient_magnitude(
      x,
      [&](const Array& y, std::int64_t axis, const Filter& f) {
        Integers order(z(y.ndim()), 0);
        order[z(axis)] = 1;
        return gaussian_filter(y, sigma, order, f, tail);
      },
      filter);
}

Array gaussian_laplace(const Array& x, const std::vector<double>& sigma, const Filter& filter,
                       const Tail& tail) {
  const Integers axes = checked_axes(filter.axes, x.ndim());
  const auto given = per_axis("gaussian_laplace", "sigma", sigma, axes.size());
  std::vector<double> sigmas(z(x.ndim()), 0.0);
  for (std::size_t i = 0; i < axes.size(); ++i) sigmas[z(axes[i])] = given[i];
  return generic_laplace(
      x,
      [&](const Array& y, std::int64_t axis, const Filter& f) {
        Integers order(z(y.ndim()), 0);
        order[z(axis)] = 2;
        return gaussian_filter(y, sigmas, order, f, tail);
      },
      filter);
}

Array prewitt(const Array& x, std::int64_t axis, const Filter& filter) {
  return derivative_of_three(x, axis, filter, 1, "prewitt");
}
Array sobel(const Array& x, std::int64_t axis, const Filter& filter) {
  return derivative_of_three(x, axis, filter, 2, "sobel");
}
Array laplace(const Array& x, const Filter& filter) {
  const double weights[] = {1, -2, 1};
  return generic_laplace(
      x,
      [&](const Array& y, std::int64_t axis, const Filter& f) {
        return correlate1d(y, weights, axis, f);
      },
      filter);
}

Array generic_laplace(const Array& x, const Derivative& derivative2, const Filter& filter) {
  const Array sum =
      over_axes("generic_laplace", x, derivative2, filter, [](const Array& d) { return d; });
  return sum ? sum : as_output(x, filter.output);
}

Array generic_gradient_magnitude(const Array& x, const Derivative& derivative,
                                 const Filter& filter) {
  const Array sum = over_axes("generic_gradient_magnitude", x, derivative, filter,
                              [](const Array& d) { return d * d; });
  return sum ? as_output(sqrt(sum), filter.output.value_or(x.dtype()))
             : as_output(x, filter.output);
}

}  // namespace tessera::ndimage
