#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <string_view>

#include <tessera/io/array_format.hpp>
#include <tessera/io/convert.hpp>
#include <tessera/io/file_source.hpp>
#include <tessera/io/half.hpp>
#include <tessera/io/readable.hpp>
#include <tessera/runtime/error.hpp>

namespace tessera::io {
namespace {

static_assert(std::endian::native == std::endian::little);

struct Layout {
  Shape shape;
  DType dtype = DType::float64;
  std::int64_t offset = 0;
  std::int64_t width = 0;    ///< bytes per element in the file
  std::int64_t swapped = 0;  ///< bytes of the numbers to turn around; 0 when in our order
  bool fortran = false;
};

/// Reads the Python dictionary at the start of a .npy file:
/// {'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }
class Dictionary {
 public:
  Dictionary(std::string_view text, const std::string& file) : text_(text), file_(file) {}

  void parse(Layout& layout, std::string& descr) {
    bool seen[3] = {};
    expect('{');
    while (!accept('}')) {
      const std::string key = word();
      expect(':');
      if (key == "descr") {
        if (peek() != '\'' && peek() != '"')
          throw TypeError(
              fmt::format("'{}' holds a structured dtype; expected numbers or bools", file_));
        descr = word();
        seen[0] = true;
      } else if (key == "fortran_order") {
        layout.fortran = boolean();
        seen[1] = true;
      } else if (key == "shape") {
        layout.shape = shape();
        seen[2] = true;
      } else {
        fail();
      }
      if (!accept(',') && peek() != '}') fail();
    }
    if (!seen[0] || !seen[1] || !seen[2]) fail();
  }

 private:
  [[noreturn]] void fail() const {
    throw OSError(fmt::format("'{}' is damaged: its .npy header cannot be understood", file_));
  }
  char peek() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool accept(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) fail();
  }
  std::string word() {
    const char quote = peek();
    if (quote != '\'' && quote != '"') fail();
    const auto end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) fail();
    std::string found(text_.substr(at_ + 1, end - at_ - 1));
    at_ = end + 1;
    return found;
  }
  bool boolean() {
    peek();
    for (const std::string_view name : {"True", "False"})
      if (text_.substr(at_).starts_with(name)) {
        at_ += name.size();
        return name == "True";
      }
    fail();
  }
  Shape shape() {
    Shape found;
    expect('(');
    while (!accept(')')) {
      std::int64_t extent = 0;
      if (peek() < '0' || peek() > '9') fail();
      while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9')
        if (__builtin_mul_overflow(extent, 10, &extent) ||
            __builtin_add_overflow(extent, text_[at_++] - '0', &extent))
          fail();
      accept('L');  // Python 2
      found.push_back(extent);
      if (!accept(',') && peek() != ')') fail();
    }
    return found;
  }

  std::string_view text_;
  const std::string& file_;
  std::size_t at_ = 0;
};

struct Known {
  std::string_view code;
  DType dtype;
  std::int64_t number;  // bytes of the numbers an element is made of
};
constexpr Known known[] = {
    {"b1", DType::boolean, 1},     {"i1", DType::int8, 1},    {"i2", DType::int16, 2},
    {"i4", DType::int32, 4},       {"i8", DType::int64, 8},   {"u1", DType::uint8, 1},
    {"u2", DType::uint16, 2},      {"u4", DType::uint32, 4},  {"u8", DType::uint64, 8},
    {"f4", DType::float32, 4},     {"f8", DType::float64, 8}, {"c8", DType::complex64, 4},
    {"c16", DType::complex128, 8}, {"f2", DType::float32, 2}};  // last: what is never written

void set_dtype(Layout& layout, const std::string& descr, const std::string& file) {
  const bool ordered =
      !descr.empty() && std::string_view("<>|=").find(descr[0]) != std::string_view::npos;
  const std::string_view code = std::string_view(descr).substr(ordered ? 1 : 0);
  for (const auto& k : known) {
    if (k.code != code) continue;
    layout.dtype = k.dtype;
    layout.width = k.number * (is_complex(k.dtype) ? 2 : 1);
    layout.swapped = descr[0] == '>' && k.number > 1 ? k.number : 0;
    return;
  }
  throw TypeError(fmt::format(
      "'{}' holds dtype '{}'; expected integers, floats, bools or complex numbers", file, descr));
}

bool byte_count(const Layout& layout, std::int64_t& bytes) {
  bytes = layout.width;
  bool fits = true;
  for (const auto extent : layout.shape)
    if (extent == 0) return bytes = 0, true;
  for (const auto extent : layout.shape)
    fits = fits && !__builtin_mul_overflow(bytes, extent, &bytes);
  return fits;
}

Layout survey(const std::string& file) {
  constexpr std::string_view magic("\x93NUMPY", 6);
  constexpr std::uint32_t longest_header = 1 << 20;
  const InputFile input(file);
  unsigned char start[12] = {};
  input.read(0, static_cast<std::size_t>(std::min<std::int64_t>(12, input.size())), start);
  if (std::memcmp(start, "PK\3\4", 4) == 0)
    throw ValueError(
        fmt::format("'{}' is an archive of arrays (.npz); save one of them with numpy.save", file));
  if (std::memcmp(start, magic.data(), magic.size()) != 0)
    throw OSError(fmt::format("'{}' is not a .npy file", file));
  const auto truncated = [&] { return OSError(fmt::format("'{}' is truncated", file)); };
  if (input.size() < 12) throw truncated();
  const int version = start[6];
  if (version < 1 || version > 3)
    throw OSError(fmt::format("'{}' has .npy format version {}; expected 1 to 3", file, version));
  const std::uint32_t length =
      version == 1 ? start[8] | start[9] << 8U
                   : start[8] | start[9] << 8U | start[10] << 16U | std::uint32_t{start[11]} << 24U;
  Layout layout;
  const std::int64_t header_at = version == 1 ? 10 : 12;
  layout.offset = header_at + length;
  if (length > longest_header)
    throw OSError(fmt::format("'{}' is damaged: a .npy header of {} bytes", file, length));
  if (layout.offset > input.size()) throw truncated();
  std::string header(length, '\0');
  input.read(header_at, header.size(), header.data());
  std::string descr;
  Dictionary(header, file).parse(layout, descr);
  set_dtype(layout, descr, file);
  std::int64_t bytes = 0;
  if (!byte_count(layout, bytes) || bytes > input.size() - layout.offset)
    throw OSError(fmt::format("'{}' is truncated: shape {} of '{}' needs more than its {} bytes",
                              file, tessera::to_string(layout.shape), descr,
                              input.size() - layout.offset));
  // Rows without columns are walked all the same.
  if (bytes == 0)
    require_plausible(file, {layout.shape.front()}, DType::uint8, input.size(), 1 << 25);
  const std::int64_t end = layout.offset + bytes;
  if (input.size() - end >= std::ssize(magic)) {
    input.read(end, magic.size(), start);
    if (std::memcmp(start, magic.data(), magic.size()) == 0)
      throw ValueError(fmt::format(
          "'{}' holds more than one array (numpy.save was called on it again); save each in a file "
          "of its own",
          file));
  }
  if (end < input.size())
    throw OSError(fmt::format("'{}' is damaged: {} bytes follow the end of the array", file,
                              input.size() - end));
  return layout;
}

void turn_around(std::byte* data, std::size_t bytes, std::int64_t number) {
  const auto width = static_cast<std::size_t>(number);
  for (std::size_t at = 0; at < bytes; at += width) std::reverse(data + at, data + at + width);
}

class NpySource : public FileSource {
 public:
  NpySource(const std::string& file, const FileIdentity& first, const Layout& layout,
            const Communicator& comm)
      : FileSource(file, first, layout.shape, layout.dtype, comm), layout_(layout) {}

 protected:
  void fill(const InputFile& input, std::int64_t, Range rows, const Tile& out) const override {
    const auto width = static_cast<std::size_t>(layout_.width);
    const bool as_stored = layout_.width == static_cast<std::int64_t>(size_of(layout_.dtype));
    if (layout_.fortran && layout_.shape.size() > 1) {
      Buffer column(static_cast<std::size_t>(rows.size()) * width);
      for (std::int64_t c = 0; c < out.cols; ++c) {
        fetch(input, stored_column(c) * layout_.shape[0] + rows.begin, rows.size(), column.data());
        for (std::int64_t i = 0; i < out.rows; ++i)
          store(column.data() + static_cast<std::size_t>(i) * width, out, i * out.stride + c);
      }
    } else if (as_stored && layout_.dtype != DType::boolean) {
      fetch(input, rows.begin * out.cols, rows.size() * out.cols,
            static_cast<std::byte*>(out.data));
    } else {
      Buffer block(static_cast<std::size_t>(rows.size() * out.cols) * width);
      fetch(input, rows.begin * out.cols, rows.size() * out.cols, block.data());
      for (std::int64_t i = 0; i < rows.size() * out.cols; ++i)
        store(block.data() + static_cast<std::size_t>(i) * width, out, i);
    }
  }

 private:
  // Elements [first, first + count) of the file in our byte order.
  void fetch(const InputFile& input, std::int64_t first, std::int64_t count, std::byte* to) const {
    const auto bytes = static_cast<std::size_t>(count * layout_.width);
    input.read(layout_.offset + first * layout_.width, bytes, to);
    if (layout_.swapped) turn_around(to, bytes, layout_.swapped);
  }
  void store(const std::byte* from, const Tile& out, std::int64_t index) const {
    const std::size_t size = size_of(layout_.dtype);
    auto* to = static_cast<std::byte*>(out.data) + static_cast<std::size_t>(index) * size;
    if (layout_.dtype == DType::boolean) {
      *to = std::byte{*from != std::byte{0}};
    } else if (layout_.dtype == DType::float32 && layout_.width == 2) {
      std::uint16_t half = 0;
      std::memcpy(&half, from, sizeof half);
      const float value = from_half(half);
      std::memcpy(to, &value, sizeof value);
    } else {
      std::memcpy(to, from, size);
    }
  }
  // Which column of the Fortran-ordered file is column c (row-major over the tail of the shape).
  std::int64_t stored_column(std::int64_t c) const {
    std::int64_t stored = 0;
    std::int64_t step = 1;
    for (std::size_t axis = 1; axis < layout_.shape.size(); ++axis) step *= layout_.shape[axis];
    for (std::size_t axis = layout_.shape.size() - 1; axis >= 1; --axis) {
      step /= layout_.shape[axis];
      stored += c % layout_.shape[axis] * step;
      c /= layout_.shape[axis];
    }
    return stored;
  }

  Layout layout_;
};

class NpyWriter : public ArrayWriter {
 public:
  NpyWriter(PendingFile& pending, const std::string& header, std::int64_t row_bytes)
      : pending_(pending), row_bytes_(row_bytes) {
    pending_.write(header);
  }
  void append(const std::byte* from, std::int64_t rows) override {
    pending_.write(
        {reinterpret_cast<const char*>(from), static_cast<std::size_t>(rows * row_bytes_)});
  }
  void finish() override {}

 private:
  PendingFile& pending_;
  std::int64_t row_bytes_;
};

}  // namespace

MakeWriter npy_writer(const std::string&, const Shape& shape, DType dtype) {
  const auto* code = std::ranges::find(known, dtype, &Known::dtype);
  std::string extents;
  for (const auto extent : shape) extents += fmt::format("{}, ", extent);
  if (shape.size() > 1) extents.resize(extents.size() - 2);  // (3,) but (3, 4)
  std::string header =
      fmt::format("{{'descr': '{}{}', 'fortran_order': False, 'shape': ({}), }}",
                  size_of(dtype) > 1 ? '<' : '|', code->code,
                  shape.size() == 1 ? extents.substr(0, extents.size() - 1) : extents);
  constexpr std::size_t before = 10, aligned = 64;
  while ((before + header.size() + 1) % aligned != 0) header += ' ';
  header += '\n';
  const auto length = static_cast<unsigned>(header.size());
  std::string all("\x93NUMPY\1\0", 8);
  all += static_cast<char>(length & 0xffU);
  all += static_cast<char>(length >> 8U);
  all += header;
  const std::int64_t row = elements_per_row(shape) * static_cast<std::int64_t>(size_of(dtype));
  return [=](PendingFile& pending) { return std::make_unique<NpyWriter>(pending, all, row); };
}

Rows stream_npy(const std::string& file, const Communicator& comm) {
  const FileIdentity first = require_readable(file, comm);
  Layout layout;
  // Every process reads the few bytes of the header itself.
  together(comm, [&] {
    reading_unchanged(file, first, [&](const InputFile&) { layout = survey(file); });
  });
  return Rows(std::make_shared<NpySource>(file, first, layout, comm));
}

}  // namespace tessera::io
