#include <tessera/estimators/impute/simple_imputer.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include <tessera/array/quantile.hpp>
#include <tessera/array/unique.hpp>
#include <tessera/estimators/common_parameters.hpp>
#include <tessera/estimators/feature_selection/selector.hpp>
#include <tessera/linalg/moments.hpp>
#include <tessera/runtime/reduce.hpp>
#include <tessera/runtime/visit.hpp>

namespace tessera {

using namespace common;
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

Allowed any_number() {
  return integers(std::numeric_limits<std::int64_t>::min()) |
         number({.nan = true, .infinite = true});
}

// The value that means missing: NaN, or a number. None, and text, are no numbers.
double missing_value(const Value& value, std::string_view estimator) {
  if (value.is<double>()) return value.as<double>();
  if (value.is<std::int64_t>()) return static_cast<double>(value.as<std::int64_t>());
  throw NotImplementedError(
      fmt::format("{} takes numbers, so missing_values must be a number or nan, got {}", estimator,
                  value.to_string()));
}

// x with NaN where values are missing. What is not missing must be finite, and where missing values
// are no NaN there must be none: looked at when it is read.
Rows marked(const Rows& x, double missing, const Estimator& e) {
  return map_rows(x.to(cpu), x.shape(), x.dtype(),
                  [missing, names = e.feature_names_in_, called = std::string(e.name())](
                      const Leaf& in, const Tile& out, Stream&) {
                    visit_floating(in.tile.dtype, [&](auto tag) {
                      using T = typename decltype(tag)::type;
                      const T marker = static_cast<T>(missing);
                      bool finite = true;
                      for (std::int64_t i = 0; i < out.rows; ++i)
                        for (std::int64_t j = 0; j < out.cols; ++j) {
                          const T v = in.tile.as<const T>()[i * in.tile.stride + j];
                          const bool gone = v == marker || (std::isnan(missing) && std::isnan(v));
                          finite &= gone || std::isfinite(v);
                          out.as<T>()[i * out.stride + j] =
                              gone ? std::numeric_limits<T>::quiet_NaN() : v;
                        }
                      if (!finite) require_finite(in, "X", called, std::isnan(missing), names);
                    });
                  });
}

// How many values of each column are NaN.
std::vector<double> count_missing(const Rows& x) {
  const auto p = static_cast<std::size_t>(x.cols());
  return reduce<Sums>(x,
                      [&](const Leaf& leaf, Stream&) {
                        Sums s{std::vector<double>(p)};
                        visit_floating(leaf.tile.dtype, [&](auto tag) {
                          using T = typename decltype(tag)::type;
                          for (std::int64_t i = 0; i < leaf.tile.rows; ++i)
                            for (std::size_t j = 0; j < p; ++j)
                              s.values[j] +=
                                  std::isnan(leaf.tile.as<const T>()[i * leaf.tile.stride +
                                                                     static_cast<std::int64_t>(j)]);
                        });
                        return s;
                      })
      .values;
}

std::vector<std::int64_t> ints_of(const Array& a) {
  return {a.values<std::int64_t>().begin(), a.values<std::int64_t>().end()};
}

// Of every column the value that is there most often, the least of several; NaN for none.
std::vector<double> modes(const Rows& x) {
  std::vector<double> all;
  for (std::int64_t j = 0; j < x.cols(); ++j) {
    const Array column =
        collect(detail::take_columns(x, {j})).reshape({x.rows()}).astype(DType::float64);
    const Unique found = unique(column, {.counts = true});
    const Array values = gather(found.values), counts = gather(found.counts);
    double mode = nan;
    std::int64_t most = 0;
    for (std::size_t i = 0; i < values.values<double>().size(); ++i) {
      const double v = values.values<double>()[i];
      const std::int64_t n = counts.values<std::int64_t>()[i];
      if (std::isnan(v) || n <= most) continue;
      mode = v;
      most = n;
    }
    all.push_back(mode);
  }
  return all;
}

}  // namespace

const EstimatorType& MissingIndicator::describe() {
  using Self = MissingIndicator;
  static const auto type = EstimatorType::of<Self>(
      "which values are missing",
      {parameter("missing_values", &Params::missing_values, any_number() | none() | text(),
                 "what a missing value is"),
       parameter("features", &Params::features, words({"missing-only", "all"}),
                 "columns with missing values in fit, or all"),
       parameter("sparse", &Params::sparse, boolean() | words({"auto"}),
                 "True is not supported: results are dense"),
       parameter("error_on_new", &Params::error_on_new, boolean(),
                 "refuse missing values in columns that had none in fit")},
      {attribute("features_", &Self::features_,
                 [](const Self& s) {
                   return array({s.features_.size()},
                                {.low = 0.0,
                                 .high = static_cast<double>(s.n_features_in_ - 1),
                                 .dtypes = {DType::int64}});
                 })},
      {method("fit", &Self::do_fit, "finds the columns with missing values",
              {.sample_weight = false}),
       method("transform", &Self::do_transform, "whether values are missing",
              {.column_names = &Self::names_out})});
  return type;
}

std::vector<std::string> MissingIndicator::names_out(const Estimator& e,
                                                     const std::vector<std::string>& of_x) {
  std::vector<std::string> names;
  for (const std::int64_t j : ints_of(static_cast<const MissingIndicator&>(e).features_))
    names.push_back("missingindicator_" + of_x[static_cast<std::size_t>(j)]);
  return names;
}

void MissingIndicator::do_fit(const Rows& x, const Array&, const Array&) {
  if (params.sparse.is<bool>() && params.sparse.as<bool>())
    throw NotImplementedError("MissingIndicator: sparse=True is not supported");
  const auto missing =
      count_missing(marked(x, missing_value(params.missing_values, name()), *this));
  std::vector<std::int64_t> columns;
  for (std::size_t j = 0; j < missing.size(); ++j)
    if (missing[j] > 0.0 || params.features == "all")
      columns.push_back(static_cast<std::int64_t>(j));
  features_ = replicated(columns, {std::ssize(columns)}, x.comm());
}

Rows MissingIndicator::do_transform(const Rows& x) const {
  const Rows seen = marked(x, missing_value(params.missing_values, name()), *this);
  const auto columns = ints_of(features_);
  if (params.error_on_new && params.features == "missing-only") {
    const auto missing = count_missing(seen);
    std::vector<std::int64_t> others;
    for (std::size_t j = 0; j < missing.size(); ++j)
      if (const auto at = static_cast<std::int64_t>(j);
          missing[j] > 0.0 && std::ranges::find(columns, at) == columns.end())
        others.push_back(at);
    if (!others.empty())
      throw ValueError(
          fmt::format("The features [{}] have missing values in transform but have no missing "
                      "values in fit.",
                      fmt::join(others, " ")));
  }
  return map_rows(seen, {x.rows(), features_.size()}, DType::boolean,
                  [columns](const Leaf& in, const Tile& out, Stream&) {
                    visit_floating(in.tile.dtype, [&](auto tag) {
                      using T = typename decltype(tag)::type;
                      for (std::int64_t i = 0; i < out.rows; ++i)
                        for (std::size_t k = 0; k < columns.size(); ++k)
                          out.as<bool>()[i * out.stride + static_cast<std::int64_t>(k)] =
                              std::isnan(in.tile.as<const T>()[i * in.tile.stride + columns[k]]);
                    });
                  })
      .to(x.device());
}

const EstimatorType& SimpleImputer::describe() {
  using Self = SimpleImputer;
  static const auto type = EstimatorType::of<Self>(
      "fill missing values with a statistic of their column",
      {parameter("missing_values", &Params::missing_values, any_number() | none() | text(),
                 "what a missing value is"),
       parameter("strategy", &Params::strategy,
                 words({"mean", "median", "most_frequent", "constant"}), "what takes its place"),
       parameter("fill_value", &Params::fill_value, any_number() | none() | text(),
                 "the constant; None: 0"),
       with_copy<Params>(),
       parameter("add_indicator", &Params::add_indicator, boolean(),
                 "columns that say what was missing after the others"),
       parameter("keep_empty_features", &Params::keep_empty_features, boolean(),
                 "keep columns of missing values, filled with 0 or the constant")},
      {attribute("statistics_", &Self::statistics_,
                 [](const Self& s) {
                   return array({s.n_features_in_}, {.nan = true, .dtypes = {DType::float64}});
                 }),
       attribute("indicator_", &Self::indicator_, estimator("transform") | none())},
      {method("fit", &Self::do_fit, "finds the statistics of the columns",
              {.sample_weight = false}),
       method("transform", &Self::do_transform, "the rows with missing values filled",
              {.column_names = &Self::names_out}),
       method("inverse_transform", &Self::do_inverse_transform,
              "the rows with missing values again, of what add_indicator made",
              {.of_features = false})});
  return type;
}

// The columns that are not left out.
std::vector<std::int64_t> SimpleImputer::kept() const {
  std::vector<std::int64_t> columns;
  for (std::int64_t j = 0; j < statistics_.size(); ++j)
    if (!std::isnan(statistics_.values<double>()[static_cast<std::size_t>(j)]))
      columns.push_back(j);
  return columns;
}

const MissingIndicator* SimpleImputer::indicator() const {
  return dynamic_cast<const MissingIndicator*>(indicator_.get());
}

std::vector<std::int64_t> SimpleImputer::indicated() const {
  return indicator() ? ints_of(indicator()->features_) : std::vector<std::int64_t>{};
}

std::vector<std::string> SimpleImputer::names_out(const Estimator& e,
                                                  const std::vector<std::string>& of_x) {
  const auto& self = static_cast<const SimpleImputer&>(e);
  std::vector<std::string> names;
  for (const std::int64_t j : self.kept()) names.push_back(of_x[static_cast<std::size_t>(j)]);
  if (self.indicator())
    for (auto& name : MissingIndicator::names_out(*self.indicator(), of_x))
      names.push_back(std::move(name));
  return names;
}

void SimpleImputer::do_fit(const Rows& x, const Array&, const Array&) {
  const double missing = missing_value(params.missing_values, name());
  const Rows seen = marked(x, missing, *this);
  const auto p = static_cast<std::size_t>(x.cols());
  const auto absent = count_missing(seen);
  double constant = 0.0;
  if (params.strategy == "constant" && !params.fill_value.is_none()) {
    if (params.fill_value.is<std::string>())
      throw ValueError(
          fmt::format("fill_value={} (of type str) cannot be cast to the input data that is {}",
                      params.fill_value.to_string(), name_of(x.dtype())));
    constant = missing_value(params.fill_value, name());
  }
  std::vector<double> statistics(p, constant);
  if (params.strategy == "mean") {
    statistics = linalg::column_moments(seen).mean;
  } else if (params.strategy == "median") {
    const std::vector<double> half = {0.5};
    const Array found = quantile(seen, half, {.ignore_nan = true}).astype(DType::float64);
    statistics.assign(found.values<double>().begin(), found.values<double>().end());
  } else if (params.strategy == "most_frequent") {
    statistics = modes(seen);
  }
  for (std::size_t j = 0; j < p; ++j)
    if (absent[j] == static_cast<double>(x.rows()))
      statistics[j] = params.keep_empty_features ? constant : nan;
  statistics_ = replicated(statistics, {x.cols()}, x.comm());
  indicator_.reset();
  if (!params.add_indicator) return;
  auto made = std::make_shared<MissingIndicator>(
      MissingIndicatorParams{.missing_values = params.missing_values, .error_on_new = false});
  made->fit(x);
  indicator_ = std::move(made);
}

Rows SimpleImputer::do_transform(const Rows& x) const {
  const auto columns = kept();
  const auto flags = indicated();
  if (std::ssize(columns) < x.cols()) {
    std::vector<std::string> skipped;
    for (std::int64_t j = 0; j < x.cols(); ++j)
      if (std::ranges::find(columns, j) == columns.end())
        skipped.push_back(feature_names_in_.empty()
                              ? fmt::format("{}", j)
                              : "'" + feature_names_in_[static_cast<std::size_t>(j)] + "'");
    warn(
        fmt::format("Skipping features without any observed values: [{}]. At least one non-missing "
                    "value is needed for imputation with strategy='{}'.",
                    fmt::join(skipped, " "), params.strategy));
  }
  const std::vector<double> fill(statistics_.values<double>().begin(),
                                 statistics_.values<double>().end());
  const Rows seen = marked(x, missing_value(params.missing_values, name()), *this);
  return map_rows(seen, {x.rows(), std::ssize(columns) + std::ssize(flags)}, x.dtype(),
                  [columns, flags, fill](const Leaf& in, const Tile& out, Stream&) {
                    visit_floating(in.tile.dtype, [&](auto tag) {
                      using T = typename decltype(tag)::type;
                      for (std::int64_t i = 0; i < out.rows; ++i) {
                        const T* from = in.tile.as<const T>() + i * in.tile.stride;
                        T* to = out.as<T>() + i * out.stride;
                        for (const std::int64_t j : columns)
                          *to++ = std::isnan(from[j])
                                      ? static_cast<T>(fill[static_cast<std::size_t>(j)])
                                      : from[j];
                        for (const std::int64_t j : flags)
                          *to++ = std::isnan(from[j]) ? T{1} : T{0};
                      }
                    });
                  })
      .to(x.device());
}

Rows SimpleImputer::do_inverse_transform(const Rows& x) const {
  if (!indicator())
    throw ValueError(
        "'inverse_transform' works only when 'SimpleImputer' is instantiated with "
        "'add_indicator=True'. Got 'add_indicator=False' instead.");
  const auto columns = kept();
  const auto flags = indicated();
  if (x.cols() != std::ssize(columns) + std::ssize(flags))
    throw ValueError(fmt::format("X has {} features, but {} expects {}: {} of transform", x.cols(),
                                 name(), columns.size() + flags.size(), "what it made"));
  const double missing = missing_value(params.missing_values, name());
  return map_rows(x.to(cpu), {x.rows(), n_features_in_}, x.dtype(),
                  [columns, flags, missing](const Leaf& in, const Tile& out, Stream&) {
                    visit_floating(in.tile.dtype, [&](auto tag) {
                      using T = typename decltype(tag)::type;
                      for (std::int64_t i = 0; i < out.rows; ++i) {
                        const T* from = in.tile.as<const T>() + i * in.tile.stride;
                        T* to = out.as<T>() + i * out.stride;
                        std::fill(to, to + out.cols, static_cast<T>(missing));
                        for (const std::int64_t j : columns) to[j] = *from++;
                        for (const std::int64_t j : flags)
                          if (*from++ != T{0}) to[j] = static_cast<T>(missing);
                      }
                    });
                  })
      .to(x.device());
}

namespace detail {
const EstimatorType& simple_imputer() { return SimpleImputer::describe(); }
const EstimatorType& missing_indicator() { return MissingIndicator::describe(); }
}  // namespace detail

}  // namespace tessera
