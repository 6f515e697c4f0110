#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <tessera/estimators/estimator.hpp>

/// Columns of categories: what encoders share. The categories of a column are an array of its
/// dtype, ascending with NaN last, a list of strings or, where the column may hold anything, a list
/// of numbers or strings with None and nan last.
///
/// A table, whose columns hold different things, comes as text, too: each word begins with the
/// character 31 and its kind, "text:elm", "float64:1.5", "int64:3", or of what may be anything
/// "object:'elm", "object:3", "object:None".
namespace tessera::detail {

/// The different values of a column, of any real dtype or text, and how often each is there.
struct Categories {
  Value values;
  std::vector<std::int64_t> counts;
  std::string kind;  ///< "text", the dtype's name, or "object"
};
/// Of every column of x. One pass, and one more for each column that has very many.
std::vector<Categories> categories_of(const Rows& x);

std::int64_t category_count(const Value& categories);
/// Whether the last one is NaN.
bool has_nan(const Value& categories);
/// One of them, a float, an int, a bool, a string or None.
Value category_at(const Value& categories, std::int64_t i);
/// As Python's str() gives it.
std::string category_text(const Value& categories, std::int64_t i);
/// Whether two are equal: numbers by value, NaN is one category.
bool same_category(const Value& a, const Value& b);
/// The least of several, of at least one. Of text and numbers, or None, by what Python calls their
/// types and then by their words, as scikit-learn's SimpleImputer.
Value least_category(const List& values);
/// x of a table with the words that its values are written as; other x as they are.
Rows plain_words(const Rows& x);

/// What the codes of each column of text may stand for, from the first one on: strings, or anything
/// in a table.
struct Levels {
  std::vector<List> values;
  std::vector<std::int64_t> first;
};
Levels levels_of(const Rows& x);
/// The place of every value among those levels, int32 of x's shape in host memory.
Rows places_among(const Rows& x, const Levels& levels);

/// The place of every value among the categories of its column, int32 of x's shape in host memory,
/// computed when read; -1 for one that is none of them, or where `all_known` a ValueError that
/// names it: text is among no numbers. ValueError where numbers of one dtype meet text.
Rows codes_among(const Rows& x, const List& categories, bool all_known, std::string_view estimator);
/// These values as categories: strings where all are.
Value categories_from(List values);
/// The values again: categories of codes (n, p), int32 in host memory, all of them in range. A
/// table where columns have categories of different kinds.
Rows values_of(const Rows& codes, const List& categories);
/// The same where the code after the last may be there, for what is none of them: None. Collective.
Rows values_or_none(const Rows& codes, List categories);

/// What an encoder that groups rare categories learns of its columns.
struct Grouping {
  Value min_frequency, max_categories;  ///< the parameters; None: nothing
  bool any() const { return !min_frequency.is_none() || !max_categories.is_none(); }
  /// The rare ones of a column of n rows, ascending.
  std::vector<std::int64_t> rare(const std::vector<std::int64_t>& counts, std::int64_t n) const;
};
/// Where each of so many categories goes when some are grouped: the others keep their order, the
/// group comes last.
std::vector<std::int32_t> grouped_codes(std::int64_t count, const std::vector<std::int64_t>& rare);

/// The categories of all columns of x: those that are there, or the given ones, a list for each
/// column. ValueError for such as cannot be and, where `all_known`, for others in x.
List fit_categories(const Rows& x, const Value& given, bool all_known, std::string_view estimator,
                    std::vector<std::vector<std::int64_t>>* counts = nullptr);
/// What those of one column may be, and as a list alone, of what is not numbers.
Allowed categories_allowed();
Allowed category_list_allowed();

}  // namespace tessera::detail
