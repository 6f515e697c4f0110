#include <fmt/format.h>

#include <array>
#include <atomic>
#include <cstring>
#include <vector>

#include <tessera/io/convert.hpp>
#include <tessera/io/csv_survey.hpp>
#include <tessera/io/file_source.hpp>
#include <tessera/io/readable.hpp>
#include <tessera/runtime/archive.hpp>
#include <tessera/runtime/error.hpp>

namespace tessera::io {
namespace {

using csv::Cell;
using csv::Cells;
using csv::Dialect;
using csv::Layout;
using csv::Records;

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
    const auto begin = static_cast<std::size_t>(rows.begin / csv::mark_rows);
    const auto end = static_cast<std::size_t>((rows.end + csv::mark_rows - 1) / csv::mark_rows);
    Records records(input, file(), layout.mark_offsets[begin],
                    end < layout.mark_offsets.size() ? layout.mark_offsets[end] : layout.size,
                    layout.mark_lines[begin], csv::delimiters_of(layout.delimiter),
                    table_->dialect.comment);
    std::vector<Cell> cells;
    for (std::int64_t row = 0; row < out.rows;) {
      const auto record = records.next();
      if (!record) refuse_changed();
      if (csv::is_blank(record->text, layout.delimiter) &&
          (record->comment || layout.row_cells > 1))
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
  shared->dialect = csv::dialect_of(options);
  std::string packed;
  on_first(comm, [&] {
    reading_unchanged(file, first, [&](const InputFile& input) {
      packed = detail::to_bytes(csv::survey(file, input, options));
    });
  });
  comm.broadcast(packed, 0);
  together(comm, [&] { shared->layout = detail::from_bytes<Layout>(packed); });
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
