#include <tessera/estimators/linear_model/logistic_regression_cv.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <tessera/estimators/class_scores.hpp>
#include <tessera/estimators/common_parameters.hpp>
#include <tessera/estimators/folds.hpp>
#include <tessera/estimators/linear_model/gram_path.hpp>
#include <tessera/estimators/linear_model/linear_model.hpp>
#include <tessera/estimators/linear_model/logistic_path.hpp>
#include <tessera/runtime/index.hpp>
#include <tessera/runtime/reduce.hpp>

namespace tessera {

using namespace common;
namespace {

using detail::z;
using linalg::Small;

/// The weights of rows, 0 in the fold left out (`inside` false), or in all others.
Array weights_of_fold(const Rows& x, const Array& weights, const Array& folds, std::int32_t fold,
                      bool inside) {
  return collect(map_rows(zip(Rows(folds.to(cpu)), {weights ? weights.to(cpu) : weights}),
                          {x.rows()}, x.dtype(),
                          [=](const Leaf& in, const Tile& out, Stream&) {
                            visit_floating(out.dtype, [&](auto tag) {
                              using T = typename decltype(tag)::type;
                              for (std::int64_t i = 0; i < out.rows; ++i) {
                                const bool counts =
                                    (in.tile.as<const std::int32_t>()[i] == fold) == inside;
                                const T w = in.beside[0] ? in.beside[0].as<const T>()[i] : T(1);
                                out.as<T>()[i] = counts ? w : T(0);
                              }
                            });
                          }))
      .to(x.device());
}

/// The accuracy of several models on weighted rows, or minus their log loss: a row of coefficients
/// and an intercept for each output, model after model.
std::vector<double> scores_of(const Rows& x, const Array& codes, const Array& weights,
                              std::int64_t k, const Small& coef,
                              const std::vector<double>& intercept, bool accuracy,
                              std::string_view estimator) {
  const std::int64_t outputs = k == 2 ? 1 : k, models = coef.rows() / outputs;
  const Rows u = detail::linear_predictor(x, coef.array(DType::float64, x.comm()), intercept, false,
                                          estimator, "score", {});
  const auto host = [](const Array& a) { return a.to(cpu); };
  const double least = x.dtype() == DType::float32 ? std::numeric_limits<float>::epsilon()
                                                   : std::numeric_limits<double>::epsilon();
  auto sums =
      reduce<Sums>(zip(u.to(cpu), {host(codes), host(weights)}), [&](const Leaf& leaf, Stream&) {
        Sums s{std::vector<double>(z(models + 1))};
        visit_floating(leaf.tile.dtype, [&](auto tag) {
          using T = typename decltype(tag)::type;
          for (std::int64_t i = 0; i < leaf.tile.rows; ++i) {
            const auto w = static_cast<double>(leaf.beside[1].as<const T>()[i]);
            if (w == 0) continue;
            const std::int64_t code = leaf.beside[0].as<const std::int32_t>()[i];
            s.values.back() += w;
            for (std::int64_t m = 0; m < models; ++m) {
              const T* row = leaf.tile.as<const T>() + i * leaf.tile.stride + m * outputs;
              if (accuracy) {
                const std::int64_t best =
                    outputs == 1 ? row[0] > 0 : std::max_element(row, row + outputs) - row;
                s.values[z(m)] += best == code ? w : 0.0;
                continue;
              }
              double log = 0.0;
              if (outputs == 1) {
                const double v = (code == 1 ? 1 : -1) * static_cast<double>(row[0]);
                log = std::min(v, 0.0) - std::log1p(std::exp(-std::abs(v)));
              } else {
                const double most = static_cast<double>(*std::max_element(row, row + outputs));
                double sum = 0.0;
                for (std::int64_t c = 0; c < outputs; ++c)
                  sum += std::exp(static_cast<double>(row[c]) - most);
                log = static_cast<double>(row[code]) - most - std::log(sum);
              }
              s.values[z(m)] += w * std::clamp(log, std::log(least), std::log1p(-least));
            }
          }
        });
        return s;
      });
  for (std::int64_t m = 0; m < models; ++m) sums.values[z(m)] /= sums.values.back();
  sums.values.pop_back();
  return std::move(sums.values);
}

}  // namespace

const EstimatorType& LogisticRegressionCV::describe() {
  using Self = LogisticRegressionCV;
  const auto grid = [](const Self& s) {
    return Shape{s.scores_.shape()[0], s.l1_ratios_.rows(), s.Cs_.rows()};
  };
  static const auto type = EstimatorType::of<Self>(
      "logistic regression with penalties chosen by cross-validation",
      {parameter(
           "Cs", &Params::Cs,
           integers(1) |
               list_of(reals(0.0, std::numeric_limits<double>::infinity(), Closed::right), 1) |
               array(),
           "the values of C to try, or how many between 1e-4 and 1e4"),
       parameter("l1_ratios", &Params::l1_ratios,
                 words({"warn"}) | list_of(reals(0.0, 1.0, Closed::both), 1) | array() | none(),
                 "shares of the L1 penalty to try; warn and None: 0"),
       with_intercept<Params>(),
       parameter("cv", &Params::cv, detail::folds_allowed(),
                 "how many folds, with classes in equal shares, or (train, test) rows of each; "
                 "None: 5"),
       parameter("dual", &Params::dual, boolean(),
                 "accepted for liblinear: the optimum is the same"),
       parameter("penalty", &Params::penalty, words({"deprecated", "l1", "l2", "elasticnet"}),
                 "deprecated: use l1_ratios"),
       parameter("scoring", &Params::scoring, words({"warn", "accuracy", "neg_log_loss"}) | none(),
                 "what the folds are compared by; warn and None: accuracy"),
       parameter("solver", &Params::solver,
                 words({"lbfgs", "liblinear", "newton-cg", "newton-cholesky", "sag", "saga"}),
                 "as of LogisticRegression"),
       with_gradient_tol<Params>(), with_solver_iterations<Params>(), with_class_weight<Params>(),
       with_unused_jobs<Params>(), with_unused_verbose<Params>(),
       parameter("refit", &Params::refit, boolean(),
                 "fit all rows with what was chosen; otherwise the mean of the folds' best"),
       parameter("intercept_scaling", &Params::intercept_scaling,
                 reals(0.0, std::numeric_limits<double>::infinity(), Closed::neither),
                 "liblinear: the intercept divided by this is penalised"),
       with_unused_seed<Params>(),
       parameter("use_legacy_attributes", &Params::use_legacy_attributes,
                 words({"warn"}) | boolean(), "only false, which warn means, is supported")},
      {classes_attribute<Self>(), coef_attribute<Self>(), intercept_attribute<Self>(),
       attribute("Cs_", &Self::Cs_,
                 [](const Self& s) {
                   return array({s.Cs_.rows()},
                                {.low = 0, .infinite = true, .dtypes = {DType::float64}});
                 }),
       attribute("l1_ratios_", &Self::l1_ratios_,
                 [](const Self& s) {
                   return array({s.l1_ratios_.rows()},
                                {.low = 0, .high = 1, .dtypes = {DType::float64}});
                 }),
       attribute("scores_", &Self::scores_,
                 [grid](const Self& s) {
                   return array(s.scores_.ndim() == 3 ? grid(s) : Shape{},
                                {.dtypes = {DType::float64}});
                 }),
       attribute("n_iter_", &Self::n_iter_,
                 [grid](const Self& s) {
                   return array(s.scores_.ndim() == 3 ? grid(s) : Shape{},
                                {.low = 0, .dtypes = {DType::int32}});
                 }),
       attribute("coefs_paths_", &Self::coefs_paths_,
                 [](const Self& s) { return array(s.coefs_paths_.shape()); }),
       attribute("C_", &Self::C_, number({.low = 0.0, .infinite = true})),
       attribute("l1_ratio_", &Self::l1_ratio_, number({.low = 0.0, .high = 1.0}))},
      {method("fit", &Self::do_fit, "chooses the penalties and finds the coefficients"),
       method("predict_proba", &Self::do_predict_proba, "the probability of each class"),
       method("predict_log_proba", &Self::do_predict_log_proba, "the logarithm of that")});
  return type;
}

void LogisticRegressionCV::do_fit(const Rows& x, const Array& y, const Array& sample_weight) {
  if (params.use_legacy_attributes.is<bool>() && params.use_legacy_attributes.as<bool>())
    throw NotImplementedError(
        "LogisticRegressionCV: use_legacy_attributes=True is not supported; only False is, which "
        "scikit-learn 1.10 has by default");
  const bool given = !params.l1_ratios.is_none() && !params.l1_ratios.is_word("warn");
  std::vector<double> ratios = given ? detail::doubles(params.l1_ratios) : std::vector<double>{0.0};
  const auto all_are = [&](double v) {
    return std::all_of(ratios.begin(), ratios.end(), [v](double r) { return r == v; });
  };
  std::string penalty = params.penalty.as<std::string>();
  if (penalty == "deprecated")
    penalty = all_are(0.0) ? "l2" : all_are(1.0) ? "l1" : "elasticnet";
  else if (penalty == "elasticnet" && !given)
    throw ValueError("l1_ratios must be an array-like of numbers between 0 and 1; got None");
  else if (penalty != "elasticnet")
    ratios = {penalty == "l1" ? 1.0 : 0.0};
  detail::check_solver(params.solver, penalty, params.dual);
  std::vector<double> Cs;
  if (params.Cs.is<std::int64_t>()) {
    const std::int64_t count = params.Cs.as<std::int64_t>();
    for (std::int64_t i = 0; i < count; ++i)
      Cs.push_back(
          std::pow(10.0, -4 + 8.0 * static_cast<double>(i) /
                                  static_cast<double>(std::max<std::int64_t>(1, count - 1))));
  } else {
    Cs = detail::doubles(params.Cs);
  }

  const Array codes = learn_classes(y, x);
  const std::int64_t k = class_count(classes_), p = x.cols();
  const Array weights = weighted(params.class_weight, codes, sample_weight, x);
  // Checks what must hold of the classes before folds are made of them.
  auto whole =
      detail::logistic_objective(x, codes, k, weights, params.fit_intercept, params.solver);
  const auto fold_of = detail::folds_of_rows(params.cv, codes, k, name());
  const std::int32_t folds = 1 + *std::max_element(fold_of.begin(), fold_of.end());
  const Array fold = redistribute(replicated(fold_of, {x.rows()}, x.comm()), x.distribution());
  const bool accuracy = !params.scoring.is_word("neg_log_loss");
  const std::int64_t n_cs = std::ssize(Cs), n_ratios = std::ssize(ratios);
  const auto width = static_cast<std::int64_t>(whole.unknowns());
  const auto at = [&](double C, double ratio) {
    return detail::LogisticPath{params.solver,   C,         ratio, params.intercept_scaling,
                                params.max_iter, params.tol};
  };

  std::vector<double> scores, paths;
  std::vector<std::int32_t> n_iter;
  for (std::int32_t f = 0; f < folds; ++f) {
    auto objective =
        detail::logistic_objective(x, codes, k, weights_of_fold(x, weights, fold, f, false),
                                   params.fit_intercept, params.solver);
    const Array tested = weights_of_fold(x, sample_weight, fold, f, true);
    for (const double ratio : ratios) {
      std::vector<double> w(z(width));
      Small coef(n_cs * outputs(), p);
      std::vector<double> intercept;
      for (std::int64_t c = 0; c < n_cs; ++c) {
        const auto result = detail::minimise_logistic(objective, at(Cs[z(c)], ratio), w, name());
        w = result.x;
        n_iter.push_back(static_cast<std::int32_t>(result.n_iter));
        paths.insert(paths.end(), w.begin(), w.end());
        const Small one = objective.coefficients(w);
        std::copy(one.values().begin(), one.values().end(), coef.row(c * outputs()).begin());
        const auto b = objective.intercepts(w);
        intercept.insert(intercept.end(), b.begin(), b.end());
      }
      const auto found = scores_of(x, codes, tested, k, coef, intercept, accuracy, name());
      scores.insert(scores.end(), found.begin(), found.end());
    }
  }

  // The best of a grid, in scikit-learn's order: C by C, and among equals the first.
  const auto best_of = [&](const std::function<double(std::int64_t r, std::int64_t c)>& score) {
    std::pair<std::int64_t, std::int64_t> best{0, 0};
    for (std::int64_t c = 0; c < n_cs; ++c)
      for (std::int64_t r = 0; r < n_ratios; ++r)
        if (score(r, c) > score(best.first, best.second)) best = {r, c};
    return best;
  };
  const auto index = [&](std::int64_t f, std::int64_t r, std::int64_t c) {
    return (f * n_ratios + r) * n_cs + c;
  };
  std::vector<double> start(z(width));
  const auto add_path = [&](std::int64_t f, std::int64_t r, std::int64_t c) {
    for (std::int64_t j = 0; j < width; ++j)
      start[z(j)] += paths[z(index(f, r, c) * width + j)] / static_cast<double>(folds);
  };
  if (params.refit) {
    const auto [r, c] = best_of([&](std::int64_t ratio, std::int64_t i) {
      double sum = 0.0;
      for (std::int64_t f = 0; f < folds; ++f) sum += scores[z(index(f, ratio, i))];
      return sum;
    });
    for (std::int64_t f = 0; f < folds; ++f) add_path(f, r, c);
    C_ = Cs[z(c)];
    l1_ratio_ = ratios[z(r)];
    start = detail::minimise_logistic(whole, at(C_, l1_ratio_), std::move(start), name()).x;
  } else {
    C_ = l1_ratio_ = 0.0;
    for (std::int64_t f = 0; f < folds; ++f) {
      const auto [r, c] = best_of(
          [&](std::int64_t ratio, std::int64_t i) { return scores[z(index(f, ratio, i))]; });
      add_path(f, r, c);
      C_ += Cs[z(c)] / static_cast<double>(folds);
      l1_ratio_ += ratios[z(r)] / static_cast<double>(folds);
    }
  }
  const auto& comm = x.comm();
  set_solution(whole.coefficients(start), whole.intercepts(start), x);
  Cs_ = replicated(Cs, {n_cs}, comm);
  l1_ratios_ = replicated(ratios, {n_ratios}, comm);
  scores_ = replicated(scores, {folds, n_ratios, n_cs}, comm);
  n_iter_ = replicated(n_iter, {folds, n_ratios, n_cs}, comm);
  coefs_paths_ = replicated(paths, {folds, n_ratios, n_cs, outputs(), width / outputs()}, comm)
                     .astype(x.dtype());
}

Rows LogisticRegressionCV::do_predict_proba(const Rows& x) const {
  return detail::exponential(run("predict_log_proba", x)[0]);
}
Rows LogisticRegressionCV::do_predict_log_proba(const Rows& x) const {
  return detail::log_softmax(run("decision_function", x)[0]);
}

namespace detail {
const EstimatorType& logistic_regression_cv() { return LogisticRegressionCV::describe(); }
}  // namespace detail

}  // namespace tessera
