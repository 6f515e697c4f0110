#include <tessera/estimators/metrics/regression.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <tessera/array/quantile.hpp>
#include <tessera/estimators/estimator.hpp>
#include <tessera/estimators/metrics/classification.hpp>
#include <tessera/estimators/range.hpp>
#include <tessera/runtime/reduce.hpp>
#include <tessera/runtime/warn.hpp>

namespace tessera::metrics {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

struct Maxima {
  std::vector<double> values;  // NaN where there is one
  void take(std::size_t i, double v) {
    if (!std::isnan(values[i]) && !(v <= values[i])) values[i] = v;
  }
  void merge(const Maxima& right) {
    for (std::size_t i = 0; i < values.size(); ++i) take(i, right.values[i]);
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(values);
  }
};

// Calls f(truth, predicted, weight, target) for all values of a leaf of zip(y_pred, {y_true, w}).
template <class F>
void each(const Leaf& leaf, const F& f) {
  const Tile &p = leaf.tile, &t = leaf.beside[0], &w = leaf.beside[1];
  for (std::int64_t i = 0; i < p.rows; ++i) {
    const double weight = w ? w.as<const double>()[i * w.stride] : 1.0;
    for (std::int64_t j = 0; j < p.cols; ++j)
      f(t.as<const double>()[i * t.stride + j], p.as<const double>()[i * p.stride + j], weight,
        static_cast<std::size_t>(j));
  }
}

Rows wide(const Rows& y, const char* name) {
  if (is_complex(y.dtype()))
    throw ValueError(fmt::format("Complex data not supported: {} is {}", name, name_of(y.dtype())));
  if (!y.categories().empty()) throw ValueError(fmt::format("{} holds text, not numbers", name));
  if (y.shape().empty() || y.shape().size() > 2)
    throw ValueError(
        fmt::format("{} must be (n,) or (n, targets), got shape {}", name, to_string(y.shape())));
  return y.as(DType::float64).to(cpu);
}

PerTarget roots(PerTarget v) {
  std::ranges::transform(v, v.begin(), [](double x) { return std::sqrt(x); });
  return v;
}

// What no sum shows: a value that a function does not take. `least` is allowed where `closed`.
void require_above(const Pairs& y, double least, bool closed, const char* function) {
  const PerTarget outside =
      y.mean([](double t, double p, double bound) { return (t < bound || p < bound) ? 1.0 : 0.0; },
             closed ? least : std::nextafter(least, std::numeric_limits<double>::infinity()));
  if (std::ranges::any_of(outside, [](double share) { return share > 0.0; }))
    throw ValueError(fmt::format("{} needs targets and predictions {} {}", function,
                                 closed ? ">=" : ">", least));
}

double ratio_score(double error, double total, bool force_finite = true) {
  if (total != 0.0 || !force_finite) return 1.0 - error / total;
  return error == 0.0 ? 1.0 : 0.0;
}

PerTarget ratio_scores(const Pairs& y, const PerTarget& error, const PerTarget& total,
                       const char* what, bool force_finite = true) {
  if (y.rows() < 2) {
    y.require_finite();
    warn(fmt::format("{} score is not well-defined with less than two samples.", what),
         "UndefinedMetricWarning");
    return PerTarget(y.targets(), nan);
  }
  PerTarget scores;
  for (std::size_t t = 0; t < error.size(); ++t)
    scores.push_back(ratio_score(error[t], total[t], force_finite));
  return scores;
}

}  // namespace

Pairs::Pairs(const Rows& y_true, const Rows& y_pred, const Array& sample_weight)
    : y_pred_(wide(y_pred, "y_pred")) {
  const Rows truth = wide(y_true, "y_true");
  if (truth.rows() != y_pred_.rows())
    throw ValueError(
        fmt::format("Found input variables with inconsistent numbers of samples: "
                    "[{}, {}] of y_true and y_pred",
                    truth.rows(), y_pred_.rows()));
  if (truth.rows() == 0) throw ValueError("y_true and y_pred have no rows");
  if (truth.cols() != y_pred_.cols())
    throw ValueError(fmt::format("y_true and y_pred have different number of output ({}!={})",
                                 truth.cols(), y_pred_.cols()));
  y_true_ = redistribute(collect(truth), y_pred_.distribution());
  if (!sample_weight) return;
  if (sample_weight.size() != rows())
    throw ValueError(fmt::format("sample_weight must have {} values, got shape {}", rows(),
                                 to_string(sample_weight.shape())));
  weights_ = redistribute(collect(wide(sample_weight, "sample_weight")).reshape({rows()}),
                          y_pred_.distribution());
  require_some_weight(weights_);
}

void Pairs::require_finite() const {
  tessera::require_finite(Rows(y_true_), "y_true", "metric");
  tessera::require_finite(y_pred_, "y_pred", "metric");
  if (weights_) tessera::require_finite(Rows(weights_), "sample_weight", "metric");
}

PerTarget Pairs::checked(PerTarget values) const {
  if (!std::ranges::all_of(values, [](double v) { return std::isfinite(v); })) require_finite();
  return values;
}

PerTarget Pairs::mean(double (*f)(double, double, double), double parameter) const {
  const std::size_t q = targets();
  const Sums sums = reduce<Sums>(zip(y_pred_, {y_true_, weights_}), [&](const Leaf& leaf, Stream&) {
    Sums s{std::vector<double>(q + 1)};
    each(leaf, [&](double truth, double predicted, double weight, std::size_t t) {
      s.values[t] += weight * f(truth, predicted, parameter);
      if (t == 0) s.values[q] += weight;
    });
    return s;
  });
  PerTarget means;
  for (std::size_t t = 0; t < q; ++t) means.push_back(sums.values[t] / sums.values[q]);
  return checked(std::move(means));
}

PerTarget Pairs::squared_errors(const Array& weights, const std::vector<int>& units) const {
  PerTarget scale;
  for (const int e : units) scale.push_back(std::ldexp(1.0, -e));
  return checked(reduce<Sums>(zip(y_pred_, {y_true_, weights}), [&](const Leaf& leaf, Stream&) {
                   Sums s{std::vector<double>(targets())};
                   each(leaf, [&](double truth, double predicted, double w, std::size_t t) {
                     const double e = truth * scale[t] - predicted * scale[t];
                     s.values[t] += e * e * w;
                   });
                   return s;
                 }).values);
}

Pairs Pairs::against(const PerTarget& constant) const {
  Pairs other = *this;
  other.y_pred_ = map_rows(Rows(y_true_), y_true_.shape(), DType::float64,
                           [constant](const Leaf& in, const Tile& out, Stream&) {
                             for (std::int64_t i = 0; i < in.tile.rows; ++i)
                               std::ranges::copy(constant, out.as<double>() + i * out.stride);
                           });
  return other;
}

PerTarget Pairs::largest_error() const {
  return checked(reduce<Maxima>(zip(y_pred_, {y_true_, Array{}}), [&](const Leaf& leaf, Stream&) {
                   Maxima m{std::vector<double>(targets())};
                   each(leaf, [&](double truth, double predicted, double, std::size_t t) {
                     m.take(t, std::abs(truth - predicted));
                   });
                   return m;
                 }).values);
}

Rows Pairs::errors() const {
  return map_rows(zip(y_pred_, {y_true_, Array{}}), y_pred_.shape(), DType::float64,
                  [](const Leaf& in, const Tile& out, Stream&) {
                    std::int64_t i = 0;
                    each(in, [&](double truth, double predicted, double, std::size_t) {
                      out.as<double>()[i++] = truth - predicted;
                    });
                  });
}

PerTarget Pairs::median_error() const {
  largest_error();  // an infinity need not be the median
  const Rows sizes = map_rows(errors(), y_pred_.shape(), DType::float64,
                              [](const Leaf& in, const Tile& out, Stream&) {
                                const auto* from = in.tile.as<const double>();
                                std::transform(from, from + out.rows * out.cols, out.as<double>(),
                                               [](double e) { return std::abs(e); });
                              });
  return quantile_of(sizes, 0.5);
}

PerTarget Pairs::quantile_of_truth(double q) const { return quantile_of(Rows(y_true_), q); }

PerTarget Pairs::quantile_of(const Rows& values, double q) const {
  const std::vector<double> wanted = {q};
  const Array found = quantile(
      values, wanted, {.method = QuantileMethod::averaged_inverted_cdf, .weights = weights_});
  return checked({found.values<double>().begin(), found.values<double>().end()});
}

PerTarget mean_squared_error(const Pairs& y) {
  return y.mean([](double t, double p, double) { return (t - p) * (t - p); });
}
PerTarget root_mean_squared_error(const Pairs& y) { return roots(mean_squared_error(y)); }
PerTarget mean_absolute_error(const Pairs& y) {
  return y.mean([](double t, double p, double) { return std::abs(t - p); });
}
PerTarget median_absolute_error(const Pairs& y) { return y.median_error(); }
PerTarget mean_absolute_percentage_error(const Pairs& y) {
  return y.mean([](double t, double p, double) {
    return std::abs(t - p) / std::max(std::abs(t), std::numeric_limits<double>::epsilon());
  });
}
PerTarget mean_squared_log_error(const Pairs& y) {
  require_above(y, -1.0, false, "mean_squared_log_error");
  return y.mean([](double t, double p, double) {
    const double e = std::log1p(t) - std::log1p(p);
    return e * e;
  });
}
PerTarget root_mean_squared_log_error(const Pairs& y) { return roots(mean_squared_log_error(y)); }
double max_error(const Pairs& y) {
  if (y.targets() != 1)
    throw ValueError(
        fmt::format("Multioutput not supported in max_error: there are {} targets", y.targets()));
  return y.largest_error()[0];
}

PerTarget mean_pinball_loss(const Pairs& y, double alpha) {
  if (!(alpha >= 0.0 && alpha <= 1.0))
    throw ValueError(fmt::format("alpha must be in [0, 1], got {}", alpha));
  return y.mean(
      [](double t, double p, double a) { return t >= p ? a * (t - p) : (1.0 - a) * (p - t); },
      alpha);
}

PerTarget mean_tweedie_deviance(const Pairs& y, double power) {
  if (power > 0.0 && power < 1.0)
    throw ValueError(
        fmt::format("Tweedie deviance is only defined for power<=0 and power>=1, got {}", power));
  if (!std::isfinite(power)) throw ValueError(fmt::format("power must be finite, got {}", power));
  const auto text = fmt::format("Mean Tweedie deviance error with power={}", power);
  if (power == 0.0) return mean_squared_error(y);
  const auto smallest = [&](bool of_truth) {  // how many lie at 0 or below, and below
    return y.mean(of_truth ? [](double t, double, double) { return t <= 0.0 ? 1.0 : 0.0; }
                           : [](double, double p, double) { return p <= 0.0 ? 1.0 : 0.0; });
  };
  const auto any = [](const PerTarget& v) {
    return std::ranges::any_of(v, [](double share) { return share > 0.0; });
  };
  if (any(smallest(false)))
    throw ValueError(fmt::format("{} can only be used on {}strictly positive y_pred.", text,
                                 power < 1.0   ? ""
                                 : power < 2.0 ? "non-negative y and "
                                               : "strictly positive y and "));
  if (power >= 2.0 && any(smallest(true)))
    throw ValueError(fmt::format("{} can only be used on strictly positive y and y_pred.", text));
  if (power >= 1.0 && power < 2.0 &&
      any(y.mean([](double t, double, double) { return t < 0.0 ? 1.0 : 0.0; })))
    throw ValueError(
        fmt::format("{} can only be used on non-negative y and strictly positive y_pred.", text));
  if (power == 1.0)
    return y.mean([](double t, double p, double) {
      return 2.0 * ((t > 0.0 ? t * std::log(t / p) : 0.0) - t + p);
    });
  if (power == 2.0)
    return y.mean([](double t, double p, double) { return 2.0 * (std::log(p / t) + t / p - 1.0); });
  return y.mean(
      [](double t, double p, double d) {
        return 2.0 * (std::pow(std::max(t, 0.0), 2.0 - d) / ((1.0 - d) * (2.0 - d)) -
                      t * std::pow(p, 1.0 - d) / (1.0 - d) + std::pow(p, 2.0 - d) / (2.0 - d)) +
               0.0 * p;  // NaN for an infinity
      },
      power);
}

PerTarget mean_poisson_deviance(const Pairs& y) { return mean_tweedie_deviance(y, 1.0); }
PerTarget mean_gamma_deviance(const Pairs& y) { return mean_tweedie_deviance(y, 2.0); }

namespace {

// Weighted, of the columns of what lies as y.
PerTarget variances_of(const Pairs& y, const Rows& of) {
  const detail::Balanced balanced(y.weights());
  const auto found = detail::moments(of, balanced.values, detail::Accuracy::by_column,
                                     [&] { y.require_finite(); });
  PerTarget all;
  for (std::size_t t = 0; t < y.targets(); ++t)
    all.push_back(static_cast<double>(found.variance(t)));
  return all;
}

}  // namespace

PerTarget r2_score(const Pairs& y, bool force_finite) {
  if (y.rows() < 2) return ratio_scores(y, {}, {}, "R^2");
  const detail::Balanced balanced(y.weights());
  const auto total = detail::moments(y.y_true(), balanced.values, detail::Accuracy::by_column,
                                     [&] { y.require_finite(); });
  return ratio_scores(y, y.squared_errors(balanced.values, total.unit), total.m2, "R^2",
                      force_finite);
}

PerTarget variances(const Pairs& y) { return variances_of(y, y.y_true()); }

PerTarget explained_variance_score(const Pairs& y, bool force_finite) {
  y.largest_error();  // which checks them: moments leave NaN out
  const PerTarget left = variances_of(y, y.errors()), total = variances(y);
  PerTarget scores;
  for (std::size_t t = 0; t < left.size(); ++t)
    scores.push_back(ratio_score(left[t], total[t], force_finite));
  return scores;
}

PerTarget d2_tweedie_score(const Pairs& y, double power) {
  const PerTarget error = mean_tweedie_deviance(y, power);
  const PerTarget mean = y.mean([](double t, double, double) { return t; });
  const PerTarget total = mean_tweedie_deviance(y.against(mean), power);
  return ratio_scores(y, error, total, "D^2");
}

PerTarget d2_pinball_score(const Pairs& y, double alpha) {
  const PerTarget error = mean_pinball_loss(y, alpha);
  return ratio_scores(y, error, mean_pinball_loss(y.against(y.quantile_of_truth(alpha)), alpha),
                      "D^2");
}
PerTarget d2_absolute_error_score(const Pairs& y) { return d2_pinball_score(y, 0.5); }

}  // namespace tessera::metrics
