#include <tessera/estimators/preprocessing/category_words.hpp>

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include <tessera/estimators/preprocessing/categories.hpp>

namespace tessera::detail {

namespace {

CategoryKey key_of_number(long double v) {
  return std::isnan(v) ? CategoryKey{CategoryKey::nan, 0.0L, {}}
                       : CategoryKey{CategoryKey::number, v, {}};
}

}  // namespace

CategoryKey key_of(const Value& v) {
  if (v.is<std::string>()) return {CategoryKey::text, 0.0L, v.as<std::string>()};
  if (v.is<double>()) return key_of_number(v.as<double>());
  if (v.is<std::int64_t>()) return key_of_number(static_cast<long double>(v.as<std::int64_t>()));
  if (v.is<bool>()) return key_of_number(v.as<bool>() ? 1.0L : 0.0L);
  return {};
}
std::vector<CategoryKey> keys_of(const Value& categories) {
  std::vector<CategoryKey> keys;
  if (categories.is<Array>()) {
    for (const long double v : elements<long double>(categories.as<Array>()))
      keys.push_back(key_of_number(v));
  } else {
    for (std::int64_t i = 0; i < category_count(categories); ++i)
      keys.push_back(key_of(category_at(categories, i)));
  }
  return keys;
}

namespace {
// Before the kind of a word of a table.
constexpr char mark = '\x1f';
}  // namespace

bool is_table(const Rows& x) {
  return !x.categories().empty() && x.categories().front().starts_with(mark);
}
std::string kind_of_word(std::string_view word) {
  return word.starts_with(mark) ? std::string(word.substr(1, word.find(':') - 1)) : "text";
}
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

}  // namespace tessera::detail
