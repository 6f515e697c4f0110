#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

#include <tessera/io/convert.hpp>
#include <tessera/io/file_source.hpp>
#include <tessera/io/readable.hpp>
#include <tessera/runtime/error.hpp>

namespace tessera::io {
namespace {

/// The smallest leaf there is; all leaves start at a multiple of it.
constexpr std::int64_t mark_rows = 256;
constexpr std::string_view blanks = " \r";

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(blanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

bool is_blank(std::string_view line) {
  return line.find_first_not_of(" \r\t") == std::string_view::npos;
}

std::optional<double> number_in(std::string_view cell) {
  cell = trimmed(cell);
  if (cell.size() >= 2 && cell.front() == '"' && cell.back() == '"')
    cell = trimmed(cell.substr(1, cell.size() - 2));
  if (cell.starts_with('+') && !cell.starts_with("+-")) cell.remove_prefix(1);
  double value = 0.0;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  if (cell.empty() || end != cell.data() + cell.size()) return {};
  // Too large or too small for a double: strtod gives infinity or zero, as NumPy does.
  if (error == std::errc::result_out_of_range)
    return std::strtod(std::string(cell).c_str(), nullptr);
  if (error != std::errc()) return {};
  return value;
}

/// Takes the next cell off `line`; none when the line is used up. Separators inside double quotes
/// do not count.
class Cells {
 public:
  Cells(std::string_view line, char separator) : rest_(line), separator_(separator) {}
  std::optional<std::string_view> next() {
    if (done_) return {};
    bool quoted = false;
    std::size_t end = 0;
    for (; end < rest_.size() && (quoted || rest_[end] != separator_); ++end)
      if (rest_[end] == '"') quoted = !quoted;
    const std::string_view cell = rest_.substr(0, end);
    done_ = end == rest_.size();
    rest_.remove_prefix(done_ ? end : end + 1);
    return cell;
  }

 private:
  std::string_view rest_;
  char separator_;
  bool done_ = false;
};

char separator_of(std::string_view line) {
  for (const char c : {'\t', ';'})
    if (line.find(c) != std::string_view::npos) return c;
  return ',';
}

bool is_header(std::string_view line, char separator) {
  Cells cells(line, separator);
  while (const auto cell = cells.next())
    if (number_in(*cell)) return false;
  return true;
}

/// Hands out the lines of a stretch of a file, read in blocks.
class Lines {
 public:
  Lines(const InputFile& input, std::int64_t begin, std::int64_t end)
      : input_(input), read_(begin), end_(end) {}

  /// The next line without its end; valid until the next call. None at the end.
  std::optional<std::string_view> next() {
    for (;;) {
      const auto found = block_.find('\n', searched_);
      if (found != std::string::npos) return take(found, found + 1);
      searched_ = block_.size();
      if (read_ == end_) {
        if (at_ == block_.size()) return {};
        return take(block_.size(), block_.size());
      }
      fetch();
    }
  }
  /// Where the next line starts.
  std::int64_t offset() const { return read_ - static_cast<std::int64_t>(block_.size() - at_); }

 private:
  std::string_view take(std::size_t line_end, std::size_t next) {
    const auto line = std::string_view(block_).substr(at_, line_end - at_);
    at_ = next;
    searched_ = next;
    return line;
  }
  void fetch() {
    constexpr std::int64_t block = 1 << 20;
    block_.erase(0, at_);
    at_ = 0;
    searched_ = block_.size();
    const auto n = static_cast<std::size_t>(std::min(block, end_ - read_));
    block_.resize(searched_ + n);
    input_.read(read_, n, block_.data() + searched_);
    read_ += static_cast<std::int64_t>(n);
  }

  const InputFile& input_;
  std::int64_t read_;
  std::int64_t end_;
  std::string block_;
  std::size_t at_ = 0;
  std::size_t searched_ = 0;
};

struct Mark {
  std::int64_t offset = 0;
  std::int64_t line = 0;  ///< counted from 1
};

/// What one look at the whole text tells.
struct Layout {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::int64_t separator = ',';
  std::int64_t size = 0;
  std::vector<Mark> marks;  ///< where the rows 0, mark_rows, 2 mark_rows, ... start
};

Layout survey(const std::string& file) {
  const InputFile input(file);
  std::string start(static_cast<std::size_t>(std::min<std::int64_t>(3, input.size())), '\0');
  input.read(0, start.size(), start.data());
  Lines lines(input, start == "\xef\xbb\xbf" ? 3 : 0, input.size());
  Layout layout;
  layout.size = input.size();
  bool first = true;
  for (std::int64_t number = 1;; ++number) {
    const std::int64_t offset = lines.offset();
    const auto line = lines.next();
    if (!line) break;
    if (is_blank(*line)) continue;
    if (first) {
      first = false;
      const char separator = separator_of(*line);
      layout.separator = separator;
      Cells cells(*line, separator);
      while (cells.next()) ++layout.columns;
      if (is_header(*line, separator)) continue;
    }
    if (layout.rows++ % mark_rows == 0) layout.marks.push_back({offset, number});
  }
  if (layout.rows == 0) throw ValueError(fmt::format("'{}' has no line of numbers", file));
  return layout;
}

class CsvSource : public FileSource {
 public:
  CsvSource(const std::string& file, const FileIdentity& first, Layout layout,
            const Communicator& comm)
      : FileSource(file, first,
                   layout.columns == 1 ? Shape{layout.rows} : Shape{layout.rows, layout.columns},
                   DType::float64, comm),
        layout_(std::move(layout)) {}

 protected:
  void fill(const InputFile& input, std::int64_t, Range rows, const Tile& out) const override {
    const auto end = static_cast<std::size_t>((rows.end + mark_rows - 1) / mark_rows);
    const Mark mark = layout_.marks[static_cast<std::size_t>(rows.begin / mark_rows)];
    Lines lines(input, mark.offset,
                end < layout_.marks.size() ? layout_.marks[end].offset : layout_.size);
    auto* to = out.as<double>();
    std::int64_t number = mark.line;
    for (std::int64_t row = 0; row < out.rows; ++number) {
      const auto line = lines.next();
      if (!line) throw OSError(fmt::format("'{}' changed while it was read", file()));
      if (is_blank(*line)) continue;
      parse(*line, number, to + row * out.stride);
      ++row;
    }
  }

 private:
  void parse(std::string_view line, std::int64_t number, double* to) const {
    Cells cells(line, static_cast<char>(layout_.separator));
    std::int64_t column = 0;
    while (const auto cell = cells.next()) {
      if (column < layout_.columns) {
        const auto value = number_in(*cell);
        if (!value)
          throw ValueError(fmt::format("'{}', line {}, column {}: expected a number, got '{}'",
                                       file(), number, column + 1, trimmed(*cell).substr(0, 40)));
        to[column] = *value;
      }
      ++column;
    }
    if (column != layout_.columns)
      throw ValueError(
          fmt::format("'{}', line {}: expected {} columns as in the first line, got {}", file(),
                      number, layout_.columns, column));
  }

  Layout layout_;
};

}  // namespace

Rows stream_csv(const std::string& file, const Communicator& comm) {
  const FileIdentity first = require_readable(file, comm);
  Layout layout;
  on_first(comm, [&] {
    reading_unchanged(file, first, [&](const InputFile&) { layout = survey(file); });
  });
  std::array<std::int64_t, 5> facts = {layout.rows, layout.columns, layout.separator, layout.size,
                                       static_cast<std::int64_t>(layout.marks.size())};
  comm.broadcast(std::span(facts), 0);
  together(comm, [&] { layout.marks.resize(static_cast<std::size_t>(facts[4])); });
  comm.broadcast(std::span(layout.marks), 0);
  layout.rows = facts[0];
  layout.columns = facts[1];
  layout.separator = facts[2];
  layout.size = facts[3];
  return Rows(std::make_shared<CsvSource>(file, first, std::move(layout), comm));
}

}  // namespace tessera::io
