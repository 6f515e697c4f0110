#include <tessera/estimators/preprocessing/scalers.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include <tessera/array/quantile.hpp>
#include <tessera/estimators/common_parameters.hpp>
#include <tessera/estimators/preprocessing/normal.hpp>

namespace tessera {

using namespace common;
namespace {

using detail::doubles_of;

double number_of(const Value& v) {
  return v.is<double>() ? v.as<double>() : static_cast<double>(v.as<std::int64_t>());
}
std::pair<double, double> pair_of(const Value& tuple) {
  return {number_of((*tuple.items())[0]), number_of((*tuple.items())[1])};
}

Allowed any_number() {
  return reals(-std::numeric_limits<double>::infinity(), std::numeric_limits<double>::infinity(),
               Closed::neither);
}

// NaN for a column of NaN.
template <class Self>
Allowed per_column(const Self& s) {
  return array({s.n_features_in_}, {.nan = true});
}
template <class Self>
Allowed positive(const Self& s) {
  return array({s.n_features_in_}, {.low = 0.0, .open = true, .nan = true});
}
template <class Self>
Allowed not_negative(const Self& s) {
  return array({s.n_features_in_}, {.low = 0.0, .nan = true});
}

}  // namespace

const EstimatorType& MinMaxScaler::describe() {
  using Self = MinMaxScaler;
  static const auto type = EstimatorType::of<Self>(
      "scale every feature into a range",
      {parameter("feature_range", &Params::feature_range, tuple_of({any_number(), any_number()}),
                 "least and largest value of the training data after scaling"),
       with_copy<Params>(),
       parameter("clip", &Params::clip, boolean(), "clip scaled values to feature_range")},
      {attribute("min_", &Self::min_, per_column<Self>),
       attribute("scale_", &Self::scale_, positive<Self>),
       attribute("data_min_", &Self::data_min_, per_column<Self>),
       attribute("data_max_", &Self::data_max_, per_column<Self>),
       attribute("data_range_", &Self::data_range_, not_negative<Self>),
       attribute("n_samples_seen_", &Self::n_samples_seen_, integers(1))},
      {method("fit", &Self::do_fit, "finds the range of every column", {.sample_weight = false}),
       method("partial_fit", &Self::do_partial_fit, "goes on with more rows",
              {.sample_weight = false})});
  return type;
}

void MinMaxScaler::do_fit(const Rows& x, const Array&, const Array&) { add(x, false); }
void MinMaxScaler::do_partial_fit(const Rows& x, const Array&, const Array&) {
  add(x, is_fitted());
}

// Learns from rows, in addition to what the attributes know if there is `more`.
void MinMaxScaler::add(const Rows& x, bool more) {
  const auto [least, most] = pair_of(params.feature_range);
  if (!(least < most))
    throw ValueError(
        fmt::format("Minimum of desired feature range must be smaller than maximum. Got {}.",
                    params.feature_range.to_string()));
  auto [count, low, high] = detail::extremes(x, name());
  if (more) {
    const auto before = doubles_of(data_min_), above = doubles_of(data_max_);
    for (std::size_t j = 0; j < low.size(); ++j) {
      low[j] = std::fmin(before[j], low[j]);
      high[j] = std::fmax(above[j], high[j]);
    }
  }
  std::vector<double> range(low.size());
  std::transform(high.begin(), high.end(), low.begin(), range.begin(), std::minus<>());
  std::vector<double> scale = detail::nonzero_scale(range, x.dtype()), shift(low.size());
  for (std::size_t j = 0; j < scale.size(); ++j) {
    scale[j] = (most - least) / scale[j];
    shift[j] = least - low[j] * scale[j];
  }
  const auto stored = [&](const std::vector<double>& v) {
    return detail::vector_value(v, x.dtype(), x.comm()).as<Array>();
  };
  data_min_ = stored(low);
  data_max_ = stored(high);
  data_range_ = stored(range);
  scale_ = stored(scale);
  min_ = stored(shift);
  n_samples_seen_ = x.rows() + (more ? n_samples_seen_ : 0);
}

ColumnScaler::Scaling MinMaxScaler::scaling() const {
  const auto [least, most] = pair_of(params.feature_range);
  return {.shift = doubles_of(min_),
          .scale = doubles_of(scale_),
          .multiplies = true,
          .limits = params.clip ? std::vector{least, most} : std::vector<double>{}};
}

const EstimatorType& MaxAbsScaler::describe() {
  using Self = MaxAbsScaler;
  static const auto type = EstimatorType::of<Self>(
      "divide every feature by its largest absolute value",
      {with_copy<Params>(),
       parameter("clip", &Params::clip, boolean(), "clip scaled values to [-1, 1]")},
      {attribute("scale_", &Self::scale_, positive<Self>),
       attribute("max_abs_", &Self::max_abs_, not_negative<Self>),
       attribute("n_samples_seen_", &Self::n_samples_seen_, integers(1))},
      {method("fit", &Self::do_fit, "finds the largest absolute value of every column",
              {.sample_weight = false}),
       method("partial_fit", &Self::do_partial_fit, "goes on with more rows",
              {.sample_weight = false})});
  return type;
}

void MaxAbsScaler::do_fit(const Rows& x, const Array&, const Array&) { add(x, false); }
void MaxAbsScaler::do_partial_fit(const Rows& x, const Array&, const Array&) {
  add(x, is_fitted());
}

void MaxAbsScaler::add(const Rows& x, bool more) {
  const auto found = detail::extremes(x, name());
  const auto before = more ? doubles_of(max_abs_) : std::vector<double>{};
  std::vector<double> most;
  for (std::size_t j = 0; j < found.low.size(); ++j) {
    const double largest = std::fmax(-found.low[j], found.high[j]);
    most.push_back(more ? std::fmax(before[j], largest) : largest);
  }
  max_abs_ = detail::vector_value(most, x.dtype(), x.comm()).as<Array>();
  scale_ =
      detail::vector_value(detail::nonzero_scale(most, x.dtype()), x.dtype(), x.comm()).as<Array>();
  n_samples_seen_ = x.rows() + (more ? n_samples_seen_ : 0);
}

ColumnScaler::Scaling MaxAbsScaler::scaling() const {
  return {.scale = doubles_of(scale_),
          .limits = params.clip ? std::vector{-1.0, 1.0} : std::vector<double>{}};
}

const EstimatorType& RobustScaler::describe() {
  using Self = RobustScaler;
  static const auto type = EstimatorType::of<Self>(
      "scale features by statistics that outliers do not move",
      {parameter("with_centering", &Params::with_centering, boolean(),
                 "subtract the median of each column"),
       parameter("with_scaling", &Params::with_scaling, boolean(),
                 "divide by the distance of two quantiles"),
       parameter("quantile_range", &Params::quantile_range, tuple_of({any_number(), any_number()}),
                 "these quantiles, in percent"),
       with_copy<Params>(),
       parameter("unit_variance", &Params::unit_variance, boolean(),
                 "scale so that normal data get variance 1")},
      {attribute("center_", &Self::center_,
                 [](const Self& s) {
                   return s.params.with_centering ? per_column(s) : per_column(s) | none();
                 }),
       attribute("scale_", &Self::scale_,
                 [](const Self& s) {
                   return s.params.with_scaling ? positive(s) : positive(s) | none();
                 })},
      {method("fit", &Self::do_fit, "finds the medians and quantiles of the columns",
              {.sample_weight = false})});
  return type;
}

void RobustScaler::do_fit(const Rows& x, const Array&, const Array&) {
  const auto [low, high] = pair_of(params.quantile_range);
  if (!(0.0 <= low && low <= high && high <= 100.0))
    throw ValueError(fmt::format("Invalid quantile range: {}", params.quantile_range.to_string()));
  const std::vector<double> q = {0.5, low / 100.0, high / 100.0};
  require_finite(x, "X", name(), true);
  const Array found = quantile(x, q, {.ignore_nan = true}).astype(DType::float64);
  const auto p = static_cast<std::size_t>(x.cols());
  const auto of = [&](std::size_t i) {
    const auto at = found.values<double>().begin() + static_cast<std::ptrdiff_t>(i * p);
    return std::vector<double>(at, at + static_cast<std::ptrdiff_t>(p));
  };
  std::vector<double> scale = of(2);
  const std::vector<double> lower = of(1);
  std::transform(scale.begin(), scale.end(), lower.begin(), scale.begin(), std::minus<>());
  scale = detail::nonzero_scale(std::move(scale), x.dtype());
  if (params.unit_variance)
    for (double& s : scale) s /= normal_quantile(high / 100.0) - normal_quantile(low / 100.0);
  center_ = params.with_centering ? detail::vector_value(of(0), x.dtype(), x.comm()) : Value();
  scale_ = params.with_scaling ? detail::vector_value(scale, x.dtype(), x.comm()) : Value();
}

ColumnScaler::Scaling RobustScaler::scaling() const {
  return {.shift = doubles_of(center_), .scale = doubles_of(scale_)};
}

namespace detail {
const EstimatorType& min_max_scaler() { return MinMaxScaler::describe(); }
const EstimatorType& max_abs_scaler() { return MaxAbsScaler::describe(); }
const EstimatorType& robust_scaler() { return RobustScaler::describe(); }
}  // namespace detail

}  // namespace tessera
