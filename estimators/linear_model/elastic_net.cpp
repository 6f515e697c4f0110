#include <tessera/estimators/linear_model/elastic_net.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include <tessera/estimators/common_parameters.hpp>
#include <tessera/estimators/feature_selection/selector.hpp>
#include <tessera/estimators/linear_model/descent_parameters.hpp>
#include <tessera/estimators/linear_model/gram_path.hpp>
#include <tessera/estimators/linear_model/matrix_free.hpp>
#include <tessera/runtime/reduce.hpp>
#include <tessera/runtime/warn.hpp>

namespace tessera {
namespace {

using namespace common;
using namespace descent;

template <class Params>
FieldOf<Params> precompute_parameter() {
  return parameter("precompute", &Params::precompute, boolean() | array(),
                   "accepted for compatibility: one Gram matrix is always computed");
}

/// One entry per target.
struct Solutions {
  linalg::Small coef;
  std::vector<double> gap;
  std::vector<std::int64_t> n_iter;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(coef, gap, n_iter);
  }
};

}  // namespace

void SparseLinearModel::fit_penalised(const Rows& x, const Array& given_y,
                                      const Array& sample_weight, const Value& precompute,
                                      const Penalty& penalty) {
  if (precompute.is<Array>())
    throw NotImplementedError(
        fmt::format("{}: a Gram matrix as precompute is not supported; only True and False, with "
                    "which it is computed in one pass, are",
                    name()));
  if (penalty.alpha == 0)
    warn(
        fmt::format("{}: With alpha=0, this algorithm does not converge well. You are advised to "
                    "use the LinearRegression estimator",
                    name()));
  const Array y = given_y.cols() == 1 ? given_y.reshape({given_y.rows()}) : given_y;
  const std::int64_t q = y.cols(), p = x.cols();
  std::vector<double> start(static_cast<std::size_t>(q * p));
  if (penalty.warm_start && coef_ && coef_.size() == q * p && coef_.cols() == (q == 1 ? 1 : p))
    start = detail::doubles(coef_);
  if (!detail::has_gram(p + q)) {
    fit_by_rows(x, y, sample_weight, penalty, start);
    return set_column_intercept(given_y, penalty.fit_intercept);
  }
  const LeastSquares problem(x, y, sample_weight, penalty.fit_intercept, true, name());
  const auto found = on_root<Solutions>(x.comm(), [&] {
    Solutions all{linalg::Small(q, p), {}, {}};
    for (std::int64_t t = 0; t < q; ++t) {
      // The penalties of the coefficients of the scaled problem, which is this one times 2^(2 ey).
      const int ex = problem.x_exponent, ey = problem.y_exponents[static_cast<std::size_t>(t)];
      const double l1 = std::ldexp(penalty.alpha * penalty.l1_ratio, ex + ey);
      const double l2 = std::ldexp(penalty.alpha * (1 - penalty.l1_ratio), 2 * ex);
      std::vector<double> from(start.begin() + t * p, start.begin() + (t + 1) * p);
      for (double& v : from) v = std::ldexp(v, ey - ex);
      detail::DescentOptions options{penalty.tol, penalty.max_iter.value_or(1000),
                                     penalty.positive};
      if (penalty.selection == "random")
        options.seed = static_cast<std::uint32_t>(penalty.random_state.value_or(0));
      const detail::GramProblem target(problem.gram, q, t);
      const double alpha = l1 + l2;
      const auto path =
          detail::descend(target, alpha > 0 ? l1 / alpha : 1.0, {alpha}, std::move(from), options);
      std::ranges::copy(path.coefs.values(), all.coef.row(t).begin());
      all.gap.push_back(std::ldexp(path.dual_gaps[0], -2 * ey));
      all.n_iter.push_back(path.n_iters[0]);
      detail::warn_of_gap(path.dual_gaps[0], penalty.tol * target.y_squares / target.weight,
                          name());
    }
    return all;
  });
  set_solution(problem, found.coef);
  set_column_intercept(given_y, penalty.fit_intercept);
  dual_gap_ = found.gap[0];
  n_iter_ = found.n_iter[0];
  if (y.ndim() == 1) return;
  dual_gap_ = replicated(found.gap, {q}, x.comm());
  n_iter_ = replicated(found.n_iter, {q}, x.comm());
}

// Without a Gram matrix, target by target.
void SparseLinearModel::fit_by_rows(const Rows& x, const Array& y, const Array& sample_weight,
                                    const Penalty& penalty, const std::vector<double>& start) {
  const std::int64_t q = y.cols(), p = x.cols();
  const bool flat = y.ndim() == 1;
  std::vector<double> coef, intercept, gap;
  std::vector<std::int64_t> n_iter;
  for (std::int64_t t = 0; t < q; ++t) {
    const Array one = flat ? y : collect(detail::take_columns(Rows(y), {t})).reshape({y.rows()});
    const auto found = detail::descend_by_rows(
        x, one, sample_weight, penalty.fit_intercept, penalty.alpha * penalty.l1_ratio,
        penalty.alpha * (1 - penalty.l1_ratio),
        {start.begin() + t * p, start.begin() + (t + 1) * p},
        {penalty.tol, penalty.max_iter.value_or(1000), penalty.positive}, name());
    detail::warn_of_gap(found.gap, found.tolerance, name());
    coef.insert(coef.end(), found.coef.begin(), found.coef.end());
    intercept.push_back(found.intercept);
    gap.push_back(found.gap);
    n_iter.push_back(found.n_iter);
  }
  if (flat) {
    set_coefficients(coef, intercept[0], x);
    dual_gap_ = gap[0];
    n_iter_ = n_iter[0];
    return;
  }
  coef_ = replicated(coef, {q, p}, x.comm()).astype(x.dtype());
  intercept_ = penalty.fit_intercept ? Value(replicated(intercept, {q}, x.comm()).astype(x.dtype()))
                                     : Value(0.0);
  dual_gap_ = replicated(gap, {q}, x.comm());
  n_iter_ = replicated(n_iter, {q}, x.comm());
}

const EstimatorType& Lasso::describe() {
  using Self = Lasso;
  static const auto type = EstimatorType::of<Self>(
      "least squares with an L1 penalty",
      {with_alpha<Params>(), with_intercept<Params>(), precompute_parameter<Params>(),
       with_copy<Params>(),
       parameter("max_iter", &Params::max_iter, integers(1) | none(),
                 "most sweeps over the coefficients; None: 1000"),
       with_tol<Params>(), with_warm_start<Params>(), with_positive<Params>(), with_seed<Params>(),
       with_selection<Params>()},
      {coef_attribute<Self>(), intercept_attribute<Self>(true), gap_attribute<Self>(),
       iterations_attribute<Self>()},
      {method("fit", &Self::do_fit, "finds the coefficients")});
  return type;
}

void Lasso::do_fit(const Rows& x, const Array& y, const Array& sample_weight) {
  fit_penalised(x, y, sample_weight, params.precompute,
                {params.alpha, 1.0, params.tol, params.fit_intercept, params.positive,
                 params.warm_start, params.max_iter, params.random_state, params.selection});
}

const EstimatorType& ElasticNet::describe() {
  using Self = ElasticNet;
  static const auto type = EstimatorType::of<Self>(
      "least squares with an L1 and an L2 penalty",
      {with_alpha<Params>(),
       parameter("l1_ratio", &Params::l1_ratio, reals(0.0, 1.0, Closed::both),
                 "share of the L1 penalty; the rest is L2"),
       with_intercept<Params>(), precompute_parameter<Params>(),
       parameter("max_iter", &Params::max_iter, integers(1) | none(),
                 "most sweeps over the coefficients; None: 1000"),
       with_copy<Params>(), with_tol<Params>(), with_warm_start<Params>(), with_positive<Params>(),
       with_seed<Params>(), with_selection<Params>()},
      {coef_attribute<Self>(), intercept_attribute<Self>(true), gap_attribute<Self>(),
       iterations_attribute<Self>()},
      {method("fit", &Self::do_fit, "finds the coefficients")});
  return type;
}

void ElasticNet::do_fit(const Rows& x, const Array& y, const Array& sample_weight) {
  fit_penalised(x, y, sample_weight, params.precompute,
                {params.alpha, params.l1_ratio, params.tol, params.fit_intercept, params.positive,
                 params.warm_start, params.max_iter, params.random_state, params.selection});
}

Path enet_path(const Rows& x, const Array& y, double l1_ratio, const PathOptions& options) {
  if (!(l1_ratio >= 0 && l1_ratio <= 1))
    throw ValueError(fmt::format("l1_ratio must be between 0 and 1, got {}", l1_ratio));
  if (x.ndim() != 2 || y.ndim() < 1 || y.ndim() > 2 || y.rows() != x.rows())
    throw ValueError(fmt::format("X must be (n, p) and y (n,) or (n, q), got {} and {}",
                                 to_string(x.shape()), to_string(y.shape())));
  if (!(options.eps > 0)) throw ValueError(fmt::format("eps must be above 0, got {}", options.eps));
  const bool grouped = y.ndim() == 2;
  if (grouped && options.positive)
    throw ValueError("positive=True takes one target, got y of shape " + to_string(y.shape()));
  const std::int64_t p = x.cols(), q = y.cols();
  if (!detail::has_gram(p + q))
    throw ValueError(fmt::format(
        "a path needs the Gram matrix of X, which {} columns are too many for; fit ElasticNet or "
        "Lasso for each alpha",
        p));
  const auto size = static_cast<std::size_t>(p * q);
  if (!options.coef_init.empty() && options.coef_init.size() != size)
    throw ValueError(fmt::format("coef_init must have {} x {} elements, got {}", q, p,
                                 options.coef_init.size()));
  auto alphas = options.alphas;
  for (const double alpha : alphas)
    if (!(alpha >= 0)) throw ValueError(fmt::format("alphas must be at least 0, got {}", alpha));
  std::sort(alphas.begin(), alphas.end(), std::greater<>());
  require_finite(Rows(y), "y", "enet_path");
  const auto gram = LeastSquares(x, y, {}, false, {RowSet(Range{0, x.rows()})}, "enet_path").gram;
  std::vector<double> start(size);
  for (std::size_t i = 0; i < options.coef_init.size(); ++i)
    start[i % static_cast<std::size_t>(p) * static_cast<std::size_t>(q) +
          i / static_cast<std::size_t>(p)] = options.coef_init[i];
  return on_root<Path>(x.comm(), [&] {
    const auto problem = grouped ? detail::GramProblem(gram, q) : detail::GramProblem(gram, 1, 0);
    if (alphas.empty())
      alphas = detail::alpha_grid(problem, l1_ratio, options.eps, options.n_alphas);
    return detail::descend(problem, l1_ratio, alphas, std::move(start),
                           {options.tol, options.max_iter, options.positive});
  });
}

namespace detail {
const EstimatorType& elastic_net() { return ElasticNet::describe(); }
const EstimatorType& lasso() { return Lasso::describe(); }
}  // namespace detail

}  // namespace tessera
