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

/// 1/2 |Y - X W|_F^2 + l1 sum_j |w_j|_2 + l2/2 |W|_F^2 for the n rows w_j of W, one number for each
/// of `tasks`: rows are 0 as a whole.
struct GroupElasticNet {
  std::span<const double> gram;     ///< X^T X, n x n
  std::span<const double> product;  ///< X^T Y, n x tasks
  std::int64_t tasks = 1;
  double y_squares = 0.0;  ///< |Y|_F^2
  double l1 = 0.0;
  double l2 = 0.0;
};

/// The minimum from W0, row by row, as scikit-learn's multi-task coordinate descent, with its gap.
/// n (n + tasks) operations for each row.
ElasticNetResult group_coordinate_descent(const GroupElasticNet& problem, std::vector<double> w0,
                                          const CoordinateDescentOptions& options = {});

}  // namespace tessera::solvers
