#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include <tessera/estimators/linear_model/elastic_net.hpp>
#include <tessera/linalg/gram.hpp>
#include <tessera/runtime/row_set.hpp>
#include <tessera/solvers/coordinate_descent.hpp>

/// What is solved on a Gram matrix of [X y] alone.
namespace tessera::detail {

/// The part of a Gram matrix that belongs to one target of q, or to all as a group, whose
/// coefficients are 0 together.
struct GramProblem {
  GramProblem(const linalg::CenteredGram& gram, std::int64_t targets, std::int64_t target);
  /// Of all targets.
  GramProblem(const linalg::CenteredGram& gram, std::int64_t targets);
  std::int64_t tasks = 1;
  bool grouped = false;
  std::vector<double> gram;     ///< p x p
  std::vector<double> product;  ///< X^T y, p x tasks
  double y_squares;
  double weight;
  std::int64_t p() const { return static_cast<std::int64_t>(product.size()) / tasks; }
  /// What coefficients w (p x tasks) leave of y: |y - X w|^2.
  double residual(std::span<const double> w) const;

 private:
  void take(const linalg::CenteredGram& gram, std::int64_t targets, std::int64_t first);
};

struct DescentOptions {
  double tol;
  std::int64_t max_iter;
  bool positive = false;
  std::optional<std::uint32_t> seed = {};  ///< of the random order of coordinates
};

/// ElasticNet's coefficients, or of a group MultiTaskElasticNet's (rows of p x tasks), for alphas
/// that descend, each from the one before, the first from `start`. Local.
Path descend(const GramProblem& problem, double l1_ratio, const std::vector<double>& alphas,
             std::vector<double> start, const DescentOptions& options);
/// scikit-learn's grid: from the least alpha that leaves no coefficient down to eps times it.
std::vector<double> alpha_grid(const GramProblem& problem, double l1_ratio, double eps,
                               std::int64_t n_alphas);
/// A ConvergenceWarning for gaps, by the weight, that are larger than tol y^T y, by the weight.
void warn_of_gap(double gap, double tolerance, std::string_view estimator);

/// linalg::centered_gram of the rows of every fold, of all in one pass. Every row is in one fold.
/// Collective; the same bits at any number of processes.
std::vector<linalg::CenteredGram> fold_grams(const Rows& x, const Array& y, const Array& weights,
                                             bool center, const std::vector<RowSet>& folds);
/// Those of all folds but one, or of all, as one.
linalg::CenteredGram merged(const std::vector<linalg::CenteredGram>& folds, std::int64_t but = -1);

}  // namespace tessera::detail
