#include <tessera/estimators/preprocessing/standard_scaler.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <tessera/estimators/range.hpp>
#include <tessera/linalg/kernels/kernels.hpp>

namespace tessera {
namespace {

// scikit-learn's bound on the rounding error of a variance that is accumulated in float64, whatever
// the data are: below it a column counts as constant.
bool is_constant(double variance, double mean, double n) {
  constexpr double eps = std::numeric_limits<double>::epsilon();
  const double by_mean = n * mean * eps;
  return variance <= n * eps * variance + by_mean * by_mean;
}

std::vector<double> values_of(const Value& v) {
  if (!v.is<Array>()) return {};
  const auto values = v.as<Array>().values<double>();
  return {values.begin(), values.end()};
}

/// mean_ and scale_ as the kernels take them: in columns whose scale is far from 1 multiplied, like
/// x, by a power of two with which x - mean stays inside the range of x's dtype.
struct Standard {
  std::vector<double> mean;
  std::vector<double> scale;
  std::vector<double> power;  // nothing, or what x is multiplied with
  std::vector<double> back;   // its inverse

  Standard(std::vector<double> means, std::vector<double> scales, DType dtype)
      : mean(std::move(means)), scale(std::move(scales)) {
    const int far = dtype == DType::float32 ? 90 : 950;
    for (std::size_t j = 0; j < scale.size(); ++j) {
      if (!(scale[j] > 0 && std::abs(std::ilogb(scale[j])) >= far)) continue;
      const int e = linalg::exponent_to_one(scale[j], dtype);
      power.resize(scale.size(), 1.0);
      back.resize(scale.size(), 1.0);
      power[j] = std::ldexp(1.0, e);
      back[j] = std::ldexp(1.0, -e);
      scale[j] = std::ldexp(scale[j], e);
      if (!mean.empty()) mean[j] = std::ldexp(mean[j], e);
    }
  }
};

}  // namespace

const EstimatorType& StandardScaler::describe() {
  // All are NaN for a column of NaN, of which no value was seen.
  using Self = StandardScaler;
  const auto per_column = [](const Self& s, bool needed, Numbers numbers) {
    const auto& seen = s.n_samples_seen_;
    const auto counts = seen.is<Array>() ? values_of(seen.as<Array>().astype(DType::float64))
                                         : std::vector<double>{};
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
          parameter("copy", &Params::copy, boolean(),
                    "accepted for compatibility: inputs are never modified"),
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
          method("transform", &Self::do_transform, "the rows scaled", {.keeps_columns = true}),
          method("inverse_transform", &Self::do_inverse_transform, "rows from scaled ones",
                 {.of_features = false, .keeps_columns = true}),
      });
  return type;
}

void StandardScaler::do_fit(const Rows& x, const Array&, const Array& sample_weight) {
  // Where nothing is estimated the rows are counted, whatever their weights, as in scikit-learn.
  const bool weighted = sample_weight && (params.with_mean || params.with_std);
  const detail::Balanced weights(weighted ? sample_weight : Array{});
  const auto m = detail::moments(x, weights.values, detail::Accuracy::by_column,
                                 [&] { require_finite(x, "X", name(), true); });
  const std::size_t p = m.mean.size();

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
  }
  if (const auto unseen = std::find(m.count.begin(), m.count.end(), 0.0);
      unseen != m.count.end() && (params.with_mean || params.with_std))
    warn(fmt::format("StandardScaler: columns without a value, the first is {}, become NaN",
                     unseen - m.count.begin()),
         "RuntimeWarning");
  const Shape shape = {x.cols()};
  const auto as_array = [&](const std::vector<double>& v) {
    return Value(replicated(v, shape, x.comm()));
  };
  mean_ = params.with_mean || params.with_std ? as_array(mean) : Value();
  var_ = params.with_std ? as_array(var) : Value();
  scale_ = params.with_std ? as_array(scale) : Value();
  n_samples_seen_ = as_array(count);
  if (!weighted) n_samples_seen_ = n_samples_seen_.as<Array>().astype(DType::int64);
  if (std::all_of(count.begin(), count.end(), [&](double c) { return c == count[0]; }))
    n_samples_seen_ = weighted ? Value(count[0]) : Value(static_cast<std::int64_t>(count[0]));
}

Rows StandardScaler::do_transform(const Rows& x) const {
  const Standard to(params.with_mean ? values_of(mean_) : std::vector<double>{}, values_of(scale_),
                    x.dtype());
  return map_rows(x, x.shape(), x.dtype(),
                  [to, names = feature_names_in_](const Leaf& in, const Tile& out, Stream& stream) {
                    const bool scaled = !to.power.empty();
                    if (scaled) linalg::kernels().unstandardize(stream, in.tile, {}, to.power, out);
                    linalg::kernels().standardize(stream, scaled ? out : in.tile, to.mean, to.scale,
                                                  out);
                    if (linalg::kernels().all_finite(stream, out)) return;
                    require_finite(in, "X", class_name, true, names);
                    detail::require_no_overflow(in, out, "StandardScaler.transform");
                  });
}

Rows StandardScaler::do_inverse_transform(const Rows& x) const {
  if (x.cols() != n_features_in_)
    throw ValueError(fmt::format("X has {} features, but {} is expecting {} features as input.",
                                 x.cols(), name(), n_features_in_));
  const Standard from(params.with_mean ? values_of(mean_) : std::vector<double>{},
                      values_of(scale_), x.dtype());
  return map_rows(
      x, x.shape(), x.dtype(),
      [from, names = feature_names_in_](const Leaf& in, const Tile& out, Stream& stream) {
        linalg::kernels().unstandardize(stream, in.tile, from.mean, from.scale, out);
        if (!from.back.empty()) linalg::kernels().unstandardize(stream, out, {}, from.back, out);
        if (linalg::kernels().all_finite(stream, out)) return;
        require_finite(in, "X", class_name, true, names);
        detail::require_no_overflow(in, out, "StandardScaler.inverse_transform");
      });
}

namespace detail {
const EstimatorType& standard_scaler() { return StandardScaler::describe(); }
}  // namespace detail

}  // namespace tessera
