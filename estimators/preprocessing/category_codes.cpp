// The places of values among categories, and back.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <utility>

#include <tessera/array/keys.hpp>
#include <tessera/estimators/preprocessing/categories.hpp>
#include <tessera/estimators/preprocessing/category_words.hpp>
#include <tessera/runtime/reduce.hpp>

namespace tessera::detail {
namespace {

using Words = std::vector<std::string>;

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

}  // namespace

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

namespace {

// The elements of an array as keys.
template <class K, bool floats>
std::vector<K> keys_among(const Array& values, KeyOrder<K, floats> order) {
  const Tile all = values.local();
  std::vector<K> keys(all.as<const K>(), all.as<const K>() + values.size());
  for (K& key : keys) key = order.key_of_equals(key);
  return keys;
}

/// out = the codes of x's elements, -1 for an unknown one.
using Encode = std::function<void(const Tile& x, const Tile& out)>;

// By lookup(element, column).
template <class T, class Lookup>
void encode_each(const Tile& x, const Tile& out, const Lookup& lookup) {
  for (std::int64_t i = 0; i < out.rows; ++i)
    for (std::int64_t j = 0; j < out.cols; ++j)
      out.as<std::int32_t>()[i * out.stride + j] =
          lookup(x.as<const T>()[i * x.stride + j], static_cast<std::size_t>(j));
}

// Of text: for each word in a column of x its place among those of the column.
Encode words_among(const Rows& x, const List& categories) {
  Levels levels = levels_of(x);
  std::vector<std::vector<std::int32_t>> places;
  for (std::size_t j = 0; j < categories.size(); ++j) {
    const auto keys = keys_of(categories[j]);
    std::map<CategoryKey, std::int32_t> known;
    for (const CategoryKey& key : keys) known.emplace(key, static_cast<std::int32_t>(known.size()));
    places.emplace_back();
    for (const Value& value : levels.values[j]) {
      const auto at = known.find(key_of(value));
      places.back().push_back(at == known.end() ? -1 : at->second);
    }
  }
  return [places = std::move(places), first = std::move(levels.first)](const Tile& in,
                                                                       const Tile& out) {
    visit(in.dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      if constexpr (std::is_integral_v<T>)
        encode_each<T>(in, out, [&](T v, std::size_t j) {
          return places[j].at(static_cast<std::size_t>(static_cast<std::int64_t>(v) - first[j]));
        });
    });
  };
}

Encode numbers_among(DType dtype, const List& categories) {
  const auto same = [&](const Value& c) { return c.as<Array>().dtype() == dtype; };
  Encode encode;
  if (std::ranges::all_of(categories, same)) {
    visit_ordered("categories", dtype, [&]<class K, bool floats>(KeyOrder<K, floats> order) {
      std::vector<std::vector<K>> known;
      for (const Value& c : categories) known.push_back(keys_among(c.as<Array>(), order));
      encode = [=](const Tile& in, const Tile& out) {
        encode_each<K>(in, out, [&](K bits, std::size_t j) {
          return place_of(order.key_of_equals(bits), known[j]);
        });
      };
    });
    return encode;
  }
  std::vector<std::vector<long double>> known;
  for (const Value& c : categories) known.push_back(elements<long double>(c.as<Array>()));
  return [known = std::move(known)](const Tile& in, const Tile& out) {
    visit(in.dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      if constexpr (std::is_arithmetic_v<T>)
        encode_each<T>(in, out, [&](T v, std::size_t j) {
          return place_of(static_cast<long double>(v), known[j]);
        });
    });
  };
}

[[noreturn]] void refuse_unknown(const Tile& x, std::int64_t i, std::int64_t j,
                                 const Words& words) {
  std::string shown;
  visit(x.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_arithmetic_v<T>) {
      const T v = x.as<const T>()[i * x.stride + j];
      shown = words.empty() ? fmt::format("{}", v)
                            : value_of(words[static_cast<std::size_t>(v)]).to_string();
    }
  });
  throw ValueError(
      fmt::format("Found unknown categories [{}] in column {} during transform", shown, j));
}

}  // namespace

Rows codes_among(const Rows& x, const List& categories, bool all_known,
                 std::string_view estimator) {
  const bool text = !x.categories().empty();
  for (const Value& c : categories)
    if (!text && !c.is<Array>())
      throw ValueError(fmt::format("X holds numbers, but {} was fitted with text", estimator));
  return map_rows(
      x.to(cpu), {x.rows(), std::ssize(categories)}, DType::int32,
      [encode = text ? words_among(x, categories) : numbers_among(x.dtype(), categories), all_known,
       words = x.categories()](const Leaf& in, const Tile& out, Stream&) {
        encode(in.tile, out);
        for (std::int64_t i = 0; all_known && i < out.rows; ++i)
          for (std::int64_t j = 0; j < out.cols; ++j)
            if (out.as<const std::int32_t>()[i * out.stride + j] < 0)
              refuse_unknown(in.tile, i, j, words);
      });
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
  const DType dtype = numbers ? number : DType::int64;
  Rows values = codes;
  visit_ordered(
      "categories", dtype, [&]<class K, bool floats>(KeyOrder<K, floats>) {  // bits will do
        std::vector<std::vector<K>> of;
        for (std::size_t j = 0; j < categories.size(); ++j) {
          of.emplace_back();
          const Value& c = categories[j];
          if (numbers) {
            const K* first = c.as<Array>().local().as<const K>();
            of.back().assign(first, first + category_count(c));
          }
          for (std::int64_t i = 0; !numbers && i < category_count(c); ++i)
            of.back().push_back(static_cast<K>(words.at(word(c, i, kinds[j]))));
        }
        values = map_rows(codes, codes.shape(), dtype,
                          [of = std::move(of)](const Leaf& in, const Tile& out, Stream&) {
                            for (std::int64_t i = 0; i < out.rows; ++i)
                              for (std::int64_t j = 0; j < out.cols; ++j)
                                out.as<K>()[i * out.stride + j] =
                                    of[static_cast<std::size_t>(j)].at(static_cast<std::size_t>(
                                        in.tile.as<const std::int32_t>()[i * in.tile.stride + j]));
                          });
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

}  // namespace tessera::detail
