#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cereal/archives/binary.hpp>
#include <cereal/types/string.hpp>
#include <cereal/types/utility.hpp>
#include <cereal/types/vector.hpp>
#include <cstring>
#include <optional>
#include <sstream>
#include <string_view>
#include <vector>

#include <tessera/io/convert.hpp>
#include <tessera/io/csv_text.hpp>
#include <tessera/io/file_source.hpp>
#include <tessera/io/readable.hpp>
#include <tessera/runtime/error.hpp>

namespace tessera::io {
namespace {

using csv::Cell;
using csv::Cells;
using csv::Dialect;
using csv::Record;
using csv::Records;

/// The smallest leaf there is; all leaves start at a multiple of it.
constexpr std::int64_t mark_rows = 256;
constexpr std::string_view known_delimiters = "\t;|,";

/// What one look at the whole text tells. Columns count from 0.
struct Layout {
  std::int64_t rows = 0;
  std::int64_t row_cells = 0;  ///< of every row
  std::int64_t cells = 0;      ///< columns: one less when every row ends with a delimiter
  std::int64_t size = 0;       ///< of the file
  char delimiter = ',';
  std::vector<std::string> names;                           ///< of all columns, or none
  std::vector<std::int64_t> numbers;                        ///< columns in the order asked for
  std::vector<std::pair<std::int64_t, std::int64_t>> text;  ///< column and longest cell in bytes
  /// Where the rows 0, mark_rows, 2 mark_rows, ... start, and their lines.
  std::vector<std::int64_t> mark_offsets;
  std::vector<std::int64_t> mark_lines;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(rows, row_cells, cells, size, delimiter, names, numbers, text, mark_offsets,
            mark_lines);
  }
};

std::string delimiters_of(char delimiter) {
  return delimiter == ' ' ? " \t" : std::string(1, delimiter);
}

char one_character(const std::string& option, const std::string& value) {
  if (value.size() == 1 && value[0] > 0 && value[0] != '"' && value[0] != '\n' && value[0] != '\r')
    return value[0];
  throw ValueError(fmt::format("{} must be one ASCII character{}, got '{}'", option,
                               option == "delimiter" ? ", 'tab' or 'blank'" : "", value));
}

/// What the options say of the dialect; the delimiter is 0 when it is to be found out.
Dialect dialect_of(const TableOptions& options) {
  Dialect d;
  d.missing = {"#N/A", "#N/A N/A", "#NA",     "-1.#IND", "-1.#QNAN", "-NaN",
               "-nan", "1.#IND",   "1.#QNAN", "<NA>",    "N/A",      "NA",
               "NULL", "NaN",      "None",    "n/a",     "nan",      "null"};
  d.delimiter = options.delimiter.empty()                                  ? '\0'
                : options.delimiter == "tab" || options.delimiter == "\\t" ? '\t'
                : options.delimiter == "blank"                             ? ' '
                                               : one_character("delimiter", options.delimiter);
  d.decimal = one_character("decimal", options.decimal);
  if (!options.thousands.empty()) d.thousands = one_character("thousands", options.thousands);
  if (!options.comment.empty()) d.comment = one_character("comment", options.comment);
  if (d.decimal == d.thousands || d.decimal == d.delimiter)
    throw ValueError(fmt::format("'{}' cannot be the decimal character and the {}", d.decimal,
                                 d.decimal == d.delimiter ? "delimiter" : "one of thousands"));
  if (options.skip_rows < 0)
    throw ValueError(fmt::format("skip_rows must not be negative, got {}", options.skip_rows));
  for (const auto& value : options.na_values) {
    if (const auto number = csv::number_in({value}, d); number && *number == *number)
      d.missing_numbers.push_back(*number);
    d.missing.insert(value);
  }
  return d;
}

void require_plain_text(const InputFile& input, const std::string& file) {
  if (input.size() == 0) throw ValueError(fmt::format("'{}' is empty", file));
  std::string start(static_cast<std::size_t>(std::min<std::int64_t>(8, input.size())), '\0');
  input.read(0, start.size(), start.data());
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 10> others = {{
      {"\x1f\x8b", "compressed with gzip: run gunzip first"},
      {"BZh", "compressed with bzip2: run bunzip2 first"},
      {"\xfd"
       "7zXZ",
       "compressed with xz: run unxz first"},
      {"\x28\xb5\x2f\xfd", "compressed with zstd: run unzstd first"},
      {"PK\x03\x04", "a ZIP archive or a spreadsheet: extract it, or save it as CSV"},
      {"\x89HDF\r\n", "an HDF5 file, which needs no conversion"},
      {"\x93NUMPY", "a NumPy file: call it .npy"},
      {"PAR1", "a Parquet file"},
      {"\xff\xfe", "UTF-16 or UTF-32: run iconv -f UTF-16 -t UTF-8 first"},
      {"\xfe\xff", "UTF-16: run iconv -f UTF-16 -t UTF-8 first"},
  }};
  for (const auto& [magic, what] : others)
    if (start.starts_with(magic))
      throw ValueError(fmt::format("'{}' is no text table but {}", file, what));
}

enum class Kind { missing, integer, real, text };

Kind kind_of(const Cell& cell, const Dialect& d) {
  if (csv::is_missing(cell, d)) return Kind::missing;
  if (csv::number_in(cell, d)) return csv::is_integer(cell.text) ? Kind::integer : Kind::real;
  if (!csv::resembles_number(cell.text)) return Kind::text;
  return cell.text.find_first_of("0123456789") == std::string_view::npos ? Kind::missing
                                                                         : Kind::real;
}

struct Row {
  std::vector<Cell> cells;
  std::vector<Kind> kinds;
  std::size_t count(Kind kind) const {
    return static_cast<std::size_t>(std::ranges::count(kinds, kind));
  }
};

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

/// Whether a first row has the names of columns, and why where that is in doubt.
struct Verdict {
  bool header = false;
  std::string doubt;
};

/// True for 0, 1, 2, ..., perhaps behind one cell without a name: how pandas names columns.
bool counts_columns(const Row& row) {
  const std::size_t index = !row.kinds.empty() && row.cells[0].text.empty();
  for (std::size_t i = index; i < row.cells.size(); ++i)
    if (row.cells[i].text != std::to_string(i - index)) return false;
  return row.cells.size() > index;
}

Verdict verdict_on(const Row& first, const Row& second) {
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
    if (integers < numbers) return {false, "it has numbers as the next row has"};
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
  if (integers == numbers && numbers > 1 && reals_below > 0 && reals_below + missing_below == n)
    return {false, "although it has whole numbers and the next row has not"};
  return {};
}

/// The delimiter that fits the first two rows.
char found_delimiter(const std::vector<std::string>& rows, const Dialect& d) {
  char first = '\0';
  for (const char c : known_delimiters) {
    if (c == d.decimal || c == d.thousands) continue;
    const auto n = csv::count_cells(rows[0], c);
    if (n == 1) continue;
    if (rows.size() == 1) return c;
    // A row may end with a delimiter where the header does not.
    const auto next = csv::count_cells(rows[1], c);
    if (next == n || next == n + 1) return c;
    if (!first) first = c;
  }
  if (first) return first;
  Dialect by_blanks = d;
  by_blanks.delimiter = ' ';
  const Row top = row_of(rows[0], by_blanks);
  const Row next = row_of(rows.back(), by_blanks);
  if (top.kinds.size() > 1 && top.kinds.size() == next.kinds.size() && next.count(Kind::text) == 0)
    return ' ';
  return d.decimal == ',' ? ';' : ',';
}

/// What the names of columns are for in lists of them.
class Columns {
 public:
  Columns(std::string file, const std::vector<std::string>& names, std::int64_t count)
      : file_(std::move(file)), names_(names), count_(count) {}

  /// The columns of a list, in its order, each once.
  std::vector<std::int64_t> in(const std::string& option, const std::string& list) const {
    std::vector<std::int64_t> all;
    if (list.empty()) return all;
    for (const auto& [word, quoted] : csv::words(list)) {
      const auto before = all.size();
      if (const auto one = single(word, quoted)) {
        all.push_back(*one);
      } else if (const auto many = quoted ? std::nullopt : range(word)) {
        for (auto i = many->begin; i < many->end; ++i) all.push_back(i);
      }
      if (all.size() == before) throw ValueError(unknown(option, word));
      for (auto i = before; i < all.size(); ++i)
        if (std::find(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(i), all[i]) !=
            all.begin() + static_cast<std::ptrdiff_t>(i))
          throw ValueError(
              fmt::format("'{}': column {} is named twice in {}", file_, all[i] + 1, option));
    }
    return all;
  }

 private:
  std::optional<std::int64_t> single(const std::string& word, bool quoted) const {
    const auto at = std::ranges::find(names_, word);
    const bool is_name = !word.empty() && at != names_.end();
    if (is_name && std::find(at + 1, names_.end(), word) != names_.end())
      throw ValueError(
          fmt::format("'{}' has several columns called '{}': give its number", file_, word));
    const std::int64_t name = at - names_.begin();
    const auto number = quoted ? std::nullopt : number_of(word);
    if (is_name && number && *number != name)
      throw ValueError(
          fmt::format("'{0}': '{1}' is the name of column {2} and the number of another: write "
                      "\"{1}\" with the quotes for the name, {1}-{1} for the number",
                      file_, word, name + 1));
    return is_name ? name : number;
  }
  std::optional<std::int64_t> number_of(const std::string& word) const {
    if (word.empty() || word.size() > 18 ||
        word.find_first_not_of("0123456789") != std::string::npos)
      return {};
    const auto number = std::stoll(word);
    if (number < 1 || number > count_) return {};
    return number - 1;
  }
  std::optional<Range> range(const std::string& word) const {
    for (auto dash = word.find('-'); dash != std::string::npos; dash = word.find('-', dash + 1)) {
      const auto end_of = [&](const std::string& end) {
        const auto number = number_of(end);
        return number ? number : single(end, false);
      };
      const std::string from = word.substr(0, dash);
      const std::string to = word.substr(dash + 1);
      if (from.empty() && to.empty()) continue;
      const auto begin = from.empty() ? 0 : end_of(from);
      const auto last = to.empty() ? count_ - 1 : end_of(to);
      if (begin && last && *begin <= *last) return Range{*begin, *last + 1};
    }
    return {};
  }
  std::string unknown(const std::string& option, const std::string& word) const {
    constexpr std::size_t most = 20;
    std::string known;
    for (std::size_t i = 0; i < std::min(names_.size(), most); ++i)
      known += fmt::format("{}'{}'", i ? ", " : ": ", names_[i]);
    if (names_.size() > most) known += fmt::format(" and {} more", names_.size() - most);
    return fmt::format("'{}' has no column '{}' for {}; it has {}{}", file_, word, option, count_,
                       known);
  }

  std::string file_;
  const std::vector<std::string>& names_;
  std::int64_t count_;
};

/// Looks at a text table once; on rank 0.
class Survey {
 public:
  Survey(const std::string& file, const InputFile& input, const TableOptions& options)
      : file_(file), options_(options), dialect_(dialect_of(options)), input_(input) {}

  Layout run() {
    require_plain_text(input_, file_);
    layout_.size = input_.size();
    std::string start(static_cast<std::size_t>(std::min<std::int64_t>(3, input_.size())), '\0');
    input_.read(0, start.size(), start.data());
    skip_preamble(start == "\xef\xbb\xbf" ? 3 : 0);
    read_top();
    read_rows();
    settle_columns();
    if (blank_lines_ > 0)
      warn(fmt::format("'{}': {} blank line{} left out", file_, blank_lines_,
                       blank_lines_ == 1 ? " is" : "s are"));
    if (blank_rows_ > 0)
      warn(fmt::format("'{}': {} blank line{} read as missing, for the table has one column", file_,
                       blank_rows_, blank_rows_ == 1 ? " is" : "s are"));
    return std::move(layout_);
  }

 private:
  Records records(std::string_view delimiters) const {
    return {input_, file_, offset_, layout_.size, line_, delimiters, dialect_.comment};
  }
  template <class... Parts>
  [[noreturn]] void refuse(std::int64_t line, fmt::format_string<Parts...> format,
                           Parts&&... parts) const {
    throw ValueError(fmt::format("'{}', line {}{}", file_, line,
                                 fmt::format(format, std::forward<Parts>(parts)...)));
  }
  void warn_at(std::int64_t line, const std::string& text) const {
    warn(fmt::format("'{}', line {}: {}", file_, line, text));
  }

  // Moves offset_ and line_ to the first line that is no comment and not blank.
  void skip_preamble(std::int64_t begin) {
    offset_ = begin;
    Records lines = records(known_delimiters);
    for (std::int64_t i = 0; i < options_.skip_rows; ++i)
      if (!lines.next_line())
        throw ValueError(
            fmt::format("'{}' has only {} of the {} lines to skip", file_, i, options_.skip_rows));
    for (;;) {
      offset_ = lines.offset();
      line_ = lines.line();
      const auto line = lines.next_line();
      if (!line) break;
      if (is_comment(line->text)) {
        comment_ = std::string(line->text.substr(line->text.find_first_not_of("# \t")));
        comment_line_ = line_;
      } else if (csv::is_blank(line->text, dialect_.delimiter ? dialect_.delimiter : '\t')) {
        ++blank_lines_;
        comment_.clear();
      } else {
        break;
      }
    }
  }

  // A # that is no missing value (#N/A) and not the name of a column.
  bool is_comment(std::string_view line) const {
    const char sign = dialect_.comment ? dialect_.comment : '#';
    const auto start = line.find_first_not_of(" \t");
    if (start == std::string_view::npos || line[start] != sign) return false;
    if (dialect_.comment) return true;
    const auto cell = line.substr(start, line.find_first_of(known_delimiters, start) - start);
    const auto end = cell.find_last_not_of(" \t") + 1;
    return !dialect_.missing.contains(cell.substr(0, end)) &&
           (end > 1 || cell.size() == line.size() - start);
  }

  // Delimiter and header, from the first two rows.
  void read_top() {
    std::vector<std::string> top;
    std::int64_t after_header = 0;
    std::int64_t line_after = 0;
    const auto look = [&](std::string_view delimiters) {
      Records reader = records(delimiters);
      top.clear();
      while (top.size() < 2) {
        const auto record = reader.next();
        if (!record) break;
        if (csv::is_blank(record->text, '\t')) continue;
        if (record->text.find('\0') != std::string_view::npos) refuse_zero(record->line);
        top.emplace_back(record->text);
        if (top.size() > 1) continue;
        after_header = reader.offset();
        line_after = reader.line();
      }
      if (top.empty()) throw ValueError(fmt::format("'{}' has no row", file_));
    };
    if (!dialect_.delimiter) {
      look(known_delimiters);
      const bool tsv = file_.ends_with(".tsv") || file_.ends_with(".TSV");
      dialect_.delimiter = tsv ? '\t' : found_delimiter(top, dialect_);
      if (dialect_.delimiter == ' ')
        warn_at(line_, "columns are separated by blanks; --delimiter says otherwise");
    }
    look(delimiters_of(dialect_.delimiter));
    layout_.delimiter = dialect_.delimiter;
    const Row first = row_of(top[0], dialect_);
    const Row second = top.size() > 1 ? row_of(top[1], dialect_) : Row{};

    Verdict verdict = verdict_on(first, second);
    const Row above = comment_.empty() ? Row{} : row_of(comment_, dialect_);
    const bool certain = verdict.header && verdict.doubt.empty();
    if (!certain && options_.header != TableOptions::Header::no && above.cells.size() > 1 &&
        above.cells.size() == first.cells.size() && above.count(Kind::text) > 0) {
      for (const auto& cell : above.cells) layout_.names.push_back(cell.string());
      warn_at(comment_line_, fmt::format("the comment {} is taken for the names of the columns; "
                                         "--header no leaves them without names",
                                         start_of(above)));
      verdict = {};
    } else if (options_.header != TableOptions::Header::automatic) {
      verdict = {options_.header == TableOptions::Header::yes, ""};
    }
    if (!verdict.doubt.empty())
      warn_at(line_,
              fmt::format("{} is {}, {}; --header {} says otherwise", start_of(first),
                          verdict.header ? "taken for the names of the columns" : "taken for data",
                          verdict.doubt, verdict.header ? "no" : "yes"));
    layout_.cells = static_cast<std::int64_t>(first.cells.size());
    counted_at_ = line_;
    if (verdict.header) {
      for (std::size_t i = 0; i < first.cells.size(); ++i) {
        layout_.names.push_back(first.cells[i].string());
        if (!csv::is_utf8(layout_.names.back()))
          refuse(line_, ", column {}: the name is not UTF-8; iconv -f LATIN1 -t UTF-8 may help",
                 i + 1);
      }
      offset_ = after_header;
      line_ = line_after;
      if (first.cells[0].text.empty() && first.cells.size() > 1 && !second.cells.empty() &&
          second.cells[0].text == "0")
        warn_at(counted_at_,
                "column 1 has no name and counts the rows, as pandas writes its "
                "index; --columns 2- leaves it out");
    }
    has_header_ = verdict.header;
    choose_columns();
  }

  [[noreturn]] void refuse_zero(std::int64_t line) const {
    refuse(line, ": a zero byte; the file is damaged or not UTF-8 text (iconv converts UTF-16)");
  }

  void choose_columns() {
    const Columns known(file_, layout_.names, layout_.cells);
    chosen_ = known.in("columns", options_.columns);
    if (chosen_.empty())
      for (std::int64_t c = 0; c < layout_.cells; ++c) chosen_.push_back(c);
    const auto dropped = known.in("drop_columns", options_.drop_columns);
    std::erase_if(chosen_, [&](auto c) { return std::ranges::find(dropped, c) != dropped.end(); });
    if (chosen_.empty()) throw ValueError(fmt::format("'{}': no column is left", file_));
    columns_.resize(static_cast<std::size_t>(layout_.cells));
    for (const auto c : chosen_) columns_[static_cast<std::size_t>(c)].open = true;
    for (const auto c : known.in("text", options_.text)) {
      auto& column = columns_[static_cast<std::size_t>(c)];
      column.text = std::exchange(column.open, false);
    }
  }

  void read_rows() {
    Records reader = records(delimiters_of(dialect_.delimiter));
    std::int64_t blank_end = 0;  // blank rows that nothing follows yet
    while (const auto record = reader.next()) {
      if (record->text.find('\0') != std::string_view::npos) refuse_zero(record->line);
      if (csv::is_blank(record->text, dialect_.delimiter)) {
        if (record->comment) continue;
        if (layout_.cells > 1) {
          ++blank_lines_;
          continue;
        }
        ++blank_end;
      } else {
        blank_rows_ += std::exchange(blank_end, 0);
      }
      count_cells(*record);
      look_at_cells(*record);
      if (layout_.rows++ % mark_rows == 0) {
        layout_.mark_offsets.push_back(record->offset);
        layout_.mark_lines.push_back(record->line);
      }
    }
    layout_.rows -= blank_end;
    blank_lines_ += blank_end;
    const auto marks = static_cast<std::size_t>((layout_.rows + mark_rows - 1) / mark_rows);
    layout_.mark_offsets.resize(marks);
    layout_.mark_lines.resize(marks);
    if (layout_.rows > 0) return;
    throw ValueError(has_header_ ? fmt::format("'{}' has a header and no rows", file_)
                                 : fmt::format("'{}' has no row", file_));
  }

  void count_cells(const Record& record) {
    const auto n = std::max<std::int64_t>(1, csv::count_cells(record.text, layout_.delimiter));
    if (layout_.row_cells == 0 && (n == layout_.cells || (has_header_ && n == layout_.cells + 1))) {
      layout_.row_cells = n;
      if (n != layout_.cells) first_row_line_ = record.line;
    }
    const auto wanted = layout_.row_cells ? layout_.row_cells : layout_.cells;
    if (n != wanted)
      refuse(record.line, ": expected {} column{} as in line {}, got {}", wanted,
             wanted == 1 ? "" : "s", first_row_line_ ? first_row_line_ : counted_at_, n);
    const auto last = record.text.find_last_not_of(" \t");
    const bool ends_with_delimiter =
        dialect_.delimiter == '\t'
            ? record.text.ends_with('\t')
            : last != std::string_view::npos && record.text[last] == dialect_.delimiter;
    if (n == 1 || dialect_.delimiter == ' ' || !ends_with_delimiter) all_end_open_ = false;
  }

  // Which columns hold text and how long it is.
  void look_at_cells(const Record& record) {
    if (undecided_ == 0 && !has_text_) return;
    Cells cells(record.text, layout_.delimiter);
    undecided_ = 0;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      const auto cell = cells.next().value_or(Cell{});
      Column& column = columns_[i];
      if (column.open && !csv::is_missing(cell, dialect_)) {
        column.open = false;
        column.text = !csv::number_in(cell, dialect_) && !csv::resembles_number(cell.text) &&
                      !cell.is_broken();
      }
      undecided_ += column.open;
      has_text_ |= column.text;
      if (!column.open && !column.text) continue;
      constexpr std::int64_t most = 65535;
      column.longest = std::max(column.longest, std::ssize(cell.text));
      if (column.longest > most)
        refuse(record.line,
               ", column {}: text of {} bytes, of which at most {} are kept; "
               "--drop-columns leaves the column out",
               i + 1, cell.text.size(), most);
      if (column.text && !csv::is_utf8(cell.text))
        refuse(record.line,
               ", column {}: text that is not UTF-8; iconv -f LATIN1 -t UTF-8 may help", i + 1);
    }
  }

  // The delimiter that ends every row is no column; text and numbers part.
  void settle_columns() {
    const bool longer = layout_.row_cells > layout_.cells;
    if (longer && !all_end_open_)
      refuse(first_row_line_, ": expected {} column{} as in line {}, got {}", layout_.cells,
             layout_.cells == 1 ? "" : "s", counted_at_, layout_.row_cells);
    const bool nameless = layout_.names.empty() || layout_.names.back().empty();
    if (all_end_open_ && (longer || (nameless && layout_.cells > 1))) {
      layout_.cells = layout_.row_cells - 1;
      if (!layout_.names.empty()) layout_.names.resize(static_cast<std::size_t>(layout_.cells));
      std::erase(chosen_, layout_.cells);
      warn(
          fmt::format("'{}': every row ends with a delimiter; the empty column behind it is left "
                      "out",
                      file_));
    }
    for (const auto c : chosen_) {
      const Column& column = columns_[static_cast<std::size_t>(c)];
      if (column.text)
        layout_.text.emplace_back(c, std::max<std::int64_t>(1, column.longest));
      else
        layout_.numbers.push_back(c);
    }
  }

  struct Column {
    bool open = false;  ///< not known yet whether it holds text
    bool text = false;
    std::int64_t longest = 0;  ///< bytes
  };

  const std::string& file_;
  const TableOptions& options_;
  Dialect dialect_;
  const InputFile& input_;
  Layout layout_;
  std::int64_t offset_ = 0;  // where the rows start
  std::int64_t line_ = 1;
  std::string comment_;  // the last one above the table
  std::int64_t comment_line_ = 0;
  bool has_header_ = false;
  std::int64_t counted_at_ = 0;      // the line that says how many columns there are
  std::int64_t first_row_line_ = 0;  // when it has one more
  bool all_end_open_ = true;
  std::vector<std::int64_t> chosen_;
  std::vector<Column> columns_;
  std::int64_t undecided_ = 1;
  bool has_text_ = false;
  std::int64_t blank_lines_ = 0;
  std::int64_t blank_rows_ = 0;
};

/// What the sources of one table share.
struct Shared {
  std::string file;
  FileIdentity first;
  Dialect dialect;
  Layout layout;
  /// The first line with a whole number that float64 does not have, and its column.
  mutable std::atomic<std::int64_t> lost_at = std::numeric_limits<std::int64_t>::max();

  /// "column 3" or "column 3 ('width')"
  std::string column(std::int64_t c) const {
    const auto& names = layout.names;
    if (names.empty()) return fmt::format("column {}", c + 1);
    return fmt::format("column {} ('{}')", c + 1, names[static_cast<std::size_t>(c)]);
  }
};

class CsvSource : public FileSource {
 public:
  CsvSource(std::shared_ptr<const Shared> table, Shape shape, DType dtype, const Communicator& comm)
      : FileSource(table->file, table->first, std::move(shape), dtype, comm),
        table_(std::move(table)) {}

 protected:
  void fill(const InputFile& input, std::int64_t, Range rows, const Tile& out) const override {
    const Layout& layout = table_->layout;
    const auto begin = static_cast<std::size_t>(rows.begin / mark_rows);
    const auto end = static_cast<std::size_t>((rows.end + mark_rows - 1) / mark_rows);
    Records records(input, file(), layout.mark_offsets[begin],
                    end < layout.mark_offsets.size() ? layout.mark_offsets[end] : layout.size,
                    layout.mark_lines[begin], delimiters_of(layout.delimiter),
                    table_->dialect.comment);
    std::vector<Cell> cells;
    for (std::int64_t row = 0; row < out.rows;) {
      const auto record = records.next();
      if (!record) refuse_changed();
      if (csv::is_blank(record->text, layout.delimiter) && (record->comment || layout.cells > 1))
        continue;
      cells.clear();
      Cells all(record->text, layout.delimiter);
      while (const auto cell = all.next()) cells.push_back(*cell);
      if (cells.empty()) cells.emplace_back();
      if (std::ssize(cells) != layout.row_cells) refuse_changed();
      put(cells, record->line, out, row++);
    }
  }
  virtual void put(const std::vector<Cell>& cells, std::int64_t line, const Tile& out,
                   std::int64_t row) const = 0;
  const Shared& table() const { return *table_; }

 private:
  [[noreturn]] void refuse_changed() const {
    throw OSError(fmt::format("'{}' changed while it was read", file()));
  }
  std::shared_ptr<const Shared> table_;
};

class NumberSource : public CsvSource {
 public:
  NumberSource(std::shared_ptr<const Shared> table, const Communicator& comm)
      : CsvSource(table, shape_of(table->layout), DType::float64, comm) {}

 private:
  static Shape shape_of(const Layout& layout) {
    if (layout.numbers.size() == 1) return {layout.rows};
    return {layout.rows, std::ssize(layout.numbers)};
  }
  void put(const std::vector<Cell>& cells, std::int64_t line, const Tile& out,
           std::int64_t row) const override {
    auto* to = out.as<double>() + row * out.stride;
    for (const auto c : table().layout.numbers) {
      const Cell& cell = cells[static_cast<std::size_t>(c)];
      const auto value = csv::number_in(cell, table().dialect);
      if (!value)
        throw ValueError(fmt::format("'{}', line {}, {}: expected a number, got '{}'{}", file(),
                                     line, table().column(c), csv::shown(cell),
                                     csv::advice(cell, table().dialect)));
      *to++ = *value;
      if (!csv::loses_digits(cell, *value)) continue;
      auto& first = table().lost_at;
      for (auto at = first.load(); line < at && !first.compare_exchange_weak(at, line);) {
      }
    }
  }
};

class TextSource : public CsvSource {
 public:
  TextSource(std::shared_ptr<const Shared> table, std::int64_t column, std::int64_t longest,
             const Communicator& comm)
      : CsvSource(table, {table->layout.rows, longest}, DType::uint8, comm), column_(column) {}

 private:
  void put(const std::vector<Cell>& cells, std::int64_t, const Tile& out,
           std::int64_t row) const override {
    const std::string text = cells[static_cast<std::size_t>(column_)].string();
    auto* to = out.as<std::uint8_t>() + row * out.stride;
    const auto n = std::min(text.size(), static_cast<std::size_t>(out.cols));
    std::memcpy(to, text.data(), n);
    std::memset(to + n, 0, static_cast<std::size_t>(out.cols) - n);
  }
  std::int64_t column_;
};

}  // namespace

Table open_table(const std::string& file, const TableOptions& options, const Communicator& comm) {
  const FileIdentity first = require_readable(file, comm);
  const auto shared = std::make_shared<Shared>();
  shared->file = file;
  shared->first = first;
  shared->dialect = dialect_of(options);
  std::string packed;
  on_first(comm, [&] {
    Layout layout;
    reading_unchanged(file, first,
                      [&](const InputFile& input) { layout = Survey(file, input, options).run(); });
    std::ostringstream stream(std::ios::binary);
    cereal::BinaryOutputArchive{stream}(layout);
    packed = std::move(stream).str();
  });
  comm.broadcast(packed, 0);
  together(comm, [&] {
    std::istringstream stream(packed, std::ios::binary);
    cereal::BinaryInputArchive{stream}(shared->layout);
  });
  const Layout& layout = shared->layout;
  shared->dialect.delimiter = layout.delimiter;

  Table table;
  const auto name_of = [&](std::int64_t c) {
    return layout.names.empty() ? "" : layout.names[static_cast<std::size_t>(c)];
  };
  if (!layout.numbers.empty()) {
    std::vector<std::string> names;
    for (const auto c : layout.numbers)
      if (!layout.names.empty()) names.push_back(name_of(c));
    table.numbers = Rows(std::make_shared<NumberSource>(shared, comm)).named(std::move(names));
  }
  for (const auto& [column, longest] : layout.text)
    table.text.push_back({name_of(column), column + 1,
                          Rows(std::make_shared<TextSource>(shared, column, longest, comm))});
  table.warn_of_lost_digits = [shared, comm] {
    std::array<std::int64_t, 1> line = {shared->lost_at.load()};
    comm.all_reduce(std::span(line), Reduce::min);
    if (line[0] < std::numeric_limits<std::int64_t>::max())
      warn(
          fmt::format("'{}' has whole numbers beyond 2^53, first in line {}; of such, float64 "
                      "keeps the nearest it has (--text keeps the digits)",
                      shared->file, line[0]));
  };
  return table;
}

Rows stream_csv(const std::string& file, const TableOptions& options, const Communicator& comm) {
  const Table table = open_table(file, options, comm);
  if (!table.numbers) throw ValueError(fmt::format("'{}' has no column of numbers", file));
  return *table.numbers;
}

}  // namespace tessera::io
