#pragma once
#include <cstdint>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <tessera/io/file_source.hpp>

/// The text of a table: records, cells and numbers, for csv.cpp.
namespace tessera::io::csv {

/// How a table is written.
struct Dialect {
  char delimiter = ',';  ///< ' ' for any run of blanks and tabs
  char decimal = '.';
  char thousands = '\0';                       ///< none
  char comment = '\0';                         ///< none
  std::set<std::string, std::less<>> missing;  ///< what stands for a missing value, beside ""
  std::vector<double> missing_numbers;         ///< and the numbers that do
};

/// One row of text. Its lines are many where a quoted cell holds line ends.
struct Record {
  std::string_view text;    ///< without its end and what follows a comment character
  std::int64_t offset = 0;  ///< in the file
  std::int64_t line = 0;    ///< the first one, counted from 1
  bool comment = false;     ///< a comment character was met
};

/// Hands out the records of a stretch of a file, read in blocks. A line ends with \n, \r\n or \r.
/// ValueError for a quote that is not closed and for a record of more than 256 MiB.
class Records {
 public:
  /// `line` is the number of the line at `begin`; any of `delimiters` starts a cell.
  Records(const InputFile& input, std::string file, std::int64_t begin, std::int64_t end,
          std::int64_t line, std::string_view delimiters, char comment);

  /// The next record, valid until the next call; none at the end.
  std::optional<Record> next();
  /// The next line, whatever its quotes.
  std::optional<Record> next_line();
  /// Where the next record starts, and its line.
  std::int64_t offset() const { return read_ - static_cast<std::int64_t>(block_.size() - at_); }
  std::int64_t line() const { return line_; }

 private:
  std::optional<std::size_t> line_end();
  std::size_t find(char c, std::size_t& known) const;
  bool fetch();
  Record take(std::size_t text_end, std::size_t line_end, bool comment);
  Record scan();
  Record scanned();

  const InputFile& input_;
  std::string file_;
  std::int64_t read_;
  std::int64_t end_;
  std::int64_t line_;
  std::string delimiters_;
  char comment_;
  std::string block_;
  std::size_t at_ = 0;
  std::size_t line_feed_ = 0;  // the next ones from at_ on, when they are not before it
  std::size_t carriage_return_ = 0;
};

struct Cell {
  std::string_view text;  ///< trimmed; without the quotes around it
  bool quoted = false;

  /// The text with doubled quotes undone.
  std::string string() const;
  /// Something follows the closing quote; `text` is all of it.
  bool is_broken() const { return !quoted && text.starts_with('"'); }
};

/// Takes cells off a record.
class Cells {
 public:
  Cells(std::string_view record, char delimiter);
  /// The next cell; none when the record is used up.
  std::optional<Cell> next();

 private:
  std::string_view rest_;
  char delimiter_;
  bool done_ = false;
};

/// The start of a cell for a message.
std::string shown(const Cell& cell);

std::int64_t count_cells(std::string_view record, char delimiter);

/// True for a line of blanks, which has no cell of a table with several columns.
bool is_blank(std::string_view record, char delimiter);

/// The number in a cell, NaN for a missing value; none for anything else.
std::optional<double> number_in(const Cell& cell, const Dialect& dialect);
bool is_missing(const Cell& cell, const Dialect& dialect);
/// Digits only, with or without a sign.
bool is_integer(std::string_view text);
/// A whole number that no double has.
bool loses_digits(const Cell& cell, double value);

/// Looks like a number in a notation that was not asked for (1,5 or 1 000 or 0x10), or like a sign
/// for nothing (? or -): no evidence that a column holds text.
bool resembles_number(std::string_view text);
/// What the user may want to say about a cell that is no number; begins with "; ".
std::string advice(const Cell& cell, const Dialect& dialect);

bool is_utf8(std::string_view text);

/// The words of a list "a,b,\"c,d\"", with whether each was quoted.
std::vector<std::pair<std::string, bool>> words(std::string_view list);

}  // namespace tessera::io::csv
