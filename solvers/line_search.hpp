#pragma once
#include <tessera/solvers/objective.hpp>

namespace tessera::solvers {

struct Point {
  std::vector<double> x;
  double value = 0.0;
  std::vector<double> gradient;
};

/// The objective at x; adds one to `evaluations`.
Point evaluate(const Objective& objective, std::vector<double> x, std::int64_t& evaluations);

/// `result` with where it ended and why.
Result ended(Result result, Point at, bool converged, std::string why);

/// Moves `at` along `direction` to a point that meets the strong Wolfe conditions (value falls by
/// 10^-4 of what the slope promises, slope by a tenth), tried from `first_step` on. Where rounding
/// hides the fall of the value, the slope decides (Hager and Zhang 2005). False, and nothing is
/// moved, if the direction does not descend or no lower point is found. Nocedal and Wright,
/// Numerical Optimization, 2006, section 3.5.
bool line_search(const Objective& objective, std::span<const double> direction, double first_step,
                 Point& at, std::int64_t& evaluations);

}  // namespace tessera::solvers
