#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <vector>

#include <tessera/estimators/estimator.hpp>
#include <tessera/runtime/visit.hpp>

/// What the sources of categories.hpp share: how categories are compared, and the words of a table.
namespace tessera::detail {

/// The elements of a replicated vector of any real dtype as T.
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

/// What categories are compared and sorted by: numbers, then text, then None, then NaN.
struct CategoryKey {
  enum Kind : std::uint8_t { number, text, none, nan } kind = none;
  long double value = 0.0L;  // holds every int64
  std::string word;
  bool operator==(const CategoryKey&) const = default;
  bool operator<(const CategoryKey& b) const {
    return std::tie(kind, value, word) < std::tie(b.kind, b.value, b.word);
  }
};
/// Of a category.
CategoryKey key_of(const Value& v);
/// Of all categories of a column.
std::vector<CategoryKey> keys_of(const Value& categories);

/// Whether x's words are those of a table, whose columns have kinds of their own.
bool is_table(const Rows& x);
/// "text", a dtype's name or "object".
std::string kind_of_word(std::string_view word);
/// What a word says, and the word of a table for it.
Value value_of(const std::string& word);
std::string word_of(const Value& value, const std::string& kind);

}  // namespace tessera::detail
