#include <tessera/estimators/linear_model/logistic_regression.hpp>

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include <tessera/estimators/class_scores.hpp>
#include <tessera/estimators/common_parameters.hpp>
#include <tessera/estimators/linear_model/linear_model.hpp>
#include <tessera/estimators/linear_model/logistic_path.hpp>
#include <tessera/runtime/warn.hpp>

namespace tessera {

using namespace common;

const EstimatorType& LogisticRegression::describe() {
  using Self = LogisticRegression;
  static const auto type = EstimatorType::of<Self>(
      "logistic regression",
      {parameter("penalty", &Params::penalty,
                 words({"deprecated", "l1", "l2", "elasticnet"}) | none(),
                 "deprecated: use C and l1_ratio"),
       parameter("C", &Params::C,
                 reals(0.0, std::numeric_limits<double>::infinity(), Closed::right),
                 "how much the loss counts beside the penalty; inf: no penalty"),
       parameter("l1_ratio", &Params::l1_ratio, reals(0.0, 1.0, Closed::both) | none(),
                 "share of the L1 penalty; the rest is L2"),
       parameter("dual", &Params::dual, boolean(),
                 "accepted for liblinear: the optimum is the same"),
       with_gradient_tol<Params>(), with_intercept<Params>(),
       parameter("intercept_scaling", &Params::intercept_scaling,
                 reals(0.0, std::numeric_limits<double>::infinity(), Closed::neither),
                 "liblinear: the intercept divided by this is penalised"),
       with_class_weight<Params>(), with_unused_seed<Params>(),
       parameter("solver", &Params::solver,
                 words({"lbfgs", "liblinear", "newton-cg", "newton-cholesky", "sag", "saga"}),
                 "liblinear, sag and saga: a proximal Newton method with their optimum"),
       with_solver_iterations<Params>(0), with_unused_verbose<Params>(), with_warm_start<Params>(),
       with_unused_jobs<Params>()},
      {classes_attribute<Self>(), coef_attribute<Self>(), intercept_attribute<Self>(),
       attribute("n_iter_", &Self::n_iter_, array({1}, {.low = 0, .dtypes = {DType::int32}}))},
      {method("fit", &Self::do_fit, "finds the coefficients"),
       method("predict_proba", &Self::do_predict_proba, "the probability of each class"),
       method("predict_log_proba", &Self::do_predict_log_proba, "the logarithm of that")});
  return type;
}

void LogisticRegression::do_fit(const Rows& x, const Array& y, const Array& sample_weight) {
  std::string penalty = params.C == std::numeric_limits<double>::infinity() ? "none" : "";
  double ratio = params.l1_ratio.value_or(0.0);
  if (params.penalty.is_none()) {
    penalty = "none";
  } else if (!params.penalty.is_word("deprecated")) {
    penalty = params.penalty.as<std::string>();
    if (penalty == "elasticnet" && !params.l1_ratio)
      throw ValueError("l1_ratio must be specified when penalty is elasticnet.");
    if (penalty != "elasticnet") ratio = penalty == "l1" ? 1.0 : 0.0;
  }
  if (penalty.empty()) penalty = ratio == 0 ? "l2" : ratio == 1 ? "l1" : "elasticnet";
  const std::string& solver = params.solver;
  detail::check_solver(solver, penalty, params.dual);

  const Value before = classes_;
  const Array codes = learn_classes(y, x);
  const std::int64_t k = class_count(classes_);
  const Array weights = weighted(params.class_weight, codes, sample_weight, x);
  auto objective = detail::logistic_objective(x, codes, k, weights, params.fit_intercept, solver);
  std::vector<double> start(objective.unknowns());
  if (params.warm_start && coef_ && coef_.shape() == Shape{outputs(), x.cols()} &&
      same_classes(before, classes_))
    start = objective.unknowns_of(detail::doubles(coef_), intercepts());
  const auto result = detail::minimise_logistic(
      objective,
      {solver, penalty == "none" ? std::numeric_limits<double>::infinity() : params.C, ratio,
       detail::doubles(params.intercept_scaling)[0], params.max_iter, params.tol},
      std::move(start), name());
  linalg::Small coef = objective.coefficients(result.x);
  auto intercept = objective.intercepts(result.x);
  // What is the same of all classes changes no probability: of all optima the one that sums to 0.
  const auto centre = [k](auto at) {
    double sum = 0.0;
    for (std::int64_t c = 0; c < k; ++c) sum += at(c);
    for (std::int64_t c = 0; c < k; ++c) at(c) -= sum / static_cast<double>(k);
  };
  if (k > 2)
    centre([&](std::int64_t c) -> double& { return intercept[static_cast<std::size_t>(c)]; });
  for (std::int64_t j = 0; k > 2 && penalty == "none" && j < x.cols(); ++j)
    centre([&](std::int64_t c) -> double& { return coef.at(c, j); });
  set_solution(coef, intercept, x);
  n_iter_ = replicated(std::vector<std::int32_t>{static_cast<std::int32_t>(result.n_iter)}, {1},
                       x.comm());
}

Rows LogisticRegression::do_predict_proba(const Rows& x) const {
  return detail::exponential(run("predict_log_proba", x)[0]);
}
Rows LogisticRegression::do_predict_log_proba(const Rows& x) const {
  return detail::log_softmax(run("decision_function", x)[0]);
}

void detail::check_solver(const std::string& solver, const std::string& penalty, bool dual) {
  const auto refuse = [](const std::string& text) { throw ValueError(text); };
  const bool liblinear = solver == "liblinear";
  if (!liblinear && solver != "saga" && penalty != "l2" && penalty != "none")
    refuse(fmt::format("Solver {} supports only 'l2' or None penalties, got {} penalty.", solver,
                       penalty));
  if (!liblinear && dual)
    refuse(fmt::format("Solver {} supports only dual=False, got dual=True", solver));
  if (penalty == "elasticnet" && solver != "saga")
    refuse(fmt::format("Only 'saga' solver supports elasticnet penalty, got solver={}.", solver));
  if (liblinear && penalty == "none")
    refuse("C=inf as well as penalty=None is not supported for the liblinear solver");
}

detail::LossObjective detail::logistic_objective(const Rows& x, const Array& codes, std::int64_t k,
                                                 const Array& weights, bool fit_intercept,
                                                 const std::string& solver) {
  if (k < 2)
    throw ValueError(
        "This solver needs samples of at least 2 classes in the data, but the data contains only "
        "one class");
  if (solver == "liblinear" && k > 2)
    throw ValueError(
        "The 'liblinear' solver does not support multiclass classification (n_classes >= 3). Use "
        "another solver.");
  return LossObjective(
      x, codes.astype(x.dtype()), weights,
      {.loss = k == 2 ? Loss::logistic : Loss::multinomial, .outputs = k == 2 ? 1 : k},
      fit_intercept);
}

solvers::Result detail::minimise_logistic(LossObjective& objective, const LogisticPath& at,
                                          std::vector<double> start, std::string_view estimator) {
  const bool liblinear = at.solver == "liblinear";
  const double strength = 1.0 / (at.C * objective.weight());  // 0 without a penalty
  objective.penalise(strength * (1 - at.l1_ratio), strength * at.l1_ratio,
                     liblinear ? 1.0 / at.intercept_scaling : 0.0);
  const bool proximal = liblinear || at.solver == "sag" || at.solver == "saga";
  return objective.minimise(proximal ? "proximal" : at.solver, std::move(start), at.max_iter,
                            at.tol, estimator);
}

namespace detail {
const EstimatorType& logistic_regression() { return LogisticRegression::describe(); }
}  // namespace detail

}  // namespace tessera
