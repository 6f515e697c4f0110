#include <tessera/estimators/feature_selection/select_k_best.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <tessera/estimators/feature_selection/significance.hpp>
#include <tessera/estimators/preprocessing/column_scaler.hpp>
#include <tessera/estimators/squares.hpp>
#include <tessera/linalg/group_moments.hpp>
#include <tessera/runtime/reduce.hpp>
#include <tessera/runtime/visit.hpp>

namespace tessera {
namespace {

bool all_finite(const std::vector<double>& v) {
  return std::ranges::all_of(v, [](double x) { return std::isfinite(x); });
}

}  // namespace

const EstimatorType& SelectKBest::describe() {
  using Self = SelectKBest;
  const auto per_column = [](const Self& s) {
    return array({s.n_features_in_}, {.nan = true, .infinite = true, .dtypes = {DType::float64}});
  };
  static const auto type = EstimatorType::of<Self>(
      "keep the features that say most of y",
      {parameter("score_func", &Params::score_func, words({"f_classif", "f_regression", "chi2"}),
                 "how much a feature says"),
       parameter("k", &Params::k, integers(0) | words({"all"}), "how many are kept")},
      {attribute("scores_", &Self::scores_, per_column),
       attribute("pvalues_", &Self::pvalues_,
                 [](const Self& s) {
                   return array({s.n_features_in_},
                                {.low = 0.0, .high = 1.0, .nan = true, .dtypes = {DType::float64}});
                 })},
      {method("fit", &Self::do_fit, "finds the scores of the columns", {.sample_weight = false})});
  return type;
}

// f_classif and chi2, of the sums of the classes.
SelectKBest::Scores SelectKBest::by_class(const Rows& x, const Array& y) const {
  const Classes classes = encode_classes(y, x, name());
  const auto k = static_cast<std::size_t>(class_count(classes.values));
  const auto p = static_cast<std::size_t>(x.cols());
  const auto m = linalg::group_moments(x, classes.codes, static_cast<std::int64_t>(k));
  if (!all_finite(m.mean)) require_finite(x, "X", name());
  const auto n = static_cast<double>(x.rows());
  const double groups = static_cast<double>(k);
  Scores found;
  if (params.score_func == "chi2") {
    if (const auto ends = detail::extremes(x, name());
        std::ranges::any_of(ends.low, [](double v) { return v < 0.0; }))
      throw ValueError("Input X must be non-negative.");
    for (std::size_t j = 0; j < p; ++j) {
      double all = 0.0, score = 0.0;
      for (std::size_t c = 0; c < k; ++c) all += m.weight[c] * m.mean[c * p + j];
      for (std::size_t c = 0; c < k; ++c) {
        const double seen = m.weight[c] * m.mean[c * p + j], expected = m.weight[c] / n * all;
        score += (seen - expected) / expected * (seen - expected);
      }
      found.scores.push_back(score);
      found.pvalues.push_back(chi2_survival(groups - 1.0, score));
    }
    return found;
  }
  detail::require_squares(x, detail::largest(linalg::merged(m).m2), name());
  std::vector<std::size_t> constant;
  for (std::size_t j = 0; j < p; ++j) {
    double mean = 0.0, between = 0.0, within = 0.0;
    for (std::size_t c = 0; c < k; ++c) mean += m.weight[c] / n * m.mean[c * p + j];
    for (std::size_t c = 0; c < k; ++c) {
      const double step = m.mean[c * p + j] - mean;
      between += m.weight[c] * step * step;
      within += m.m2[c * p + j];
    }
    if (within == 0.0) constant.push_back(j);
    // All the same: what rounding leaves between the classes is nothing.
    if (within == 0.0 && between <= n * mean * mean * 1e-30) between = 0.0;
    found.scores.push_back(between / (groups - 1.0) / (within / (n - groups)));
    found.pvalues.push_back(f_survival(groups - 1.0, n - groups, found.scores.back()));
  }
  if (!constant.empty()) warn(fmt::format("Features [{}] are constant.", fmt::join(constant, " ")));
  return found;
}

SelectKBest::Scores SelectKBest::by_correlation(const Rows& x, const Array& y) const {
  if (y.cols() != 1)
    throw ValueError(fmt::format("y should be a 1d array, got an array of shape {} instead",
                                 to_string(y.shape())));
  const auto p = static_cast<std::size_t>(x.cols());
  const auto of_x = linalg::column_moments(x), of_y = linalg::column_moments(y);
  const auto n = static_cast<double>(x.rows());
  if (!all_finite(of_x.mean) || of_x.count != std::vector<double>(p, n))
    require_finite(x, "X", name());
  detail::require_squares(x, detail::largest(of_x.m2), name());
  detail::require_squares(y, detail::largest(of_y.m2), name(), "y");
  const Sums cross = reduce<Sums>(zip(x.to(cpu), {y.to(cpu)}), [&](const Leaf& leaf, Stream&) {
    Sums s{std::vector<double>(p)};
    visit_floating(leaf.tile.dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      for (std::int64_t i = 0; i < leaf.tile.rows; ++i) {
        const T* row = leaf.tile.as<const T>() + i * leaf.tile.stride;
        const double step =
            static_cast<double>(leaf.beside[0].template as<const T>()[i * leaf.beside[0].stride]) -
            of_y.mean[0];
        for (std::size_t j = 0; j < p; ++j)
          s.values[j] += (static_cast<double>(row[j]) - of_x.mean[j]) * step;
      }
    });
    return s;
  });
  Scores found;
  for (std::size_t j = 0; j < p; ++j) {
    const double r2 = cross.values[j] / of_x.m2[j] * (cross.values[j] / of_y.m2[0]);
    double f = r2 / (1.0 - r2) * (n - 2.0);
    if (std::isnan(f)) f = 0.0;
    found.pvalues.push_back(f == 0.0 ? 1.0 : f_survival(1.0, n - 2.0, f < 0.0 ? INFINITY : f));
    found.scores.push_back(std::isinf(f) || f < 0.0 ? std::numeric_limits<double>::max() : f);
  }
  return found;
}

void SelectKBest::do_fit(const Rows& x, const Array& y, const Array&) {
  if (params.k.is<std::int64_t>() && params.k.as<std::int64_t>() > x.cols())
    warn(fmt::format("k={} is greater than n_features={}. All the features will be returned.",
                     params.k.as<std::int64_t>(), x.cols()));
  const Scores found = params.score_func == "f_regression" ? by_correlation(x, y) : by_class(x, y);
  scores_ = replicated(found.scores, {x.cols()}, x.comm());
  pvalues_ = replicated(found.pvalues, {x.cols()}, x.comm());
}

std::vector<bool> SelectKBest::support() const {
  const auto scores = scores_.values<double>();
  const auto k = params.k.is<std::int64_t>()
                     ? std::min<std::int64_t>(params.k.as<std::int64_t>(), n_features_in_)
                     : n_features_in_;
  // NaN come first, and of equal ones the later columns are taken, as in scikit-learn.
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t j) {
    return std::isnan(scores[j]) ? std::numeric_limits<double>::lowest() : scores[j];
  });
  std::vector<bool> mask(scores.size());
  for (auto at = order.end() - k; at != order.end(); ++at) mask[*at] = true;
  return mask;
}

namespace detail {
const EstimatorType& select_k_best() { return SelectKBest::describe(); }
}  // namespace detail

}  // namespace tessera
