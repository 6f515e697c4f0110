#pragma once
#include <tessera/solvers/objective.hpp>

namespace tessera::solvers {

/// A convex function g, not smooth, by its value and its proximal map.
struct Penalty {
  std::function<double(std::span<const double> x)> value;
  /// v becomes the x that minimises g(x) + |x - v|^2 / (2 step).
  std::function<void(std::span<double> v, double step)> prox;
};

/// weight |x|_1.
Penalty l1_penalty(double weight);

struct ProximalGradientOptions {
  std::int64_t max_iter = 1000;
  double tol = 1e-6;  ///< stop when no element of the proximal gradient, (y - x) / step, is larger
  /// Of the gradient, where it is known; 0: found by trial, and never more than is needed.
  double lipschitz = 0.0;
};

/// A minimum of objective + penalty, the first smooth and convex, by the accelerated proximal
/// gradient method from x0: Beck and Teboulle, "A fast iterative shrinkage-thresholding algorithm",
/// 2009, restarted when it would go uphill (O'Donoghue and Candes 2015).
Result proximal_gradient(const Objective& objective, const Penalty& penalty, std::vector<double> x0,
                         const ProximalGradientOptions& options = {});

}  // namespace tessera::solvers
