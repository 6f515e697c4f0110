#include <tessera/solvers/lbfgs.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <utility>

#include <tessera/solvers/line_search.hpp>
#include <tessera/solvers/vector.hpp>

namespace tessera::solvers {
namespace {

/// A step and how the gradient changed over it.
struct Step {
  std::vector<double> s;
  std::vector<double> y;
  double sy = 0.0;
};

// Minus the inverse Hessian, as the steps know it, times the gradient: the two loops.
std::vector<double> direction_of(const std::deque<Step>& steps, std::span<const double> gradient) {
  std::vector<double> d(gradient.size());
  for (std::size_t i = 0; i < d.size(); ++i) d[i] = -gradient[i];
  std::vector<double> alpha(steps.size());
  for (std::size_t k = steps.size(); k-- > 0;) {
    alpha[k] = dot(steps[k].s, d) / steps[k].sy;
    add(d, -alpha[k], steps[k].y);
  }
  if (!steps.empty()) {
    const double scale = steps.back().sy / dot(steps.back().y, steps.back().y);
    for (double& v : d) v *= scale;
  }
  for (std::size_t k = 0; k < steps.size(); ++k)
    add(d, alpha[k] - dot(steps[k].y, d) / steps[k].sy, steps[k].s);
  return d;
}

}  // namespace

Result lbfgs(const Objective& objective, std::vector<double> x0, const LbfgsOptions& options) {
  Result result;
  Point at = evaluate(objective, std::move(x0), result.evaluations);
  std::deque<Step> steps;
  const auto end = [&](bool converged, std::string why) {
    return ended(std::move(result), std::move(at), converged, std::move(why));
  };
  if (!std::isfinite(at.value)) return end(false, "the objective is not finite at the start");
  for (;;) {
    const double largest = max_abs(at.gradient);
    if (largest <= options.gtol)
      return end(true, fmt::format("gradient of {} within gtol={}", largest, options.gtol));
    if (result.n_iter >= options.max_iter)
      return end(false, fmt::format("max_iter={} reached", options.max_iter));

    Point next = at;
    const double length = std::sqrt(dot(at.gradient, at.gradient));
    if (!line_search(objective, direction_of(steps, at.gradient),
                     steps.empty() ? std::min(1.0, 1.0 / length) : 1.0, next, result.evaluations)) {
      if (steps.empty()) return end(false, "the line search found no lower point");
      steps.clear();  // what they know is of no use here: once more, down the gradient
      continue;
    }
    ++result.n_iter;
    const double fall = at.value - next.value;
    const double size = std::max({std::abs(at.value), std::abs(next.value), 1.0});
    Step step{next.x, next.gradient};
    add(step.s, -1.0, at.x);
    add(step.y, -1.0, at.gradient);
    step.sy = dot(step.s, step.y);
    if (step.sy > std::numeric_limits<double>::epsilon() * dot(step.y, step.y)) {
      steps.push_back(std::move(step));
      if (std::ssize(steps) > options.memory) steps.pop_front();
    }
    at = std::move(next);
    if (fall <= options.ftol * size && max_abs(at.gradient) > options.gtol)
      return end(true, fmt::format("value fell by {}, within ftol={}", fall, options.ftol));
  }
}

}  // namespace tessera::solvers
