#include <tessera/estimators/linear_model/bayesian_ridge.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <tessera/estimators/common_parameters.hpp>
#include <tessera/estimators/linear_model/gram_path.hpp>
#include <tessera/linalg/kernels/kernels.hpp>
#include <tessera/linalg/moments.hpp>
#include <tessera/linalg/small.hpp>
#include <tessera/runtime/index.hpp>
#include <tessera/runtime/reduce.hpp>
#include <tessera/solvers/vector.hpp>

namespace tessera {

using namespace common;
namespace {

using detail::GramProblem;
using linalg::Small;
using linalg::Transpose;
namespace small = linalg::small;
using detail::z;

struct Posterior {
  std::vector<double> coef, lambda, scores;
  double alpha = 0.0;
  Small sigma;
  std::int64_t n_iter = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(coef, lambda, scores, alpha, sigma, n_iter);
  }
};

// Of y about its mean, also where the model has no intercept.
double variance_of(const LeastSquares& problem) {
  const auto m = linalg::column_moments(problem.y, problem.weights.values);
  return m.m2[0] / m.count[0];
}

double distance(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0.0;
  for (std::size_t j = 0; j < a.size(); ++j) sum += std::abs(a[j] - b[j]);
  return sum;
}

// As the last steps of scikit-learn's loops do.
template <class Params>
double prior_of_alpha(const Params& params, double alpha) {
  return params.alpha_1 * std::log(alpha) - params.alpha_2 * alpha;
}

Posterior bayesian_ridge(const GramProblem& g, double variance, const BayesianRidgeParams& params) {
  const std::int64_t p = g.p();
  auto e = small::eigh(Small(p, p, g.gram));
  for (double& v : e.values) v = std::max(v, 0.0);
  const Small turned = small::product(e.vectors, Small(p, 1, g.product));
  Posterior at;
  at.alpha = params.alpha_init.value_or(1.0 / (variance + 0x1p-52));
  double lambda = params.lambda_init.value_or(1.0), sse = 0.0;
  const auto update = [&] {
    Small along = turned;
    for (std::int64_t j = 0; j < p; ++j) along.at(j, 0) /= e.values[z(j)] + lambda / at.alpha;
    at.coef = small::product(e.vectors, along, Transpose::yes).values();
    sse = g.residual(at.coef);
    if (!params.compute_score) return;
    double score = params.lambda_1 * std::log(lambda) - params.lambda_2 * lambda +
                   prior_of_alpha(params, at.alpha);
    double inside = static_cast<double>(p) * std::log(lambda) + g.weight * std::log(at.alpha) -
                    at.alpha * sse - lambda * solvers::dot(at.coef, at.coef) -
                    g.weight * std::log(2 * M_PI);
    for (const double v : e.values) inside -= std::log(lambda + at.alpha * v);
    at.scores.push_back(score + 0.5 * inside);
  };
  std::vector<double> before;
  for (at.n_iter = 1; at.n_iter <= params.max_iter; ++at.n_iter) {
    update();
    double gamma = 0.0;
    for (const double v : e.values) gamma += at.alpha * v / (lambda + at.alpha * v);
    lambda = (gamma + 2 * params.lambda_1) / (solvers::dot(at.coef, at.coef) + 2 * params.lambda_2);
    at.alpha = (g.weight - gamma + 2 * params.alpha_1) / (sse + 2 * params.alpha_2);
    if (!before.empty() && distance(before, at.coef) < params.tol) break;
    before = at.coef;
  }
  at.n_iter = std::min(at.n_iter, params.max_iter);
  update();
  at.lambda = {lambda};
  Small scaled = e.vectors;
  for (std::int64_t i = 0; i < p; ++i)
    for (double& v : scaled.row(i)) v /= at.alpha * e.values[z(i)] + lambda;
  at.sigma = small::product(e.vectors, scaled, Transpose::yes);
  return at;
}

Posterior ard(const GramProblem& g, double variance, const ARDRegressionParams& params) {
  const std::int64_t p = g.p();
  Posterior at;
  at.coef.assign(z(p), 0.0);
  at.lambda.assign(z(p), 1.0);
  at.alpha = 1.0 / (variance + 0x1p-52);
  std::vector<std::int64_t> kept;
  for (std::int64_t j = 0; j < p; ++j) kept.push_back(j);
  double logdet = 0.0;
  const auto update = [&] {
    const auto n = std::ssize(kept);
    // In units of the prior the inverse is 1 and more: 1 where the data say nothing.
    std::vector<double> unit;
    for (const std::int64_t j : kept)
      unit.push_back(1 / std::sqrt(std::max(at.lambda[z(j)], 1e-30)));
    Small of_data(n, n);
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t j = 0; j < n; ++j)
        of_data.at(i, j) =
            at.alpha * g.gram[z(kept[z(i)] * p + kept[z(j)])] * unit[z(i)] * unit[z(j)];
    auto e = small::eigh(of_data);
    const double least = e.values.back() * static_cast<double>(n) * 0x1p-52;
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t j = 0; j < n; ++j) e.vectors.at(i, j) *= unit[z(j)];
    Small scaled = e.vectors;
    logdet = 0.0;
    for (std::int64_t i = 0; i < n; ++i) {
      const double v = e.values[z(i)] > least ? 1 + e.values[z(i)] : 1.0;
      for (double& s : scaled.row(i)) s /= v;
      logdet += 2 * std::log(unit[z(i)]) - std::log(v);
    }
    at.sigma = small::product(e.vectors, scaled, Transpose::yes);
    Small product(n, 1);
    for (std::int64_t i = 0; i < n; ++i) product.at(i, 0) = g.product[z(kept[z(i)])];
    const Small coef = small::product(at.sigma, product);
    for (std::int64_t i = 0; i < n; ++i) at.coef[z(kept[z(i)])] = at.alpha * coef.at(i, 0);
  };
  std::vector<double> before;
  for (at.n_iter = 1; at.n_iter <= params.max_iter; ++at.n_iter) {
    update();
    const double sse = g.residual(at.coef);
    double gammas = 0.0;
    for (std::int64_t i = 0; i < std::ssize(kept); ++i) {
      const std::size_t j = z(kept[z(i)]);
      const double gamma = 1.0 - at.lambda[j] * at.sigma.at(i, i);
      gammas += gamma;
      at.lambda[j] =
          (gamma + 2 * params.lambda_1) / (at.coef[j] * at.coef[j] + 2 * params.lambda_2);
    }
    at.alpha = (g.weight - gammas + 2 * params.alpha_1) / (sse + 2 * params.alpha_2);
    kept.clear();
    for (std::int64_t j = 0; j < p; ++j)
      if (at.lambda[z(j)] < params.threshold_lambda)
        kept.push_back(j);
      else
        at.coef[z(j)] = 0.0;
    if (params.compute_score) {
      double score = prior_of_alpha(params, at.alpha), inside = logdet;
      for (std::size_t j = 0; j < z(p); ++j) {
        score += params.lambda_1 * std::log(at.lambda[j]) - params.lambda_2 * at.lambda[j];
        inside += std::log(at.lambda[j]) - at.lambda[j] * at.coef[j] * at.coef[j];
      }
      inside += g.weight * std::log(at.alpha) - at.alpha * sse;
      at.scores.push_back(score + 0.5 * inside);
    }
    if (!before.empty() && distance(before, at.coef) < params.tol) break;
    before = at.coef;
    if (kept.empty()) break;
  }
  at.n_iter = std::min(at.n_iter, params.max_iter);
  at.sigma = Small(0, 0);
  if (!kept.empty()) update();
  return at;
}

template <class P>
FieldOf<P> with_prior(const char* name, double P::*member, std::string_view doc) {
  return parameter(name, member, reals(0.0), doc);
}
template <class P>
FieldOf<P> with_iterations() {
  return parameter("max_iter", &P::max_iter, integers(1), "most iterations");
}
template <class P>
FieldOf<P> with_tol() {
  return parameter("tol", &P::tol, reals(0.0), "stop when the coefficients change by less in all");
}
template <class P>
FieldOf<P> with_score() {
  return parameter("compute_score", &P::compute_score, boolean(),
                   "keep the log marginal likelihood of each iteration");
}
template <class Self>
FieldOf<Self> noise_attribute() {
  return attribute<Self, double>("alpha_", &Self::alpha_, number({.low = 0.0}));
}
template <class Self>
FieldOf<Self> scores_attribute() {
  return attribute<Self, Array>("scores_", &Self::scores_, [](const Self& s) {
    return array({s.scores_.rows()}, {.infinite = true, .dtypes = {DType::float64}});
  });
}
template <class Self>
FieldOf<Self> sigma_attribute() {
  return attribute<Self, Array>("sigma_", &Self::sigma_, [](const Self& s) {
    return array({s.sigma_.rows(), s.sigma_.rows()});
  });
}
template <class Self>
FieldOf<Self> count_attribute() {
  return attribute<Self, std::int64_t>("n_iter_", &Self::n_iter_, integers(1));
}
template <class Self>
FieldOf<Self> of_features(const char* name, Array Self::*member) {
  return attribute<Self, Array>(name, member,
                                [](const Self& s) { return array({s.n_features_in_}); });
}

}  // namespace

std::vector<Method> BayesianLinearModel::role_methods() {
  auto all = LinearModel::role_methods();
  all.push_back(method("predict_std", &BayesianLinearModel::do_predict_std,
                       "the standard deviation of each prediction, (n,)"));
  return all;
}

LeastSquares BayesianLinearModel::measure(const Rows& x, const Array& y, const Array& sample_weight,
                                          bool fit_intercept) const {
  if (y.cols() != 1)
    throw ValueError(fmt::format("y should be a 1d array, got an array of shape {} instead.",
                                 to_string(y.shape())));
  // In one part, for the priors are about X as it is.
  LeastSquares problem(x, y.reshape({y.rows()}), sample_weight, fit_intercept,
                       std::vector<RowSet>{Range{0, x.rows()}}, name());
  const int e = problem.weights.exponent;
  problem.gram.weight = std::ldexp(problem.gram.weight, e);
  for (double& v : problem.gram.gram.values()) v = std::ldexp(v, e);
  return problem;
}

void BayesianLinearModel::set_offsets(const LeastSquares& problem) {
  const Rows& x = problem.x;
  std::vector<double> mean(problem.gram.mean.begin(), problem.gram.mean.end() - 1);
  X_offset_ = replicated(mean, {x.cols()}, x.comm()).astype(x.dtype());
  X_scale_ =
      replicated(std::vector<double>(mean.size(), 1.0), {x.cols()}, x.comm()).astype(x.dtype());
}

Rows BayesianLinearModel::do_predict_std(const Rows& x) const {
  std::vector<std::size_t> kept;
  for (std::int64_t j = 0; j < x.cols(); ++j)
    if (keeps(j)) kept.push_back(z(j));
  return map_rows(x.to(cpu), {x.rows()}, x.dtype(),
                  [kept, sigma = Small(sigma_), mean = detail::doubles(X_offset_),
                   noise = 1 / alpha_, estimator = name(),
                   names = feature_names_in_](const Leaf& in, const Tile& out, Stream& stream) {
                    if (!linalg::kernels().all_finite(stream, in.tile))
                      require_finite(in, "X", estimator, false, names);
                    visit_floating(in.tile.dtype, [&](auto tag) {
                      using T = typename decltype(tag)::type;
                      std::vector<double> row(kept.size());
                      for (std::int64_t i = 0; i < out.rows; ++i) {
                        for (std::size_t j = 0; j < kept.size(); ++j)
                          row[j] = static_cast<double>(
                                       in.tile.as<const T>()[i * in.tile.stride +
                                                             static_cast<std::int64_t>(kept[j])]) -
                                   mean[kept[j]];
                        double sum = noise;
                        for (std::size_t j = 0; j < kept.size(); ++j)
                          sum +=
                              row[j] * solvers::dot(sigma.row(static_cast<std::int64_t>(j)), row);
                        out.as<T>()[i] = static_cast<T>(std::sqrt(std::max(sum, 0.0)));
                      }
                    });
                  })
      .to(x.device());
}

const EstimatorType& BayesianRidge::describe() {
  using Self = BayesianRidge;
  using P = Params;
  const auto first = reals(0.0) | none();
  static const auto type = EstimatorType::of<Self>(
      "least squares with an L2 penalty learnt from the data",
      {with_iterations<P>(), with_tol<P>(),
       with_prior<P>("alpha_1", &P::alpha_1, "shape of the gamma prior of the noise's precision"),
       with_prior<P>("alpha_2", &P::alpha_2, "its rate"),
       with_prior<P>("lambda_1", &P::lambda_1, "shape of that of the coefficients' precision"),
       with_prior<P>("lambda_2", &P::lambda_2, "its rate"),
       parameter("alpha_init", &P::alpha_init, first,
                 "the noise's precision at first; None: 1 / variance of y"),
       parameter("lambda_init", &P::lambda_init, first,
                 "the coefficients' precision at first; None: 1"),
       with_score<P>(), with_intercept<P>(), with_copy<P>(), with_unused_verbose<P>()},
      {coef_attribute<Self>(), intercept_attribute<Self>(), noise_attribute<Self>(),
       attribute("lambda_", &Self::lambda_, number({.low = 0.0})), sigma_attribute<Self>(),
       scores_attribute<Self>(), count_attribute<Self>(),
       of_features<Self>("X_offset_", &Self::X_offset_),
       of_features<Self>("X_scale_", &Self::X_scale_)},
      {method("fit", &Self::do_fit, "finds the coefficients and how certain they are")});
  return type;
}

void BayesianRidge::do_fit(const Rows& x, const Array& y, const Array& sample_weight) {
  const LeastSquares problem = measure(x, y, sample_weight, params.fit_intercept);
  const double variance = variance_of(problem);
  const auto found = on_root<Posterior>(
      x.comm(), [&] { return bayesian_ridge(GramProblem(problem.gram, 1, 0), variance, params); });
  set_solution(problem, Small(1, x.cols(), found.coef));
  set_offsets(problem);
  alpha_ = found.alpha;
  lambda_ = found.lambda[0];
  n_iter_ = found.n_iter;
  sigma_ = found.sigma.array(x.dtype(), x.comm());
  scores_ = replicated(found.scores, {std::ssize(found.scores)}, x.comm());
}

const EstimatorType& ARDRegression::describe() {
  using Self = ARDRegression;
  using P = Params;
  static const auto type = EstimatorType::of<Self>(
      "least squares with an L2 penalty of each coefficient learnt from the data",
      {with_iterations<P>(), with_tol<P>(),
       with_prior<P>("alpha_1", &P::alpha_1, "shape of the gamma prior of the noise's precision"),
       with_prior<P>("alpha_2", &P::alpha_2, "its rate"),
       with_prior<P>("lambda_1", &P::lambda_1, "shape of that of the coefficients' precisions"),
       with_prior<P>("lambda_2", &P::lambda_2, "its rate"), with_score<P>(),
       with_prior<P>("threshold_lambda", &P::threshold_lambda,
                     "coefficients of a larger precision are 0"),
       with_intercept<P>(), with_copy<P>(), with_unused_verbose<P>()},
      {coef_attribute<Self>(), intercept_attribute<Self>(), noise_attribute<Self>(),
       attribute("lambda_", &Self::lambda_,
                 [](const Self& s) {
                   return array({s.n_features_in_}, {.low = 0.0, .dtypes = {DType::float64}});
                 }),
       sigma_attribute<Self>(), scores_attribute<Self>(), count_attribute<Self>(),
       of_features<Self>("X_offset_", &Self::X_offset_),
       of_features<Self>("X_scale_", &Self::X_scale_)},
      {method("fit", &Self::do_fit, "finds the coefficients and how certain they are",
              {.sample_weight = false})});
  return type;
}

bool ARDRegression::keeps(std::int64_t j) const {
  return lambda_.values<double>()[z(j)] < params.threshold_lambda;
}

void ARDRegression::do_fit(const Rows& x, const Array& y, const Array&) {
  if (x.rows() < 2)
    throw ValueError(fmt::format(
        "Found array with 1 sample(s) (shape={}) while a minimum of 2 is required by {}.",
        to_string(x.shape()), name()));
  const LeastSquares problem = measure(x, y, {}, params.fit_intercept);
  const double variance = variance_of(problem);
  const auto found = on_root<Posterior>(
      x.comm(), [&] { return ard(GramProblem(problem.gram, 1, 0), variance, params); });
  set_solution(problem, Small(1, x.cols(), found.coef));
  set_offsets(problem);
  alpha_ = found.alpha;
  lambda_ = replicated(found.lambda, {x.cols()}, x.comm());
  n_iter_ = found.n_iter;
  sigma_ = found.sigma.array(x.dtype(), x.comm());
  scores_ = replicated(found.scores, {std::ssize(found.scores)}, x.comm());
}

namespace detail {
const EstimatorType& ard_regression() { return ARDRegression::describe(); }
const EstimatorType& bayesian_ridge() { return BayesianRidge::describe(); }
}  // namespace detail

}  // namespace tessera
