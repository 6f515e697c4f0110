#include <tessera/io/csv_survey.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include <tessera/io/csv_columns.hpp>
#include <tessera/io/csv_header.hpp>
#include <tessera/runtime/error.hpp>

namespace tessera::io::csv {

std::string delimiters_of(char delimiter) {
  return delimiter == ' ' ? " \t" : std::string(1, delimiter);
}

namespace {

char one_character(const std::string& option, const std::string& value) {
  if (value.size() == 1 && value[0] > 0 && value[0] != '"' && value[0] != '\n' && value[0] != '\r')
    return value[0];
  throw ValueError(fmt::format("{} must be one ASCII character{}, got '{}'", option,
                               option == "delimiter" ? ", 'tab' or 'blank'" : "", value));
}
}  // namespace

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
    if (const auto number = number_in({value}, d); number && *number == *number)
      d.missing_numbers.push_back(*number);
    d.missing.insert(value);
  }
  return d;
}

namespace {

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
        const char signs[] = {comment_sign(), ' ', '\t', '\0'};
        const auto start = line->text.find_first_not_of(signs);
        comment_ = start == std::string_view::npos ? "" : line->text.substr(start);
        comment_line_ = line_;
      } else if (is_blank(line->text, dialect_.delimiter ? dialect_.delimiter : '\t')) {
        ++blank_lines_;
        comment_.clear();
      } else {
        break;
      }
    }
  }

  char comment_sign() const { return dialect_.comment ? dialect_.comment : '#'; }

  // A # that is no missing value (#N/A) and not the name of a column.
  bool is_comment(std::string_view line) const {
    const auto start = line.find_first_not_of(" \t");
    if (start == std::string_view::npos || line[start] != comment_sign()) return false;
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
        if (is_blank(record->text, '\t')) continue;
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

    Verdict verdict = verdict_on(first, second, dialect_);
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
        if (!is_utf8(layout_.names.back()))
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
      if (is_blank(record->text, dialect_.delimiter)) {
        if (record->comment) continue;
        if (std::max(layout_.cells, layout_.row_cells) > 1) {
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
      if (column.open && !is_missing(cell, dialect_)) {
        column.open = false;
        column.text =
            !number_in(cell, dialect_) && !resembles_number(cell.text) && !cell.is_broken();
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
      if (column.text && !is_utf8(cell.text))
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

}  // namespace

Layout survey(const std::string& file, const InputFile& input, const TableOptions& options) {
  return Survey(file, input, options).run();
}

}  // namespace tessera::io::csv
