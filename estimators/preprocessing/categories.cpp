#include <tessera/estimators/preprocessing/categories.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <set>

#include <tessera/array/unique.hpp>
#include <tessera/estimators/feature_selection/selector.hpp>
#include <tessera/runtime/reduce.hpp>
#include <tessera/runtime/visit.hpp>

namespace tessera::detail {
namespace {

using Words = std::vector<std::string>;

// The elements of a replicated vector of any real dtype as T.
template <class T>
std::vector<T> elements(const Array& values) {
  std::vector<T> all;
  visit(values.dtype(), [&](auto tag) {
    using V = typename decltype(tag)::type;
    if constexpr (std::is_arithmetic_v<V>)
      for (const V v : values.values<V>()) all.push_back(static_cast<T>(v));
  });
  return all;
}

// Where v is among ascending ones of which the last may be NaN.
template <class T>
std::int32_t place_of(T v, const std::vector<T>& sorted) {
  if constexpr (std::is_floating_point_v<T>)
    if (std::isnan(v))
      return !sorted.empty() && std::isnan(sorted.back())
                 ? static_cast<std::int32_t>(sorted.size()) - 1
                 : -1;
  // A NaN at the end is not less than v: the search never passes it.
  const auto at = std::lower_bound(sorted.begin(), sorted.end(), v, [](T a, T b) { return a < b; });
  return at != sorted.end() && *at == v ? static_cast<std::int32_t>(at - sorted.begin()) : -1;
}

// A list of labels that a user gave, as the categories of a column of that dtype, or of text.
Value given_categories(const Value& given, DType dtype, bool text, std::int64_t column,
                       std::string_view estimator, const Communicator& comm) {
  const auto refuse = [&](const std::string& why) {
    throw ValueError(fmt::format("{}: in column {}, the predefined categories {}, got {}",
                                 estimator, column, why, given.to_string()));
  };
  if (text) {
    if (!given.is<Words>()) refuse("must be text, as the column is");
    const auto& words = given.as<Words>();
    if (std::set<std::string>(words.begin(), words.end()).size() != words.size())
      refuse("contain duplicate elements");
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
  return replicated(numbers, {std::ssize(numbers)}, comm).astype(dtype);
}

}  // namespace

Categories categories_of(const Rows& x, std::int64_t column) {
  const Array values = collect(take_columns(x, {column})).reshape({x.rows()});
  const Unique found = unique(values, {.counts = true});
  const Array all = gather(found.values).to(cpu), counts = gather(found.counts).to(cpu);
  Categories c{all, elements<std::int64_t>(counts)};
  if (x.categories().empty()) return c;
  // Of text the words, in the order of their letters; a word may be there twice.
  std::map<std::string, std::int64_t> words;
  const auto codes = elements<std::int64_t>(all);
  for (std::size_t i = 0; i < codes.size(); ++i)
    words[x.categories().at(static_cast<std::size_t>(codes[i]))] += c.counts[i];
  Words names;
  c.counts.clear();
  for (const auto& [word, count] : words) {
    names.push_back(word);
    c.counts.push_back(count);
  }
  c.values = std::move(names);
  return c;
}

std::int64_t category_count(const Value& categories) {
  return categories.is<Words>() ? std::ssize(categories.as<Words>())
                                : categories.as<Array>().size();
}

bool has_nan(const Value& categories) {
  if (categories.is<Words>() || !is_floating(categories.as<Array>().dtype())) return false;
  const auto all = elements<double>(categories.as<Array>());
  return !all.empty() && std::isnan(all.back());
}

Value category_at(const Value& categories, std::int64_t i) {
  const auto at = static_cast<std::size_t>(i);
  if (categories.is<Words>()) return categories.as<Words>()[at];
  const Array& values = categories.as<Array>();
  if (values.dtype() == DType::boolean) return elements<double>(values)[at] != 0.0;
  if (is_floating(values.dtype())) return elements<double>(values)[at];
  return elements<std::int64_t>(values)[at];
}

std::string category_text(const Value& categories, std::int64_t i) {
  const Value value = category_at(categories, i);
  return value.is<std::string>() ? value.as<std::string>() : value.to_string();
}

Rows codes_among(const Rows& x, const List& categories, bool all_known,
                 std::string_view estimator) {
  const bool text = !x.categories().empty();
  for (const Value& c : categories)
    if (c.is<Words>() != text)
      throw ValueError(fmt::format("X holds {}, but {} was fitted with {}",
                                   text ? "text" : "numbers", estimator,
                                   text ? "numbers" : "text"));
  const Shape shape = {x.rows(), std::ssize(categories)};
  const auto by_column = [&](auto tag, auto lookup) {
    using T = typename decltype(tag)::type;
    return map_rows(x.to(cpu), shape, DType::int32,
                    [lookup = std::move(lookup), all_known, words = x.categories()](
                        const Leaf& in, const Tile& out, Stream&) {
                      for (std::int64_t i = 0; i < out.rows; ++i) {
                        const T* row = in.tile.template as<const T>() + i * in.tile.stride;
                        for (std::int64_t j = 0; j < out.cols; ++j) {
                          auto& code = out.as<std::int32_t>()[i * out.stride + j];
                          code = lookup(row[j], static_cast<std::size_t>(j));
                          if (code < 0 && all_known)
                            throw ValueError(fmt::format(
                                "Found unknown categories [{}] in column {} during transform",
                                words.empty() ? fmt::format("{}", row[j])
                                              : "'" + words[static_cast<std::size_t>(row[j])] + "'",
                                j));
                        }
                      }
                    });
  };
  Rows codes = x;
  visit(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_arithmetic_v<T>) {
      if (text) {
        // For each word of x its place among those of each column.
        std::vector<std::vector<std::int32_t>> places;
        for (const Value& c : categories) {
          std::map<std::string, std::int32_t> known;
          for (const auto& word : c.as<Words>())
            known.emplace(word, static_cast<std::int32_t>(known.size()));
          places.emplace_back();
          for (const auto& word : x.categories()) {
            const auto at = known.find(word);
            places.back().push_back(at == known.end() ? -1 : at->second);
          }
        }
        codes = by_column(tag, [places = std::move(places)](T v, std::size_t j) {
          return places[j].at(static_cast<std::size_t>(v));
        });
        return;
      }
      const bool same = std::ranges::all_of(
          categories, [&](const Value& c) { return c.as<Array>().dtype() == x.dtype(); });
      const auto among = [&](auto known_tag) {
        using K = typename decltype(known_tag)::type;
        std::vector<std::vector<K>> known;
        for (const Value& c : categories) known.push_back(elements<K>(c.as<Array>()));
        codes = by_column(tag, [known = std::move(known)](T v, std::size_t j) {
          return place_of(static_cast<K>(v), known[j]);
        });
      };
      if (same && !std::is_same_v<T, bool>)
        among(TypeTag<std::conditional_t<std::is_same_v<T, bool>, std::uint8_t, T>>{});
      else
        among(TypeTag<long double>{});
    }
  });
  return codes;
}

Rows values_of(const Rows& codes, const List& categories) {
  const bool text = !categories.empty() && categories[0].is<Words>();
  Words all;
  DType dtype = DType::int64;
  if (text) {
    std::set<std::string> words;
    for (const Value& c : categories) words.insert(c.as<Words>().begin(), c.as<Words>().end());
    all.assign(words.begin(), words.end());
  } else {
    dtype = categories[0].as<Array>().dtype();
  }
  Rows values = codes;
  visit(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_arithmetic_v<T>) {
      using Stored = std::conditional_t<std::is_same_v<T, bool>, std::uint8_t, T>;
      std::vector<std::vector<Stored>> of;
      for (const Value& c : categories) {
        of.emplace_back();
        if (text)
          for (const auto& word : c.as<Words>())
            of.back().push_back(
                static_cast<Stored>(std::ranges::lower_bound(all, word) - all.begin()));
        else
          of.back() = elements<Stored>(c.as<Array>());
      }
      values = map_rows(codes, codes.shape(), dtype,
                        [of = std::move(of)](const Leaf& in, const Tile& out, Stream&) {
                          for (std::int64_t i = 0; i < out.rows; ++i)
                            for (std::int64_t j = 0; j < out.cols; ++j)
                              out.as<T>()[i * out.stride + j] =
                                  of[static_cast<std::size_t>(j)].at(static_cast<std::size_t>(
                                      in.tile.as<const std::int32_t>()[i * in.tile.stride + j]));
                        });
    }
  });
  return text ? values.categorized(all) : values;
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
  for (std::int64_t j = 0; j < x.cols(); ++j) {
    if (!lists) {
      Categories found = categories_of(x, j);
      if (counts) counts->push_back(std::move(found.counts));
      all.push_back(std::move(found.values));
      continue;
    }
    all.push_back(given_categories((*lists)[static_cast<std::size_t>(j)], x.dtype(), text, j,
                                   estimator, x.comm()));
    if (!counts && !all_known) continue;
    const Categories found = categories_of(x, j);
    std::vector<std::int64_t> of(static_cast<std::size_t>(category_count(all.back())));
    for (std::int64_t i = 0; i < category_count(found.values); ++i) {
      std::int64_t at = 0;
      while (at < std::ssize(of) && category_text(all.back(), at) != category_text(found.values, i))
        ++at;
      if (at < std::ssize(of))
        of[static_cast<std::size_t>(at)] = found.counts[static_cast<std::size_t>(i)];
      else if (all_known)
        throw ValueError(fmt::format("Found unknown categories [{}] in column {} during fit",
                                     category_at(found.values, i).to_string(), j));
    }
    if (counts) counts->push_back(std::move(of));
  }
  return all;
}

Allowed category_lists() { return list_of(array() | list_of(text())); }

}  // namespace tessera::detail
