#include <tessera/estimators/discriminant_analysis/discriminant_analysis.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include <tessera/estimators/class_scores.hpp>
#include <tessera/estimators/linear_model/gram_path.hpp>
#include <tessera/estimators/squares.hpp>
#include <tessera/linalg/group_moments.hpp>
#include <tessera/linalg/small.hpp>
#include <tessera/runtime/index.hpp>
#include <tessera/runtime/reduce.hpp>

namespace tessera {
namespace {

using detail::z;
using linalg::CenteredGram;
using linalg::Small;

Small covariance_of(const CenteredGram& g) {
  Small c = g.gram;
  for (double& v : c.values()) v /= g.weight;
  return c;
}

/// How far scikit-learn's ledoit_wolf shrinks the covariance of standardised rows: `fourth` is the
/// sum over rows of their norm to the fourth. Ledoit and Wolf, "A well-conditioned estimator for
/// large-dimensional covariance matrices", 2004.
double ledoit_wolf(const CenteredGram& g, double fourth) {
  const std::int64_t p = g.cols();
  if (p == 1) return 0.0;
  const Small cov = covariance_of(g);
  const auto scale = [&](std::int64_t j) {
    return cov.at(j, j) > 0 ? std::sqrt(cov.at(j, j)) : 1.0;
  };
  double trace = 0.0, squares = 0.0;
  for (std::int64_t i = 0; i < p; ++i) {
    trace += cov.at(i, i) / (scale(i) * scale(i));
    for (std::int64_t j = 0; j < p; ++j) {
      const double v = cov.at(i, j) / (scale(i) * scale(j));
      squares += v * v;
    }
  }
  const auto features = static_cast<double>(p);
  const double mu = trace / features;
  const double beta = (fourth / g.weight - squares) / (features * g.weight);
  const double delta = (squares - 2 * mu * trace + features * mu * mu) / features;
  const double least = std::min(beta, delta);
  return least == 0 ? 0.0 : least / delta;
}

}  // namespace

std::vector<Method> DiscriminantAnalysis::role_methods() {
  auto all = Classifier::role_methods();
  all.push_back(
      method("predict", &DiscriminantAnalysis::do_predict, "the likeliest class of each row"));
  all.push_back(method("predict_proba", &DiscriminantAnalysis::do_predict_proba,
                       "the probability of each class"));
  all.push_back(method("predict_log_proba", &DiscriminantAnalysis::do_predict_log_proba,
                       "the logarithm of that"));
  return all;
}

Rows DiscriminantAnalysis::do_predict(const Rows& x) const {
  return decode_classes(detail::highest(run("decision_function", x)[0]), classes_);
}
Rows DiscriminantAnalysis::do_predict_log_proba(const Rows& x) const {
  return detail::log_softmax(run("decision_function", x)[0]);
}
Rows DiscriminantAnalysis::do_predict_proba(const Rows& x) const {
  return detail::exponential(run("predict_log_proba", x)[0]);
}

DiscriminantAnalysis::Moments DiscriminantAnalysis::moments(const Rows& x, const Array& codes,
                                                            const Value& shrinkage) const {
  const std::int64_t k = class_count(classes_), p = x.cols();
  Moments m{linalg::group_gram(x, codes, k), {}, {}};
  m.all = detail::merged(m.classes);
  std::vector<double> squares;
  for (std::int64_t j = 0; j < p; ++j) squares.push_back(m.all.gram.at(j, j));
  detail::require_squares(x, detail::largest(squares), name());
  if (!shrinkage.is_word("auto")) return m;
  std::vector<CenteredGram> groups = m.classes;
  groups.push_back(m.all);
  std::vector<double> inverse;  // of the variances by group
  for (const auto& g : groups)
    for (std::int64_t j = 0; j < p; ++j) {
      const double v = g.gram.at(j, j) / g.weight;
      inverse.push_back(v > 0 ? 1.0 / v : 1.0);
    }
  const auto sums = reduce<Sums>(zip(x.to(cpu), {codes.to(cpu)}), [&](const Leaf& leaf, Stream&) {
    Sums s{std::vector<double>(groups.size())};
    visit_floating(leaf.tile.dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      for (std::int64_t i = 0; i < leaf.tile.rows; ++i)
        for (const std::int64_t g :
             {static_cast<std::int64_t>(leaf.beside[0].as<const std::int32_t>()[i]), k}) {
          double square = 0.0;
          for (std::int64_t j = 0; j < p; ++j) {
            const double d =
                static_cast<double>(leaf.tile.as<const T>()[i * leaf.tile.stride + j]) -
                groups[z(g)].mean[z(j)];
            square += d * d * inverse[z(g * p + j)];
          }
          s.values[z(g)] += square * square;
        }
    });
    return s;
  });
  for (std::size_t g = 0; g < groups.size(); ++g)
    m.shrinkage.push_back(ledoit_wolf(groups[g], sums.values[g]));
  return m;
}

Small DiscriminantAnalysis::covariance(const Moments& m, std::int64_t c,
                                       const Value& shrinkage) const {
  const bool whole = c == std::ssize(m.classes);
  Small cov = covariance_of(whole ? m.all : m.classes[z(c)]);
  if (shrinkage.is_none()) return cov;
  const bool automatic = shrinkage.is_word("auto");
  const double by = automatic ? m.shrinkage[z(c)] : detail::doubles(shrinkage)[0];
  const std::int64_t p = cov.rows();
  std::vector<double> diagonal(z(p));  // of what it is shrunk to
  double trace = 0.0, mean = 0.0;      // the mean variance of standardised rows
  for (std::int64_t j = 0; j < p; ++j) {
    trace += cov.at(j, j);
    mean += (cov.at(j, j) > 0 ? 1.0 : 0.0) / static_cast<double>(p);
  }
  for (std::int64_t j = 0; j < p; ++j)
    // Standardised rows have variances of 1, which their own scale takes back: 1 of a constant.
    diagonal[z(j)] = !automatic         ? trace / static_cast<double>(p)
                     : cov.at(j, j) > 0 ? mean * cov.at(j, j)
                                        : mean;
  for (double& v : cov.values()) v *= 1 - by;
  for (std::int64_t j = 0; j < p; ++j) cov.at(j, j) += by * diagonal[z(j)];
  return cov;
}

std::vector<double> DiscriminantAnalysis::prior_of(const Moments& m, const Value& priors) const {
  std::vector<double> weights;
  for (const auto& g : m.classes) weights.push_back(g.weight);
  return class_priors(priors, weights, name());
}

}  // namespace tessera
