#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <tessera/estimators/estimator.hpp>

/// Columns of categories: what encoders share. The categories of a column are an array of X's
/// dtype, ascending with NaN last, or a list of strings.
namespace tessera::detail {

/// The different values of a column of x, of any real dtype or text, and how often each is there.
struct Categories {
  Value values;
  std::vector<std::int64_t> counts;
};
Categories categories_of(const Rows& x, std::int64_t column);

std::int64_t category_count(const Value& categories);
/// Whether the last one is NaN.
bool has_nan(const Value& categories);
/// One of them, a float, an int, a bool or a string.
Value category_at(const Value& categories, std::int64_t i);
/// As Python's str() gives it.
std::string category_text(const Value& categories, std::int64_t i);

/// The place of every value among the categories of its column, int32 of x's shape in host memory,
/// computed when read; -1 for one that is none of them, or where `all_known` a ValueError that
/// names it. ValueError where numbers meet text.
Rows codes_among(const Rows& x, const List& categories, bool all_known, std::string_view estimator);
/// The values again: categories of codes (n, p), int32 in host memory, all of them in range.
Rows values_of(const Rows& codes, const List& categories);

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
/// What attributes of categories may be.
Allowed category_lists();

}  // namespace tessera::detail
