#include <tessera/estimators/linear_model/glm.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <tessera/estimators/class_scores.hpp>
#include <tessera/estimators/common_parameters.hpp>
#include <tessera/estimators/linear_model/loss_objective.hpp>
#include <tessera/estimators/metrics/regression.hpp>
#include <tessera/estimators/wide_rows.hpp>
#include <tessera/runtime/reduce.hpp>

namespace tessera {

using namespace common;
namespace {

/// Of a target: its least value, the sum of it and of the weights.
struct TargetSums {
  double least = std::numeric_limits<double>::infinity();
  double sum = 0.0, weight = 0.0;
  void merge(const TargetSums& right) {
    least = std::min(least, right.least);
    sum += right.sum;
    weight += right.weight;
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(least, sum, weight);
  }
};

TargetSums sums_of(const Array& y, const Array& weights) {
  const Rows rows = zip(Rows(y.to(cpu)), {weights ? weights.to(cpu) : weights});
  return reduce<TargetSums>(rows, [](const Leaf& leaf, Stream&) {
    TargetSums s;
    for_each_wide_row(leaf.tile, [&](std::int64_t i, std::span<const double> y_i) {
      const double w = weight_of(leaf.beside[0], i);
      s.least = std::min(s.least, y_i[0]);
      s.sum += w * y_i[0];
      s.weight += w;
    });
    return s;
  });
}

}  // namespace

std::vector<Method> GeneralizedLinearModel::role_methods() {
  return {method("predict", &GeneralizedLinearModel::do_predict_mean, "the mean of each row, (n,)"),
          method("score", &GeneralizedLinearModel::do_score_deviance,
                 "D^2, the share of the deviance that is explained")};
}

template <class Params>
void GeneralizedLinearModel::fit_mean(const Rows& x, const Array& given_y,
                                      const Array& sample_weight, const Params& params) {
  const auto [power, log_link] = family();
  if (power > 0 && power < 1)
    throw ValueError(fmt::format(
        "{}: Tweedie deviance is only defined for power<=0 and power>=1, got {}", name(), power));
  if (given_y.cols() != 1)
    throw ValueError(fmt::format("y should be a 1d array, got an array of shape {} instead.",
                                 to_string(given_y.shape())));
  const Array y = given_y.reshape({given_y.rows()});
  const TargetSums target = sums_of(y, sample_weight);
  if ((power >= 2 && !(target.least > 0)) || (power >= 1 && !(target.least >= 0)))
    throw ValueError(
        fmt::format("Some value(s) of y are out of the valid range of the loss: {} of "
                    "power {} needs y {} 0, and the least is {}",
                    name(), power, power >= 2 ? ">" : ">=", target.least));
  const Loss loss = !log_link    ? Loss::tweedie_identity
                    : power == 1 ? Loss::poisson
                    : power == 2 ? Loss::gamma
                                 : Loss::tweedie;
  detail::LossObjective objective(x, y, sample_weight, {.loss = loss, .power = power},
                                  params.fit_intercept);
  objective.penalise(params.alpha);
  std::vector<double> start(objective.unknowns());
  if (params.warm_start && coef_ && coef_.shape() == Shape{x.cols()})
    start = objective.unknowns_of(detail::doubles(coef_), {intercept_.as<double>()});
  else if (params.fit_intercept)
    start.back() = log_link ? std::log(target.sum / target.weight) : target.sum / target.weight;
  const auto result =
      objective.minimise(params.solver, std::move(start), params.max_iter, params.tol, name());
  set_coefficients(objective.coefficients(result.x).values(), objective.intercepts(result.x)[0], x);
  n_iter_ = result.n_iter;
}

Rows GeneralizedLinearModel::do_predict_mean(const Rows& x) const {
  const Rows u = detail::linear_predictor(x, coef_, {intercept_.as<double>()}, true, name(),
                                          "predict", feature_names_in_);
  return family().second ? detail::exponential(u) : u;
}

double GeneralizedLinearModel::do_score_deviance(const Rows& x, const Array& y,
                                                 const Array& sample_weight) const {
  return metrics::d2_tweedie_score({y, run("predict", x)[0], sample_weight}, family().first)[0];
}

namespace {

template <class P>
FieldOf<P> with_alpha() {
  return parameter<P, double>("alpha", &P::alpha, reals(0.0), "strength of the L2 penalty");
}
template <class P>
FieldOf<P> with_solver() {
  return parameter<P, std::string>("solver", &P::solver, words({"lbfgs", "newton-cholesky"}),
                                   "newton-cholesky forms the Hessian, p x p");
}
}  // namespace

const EstimatorType& PoissonRegressor::describe() {
  using Self = PoissonRegressor;
  using P = Params;
  static const auto type = EstimatorType::of<Self>(
      "Poisson regression with an L2 penalty",
      {with_alpha<P>(), with_intercept<P>(), with_solver<P>(), with_solver_iterations<P>(),
       with_gradient_tol<P>(Closed::neither), with_warm_start<P>(), with_unused_verbose<P>()},
      {coef_attribute<Self>(), intercept_attribute<Self>(),
       attribute<Self, std::int64_t>("n_iter_", &Self::n_iter_, integers(0))},
      {method("fit", &Self::do_fit, "finds the coefficients")});
  return type;
}
void PoissonRegressor::do_fit(const Rows& x, const Array& y, const Array& sample_weight) {
  fit_mean(x, y, sample_weight, params);
}

const EstimatorType& GammaRegressor::describe() {
  using Self = GammaRegressor;
  using P = Params;
  static const auto type = EstimatorType::of<Self>(
      "regression of gamma-distributed targets with an L2 penalty",
      {with_alpha<P>(), with_intercept<P>(), with_solver<P>(), with_solver_iterations<P>(),
       with_gradient_tol<P>(Closed::neither), with_warm_start<P>(), with_unused_verbose<P>()},
      {coef_attribute<Self>(), intercept_attribute<Self>(),
       attribute<Self, std::int64_t>("n_iter_", &Self::n_iter_, integers(0))},
      {method("fit", &Self::do_fit, "finds the coefficients")});
  return type;
}
void GammaRegressor::do_fit(const Rows& x, const Array& y, const Array& sample_weight) {
  fit_mean(x, y, sample_weight, params);
}

const EstimatorType& TweedieRegressor::describe() {
  using Self = TweedieRegressor;
  using P = Params;
  static const auto type = EstimatorType::of<Self>(
      "regression of targets whose variance is a power of their mean, with an L2 penalty",
      {parameter(
           "power", &P::power, reals(-std::numeric_limits<double>::infinity()),
           "of the mean that the variance is: 0 normal, 1 Poisson, 2 gamma, 3 inverse normal"),
       with_alpha<P>(), with_intercept<P>(),
       parameter("link", &P::link, words({"auto", "identity", "log"}),
                 "of the mean; auto: identity for power <= 0, log otherwise"),
       with_solver<P>(), with_solver_iterations<P>(), with_gradient_tol<P>(Closed::neither),
       with_warm_start<P>(), with_unused_verbose<P>()},
      {coef_attribute<Self>(), intercept_attribute<Self>(),
       attribute<Self, std::int64_t>("n_iter_", &Self::n_iter_, integers(0))},
      {method("fit", &Self::do_fit, "finds the coefficients")});
  return type;
}
void TweedieRegressor::do_fit(const Rows& x, const Array& y, const Array& sample_weight) {
  fit_mean(x, y, sample_weight, params);
}

namespace detail {
const EstimatorType& gamma_regressor() { return GammaRegressor::describe(); }
const EstimatorType& poisson_regressor() { return PoissonRegressor::describe(); }
const EstimatorType& tweedie_regressor() { return TweedieRegressor::describe(); }
}  // namespace detail

}  // namespace tessera
