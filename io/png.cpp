#include <tessera/io/array_format.hpp>

#include <png.h>

#include <fmt/format.h>

#include <algorithm>
#include <csetjmp>
#include <cstring>
#include <exception>
#include <vector>

#include <tessera/runtime/error.hpp>

namespace tessera::io {
namespace {

// libpng reports errors by a function that must not return. Ours keeps the message and jumps to
// where Library::call() was; so what it calls has nothing to destroy.
class Library {
 public:
  explicit Library(std::string failed) : failed_(std::move(failed)) {}
  Library(const Library&) = delete;

  template <class Work>
  void call(png_structp png, const Work& work) {
    if (setjmp(png_jmpbuf(png))) fail();
    work();
  }
  [[noreturn]] void fail() const {
    if (failure_) std::rethrow_exception(failure_);
    throw OSError(fmt::format("{}: {}", failed_, message_[0] ? message_ : "out of memory"));
  }
  /// For callbacks: what `work` throws becomes libpng's error.
  template <class Work>
  static void from_callback(png_structp png, Library& library, const Work& work) {
    try {
      work();
      return;
    } catch (...) {
      library.failure_ = std::current_exception();
    }
    png_error(png, "see failure_");
  }
  static void on_error(png_structp png, png_const_charp message) {
    auto& self = *static_cast<Library*>(png_get_error_ptr(png));
    std::strncpy(self.message_, message, sizeof self.message_ - 1);
    png_longjmp(png, 1);
  }
  static void on_warning(png_structp, png_const_charp) {}

 private:
  std::string failed_;
  char message_[200] = {};
  std::exception_ptr failure_;
};

class PngReader : public ImageReader {
 public:
  PngReader(const InputFile& input, const std::string& file)
      : input_(input), file_(file), library_(fmt::format("cannot read '{}'", file)) {
    open();
  }
  ~PngReader() override { close(); }

  void read(Range rows, std::byte* to) override {
    if (rows.begin < next_) {
      close();
      open();
    }
    if (passes_ > 1 && whole_.empty()) {  // interlaced: no row is there before the last pass
      whole_.resize(static_cast<std::size_t>(shape[0]) * row_bytes_);
      for (int pass = 0; pass < passes_; ++pass)
        for (std::int64_t i = 0; i < shape[0]; ++i)
          read_row(whole_.data() + static_cast<std::size_t>(i) * row_bytes_);
      end();
    }
    if (passes_ > 1) {
      std::copy_n(whole_.data() + static_cast<std::size_t>(rows.begin) * row_bytes_,
                  static_cast<std::size_t>(rows.size()) * row_bytes_, to);
      return;
    }
    std::vector<std::byte> skipped(rows.begin > next_ ? row_bytes_ : 0);
    for (; next_ < rows.end; ++next_)
      read_row(next_ < rows.begin ? skipped.data()
                                  : to + static_cast<std::size_t>(next_ - rows.begin) * row_bytes_);
    if (next_ == shape[0]) end();
  }

 private:
  void open() {
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, &library_, Library::on_error,
                                  Library::on_warning);
    info_ = png_ ? png_create_info_struct(png_) : nullptr;
    if (!info_) throw MemoryError(fmt::format("cannot read '{}': out of memory", file_));
    at_ = next_ = 0;
    png_set_read_fn(png_, this, [](png_structp png, png_bytep to, std::size_t bytes) {
      auto& self = *static_cast<PngReader*>(png_get_io_ptr(png));
      Library::from_callback(png, self.library_, [&] {
        if (bytes > static_cast<std::size_t>(self.input_.size() - self.at_))
          throw OSError(fmt::format("'{}' is truncated", self.file_));
        self.input_.read(self.at_, bytes, to);
        self.at_ += static_cast<std::int64_t>(bytes);
      });
    });
    try {
      library_.call(png_, [&] { read_header(); });
      require_plausible(file_, shape, dtype, input_.size(), 1032 * expansion_);  // of deflate
      if (png_get_rowbytes(png_, info_) != row_bytes_)
        throw OSError(fmt::format("cannot read '{}': rows of another length", file_));
    } catch (...) {
      close();
      throw;
    }
  }
  void close() { png_destroy_read_struct(&png_, &info_, nullptr); }

  void read_header() {
    constexpr png_uint_32 any = 0x7fffffff;  // the size of the file says what is too large
    png_set_user_limits(png_, any, any);
    png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_NEVER, nullptr, 0);
    png_read_info(png_, info_);
    int depth = 0, colour = 0;
    png_uint_32 cols = 0, rows = 0;
    png_get_IHDR(png_, info_, &cols, &rows, &depth, &colour, nullptr, nullptr, nullptr);
    const int stored = png_get_channels(png_, info_) * depth;  // bits of a pixel
    const bool transparent = png_get_valid(png_, info_, PNG_INFO_tRNS) != 0;
    const bool bits = colour == PNG_COLOR_TYPE_GRAY && depth == 1 && !transparent;
    if (bits)
      png_set_packing(png_);
    else
      png_set_expand(png_);
    png_set_swap(png_);  // to our order of bytes, where there are 16 bits
    passes_ = png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    const int channels = png_get_channels(png_, info_);
    dtype = bits ? DType::boolean : depth == 16 ? DType::uint16 : DType::uint8;
    const int expanded = channels * (bits ? 1 : 8 * static_cast<int>(size_of(dtype)));
    expansion_ = (expanded + stored - 1) / stored;
    shape = {rows, cols};
    if (channels > 1) shape.push_back(channels);
    row_bytes_ =
        static_cast<std::size_t>(cols) * static_cast<std::size_t>(channels) * size_of(dtype);
  }

  void read_row(std::byte* to) {
    library_.call(png_, [&] { png_read_row(png_, reinterpret_cast<png_bytep>(to), nullptr); });
  }
  void end() {
    library_.call(png_, [&] { png_read_end(png_, nullptr); });
  }

  const InputFile& input_;
  std::string file_;
  Library library_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  std::int64_t at_ = 0;    // in the file
  std::int64_t next_ = 0;  // row
  int passes_ = 1;
  std::int64_t expansion_ = 1;  // how many times as large palettes and few bits become
  std::size_t row_bytes_ = 0;
  std::vector<std::byte> whole_;
};

class PngWriter : public ArrayWriter {
 public:
  PngWriter(PendingFile& pending, const std::string& file, const Pixels& p, DType dtype)
      : pending_(pending), library_(fmt::format("cannot write '{}'", file)) {
    row_bytes_ = static_cast<std::size_t>(p.cols * p.channels) * size_of(dtype);
    png_ = png_create_write_struct(PNG_LIBPNG_VER_STRING, &library_, Library::on_error,
                                   Library::on_warning);
    info_ = png_ ? png_create_info_struct(png_) : nullptr;
    if (!info_) throw MemoryError(fmt::format("cannot write '{}': out of memory", file));
    png_set_write_fn(
        png_, this,
        [](png_structp png, png_bytep from, std::size_t bytes) {
          auto& self = *static_cast<PngWriter*>(png_get_io_ptr(png));
          Library::from_callback(png, self.library_, [&] {
            self.bytes_.append(reinterpret_cast<const char*>(from), bytes);
            if (self.bytes_.size() > most_kept) self.flush();
          });
        },
        nullptr);
    constexpr int colours[] = {PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB,
                               PNG_COLOR_TYPE_RGB_ALPHA};
    const int depth = dtype == DType::boolean ? 1 : dtype == DType::uint16 ? 16 : 8;
    try {
      library_.call(png_, [&] {
        constexpr png_uint_32 any = 0x7fffffff;
        png_set_user_limits(png_, any, any);
        png_set_IHDR(png_, info_, static_cast<png_uint_32>(p.cols),
                     static_cast<png_uint_32>(p.rows), depth, colours[p.channels - 1],
                     PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
        png_write_info(png_, info_);
        png_set_packing(png_);
        png_set_swap(png_);
      });
    } catch (...) {
      png_destroy_write_struct(&png_, &info_);
      throw;
    }
  }
  ~PngWriter() override { png_destroy_write_struct(&png_, &info_); }

  void append(const std::byte* from, std::int64_t rows) override {
    for (std::int64_t i = 0; i < rows; ++i, from += row_bytes_)
      library_.call(png_, [&] { png_write_row(png_, reinterpret_cast<png_const_bytep>(from)); });
  }
  void finish() override {
    library_.call(png_, [&] { png_write_end(png_, info_); });
    flush();
  }

 private:
  static constexpr std::size_t most_kept = 1 << 20;
  void flush() {
    pending_.write(bytes_);
    bytes_.clear();
  }

  PendingFile& pending_;
  Library library_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
  std::size_t row_bytes_ = 0;
  std::string bytes_;
};

}  // namespace

std::unique_ptr<ImageReader> read_png(const InputFile& input, const std::string& file) {
  constexpr std::int64_t signature = 8;
  png_byte start[signature] = {};
  if (input.size() >= signature) input.read(0, signature, start);
  if (png_sig_cmp(start, 0, signature) != 0)
    throw OSError(fmt::format("'{}' is not a PNG file", file));
  return std::make_unique<PngReader>(input, file);
}

MakeWriter png_writer(const std::string& file, const Shape& shape, DType dtype) {
  const Pixels p = pixels_of(shape, file, false);
  const bool holds = dtype == DType::uint8 || dtype == DType::uint16 ||
                     (dtype == DType::boolean && p.channels == 1);
  if (!holds)
    throw TypeError(fmt::format(
        "'{}' cannot hold {}: a PNG has uint8 or uint16, or bool of one channel; a TIFF "
        "also has floats",
        file, name_of(dtype)));
  return [=](PendingFile& pending) { return std::make_unique<PngWriter>(pending, file, p, dtype); };
}

}  // namespace tessera::io
