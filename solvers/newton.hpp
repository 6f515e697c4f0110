#pragma once
#include <tessera/solvers/objective.hpp>

namespace tessera::solvers {

struct NewtonOptions {
  std::int64_t max_iter = 100;
  double gtol = 1e-4;            ///< stop when no element of the gradient is larger
  std::int64_t max_inner = 200;  ///< steps of conjugate gradients in newton_cg
};

/// Fills the n x n Hessian at x, symmetric, row-major.
using Hessian = std::function<void(std::span<const double> x, std::span<double> hessian)>;
/// out = H(x) v.
using HessianProduct = std::function<void(std::span<const double> x, std::span<const double> v,
                                          std::span<double> out)>;

/// A minimum of a smooth function by Newton's method with a line search from x0. Where the Hessian
/// is not positive definite a multiple of the identity is added. O(n^3) per iteration: for a few
/// thousand unknowns at most.
Result newton(const Objective& objective, const Hessian& hessian, std::vector<double> x0,
              const NewtonOptions& options = {});

/// The same with the Newton step found by conjugate gradients, as far as it is worth at a gradient
/// of that size, or till the Hessian shows a direction without positive curvature. Nocedal and
/// Wright, Numerical Optimization, 2006, section 7.1.
Result newton_cg(const Objective& objective, const HessianProduct& product, std::vector<double> x0,
                 const NewtonOptions& options = {});

}  // namespace tessera::solvers
