#include <tessera/estimators/linear_model/huber_regressor.hpp>

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include <tessera/estimators/common_parameters.hpp>
#include <tessera/estimators/linear_model/loss_objective.hpp>
#include <tessera/runtime/warn.hpp>
#include <tessera/solvers/lbfgs.hpp>

namespace tessera {

using namespace common;

const EstimatorType& HuberRegressor::describe() {
  using Self = HuberRegressor;
  static const auto type = EstimatorType::of<Self>(
      "linear regression that outliers do not rule",
      {parameter("epsilon", &Params::epsilon, reals(1.0),
                 "residuals beyond so many scales count by their size, not their square"),
       parameter("max_iter", &Params::max_iter, integers(0), "most iterations of L-BFGS"),
       parameter("alpha", &Params::alpha, reals(0.0), "strength of the L2 penalty"),
       with_warm_start<Params>(), with_intercept<Params>(),
       parameter("tol", &Params::tol, reals(0.0),
                 "stop when no element of the gradient is larger")},
      {coef_attribute<Self>(), intercept_attribute<Self>(),
       attribute("scale_", &Self::scale_, number({.low = 0.0})),
       attribute("n_iter_", &Self::n_iter_, integers(0)),
       row_attribute("outliers_", &Self::outliers_)},
      {method("fit", &Self::do_fit, "finds the coefficients")});
  return type;
}

void HuberRegressor::do_fit(const Rows& x, const Array& given_y, const Array& sample_weight) {
  if (given_y.cols() != 1)
    throw ValueError(fmt::format("y should be a 1d array, got an array of shape {} instead.",
                                 to_string(given_y.shape())));
  const Array y = given_y.reshape({given_y.rows()});
  detail::LossObjective objective(
      x, y, sample_weight, {.loss = Loss::huber, .epsilon = params.epsilon}, params.fit_intercept);
  objective.penalise(2 * params.alpha / objective.weight());
  std::vector<double> start(objective.unknowns());
  double scale = 1.0;
  if (params.warm_start && coef_ && coef_.shape() == Shape{x.cols()}) {
    start = objective.unknowns_of(detail::doubles(coef_), {intercept_.as<double>()});
    scale = scale_;
  }
  start.push_back(scale);
  const auto loss = [&](std::span<const double> w, std::span<double> gradient) {
    const std::size_t n = w.size() - 1;
    if (!(w[n] > 1e-15)) return std::numeric_limits<double>::infinity();
    objective.set_scale(w[n]);
    const double value = objective.evaluate(w.first(n), gradient.first(n));
    gradient[n] = objective.scale_slope();
    return value;
  };
  auto result = solvers::lbfgs(
      loss, std::move(start),
      {.max_iter = params.max_iter, .gtol = params.tol / objective.weight(), .ftol = 64 * 0x1p-52});
  if (!std::isfinite(result.value)) {
    require_finite(x, "X", name());
    throw ValueError("HuberRegressor: the loss overflows at the start: scale X");
  }
  if (!result.converged)
    warn(fmt::format("HuberRegressor: lbfgs did not converge: {}. Increase max_iter or scale X",
                     result.why),
         "ConvergenceWarning");
  scale_ = result.x.back();
  result.x.pop_back();
  n_iter_ = result.n_iter;
  set_coefficients(objective.coefficients(result.x).values(), objective.intercepts(result.x)[0], x);
  const Rows predicted =
      detail::linear_predictor(x, coef_, {intercept_.as<double>()}, true, name(), "fit", {});
  outliers_ =
      collect(map_rows(zip(predicted.to(cpu), {y.to(cpu)}), {x.rows()}, DType::boolean,
                       [limit = scale_ * params.epsilon](const Leaf& in, const Tile& out, Stream&) {
                         visit_floating(in.tile.dtype, [&](auto tag) {
                           using T = typename decltype(tag)::type;
                           for (std::int64_t i = 0; i < out.rows; ++i)
                             out.as<bool>()[i] =
                                 std::abs(static_cast<double>(
                                     in.beside[0].as<const T>()[i] -
                                     in.tile.as<const T>()[i * in.tile.stride])) > limit;
                         });
                       }))
          .to(x.device());
}

namespace detail {
const EstimatorType& huber_regressor() { return HuberRegressor::describe(); }
}  // namespace detail

}  // namespace tessera
