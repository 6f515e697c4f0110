#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <tessera/io/convert.hpp>
#include <tessera/io/csv_text.hpp>
#include <tessera/io/readable.hpp>

namespace tessera::io::csv {

/// The smallest leaf there is; all leaves start at a multiple of it.
constexpr std::int64_t mark_rows = 256;

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

/// The delimiters between cells, for readers of records.
std::string delimiters_of(char delimiter);

/// What the options say of the dialect; the delimiter is 0 when it is to be found out.
Dialect dialect_of(const TableOptions& options);

/// Looks at a text table once; on rank 0.
Layout survey(const std::string& file, const InputFile& input, const TableOptions& options);

}  // namespace tessera::io::csv
