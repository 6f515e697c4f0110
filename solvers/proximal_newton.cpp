#include <tessera/solvers/proximal_newton.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include <tessera/solvers/line_search.hpp>
#include <tessera/solvers/vector.hpp>

namespace tessera::solvers {
namespace {

// The element of the subgradient of g x + l1 |x| at x that is nearest to 0.
double subgradient(double g, double l1, double x) {
  if (x != 0.0) return g + std::copysign(l1, x);
  return std::copysign(std::max(std::abs(g) - l1, 0.0), g);
}

double penalty(std::span<const double> l1, std::span<const double> x) {
  double sum = 0.0;
  for (std::size_t j = 0; j < x.size(); ++j) sum += l1[j] * std::abs(x[j]);
  return sum;
}

// The step d from `at` that minimises g^T d + d^T H d / 2 + sum l1 |x + d|, up to `enough` of its
// subgradient.
std::vector<double> model_step(const Point& at, std::span<const double> h,
                               std::span<const double> l1, double enough) {
  const std::size_t n = at.x.size();
  constexpr int most_sweeps = 10000;
  std::vector<double> d(n);
  std::vector<double> slope = at.gradient;  // of the model without the penalty
  for (int sweep = 0; sweep < most_sweeps; ++sweep) {
    double largest = 0.0;
    for (std::size_t j = 0; j < n; ++j) {
      const double curvature = h[j * n + j];
      const double x = at.x[j] + d[j];
      largest = std::max(largest, std::abs(subgradient(slope[j], l1[j], x)));
      if (!(curvature > 0)) continue;
      const double pull = x - slope[j] / curvature;
      const double next = std::copysign(std::max(std::abs(pull) - l1[j] / curvature, 0.0), pull);
      if (next == x) continue;
      add(slope, next - x, h.subspan(j * n, n));
      d[j] += next - x;
    }
    if (largest <= enough) break;
  }
  return d;
}

}  // namespace

Result proximal_newton(const Objective& objective, const Hessian& hessian,
                       std::span<const double> l1, std::vector<double> x0,
                       const NewtonOptions& options) {
  const std::size_t n = x0.size();
  Result result;
  Point at = evaluate(objective, std::move(x0), result.evaluations);
  const auto end = [&](bool converged, std::string why) {
    result.value = at.value + penalty(l1, at.x);
    result.x = std::move(at.x);
    result.converged = converged;
    result.why = std::move(why);
    return result;
  };
  if (!std::isfinite(at.value)) return end(false, "the objective is not finite at the start");
  std::vector<double> h(n * n);
  for (;; ++result.n_iter) {
    double largest = 0.0;
    for (std::size_t j = 0; j < n; ++j)
      largest = std::max(largest, std::abs(subgradient(at.gradient[j], l1[j], at.x[j])));
    if (largest <= options.gtol)
      return end(true, fmt::format("subgradient of {} within gtol={}", largest, options.gtol));
    if (result.n_iter >= options.max_iter)
      return end(false, fmt::format("max_iter={} reached", options.max_iter));
    std::fill(h.begin(), h.end(), 0.0);
    hessian(at.x, h);
    const std::vector<double> d =
        model_step(at, h, l1, std::min(0.1, std::sqrt(largest)) * largest);
    const double before = at.value + penalty(l1, at.x);
    std::vector<double> x = at.x;
    add(x, 1.0, d);
    const double promised = dot(at.gradient, d) + penalty(l1, x) - penalty(l1, at.x);
    Point next;
    bool lower = false;
    for (double step = 1.0; !lower && step > 1e-10; step /= 2) {
      x = at.x;
      add(x, step, d);
      next = evaluate(objective, std::move(x), result.evaluations);
      lower = next.value + penalty(l1, next.x) <=
              before + 1e-4 * step * promised + 1e-15 * std::abs(before);
    }
    if (!lower) return end(false, "no step leads to a lower point");
    at = std::move(next);
  }
}

}  // namespace tessera::solvers
