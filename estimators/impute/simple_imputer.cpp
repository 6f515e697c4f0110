#include <tessera/estimators/impute/simple_imputer.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include <tessera/array/quantile.hpp>
#include <tessera/array/unique.hpp>
#include <tessera/estimators/common_parameters.hpp>
#include <tessera/estimators/feature_selection/selector.hpp>
#include <tessera/estimators/preprocessing/categories.hpp>
#include <tessera/estimators/preprocessing/column_scaler.hpp>
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
      fmt::format("{}: X holds numbers, so missing_values must be a number or nan, got {}",
                  estimator, value.to_string()));
}

// Of the levels of each column which ones are missing.
std::vector<std::vector<bool>> missing_levels(const detail::Levels& levels, const Value& missing) {
  std::vector<std::vector<bool>> all;
  for (const List& of : levels.values) {
    all.emplace_back();
    for (const Value& v : of) all.back().push_back(detail::same_category(v, missing));
  }
  return all;
}

// Zeros with NaN where text is missing.
Rows marked_text(const Rows& x, const Value& missing) {
  const detail::Levels levels = detail::levels_of(x);
  return map_rows(
      detail::places_among(x, levels), x.shape(), DType::float64,
      [gone = missing_levels(levels, missing)](const Leaf& in, const Tile& out, Stream&) {
        for (std::int64_t i = 0; i < out.rows; ++i)
          for (std::int64_t j = 0; j < out.cols; ++j)
            out.as<double>()[i * out.stride + j] =
                gone[static_cast<std::size_t>(j)].at(static_cast<std::size_t>(
                    in.tile.as<const std::int32_t>()[i * in.tile.stride + j]))
                    ? nan
                    : 0.0;
      });
}

/// What is missing in a leaf of numbers: calls f(i, row i, gone) with gone(v), whether v is
/// missing. What is not missing must be finite, and where missing values are no NaN there must be
/// none.
struct Marker {
  double missing;
  std::string estimator;
  std::vector<std::string> names;

  Marker(const Value& missing_values, const Estimator& e)
      : missing(missing_value(missing_values, e.name())),
        estimator(e.name()),
        names(e.feature_names_in_) {}

  template <class F>
  void each_row(const Leaf& in, const F& f) const {
    visit_floating(in.tile.dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      // As wide as T and without a branch, so that it is computed in vectors.
      using Wide = std::conditional_t<sizeof(T) == 4, std::int32_t, std::int64_t>;
      const T marker = static_cast<T>(missing);
      const bool nan_is_missing = std::isnan(missing);
      Wide wrong = 0;
      const auto gone = [&](T v) -> Wide { return (v == marker) | (nan_is_missing & (v != v)); };
      for (std::int64_t i = 0; i < in.tile.rows; ++i) {
        const T* row = in.tile.as<const T>() + i * in.tile.stride;
        for (std::int64_t j = 0; j < in.tile.cols; ++j)
          wrong |= !gone(row[j]) & (row[j] - row[j] != T{0});
        f(i, row, gone);
      }
      if (wrong) require_finite(in, "X", estimator, nan_is_missing, names);
    });
  }
};

// x with NaN where values are missing, looked at when it is read.
Rows marked(const Rows& x, const Value& missing_values, const Estimator& e) {
  if (!x.categories().empty()) return marked_text(x, missing_values);
  return map_rows(x.to(cpu), x.shape(), x.dtype(),
                  [marker = Marker(missing_values, e)](const Leaf& in, const Tile& out, Stream&) {
                    marker.each_row(in, [&]<class T>(std::int64_t i, const T* row, auto gone) {
                      T* to = out.as<T>() + i * out.stride;
                      for (std::int64_t j = 0; j < out.cols; ++j)
                        to[j] = gone(row[j]) ? std::numeric_limits<T>::quiet_NaN() : row[j];
                    });
                  });
}

// How many values of each column are missing.
std::vector<double> count_missing(const Rows& x, const Value& missing_values, const Estimator& e) {
  const bool text = !x.categories().empty();
  const Marker marker(text ? Value(nan) : missing_values, e);
  const auto p = static_cast<std::size_t>(x.cols());
  return reduce<Sums>(text ? marked_text(x, missing_values) : x.to(cpu),
                      [&](const Leaf& leaf, Stream&) {
                        std::vector<std::int64_t> counts(p);
                        marker.each_row(leaf, [&](std::int64_t, const auto* row, auto gone) {
                          for (std::size_t j = 0; j < p; ++j) counts[j] += gone(row[j]);
                        });
                        return Sums{{counts.begin(), counts.end()}};
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
              {.keeps_dtype = [](const Estimator&) { return true; }, .sample_weight = false}),
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
  const auto missing = count_missing(x, params.missing_values, *this);
  std::vector<std::int64_t> columns;
  for (std::size_t j = 0; j < missing.size(); ++j)
    if (missing[j] > 0.0 || params.features == "all")
      columns.push_back(static_cast<std::int64_t>(j));
  features_ = replicated(columns, {std::ssize(columns)}, x.comm());
}

Rows MissingIndicator::do_transform(const Rows& x) const {
  const auto columns = ints_of(features_);
  if (params.error_on_new && params.features == "missing-only" && std::ssize(columns) < x.cols()) {
    const auto missing = count_missing(x, params.missing_values, *this);
    std::vector<std::int64_t> others;
    for (std::size_t j = 0; j < missing.size(); ++j)
      if (const auto at = static_cast<std::int64_t>(j);
          missing[j] > 0.0 && !std::ranges::binary_search(columns, at))
        others.push_back(at);
    if (!others.empty())
      throw ValueError(
          fmt::format("The features [{}] have missing values in transform but have no missing "
                      "values in fit.",
                      fmt::join(others, " ")));
  }
  const bool text = !x.categories().empty();
  return map_rows(text ? marked_text(x, params.missing_values) : x.to(cpu),
                  {x.rows(), features_.size()}, DType::boolean,
                  [columns, marker = Marker(text ? Value(nan) : params.missing_values, *this)](
                      const Leaf& in, const Tile& out, Stream&) {
                    marker.each_row(in, [&](std::int64_t i, const auto* row, auto gone) {
                      bool* to = out.as<bool>() + i * out.stride;
                      for (const std::int64_t j : columns) *to++ = gone(row[j]) != 0;
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
      {attribute<Self, Value>("statistics_", &Self::statistics_,
                              [](const Self& s) {
                                return array({s.n_features_in_}, {.nan = true}) |
                                       detail::category_list_allowed();
                              }),
       attribute("indicator_", &Self::indicator_, estimator("transform") | none())},
      {method("fit", &Self::do_fit, "finds the statistics of the columns",
              {.keeps_dtype = &Self::keeps_dtype, .sample_weight = false}),
       method("transform", &Self::do_transform, "the rows with missing values filled",
              {.keeps_dtype = &Self::keeps_dtype, .column_names = &Self::names_out}),
       method("inverse_transform", &Self::do_inverse_transform,
              "the rows with missing values again, of what add_indicator made",
              {.of_features = false, .keeps_dtype = &Self::keeps_dtype})});
  return type;
}

bool SimpleImputer::keeps_dtype(const Estimator& e) {
  const std::string& strategy = static_cast<const SimpleImputer&>(e).params.strategy;
  return strategy == "most_frequent" || strategy == "constant";
}

// The columns that are not left out.
std::vector<std::int64_t> SimpleImputer::kept() const {
  std::vector<std::int64_t> columns;
  for (std::int64_t j = 0; j < detail::category_count(statistics_); ++j)
    if (!detail::same_category(detail::category_at(statistics_, j), nan)) columns.push_back(j);
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

// Of every column the value that is there most often, or the constant; NaN where all are missing.
List SimpleImputer::text_statistics(const Rows& x) const {
  if (params.strategy == "mean" || params.strategy == "median")
    throw ValueError(
        fmt::format("Cannot use {} strategy with non-numeric data:\ncould not convert string to "
                    "float: {}",
                    params.strategy, detail::levels_of(x).values[0].front().to_string()));
  const Value constant = params.fill_value.is_none() ? Value("missing_value") : params.fill_value;
  List all;
  for (const detail::Categories& found : detail::categories_of(x)) {
    std::int64_t most = 0;
    List modes;
    for (std::int64_t i = 0; i < std::ssize(found.counts); ++i) {
      const Value value = detail::category_at(found.values, i);
      const std::int64_t n = found.counts[static_cast<std::size_t>(i)];
      if (detail::same_category(value, params.missing_values) || n < most) continue;
      if (n > most) modes.clear();
      modes.push_back(value);
      most = n;
    }
    if (params.strategy == "constant")
      all.push_back(most > 0 || params.keep_empty_features ? constant : Value(nan));
    else if (most > 0)
      all.push_back(detail::least_category(modes));
    else
      all.push_back(params.keep_empty_features ? Value(0) : Value(nan));
  }
  return all;
}

void SimpleImputer::do_fit(const Rows& x, const Array&, const Array&) {
  if (!x.categories().empty())
    statistics_ = text_statistics(x);
  else
    statistics_ = detail::vector_value(
        statistics(x), params.strategy == "median" ? x.dtype() : DType::float64, x.comm());
  indicator_.reset();
  if (!params.add_indicator) return;
  auto made = std::make_shared<MissingIndicator>(
      MissingIndicatorParams{.missing_values = params.missing_values, .error_on_new = false});
  made->fit(x);
  indicator_ = std::move(made);
}

std::vector<double> SimpleImputer::statistics(const Rows& x) const {
  const Rows seen = marked(x, params.missing_values, *this);
  const auto p = static_cast<std::size_t>(x.cols());
  const auto absent = count_missing(x, params.missing_values, *this);
  double constant = 0.0;
  if (params.strategy == "constant" && !params.fill_value.is_none()) {
    if (params.fill_value.is<std::string>())
      throw ValueError(
          fmt::format("fill_value={} (of type str) cannot be cast to the input data that is {}",
                      params.fill_value.to_string(), name_of(x.dtype())));
    constant = missing_value(params.fill_value, name());
  }
  std::vector<double> all(p, constant);
  if (params.strategy == "mean") {
    all = linalg::column_moments(seen).mean;
  } else if (params.strategy == "median") {
    const std::vector<double> half = {0.5};
    const Array found = quantile(seen, half, {.ignore_nan = true}).astype(DType::float64);
    all.assign(found.values<double>().begin(), found.values<double>().end());
  } else if (params.strategy == "most_frequent") {
    all = modes(seen);
  }
  for (std::size_t j = 0; j < p; ++j)
    if (absent[j] == static_cast<double>(x.rows()))
      all[j] = params.keep_empty_features ? constant : nan;
  return all;
}

// Text with the statistics in the place of what is missing; True and False of the indicator.
Rows SimpleImputer::transform_text(const Rows& x) const {
  detail::Levels levels = detail::levels_of(x);
  const auto gone = missing_levels(levels, params.missing_values);
  const Rows places = detail::places_among(x, levels);
  const auto columns = kept();
  const auto flags = indicated();
  List categories;
  for (const std::int64_t j : columns) {
    List& values = levels.values[static_cast<std::size_t>(j)];
    values.push_back(detail::category_at(statistics_, j));
    categories.push_back(detail::categories_from(values));
  }
  categories.resize(columns.size() + flags.size(), List{false, true});
  const Rows filled = map_rows(
      places, {x.rows(), std::ssize(categories)}, DType::int32,
      [columns, flags, gone](const Leaf& in, const Tile& out, Stream&) {
        const auto is_gone = [&](std::int32_t place, std::int64_t j) {
          return gone[static_cast<std::size_t>(j)].at(static_cast<std::size_t>(place));
        };
        for (std::int64_t i = 0; i < out.rows; ++i) {
          const auto* from = in.tile.as<const std::int32_t>() + i * in.tile.stride;
          auto* to = out.as<std::int32_t>() + i * out.stride;
          for (const std::int64_t j : columns)
            *to++ = is_gone(from[j], j)
                        ? static_cast<std::int32_t>(gone[static_cast<std::size_t>(j)].size())
                        : from[j];
          for (const std::int64_t j : flags) *to++ = is_gone(from[j], j) ? 1 : 0;
        }
      });
  return detail::values_of(filled, categories).to(x.device());
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
  if (x.categories().empty() != statistics_.is<Array>())
    throw ValueError(fmt::format("X holds {0}, but {2} was fitted with {1}",
                                 x.categories().empty() ? "numbers" : "text",
                                 x.categories().empty() ? "text" : "numbers", name()));
  if (!x.categories().empty()) return transform_text(x);
  const std::vector<double> fill = detail::doubles_of(statistics_);
  const Rows seen = marked(x, params.missing_values, *this);
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
  if (!statistics_.is<Array>())
    throw NotImplementedError("SimpleImputer.inverse_transform takes numbers, not text");
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
