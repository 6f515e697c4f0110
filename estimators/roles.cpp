#include <tessera/estimators/roles.hpp>

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include <tessera/estimators/range.hpp>
#include <tessera/estimators/targets.hpp>
#include <tessera/runtime/reduce.hpp>
#include <tessera/runtime/visit.hpp>

namespace tessera {

std::vector<Method> Regressor::role_methods() {
  return {method("score", &Regressor::do_score, "R^2 of the predictions, the mean over targets")};
}

double Regressor::do_score(const Rows& x, const Array& y, const Array& sample_weight) const {
  const Rows predicted = run("predict", x)[0].as(y.dtype());
  if (y.cols() != predicted.cols())
    throw ValueError(fmt::format("y has {} targets, but {} was fitted with {}", y.cols(), name(),
                                 predicted.cols()));
  if (x.rows() < 2) {
    warn("R^2 score is not well-defined with less than two samples.", "UndefinedMetricWarning");
    return std::numeric_limits<double>::quiet_NaN();
  }
  const auto q = static_cast<std::size_t>(y.cols());
  const detail::Balanced balanced(sample_weight);
  const auto total = detail::moments(y, balanced.values, detail::Accuracy::by_column, [] {});
  std::vector<double> unit;  // errors are measured like the moments of y
  for (const int e : total.unit) unit.push_back(std::ldexp(1.0, -e));
  const Rows all = zip(predicted.to(cpu), {y, balanced.values});
  const Sums residual = reduce<Sums>(all, [&](const Leaf& leaf, Stream&) {
    Sums s{std::vector<double>(q)};
    const Tile &truth = leaf.beside[0], &w = leaf.beside[1];
    visit_floating(truth.dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      for (std::int64_t i = 0; i < truth.rows; ++i)
        for (std::size_t t = 0; t < q; ++t) {
          const auto j = static_cast<std::int64_t>(t);
          const double e =
              static_cast<double>(truth.as<const T>()[i * truth.stride + j]) * unit[t] -
              static_cast<double>(leaf.tile.as<const T>()[i * leaf.tile.stride + j]) * unit[t];
          s.values[t] += e * e * (w ? static_cast<double>(w.as<const T>()[i]) : 1.0);
        }
    });
    return s;
  });
  double score = 0.0;
  for (std::size_t t = 0; t < q; ++t) {
    if (total.m2[t] != 0.0)
      score += 1.0 - residual.values[t] / total.m2[t];
    else
      score += residual.values[t] == 0.0 ? 1.0 : 0.0;
  }
  return score / static_cast<double>(q);
}

std::vector<Method> Classifier::role_methods() {
  return {method("score", &Classifier::do_score, "the share of rows with the class predicted")};
}

double Classifier::do_score(const Rows& x, const Array& y, const Array& sample_weight) const {
  return accuracy(run("predict", x)[0], y, sample_weight);
}

Classifier& Classifier::partial_fit(const Rows& x, const Array& y, const Value& classes,
                                    const Array& sample_weight) {
  if (!has("partial_fit")) throw NotImplementedError(fmt::format("{} has no partial_fit", name()));
  if (!is_fitted()) {
    if (classes.is_none())
      throw ValueError("classes must be passed on the first call to partial_fit.");
    classes_ = sorted_classes(classes);
  } else if (!classes.is_none() && !same_classes(sorted_classes(classes), classes_)) {
    throw ValueError("classes are not those of the first call to partial_fit");
  }
  learn("partial_fit", x, y, sample_weight);
  return *this;
}

Array Classifier::learn_classes(const Array& y, const Rows& x) {
  Classes found = encode_classes(y, x, name());
  classes_ = std::move(found.values);
  return found.codes;
}

Array Classifier::codes_of(const Array& y, const Rows& x) const {
  const Classes found = encode_classes(y, x, name(), classes_);
  require_known_labels(y, found, name());
  return found.codes;
}

std::vector<Method> Density::role_methods() {
  return {method("score", &Density::do_score, "the mean log-likelihood of the rows",
                 {.sample_weight = false})};
}

double Density::do_score(const Rows& x, const Array&, const Array&) const {
  const Rows samples = run("score_samples", x)[0].as(DType::float64).to(cpu);
  const Sums sum = reduce<Sums>(samples, [&](const Leaf& leaf, Stream&) {
    Sums s{{0.0}};
    for (std::int64_t i = 0; i < leaf.tile.rows; ++i)
      s.values[0] += leaf.tile.as<const double>()[i * leaf.tile.stride];
    return s;
  });
  return sum.values[0] / static_cast<double>(x.rows());
}

}  // namespace tessera
