#pragma once
#include <tessera/runtime/random_state.hpp>
#include <tessera/solvers/objective.hpp>

namespace tessera::solvers {

/// 1/2 |y - X w|^2 + l1 |w|_1 + l2/2 |w|_2^2 by what it depends on of X and y, for n weights.
struct ElasticNet {
  std::span<const double> gram;     ///< X^T X, n x n
  std::span<const double> product;  ///< X^T y, n
  double y_squares = 0.0;           ///< y^T y
  double l1 = 0.0;
  double l2 = 0.0;
  bool positive = false;  ///< no weight below 0
};

struct CoordinateDescentOptions {
  std::int64_t max_iter = 1000;
  double tol = 1e-4;  ///< stop when the duality gap is at most this times y^T y
  /// Draws the coordinates in scikit-learn's order (selection='random'); null goes through them.
  RandomState* random = nullptr;
};

struct ElasticNetResult : Result {
  double gap = 0.0;        ///< what the value is above the minimum, at most
  double tolerance = 0.0;  ///< for the gap
};

/// The minimum over w, from w0, coordinate by coordinate, as scikit-learn's coordinate descent with
/// a precomputed Gram matrix: the same order, gap (the squared gradient where there is no penalty)
/// and screening of weights that must be 0 (Fercoq, Gramfort, Salmon, "Mind the duality gap",
/// 2015), so also the same number of iterations. n^2 operations each.
ElasticNetResult coordinate_descent(const ElasticNet& problem, std::vector<double> w0,
                                    const CoordinateDescentOptions& options = {});

}  // namespace tessera::solvers
