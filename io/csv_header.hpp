#pragma once
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <tessera/io/csv_text.hpp>

/// What the first two rows of a text table tell: its delimiter, and whether the first has names.
namespace tessera::io::csv {

inline constexpr std::string_view known_delimiters = "\t;|,";

enum class Kind { missing, integer, real, text };
struct Row {
  std::vector<Cell> cells;
  std::vector<Kind> kinds;
  std::size_t count(Kind kind) const {
    return static_cast<std::size_t>(std::ranges::count(kinds, kind));
  }
};

Row row_of(std::string_view record, const Dialect& d);
/// The first cells of a row, for messages.
std::string start_of(const Row& row);

/// Whether a first row has the names of columns, and why where that is in doubt.
struct Verdict {
  bool header = false;
  std::string doubt;
};
Verdict verdict_on(const Row& first, const Row& second, const Dialect& d);

/// The delimiter that fits the first two rows.
char found_delimiter(const std::vector<std::string>& rows, const Dialect& d);

}  // namespace tessera::io::csv
