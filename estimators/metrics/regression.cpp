#include <tessera/estimators/metrics/regression.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include <tessera/array/quantile.hpp>
#include <tessera/estimators/estimator.hpp>
#include <tessera/estimators/kernels/cpu/power.hpp>
#include <tessera/estimators/metrics/classification.hpp>
#include <tessera/estimators/range.hpp>
#include <tessera/runtime/reduce.hpp>
#include <tessera/runtime/visit.hpp>
#include <tessera/runtime/warn.hpp>

namespace tessera::metrics {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

/// The values of a tile in float64, column after column; where the tile's are such, they
/// themselves.
class Columns {
 public:
  explicit Columns(const Tile& tile) : rows_(static_cast<std::size_t>(tile.rows)) {
    if (!tile) return;
    first_ = tile.as<const double>();
    if (tile.dtype == DType::float64 && tile.cols == 1 && tile.stride == 1) return;
    values_.resize(rows_ * static_cast<std::size_t>(tile.cols));
    first_ = values_.data();
    visit(tile.dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      if constexpr (std::is_arithmetic_v<T>)
        for (std::int64_t j = 0; j < tile.cols; ++j)
          for (std::int64_t i = 0; i < tile.rows; ++i)
            values_[static_cast<std::size_t>(j * tile.rows + i)] =
                static_cast<double>(tile.as<const T>()[i * tile.stride + j]);
    });
  }
  const double* operator[](std::size_t j) const { return first_ ? first_ + j * rows_ : nullptr; }

 private:
  std::size_t rows_;
  const double* first_ = nullptr;
  std::vector<double> values_;
};

// The sum of f(0) to f(n - 1), in lanes, so that it is computed in vectors.
template <class F>
double sum_of(std::size_t n, const F& f) {
  constexpr std::size_t lanes = 8;
  std::array<double, lanes> sums{};
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes)
    for (std::size_t l = 0; l < lanes; ++l) sums[l] += f(i + l);
  for (; i < n; ++i) sums[i % lanes] += f(i);
  return ((sums[0] + sums[4]) + (sums[1] + sums[5])) + ((sums[2] + sums[6]) + (sums[3] + sums[7]));
}
// The same of w_i f(i); without weights they are 1.
template <class F>
double weighted_sum(const Pairs::Block& b, const F& f) {
  const double* w = b.weight;
  return w ? sum_of(b.rows, [&](std::size_t i) { return w[i] * f(i); }) : sum_of(b.rows, f);
}
double weight_of(const Pairs::Block& b) {
  return b.weight ? sum_of(b.rows, [&](std::size_t i) { return b.weight[i]; })
                  : static_cast<double>(b.rows);
}

// The weighted means of f(true, predicted) over the rows.
template <class F>
PerTarget mean(const Pairs& y, const F& f) {
  return y.mean([&](const Pairs::Block& b) {
    return weighted_sum(b, [&](std::size_t i) { return f(b.truth[i], b.predicted[i]); });
  });
}
// How many rows have f(true, predicted), in any target.
template <class F>
bool any(const Pairs& y, const F& f) {
  const PerTarget counts = y.sums(1, [&](const Pairs::Block& b, double* sums) {
    *sums +=
        sum_of(b.rows, [&](std::size_t i) { return f(b.truth[i], b.predicted[i]) ? 1.0 : 0.0; });
  });
  return std::ranges::any_of(counts, [](double count) { return count > 0.0; });
}

Rows numbers(const Rows& y, const char* name) {
  if (is_complex(y.dtype()))
    throw ValueError(fmt::format("Complex data not supported: {} is {}", name, name_of(y.dtype())));
  if (!y.categories().empty()) throw ValueError(fmt::format("{} holds text, not numbers", name));
  if (y.shape().empty() || y.shape().size() > 2)
    throw ValueError(
        fmt::format("{} must be (n,) or (n, targets), got shape {}", name, to_string(y.shape())));
  return (is_floating(y.dtype()) ? y : y.as(DType::float64)).to(cpu);
}

PerTarget roots(PerTarget v) {
  std::ranges::transform(v, v.begin(), [](double x) { return std::sqrt(x); });
  return v;
}

double ratio_score(double error, double total, bool force_finite = true) {
  if (total != 0.0 || !force_finite) return 1.0 - error / total;
  return error == 0.0 ? 1.0 : 0.0;
}

void refuse_several(const Pairs& y, const char* function) {
  if (y.targets() != 1)
    throw ValueError(fmt::format("Multioutput not supported in {}: there are {} targets", function,
                                 y.targets()));
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
    : y_pred_(numbers(y_pred, "y_pred")) {
  const Rows truth = numbers(y_true, "y_true");
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
  weights_ = redistribute(
      collect(numbers(sample_weight, "sample_weight").as(DType::float64)).reshape({rows()}),
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

Rows Pairs::together() const { return zip(y_pred_, {y_true_, weights_}); }

void Pairs::each_target(const Leaf& leaf, const std::function<void(const Block&, std::size_t)>& f) {
  const Columns truth(leaf.beside[0]), predicted(leaf.tile), weight(leaf.beside[1]);
  for (std::size_t t = 0; t < static_cast<std::size_t>(leaf.tile.cols); ++t)
    f({truth[t], predicted[t], weight[0], static_cast<std::size_t>(leaf.tile.rows)}, t);
}

PerTarget Pairs::sums(std::size_t each,
                      const std::function<void(const Block&, double* sums)>& add) const {
  return reduce<Sums>(together(),
                      [&](const Leaf& leaf, Stream&) {
                        Sums s{std::vector<double>(targets() * each)};
                        each_target(leaf, [&](const Block& b, std::size_t t) {
                          add(b, s.values.data() + t * each);
                        });
                        return s;
                      })
      .values;
}

PerTarget Pairs::mean(const std::function<double(const Block&)>& sum) const {
  const PerTarget all = sums(2, [&](const Block& b, double* of) {
    of[0] += sum(b);
    of[1] += weight_of(b);
  });
  PerTarget means;
  for (std::size_t t = 0; t < targets(); ++t) means.push_back(all[2 * t] / all[2 * t + 1]);
  return checked(std::move(means));
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

namespace {

struct Maxima {
  std::vector<double> values;  // NaN where there is one
  void merge(const Maxima& right) {
    for (std::size_t i = 0; i < values.size(); ++i)
      if (!std::isnan(values[i]) && !(right.values[i] <= values[i])) values[i] = right.values[i];
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(values);
  }
};

}  // namespace

PerTarget Pairs::largest_error() const {
  return checked(reduce<Maxima>(together(), [&](const Leaf& leaf, Stream&) {
                   Maxima m{std::vector<double>(targets())};
                   each_target(leaf, [&](const Block& b, std::size_t t) {
                     double most = 0.0, nothing = 0.0;  // or NaN
                     for (std::size_t i = 0; i < b.rows; ++i) {
                       const double e = std::abs(b.truth[i] - b.predicted[i]);
                       most = e > most ? e : most;
                       nothing += e - e;
                     }
                     m.values[t] = most + nothing;
                   });
                   return m;
                 }).values);
}

// In the dtype of both, or in float64.
Rows Pairs::errors(bool absolute) const {
  const bool narrow = y_true_.dtype() == DType::float32 && y_pred_.dtype() == DType::float32;
  return map_rows(together(), y_pred_.shape(), narrow ? DType::float32 : DType::float64,
                  [absolute](const Leaf& in, const Tile& out, Stream&) {
                    each_target(in, [&](const Block& b, std::size_t t) {
                      visit_floating(out.dtype, [&](auto tag) {
                        using T = typename decltype(tag)::type;
                        T* to = out.as<T>() + t;
                        for (std::size_t i = 0; i < b.rows; ++i) {
                          const double e = b.truth[i] - b.predicted[i];
                          to[i * static_cast<std::size_t>(out.stride)] =
                              static_cast<T>(absolute ? std::abs(e) : e);
                        }
                      });
                    });
                  });
}

PerTarget Pairs::median_error() const {
  largest_error();  // an infinity need not be the median, nor a weight without value show
  if (weights_) tessera::require_finite(Rows(weights_), "sample_weight", "metric");
  return quantile_of(collect(errors(true)), 0.5);
}

PerTarget Pairs::quantile_of_truth(double q) const { return quantile_of(Rows(y_true_), q); }

PerTarget Pairs::quantile_of(const Rows& values, double q) const {
  const std::vector<double> wanted = {q};
  const Array found =
      quantile(values, wanted,
               {.method = QuantileMethod::averaged_inverted_cdf, .weights = weights_})
          .astype(DType::float64);
  return checked({found.values<double>().begin(), found.values<double>().end()});
}

namespace {

/// Of every target the weight of the rows, mean and squared deviations of the targets and of the
/// errors, and the squared errors: merged as means and deviations are.
struct SpreadsPartial {
  static constexpr std::size_t size = 6;
  std::vector<double> values;
  void merge(const SpreadsPartial& right) {
    for (std::size_t t = 0; t < values.size(); t += size) {
      double* a = values.data() + t;
      const double *b = right.values.data() + t, all = a[0] + b[0];
      if (b[0] == 0.0) continue;
      const double share = b[0] / all, both = a[0] * share;
      for (const std::size_t of : {1, 3}) {
        const double apart = b[of] - a[of];
        a[of] += apart * share;
        a[of + 1] += b[of + 1] + apart * apart * both;
      }
      a[0] = all;
      a[5] += b[5];
    }
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(values);
  }
};

// The mean and the sum of squared deviations of f(i), of a constant exactly 0.
template <class F>
void spread(const Pairs::Block& b, double weight, const F& f, double* out) {
  const double first = f(0);
  const double mean = weighted_sum(b, [&](std::size_t i) { return f(i) - first; }) / weight;
  out[0] = first + mean;
  out[1] = weighted_sum(b, [&](std::size_t i) {
    const double apart = f(i) - first - mean;
    return apart * apart;
  });
}

// Whether all digits of squares are there.
bool is_in_range(const Pairs::Spreads& found) {
  const auto within = [](double v) { return v > 0x1p-900 && v < 0x1p900; };
  const auto or_0 = [&](double v) { return v == 0.0 || within(v); };
  return std::ranges::all_of(found.weight, within) && std::ranges::all_of(found.total, within) &&
         std::ranges::all_of(found.left, or_0) && std::ranges::all_of(found.squares, or_0);
}

}  // namespace

Pairs::Spreads Pairs::spreads() const {
  const std::vector<int> none(targets());
  if (auto found = spreads_in(none); is_in_range(found)) return found;
  // Squares leave the range of float64, or a target is constant: the same in units near 1, which
  // gives the same bits at any power of two.
  require_finite();
  const detail::Balanced balanced(weights_);
  Pairs balanced_pairs = *this;
  balanced_pairs.weights_ = balanced.values;
  return balanced_pairs.spreads_in(detail::moments(Rows(y_true_).as(DType::float64),
                                                   balanced.values, detail::Accuracy::by_column,
                                                   [] {})
                                       .unit);
}

Pairs::Spreads Pairs::spreads_in(const std::vector<int>& unit) const {
  constexpr std::size_t size = SpreadsPartial::size;
  const auto found = reduce<SpreadsPartial>(together(), [&](const Leaf& leaf, Stream&) {
    SpreadsPartial s{std::vector<double>(targets() * size)};
    each_target(leaf, [&](const Block& b, std::size_t t) {
      double* of = s.values.data() + t * size;
      of[0] = weight_of(b);
      if (of[0] == 0.0) return;
      const double scale = std::ldexp(1.0, -unit[t]);
      const auto truth = [&](std::size_t i) { return b.truth[i] * scale; };
      const auto error = [&](std::size_t i) { return b.truth[i] * scale - b.predicted[i] * scale; };
      spread(b, of[0], truth, of + 1);
      spread(b, of[0], error, of + 3);
      of[5] = weighted_sum(b, [&](std::size_t i) { return error(i) * error(i); });
    });
    return s;
  });
  Spreads all{{}, {}, {}, {}, unit};
  for (std::size_t t = 0; t < found.values.size(); t += size) {
    const double* of = found.values.data() + t;
    all.weight.push_back(of[0]);
    all.total.push_back(of[2]);
    all.left.push_back(of[4]);
    all.squares.push_back(of[5]);
  }
  return all;
}

PerTarget mean_squared_error(const Pairs& y) {
  return mean(y, [](double t, double p) { return (t - p) * (t - p); });
}
PerTarget root_mean_squared_error(const Pairs& y) { return roots(mean_squared_error(y)); }
PerTarget mean_absolute_error(const Pairs& y) {
  return mean(y, [](double t, double p) { return std::abs(t - p); });
}
PerTarget median_absolute_error(const Pairs& y) { return y.median_error(); }
PerTarget mean_absolute_percentage_error(const Pairs& y) {
  return mean(y, [](double t, double p) {
    const double size = std::abs(t), least = std::numeric_limits<double>::epsilon();
    return std::abs(t - p) / (size < least ? least : size);
  });
}
PerTarget mean_squared_log_error(const Pairs& y) {
  if (any(y, [](double t, double p) { return (t <= -1.0) | (p <= -1.0); }))
    throw ValueError("mean_squared_log_error needs targets and predictions > -1");
  return y.mean([](const Pairs::Block& b) {
    std::vector<double> truth(b.rows), predicted(b.rows);
    on_cpu::log1p(b.truth, b.rows, truth.data());
    on_cpu::log1p(b.predicted, b.rows, predicted.data());
    return weighted_sum(b, [&](std::size_t i) {
      const double e = truth[i] - predicted[i];
      return e * e;
    });
  });
}
PerTarget root_mean_squared_log_error(const Pairs& y) { return roots(mean_squared_log_error(y)); }
double max_error(const Pairs& y) {
  refuse_several(y, "max_error");
  return y.largest_error()[0];
}

PerTarget mean_pinball_loss(const Pairs& y, double alpha) {
  if (!(alpha >= 0.0 && alpha <= 1.0))
    throw ValueError(fmt::format("alpha must be in [0, 1], got {}", alpha));
  return mean(y, [alpha](double t, double p) {
    const double e = t - p;
    return e >= 0.0 ? alpha * e : (alpha - 1.0) * e;
  });
}

namespace {

void require_in_domain(const Pairs& y, double power, const char* function) {
  refuse_several(y, function);
  if (power > 0.0 && power < 1.0)
    throw ValueError(
        fmt::format("Tweedie deviance is only defined for power<=0 and power>=1, got {}", power));
  if (!std::isfinite(power)) throw ValueError(fmt::format("power must be finite, got {}", power));
  if (power != 0.0 && any(y, [power](double t, double p) {
        return (p <= 0.0) | (power >= 2.0 ? t <= 0.0 : (power >= 1.0) & (t < 0.0));
      }))
    throw ValueError(fmt::format(
        "Mean Tweedie deviance error with power={} can only be used on {}strictly positive "
        "{}y_pred.",
        power, power >= 1.0 && power < 2.0 ? "non-negative y and " : "",
        power >= 2.0 ? "y and " : ""));
}

PerTarget deviance(const Pairs& y, double power) {
  if (power == 0.0) return mean_squared_error(y);
  if (power == 1.0)
    return mean(y, [](double t, double p) {
      return 2.0 * ((t > 0.0 ? t * std::log(t / p) : 0.0) - t + p);
    });
  if (power == 2.0)
    return mean(y, [](double t, double p) { return 2.0 * (std::log(p / t) + t / p - 1.0); });
  return mean(y, [d = power](double t, double p) {
    return 2.0 * (std::pow(std::max(t, 0.0), 2.0 - d) / ((1.0 - d) * (2.0 - d)) -
                  t * std::pow(p, 1.0 - d) / (1.0 - d) + std::pow(p, 2.0 - d) / (2.0 - d)) +
           0.0 * p;  // NaN for an infinity
  });
}

}  // namespace

PerTarget mean_tweedie_deviance(const Pairs& y, double power) {
  require_in_domain(y, power, "mean_tweedie_deviance");
  return deviance(y, power);
}

PerTarget mean_poisson_deviance(const Pairs& y) { return mean_tweedie_deviance(y, 1.0); }
PerTarget mean_gamma_deviance(const Pairs& y) { return mean_tweedie_deviance(y, 2.0); }

PerTarget r2_score(const Pairs& y, bool force_finite) {
  if (y.rows() < 2) return ratio_scores(y, {}, {}, "R^2");
  const auto found = y.spreads();
  return ratio_scores(y, found.squares, found.total, "R^2", force_finite);
}

PerTarget variances(const Pairs& y) {
  auto found = y.spreads();
  const int most = *std::ranges::max_element(found.unit);
  for (std::size_t t = 0; t < found.total.size(); ++t)
    found.total[t] = std::ldexp(found.total[t], 2 * (found.unit[t] - most));
  return found.total;
}

PerTarget explained_variance_score(const Pairs& y, bool force_finite) {
  const auto found = y.spreads();
  PerTarget scores;
  for (std::size_t t = 0; t < found.left.size(); ++t)
    scores.push_back(ratio_score(found.left[t], found.total[t], force_finite));
  return scores;
}

PerTarget d2_tweedie_score(const Pairs& y, double power) {
  require_in_domain(y, power, "d2_tweedie_score");
  const PerTarget average = mean(y, [](double t, double) { return t; });
  return ratio_scores(y, deviance(y, power), deviance(y.against(average), power), "D^2", false);
}

PerTarget d2_pinball_score(const Pairs& y, double alpha) {
  const PerTarget error = mean_pinball_loss(y, alpha);
  return ratio_scores(y, error, mean_pinball_loss(y.against(y.quantile_of_truth(alpha)), alpha),
                      "D^2");
}
PerTarget d2_absolute_error_score(const Pairs& y) { return d2_pinball_score(y, 0.5); }

}  // namespace tessera::metrics
