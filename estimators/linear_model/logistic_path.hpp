#pragma once
#include <string>
#include <string_view>
#include <vector>

#include <tessera/estimators/linear_model/loss_objective.hpp>

/// What LogisticRegression and LogisticRegressionCV share.
namespace tessera::detail {

struct LogisticPath {
  std::string solver;
  double C;  ///< infinite: no penalty
  double l1_ratio;
  double intercept_scaling;
  std::int64_t max_iter;
  double tol;
};

/// ValueError unless the solver takes the penalty "none", "l1", "l2" or "elasticnet".
void check_solver(const std::string& solver, const std::string& penalty, bool dual);
/// The mean loss over rows of k classes; ValueError for one class, and where liblinear has more
/// than two. Collective.
LossObjective logistic_objective(const Rows& x, const Array& codes, std::int64_t k,
                                 const Array& weights, bool fit_intercept,
                                 const std::string& solver);
solvers::Result minimise_logistic(LossObjective& objective, const LogisticPath& at,
                                  std::vector<double> start, std::string_view estimator);

}  // namespace tessera::detail
