#include <tessera/estimators/preprocessing/k_bins_discretizer.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <tessera/array/elementwise.hpp>
#include <tessera/array/quantile.hpp>
#include <tessera/estimators/cluster/kmeans.hpp>
#include <tessera/estimators/common_parameters.hpp>
#include <tessera/estimators/feature_selection/selector.hpp>
#include <tessera/estimators/preprocessing/column_scaler.hpp>
#include <tessera/estimators/preprocessing/row_map.hpp>
#include <tessera/runtime/row_set.hpp>

namespace tessera {

using namespace common;
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
const std::vector<std::string> quantile_methods = {"inverted_cdf",
                                                   "averaged_inverted_cdf",
                                                   "closest_observation",
                                                   "interpolated_inverted_cdf",
                                                   "hazen",
                                                   "weibull",
                                                   "linear",
                                                   "median_unbiased",
                                                   "normal_unbiased"};

// As numpy.linspace.
std::vector<double> spaced(double low, double high, std::int64_t bins) {
  std::vector<double> edges;
  const double step = (high - low) / static_cast<double>(bins);
  for (std::int64_t i = 0; i < bins; ++i) edges.push_back(low + step * static_cast<double>(i));
  edges.push_back(high);
  return edges;
}

}  // namespace

const EstimatorType& KBinsDiscretizer::describe() {
  using Self = KBinsDiscretizer;
  static const auto type = EstimatorType::of<Self>(
      "features cut into bins",
      {parameter("n_bins", &Params::n_bins, integers(2) | array() | list_of(integers(2)),
                 "how many, of all columns or of each"),
       parameter("encode", &Params::encode, words({"onehot", "onehot-dense", "ordinal"}),
                 "a column for each bin, or its number; 'onehot' is sparse and not supported"),
       parameter("strategy", &Params::strategy, words({"uniform", "quantile", "kmeans"}),
                 "bins of equal width, equal numbers of rows, or around the centres of k-means"),
       parameter("quantile_method", &Params::quantile_method, words(quantile_methods),
                 "where a quantile lies between values"),
       parameter("dtype", &Params::dtype, words({"float32", "float64"}) | none(),
                 "of the result; None: X's"),
       parameter("subsample", &Params::subsample, integers(1) | none(),
                 "accepted for compatibility: all rows are used"),
       with_unused_seed<Params>()},
      {attribute("bin_edges_", &Self::bin_edges_,
                 [](const Self& s) {
                   const auto bins = s.n_bins_.values<std::int64_t>();
                   for (std::size_t j = 0; j < std::min(bins.size(), s.bin_edges_.size()); ++j)
                     // Infinite ones are those of constant columns.
                     if (const Allowed edges = array({bins[j] + 1}, {.infinite = true});
                         !edges.accepts(s.bin_edges_[j]))
                       return list_of(edges);
                   return list_of(array(), s.n_features_in_);
                 }),
       attribute("n_bins_", &Self::n_bins_,
                 [](const Self& s) {
                   return array({s.n_features_in_}, {.low = 1.0, .dtypes = {DType::int64}});
                 })},
      {method("fit", &Self::do_fit, "finds the edges of the bins"),
       method("transform", &Self::do_transform, "the bins of the values",
              {.column_names = &Self::names_out}),
       method("inverse_transform", &Self::do_inverse_transform, "the middles of the bins",
              {.of_features = false})});
  return type;
}

void KBinsDiscretizer::do_fit(const Rows& given, const Array&, const Array& sample_weight) {
  if (params.encode == "onehot")
    throw NotImplementedError(
        "KBinsDiscretizer: encode='onehot' is sparse, which is not supported; 'onehot-dense' is "
        "dense");
  const bool by_quantile = params.strategy == "quantile";
  const auto method = std::ranges::find(quantile_methods, params.quantile_method);
  if (by_quantile && sample_weight && method - quantile_methods.begin() > 1)
    throw ValueError(
        fmt::format("When fitting with strategy='quantile' and sample weights, quantile_method "
                    "should either be set to 'averaged_inverted_cdf' or 'inverted_cdf', got "
                    "quantile_method='{}' instead.",
                    params.quantile_method));
  const auto p = static_cast<std::size_t>(given.cols());
  std::vector<std::int64_t> bins(p, 0);
  if (params.n_bins.is<std::int64_t>()) {
    std::ranges::fill(bins, params.n_bins.as<std::int64_t>());
  } else {
    bins.clear();
    if (const List* items = params.n_bins.items())
      for (const Value& n : *items) bins.push_back(n.as<std::int64_t>());
    else
      for (const double n : detail::doubles_of(params.n_bins)) {
        if (n < 2 || n != std::floor(n))
          throw ValueError(
              fmt::format("KBinsDiscretizer received an invalid number of bins at index {}. Number "
                          "of bins must be at least 2, and must be an int.",
                          bins.size()));
        bins.push_back(static_cast<std::int64_t>(n));
      }
    if (bins.size() != p)
      throw ValueError("n_bins must be a scalar or array of shape (n_features,).");
  }
  require_finite(given, "X", name());
  // Rows without weight are not there.
  Rows x = given;
  Array weights = sample_weight;
  if (sample_weight && !by_quantile) {
    const RowSet set = RowSet::of_mask(not_equal(sample_weight.to(cpu), 0.0));
    x = select(given, set);
    weights = select(sample_weight, set);
  }
  const auto ends = detail::extremes(x, name());
  std::vector<std::vector<double>> edges(p);
  for (std::size_t j = 0; j < p; ++j) {
    const double low = ends.low[j], high = ends.high[j];
    if (low == high) {
      warn(fmt::format("Feature {} is constant and will be replaced with 0.", j));
      bins[j] = 1;
      edges[j] = {-infinity, infinity};
      continue;
    }
    const Rows column = detail::take_columns(x, {static_cast<std::int64_t>(j)});
    if (params.strategy == "uniform") {
      edges[j] = spaced(low, high, bins[j]);
      continue;
    }
    if (by_quantile) {
      const Array found =
          quantile(column, spaced(0.0, 1.0, bins[j]),
                   {.method = static_cast<QuantileMethod>(method - quantile_methods.begin()),
                    .weights = weights});
      edges[j] = detail::doubles_of(found);
    } else {
      const auto uniform = spaced(low, high, bins[j]);
      std::vector<double> centres;
      for (std::size_t b = 0; b + 1 < uniform.size(); ++b)
        centres.push_back(0.5 * (uniform[b] + uniform[b + 1]));
      KMeans kmeans({.n_clusters = bins[j],
                     .init = replicated(centres, {bins[j], 1}, x.comm()).astype(x.dtype()),
                     .n_init = 1});
      kmeans.fit(cached(column), {}, weights);
      centres = detail::doubles_of(kmeans.cluster_centers_);
      std::ranges::sort(centres);
      edges[j] = {low};
      for (std::size_t b = 0; b + 1 < centres.size(); ++b)
        edges[j].push_back(0.5 * (centres[b] + centres[b + 1]));
      edges[j].push_back(high);
    }
    std::vector<double> wide;
    for (std::size_t b = 0; b < edges[j].size(); ++b)
      if (b == 0 || edges[j][b] - edges[j][b - 1] > 1e-8) wide.push_back(edges[j][b]);
    if (std::ssize(wide) - 1 != bins[j]) {
      warn(
          fmt::format("Bins whose width are too small (i.e., <= 1e-8) in feature {} are removed. "
                      "Consider decreasing the number of bins.",
                      j));
      if (wide.size() == 1) wide = {low, high};  // one bin, for there is none without two edges
      bins[j] = std::ssize(wide) - 1;
    }
    edges[j] = std::move(wide);
  }
  bin_edges_.clear();
  for (const auto& e : edges)
    bin_edges_.push_back(detail::vector_value(e, DType::float64, given.comm()));
  n_bins_ = replicated(bins, {given.cols()}, given.comm());
}

std::vector<std::vector<double>> KBinsDiscretizer::edges() const {
  std::vector<std::vector<double>> all;
  for (const Value& e : bin_edges_) all.push_back(detail::doubles_of(e));
  return all;
}

std::vector<std::string> KBinsDiscretizer::names_out(const Estimator& e,
                                                     const std::vector<std::string>& of_x) {
  const auto& self = static_cast<const KBinsDiscretizer&>(e);
  if (self.params.encode == "ordinal") return of_x;
  std::vector<std::string> names;
  for (std::size_t j = 0; j < of_x.size(); ++j)
    for (std::int64_t b = 0; b < self.n_bins_.values<std::int64_t>()[j]; ++b)
      names.push_back(fmt::format("{}_{}.0", of_x[j], b));
  return names;
}

Rows KBinsDiscretizer::do_transform(const Rows& given) const {
  const bool ordinal = params.encode == "ordinal";
  const Rows x =
      params.dtype.is_none() ? given : given.as(dtype_from_name(params.dtype.as<std::string>()));
  const auto all = edges();
  std::vector<std::int64_t> first = {0};
  for (const auto& e : all) first.push_back(first.back() + std::ssize(e) - 1);
  return detail::map_each_row(x, ordinal ? x.cols() : first.back(), *this, false,
                              [=]<class T>(std::span<const T> row, T* out) {
                                if (!ordinal) std::fill(out, out + first.back(), T{0});
                                for (std::size_t j = 0; j < row.size(); ++j) {
                                  const auto& e = all[j];
                                  const auto bin = std::upper_bound(e.begin() + 1, e.end() - 1,
                                                                    static_cast<double>(row[j])) -
                                                   e.begin() - 1;
                                  if (ordinal)
                                    out[j] = static_cast<T>(bin);
                                  else
                                    out[first[j] + bin] = T{1};
                                }
                              });
}

Rows KBinsDiscretizer::do_inverse_transform(const Rows& x) const {
  const bool ordinal = params.encode == "ordinal";
  const auto all = edges();
  std::vector<std::int64_t> first = {0};
  for (const auto& e : all) first.push_back(first.back() + std::ssize(e) - 1);
  const std::int64_t width = ordinal ? n_features_in_ : first.back();
  if (x.cols() != width)
    throw ValueError(
        fmt::format("Incorrect number of features. Expecting {}, received {}.", width, x.cols()));
  return detail::map_each_row(
      x, n_features_in_, *this, false, [=]<class T>(std::span<const T> row, T* out) {
        for (std::size_t j = 0; j < all.size(); ++j) {
          const auto& e = all[j];
          std::int64_t bin = 0;
          if (ordinal) {
            bin = static_cast<std::int64_t>(row[j]);
          } else {
            const auto from = row.begin() + first[j], to = row.begin() + first[j + 1];
            bin = std::max_element(from, to) - from;
          }
          if (bin < 0 || bin + 1 >= std::ssize(e))
            throw ValueError(
                fmt::format("KBinsDiscretizer: {} is the number of none of the {} bins "
                            "of feature {}",
                            bin, e.size() - 1, j));
          const auto at = static_cast<std::size_t>(bin);
          out[j] = static_cast<T>(0.5 * (e[at] + e[at + 1]));
        }
      });
}

namespace detail {
const EstimatorType& k_bins_discretizer() { return KBinsDiscretizer::describe(); }
}  // namespace detail

}  // namespace tessera
