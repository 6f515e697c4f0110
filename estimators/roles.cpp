#include <tessera/estimators/roles.hpp>

#include <fmt/format.h>

#include <numeric>

#include <tessera/estimators/metrics/regression.hpp>
#include <tessera/estimators/targets.hpp>
#include <tessera/runtime/reduce.hpp>
#include <tessera/runtime/visit.hpp>

namespace tessera {

std::vector<Method> Regressor::role_methods() {
  return {method("score", &Regressor::do_score, "R^2 of the predictions, the mean over targets")};
}

double Regressor::do_score(const Rows& x, const Array& y, const Array& sample_weight) const {
  const Rows predicted = run("predict", x)[0];
  if (y.cols() != predicted.cols())
    throw ValueError(fmt::format("y has {} targets, but {} was fitted with {}", y.cols(), name(),
                                 predicted.cols()));
  const metrics::PerTarget scores = metrics::r2_score({y, predicted, sample_weight});
  return std::accumulate(scores.begin(), scores.end(), 0.0) / static_cast<double>(scores.size());
}

std::vector<Method> Classifier::role_methods() {
  return {method("score", &Classifier::do_score, "the share of rows with the class predicted")};
}

double Classifier::do_score(const Rows& x, const Array& y, const Array& sample_weight) const {
  return accuracy(run("predict", x)[0], y, sample_weight).share();
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
