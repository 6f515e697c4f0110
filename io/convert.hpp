#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <tessera/io/location.hpp>
#include <tessera/runtime/rows.hpp>

namespace tessera::io {

/// How a text table is to be read. The lists of columns hold names and numbers (from 1) and ranges
/// of either, with commas: "2-", "1,3-5", "width-height"; a name with a comma, or one that looks
/// like a number, stands in double quotes.
struct TableOptions {
  enum class Header { automatic, yes, no };
  /// Whether the first row has the names of the columns. automatic: unless all its cells are
  /// numbers; numbers that count 0, 1, 2, ... are names as well, as pandas writes them, and a
  /// warning says what was decided whenever it is in doubt.
  Header header = Header::automatic;
  std::string delimiter{};  ///< one character, "tab", or "blank" for runs of blanks; "": found out
  std::string decimal = ".";
  std::string thousands{};     ///< the character between groups of three digits; "": none
  std::string comment{};       ///< a character that starts a comment; "": only #, above the table
  std::int64_t skip_rows = 0;  ///< lines to leave out at the start
  std::vector<std::string> na_values{};  ///< more words or numbers for a missing value
  std::string columns{};                 ///< the columns to take, in this order; "": all
  std::string drop_columns{};            ///< columns to leave out
  std::string text{};                    ///< columns that are text whatever they look like

  bool operator==(const TableOptions&) const = default;
};

/// The words of a list with commas: a,b,"c,d". Local.
std::vector<std::string> split_list(const std::string& list);

/// A column of a text table that is no column of numbers.
struct TextColumn {
  std::string name;         ///< "" without a header
  std::int64_t number = 0;  ///< counted from 1
  Rows rows;  ///< uint8, (n, longest): the bytes of each cell as it stands, filled up with zeros
};

/// A text table before it is read.
struct Table {
  /// The columns of numbers as float64 rows of shape (n, columns), or (n,) when there is one, with
  /// their names; missing values are NaN. Passes over the rows throw ValueError naming line and
  /// column of a cell that is no number. None when all columns are text.
  std::optional<Rows> numbers;
  std::vector<TextColumn> text;
  /// Warns if a pass met whole numbers that float64 does not have. Collective.
  std::function<void()> warn_of_lost_digits;
};

/// Looks once through a text table (.csv, .tsv): on rank 0, in blocks. Cells are separated by
/// commas, semicolons, tabs, | or blanks, whichever fits the first two rows. Quotes are RFC 4180's;
/// lines end with \n, \r\n or \r.
/// "" and what pandas takes for a missing value are NaN (NA, N/A, null, None, NaN, ...). A column
/// whose first cell with a value is no number is text. Blank lines are left out with a warning, or
/// are missing values where the table has one column.
///
/// ValueError for an empty table, rows of different lengths (a delimiter that ends all rows is
/// left out with a warning), an open quote, other encodings than UTF-8, an option that fits
/// nothing; OSError when the file cannot be read. Collective.
Table open_table(const std::string& file, const TableOptions& options = {},
                 const Communicator& comm = Communicator::world());

/// The numbers of open_table() alone; ValueError when there are none. Collective.
Rows stream_csv(const std::string& file, const TableOptions& options = {},
                const Communicator& comm = Communicator::world());

/// The array of a NumPy .npy file (format versions 1 to 3, C or Fortran order, either byte order)
/// as rows, read when needed. float16 becomes float32. TypeError for other dtypes than numbers and
/// bools, OSError for a file that cannot be read, is no .npy file or does not have the size that it
/// says. Collective.
Rows stream_npy(const std::string& file, const Communicator& comm = Communicator::world());

/// Writes a .csv, .tsv or .npy file or an image (array_file.hpp) as HDF5 datasets, without holding
/// it in memory: every process turns its rows around. Columns of text become datasets of
/// fixed-length UTF-8 strings in the group TARGET_text, named as the column or else column_N; a
/// table of one such column is written to the target itself. A target without a dataset that is an
/// image or .npy is written from any of these or from FILE.h5:/dataset; of a table numbers alone.
/// ValueError for columns of text then, for other endings and for options where there is no text.
/// Errors of what it reads and writes with. Collective.
void convert(const std::string& source, const Location& target, const TableOptions& options = {},
             const Communicator& comm = Communicator::world());

}  // namespace tessera::io
