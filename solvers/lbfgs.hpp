#pragma once
#include <tessera/solvers/objective.hpp>

namespace tessera::solvers {

/// Names and defaults as SciPy's L-BFGS-B has them.
struct LbfgsOptions {
  std::int64_t max_iter = 15000;
  double gtol = 1e-5;  ///< stop when no element of the gradient is larger
  double ftol =
      2.220446049250313e-09;  ///< or the value falls by less than this share of it or of 1
  int memory = 10;            ///< steps from which the curvature is known
};

/// A minimum of a smooth function by the limited-memory BFGS method from x0. Liu and Nocedal, "On
/// the limited memory BFGS method for large scale optimization", 1989.
Result lbfgs(const Objective& objective, std::vector<double> x0, const LbfgsOptions& options = {});

}  // namespace tessera::solvers
