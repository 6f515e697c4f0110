#include <tessera/estimators/linear_model/matrix_free.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>

#include <tessera/estimators/linear_model/loss_objective.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/solvers/proximal_gradient.hpp>
#include <tessera/solvers/vector.hpp>

namespace tessera::detail {
namespace {

std::atomic<std::int64_t> most_columns{16384};

}  // namespace

bool has_gram(std::int64_t columns) { return columns <= most_columns; }
void limit_gram(std::int64_t columns) { most_columns = columns; }

MatrixFree descend_by_rows(const Rows& x, const Array& y, const Array& weights, bool fit_intercept,
                           double l1, double l2, std::vector<double> start,
                           const DescentOptions& options, std::string_view estimator) {
  LossObjective objective(x, y, weights, {.loss = Loss::squared}, fit_intercept);
  const auto p = static_cast<std::size_t>(x.cols());
  const auto smooth = [&](std::span<const double> w, std::span<double> g) {
    return objective.evaluate(w, g);
  };
  std::vector<double> w(objective.unknowns()), gradient(w.size());
  // Half the mean square of y, about its mean, which is the intercept to begin with.
  double value = smooth(w, gradient);
  if (fit_intercept) {
    w.back() = -gradient.back();
    value = smooth(w, gradient);
  }
  if (!std::isfinite(value) || !std::isfinite(solvers::sum_abs(gradient))) {
    require_finite(x, "X", estimator);
    throw ValueError(fmt::format("{}: squares of X or y leave the range of float64", estimator));
  }
  MatrixFree result;
  result.tolerance = 2 * value * options.tol;
  objective.penalise(l2);
  std::copy(start.begin(), start.end(), w.begin());
  if (fit_intercept) {  // the best one beside these
    smooth(w, gradient);
    w.back() -= gradient.back();
  }

  const solvers::Penalty penalty = {
      [&](std::span<const double> at) { return l1 * solvers::sum_abs(at.first(p)); },
      [&](std::span<double> v, double step) {
        for (double& one : v.first(p)) {
          const double size = std::max((options.positive ? one : std::abs(one)) - l1 * step, 0.0);
          one = options.positive ? size : std::copysign(size, one);
        }
      }};
  // The gap as of coordinate_descent(), from the loss and its gradient alone.
  const auto gap_at = [&] {
    const double all = smooth(w, gradient);
    const auto coef = std::span(w).first(p), slope = std::span(gradient).first(p);
    const double squares = solvers::dot(coef, coef), sizes = solvers::sum_abs(coef);
    const double left = 2 * all - l2 * squares;  // the mean square of what is left of y
    double along = left - solvers::dot(coef, slope) + l2 * squares;  // by y
    double most = 0.0;
    for (const double g : slope) most = std::max(most, options.positive ? -g : std::abs(g));
    const double scale = most > l1 ? l1 / most : 1.0;
    return 0.5 * left * (1 + scale * scale) + l1 * sizes - scale * along +
           0.5 * l2 * (1 + scale * scale) * squares;
  };
  result.gap = gap_at();
  double tol = std::max(solvers::max_abs(gradient), 1e-300);
  while (result.gap > result.tolerance && result.n_iter < options.max_iter) {
    tol /= 8;
    auto found = solvers::proximal_gradient(
        smooth, penalty, std::move(w), {.max_iter = options.max_iter - result.n_iter, .tol = tol});
    w = std::move(found.x);
    result.n_iter += found.n_iter;
    const double before = result.gap;
    result.gap = gap_at();
    if (found.n_iter == 0 && result.gap >= before && tol < 1e-300) break;
  }
  result.coef.assign(w.begin(), w.begin() + static_cast<std::ptrdiff_t>(p));
  result.intercept = fit_intercept ? w.back() : 0.0;
  return result;
}

}  // namespace tessera::detail
