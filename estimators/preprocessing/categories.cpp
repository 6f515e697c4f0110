#include <tessera/estimators/preprocessing/categories.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <numeric>
#include <set>
#include <tuple>
#include <utility>

#include <tessera/array/entries.hpp>
#include <tessera/array/keys.hpp>
#include <tessera/array/unique.hpp>
#include <tessera/estimators/feature_selection/selector.hpp>
#include <tessera/estimators/preprocessing/category_words.hpp>
#include <tessera/runtime/reduce.hpp>
#include <tessera/runtime/visit.hpp>

namespace tessera::detail {
namespace {

using Words = std::vector<std::string>;

// These values of a column of that kind as its categories.
Value categories_of_kind(const List& values, const std::string& kind, const Communicator& comm) {
  if (kind == "text" || kind == "object") return categories_from(values);
  const DType dtype = dtype_from_name(kind);
  const auto numbers = [&](auto first) {
    std::vector<decltype(first)> all;
    for (const Value& v : values)
      all.push_back(static_cast<decltype(first)>(key_of(v).kind == CategoryKey::nan
                                                     ? std::numeric_limits<long double>::quiet_NaN()
                                                     : key_of(v).value));
    return replicated(all, {std::ssize(all)}, comm).astype(dtype);
  };
  return is_floating(dtype) ? numbers(0.0) : numbers(std::int64_t{0});
}

// A list of labels that a user gave, as the categories of a column of that kind.
Value given_categories(const Value& given, const std::string& kind, std::int64_t column,
                       std::string_view estimator, const Communicator& comm) {
  const auto refuse = [&](const std::string& why) {
    throw ValueError(fmt::format("{}: in column {}, the predefined categories {}, got {}",
                                 estimator, column, why, given.to_string()));
  };
  if (kind == "text" || kind == "object") {
    const auto keys = keys_of(given.is<Tuple>() ? Value(*given.items()) : given);
    const bool numbers =
        given.is<Array>() || std::ranges::count(keys, CategoryKey::number, &CategoryKey::kind) > 0;
    if (kind == "text" && numbers) refuse("must be text or None, as the column is text");
    if (std::set<CategoryKey>(keys.begin(), keys.end()).size() != keys.size())
      refuse("contain duplicate elements");
    const auto missing = std::ranges::find(keys, CategoryKey::nan, &CategoryKey::kind);
    if (missing != keys.end() && missing + 1 != keys.end()) refuse("must have nan last");
    return given;
  }
  std::vector<double> numbers;
  if (given.is<Array>()) {
    numbers = elements<double>(gather(given.as<Array>()).to(cpu));
  } else if (const List* items = given.items()) {
    for (const Value& item : *items) {
      if (item.is<std::int64_t>()) numbers.push_back(static_cast<double>(item.as<std::int64_t>()));
      if (item.is<double>()) numbers.push_back(item.as<double>());
      if (item.is<bool>()) numbers.push_back(item.as<bool>() ? 1.0 : 0.0);
    }
    if (numbers.size() != items->size()) numbers.clear();
  }
  if (numbers.empty()) refuse("must be numbers, as the column is");
  for (std::size_t i = 0; i + 1 < numbers.size(); ++i) {
    if (std::isnan(numbers[i])) refuse("must have nan last");
    if (numbers[i] == numbers[i + 1]) refuse("contain duplicate elements");
    if (numbers[i] > numbers[i + 1])
      throw ValueError("Unsorted categories are not supported for numerical categories");
  }
  return replicated(numbers, {std::ssize(numbers)}, comm).astype(dtype_from_name(kind));
}

}  // namespace

namespace {

/// The different values of every column as keys, and how often each is there; nothing for a column
/// of too many.
struct Counted {
  using Key = std::uint64_t;
  static constexpr std::size_t most = 256;
  std::vector<std::vector<Entry<Key>>> columns;

  void add(std::size_t j, std::vector<Entry<Key>> more) {
    auto& mine = columns[j];
    more.insert(more.end(), mine.begin(), mine.end());
    mine = joined(std::move(more));
    if (mine.size() > most) mine.clear();
  }
  void merge(const Counted& right) {
    for (std::size_t j = 0; j < columns.size(); ++j)
      if (columns[j].empty() || right.columns[j].empty())
        columns[j].clear();
      else
        add(j, right.columns[j]);
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(columns);
  }
};

// A column of few different values, or of many.
Categories numbers_of(const Rows& x, std::int64_t column,
                      const std::vector<Entry<Counted::Key>>& few) {
  if (few.empty()) {
    const Array values = collect(take_columns(x, {column})).reshape({x.rows()});
    const Unique found = unique(values, {.counts = true});
    return {gather(found.values).to(cpu), elements<std::int64_t>(gather(found.counts).to(cpu)),
            std::string(name_of(x.dtype()))};
  }
  Categories c{{}, {}, std::string(name_of(x.dtype()))};
  visit_ordered("categories", x.dtype(), [&]<class K, bool floats>(KeyOrder<K, floats> order) {
    const std::int64_t n = std::ssize(few);
    c.values = Array({n}, x.dtype(), Distribution::replicated(n, x.comm().size()), x.comm());
    K* bits = c.values.as<Array>().local().as<K>();
    for (const auto& entry : few) {
      *bits++ = order.bits(static_cast<K>(entry.key));
      c.counts.push_back(entry.value);
    }
  });
  return c;
}

}  // namespace

std::vector<Categories> categories_of(const Rows& x) {
  auto counted = reduce<Counted>(x.to(cpu), [](const Leaf& leaf, Stream&) {
    Counted found;
    found.columns.resize(static_cast<std::size_t>(leaf.tile.cols));
    visit_ordered("categories", leaf.tile.dtype,
                  [&]<class K, bool floats>(KeyOrder<K, floats> order) {
                    for (std::int64_t j = 0; j < leaf.tile.cols; ++j) {
                      const K* first = leaf.tile.as<const K>() + j;
                      found.add(static_cast<std::size_t>(j),
                                entries<Counted::Key>({0, leaf.tile.rows}, [&](std::int64_t i) {
                                  return order.key_of_equals(first[i * leaf.tile.stride]);
                                }));
                    }
                  });
    return found;
  });
  counted.columns.resize(static_cast<std::size_t>(x.cols()));
  std::vector<Categories> all;
  for (std::int64_t j = 0; j < x.cols(); ++j) {
    Categories c = numbers_of(x, j, counted.columns[static_cast<std::size_t>(j)]);
    if (!x.categories().empty()) {
      // Of text the words, in the order of their letters; a word may be there twice.
      std::map<CategoryKey, std::pair<Value, std::int64_t>> words;
      const auto codes = elements<std::int64_t>(c.values.as<Array>());
      for (std::size_t i = 0; i < codes.size(); ++i) {
        const std::string& word = x.categories().at(static_cast<std::size_t>(codes[i]));
        c.kind = kind_of_word(word);
        const Value value = value_of(word);
        auto& [first, count] = words[key_of(value)];
        first = value;
        count += c.counts[i];
      }
      List different;
      c.counts.clear();
      for (const auto& [key, entry] : words) {
        different.push_back(entry.first);
        c.counts.push_back(entry.second);
      }
      c.values = categories_of_kind(different, c.kind, x.comm());
    }
    all.push_back(std::move(c));
  }
  return all;
}

std::int64_t category_count(const Value& categories) {
  if (const List* items = categories.items()) return std::ssize(*items);
  return categories.is<Words>() ? std::ssize(categories.as<Words>())
                                : categories.as<Array>().size();
}

bool has_nan(const Value& categories) {
  const std::int64_t n = category_count(categories);
  return n > 0 && key_of(category_at(categories, n - 1)).kind == CategoryKey::nan;
}

Value category_at(const Value& categories, std::int64_t i) {
  const auto at = static_cast<std::size_t>(i);
  if (const List* items = categories.items()) return (*items)[at];
  if (categories.is<Words>()) return categories.as<Words>()[at];
  const Array& values = categories.as<Array>();
  Value value;
  visit(values.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_same_v<T, bool>)
      value = values.values<T>()[at];
    else if constexpr (std::is_floating_point_v<T>)
      value = static_cast<double>(values.values<T>()[at]);
    else if constexpr (std::is_integral_v<T>)
      value = static_cast<std::int64_t>(values.values<T>()[at]);
  });
  return value;
}

std::string category_text(const Value& categories, std::int64_t i) {
  if (categories.is<Array>() && categories.as<Array>().dtype() == DType::uint64)
    return fmt::format("{}",
                       categories.as<Array>().values<std::uint64_t>()[static_cast<std::size_t>(i)]);
  if (categories.is<Array>() && categories.as<Array>().dtype() == DType::float32) {
    const std::string text =
        fmt::format("{}", categories.as<Array>().values<float>()[static_cast<std::size_t>(i)]);
    return text.find_first_not_of("-0123456789") == std::string::npos ? text + ".0" : text;
  }
  const Value value = category_at(categories, i);
  return value.is<std::string>() ? value.as<std::string>() : value.to_string();
}

bool same_category(const Value& a, const Value& b) { return key_of(a) == key_of(b); }

Value least_category(const List& values) {
  const auto kind = [](const Value& v) {
    return v.is_none() ? 0 : v.is<bool>() ? 1 : v.is<double>() ? 2 : v.is<std::int64_t>() ? 3 : 4;
  };
  const auto comparable = [&](const Value& v) { return key_of(v).kind == key_of(values[0]).kind; };
  const auto least = [&](const auto& less) {
    return *std::min_element(values.begin(), values.end(), less);
  };
  if (std::ranges::all_of(values, comparable))
    return least([](const Value& a, const Value& b) { return key_of(a) < key_of(b); });
  const auto by_type = [&](const Value& v) {
    return std::pair(kind(v), v.is<std::string>() ? v.as<std::string>() : v.to_string());
  };
  return least([&](const Value& a, const Value& b) { return by_type(a) < by_type(b); });
}

Rows plain_words(const Rows& x) {
  if (!is_table(x)) return x;
  Words words;
  for (const std::string& word : x.categories()) {
    const Value value = value_of(word);
    words.push_back(value.is<std::string>() ? value.as<std::string>() : value.to_string());
  }
  return x.categorized(std::move(words));
}

Value categories_from(List values) {
  Words words;
  for (const Value& v : values)
    if (v.is<std::string>()) words.push_back(v.as<std::string>());
  if (words.size() == values.size()) return words;
  return values;
}

std::vector<std::int64_t> Grouping::rare(const std::vector<std::int64_t>& counts,
                                         std::int64_t n) const {
  const double least =
      min_frequency.is<double>()         ? min_frequency.as<double>() * static_cast<double>(n)
      : min_frequency.is<std::int64_t>() ? static_cast<double>(min_frequency.as<std::int64_t>())
                                         : 0.0;
  std::vector<bool> is_rare;
  for (const std::int64_t c : counts) is_rare.push_back(static_cast<double>(c) < least);
  const std::int64_t left = std::ranges::count(is_rare, false) + 1;
  if (max_categories.is<std::int64_t>() && max_categories.as<std::int64_t>() < left) {
    std::vector<std::size_t> order(counts.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::stable_sort(order, {}, [&](std::size_t i) { return counts[i]; });
    order.resize(order.size() - static_cast<std::size_t>(max_categories.as<std::int64_t>() - 1));
    for (const std::size_t i : order) is_rare[i] = true;
  }
  std::vector<std::int64_t> rare;
  for (std::size_t i = 0; i < is_rare.size(); ++i)
    if (is_rare[i]) rare.push_back(static_cast<std::int64_t>(i));
  return rare;
}

std::vector<std::int32_t> grouped_codes(std::int64_t count, const std::vector<std::int64_t>& rare) {
  std::vector<std::int32_t> codes(static_cast<std::size_t>(count));
  std::int32_t next = 0;
  for (std::int64_t i = 0; i < count; ++i)
    codes[static_cast<std::size_t>(i)] = std::ranges::binary_search(rare, i)
                                             ? static_cast<std::int32_t>(count - std::ssize(rare))
                                             : next++;
  return codes;
}

List fit_categories(const Rows& x, const Value& given, bool all_known, std::string_view estimator,
                    std::vector<std::vector<std::int64_t>>* counts) {
  const bool text = !x.categories().empty();
  const List* lists = given.items();
  if (given.is<Words>())
    throw ValueError(fmt::format("{}: categories must be a list for each column, got {}", estimator,
                                 given.to_string()));
  if (lists && std::ssize(*lists) != x.cols())
    throw ValueError(
        "Shape mismatch: if categories is an array, it has to be of shape (n_features,).");
  List all;
  std::vector<Categories> of_columns;
  if (!lists || counts || all_known || is_table(x)) of_columns = categories_of(x);
  for (std::int64_t j = 0; j < x.cols(); ++j) {
    if (!lists) {
      Categories& found = of_columns[static_cast<std::size_t>(j)];
      if (counts) counts->push_back(std::move(found.counts));
      all.push_back(std::move(found.values));
      continue;
    }
    const bool counted = counts || all_known;
    const std::string kind = is_table(x) ? of_columns[static_cast<std::size_t>(j)].kind
                             : text      ? "text"
                                         : std::string(name_of(x.dtype()));
    all.push_back(
        given_categories((*lists)[static_cast<std::size_t>(j)], kind, j, estimator, x.comm()));
    if (!counted) continue;
    const Categories& found = of_columns[static_cast<std::size_t>(j)];
    std::vector<std::int64_t> of(static_cast<std::size_t>(category_count(all.back())));
    std::map<CategoryKey, std::size_t> places;
    for (const CategoryKey& key : keys_of(all.back())) places.emplace(key, places.size());
    const std::vector<CategoryKey> keys = keys_of(found.values);
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const auto at = places.find(keys[i]);
      if (at != places.end())
        of[at->second] = found.counts[i];
      else if (all_known)
        throw ValueError(fmt::format("Found unknown categories [{}] in column {} during fit",
                                     category_text(found.values, static_cast<std::int64_t>(i)), j));
    }
    if (counts) counts->push_back(std::move(of));
  }
  return all;
}

Allowed category_list_allowed() {
  return list_of(text()) |
         list_of(integers(std::numeric_limits<std::int64_t>::min()) |
                 number({.nan = true, .infinite = true}) | boolean() | text() | none());
}

Allowed categories_allowed() { return array() | category_list_allowed(); }

}  // namespace tessera::detail
