#include <tessera/estimators/linear_model/multi_task.hpp>

#include <fmt/format.h>

#include <algorithm>

#include <tessera/estimators/common_parameters.hpp>
#include <tessera/estimators/linear_model/descent_parameters.hpp>
#include <tessera/estimators/linear_model/gram_path.hpp>
#include <tessera/linalg/small.hpp>
#include <tessera/runtime/reduce.hpp>

namespace tessera {
namespace {

using linalg::Small;
using namespace common;
using namespace descent;

struct Tasks {
  Small coef;
  double gap = 0.0, tolerance = 0.0;
  std::int64_t n_iter = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(coef, gap, tolerance, n_iter);
  }
};

template <class Self>
FieldOf<Self> gap_attribute() {
  return attribute<Self, double>("dual_gap_", &Self::dual_gap_, number());
}
template <class Self>
FieldOf<Self> eps_attribute() {
  return attribute<Self, double>("eps_", &Self::eps_, number({.low = 0.0}));
}
template <class Self>
FieldOf<Self> count_attribute() {
  return attribute<Self, std::int64_t>("n_iter_", &Self::n_iter_, integers(0));
}

}  // namespace

template <class Params>
void MultiTaskModel::fit_tasks(const Rows& x, const Array& y, const Array& sample_weight,
                               double l1_ratio, const Params& params) {
  if (y.ndim() != 2)
    throw ValueError(fmt::format("{}: y must be (n, q), got (n,), which is for {}", name(),
                                 name() == "MultiTaskLasso" ? "Lasso" : "ElasticNet"));
  const std::int64_t q = y.cols(), p = x.cols();
  const LeastSquares problem(x, y, sample_weight, params.fit_intercept,
                             std::vector<RowSet>{Range{0, x.rows()}}, name());
  std::vector<double> start(static_cast<std::size_t>(p * q));
  if (params.warm_start && coef_ && coef_.shape() == Shape{q, p})
    start = Small(coef_).transposed().values();
  const auto found = on_root<Tasks>(x.comm(), [&] {
    const detail::GramProblem group(problem.gram, q);
    detail::DescentOptions options{params.tol, params.max_iter};
    if (params.selection == "random")
      options.seed = static_cast<std::uint32_t>(params.random_state.value_or(0));
    const auto path = detail::descend(group, l1_ratio, {params.alpha}, std::move(start), options);
    const double tolerance = params.tol * group.y_squares / group.weight;
    detail::warn_of_gap(path.dual_gaps[0], tolerance, name());
    return Tasks{Small(p, q, path.coefs.values()).transposed(), path.dual_gaps[0],
                 tolerance * static_cast<double>(x.rows()), path.n_iters[0]};
  });
  set_solution(problem, found.coef);
  dual_gap_ = found.gap;
  eps_ = found.tolerance;
  n_iter_ = found.n_iter;
}

const EstimatorType& MultiTaskLasso::describe() {
  using Self = MultiTaskLasso;
  using P = Params;
  static const auto type = EstimatorType::of<Self>(
      "least squares for several targets with an L1/L2 penalty",
      {with_alpha<P>(), with_intercept<P>(), with_copy<P>(), with_max_iter<P>(), with_tol<P>(),
       with_warm_start<P>(), with_seed<P>(), with_selection<P>()},
      {coef_attribute<Self>(), intercept_attribute<Self>(), gap_attribute<Self>(),
       eps_attribute<Self>(), count_attribute<Self>()},
      {method("fit", &Self::do_fit, "finds the coefficients")});
  return type;
}
void MultiTaskLasso::do_fit(const Rows& x, const Array& y, const Array& sample_weight) {
  fit_tasks(x, y, sample_weight, 1.0, params);
}

const EstimatorType& MultiTaskElasticNet::describe() {
  using Self = MultiTaskElasticNet;
  using P = Params;
  static const auto type = EstimatorType::of<Self>(
      "least squares for several targets with an L1/L2 and an L2 penalty",
      {with_alpha<P>(),
       parameter("l1_ratio", &P::l1_ratio, reals(0.0, 1.0, Closed::both),
                 "share of the L1/L2 penalty; the rest is L2"),
       with_intercept<P>(), with_copy<P>(), with_max_iter<P>(), with_tol<P>(), with_warm_start<P>(),
       with_seed<P>(), with_selection<P>()},
      {coef_attribute<Self>(), intercept_attribute<Self>(), gap_attribute<Self>(),
       eps_attribute<Self>(), count_attribute<Self>()},
      {method("fit", &Self::do_fit, "finds the coefficients")});
  return type;
}
void MultiTaskElasticNet::do_fit(const Rows& x, const Array& y, const Array& sample_weight) {
  fit_tasks(x, y, sample_weight, params.l1_ratio, params);
}

namespace detail {
const EstimatorType& multi_task_elastic_net() { return MultiTaskElasticNet::describe(); }
const EstimatorType& multi_task_lasso() { return MultiTaskLasso::describe(); }
}  // namespace detail

}  // namespace tessera
