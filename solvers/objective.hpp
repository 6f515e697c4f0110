#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

/// Minimisers on vectors that every process has whole. They know no processes: what depends on data
/// is in the objective, which is a reduction, so that all processes see the same numbers and take
/// the same steps. Deterministic, and on one thread.
namespace tessera::solvers {

/// The value at x; fills the gradient, which has x's size. A value that is not finite is a step too
/// far.
using Objective = std::function<double(std::span<const double> x, std::span<double> gradient)>;

/// Where a minimiser ended.
struct Result {
  std::vector<double> x;
  double value = 0.0;  ///< of what is minimised, at x
  std::int64_t n_iter = 0;
  std::int64_t evaluations = 0;  ///< of the objective
  bool converged = false;
  std::string why;  ///< what ended it, for a warning: "max_iter=100 reached"
};

}  // namespace tessera::solvers
