#include <tessera/solvers/proximal_gradient.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include <tessera/solvers/line_search.hpp>
#include <tessera/solvers/vector.hpp>

namespace tessera::solvers {

Penalty l1_penalty(double weight) {
  return {[weight](std::span<const double> x) { return weight * sum_abs(x); },
          [weight](std::span<double> v, double step) {
            for (double& x : v) x = std::copysign(std::max(std::abs(x) - weight * step, 0.0), x);
          }};
}

Result proximal_gradient(const Objective& objective, const Penalty& penalty, std::vector<double> x0,
                         const ProximalGradientOptions& options) {
  Result result;
  // Minimises the penalty and, in place of the objective, its tangent at `from` plus curvature / 2
  // times the squared distance.
  const auto step_from = [&](const Point& from, double curvature) {
    std::vector<double> x = from.x;
    add(x, -1.0 / curvature, from.gradient);
    penalty.prox(x, 1.0 / curvature);
    return evaluate(objective, std::move(x), result.evaluations);
  };
  const auto is_above = [&](const Point& from, const Point& to, double curvature) {
    std::vector<double> move = to.x;
    add(move, -1.0, from.x);
    const double model = from.value + dot(from.gradient, move) + 0.5 * curvature * dot(move, move);
    return to.value <= model + 1e-14 * std::abs(model);
  };

  Point x = evaluate(objective, std::move(x0), result.evaluations);
  Point y = x;
  const auto end = [&](bool converged, std::string why) {
    x.value += penalty.value(x.x);
    return ended(std::move(result), std::move(x), converged, std::move(why));
  };
  if (!std::isfinite(x.value)) return end(false, "the objective is not finite at the start");
  double curvature = options.lipschitz > 0 ? options.lipschitz : 1.0;
  double t = 1.0;
  for (;;) {
    if (result.n_iter >= options.max_iter)
      return end(false, fmt::format("max_iter={} reached", options.max_iter));
    Point next = step_from(y, curvature);
    if (options.lipschitz <= 0) {
      if (result.n_iter == 0 && is_above(y, next, curvature))
        for (int i = 0; i < 60; ++i) {  // the first guess may be far too large
          Point longer = step_from(y, curvature / 2);
          if (!is_above(y, longer, curvature / 2)) break;
          curvature /= 2;
          next = std::move(longer);
        }
      while (!is_above(y, next, curvature)) {
        curvature *= 2;
        if (!std::isfinite(curvature)) return end(false, "no step leads to a lower point");
        next = step_from(y, curvature);
      }
    }
    ++result.n_iter;
    std::vector<double> back = y.x;
    add(back, -1.0, next.x);
    std::vector<double> forth = next.x;
    add(forth, -1.0, x.x);
    x = std::move(next);
    const double largest = curvature * max_abs(back);
    if (largest <= options.tol)
      return end(true, fmt::format("proximal gradient of {} within tol={}", largest, options.tol));
    if (dot(back, forth) > 0) {
      t = 1.0;
      y = x;
      continue;
    }
    const double following = (1.0 + std::sqrt(1.0 + 4.0 * t * t)) / 2.0;
    std::vector<double> ahead = x.x;
    add(ahead, (t - 1.0) / following, forth);
    t = following;
    y = evaluate(objective, std::move(ahead), result.evaluations);
  }
}

}  // namespace tessera::solvers
