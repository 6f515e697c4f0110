#include <tessera/estimators/naive_bayes/gaussian_nb.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <tessera/estimators/squares.hpp>
#include <tessera/estimators/targets.hpp>
#include <tessera/linalg/group_moments.hpp>
#include <tessera/linalg/moments.hpp>
#include <tessera/linalg/precision.hpp>
#include <tessera/runtime/visit.hpp>

namespace tessera {
namespace {

using linalg::is_finite;

}  // namespace

const EstimatorType& GaussianNB::describe() {
  using Self = GaussianNB;
  const auto of_class = [](const Self& s) {
    return array({class_count(s.classes_)}, {.low = 0.0, .dtypes = {DType::float64}});
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
      {attribute<Self, Value>("classes_", &Self::classes_, class_labels()),
       attribute("class_count_", &Self::class_count_, of_class),
       attribute("class_prior_", &Self::class_prior_, of_class),
       attribute("theta_", &Self::theta_, of_feature(-std::numeric_limits<double>::infinity())),
       attribute("var_", &Self::var_, of_feature(0.0)),
       attribute("epsilon_", &Self::epsilon_, number({.low = 0.0}))},
      {method("fit", &Self::do_fit, "learns means and variances of each class"),
       method("partial_fit", &Self::do_partial_fit, "goes on with more rows"),
       method("predict_joint_log_proba", &Self::do_joint, "log P(x, class) of each class")});
  return type;
}

void GaussianNB::do_fit(const Rows& x, const Array& y, const Array& sample_weight) {
  add(x, learn_classes(y, x), sample_weight, false);
}

void GaussianNB::do_partial_fit(const Rows& x, const Array& y, const Array& sample_weight) {
  add(x, codes_of(y, x), sample_weight, is_fitted());
}

// Learns from rows, in addition to what the attributes know if there is `more`.
void GaussianNB::add(const Rows& x, const Array& codes, const Array& sample_weight, bool more) {
  const std::int64_t k = class_count(classes_);
  const auto p = static_cast<std::size_t>(x.cols());
  auto m = linalg::group_moments(x, codes, k, sample_weight);
  // What is added to variances comes from the rows without their weights, as in scikit-learn.
  const auto all = sample_weight ? linalg::column_moments(x) : linalg::merged(m);
  const double n = static_cast<double>(x.rows());
  if (!is_finite(all.mean) || all.count != std::vector<double>(p, n))
    require_finite(x, "X", name());
  detail::require_squares(x, detail::largest(all.m2), name());
  epsilon_ = params.var_smoothing * *std::max_element(all.m2.begin(), all.m2.end()) / n;

  const auto count = more ? detail::doubles(class_count_) : std::vector<double>(m.weight.size());
  const auto mean = more ? detail::doubles(theta_) : std::vector<double>(m.mean.size());
  const auto var = more ? detail::doubles(var_) : std::vector<double>(m.m2.size());
  for (std::size_t i = 0; i < m.mean.size(); ++i) {
    const double before = count[i / p], now = m.weight[i / p], total = before + now;
    const double share = total > 0 ? now / total : 0.0;
    const double step = m.mean[i] - mean[i];
    const double m2 = m.m2[i] + before * ((more ? var[i] - epsilon_ : 0.0) + step * step * share);
    m.mean[i] = mean[i] + step * share;
    m.m2[i] = (total > 0 ? m2 / total : 0.0) + epsilon_;
  }
  std::transform(count.begin(), count.end(), m.weight.begin(), m.weight.begin(), std::plus<>());
  if (*std::min_element(m.m2.begin(), m.m2.end()) <= 0)
    warn(
        "GaussianNB: a feature is constant within a class and var_smoothing adds nothing: its "
        "variance is 0 and probabilities may be NaN",
        "RuntimeWarning");

  std::vector<double> prior = m.weight;
  if (params.priors.is<Array>()) {
    prior = detail::doubles(params.priors.as<Array>());
    if (std::ssize(prior) != k)
      throw ValueError(fmt::format("Number of priors must match number of classes: {} and {}.",
                                   prior.size(), k));
    const double sum = std::accumulate(prior.begin(), prior.end(), 0.0);
    if (!(std::abs(sum - 1.0) <= 1e-8))
      throw ValueError(fmt::format("The sum of the priors should be 1, got {}.", sum));
    if (std::any_of(prior.begin(), prior.end(), [](double v) { return v < 0; }))
      throw ValueError("Priors must be non-negative.");
  } else {
    const double sum = std::accumulate(prior.begin(), prior.end(), 0.0);
    for (double& v : prior) v /= sum;
  }
  const auto& comm = x.comm();
  class_count_ = replicated(m.weight, {k}, comm);
  class_prior_ = replicated(prior, {k}, comm);
  theta_ = replicated(m.mean, {k, x.cols()}, comm);
  var_ = replicated(m.m2, {k, x.cols()}, comm);
}

Rows GaussianNB::do_joint(const Rows& x) const {
  const auto k = static_cast<std::size_t>(class_count(classes_));
  const auto p = static_cast<std::size_t>(x.cols());
  const auto theta = detail::doubles(theta_), var = detail::doubles(var_);
  auto constant = detail::doubles(class_prior_);
  std::vector<double> mean(k * p), scale(k * p);  // feature by feature: classes side by side
  for (std::size_t c = 0; c < k; ++c) {
    constant[c] = std::log(constant[c]);
    for (std::size_t j = 0; j < p; ++j) {
      constant[c] -= 0.5 * std::log(2.0 * M_PI * var[c * p + j]);
      mean[j * k + c] = theta[c * p + j];
      scale[j * k + c] = std::sqrt(0.5 / var[c * p + j]);
    }
  }
  const auto kernel = [=, names = feature_names_in_](const Leaf& in, const Tile& out, Stream&) {
    std::vector<double> joint(k);
    bool finite = true;
    visit_floating(in.tile.dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      for (std::int64_t i = 0; i < in.tile.rows; ++i) {
        const T* row = in.tile.as<const T>() + i * in.tile.stride;
        joint = constant;
        for (std::size_t j = 0; j < p; ++j) {
          const auto v = static_cast<double>(row[j]);
          finite = finite && std::isfinite(v);
          for (std::size_t c = 0; c < k; ++c) {
            const double d = (v - mean[j * k + c]) * scale[j * k + c];
            joint[c] -= d * d;
          }
        }
        std::transform(joint.begin(), joint.end(), out.slice(i, 1).template as<T>(),
                       [](double v) { return static_cast<T>(v); });
      }
    });
    if (!finite) require_finite(in, "X", class_name, false, names);
  };
  return map_rows(x.to(cpu), {x.rows(), class_count(classes_)}, x.dtype(), kernel).to(x.device());
}

namespace detail {
const EstimatorType& gaussian_nb() { return GaussianNB::describe(); }
}  // namespace detail

}  // namespace tessera
