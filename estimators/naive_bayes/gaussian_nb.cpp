#include <tessera/estimators/naive_bayes/gaussian_nb.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <tessera/estimators/squares.hpp>
#include <tessera/estimators/wide_rows.hpp>
#include <tessera/linalg/group_moments.hpp>
#include <tessera/linalg/precision.hpp>
#include <tessera/linalg/small.hpp>
#include <tessera/runtime/index.hpp>
#include <tessera/runtime/warn.hpp>

namespace tessera {

using detail::doubles;
using detail::z;

const EstimatorType& GaussianNB::describe() {
  using Self = GaussianNB;
  constexpr double any = -std::numeric_limits<double>::infinity();
  const auto of_class = [](Sum sum) {
    return [sum](const Self& s) {
      return array({class_count(s.classes_)}, {.low = 0.0, .sum = sum, .dtypes = {DType::float64}});
    };
  };
  const auto of_feature = [](double low) {
    return [low](const Self& s) {
      return array({class_count(s.classes_), s.n_features_in_},
                   {.low = low, .dtypes = {DType::float64}});
    };
  };
  static const auto type = EstimatorType::of<Self>(
      "naive Bayes classifier with normal features",
      {parameter("priors", &Params::priors, array() | none(),
                 "prior probabilities of the classes; None: as often as in y"),
       parameter("var_smoothing", &Params::var_smoothing, reals(0.0),
                 "share of the largest variance of a feature that is added to all variances")},
      {classes_attribute<Self>(),
       attribute("class_count_", &Self::class_count_, of_class(Sum::any)),
       attribute("class_prior_", &Self::class_prior_, of_class(Sum::one)),
       attribute("theta_", &Self::theta_, of_feature(any)),
       attribute("var_", &Self::var_, of_feature(0.0)),
       attribute("epsilon_", &Self::epsilon_, number({.low = 0.0}))},
      {});
  return type;
}

void GaussianNB::learn_from(const Rows& x, const Array& codes, const Array& sample_weight) {
  const std::int64_t k = class_count(classes_), p = x.cols();
  auto m = linalg::group_moments(x, codes, k, sample_weight);
  // What is added to variances comes from the rows without their weights, as in scikit-learn.
  const auto all = sample_weight ? linalg::column_moments(x) : linalg::merged(m);
  const double n = static_cast<double>(x.rows());
  if (!linalg::is_finite(all.mean) ||
      std::ranges::any_of(all.count, [&](double c) { return c != n; }))
    require_finite(x, "X", name());
  detail::require_squares(x, detail::largest(all.m2), name());
  // Of these rows, also where it is taken off what was learnt of others: scikit-learn's var_ after
  // partial_fit.
  epsilon_ = params.var_smoothing * detail::largest(all.m2) / n;
  const auto of_class = [p](std::size_t i) { return i / z(p); };
  if (is_fitted()) {  // what was learnt of other rows (Chan)
    const auto weight = doubles(class_count_), mean = doubles(theta_), var = doubles(var_);
    for (std::size_t i = 0; i < mean.size(); ++i) {
      const double before = weight[of_class(i)], all_rows = before + m.weight[of_class(i)];
      const double share = all_rows > 0 ? m.weight[of_class(i)] / all_rows : 0.0;
      const double step = m.mean[i] - mean[i];
      m.mean[i] = mean[i] + step * share;
      m.m2[i] += before * (var[i] - epsilon_ + step * step * share);
    }
    std::ranges::transform(m.weight, weight, m.weight.begin(), std::plus<>());
  }
  for (std::size_t i = 0; i < m.m2.size(); ++i) {
    const double weight = m.weight[of_class(i)];
    m.m2[i] = (weight > 0 ? m.m2[i] / weight : 0.0) + epsilon_;
  }
  if (*std::ranges::min_element(m.m2) <= 0)
    warn(
        "GaussianNB: a feature is constant within a class and var_smoothing adds nothing: its "
        "variance is 0 and probabilities may be NaN",
        "RuntimeWarning");

  const auto prior = class_priors(params.priors, m.weight, name());
  const double sum = std::accumulate(prior.begin(), prior.end(), 0.0);
  if (!(std::abs(sum - 1.0) <= 1e-8))
    throw ValueError(fmt::format("The sum of the priors should be 1, got {}.", sum));
  if (std::ranges::any_of(prior, [](double v) { return v < 0; }))
    throw ValueError("Priors must be non-negative.");
  const auto& comm = x.comm();
  class_count_ = replicated(m.weight, {k}, comm);
  class_prior_ = replicated(prior, {k}, comm);
  theta_ = replicated(m.mean, {k, p}, comm);
  var_ = replicated(m.m2, {k, p}, comm);
}

Rows GaussianNB::do_joint(const Rows& x) const {
  linalg::Small scale(var_);
  auto constant = doubles(class_prior_);
  for (std::int64_t c = 0; c < scale.rows(); ++c) {
    double& of_class = constant[z(c)];
    of_class = std::log(of_class);
    for (double& v : scale.row(c)) {
      of_class -= 0.5 * std::log(2.0 * M_PI * v);
      v = std::sqrt(0.5 / v);
    }
  }
  // Feature by feature, classes side by side.
  const auto kernel = [constant, mean = linalg::Small(theta_).transposed(),
                       scale = scale.transposed()](std::int64_t, std::span<const double> row,
                                                   std::span<double> joint) {
    std::ranges::copy(constant, joint.begin());
    for (std::int64_t j = 0; j < mean.rows(); ++j)
      for (std::int64_t c = 0; c < mean.cols(); ++c) {
        const double d = (row[z(j)] - mean.at(j, c)) * scale.at(j, c);
        joint[z(c)] -= d * d;
      }
  };
  return map_wide_rows(x, std::ssize(constant), kernel, this);
}

namespace detail {
const EstimatorType& gaussian_nb() { return GaussianNB::describe(); }
}  // namespace detail

}  // namespace tessera
