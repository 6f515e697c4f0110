#include <tessera/io/csv_header.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace tessera::io::csv {
namespace {

Kind kind_of(const Cell& cell, const Dialect& d) {
  if (is_missing(cell, d)) return Kind::missing;
  if (number_in(cell, d)) return is_integer(cell.text) ? Kind::integer : Kind::real;
  if (!resembles_number(cell.text)) return Kind::text;
  return cell.text.find_first_of("0123456789") == std::string_view::npos ? Kind::missing
                                                                         : Kind::real;
}
}  // namespace

Row row_of(std::string_view record, const Dialect& d) {
  Row row;
  Cells cells(record, d.delimiter);
  while (const auto cell = cells.next()) {
    row.cells.push_back(*cell);
    row.kinds.push_back(kind_of(*cell, d));
  }
  return row;
}

std::string start_of(const Row& row) {
  constexpr std::size_t most = 4;
  std::vector<std::string> shown;
  for (const auto& cell : row.cells)
    if (shown.size() < most) shown.push_back(csv::shown(cell));
  return fmt::format("'{}{}'", fmt::join(shown, ", "), row.cells.size() > most ? ", ..." : "");
}

namespace {

/// True for an empty cell above what seems to name or count the rows, beside numbers that all
/// differ: how pandas begins the header of a table with an index.
bool stands_above_index(const Row& first, const Row& second) {
  if (first.cells.size() < 2 || !first.cells[0].text.empty()) return false;
  std::set<std::string_view> names;
  for (const Cell& cell : first.cells) names.insert(cell.text);
  const bool counts = second.cells[0].text == "0" || second.cells[0].text == "1";
  return names.size() == first.cells.size() && (counts || second.kinds[0] == Kind::text);
}

/// True for three numbers or more that go up or down in equal steps.
bool steps_evenly(const Row& row, const Dialect& d) {
  std::vector<double> values;
  for (const Cell& cell : row.cells)
    if (const auto value = number_in(cell, d)) values.push_back(*value);
  if (values.size() < 3 || values.size() != row.cells.size()) return false;
  const double step = (values.back() - values[0]) / static_cast<double>(values.size() - 1);
  for (std::size_t i = 1; i < values.size(); ++i)
    if (!(std::abs(values[i] - values[i - 1] - step) < 1e-6 * std::abs(step))) return false;
  return true;
}

/// Whether a cell is a year such as tables have for names.
bool is_year(const Cell& cell) {
  return cell.text.size() == 4 && is_integer(cell.text) && cell.text >= "1800" &&
         cell.text < "2200";
}
/// True for two years or more that rise, above what are none.
bool could_be_years(const Row& first, const Row& second) {
  const auto& cells = first.cells;
  return cells.size() > 1 && std::ranges::all_of(cells, is_year) &&
         std::ranges::none_of(second.cells, is_year) &&
         std::ranges::is_sorted(cells, std::ranges::less_equal{}, &Cell::text);
}

/// True for 0, 1, 2, ..., perhaps behind one cell without a name: how pandas names columns.
bool counts_columns(const Row& row) {
  const std::size_t index = !row.kinds.empty() && row.cells[0].text.empty();
  for (std::size_t i = index; i < row.cells.size(); ++i)
    if (row.cells[i].text != std::to_string(i - index)) return false;
  return row.cells.size() > index;
}
}  // namespace

Verdict verdict_on(const Row& first, const Row& second, const Dialect& d) {
  const std::size_t n = first.kinds.size();
  const bool comparable = second.kinds.size() >= n;  // a delimiter may end it
  const std::size_t integers = first.count(Kind::integer);
  const std::size_t numbers = integers + first.count(Kind::real);
  if (first.count(Kind::text) > 0) {
    bool word_below = numbers > 0;
    for (std::size_t i = 0; comparable && i < n; ++i) {
      if (first.kinds[i] != Kind::text) continue;
      const Kind below = second.kinds[i];
      if (below == Kind::integer || below == Kind::real) return {true, ""};
      word_below |= below == Kind::text;
    }
    if (!word_below) return {true, ""};
    return {true, numbers > 0 ? "although some of its cells are numbers"
                              : "although the next row is of words as well"};
  }
  if (numbers == 0) return {};
  // R and others quote names and not numbers.
  std::size_t quoted = 0;
  for (std::size_t i = 0; comparable && i < n; ++i)
    quoted += first.cells[i].quoted && !second.cells[i].quoted;
  if (quoted == n) return {true, "for its numbers are quoted and those of the next row are not"};
  const std::size_t reals_below = comparable ? second.count(Kind::real) : 0;
  const std::size_t missing_below = comparable ? second.count(Kind::missing) : 0;
  if (counts_columns(first) && comparable) {
    const bool index = first.cells[0].text.empty();
    bool goes_on = !index;  // 0, 1, 2 and then 3, 4, 5
    for (std::size_t i = 0; i < n; ++i) goes_on &= second.cells[i].text == std::to_string(n + i);
    if (!goes_on && (index || n > 2 || reals_below + missing_below > 0))
      return {true, "for it counts 0, 1, 2, ... as the names that pandas gives do"};
    return {false, "although it counts as the names that pandas gives do"};
  }
  if (comparable && stands_above_index(first, second))
    return {true, "for an empty cell stands above what names or counts the rows"};
  if (integers == numbers && numbers > 1 && reals_below > 0 && reals_below + missing_below == n)
    return {false, "although it has whole numbers and the next row has not"};
  if (n > 0 && std::ranges::all_of(first.cells, &Cell::quoted))
    return {false, "although its numbers are quoted"};
  if (comparable && could_be_years(first, second))
    return {false, "although it could be years and the next row could not"};
  if (comparable && steps_evenly(first, d) && !steps_evenly(second, d))
    return {false, "although it goes on in equal steps and the next row does not"};
  return {};
}

char found_delimiter(const std::vector<std::string>& rows, const Dialect& d) {
  char found = '\0';
  std::size_t most = 0;  // fitting rows and, beside that, numbers in the last
  for (const char c : known_delimiters) {
    if (c == d.decimal || c == d.thousands) continue;
    const auto n = count_cells(rows[0], c);
    if (n == 1) continue;
    Dialect by_this = d;
    by_this.delimiter = c;
    const Row last = row_of(rows.back(), by_this);
    // A row may end with a delimiter where the header does not.
    const auto next = std::ssize(last.cells);
    const bool fits = next == n || next == n + 1;
    const std::size_t score =
        1 + (fits ? 1 + last.cells.size() - last.count(Kind::text) : std::size_t{0});
    if (score > most) found = c;
    most = std::max(most, score);
  }
  if (found) return found;
  Dialect by_blanks = d;
  by_blanks.delimiter = ' ';
  const Row top = row_of(rows[0], by_blanks);
  const Row next = row_of(rows.back(), by_blanks);
  if (top.kinds.size() > 1 && top.kinds.size() == next.kinds.size() && next.count(Kind::text) == 0)
    return ' ';
  return d.decimal == ',' ? ';' : ',';
}

}  // namespace tessera::io::csv
