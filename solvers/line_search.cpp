#include <tessera/solvers/line_search.hpp>

#include <cmath>
#include <limits>
#include <utility>

#include <tessera/solvers/vector.hpp>

namespace tessera::solvers {
namespace {

constexpr double enough_fall = 1e-4;
constexpr double enough_slope = 0.9;
constexpr int most_trials = 40;

struct Trial {
  double step = 0.0;
  double slope = 0.0;
  Point point;
  double value() const { return point.value; }
};

// Where the cubic through the values and slopes of both ends is least; the middle if that is no
// number or near an end.
double between(const Trial& a, const Trial& b) {
  const double low = std::min(a.step, b.step);
  const double high = std::max(a.step, b.step);
  const double margin = 0.1 * (high - low);
  const double d1 = a.slope + b.slope - 3 * (a.value() - b.value()) / (a.step - b.step);
  const double d2 = std::copysign(std::sqrt(d1 * d1 - a.slope * b.slope), b.step - a.step);
  const double step =
      b.step - (b.step - a.step) * (b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2);
  return step >= low + margin && step <= high - margin ? step : low + (high - low) / 2;
}

}  // namespace

Point evaluate(const Objective& objective, std::vector<double> x, std::int64_t& evaluations) {
  Point p{std::move(x), 0.0, {}};
  p.gradient.resize(p.x.size());
  p.value = objective(p.x, p.gradient);
  ++evaluations;
  return p;
}

Result ended(Result result, Point at, bool converged, std::string why) {
  result.x = std::move(at.x);
  result.value = at.value;
  result.converged = converged;
  result.why = std::move(why);
  return result;
}

bool line_search(const Objective& objective, std::span<const double> direction, double first_step,
                 Point& at, std::int64_t& evaluations) {
  const double start = at.value;
  const double slope = dot(at.gradient, direction);
  if (!(slope < 0)) return false;

  const auto try_step = [&](double step) {
    std::vector<double> x = at.x;
    add(x, step, direction);
    Trial t{step, 0.0, evaluate(objective, std::move(x), evaluations)};
    t.slope = dot(t.point.gradient, direction);
    if (!std::isfinite(t.value()) || !std::isfinite(t.slope))
      t.point.value = std::numeric_limits<double>::infinity();
    return t;
  };
  const double rounding = 1e-15 * std::abs(start);
  const auto falls = [&](const Trial& t) {
    return t.value() <= start + enough_fall * t.step * slope ||
           (t.value() <= start + rounding && t.slope <= (2 * enough_fall - 1) * slope);
  };
  const auto is_flat = [&](const Trial& t) { return std::abs(t.slope) <= -enough_slope * slope; };
  const auto accept = [&](Trial& t) {
    at = std::move(t.point);
    return true;
  };

  Trial low{0.0, slope, {{}, start, {}}};
  Trial high;
  bool bracketed = false;
  double step = first_step;
  for (int trial = 0; trial < most_trials; ++trial) {
    Trial t = try_step(bracketed ? between(low, high) : step);
    if (!falls(t) || (t.value() >= low.value() && low.step > 0)) {
      high = std::move(t);
      bracketed = true;
    } else if (is_flat(t)) {
      return accept(t);
    } else {
      // Lower than all before: it is the new low end, and the slope says on which side to look.
      const bool turns = bracketed ? t.slope * (high.step - low.step) >= 0 : t.slope >= 0;
      if (turns) {
        high = std::move(low);
        bracketed = true;
      }
      low = std::move(t);
      step *= 2;
    }
    if (bracketed && std::abs(high.step - low.step) <= 1e-16 * std::max(high.step, low.step)) break;
  }
  return low.step > 0 && accept(low);
}

}  // namespace tessera::solvers
