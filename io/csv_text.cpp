#include <tessera/io/csv_text.hpp>

#include <fmt/format.h>
#include <locale.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>

#include <tessera/runtime/error.hpp>

namespace tessera::io::csv {
namespace {

constexpr std::string_view blanks = " \t\r\n";
constexpr auto npos = std::string_view::npos;

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(blanks);
  if (begin == npos) return {};
  return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::optional<double> plain_number(std::string_view text) {
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  double value = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || end != text.data() + text.size()) return {};
  if (error == std::errc()) return value;
  if (error != std::errc::result_out_of_range) return {};
  // Too large or too small for a double: infinity or zero, as in NumPy, whatever the locale.
  static const locale_t c_locale = newlocale(LC_ALL_MASK, "C", nullptr);
  return strtod_l(std::string(text).c_str(), nullptr, c_locale);
}

/// Fortran's 1.5D+02 as 1.5E+02; a mantissa without a point may be something else.
std::optional<double> fortran_number(std::string_view text) {
  const auto exponent = text.find_first_of("dD");
  if (exponent == npos || text.substr(0, exponent).find('.') == npos) return {};
  std::string copy(text);
  copy[exponent] = 'e';
  return plain_number(copy);
}

/// The text with '.' for the decimal character and without separators of thousands, which must
/// stand between groups of three digits; none where '.' would mean something else.
std::optional<std::string> translated(std::string_view text, const Dialect& d) {
  const auto start = text.find_first_not_of("+-");
  if (start == npos) return {};
  const auto whole_end = std::min(text.find_first_of(std::string("eEdD") + d.decimal), text.size());
  std::string out(text.substr(0, start));
  const auto whole = text.substr(start, std::max(whole_end, start) - start);
  if (d.thousands && whole.find(d.thousands) != npos) {
    for (std::size_t i = 0; i < whole.size(); ++i) {
      const bool separator = (whole.size() - i) % 4 == 0;
      if (separator ? whole[i] != d.thousands || i == 0 : !is_digit(whole[i])) return {};
      if (!separator) out += whole[i];
    }
  } else {
    if (d.decimal != '.' && whole.find('.') != npos) return {};
    out += whole;
  }
  for (const char c : text.substr(whole_end)) {
    if (c == '.' && d.decimal != '.') return {};
    out += c == d.decimal ? '.' : c;
  }
  return out;
}

}  // namespace

Records::Records(const InputFile& input, std::string file, std::int64_t begin, std::int64_t end,
                 std::int64_t line, std::string_view delimiters, char comment)
    : input_(input),
      file_(std::move(file)),
      read_(begin),
      end_(end),
      line_(line),
      delimiters_(delimiters),
      comment_(comment) {}

// More of the file behind what the block holds from at_ on; false at the end.
bool Records::fetch() {
  constexpr std::int64_t block = 1 << 20;
  constexpr std::size_t longest = 256 << 20;
  if (read_ == end_) return false;
  block_.erase(0, at_);
  at_ = 0;
  line_feed_ = carriage_return_ = 0;
  const std::size_t had = block_.size();
  if (had > longest)
    throw ValueError(
        fmt::format("'{}', line {}: more than {} MiB without an end of the row; is a quote left "
                    "open?",
                    file_, line_, longest >> 20));
  // Doubling keeps the work on a long record linear.
  const auto n = std::min(std::max(block, static_cast<std::int64_t>(had)), end_ - read_);
  block_.resize(had + static_cast<std::size_t>(n));
  input_.read(read_, static_cast<std::size_t>(n), block_.data() + had);
  read_ += n;
  return true;
}

// Remembers where the next one is, so that a block without any is searched once.
std::size_t Records::find(char c, std::size_t& known) const {
  if (known <= at_) known = std::min(block_.find(c, at_), block_.size()) + 1;
  return known - 1;
}

// Where the line that starts at at_ ends; none when the block has to grow first.
std::optional<std::size_t> Records::line_end() {
  const std::size_t end = std::min(find('\n', line_feed_), find('\r', carriage_return_));
  if (end < block_.size() && (block_[end] == '\n' || end + 1 < block_.size() || read_ == end_))
    return end;
  if (read_ == end_) return block_.size();
  return {};
}

Record Records::take(std::size_t text_end, std::size_t end, bool comment) {
  const Record record{std::string_view(block_).substr(at_, text_end - at_), offset(), line_,
                      comment};
  ++line_;
  at_ = end;
  if (at_ < block_.size() && block_[at_] == '\r') ++at_;
  if (at_ < block_.size() && block_[at_] == '\n' && (at_ == end || block_[end] == '\r')) ++at_;
  return record;
}

std::optional<Record> Records::next_line() {
  for (;;) {
    if (at_ == block_.size() && read_ == end_) return {};
    if (const auto end = at_ < block_.size() ? line_end() : std::nullopt)
      return take(*end, *end, false);
    fetch();
  }
}

std::optional<Record> Records::next() {
  for (;;) {
    if (at_ == block_.size() && read_ == end_) return {};
    const auto end = at_ < block_.size() ? line_end() : std::nullopt;
    if (!end) {
      fetch();
      continue;
    }
    const std::string_view line = std::string_view(block_).substr(at_, *end - at_);
    if (line.find('"') != npos || (comment_ && line.find(comment_) != npos)) return scan();
    return Record(take(*end, *end, false));
  }
}

// A record with quotes or comments, which is looked at letter by letter. Ends of lines inside its
// quotes count as lines, too.
Record Records::scan() {
  const Record record = scanned();
  for (std::size_t i = 0; i < record.text.size(); ++i)
    if (record.text[i] == '\n' ||
        (record.text[i] == '\r' && !record.text.substr(i).starts_with("\r\n")))
      ++line_;
  return record;
}

Record Records::scanned() {
  bool cell_starts = true;
  std::size_t i = at_;
  const auto more = [&] {
    i -= at_;  // the block starts at at_ afterwards
    const bool got = fetch();
    i += at_;
    return got;
  };
  for (;; ++i) {
    if (i == block_.size() && !more()) return take(i, i, false);
    const char c = block_[i];
    if (c == '\n' || c == '\r') {
      // A \r that ends the block may be half of an end of line.
      if (c == '\r' && i + 1 == block_.size()) more();
      return take(i, i, false);
    }
    if (comment_ && c == comment_) {
      const std::size_t text_size = i - at_;
      std::size_t end = 0;
      for (;;) {
        end = block_.find_first_of("\r\n", i);
        if (end != npos && (block_[end] == '\n' || end + 1 < block_.size())) break;
        if (more()) continue;
        end = std::min(end, block_.size());
        break;
      }
      return take(at_ + text_size, end, true);
    }
    if (c == '"' && cell_starts) {
      for (;;) {
        const auto quote = block_.find('"', i + 1);
        i = std::min(quote, block_.size() - 1);
        if (i + 1 == block_.size() && more()) {
          if (quote == npos) continue;
        } else if (quote == npos) {
          throw ValueError(fmt::format("'{}', line {}: a quote is not closed", file_, line_));
        }
        if (i + 1 < block_.size() && block_[i + 1] == '"')
          ++i;  // a doubled one
        else
          break;
      }
      cell_starts = false;
    } else if (delimiters_.find(c) != npos) {
      cell_starts = true;
    } else if (c != ' ') {
      cell_starts = false;
    }
  }
}

std::string Cell::string() const {
  std::string out(text);
  if (quoted)
    for (auto at = out.find("\"\""); at != npos; at = out.find("\"\"", at + 1)) out.erase(at, 1);
  return out;
}

Cells::Cells(std::string_view record, char delimiter) : rest_(record), delimiter_(delimiter) {
  if (delimiter_ != ' ') return;
  rest_ = trimmed(rest_);
  done_ = rest_.empty();
}

std::optional<Cell> Cells::next() {
  if (done_) return {};
  const bool by_blanks = delimiter_ == ' ';
  const auto delimiter_from = [&](std::size_t from) {
    const auto at = by_blanks ? rest_.find_first_of(" \t", from) : rest_.find(delimiter_, from);
    return std::min(at, rest_.size());
  };
  Cell cell;
  std::size_t end = npos;
  const auto start = by_blanks ? 0 : rest_.find_first_not_of(' ');
  if (start != npos && start < rest_.size() && rest_[start] == '"') {
    auto close = rest_.find('"', start + 1);
    while (close != npos && close + 1 < rest_.size() && rest_[close + 1] == '"')
      close = rest_.find('"', close + 2);
    if (close != npos) {
      end = delimiter_from(close + 1);
      if (trimmed(rest_.substr(close + 1, end - close - 1)).empty())
        cell = {rest_.substr(start + 1, close - start - 1), true};
    }
  }
  if (end == npos) end = delimiter_from(0);
  if (!cell.quoted) cell.text = trimmed(rest_.substr(0, end));
  done_ = end == rest_.size();
  rest_.remove_prefix(done_ ? end : end + 1);
  if (by_blanks) {
    rest_ = trimmed(rest_);
    done_ = rest_.empty();
  }
  return cell;
}

std::string shown(const Cell& cell) {
  constexpr std::size_t most = 40;
  std::string out(cell.text.substr(0, most));
  if (cell.text.size() <= most) return out;
  while (!out.empty() && !is_utf8(out)) out.pop_back();
  return out + "...";
}

std::int64_t count_cells(std::string_view record, char delimiter) {
  if (delimiter != ' ' && record.find('"') == npos)
    return 1 + std::count(record.begin(), record.end(), delimiter);
  Cells cells(record, delimiter);
  std::int64_t n = 0;
  while (cells.next()) ++n;
  return n;
}

bool is_blank(std::string_view record, char delimiter) {
  return record.find_first_not_of(delimiter == '\t' ? " " : " \t") == npos;
}

bool is_missing(const Cell& cell, const Dialect& dialect) {
  const auto text = cell.quoted ? trimmed(cell.text) : cell.text;
  return text.empty() || dialect.missing.contains(text);
}

std::optional<double> number_in(const Cell& cell, const Dialect& dialect) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  const auto text = cell.quoted ? trimmed(cell.text) : cell.text;
  if (text.empty()) return nan;
  std::optional<double> value;
  if (dialect.decimal == '.' && !dialect.thousands) {
    value = plain_number(text);
    if (!value) value = fortran_number(text);
  } else if (const auto plain = translated(text, dialect)) {
    value = plain_number(*plain);
    if (!value) value = fortran_number(*plain);
  }
  if (!value && dialect.missing.contains(text)) return nan;
  if (value && std::ranges::find(dialect.missing_numbers, *value) != dialect.missing_numbers.end())
    return nan;
  return value;
}

bool is_integer(std::string_view text) {
  if (text.starts_with('-') || text.starts_with('+')) text.remove_prefix(1);
  return !text.empty() && std::ranges::all_of(text, is_digit);
}

bool loses_digits(const Cell& cell, double value) {
  constexpr double exact = 0x1p53;
  if (cell.text.size() < 16 || std::abs(value) < exact || !is_integer(cell.text)) return false;
  auto digits = cell.text;
  if (digits.starts_with('-') || digits.starts_with('+')) digits.remove_prefix(1);
  digits.remove_prefix(digits.find_first_not_of('0'));
  return fmt::format("{:.0f}", std::abs(value)) != digits;
}

bool resembles_number(std::string_view text) {
  const auto is_word = [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80) != 0;
  };
  if (std::ranges::none_of(text, is_word)) return true;
  for (const std::string_view sign : {"+", "-", "\xe2\x88\x92"})
    if (text.starts_with(sign)) {
      text.remove_prefix(sign.size());
      break;
    }
  if (text.starts_with("0x") || text.starts_with("0X"))
    return text.size() > 2 && text.find_first_not_of("0123456789abcdefABCDEF", 2) == npos;
  if (text.starts_with("1.#")) return true;  // an old C library's infinity
  if (text.empty() || !(is_digit(text[0]) || (text.size() > 1 && is_digit(text[1]) &&
                                              (text[0] == '.' || text[0] == ','))))
    return false;
  while (!text.empty()) {
    std::size_t taken = is_digit(text[0]) || std::string_view(".,_' ").find(text[0]) != npos;
    for (const std::string_view blank : {"\xc2\xa0", "\xe2\x80\xaf", "\xe2\x80\x89"})
      if (text.starts_with(blank)) taken = blank.size();  // that does not break
    if (taken == 0) break;
    text.remove_prefix(taken);
  }
  if (text.empty()) return true;
  if (std::string_view("eEdD").find(text[0]) == npos) return false;
  return is_integer(text.substr(1));
}

std::string advice(const Cell& cell, const Dialect& dialect) {
  const auto text = trimmed(cell.text);
  if (cell.is_broken()) return "; something follows its closing quote";
  if (!resembles_number(text)) return "; --text or --na-values may help";
  if (std::ranges::none_of(text, is_digit))
    return fmt::format("; if that is a missing value, say --na-values '{}'", text);
  if (text.find(',') != npos && dialect.decimal != ',' && dialect.thousands != ',')
    return "; say --decimal , or --thousands , for what the comma means";
  if (text.find('.') != npos && dialect.decimal != '.' && dialect.thousands != '.')
    return "; say --thousands . if the point separates thousands";
  if (text.find_first_of(" '_") != npos)
    return fmt::format("; say --thousands '{}' if it separates thousands",
                       text[text.find_first_of(" '_")]);
  return "; that notation is not read, but --text keeps a column as text";
}

bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = [&](std::size_t at) {
      return at < text.size() ? static_cast<unsigned char>(text[at]) : 0U;
    };
    const unsigned first = byte(i);
    const std::size_t length = first < 0x80U                      ? 1
                               : first >= 0xc2U && first <= 0xdfU ? 2
                               : (first & 0xf0U) == 0xe0U         ? 3
                               : first >= 0xf0U && first <= 0xf4U ? 4
                                                                  : 0;
    if (length == 0) return false;
    for (std::size_t k = 1; k < length; ++k)
      if ((byte(i + k) & 0xc0U) != 0x80U) return false;
    const unsigned second = byte(i + 1);
    // No longer form than needed, no surrogates, nothing above U+10FFFF.
    if ((first == 0xe0U && second < 0xa0U) || (first == 0xedU && second > 0x9fU) ||
        (first == 0xf0U && second < 0x90U) || (first == 0xf4U && second > 0x8fU))
      return false;
    i += length;
  }
  return true;
}

std::vector<std::pair<std::string, bool>> words(std::string_view list) {
  std::vector<std::pair<std::string, bool>> all;
  Cells cells(list, ',');
  while (const auto cell = cells.next()) all.emplace_back(cell->string(), cell->quoted);
  return all;
}

}  // namespace tessera::io::csv
