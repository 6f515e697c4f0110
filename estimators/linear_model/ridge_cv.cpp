#include <tessera/estimators/linear_model/ridge_cv.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <ranges>

#include <tessera/estimators/common_parameters.hpp>
#include <tessera/estimators/folds.hpp>
#include <tessera/estimators/linear_model/gram_path.hpp>
#include <tessera/estimators/linear_model/ridge.hpp>
#include <tessera/estimators/linear_model/spectrum.hpp>
#include <tessera/estimators/metrics/regression.hpp>
#include <tessera/estimators/wide_rows.hpp>
#include <tessera/linalg/kernels/kernels.hpp>
#include <tessera/linalg/small.hpp>
#include <tessera/runtime/index.hpp>
#include <tessera/runtime/reduce.hpp>

namespace tessera {

using namespace common;
namespace {

using detail::Spectrum;
using detail::z;
using linalg::CenteredGram;
using linalg::Small;
using linalg::Transpose;

/// For every row, target and penalty the error without the row, or its square times the row's
/// weight: (n, q * penalties) float64, computed when read.
Rows errors_without(const LeastSquares& problem, const Spectrum& spectrum,
                    const std::vector<double>& alphas, bool squares) {
  const std::int64_t p = problem.x.cols(), q = problem.y.cols(), count = std::ssize(alphas);
  // By eigenvector: what a square counts in the leverage, and a coordinate in the prediction.
  Small of_leverage(count, p), of_prediction(q * count, p);
  for (std::int64_t a = 0; a < count; ++a)
    for (std::int64_t j = 0; j < p; ++j) {
      const double s = spectrum.square(j) + alphas[z(a)];
      of_leverage.at(a, j) = s > 0 ? 1.0 / s : 0.0;
      for (std::int64_t t = 0; t < q; ++t)
        of_prediction.at(t * count + a, j) = spectrum.along(t, j, alphas[z(a)]);
    }
  return map_rows(
      zip(problem.x.to(cpu),
          {problem.y.to(cpu),
           problem.weights.values ? problem.weights.values.to(cpu) : problem.weights.values}),
      {problem.x.rows(), q * count}, DType::float64,
      [=, directions = spectrum.directions(), mean = problem.gram.mean,
       least = problem.center ? 1.0 / problem.gram.weight : 0.0](const Leaf& in, const Tile& out,
                                                                 Stream& stream) {
        constexpr std::int64_t most = 256;
        Small rows(most, p), turned(most, p), leverage(most, count), predicted(most, q * count);
        visit_floating(in.tile.dtype, [&](auto tag) {
          using T = typename decltype(tag)::type;
          for (std::int64_t begin = 0; begin < in.tile.rows; begin += most) {
            const std::int64_t n = std::min(most, in.tile.rows - begin);
            const auto times = [&](const Small& left, const Small& right, Small& product) {
              linalg::kernels().gemm(stream, 1.0, left.tile().slice(0, n), Transpose::no,
                                     right.tile(), Transpose::yes, 0.0, product.tile().slice(0, n));
            };
            for (std::int64_t i = 0; i < n; ++i)
              for (std::int64_t j = 0; j < p; ++j)
                rows.at(i, j) =
                    static_cast<double>(in.tile.as<const T>()[(begin + i) * in.tile.stride + j]) -
                    mean[z(j)];
            times(rows, directions, turned);
            times(turned, of_prediction, predicted);
            for (double& v : turned.values()) v *= v;
            times(turned, of_leverage, leverage);
            for (std::int64_t i = 0; i < n; ++i) {
              const double w =
                  in.beside[1] ? static_cast<double>(in.beside[1].as<const T>()[begin + i]) : 1.0;
              const T* y = in.beside[0].as<const T>() + (begin + i) * in.beside[0].stride;
              double* to = out.as<double>() + (begin + i) * out.stride;
              for (std::int64_t t = 0; t < q; ++t)
                for (std::int64_t a = 0; a < count; ++a) {
                  const double error = (static_cast<double>(y[t]) - mean[z(p + t)] -
                                        predicted.at(i, t * count + a)) /
                                       (1.0 - w * (least + leverage.at(i, a)));
                  to[t * count + a] = squares ? w * error * error : error;
                }
            }
          }
        });
      });
}

/// Of each target, from the predictions; larger ones are better.
using Score = metrics::PerTarget (*)(const metrics::Pairs&);
template <Score loss>
metrics::PerTarget negative(const metrics::Pairs& y) {
  auto each = loss(y);
  for (double& v : each) v = -v;
  return each;
}
/// The scores by their names in scikit-learn; nullptr for those that sums of squares give, as that
/// of None, R^2.
const std::map<std::string, Score, std::less<>>& scorings() {
  using namespace metrics;
  static const std::map<std::string, Score, std::less<>> all = {
      {"r2", nullptr},
      {"neg_mean_squared_error", nullptr},
      {"neg_root_mean_squared_error", nullptr},
      {"d2_absolute_error_score", &d2_absolute_error_score},
      {"explained_variance", [](const Pairs& y) { return explained_variance_score(y); }},
      {"neg_max_error", [](const Pairs& y) { return PerTarget{-max_error(y)}; }},
      {"neg_mean_absolute_error", &negative<&mean_absolute_error>},
      {"neg_mean_absolute_percentage_error", &negative<&mean_absolute_percentage_error>},
      {"neg_mean_gamma_deviance", &negative<&mean_gamma_deviance>},
      {"neg_mean_poisson_deviance", &negative<&mean_poisson_deviance>},
      {"neg_mean_squared_log_error", &negative<&mean_squared_log_error>},
      {"neg_median_absolute_error", &negative<&median_absolute_error>},
      {"neg_root_mean_squared_log_error", &negative<&root_mean_squared_log_error>}};
  return all;
}
Score score_by_predictions(const Value& scoring) {
  return scoring.is_none() ? nullptr : scorings().at(scoring.as<std::string>());
}
double score_of(const Value& scoring, double left, double squares, double weight) {
  if (scoring.is_word("neg_mean_squared_error")) return -left / weight;
  if (scoring.is_word("neg_root_mean_squared_error")) return -std::sqrt(left / weight);
  if (squares == 0) return left == 0 ? 1.0 : 0.0;
  return 1.0 - left / squares;
}

/// That of target t in the rows of a test Gram matrix, which is centred.
double score_in(const Value& scoring, const CenteredGram& train, const CenteredGram& test,
                std::int64_t q, std::int64_t t, std::span<const double> coef) {
  const std::int64_t p = test.cols() - q;
  const detail::GramProblem problem(test, q, t);
  double mean = test.mean[z(p + t)] - train.mean[z(p + t)];
  for (std::int64_t j = 0; j < p; ++j) mean -= coef[z(j)] * (test.mean[z(j)] - train.mean[z(j)]);
  return score_of(scoring, problem.residual(coef) + test.weight * mean * mean, problem.y_squares,
                  test.weight);
}

/// Of every target and penalty, from the errors (n, q * penalties) of scaled targets.
std::vector<double> scores_of_errors(Score score, const Rows& errors, const LeastSquares& problem,
                                     const Array& y, const Array& w) {
  const Array all = collect(errors);
  const std::int64_t q = y.cols(), count = all.cols() / q;
  std::vector<double> scores(z(q * count));
  for (std::int64_t a = 0; a < count; ++a) {
    const Rows predicted = map_rows(
        zip(Rows(all), {y.to(cpu)}), y.shape(), DType::float64,
        [=, exponents = problem.y_exponents](const Leaf& in, const Tile& out, Stream&) {
          visit_floating(in.beside[0].dtype, [&](auto tag) {
            using T = typename decltype(tag)::type;
            for (std::int64_t i = 0; i < out.rows; ++i)
              for (std::int64_t t = 0; t < q; ++t) {
                const double error = in.tile.as<const double>()[i * in.tile.stride + t * count + a];
                out.as<double>()[i * out.stride + t] =
                    static_cast<double>(in.beside[0].as<const T>()[i * in.beside[0].stride + t]) -
                    std::ldexp(error, -exponents[z(t)]);
              }
          });
        });
    const auto each = score({y, predicted, w});
    for (std::int64_t t = 0; t < q; ++t) scores[z(t * count + a)] = each[z(t)];
  }
  return scores;
}

/// Of every penalty the mean over folds and targets, from predictions of the test rows.
std::vector<double> scores_of_folds(Score score, const LeastSquares& problem,
                                    const std::vector<RowSet>& folds,
                                    const std::vector<double>& alphas, const Array& y,
                                    const Array& w) {
  const std::int64_t q = y.cols(), p = problem.x.cols(), count = std::ssize(alphas);
  std::vector<double> scores(alphas.size());
  for (std::int64_t f = 0; f < std::ssize(folds); ++f) {
    const auto train = detail::merged(problem.folds, f);
    const auto coefs = on_root<Small>(problem.x.comm(), [&] {
      const Spectrum spectrum(train, q);
      Small all(count * q, p);
      for (std::int64_t a = 0; a < count; ++a) {
        const Small coef = spectrum.coef(std::vector<double>(z(q), alphas[z(a)]));
        std::ranges::copy(coef.values(), all.values().begin() + a * q * p);
      }
      return all;
    });
    const RowSet& test = folds[z(f)];
    const Rows x = select(problem.x, test);
    const Array truth = select(y, test), weights = w ? select(w, test) : w;
    for (std::int64_t a = 0; a < count; ++a) {
      const Rows predicted = map_wide_rows(
          x, q, [&](std::int64_t, std::span<const double> row, std::span<double> out) {
            for (std::int64_t t = 0; t < q; ++t) {
              double& sum = out[z(t)] = train.mean[z(p + t)];
              for (std::int64_t j = 0; j < p; ++j)
                sum += coefs.at(a * q + t, j) * (row[z(j)] - train.mean[z(j)]);
            }
          });
      for (const double each : score({truth, predicted, weights}))
        scores[z(a)] += each / static_cast<double>(q * std::ssize(folds));
    }
  }
  return scores;
}

/// What was chosen.
struct Choice {
  std::vector<double> alpha;  // of each target
  std::vector<double> score;  // of each target, or one
  Small coef;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(alpha, score, coef);
  }
};

struct Question {
  std::vector<double> alphas;
  Value cv, scoring;
  bool fit_intercept, store, per_target;
};

struct Answer {
  LeastSquares problem;
  Choice choice;
  Array stored;
};

Answer by_leaving_one_out(const Rows& x, const Array& y, const Array& w, const Question& question,
                          std::string_view estimator) {
  Answer answer{LeastSquares(x, y, w, question.fit_intercept, true, estimator), {}, {}};
  const LeastSquares& problem = answer.problem;
  const std::int64_t q = y.cols(), count = std::ssize(question.alphas);
  const std::vector<double> alphas = problem.penalties(question.alphas);
  const auto spectrum = on_root<Spectrum>(x.comm(), [&] { return Spectrum(problem.gram, q); });
  const Score by_predictions = score_by_predictions(question.scoring);
  const auto others =
      by_predictions
          ? scores_of_errors(by_predictions, errors_without(problem, spectrum, alphas, false),
                             problem, y, w)
          : std::vector<double>{};
  Rows errors = errors_without(problem, spectrum, alphas, true);
  if (question.store) {
    const Array all = collect(errors);
    answer.stored = all.reshape(y.ndim() == 1 ? Shape{x.rows(), count} : Shape{x.rows(), q, count});
    errors = all;
  }
  const Sums sums = reduce<Sums>(errors, [&](const Leaf& leaf, Stream&) {
    Sums s{std::vector<double>(z(q * count))};
    for (std::int64_t i = 0; i < leaf.tile.rows; ++i)
      for (std::size_t j = 0; j < s.values.size(); ++j)
        s.values[j] +=
            leaf.tile.as<const double>()[i * leaf.tile.stride + static_cast<std::int64_t>(j)];
    return s;
  });
  detail::Moments targets;
  if (!question.scoring.is_none())
    targets = detail::moments(Rows(problem.y), problem.weights.values, detail::Accuracy::by_column,
                              [] {});
  // Errors of the scaled problem are those of this one times powers of two.
  const auto score = [&](std::int64_t t, std::int64_t a) {
    if (by_predictions) return others[z(t * count + a)];
    const double left = std::ldexp(sums.values[z(t * count + a)], -2 * problem.y_exponents[z(t)]);
    if (question.scoring.is_none())
      return -std::ldexp(left / static_cast<double>(x.rows()), problem.weights.exponent);
    const double weight = problem.gram.weight;
    return score_of(question.scoring, left,
                    std::ldexp(static_cast<double>(targets.variance(z(t))) * weight,
                               -2 * problem.y_exponents[z(t)]),
                    weight);
  };
  Choice& choice = answer.choice;
  std::vector<double> scaled;
  const std::int64_t groups = question.per_target ? q : 1;
  for (std::int64_t g = 0; g < groups; ++g) {
    std::int64_t best = 0;
    double most = -std::numeric_limits<double>::infinity();
    for (std::int64_t a = 0; a < count; ++a) {
      double mean = 0.0;
      for (std::int64_t t = 0; t < q; ++t)
        if (groups == 1 || t == g) mean += score(t, a) / static_cast<double>(groups == 1 ? q : 1);
      if (mean > most) {
        most = mean;
        best = a;
      }
    }
    choice.score.push_back(most);
    choice.alpha.push_back(question.alphas[z(best)]);
    scaled.push_back(alphas[z(best)]);
  }
  scaled.resize(z(q), scaled[0]);
  choice.coef = on_root<Small>(x.comm(), [&] { return spectrum.coef(scaled); });
  return answer;
}

Answer by_folds(const Rows& x, const Array& y, const Array& w, const Question& question,
                std::string_view estimator) {
  if (question.store) throw ValueError("cv!=None and store_cv_results=True are incompatible");
  if (question.per_target) throw ValueError("cv!=None and alpha_per_target=True are incompatible");
  const auto folds = detail::folds_of(question.cv, x.rows(), estimator);
  Answer answer{LeastSquares(x, y, w, question.fit_intercept, folds, estimator), {}, {}};
  const LeastSquares& problem = answer.problem;
  const std::int64_t q = y.cols();
  // R^2 is about the mean, even without an intercept.
  const auto tests = question.fit_intercept
                         ? problem.folds
                         : detail::fold_grams(x, y, problem.weights.values, true, folds);
  const Score by_predictions = score_by_predictions(question.scoring);
  const auto others = by_predictions ? scores_of_folds(by_predictions, problem, folds,
                                                       problem.penalties(question.alphas), y, w)
                                     : std::vector<double>{};
  answer.choice = on_root<Choice>(x.comm(), [&] {
    const auto penalties = [&](double alpha) {
      return problem.penalties(std::vector<double>(z(q), alpha));
    };
    auto scores = by_predictions ? others : std::vector<double>(question.alphas.size());
    for (std::int64_t f = 0; !by_predictions && f < std::ssize(folds); ++f) {
      const auto train = detail::merged(problem.folds, f);
      const Spectrum spectrum(train, q);
      for (std::size_t a = 0; a < scores.size(); ++a) {
        const Small coef = spectrum.coef(penalties(question.alphas[a]));
        for (std::int64_t t = 0; t < q; ++t)
          scores[a] += score_in(question.scoring, train, tests[z(f)], q, t, coef.row(t)) /
                       static_cast<double>(q * std::ssize(folds));
      }
    }
    const auto best = std::max_element(scores.begin(), scores.end()) - scores.begin();
    const double alpha = question.alphas[z(best)];
    return Choice{{alpha}, {scores[z(best)]}, Spectrum(problem.gram, q).coef(penalties(alpha))};
  });
  return answer;
}

Answer choose(const Rows& x, const Array& y, const Array& w, const Question& question,
              std::string_view estimator) {
  for (std::size_t i = 0; i < question.alphas.size(); ++i)
    if (!(question.alphas[i] > 0 || (question.alphas[i] == 0 && !question.cv.is_none())))
      throw ValueError(fmt::format("alphas[{}] == {}, must be {} 0.", i, question.alphas[i],
                                   question.cv.is_none() ? ">" : ">="));
  return question.cv.is_none() ? by_leaving_one_out(x, y, w, question, estimator)
                               : by_folds(x, y, w, question, estimator);
}

/// Targets of 1 for a row's class and -1 for others: (n,) for two classes, else (n, k).
Array targets_of(const Array& codes, std::int64_t outputs, DType dtype) {
  const std::int64_t n = codes.rows();
  return collect(map_rows(Rows(codes.to(cpu)), outputs == 1 ? Shape{n} : Shape{n, outputs}, dtype,
                          [outputs](const Leaf& in, const Tile& out, Stream&) {
                            visit_floating(out.dtype, [&](auto tag) {
                              using T = typename decltype(tag)::type;
                              for (std::int64_t i = 0; i < out.rows; ++i)
                                for (std::int64_t c = 0; c < outputs; ++c)
                                  out.as<T>()[i * out.stride + c] =
                                      in.tile.as<const std::int32_t>()[i] == (outputs == 1 ? 1 : c)
                                          ? T(1)
                                          : T(-1);
                            });
                          }))
      .to(codes.device());
}

/// 'balanced' by the numbers of rows, whatever their weights, as scikit-learn's ridge classifiers
/// have it.
Value by_rows(const Value& class_weight, const Classes& classes) {
  if (!class_weight.is_word("balanced")) return class_weight;
  auto of_class = class_weight_sums(classes, {});
  const auto n = static_cast<double>(classes.codes.rows());
  for (double& w : of_class) w = n / (static_cast<double>(of_class.size()) * w);
  return replicated(of_class, {std::ssize(of_class)}, classes.codes.comm());
}

/// (p,) for two classes, else (k, p).
template <class Self>
FieldOf<Self> flat_coef_attribute() {
  return attribute<Self, Array>("coef_", &Self::coef_, [](const Self& s) {
    const std::int64_t k = class_count(s.classes_);
    return array(k == 2 ? Shape{s.n_features_in_} : Shape{k, s.n_features_in_});
  });
}

Allowed alphas_allowed() { return several(reals(0.0)); }

}  // namespace

const EstimatorType& RidgeCV::describe() {
  using Self = RidgeCV;
  const auto score = [](const Self& s) {
    return s.alpha_.is<Array>() ? array({s.coef_.rows()}) : number();
  };
  static const auto type = EstimatorType::of<Self>(
      "Ridge with a penalty chosen by cross-validation",
      {parameter("alphas", &Params::alphas, alphas_allowed(), "the penalties to try"),
       with_intercept<Params>(),
       parameter("scoring", &Params::scoring, text() | none(),
                 "the name of one of scikit-learn's scores of numbers; None: the weighted square "
                 "error without each row, or R^2 of folds"),
       parameter("cv", &Params::cv, detail::folds_allowed(),
                 "how many folds of consecutive rows, or (train, test) rows of each; None: as many "
                 "as rows"),
       parameter("gcv_mode", &Params::gcv_mode, words({"auto", "svd", "eigen"}) | none(),
                 "accepted for compatibility: eigenvectors of the Gram matrix"),
       parameter("store_cv_results", &Params::store_cv_results, boolean(),
                 "keep the errors of every row, with cv=None"),
       parameter("alpha_per_target", &Params::alpha_per_target, boolean(),
                 "choose for each target, with cv=None")},
      {coef_attribute<Self>(), intercept_attribute<Self>(true),
       attribute("alpha_", &Self::alpha_,
                 [](const Self& s) {
                   return s.coef_.ndim() == 2 ? number({.low = 0.0}) | array({s.coef_.rows()})
                                              : number({.low = 0.0});
                 }),
       attribute("best_score_", &Self::best_score_, score),
       row_attribute("cv_results_", &Self::cv_results_)},
      {method("fit", &Self::do_fit, "chooses the penalty and finds the coefficients")});
  return type;
}

void RidgeCV::do_fit(const Rows& x, const Array& given_y, const Array& sample_weight) {
  const Array y = given_y.cols() == 1 ? given_y.reshape({given_y.rows()}) : given_y;
  const bool per_target = params.alpha_per_target && y.ndim() == 2;
  const Value& scoring = params.scoring;
  if (!scoring.is_none() && !scorings().contains(scoring.as<std::string>()))
    throw NotImplementedError(fmt::format("RidgeCV: scoring={} is not supported; None and {} are",
                                          scoring.to_string(),
                                          fmt::join(std::views::keys(scorings()), ", ")));
  if (!scoring.is_none() && params.store_cv_results)
    throw NotImplementedError(
        "RidgeCV: store_cv_results=True is not supported with scoring, only with scoring=None");
  const Answer answer = choose(x, y, sample_weight,
                               {detail::doubles(params.alphas), params.cv, scoring,
                                params.fit_intercept, params.store_cv_results, per_target},
                               name());
  set_solution(answer.problem, answer.choice.coef);
  set_column_intercept(given_y, params.fit_intercept);
  const auto value = [&](const std::vector<double>& v) -> Value {
    return per_target ? Value(replicated(v, {std::ssize(v)}, x.comm())) : Value(v[0]);
  };
  alpha_ = value(answer.choice.alpha);
  best_score_ = value(answer.choice.score);
  cv_results_ = answer.stored ? answer.stored.astype(x.dtype()) : Array{};
}

const EstimatorType& RidgeClassifier::describe() {
  using Self = RidgeClassifier;
  static const auto type = EstimatorType::of<Self>(
      "classifier by Ridge on targets of -1 and 1",
      {parameter("alpha", &Params::alpha, several(reals(0.0)),
                 "strength of the penalty, or one for each class"),
       with_intercept<Params>(), with_copy<Params>(), with_unused_max_iter<Params>(),
       with_unused_tol<Params>(), with_class_weight<Params>(),
       parameter("solver", &Params::solver,
                 words({"auto", "svd", "cholesky", "lsqr", "sparse_cg", "sag", "saga", "lbfgs"}),
                 "as of Ridge"),
       with_active_set<Params>(), with_unused_seed<Params>()},
      {classes_attribute<Self>(), flat_coef_attribute<Self>(), intercept_attribute<Self>(),
       attribute("n_iter_", &Self::n_iter_, none()),
       attribute("solver_", &Self::solver_, words({"cholesky", "svd", "lbfgs"}))},
      {method("fit", &Self::do_fit, "finds the coefficients")});
  return type;
}

void RidgeClassifier::do_fit(const Rows& x, const Array& y, const Array& sample_weight) {
  const Array codes = learn_classes(y, x);
  const Array weights =
      weighted(by_rows(params.class_weight, {classes_, codes}), codes, sample_weight, x);
  Ridge ridge({.alpha = params.alpha,
               .fit_intercept = params.fit_intercept,
               .solver = params.solver,
               .positive = params.positive});
  ridge.called_ = class_name;
  ridge.fit(x, targets_of(codes, outputs(), x.dtype()), weights);
  coef_ = ridge.coef_;
  intercept_ = ridge.intercept_;
  if (intercept_.is<double>() && params.fit_intercept)
    intercept_ =
        replicated(std::vector<double>{intercept_.as<double>()}, {1}, x.comm()).astype(x.dtype());
  solver_ = ridge.solver_;
}

const EstimatorType& RidgeClassifierCV::describe() {
  using Self = RidgeClassifierCV;
  static const auto type = EstimatorType::of<Self>(
      "RidgeClassifier with a penalty chosen by cross-validation",
      {parameter("alphas", &Params::alphas, alphas_allowed(), "the penalties to try"),
       with_intercept<Params>(),
       parameter("scoring", &Params::scoring, text() | none(),
                 "None: the square error without each row; others are not supported"),
       parameter("cv", &Params::cv, detail::folds_allowed(),
                 "None: as many folds as rows; others are not supported"),
       with_class_weight<Params>(),
       parameter("store_cv_results", &Params::store_cv_results, boolean(),
                 "keep the errors of every row")},
      {classes_attribute<Self>(), flat_coef_attribute<Self>(), intercept_attribute<Self>(),
       attribute("alpha_", &Self::alpha_, number({.low = 0.0})),
       attribute("best_score_", &Self::best_score_, number()),
       row_attribute("cv_results_", &Self::cv_results_)},
      {method("fit", &Self::do_fit, "chooses the penalty and finds the coefficients")});
  return type;
}

void RidgeClassifierCV::do_fit(const Rows& x, const Array& y, const Array& sample_weight) {
  if (!params.cv.is_none())
    throw NotImplementedError(
        "RidgeClassifierCV: cv is not supported, whose folds are scored by accuracy; only cv=None "
        "is");
  if (!params.scoring.is_none())
    throw NotImplementedError(
        fmt::format("RidgeClassifierCV: scoring={} is not supported; only None is",
                    params.scoring.to_string()));
  const Array codes = learn_classes(y, x);
  const Array weights =
      weighted(by_rows(params.class_weight, {classes_, codes}), codes, sample_weight, x);
  const Array targets = targets_of(codes, outputs(), x.dtype());
  Answer answer = choose(x, targets, weights,
                         {detail::doubles(params.alphas),
                          {},
                          {},
                          params.fit_intercept,
                          params.store_cv_results,
                          false},
                         name());
  const auto intercept = detail::unscale(answer.problem, answer.choice.coef);
  set_solution(answer.choice.coef, intercept, x);
  if (outputs() == 1)
    coef_ = replicated(answer.choice.coef.values(), {x.cols()}, x.comm()).astype(x.dtype());
  if (!params.fit_intercept) intercept_ = 0.0;
  alpha_ = answer.choice.alpha[0];
  best_score_ = answer.choice.score[0];
  cv_results_ = answer.stored
                    ? answer.stored.reshape({x.rows(), outputs(), answer.stored.shape().back()})
                          .astype(x.dtype())
                    : Array{};
}

namespace detail {
const EstimatorType& ridge_classifier() { return RidgeClassifier::describe(); }
const EstimatorType& ridge_classifier_cv() { return RidgeClassifierCV::describe(); }
const EstimatorType& ridge_cv() { return RidgeCV::describe(); }
}  // namespace detail

}  // namespace tessera
