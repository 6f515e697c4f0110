#pragma once
#include <string_view>
#include <vector>

#include <tessera/estimators/kernels/kernels.hpp>
#include <tessera/linalg/small.hpp>
#include <tessera/runtime/rows.hpp>
#include <tessera/solvers/newton.hpp>

namespace tessera::detail {

/// The mean loss of a linear model over the rows of x, by weight, with penalties, as solvers take
/// it. The unknowns are k rows of p coefficients, each with its intercept after it if there is one.
/// One pass over x gives loss and gradient, and the Hessian where the solver wants that, too.
class LossObjective {
 public:
  /// y (n,) and the weights, or none, have x's dtype. Collective, as all its functions that
  /// evaluate.
  LossObjective(const Rows& x, const Array& y, const Array& weights, const LinearLoss& loss,
                bool fit_intercept);

  std::size_t unknowns() const { return l2_.size(); }
  /// The sum of the weights.
  double weight() const { return weight_; }
  /// The penalty: l2 / 2 |w|_2^2 + l1 |w|_1, with intercepts times `of_intercept`.
  void penalise(double l2, double l1 = 0.0, double of_intercept = 0.0);

  /// The minimum from `start`: by `solver` "lbfgs", "newton-cg", "newton-cholesky" or "proximal",
  /// which takes an l1. A ConvergenceWarning naming `solver` and why it is not there; ValueError
  /// for a NaN or infinity in x, and where the loss overflows at the start.
  solvers::Result minimise(std::string_view solver, std::vector<double> start,
                           std::int64_t max_iter, double tol, std::string_view estimator);

  /// The scale of huber may change between evaluations, which tell the slope of the mean loss by
  /// it.
  void set_scale(double scale) { loss_.scale = scale; }
  double scale_slope() const { return scale_slope_; }

  /// Value and gradient at w, without l1; with `curvature` the Hessian is kept for hessian().
  double evaluate(std::span<const double> w, std::span<double> gradient, bool curvature = false);
  void hessian(std::span<const double> w, std::span<double> out);
  void product(std::span<const double> w, std::span<const double> v, std::span<double> out);

  /// The unknowns as coefficients (k x p) and intercepts, which are 0 without.
  linalg::Small coefficients(const std::vector<double>& w) const;
  std::vector<double> intercepts(const std::vector<double>& w) const;
  /// The unknowns from those.
  std::vector<double> unknowns_of(const std::vector<double>& coef,
                                  const std::vector<double>& intercept) const;

 private:
  std::vector<double> with_intercepts(std::span<const double> w) const;
  std::int64_t width() const { return p_ + (fit_intercept_ ? 1 : 0); }
  Rows x_;
  Rows zipped_;
  LinearLoss loss_;
  bool fit_intercept_;
  std::int64_t p_;
  std::vector<double> l2_, l1_;
  double weight_;
  double scale_slope_ = 0.0;
  std::vector<double> curved_at_, hessian_;
};

}  // namespace tessera::detail
