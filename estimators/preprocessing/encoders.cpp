#include <tessera/estimators/preprocessing/encoders.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include <tessera/estimators/preprocessing/categories.hpp>
#include <tessera/estimators/preprocessing/column_scaler.hpp>
#include <tessera/runtime/reduce.hpp>
#include <tessera/runtime/visit.hpp>

namespace tessera {
namespace {

using detail::categories_allowed;
using detail::category_at;
using detail::category_count;

const Allowed& frequency() {
  static const Allowed allowed = integers(1) | reals(0.0, 1.0, Closed::neither) | none();
  return allowed;
}
Allowed dtypes() {
  return words({"float64", "float32", "int64", "int32", "int16", "int8", "uint64", "uint32",
                "uint16", "uint8"});
}

// The places of the categories of a column that are rare.
std::vector<std::int64_t> rare_of(const Value& rare, const Value& categories) {
  std::vector<std::int64_t> places;
  if (rare.is_none()) return places;
  for (std::int64_t r = 0, i = 0; r < category_count(rare); ++r) {
    while (!detail::same_category(category_at(categories, i), category_at(rare, r))) ++i;
    places.push_back(i);
  }
  return places;
}

// The categories as their codes number them: the rare ones are one behind the others, but before
// NaN where that is `nan_last`.
List grouped(const List& categories, const List& rare, bool nan_last) {
  List all = categories;
  for (std::size_t j = 0; j < rare.size(); ++j) {
    const auto places = rare_of(rare[j], categories[j]);
    if (places.empty()) continue;
    const bool behind = nan_last && detail::has_nan(categories[j]);
    List values;
    for (std::int64_t i = 0; i < category_count(categories[j]); ++i)
      if (!std::ranges::binary_search(places, i)) values.push_back(category_at(categories[j], i));
    values.insert(values.end() - (behind ? 1 : 0), Value("infrequent_sklearn"));
    all[j] = detail::categories_from(std::move(values));
  }
  return all;
}

// For each column the rare categories, or None.
List rare_categories(const List& categories, const std::vector<std::vector<std::int64_t>>& counts,
                     const detail::Grouping& grouping, std::int64_t n, bool but_nan) {
  List all;
  for (std::size_t j = 0; j < categories.size(); ++j) {
    const Value& of = categories[j];
    auto seen = counts[j];
    if (but_nan && detail::has_nan(of)) seen.pop_back();
    const auto rare = grouping.rare(seen, n);
    if (rare.empty()) {
      all.emplace_back();
    } else if (of.is<std::vector<std::string>>()) {
      std::vector<std::string> words;
      for (const std::int64_t i : rare)
        words.push_back(of.as<std::vector<std::string>>()[static_cast<std::size_t>(i)]);
      all.emplace_back(words);
    } else if (const List* items = of.items()) {
      List some;
      for (const std::int64_t i : rare) some.push_back((*items)[static_cast<std::size_t>(i)]);
      all.emplace_back(some);
    } else {
      all.emplace_back(take_rows(of.as<Array>(), rare));
    }
  }
  return all;
}

double number_of(const Value& v) {
  return v.is<double>() ? v.as<double>() : static_cast<double>(v.as<std::int64_t>());
}

}  // namespace

const EstimatorType& OrdinalEncoder::describe() {
  using Self = OrdinalEncoder;
  static const auto type = EstimatorType::of<Self>(
      "categories as numbers",
      {parameter("categories", &Params::categories, words({"auto"}) | list_of(categories_allowed()),
                 "the categories of every column in their order; 'auto': those of the data"),
       parameter("dtype", &Params::dtype, dtypes(), "of the result"),
       parameter("handle_unknown", &Params::handle_unknown, words({"error", "use_encoded_value"}),
                 "what a category becomes that fit did not see: an error, or unknown_value"),
       parameter(
           "unknown_value", &Params::unknown_value,
           integers(std::numeric_limits<std::int64_t>::min()) | number({.nan = true}) | none(),
           "the number of unknown categories: an int or nan"),
       parameter("encoded_missing_value", &Params::encoded_missing_value,
                 integers(std::numeric_limits<std::int64_t>::min()) | number({.nan = true}),
                 "the number of NaN"),
       parameter("min_frequency", &Params::min_frequency, frequency(),
                 "categories of fewer rows, or a smaller share of them, become one"),
       parameter("max_categories", &Params::max_categories, integers(1) | none(),
                 "the most frequent ones stay, with that one for the rest")},
      {attribute("categories_", &Self::categories_, list_of(categories_allowed())),
       attribute("infrequent_categories_", &Self::infrequent_categories_,
                 list_of(categories_allowed() | none()))},
      {method("fit", &Self::do_fit, "finds the categories of the columns",
              {.sample_weight = false}),
       method("transform", &Self::do_transform, "the numbers of the categories",
              {.keeps_columns = true}),
       method("inverse_transform", &Self::do_inverse_transform, "the categories again",
              {.of_features = false, .keeps_columns = true})});
  return type;
}

void OrdinalEncoder::do_fit(const Rows& x, const Array&, const Array&) {
  const bool is_float = params.dtype.starts_with("float");
  const bool unknown_is_nan =
      params.unknown_value.is<double>() && std::isnan(params.unknown_value.as<double>());
  if (params.handle_unknown == "use_encoded_value") {
    if (unknown_is_nan && !is_float)
      throw ValueError(
          fmt::format("When unknown_value is np.nan, the dtype parameter should be a float dtype. "
                      "Got {}.",
                      params.dtype));
    if (!unknown_is_nan && !params.unknown_value.is<std::int64_t>())
      throw TypeError(
          fmt::format("unknown_value should be an integer or np.nan when handle_unknown is "
                      "'use_encoded_value', got {}.",
                      params.unknown_value.to_string()));
  } else if (!params.unknown_value.is_none()) {
    throw TypeError(
        fmt::format("unknown_value should only be set when handle_unknown is 'use_encoded_value', "
                    "got {}.",
                    params.unknown_value.to_string()));
  }
  const detail::Grouping grouping{params.min_frequency, params.max_categories};
  std::vector<std::vector<std::int64_t>> counts;
  categories_ = detail::fit_categories(x, params.categories, params.handle_unknown == "error",
                                       name(), grouping.any() ? &counts : nullptr);
  infrequent_categories_ =
      grouping.any() ? rare_categories(categories_, counts, grouping, x.rows(), true) : List{};
  const double missing = number_of(params.encoded_missing_value);
  for (std::size_t j = 0; j < categories_.size(); ++j) {
    std::int64_t used = category_count(categories_[j]);
    if (!infrequent_categories_.empty() && !infrequent_categories_[j].is_none())
      used -= category_count(infrequent_categories_[j]);
    const bool has_nan = detail::has_nan(categories_[j]);
    if (has_nan) --used;
    if (params.unknown_value.is<std::int64_t>() && params.unknown_value.as<std::int64_t>() >= 0 &&
        params.unknown_value.as<std::int64_t>() < used)
      throw ValueError(
          fmt::format("The used value for unknown_value {} is one of the values already used for "
                      "encoding the seen categories.",
                      params.unknown_value.as<std::int64_t>()));
    if (has_nan && std::isnan(missing) && !is_float)
      throw ValueError(
          fmt::format("There are missing values in column {}. For OrdinalEncoder to encode missing "
                      "values with dtype: {}, set encoded_missing_value to a non-nan value, or set "
                      "dtype to a float",
                      j, params.dtype));
    if (has_nan && missing >= 0 && missing < static_cast<double>(used))
      throw ValueError(
          fmt::format("encoded_missing_value ({}) is already used to encode a known category in "
                      "column {}",
                      missing, j));
  }
}

Rows OrdinalEncoder::do_transform(const Rows& x) const {
  // The number of every category, and last that of unknown ones.
  std::vector<std::vector<double>> numbers;
  const double unknown = params.unknown_value.is_none() ? 0.0 : number_of(params.unknown_value);
  for (std::size_t j = 0; j < categories_.size(); ++j) {
    const bool has_nan = detail::has_nan(categories_[j]);
    const std::int64_t count = category_count(categories_[j]) - (has_nan ? 1 : 0);
    const auto rare = infrequent_categories_.empty()
                          ? std::vector<std::int64_t>{}
                          : rare_of(infrequent_categories_[j], categories_[j]);
    const auto codes = detail::grouped_codes(count, rare);
    numbers.emplace_back(codes.begin(), codes.end());
    if (has_nan) numbers.back().push_back(number_of(params.encoded_missing_value));
    numbers.back().push_back(unknown);
  }
  const Rows codes = detail::codes_among(x, categories_, params.handle_unknown == "error", name());
  return map_rows(codes, x.shape(), dtype_from_name(params.dtype),
                  [numbers](const Leaf& in, const Tile& out, Stream&) {
                    visit(out.dtype, [&](auto tag) {
                      using T = typename decltype(tag)::type;
                      if constexpr (std::is_arithmetic_v<T>)
                        for (std::int64_t i = 0; i < out.rows; ++i)
                          for (std::int64_t j = 0; j < out.cols; ++j) {
                            const auto& of = numbers[static_cast<std::size_t>(j)];
                            const std::int32_t c =
                                in.tile.as<const std::int32_t>()[i * in.tile.stride + j];
                            out.as<T>()[i * out.stride + j] =
                                static_cast<T>(c < 0 ? of.back() : of[static_cast<std::size_t>(c)]);
                          }
                    });
                  })
      .to(x.device());
}

Rows OrdinalEncoder::do_inverse_transform(const Rows& x) const {
  if (x.cols() != n_features_in_)
    throw ValueError(
        fmt::format("Shape of the passed X data is not correct. Expected {} columns, got {}.",
                    n_features_in_, x.cols()));
  const List categories = grouped(categories_, infrequent_categories_, true);
  std::vector<std::pair<std::int64_t, bool>> columns;
  for (const Value& c : categories) columns.emplace_back(category_count(c), detail::has_nan(c));
  const double missing = number_of(params.encoded_missing_value);
  const bool takes_unknown = params.handle_unknown == "use_encoded_value";
  const double unknown = takes_unknown ? number_of(params.unknown_value) : 0.0;
  const auto equal = [](double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); };
  const Rows codes =
      map_rows(x.to(cpu), x.shape(), DType::int32, [=](const Leaf& in, const Tile& out, Stream&) {
        visit_floating(in.tile.dtype, [&](auto tag) {
          using T = typename decltype(tag)::type;
          for (std::int64_t i = 0; i < out.rows; ++i)
            for (std::int64_t j = 0; j < out.cols; ++j) {
              const auto [count, has_nan] = columns[static_cast<std::size_t>(j)];
              const auto v = static_cast<double>(in.tile.as<const T>()[i * in.tile.stride + j]);
              auto& code = out.as<std::int32_t>()[i * out.stride + j];
              const bool gone = has_nan && equal(v, missing);
              if (!gone && takes_unknown && equal(v, unknown)) {
                code = static_cast<std::int32_t>(count);
                continue;
              }
              if (!gone && !(v >= 0 && v < static_cast<double>(count)))
                throw ValueError(
                    fmt::format("OrdinalEncoder: {} at row {}, column {} is the number of none of "
                                "the {} categories",
                                v, in.rows.begin + i, j, count));
              code = static_cast<std::int32_t>(gone ? count - 1 : static_cast<std::int64_t>(v));
            }
        });
      });
  return (takes_unknown ? detail::values_or_none(codes, categories)
                        : detail::values_of(codes, categories))
      .to(x.device());
}

const EstimatorType& OneHotEncoder::describe() {
  using Self = OneHotEncoder;
  static const auto type = EstimatorType::of<Self>(
      "a column for each category",
      {parameter("categories", &Params::categories, words({"auto"}) | list_of(categories_allowed()),
                 "the categories of every column in their order; 'auto': those of the data"),
       parameter(
           "drop", &Params::drop,
           words({"first", "if_binary"}) | array() |
               list_of(integers(std::numeric_limits<std::int64_t>::min()) | number({.nan = true}) |
                       boolean() | text() | none()) |
               none(),
           "a category of every column that gets no column: the first, that of two, or these"),
       parameter("sparse_output", &Params::sparse_output, boolean(),
                 "True is not supported: results are dense"),
       parameter("dtype", &Params::dtype, dtypes(), "of the result"),
       parameter("handle_unknown", &Params::handle_unknown,
                 words({"error", "ignore", "infrequent_if_exist", "warn"}),
                 "what a category becomes that fit did not see: an error, zeros, the rare ones"),
       parameter("min_frequency", &Params::min_frequency, frequency(),
                 "categories of fewer rows, or a smaller share of them, become one"),
       parameter("max_categories", &Params::max_categories, integers(1) | none(),
                 "the most frequent ones stay, with that one for the rest"),
       parameter("feature_name_combiner", &Params::feature_name_combiner, words({"concat"}),
                 "columns are called feature_category")},
      {attribute("categories_", &Self::categories_, list_of(categories_allowed())),
       attribute("infrequent_categories_", &Self::infrequent_categories_,
                 list_of(categories_allowed() | none())),
       attribute("drop_idx_", &Self::drop_idx_, list_of(integers(0) | none()) | none())},
      {method("fit", &Self::do_fit, "finds the categories of the columns",
              {.sample_weight = false}),
       method("transform", &Self::do_transform, "0 and 1 for every category",
              {.column_names = &Self::names_out}),
       method("inverse_transform", &Self::do_inverse_transform, "the categories again",
              {.of_features = false})});
  return type;
}

void OneHotEncoder::do_fit(const Rows& x, const Array&, const Array&) {
  if (params.sparse_output)
    throw NotImplementedError("OneHotEncoder: sparse_output=True is not supported");
  const detail::Grouping grouping{params.min_frequency, params.max_categories};
  std::vector<std::vector<std::int64_t>> counts;
  categories_ = detail::fit_categories(x, params.categories, params.handle_unknown == "error",
                                       name(), grouping.any() ? &counts : nullptr);
  infrequent_categories_ =
      grouping.any() ? rare_categories(categories_, counts, grouping, x.rows(), false) : List{};
  drop_idx_ = Value();
  if (params.drop.is_none()) return;
  List dropped;
  const auto all = columns();
  List given;
  if (const List* items = params.drop.items()) given = *items;
  if (params.drop.is<std::vector<std::string>>())
    for (const auto& word : params.drop.as<std::vector<std::string>>()) given.emplace_back(word);
  if (params.drop.is<Array>())
    for (std::int64_t i = 0; i < params.drop.as<Array>().size(); ++i)
      given.push_back(category_at(params.drop, i));
  if (!params.drop.is<std::string>() && given.size() != all.size())
    throw ValueError(
        fmt::format("`drop` should have length equal to the number of features ({}), got {}",
                    all.size(), given.size()));
  for (std::size_t j = 0; j < all.size(); ++j) {
    const Column& c = all[j];
    // The first category with a code of grouping; None where none is left out.
    const auto first_with = [&](std::int32_t code) {
      return static_cast<std::int64_t>(std::ranges::find(c.codes, code) - c.codes.begin());
    };
    if (params.drop.is_word("first")) {
      dropped.emplace_back(first_with(0));
    } else if (params.drop.is_word("if_binary")) {
      dropped.push_back(c.count == 2 ? Value(first_with(0)) : Value());
    } else {
      std::int64_t at = 0;
      while (at < std::ssize(c.codes) &&
             !detail::same_category(category_at(categories_[j], at), given[j]))
        ++at;
      if (at == std::ssize(c.codes))
        throw ValueError(
            fmt::format("The following categories were supposed to be dropped, but were not found "
                        "in the training data.\nCategory: {}, Feature: {}",
                        j, given[j].to_string()));
      dropped.emplace_back(first_with(c.codes[static_cast<std::size_t>(at)]));
    }
  }
  drop_idx_ = std::move(dropped);
}

std::vector<OneHotEncoder::Column> OneHotEncoder::columns() const {
  std::vector<Column> all;
  std::int64_t first = 0;
  for (std::size_t j = 0; j < categories_.size(); ++j) {
    const std::int64_t n = category_count(categories_[j]);
    const auto rare = infrequent_categories_.empty()
                          ? std::vector<std::int64_t>{}
                          : rare_of(infrequent_categories_[j], categories_[j]);
    Column c;
    c.codes = detail::grouped_codes(n, rare);
    c.count = static_cast<std::int32_t>(n - std::ssize(rare) + (rare.empty() ? 0 : 1));
    c.rare = rare.empty() ? -1 : c.count - 1;
    if (drop_idx_.is<List>() && drop_idx_.as<List>()[j].is<std::int64_t>())
      c.dropped = c.codes[static_cast<std::size_t>(drop_idx_.as<List>()[j].as<std::int64_t>())];
    c.first = first;
    first += c.width();
    all.push_back(std::move(c));
  }
  return all;
}

std::vector<std::string> OneHotEncoder::names_out(const Estimator& e,
                                                  const std::vector<std::string>& of_x) {
  const auto& self = static_cast<const OneHotEncoder&>(e);
  const auto all = self.columns();
  std::vector<std::string> names;
  for (std::size_t j = 0; j < all.size(); ++j) {
    const Column& c = all[j];
    for (std::int32_t code = 0; code < c.count; ++code) {
      if (code == c.dropped) continue;
      const auto at = std::ranges::find(c.codes, code) - c.codes.begin();
      names.push_back(
          of_x[j] + "_" +
          (code == c.rare ? "infrequent_sklearn" : detail::category_text(self.categories_[j], at)));
    }
  }
  return names;
}

Rows OneHotEncoder::do_transform(const Rows& x) const {
  const auto all = columns();
  const bool takes_rare =
      params.handle_unknown == "infrequent_if_exist" || params.handle_unknown == "warn";
  const Rows codes = detail::codes_among(x, categories_, params.handle_unknown == "error", name());
  if (params.handle_unknown == "warn" ||
      (params.handle_unknown != "error" && !params.drop.is_none())) {
    const Sums unknown = reduce<Sums>(codes, [&](const Leaf& leaf, Stream&) {
      Sums s{std::vector<double>(all.size())};
      for (std::int64_t i = 0; i < leaf.tile.rows; ++i)
        for (std::size_t j = 0; j < all.size(); ++j)
          s.values[j] += leaf.tile.as<const std::int32_t>()[i * leaf.tile.stride +
                                                            static_cast<std::int64_t>(j)] < 0;
      return s;
    });
    std::vector<std::size_t> columns_with;
    for (std::size_t j = 0; j < all.size(); ++j)
      if (unknown.values[j] > 0.0) columns_with.push_back(j);
    if (!columns_with.empty())
      warn(fmt::format(
          "Found unknown categories in columns [{}] during transform. These unknown "
          "categories will be encoded as {}",
          fmt::join(columns_with, ", "), takes_rare ? "the infrequent category." : "all zeros"));
  }
  const Shape shape = {x.rows(), all.empty() ? 0 : all.back().first + all.back().width()};
  return map_rows(codes, shape, dtype_from_name(params.dtype),
                  [all, takes_rare](const Leaf& in, const Tile& out, Stream&) {
                    visit(out.dtype, [&](auto tag) {
                      using T = typename decltype(tag)::type;
                      if constexpr (std::is_arithmetic_v<T>)
                        for (std::int64_t i = 0; i < out.rows; ++i) {
                          T* to = out.as<T>() + i * out.stride;
                          std::fill(to, to + out.cols, T{});
                          for (std::size_t j = 0; j < all.size(); ++j) {
                            const Column& c = all[j];
                            const std::int32_t category =
                                in.tile.as<const std::int32_t>()[i * in.tile.stride +
                                                                 static_cast<std::int64_t>(j)];
                            std::int32_t code = takes_rare ? c.rare : -1;
                            if (category >= 0) code = c.codes[static_cast<std::size_t>(category)];
                            if (code < 0 || code == c.dropped) continue;
                            if (c.dropped >= 0 && code > c.dropped) --code;
                            to[c.first + code] = T{1};
                          }
                        }
                    });
                  })
      .to(x.device());
}

Rows OneHotEncoder::do_inverse_transform(const Rows& x) const {
  const auto all = columns();
  const std::int64_t width = all.back().first + all.back().width();
  if (x.cols() != width)
    throw ValueError(
        fmt::format("Shape of the passed X data is not correct. Expected {} columns, got {}.",
                    width, x.cols()));
  const List categories = grouped(categories_, infrequent_categories_, false);
  const bool takes_unknown = params.handle_unknown != "error";
  const Rows codes = map_rows(
      x.to(cpu), {x.rows(), n_features_in_}, DType::int32,
      [all, takes_unknown](const Leaf& in, const Tile& out, Stream&) {
        visit_floating(in.tile.dtype, [&](auto tag) {
          using T = typename decltype(tag)::type;
          for (std::int64_t i = 0; i < out.rows; ++i)
            for (std::size_t j = 0; j < all.size(); ++j) {
              const Column& c = all[j];
              const T* from = in.tile.as<const T>() + i * in.tile.stride + c.first;
              const auto best =
                  static_cast<std::int32_t>(std::max_element(from, from + c.width()) - from);
              const bool none = std::all_of(from, from + c.width(), [](T v) { return v == T{0}; });
              if (none && c.dropped < 0 && !takes_unknown)
                throw ValueError(
                    fmt::format("Sample {} can not be inverted: all columns of feature {} are zero "
                                "and no category was dropped",
                                in.rows.begin + i, j));
              const bool behind = c.dropped >= 0 && best >= c.dropped;
              out.as<std::int32_t>()[i * out.stride + static_cast<std::int64_t>(j)] =
                  none ? (c.dropped < 0 ? c.count : c.dropped) : best + (behind ? 1 : 0);
            }
        });
      });
  return (takes_unknown ? detail::values_or_none(codes, categories)
                        : detail::values_of(codes, categories))
      .to(x.device());
}

namespace detail {
const EstimatorType& ordinal_encoder() { return OrdinalEncoder::describe(); }
const EstimatorType& one_hot_encoder() { return OneHotEncoder::describe(); }
}  // namespace detail

}  // namespace tessera
