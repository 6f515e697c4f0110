#pragma once
#include <tessera/solvers/newton.hpp>

namespace tessera::solvers {

/// A minimum of objective + sum_j l1_j |x_j|, the first smooth and convex, from x0: each step
/// minimises the quadratic model with the penalty by coordinate descent, and is shortened till the
/// sum falls. Lee, Sun, Saunders, "Proximal Newton-type methods for minimizing composite
/// functions", 2014. Stops when no element of the least subgradient is larger than gtol. O(n^2) per
/// coordinate sweep: for a few thousand unknowns at most.
Result proximal_newton(const Objective& objective, const Hessian& hessian,
                       std::span<const double> l1, std::vector<double> x0,
                       const NewtonOptions& options = {});

}  // namespace tessera::solvers
