#include <tessera/estimators/linear_model/elastic_net_cv.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <tessera/estimators/common_parameters.hpp>
#include <tessera/estimators/folds.hpp>
#include <tessera/estimators/linear_model/descent_parameters.hpp>
#include <tessera/estimators/linear_model/gram_path.hpp>
#include <tessera/runtime/reduce.hpp>
#include <tessera/runtime/warn.hpp>

namespace tessera {
namespace {

/// What the folds say: a grid of alphas and an error of each fold for every ratio, and the fit with
/// the best of all.
struct Chosen {
  std::vector<std::vector<double>> alphas;
  std::vector<double> mse;  // ratios x alphas x folds
  std::int64_t ratio = 0;
  double alpha = 0;
  Path path;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(alphas, mse, ratio, alpha, path);
  }
};

// The mean square of what coefficients of one set of rows leave of the targets in another one.
double error_of(const linalg::CenteredGram& train, const linalg::CenteredGram& test,
                const detail::GramProblem& problem, std::span<const double> coef) {
  if (test.weight == 0) return 0.0;
  const auto p = static_cast<std::size_t>(problem.p()), q = static_cast<std::size_t>(problem.tasks);
  double sum = problem.residual(coef) / test.weight;
  for (std::size_t t = 0; t < q; ++t) {
    double mean = test.mean[p + t] - train.mean[p + t];
    for (std::size_t j = 0; j < p; ++j) mean -= coef[j * q + t] * (test.mean[j] - train.mean[j]);
    sum += mean * mean;
  }
  return sum / static_cast<double>(q);
}

Allowed positive_reals() {
  return reals(0.0, std::numeric_limits<double>::infinity(), Closed::neither);
}

// Parameters of any of the four as those of the one that has all.
template <class Params>
ElasticNetCVParams all_of(const Params& p) {
  ElasticNetCVParams all{.l1_ratio = 1.0,
                         .eps = p.eps,
                         .alphas = p.alphas,
                         .fit_intercept = p.fit_intercept,
                         .max_iter = p.max_iter,
                         .tol = p.tol,
                         .cv = p.cv,
                         .random_state = p.random_state,
                         .selection = p.selection};
  if constexpr (requires { p.l1_ratio; }) all.l1_ratio = p.l1_ratio;
  if constexpr (requires { p.precompute; }) all.precompute = p.precompute;
  if constexpr (requires { p.positive; }) all.positive = p.positive;
  return all;
}

}  // namespace

double SparseCrossValidated::cross_validate(const Rows& x, const Array& given_y,
                                            const Array& sample_weight,
                                            const ElasticNetCVParams& params) {
  const bool grouped = type().tags().several_targets;
  const std::vector<double> l1_ratios = detail::doubles(params.l1_ratio);
  for (const double r : l1_ratios)
    if (!(r >= 0 && r <= 1))
      throw ValueError(fmt::format("{}: l1_ratio must be between 0 and 1, got {}", name(), r));
  if (params.precompute.is<Array>())
    throw NotImplementedError(fmt::format(
        "{}: a Gram matrix as precompute is not supported: folds have their own", name()));
  if (grouped && given_y.ndim() != 2)
    throw ValueError(fmt::format("{}: y must be (n, q), got (n,), which is for {}", name(),
                                 name() == "MultiTaskLassoCV" ? "LassoCV" : "ElasticNetCV"));
  if (!grouped && given_y.cols() != 1)
    throw ValueError(fmt::format("{}: y must have one target, got {}, which are for MultiTask{}",
                                 name(), given_y.cols(), name()));
  const Array y = grouped ? given_y : given_y.reshape({given_y.rows()});
  const auto rows_of_folds = detail::folds_of(params.cv, x.rows(), name());
  const std::int64_t folds = std::ssize(rows_of_folds);
  const LeastSquares problem(x, y, sample_weight, params.fit_intercept, rows_of_folds, name());
  std::vector<double> given;
  if (!params.alphas.is<std::int64_t>()) {
    given = detail::doubles(params.alphas);
    std::sort(given.begin(), given.end(), std::greater<>());
    if (given.empty() || !(given.back() >= 0))
      throw ValueError(fmt::format("{}: alphas must be at least 0", name()));
  }
  const auto size = static_cast<std::size_t>(x.cols() * y.cols());
  const auto problem_of = [&](const linalg::CenteredGram& gram) {
    return grouped ? detail::GramProblem(gram, y.cols()) : detail::GramProblem(gram, 1, 0);
  };
  detail::DescentOptions options{params.tol, params.max_iter};
  options.positive = params.positive;
  if (params.selection == "random")
    options.seed = static_cast<std::uint32_t>(params.random_state.value_or(0));

  const auto chosen = on_root<Chosen>(x.comm(), [&] {
    Chosen all;
    const auto whole = problem_of(problem.gram);
    for (const double ratio : l1_ratios)
      all.alphas.push_back(given.empty() ? detail::alpha_grid(whole, ratio, params.eps,
                                                              params.alphas.as<std::int64_t>())
                                         : given);
    const std::int64_t n_alphas = std::ssize(all.alphas[0]);
    all.mse.resize(l1_ratios.size() * static_cast<std::size_t>(n_alphas * folds));
    parallel_for({0, folds * std::ssize(l1_ratios)}, Runtime::threads(),
                 [&](std::int64_t job, Stream&) {
                   const std::int64_t r = job / folds, f = job % folds;
                   const auto train = detail::merged(problem.folds, f);
                   const auto& test = problem.folds[static_cast<std::size_t>(f)];
                   const auto path = detail::descend(
                       problem_of(train), l1_ratios[static_cast<std::size_t>(r)],
                       all.alphas[static_cast<std::size_t>(r)], std::vector<double>(size), options);
                   const auto left = problem_of(test);
                   for (std::int64_t a = 0; a < n_alphas; ++a)
                     all.mse[static_cast<std::size_t>((r * n_alphas + a) * folds + f)] =
                         error_of(train, test, left, path.coefs.row(a));
                 });
    double least = std::numeric_limits<double>::infinity();
    for (std::int64_t r = 0; r < std::ssize(l1_ratios); ++r)
      for (std::int64_t a = 0; a < n_alphas; ++a) {
        double sum = 0.0;  // of the folds, whatever their weights
        for (std::int64_t f = 0; f < folds; ++f)
          sum += all.mse[static_cast<std::size_t>((r * n_alphas + a) * folds + f)];
        if (sum < least) {
          least = sum;
          all.ratio = r;
          all.alpha = all.alphas[static_cast<std::size_t>(r)][static_cast<std::size_t>(a)];
        }
      }
    all.path = detail::descend(whole, l1_ratios[static_cast<std::size_t>(all.ratio)], {all.alpha},
                               std::vector<double>(size), options);
    detail::warn_of_gap(all.path.dual_gaps[0], params.tol * whole.y_squares / whole.weight, name());
    return all;
  });

  set_solution(problem,
               grouped ? linalg::Small(x.cols(), y.cols(), chosen.path.coefs.values()).transposed()
                       : chosen.path.coefs);
  alpha_ = chosen.alpha;
  dual_gap_ = chosen.path.dual_gaps[0];
  n_iter_ = chosen.path.n_iters[0];
  const std::int64_t ratios = std::ssize(l1_ratios), n_alphas = std::ssize(chosen.alphas[0]);
  const bool one = ratios == 1;
  std::vector<double> grid;
  for (const auto& row : chosen.alphas) grid.insert(grid.end(), row.begin(), row.end());
  if (!given.empty()) grid = given;
  alphas_ =
      replicated(grid, one || !given.empty() ? Shape{n_alphas} : Shape{ratios, n_alphas}, x.comm());
  mse_path_ = replicated(chosen.mse, one ? Shape{n_alphas, folds} : Shape{ratios, n_alphas, folds},
                         x.comm());
  return l1_ratios[static_cast<std::size_t>(chosen.ratio)];
}

namespace {

using namespace common;
using namespace descent;

// The parameters that both have.
template <class P>
FieldOf<P> with_eps() {
  return parameter("eps", &P::eps, positive_reals(), "the least alpha by the largest");
}
template <class P>
FieldOf<P> with_alphas() {
  return parameter("alphas", &P::alphas, integers(1) | list_of(reals(0.0), 1) | array(),
                   "the penalties to try, or how many of a grid");
}
template <class P>
FieldOf<P> with_precompute() {
  return parameter("precompute", &P::precompute, words({"auto"}) | boolean() | array(),
                   "accepted for compatibility: one Gram matrix per fold is always computed");
}
template <class P>
FieldOf<P> with_cv() {
  return parameter("cv", &P::cv, detail::folds_allowed(),
                   "how many folds of consecutive rows, or (train, test) rows of each; None: 5");
}
template <class P>
FieldOf<P> with_ratios() {
  return parameter("l1_ratio", &P::l1_ratio, several(reals(0.0, 1.0, Closed::both)),
                   "share of the L1 penalty, or several to try");
}
template <class Self>
FieldOf<Self> ratio_attribute() {
  return attribute("l1_ratio_", &Self::l1_ratio_, number({.low = 0.0, .high = 1.0}));
}
Allowed floats_of_rank(std::int64_t low, const Array& a) {
  return array(a ? a.shape() : Shape{0},
               {.low = static_cast<double>(low), .dtypes = {DType::float64}});
}
template <class Self>
FieldOf<Self> alpha_attribute() {
  return attribute<Self, double>("alpha_", &Self::alpha_, number({.low = 0.0}));
}
template <class Self>
FieldOf<Self> alphas_attribute() {
  return attribute<Self, Array>("alphas_", &Self::alphas_,
                                [](const Self& s) { return floats_of_rank(0, s.alphas_); });
}
template <class Self>
FieldOf<Self> errors_attribute() {
  return attribute<Self, Array>("mse_path_", &Self::mse_path_,
                                [](const Self& s) { return floats_of_rank(0, s.mse_path_); });
}
template <class Self>
FieldOf<Self> gap_of() {
  return attribute<Self, double>("dual_gap_", &Self::dual_gap_, number());
}
template <class Self>
FieldOf<Self> iterations_of() {
  return attribute<Self, std::int64_t>("n_iter_", &Self::n_iter_, integers(0));
}

}  // namespace

const EstimatorType& LassoCV::describe() {
  using Self = LassoCV;
  using P = Params;
  static const auto type = EstimatorType::of<Self>(
      "Lasso with a penalty chosen by cross-validation",
      {with_eps<P>(), with_alphas<P>(), with_intercept<P>(), with_precompute<P>(),
       with_max_iter<P>(), with_tol<P>(), with_copy<P>(), with_cv<P>(), with_unused_verbose<P>(),
       with_unused_jobs<P>(), with_positive<P>(), with_seed<P>(), with_selection<P>()},
      {alpha_attribute<Self>(), alphas_attribute<Self>(), coef_attribute<Self>(),
       intercept_attribute<Self>(), errors_attribute<Self>(), gap_of<Self>(),
       iterations_of<Self>()},
      {method("fit", &Self::do_fit, "chooses the penalty and finds the coefficients")});
  return type;
}

void LassoCV::do_fit(const Rows& x, const Array& y, const Array& sample_weight) {
  cross_validate(x, y, sample_weight, all_of(params));
}

const EstimatorType& ElasticNetCV::describe() {
  using Self = ElasticNetCV;
  using P = Params;
  static const auto type = EstimatorType::of<Self>(
      "ElasticNet with penalties chosen by cross-validation",
      {with_ratios<P>(), with_eps<P>(), with_alphas<P>(), with_intercept<P>(), with_precompute<P>(),
       with_max_iter<P>(), with_tol<P>(), with_cv<P>(), with_copy<P>(), with_unused_verbose<P>(),
       with_unused_jobs<P>(), with_positive<P>(), with_seed<P>(), with_selection<P>()},
      {alpha_attribute<Self>(), ratio_attribute<Self>(), alphas_attribute<Self>(),
       coef_attribute<Self>(), intercept_attribute<Self>(), errors_attribute<Self>(),
       gap_of<Self>(), iterations_of<Self>()},
      {method("fit", &Self::do_fit, "chooses the penalties and finds the coefficients")});
  return type;
}

void ElasticNetCV::do_fit(const Rows& x, const Array& y, const Array& sample_weight) {
  l1_ratio_ = cross_validate(x, y, sample_weight, all_of(params));
}

const EstimatorType& MultiTaskLassoCV::describe() {
  using Self = MultiTaskLassoCV;
  using P = Params;
  static const auto type = EstimatorType::of<Self>(
      "MultiTaskLasso with a penalty chosen by cross-validation",
      {with_eps<P>(), with_alphas<P>(), with_intercept<P>(), with_max_iter<P>(), with_tol<P>(),
       with_copy<P>(), with_cv<P>(), with_unused_verbose<P>(), with_unused_jobs<P>(),
       with_seed<P>(), with_selection<P>()},
      {alpha_attribute<Self>(), alphas_attribute<Self>(), coef_attribute<Self>(),
       intercept_attribute<Self>(), errors_attribute<Self>(), gap_of<Self>(),
       iterations_of<Self>()},
      {method("fit", &Self::do_fit, "chooses the penalty and finds the coefficients")});
  return type;
}

void MultiTaskLassoCV::do_fit(const Rows& x, const Array& y, const Array& sample_weight) {
  cross_validate(x, y, sample_weight, all_of(params));
}

const EstimatorType& MultiTaskElasticNetCV::describe() {
  using Self = MultiTaskElasticNetCV;
  using P = Params;
  static const auto type = EstimatorType::of<Self>(
      "MultiTaskElasticNet with penalties chosen by cross-validation",
      {with_ratios<P>(), with_eps<P>(), with_alphas<P>(), with_intercept<P>(), with_max_iter<P>(),
       with_tol<P>(), with_cv<P>(), with_copy<P>(), with_unused_verbose<P>(), with_unused_jobs<P>(),
       with_seed<P>(), with_selection<P>()},
      {alpha_attribute<Self>(), ratio_attribute<Self>(), alphas_attribute<Self>(),
       coef_attribute<Self>(), intercept_attribute<Self>(), errors_attribute<Self>(),
       gap_of<Self>(), iterations_of<Self>()},
      {method("fit", &Self::do_fit, "chooses the penalties and finds the coefficients")});
  return type;
}

void MultiTaskElasticNetCV::do_fit(const Rows& x, const Array& y, const Array& sample_weight) {
  l1_ratio_ = cross_validate(x, y, sample_weight, all_of(params));
}

namespace detail {
const EstimatorType& multi_task_elastic_net_cv() { return MultiTaskElasticNetCV::describe(); }
const EstimatorType& multi_task_lasso_cv() { return MultiTaskLassoCV::describe(); }
const EstimatorType& elastic_net_cv() { return ElasticNetCV::describe(); }
const EstimatorType& lasso_cv() { return LassoCV::describe(); }
}  // namespace detail

}  // namespace tessera
