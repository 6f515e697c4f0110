#include <tessera/estimators/preprocessing/quantile_transformer.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <tessera/array/quantile.hpp>
#include <tessera/estimators/common_parameters.hpp>
#include <tessera/estimators/preprocessing/column_scaler.hpp>
#include <tessera/estimators/preprocessing/normal.hpp>
#include <tessera/estimators/preprocessing/row_map.hpp>

namespace tessera {

using namespace common;
namespace {

constexpr double threshold = 1e-7;  // how near to an end counts as there

// As numpy.interp: y(x) on the line through the points, xs ascending; constant outside. Of points
// with one x the last counts, and with `first` the first.
double interpolate(double x, std::span<const double> xs, std::span<const double> ys,
                   bool first = false) {
  if (x < xs.front()) return ys.front();
  if (x > xs.back()) return ys.back();
  if (first) {
    const auto k = static_cast<std::size_t>(std::ranges::lower_bound(xs, x) - xs.begin());
    if (xs[k] == x) return ys[k];
    return ys[k] - (ys[k] - ys[k - 1]) / (xs[k] - xs[k - 1]) * (xs[k] - x);
  }
  const auto k = static_cast<std::size_t>(std::ranges::upper_bound(xs, x) - xs.begin()) - 1;
  if (xs[k] == x || k + 1 == xs.size()) return ys[k];
  return ys[k] + (ys[k + 1] - ys[k]) / (xs[k + 1] - xs[k]) * (x - xs[k]);
}

// The quantiles of each column.
std::vector<std::vector<double>> columns_of(const Array& quantiles) {
  const auto all = detail::doubles_of(quantiles);
  const auto p = static_cast<std::size_t>(quantiles.cols());
  std::vector<std::vector<double>> columns(p);
  for (std::size_t i = 0; i < all.size(); ++i) columns[i % p].push_back(all[i]);
  return columns;
}

}  // namespace

const EstimatorType& QuantileTransformer::describe() {
  using Self = QuantileTransformer;
  static const auto type = EstimatorType::of<Self>(
      "map features to a uniform or normal distribution",
      {parameter("n_quantiles", &Params::n_quantiles, integers(1),
                 "how many quantiles the distribution of a feature is known by"),
       parameter("output_distribution", &Params::output_distribution, words({"uniform", "normal"}),
                 "what results are distributed like"),
       parameter("ignore_implicit_zeros", &Params::ignore_implicit_zeros, boolean(),
                 "has no effect on dense data"),
       parameter("subsample", &Params::subsample, integers(1) | none(),
                 "at least n_quantiles; all rows are used whatever it is"),
       with_unused_seed<Params>(), with_copy<Params>()},
      {attribute("n_quantiles_", &Self::n_quantiles_, integers(1)),
       attribute("quantiles_", &Self::quantiles_,
                 [](const Self& s) {
                   return array({s.n_quantiles_, s.n_features_in_}, {.nan = true});
                 }),
       attribute("references_", &Self::references_,
                 [](const Self& s) { return array({s.n_quantiles_}, {.low = 0.0, .high = 1.0}); })},
      {method("fit", &Self::do_fit, "finds the quantiles of the columns", {.sample_weight = false}),
       method("transform", &Self::do_transform, "the rows mapped", {.keeps_columns = true}),
       method("inverse_transform", &Self::do_inverse_transform, "rows from mapped ones",
              {.of_features = false, .keeps_columns = true})});
  return type;
}

void QuantileTransformer::do_fit(const Rows& x, const Array&, const Array&) {
  if (params.subsample.is<std::int64_t>() &&
      params.n_quantiles > params.subsample.as<std::int64_t>())
    throw ValueError(
        fmt::format("The number of quantiles cannot be greater than the number of samples used. "
                    "Got {} quantiles and {} samples.",
                    params.n_quantiles, params.subsample.as<std::int64_t>()));
  if (params.n_quantiles > x.rows())
    warn(
        fmt::format("n_quantiles ({}) is greater than the total number of samples ({}). "
                    "n_quantiles is set to n_samples.",
                    params.n_quantiles, x.rows()));
  if (params.ignore_implicit_zeros)
    warn(
        "'ignore_implicit_zeros' takes effect only with sparse matrix. This parameter has no "
        "effect.");
  require_finite(x, "X", name(), true);
  n_quantiles_ = std::max<std::int64_t>(1, std::min(params.n_quantiles, x.rows()));
  std::vector<double> references(static_cast<std::size_t>(n_quantiles_));
  for (std::size_t i = 1; i < references.size(); ++i)
    references[i] = static_cast<double>(i) / static_cast<double>(references.size() - 1);
  quantiles_ = quantile(x, references, {.ignore_nan = true});
  references_ = replicated(references, {n_quantiles_}, x.comm());
}

Rows QuantileTransformer::do_transform(const Rows& x) const {
  const bool normal = params.output_distribution == "normal";
  const double spacing = std::numeric_limits<double>::epsilon();
  const double least = normal_quantile(threshold - spacing);
  const double most = normal_quantile(1.0 - (threshold - spacing));
  return detail::map_each_row(
      x, x.cols(), *this, true,
      [=, columns = columns_of(quantiles_), references = detail::doubles_of(references_)]<class T>(
          std::span<const T> row, T* out) {
        for (std::size_t j = 0; j < row.size(); ++j) {
          const auto& q = columns[j];
          const T v = row[j];
          const auto wide = static_cast<double>(v);
          const T low = static_cast<T>(q.front()), high = static_cast<T>(q.back());
          const T near = static_cast<T>(threshold);
          double y = std::numeric_limits<double>::quiet_NaN();
          if (v == v && q.front() == q.front())
            y = 0.5 * (interpolate(wide, q, references) + interpolate(wide, q, references, true));
          if (normal ? v + near > high : v == high) y = 1.0;
          if (normal ? v - near < low : v == low) y = 0.0;
          if (normal && !std::isnan(y)) y = std::clamp(normal_quantile(y), least, most);
          out[j] = static_cast<T>(y);
        }
      });
}

Rows QuantileTransformer::do_inverse_transform(const Rows& x) const {
  detail::require_width(x, *this);
  const bool normal = params.output_distribution == "normal";
  return detail::map_each_row(
      x, x.cols(), *this, true,
      [=, columns = columns_of(quantiles_), references = detail::doubles_of(references_)]<class T>(
          std::span<const T> row, T* out) {
        for (std::size_t j = 0; j < row.size(); ++j) {
          const auto& q = columns[j];
          const T v =
              normal ? static_cast<T>(normal_distribution(static_cast<double>(row[j]))) : row[j];
          const T near = static_cast<T>(threshold);
          double y = v == v ? interpolate(static_cast<double>(v), references, q)
                            : std::numeric_limits<double>::quiet_NaN();
          if (normal ? v + near > T{1} : v == T{1}) y = q.back();
          if (normal ? v - near < T{0} : v == T{0}) y = q.front();
          out[j] = static_cast<T>(y);
        }
      });
}

namespace detail {
const EstimatorType& quantile_transformer() { return QuantileTransformer::describe(); }
}  // namespace detail

}  // namespace tessera
