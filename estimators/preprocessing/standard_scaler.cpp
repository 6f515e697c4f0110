#include <tessera/estimators/preprocessing/standard_scaler.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <tessera/estimators/common_parameters.hpp>
#include <tessera/estimators/range.hpp>

namespace tessera {

using namespace common;
namespace {

// scikit-learn's bound on the rounding error of a variance that is accumulated in float64, whatever
// the data are: below it a column counts as constant.
bool is_constant(double variance, double mean, double n) {
  constexpr double eps = std::numeric_limits<double>::epsilon();
  const double by_mean = n * mean * eps;
  return variance <= n * eps * variance + by_mean * by_mean;
}

// The values of a column of some rows and of more rows, as one (Chan).
struct Column {
  double count, mean, var;
  Column with(const Column& more) const {
    if (count == 0.0) return more;
    if (more.count == 0.0) return *this;
    const double all = count + more.count, step = more.mean - mean, share = more.count / all;
    return {all, mean + step * share,
            (var * count + more.var * more.count + step * step * count * share) / all};
  }
};

}  // namespace

const EstimatorType& StandardScaler::describe() {
  // All are NaN for a column of NaN, of which no value was seen.
  using Self = StandardScaler;
  const auto per_column = [](const Self& s, bool needed, Numbers numbers) {
    const auto& seen = s.n_samples_seen_;
    const auto counts = detail::doubles_of(seen);
    numbers.nan = seen.is<Array>()    ? std::ranges::find(counts, 0.0) != counts.end()
                  : seen.is<double>() ? seen.as<double>() == 0
                                      : seen.is<std::int64_t>() && seen.as<std::int64_t>() == 0;
    numbers.dtypes = {DType::float64};
    const Allowed columns = array({s.n_features_in_}, numbers);
    return needed ? columns : columns | none();
  };
  const Numbers counts = {.low = 0.0, .infinite = true, .dtypes = {DType::float64, DType::int64}};
  static const auto type = EstimatorType::of<Self>(
      "scale features to mean 0 and variance 1",
      {
          with_copy<Params>(),
          parameter("with_mean", &Params::with_mean, boolean(), "subtract the mean of each column"),
          parameter("with_std", &Params::with_std, boolean(),
                    "divide by the standard deviation of each column"),
      },
      {
          attribute("mean_", &Self::mean_,
                    [=](const Self& s) { return per_column(s, s.params.with_mean, {}); }),
          attribute("var_", &Self::var_,
                    [=](const Self& s) {
                      return per_column(s, s.params.with_std, {.low = 0.0, .infinite = true});
                    }),
          attribute("scale_", &Self::scale_,
                    [=](const Self& s) {
                      return per_column(s, s.params.with_std, {.low = 0.0, .open = true});
                    }),
          attribute("n_samples_seen_", &Self::n_samples_seen_,
                    [=](const Self& s) {
                      return integers(0) | number(counts) | array({s.n_features_in_}, counts);
                    }),
      },
      {
          method("fit", &Self::do_fit, "finds the means and deviations of the columns"),
          method("partial_fit", &Self::do_partial_fit, "goes on with more rows"),
      });
  return type;
}

void StandardScaler::do_fit(const Rows& x, const Array&, const Array& sample_weight) {
  add(x, sample_weight, false);
}

void StandardScaler::do_partial_fit(const Rows& x, const Array&, const Array& sample_weight) {
  add(x, sample_weight, is_fitted());
}

// Learns from rows, in addition to what the attributes know if there is `more`.
void StandardScaler::add(const Rows& x, const Array& sample_weight, bool more) {
  // Where nothing is estimated the rows are counted, whatever their weights, as in scikit-learn.
  const bool weighted = sample_weight && (params.with_mean || params.with_std);
  const detail::Balanced weights(weighted ? sample_weight : Array{});
  const auto m = detail::moments(x, weights.values, detail::Accuracy::by_column,
                                 [&] { require_finite(x, "X", name(), true); });
  const std::size_t p = m.mean.size();
  const bool fractions = weighted || (more && n_samples_seen_.is<double>()) ||
                         (more && n_samples_seen_.is<Array>() &&
                          n_samples_seen_.as<Array>().dtype() == DType::float64);
  const auto before = [&, means = detail::doubles_of(mean_), vars = detail::doubles_of(var_),
                       counts = detail::doubles_of(n_samples_seen_)](std::size_t j) -> Column {
    const double n = n_samples_seen_.is<double>() ? n_samples_seen_.as<double>()
                     : n_samples_seen_.is<std::int64_t>()
                         ? static_cast<double>(n_samples_seen_.as<std::int64_t>())
                         : counts[j];
    return {n, means.empty() ? 0.0 : means[j], vars.empty() ? 0.0 : vars[j]};
  };

  std::vector<double> mean(p);
  std::vector<double> var(p);
  std::vector<double> scale(p);
  std::vector<double> count(p);
  for (std::size_t j = 0; j < p; ++j) {
    const bool seen = m.count[j] != 0.0;  // a column of NaN has mean and variance NaN
    const double v = m.m2[j] / m.count[j];
    mean[j] = seen ? std::ldexp(m.mean[j], m.unit[j]) : std::numeric_limits<double>::quiet_NaN();
    var[j] = params.with_std ? detail::scaled_back(v, 2 * m.unit[j], "StandardScaler: var_") : v;
    scale[j] = is_constant(v, m.mean[j], m.count[j]) ? 1.0 : std::ldexp(std::sqrt(v), m.unit[j]);
    count[j] = detail::scaled_back(m.count[j], weights.exponent, "StandardScaler: n_samples_seen_");
    if (!more) continue;
    const Column all = before(j).with({count[j], mean[j], var[j]});
    count[j] = all.count, mean[j] = all.mean, var[j] = all.var;
    scale[j] = is_constant(all.var, all.mean, all.count) ? 1.0 : std::sqrt(all.var);
  }
  if (const auto unseen = std::find(count.begin(), count.end(), 0.0);
      unseen != count.end() && (params.with_mean || params.with_std))
    warn(fmt::format("StandardScaler: columns without a value, the first is {}, become NaN",
                     unseen - count.begin()),
         "RuntimeWarning");
  const auto as_array = [&](const std::vector<double>& v) {
    return detail::vector_value(v, DType::float64, x.comm());
  };
  mean_ = params.with_mean || params.with_std ? as_array(mean) : Value();
  var_ = params.with_std ? as_array(var) : Value();
  scale_ = params.with_std ? as_array(scale) : Value();
  n_samples_seen_ =
      detail::vector_value(count, fractions ? DType::float64 : DType::int64, x.comm());
  if (std::all_of(count.begin(), count.end(), [&](double c) { return c == count[0]; }))
    n_samples_seen_ = fractions ? Value(count[0]) : Value(static_cast<std::int64_t>(count[0]));
}

ColumnScaler::Scaling StandardScaler::scaling() const {
  return {.shift = params.with_mean ? detail::doubles_of(mean_) : std::vector<double>{},
          .scale = detail::doubles_of(scale_)};
}

namespace detail {
const EstimatorType& standard_scaler() { return StandardScaler::describe(); }
}  // namespace detail

}  // namespace tessera
