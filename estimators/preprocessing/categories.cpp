#include <tessera/estimators/preprocessing/categories.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
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

// What categories are compared and sorted by: numbers, then text, then None, then NaN.
struct Key {
  enum Kind : std::uint8_t { number, text, none, nan } kind = none;
  long double value = 0.0L;  // holds every int64
  std::string word;
  bool operator==(const Key&) const = default;
  bool operator<(const Key& b) const {
    return std::tie(kind, value, word) < std::tie(b.kind, b.value, b.word);
  }
};

Key key_of_number(long double v) {
  return std::isnan(v) ? Key{Key::nan, 0.0L, {}} : Key{Key::number, v, {}};
}
Key key_of(const Value& v) {
  if (v.is<std::string>()) return {Key::text, 0.0L, v.as<std::string>()};
  if (v.is<double>()) return key_of_number(v.as<double>());
  if (v.is<std::int64_t>()) return key_of_number(static_cast<long double>(v.as<std::int64_t>()));
  if (v.is<bool>()) return key_of_number(v.as<bool>() ? 1.0L : 0.0L);
  return {};
}
// Of all categories of a column.
std::vector<Key> keys_of(const Value& categories) {
  std::vector<Key> keys;
  if (categories.is<Array>()) {
    for (const long double v : elements<long double>(categories.as<Array>()))
      keys.push_back(key_of_number(v));
  } else {
    for (std::int64_t i = 0; i < category_count(categories); ++i)
      keys.push_back(key_of(category_at(categories, i)));
  }
  return keys;
}

// Before the kind of a word of a table.
constexpr char mark = '\x1f';
bool is_table(const Rows& x) {
  return !x.categories().empty() && x.categories().front().starts_with(mark);
}
std::string kind_of_word(std::string_view word) {
  return word.starts_with(mark) ? std::string(word.substr(1, word.find(':') - 1)) : "text";
}
// What a word says, and the word of a table for it.
Value value_of(const std::string& word) {
  if (!word.starts_with(mark)) return word;
  const std::string kind = kind_of_word(word), said = word.substr(word.find(':') + 1);
  if (kind == "text") return said;
  if (kind == "object" && said.starts_with('\'')) return said.substr(1);
  const Value value =
      said == "-inf" ? Value(-std::numeric_limits<double>::infinity()) : Value::parse(said);
  if (kind != "float32" || !value.is<double>()) return value;
  return static_cast<double>(static_cast<float>(value.as<double>()));
}
std::string word_of(const Value& value, const std::string& kind) {
  std::string said = value.is<std::string>() ? value.as<std::string>() : value.to_string();
  if (kind == "object" && value.is<std::string>()) said.insert(0, 1, '\'');
  return fmt::format("{}{}:{}", mark, kind, said);
}

// The codes that there are in each column of x: all of text, and those between the least and the
// largest of a table, whose columns need not have words in common.
struct CodeRanges {
  std::vector<std::pair<std::int64_t, std::int64_t>> of;
  void merge(const CodeRanges& right) {
    for (std::size_t j = 0; j < of.size(); ++j)
      of[j] = {std::min(of[j].first, right.of[j].first),
               std::max(of[j].second, right.of[j].second)};
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(of);
  }
};
CodeRanges code_ranges(const Rows& x) {
  const auto all = std::ssize(x.categories());
  const auto p = static_cast<std::size_t>(x.cols());
  if (!is_table(x)) return {{p, {0, all}}};
  return reduce<CodeRanges>(x.to(cpu), [&](const Leaf& leaf, Stream&) {
    CodeRanges ranges{{p, {all, 0}}};
    visit(leaf.tile.dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      if constexpr (std::is_integral_v<T>)
        for (std::int64_t i = 0; i < leaf.tile.rows; ++i)
          for (std::size_t j = 0; j < p; ++j) {
            const auto code = static_cast<std::int64_t>(
                leaf.tile.as<const T>()[i * leaf.tile.stride + static_cast<std::int64_t>(j)]);
            auto& [begin, end] = ranges.of[j];
            begin = std::min(begin, code);
            end = std::max(end, code + 1);
          }
    });
    return ranges;
  });
}
// Where v is among ascending ones of which the last may be NaN.
template <class T>
std::int32_t place_of(T v, const std::vector<T>& sorted) {
  if constexpr (std::is_floating_point_v<T>)
    if (std::isnan(v))
      return !sorted.empty() && std::isnan(sorted.back())
                 ? static_cast<std::int32_t>(sorted.size()) - 1
                 : -1;
  if (sorted.empty()) return -1;
  // By arithmetic, for branches would be guessed wrongly. A NaN at the end is not less than v.
  const T* at = sorted.data();
  for (std::size_t n = sorted.size(); n > 1; n -= n / 2)
    at += n / 2 * static_cast<std::size_t>(at[n / 2 - 1] < v);
  return *at == v ? static_cast<std::int32_t>(at - sorted.data()) : -1;
}

// These values of a column of that kind as its categories.
Value categories_of_kind(const List& values, const std::string& kind, const Communicator& comm) {
  if (kind == "text" || kind == "object") return categories_from(values);
  const DType dtype = dtype_from_name(kind);
  const auto numbers = [&](auto first) {
    std::vector<decltype(first)> all;
    for (const Value& v : values)
      all.push_back(static_cast<decltype(first)>(key_of(v).kind == Key::nan
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
    const bool numbers = given.is<Array>() || std::ranges::count(keys, Key::number, &Key::kind) > 0;
    if (kind == "text" && numbers) refuse("must be text or None, as the column is text");
    if (std::set<Key>(keys.begin(), keys.end()).size() != keys.size())
      refuse("contain duplicate elements");
    const auto missing = std::ranges::find(keys, Key::nan, &Key::kind);
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
  visit(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_arithmetic_v<T>) {
      using Order = Ordered<T>;
      std::vector<std::conditional_t<std::is_same_v<T, bool>, std::uint8_t, T>> values;
      for (const auto& entry : few) {
        values.push_back(Order::value(static_cast<typename Order::Key>(entry.key)));
        c.counts.push_back(entry.value);
      }
      c.values = replicated(values, {std::ssize(values)}, x.comm()).astype(x.dtype());
    }
  });
  return c;
}

}  // namespace

std::vector<Categories> categories_of(const Rows& x) {
  auto counted = reduce<Counted>(x.to(cpu), [](const Leaf& leaf, Stream&) {
    Counted found;
    found.columns.resize(static_cast<std::size_t>(leaf.tile.cols));
    visit(leaf.tile.dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      if constexpr (std::is_arithmetic_v<T>)
        for (std::int64_t j = 0; j < leaf.tile.cols; ++j) {
          const T* first = leaf.tile.as<const T>() + j;
          found.add(static_cast<std::size_t>(j),
                    entries<Counted::Key>({0, leaf.tile.rows}, [&](std::int64_t i) {
                      return Ordered<T>::key(static_cast<T>(first[i * leaf.tile.stride] + T(0)));
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
      std::map<Key, std::pair<Value, std::int64_t>> words;
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
  return n > 0 && key_of(category_at(categories, n - 1)).kind == Key::nan;
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

Levels levels_of(const Rows& x) {
  Levels levels;
  for (const auto& [begin, end] : code_ranges(x).of) {
    levels.first.push_back(begin);
    levels.values.emplace_back();
    for (std::int64_t code = begin; code < end; ++code)
      levels.values.back().push_back(value_of(x.categories()[static_cast<std::size_t>(code)]));
  }
  return levels;
}

Rows places_among(const Rows& x, const Levels& levels) {
  return map_rows(
      x.to(cpu), x.shape(), DType::int32,
      [first = levels.first](const Leaf& in, const Tile& out, Stream&) {
        visit(in.tile.dtype, [&](auto tag) {
          using T = typename decltype(tag)::type;
          if constexpr (std::is_integral_v<T>)
            for (std::int64_t i = 0; i < out.rows; ++i)
              for (std::int64_t j = 0; j < out.cols; ++j)
                out.as<std::int32_t>()[i * out.stride + j] = static_cast<std::int32_t>(
                    static_cast<std::int64_t>(in.tile.as<const T>()[i * in.tile.stride + j]) -
                    first[static_cast<std::size_t>(j)]);
        });
      });
}

Rows codes_among(const Rows& x, const List& categories, bool all_known,
                 std::string_view estimator) {
  const bool text = !x.categories().empty();
  for (const Value& c : categories)
    if (!text && !c.is<Array>())
      throw ValueError(fmt::format("X holds numbers, but {} was fitted with text", estimator));
  const Shape shape = {x.rows(), std::ssize(categories)};
  const auto by_column = [&](auto tag, auto lookup) {
    using T = typename decltype(tag)::type;
    return map_rows(
        x.to(cpu), shape, DType::int32,
        [lookup = std::move(lookup), all_known, words = x.categories()](const Leaf& in,
                                                                        const Tile& out, Stream&) {
          for (std::int64_t i = 0; i < out.rows; ++i) {
            const T* row = in.tile.template as<const T>() + i * in.tile.stride;
            for (std::int64_t j = 0; j < out.cols; ++j) {
              auto& code = out.as<std::int32_t>()[i * out.stride + j];
              code = lookup(row[j], static_cast<std::size_t>(j));
              if (code < 0 && all_known)
                throw ValueError(fmt::format(
                    "Found unknown categories [{}] in column {} during transform",
                    words.empty() ? fmt::format("{}", row[j])
                                  : value_of(words[static_cast<std::size_t>(row[j])]).to_string(),
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
        // For each word in a column of x its place among those of the column.
        Levels levels = levels_of(x);
        std::vector<std::vector<std::int32_t>> places;
        for (std::size_t j = 0; j < categories.size(); ++j) {
          const auto keys = keys_of(categories[j]);
          std::map<Key, std::int32_t> known;
          for (const Key& key : keys) known.emplace(key, static_cast<std::int32_t>(known.size()));
          places.emplace_back();
          for (const Value& value : levels.values[j]) {
            const auto at = known.find(key_of(value));
            places.back().push_back(at == known.end() ? -1 : at->second);
          }
        }
        codes = by_column(tag, [places = std::move(places), first = std::move(levels.first)](
                                   T v, std::size_t j) {
          return places[j].at(static_cast<std::size_t>(static_cast<std::int64_t>(v) - first[j]));
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

Value categories_from(List values) {
  Words words;
  for (const Value& v : values)
    if (v.is<std::string>()) words.push_back(v.as<std::string>());
  if (words.size() == values.size()) return words;
  return values;
}

Rows values_of(const Rows& codes, const List& categories) {
  if (categories.empty()) return codes;
  const bool text = std::ranges::all_of(categories, [](const Value& c) { return c.is<Words>(); });
  const DType number = categories[0].is<Array>() ? categories[0].as<Array>().dtype() : DType::int64;
  const bool numbers = std::ranges::all_of(
      categories, [&](const Value& c) { return c.is<Array>() && c.as<Array>().dtype() == number; });
  // Of others than numbers of one dtype the words, in order, and of which kind they are.
  const auto word = [&](const Value& c, std::int64_t i, const std::string& kind) {
    return text ? c.as<Words>()[static_cast<std::size_t>(i)] : word_of(category_at(c, i), kind);
  };
  std::map<std::string, std::int64_t> words;
  Words kinds;
  for (const Value& c : categories) {
    if (numbers) break;
    kinds.push_back(c.is<Words>()   ? "text"
                    : c.is<Array>() ? std::string(name_of(c.as<Array>().dtype()))
                                    : "object");
    for (std::int64_t i = 0; i < category_count(c); ++i) words.emplace(word(c, i, kinds.back()), 0);
  }
  Words all;
  for (auto& [each, place] : words) {
    place = std::ssize(all);
    all.push_back(each);
  }
  Rows values = codes;
  visit(numbers ? number : DType::int64, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_arithmetic_v<T>) {
      using Stored = std::conditional_t<std::is_same_v<T, bool>, std::uint8_t, T>;
      std::vector<std::vector<Stored>> of;
      for (std::size_t j = 0; j < categories.size(); ++j) {
        of.emplace_back();
        const Value& c = categories[j];
        if (numbers) of.back() = elements<Stored>(c.as<Array>());
        for (std::int64_t i = 0; !numbers && i < category_count(c); ++i)
          of.back().push_back(static_cast<Stored>(words.at(word(c, i, kinds[j]))));
      }
      values = map_rows(codes, codes.shape(), numbers ? number : DType::int64,
                        [of = std::move(of)](const Leaf& in, const Tile& out, Stream&) {
                          for (std::int64_t i = 0; i < out.rows; ++i)
                            for (std::int64_t j = 0; j < out.cols; ++j)
                              out.as<T>()[i * out.stride + j] =
                                  of[static_cast<std::size_t>(j)].at(static_cast<std::size_t>(
                                      in.tile.as<const std::int32_t>()[i * in.tile.stride + j]));
                        });
    }
  });
  return numbers ? values : values.categorized(all);
}

Rows values_or_none(const Rows& codes, List categories) {
  std::vector<std::int32_t> unknown;
  for (const Value& c : categories) unknown.push_back(static_cast<std::int32_t>(category_count(c)));
  const Sums found = reduce<Sums>(codes, [&](const Leaf& leaf, Stream&) {
    Sums s{std::vector<double>(unknown.size())};
    for (std::int64_t i = 0; i < leaf.tile.rows; ++i)
      for (std::size_t j = 0; j < unknown.size(); ++j)
        s.values[j] +=
            leaf.tile
                .as<const std::int32_t>()[i * leaf.tile.stride + static_cast<std::int64_t>(j)] ==
            unknown[j];
    return s;
  });
  for (std::size_t j = 0; j < categories.size(); ++j) {
    if (found.values.empty() || found.values[j] == 0) continue;
    List values;
    for (std::int64_t i = 0; i < unknown[j]; ++i) values.push_back(category_at(categories[j], i));
    values.emplace_back();
    categories[j] = std::move(values);
  }
  return values_of(codes, categories);
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
    std::map<Key, std::size_t> places;
    for (const Key& key : keys_of(all.back())) places.emplace(key, places.size());
    const std::vector<Key> keys = keys_of(found.values);
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
