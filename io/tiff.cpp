#include <tessera/io/array_format.hpp>

#include <fcntl.h>
#include <tiffio.h>

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <exception>
#include <optional>
#include <utility>
#include <vector>

#include <tessera/io/half.hpp>
#include <tessera/runtime/error.hpp>

namespace tessera::io {
namespace {

constexpr std::int64_t most_pages = 1 << 16;

// What libtiff has to say about a file, and the first thing that went wrong.
struct Reports {
  std::string failed;  // "cannot read 'x.tif'"
  std::string message;
  std::exception_ptr failure;
  bool unpacking = false;  // where a warning means that pixels are lost

  [[noreturn]] void fail() const {
    if (failure) std::rethrow_exception(failure);
    throw OSError(fmt::format("{}: {}", failed, message.empty() ? "it is damaged" : message));
  }
  void require(bool succeeded) const {
    if (!succeeded) fail();
  }
  static int on_error(TIFF*, void* self, const char*, const char* format, va_list arguments) {
    auto& reports = *static_cast<Reports*>(self);
    char text[300] = {};
    std::vsnprintf(text, sizeof text, format, arguments);
    if (reports.message.empty()) reports.message = text;
    return 1;
  }
  static int on_warning(TIFF* tiff, void* self, const char* module, const char* format,
                        va_list arguments) {
    return static_cast<Reports*>(self)->unpacking ? on_error(tiff, self, module, format, arguments)
                                                  : 1;
  }
};

// For one TIFFClientOpenExt; `most`: bytes that libtiff takes at once.
class Options {
 public:
  Options(Reports& reports, std::int64_t most) : options_(TIFFOpenOptionsAlloc()) {
    TIFFOpenOptionsSetMaxSingleMemAlloc(options_, most);
    TIFFOpenOptionsSetErrorHandlerExtR(options_, Reports::on_error, &reports);
    TIFFOpenOptionsSetWarningHandlerExtR(options_, Reports::on_warning, &reports);
  }
  ~Options() { TIFFOpenOptionsFree(options_); }
  Options(const Options&) = delete;
  TIFFOpenOptions* get() const { return options_; }

 private:
  TIFFOpenOptions* options_;
};

struct Closing {
  void operator()(TIFF* tiff) const { TIFFClose(tiff); }
};
using Handle = std::unique_ptr<TIFF, Closing>;

// A page: where it is in the file, and how its samples are stored.
struct Page {
  std::uint64_t offset = 0;
  std::uint32_t rows = 0, cols = 0;
  std::uint16_t channels = 1, bits = 1;
  bool separate = false, tiled = false, inverted = false, half = false;
  DType dtype = DType::uint8;
  Shape shape() const { return channels > 1 ? Shape{rows, cols, channels} : Shape{rows, cols}; }
};

class TiffReader : public ImageReader {
 public:
  TiffReader(const InputFile& input, const std::string& file)
      : input_(input), file_(file), reports_{fmt::format("cannot read '{}'", file), {}, {}} {
    const Options options(reports_, input.size() * most_times + (std::int64_t{64} << 20));
    // Not mapped into memory: a file that becomes shorter is an error then, not a signal.
    tiff_.reset(TIFFClientOpenExt(
        file.c_str(), "rmO", this, &TiffReader::on_read,
        [](thandle_t, void*, tmsize_t) { return tmsize_t{0}; }, &TiffReader::on_seek,
        [](thandle_t) { return 0; },
        [](thandle_t self) {
          return static_cast<toff_t>(static_cast<TiffReader*>(self)->input_.size());
        },
        nullptr, nullptr, options.get()));
    reports_.require(tiff_ != nullptr);
    do {
      std::uint32_t kind = 0;
      TIFFGetFieldDefaulted(tiff_.get(), TIFFTAG_SUBFILETYPE, &kind);
      if ((kind & FILETYPE_REDUCEDIMAGE) && !pages_.empty()) continue;
      pages_.push_back(page());
      if (std::ssize(pages_) > most_pages)
        throw OSError(fmt::format("'{}' has more than {} pages", file, most_pages));
      const Page &first = pages_.front(), &last = pages_.back();
      if (last.shape() != first.shape() || last.dtype != first.dtype)
        throw ValueError(
            fmt::format("'{}' is no stack of images: page 0 has shape {} and {}, page {} has shape "
                        "{} and {}",
                        file, tessera::to_string(first.shape()), name_of(first.dtype),
                        pages_.size() - 1, tessera::to_string(last.shape()), name_of(last.dtype)));
    } while (TIFFReadDirectory(tiff_.get()));
    // A page that cannot be read is an error, the end of the chain is none.
    if (TIFFLastDirectory(tiff_.get()) == 0 || !reports_.message.empty()) reports_.fail();
    dtype = pages_.front().dtype;
    shape = pages_.front().shape();
    if (pages_.size() > 1) shape.insert(shape.begin(), std::ssize(pages_));
    require_plausible(file, shape, pages_.front().half ? DType::uint16 : dtype, input.size(),
                      most_times_);
    current_ = pages_.size();
    unpacked_ = {current_, 0};
  }

  void read(Range rows, std::byte* to) override {
    const Page& first = pages_.front();
    const std::size_t row = static_cast<std::size_t>(first.cols) * first.channels * size_of(dtype);
    if (pages_.size() == 1) return read_page(0, rows, to);
    for (std::int64_t p = rows.begin; p < rows.end; ++p, to += row * first.rows)
      read_page(static_cast<std::size_t>(p), {0, first.rows}, to);
  }

 private:
  static constexpr std::int64_t most_times = 4096;  // LZW makes of a byte

  static tmsize_t on_read(thandle_t handle, void* to, tmsize_t bytes) {
    auto& self = *static_cast<TiffReader*>(handle);
    try {
      const auto left = std::clamp<std::int64_t>(self.input_.size() - self.at_, 0, bytes);
      self.input_.read(self.at_, static_cast<std::size_t>(left), to);
      self.at_ += left;
      return left;
    } catch (...) {
      self.reports_.failure = std::current_exception();
      return -1;
    }
  }
  static toff_t on_seek(thandle_t handle, toff_t offset, int whence) {
    auto& self = *static_cast<TiffReader*>(handle);
    const std::int64_t from = whence == SEEK_SET   ? 0
                              : whence == SEEK_CUR ? self.at_
                                                   : self.input_.size();
    std::int64_t at = 0;
    if (__builtin_add_overflow(from, static_cast<std::int64_t>(offset), &at) || at < 0)
      return static_cast<toff_t>(-1);
    return static_cast<toff_t>(self.at_ = at);
  }

  template <class T>
  T field(ttag_t tag, T otherwise) const {
    T value = otherwise;
    if (!TIFFGetFieldDefaulted(tiff_.get(), tag, &value)) return otherwise;
    return value;
  }

  // The one that libtiff is at.
  Page page() {
    TIFF* t = tiff_.get();
    Page p;
    p.offset = TIFFCurrentDirOffset(t);
    p.rows = field<std::uint32_t>(TIFFTAG_IMAGELENGTH, 0);
    p.cols = field<std::uint32_t>(TIFFTAG_IMAGEWIDTH, 0);
    p.channels = field<std::uint16_t>(TIFFTAG_SAMPLESPERPIXEL, 1);
    p.bits = field<std::uint16_t>(TIFFTAG_BITSPERSAMPLE, 1);
    p.separate = field<std::uint16_t>(TIFFTAG_PLANARCONFIG, 1) == PLANARCONFIG_SEPARATE;
    p.tiled = TIFFIsTiled(t) != 0;
    const auto format = field<std::uint16_t>(TIFFTAG_SAMPLEFORMAT, SAMPLEFORMAT_UINT);
    const auto compression = field<std::uint16_t>(TIFFTAG_COMPRESSION, COMPRESSION_NONE);
    const auto colours = field<std::uint16_t>(TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_MINISBLACK);
    if (compression != COMPRESSION_NONE) most_times_ = most_times;
    if (p.rows == 0 || p.cols == 0 || p.channels == 0)
      throw OSError(fmt::format("'{}' is damaged: an image without pixels", file_));
    if (!TIFFIsCODECConfigured(compression))
      throw NotImplementedError(
          fmt::format("'{}' is compressed by a method ({}) that this libtiff does not have", file_,
                      compression));
    if (colours == PHOTOMETRIC_YCBCR && compression == COMPRESSION_JPEG)
      TIFFSetField(t, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
    else if (colours != PHOTOMETRIC_MINISBLACK && colours != PHOTOMETRIC_MINISWHITE &&
             colours != PHOTOMETRIC_RGB)
      throw TypeError(fmt::format(
          "'{}' has {} colours; expected grey or RGB", file_,
          colours == PHOTOMETRIC_PALETTE ? "a palette of" : fmt::format("other ({})", colours)));
    const auto known = dtype_of(p.bits, format);
    p.inverted = colours == PHOTOMETRIC_MINISWHITE;
    if (!known || (known == DType::boolean && p.channels > 1) ||
        (p.inverted && format != SAMPLEFORMAT_UINT && format != SAMPLEFORMAT_VOID))
      throw TypeError(fmt::format(
          "'{}' has samples of {} bits in format {}; expected integers of 8 to 64 bits, "
          "floats of 16 to 64, or bits of one channel",
          file_, p.bits, format));
    p.dtype = *known;
    p.half = format == SAMPLEFORMAT_IEEEFP && p.bits == 16;
    return p;
  }

  static std::optional<DType> dtype_of(std::uint16_t bits, std::uint16_t format) {
    const bool is_signed = format == SAMPLEFORMAT_INT;
    if (format == SAMPLEFORMAT_IEEEFP) {
      if (bits == 16 || bits == 32) return DType::float32;
      return bits == 64 ? std::optional(DType::float64) : std::nullopt;
    }
    if (!is_signed && format != SAMPLEFORMAT_UINT && format != SAMPLEFORMAT_VOID) return {};
    switch (bits) {
      case 1:
        return is_signed ? std::nullopt : std::optional(DType::boolean);
      case 8:
        return is_signed ? DType::int8 : DType::uint8;
      case 16:
        return is_signed ? DType::int16 : DType::uint16;
      case 32:
        return is_signed ? DType::int32 : DType::uint32;
      case 64:
        return is_signed ? DType::int64 : DType::uint64;
      default:
        return {};
    }
  }

  // Rows of one page. Planes that lie one behind another are put side by side.
  void read_page(std::size_t number, Range rows, std::byte* to) {
    const Page& p = pages_[number];
    TIFF* t = tiff_.get();
    if (current_ != number) {
      reports_.require(TIFFSetSubDirectory(t, p.offset) != 0);
      if (field<std::uint16_t>(TIFFTAG_PHOTOMETRIC, 0) == PHOTOMETRIC_YCBCR)
        TIFFSetField(t, TIFFTAG_JPEGCOLORMODE, JPEGCOLORMODE_RGB);
      current_ = number;
    }
    const std::uint16_t planes = p.separate ? p.channels : 1;
    const std::int64_t together = p.separate ? 1 : p.channels;  // of a pixel in the file
    const std::int64_t width = p.cols * together;
    // Whole tiles or strips: what is compressed is unpacked from their beginning.
    const std::int64_t tile_cols = p.tiled ? field<std::uint32_t>(TIFFTAG_TILEWIDTH, 0) : p.cols;
    const std::int64_t tile_rows =
        p.tiled
            ? field<std::uint32_t>(TIFFTAG_TILELENGTH, 0)
            : std::min<std::uint32_t>(p.rows, field<std::uint32_t>(TIFFTAG_ROWSPERSTRIP, p.rows));
    const std::int64_t stored = (tile_cols * together * p.bits + 7) / 8;  // bytes of a row of it
    const std::int64_t size = p.tiled ? TIFFTileSize(t) : TIFFStripSize(t);
    reports_.require(tile_cols > 0 && tile_rows > 0 && stored <= size / tile_rows);
    require_plausible(file_, {size}, DType::uint8, input_.size() + (1 << 14), most_times);
    for (std::uint16_t s = 0; s < planes; ++s)
      for (std::int64_t y = rows.begin / tile_rows * tile_rows; y < rows.end; y += tile_rows)
        for (std::int64_t x = 0; x < p.cols; x += tile_cols) {
          unpack(p.tiled ? TIFFComputeTile(t, static_cast<std::uint32_t>(x),
                                           static_cast<std::uint32_t>(y), 0, s)
                         : TIFFComputeStrip(t, static_cast<std::uint32_t>(y), s),
                 p.tiled, size);
          const std::int64_t end = std::min({y + tile_rows, rows.end, std::int64_t{p.rows}});
          const std::int64_t count = std::min<std::int64_t>(tile_cols, p.cols - x) * together;
          for (std::int64_t i = std::max(y, rows.begin); i < end; ++i) {
            const std::byte* from = block_.data() + (i - y) * stored;
            const std::int64_t at = (i - rows.begin) * width * planes + x * together * planes + s;
            for (std::int64_t j = 0; j < count && planes > 1; ++j)
              put(p, from, j, 1, to, at + j * planes);
            if (planes == 1) put(p, from, 0, count, to, at);
          }
        }
  }

  // A tile or strip of the current page to block_.
  void unpack(std::uint32_t number, bool tile, std::int64_t size) {
    if (std::pair(current_, number) == unpacked_) return;
    unpacked_ = {pages_.size(), 0};  // none, should it fail
    block_.assign(static_cast<std::size_t>(size), std::byte{0});
    reports_.unpacking = true;
    const auto bytes = (tile ? TIFFReadEncodedTile : TIFFReadEncodedStrip)(tiff_.get(), number,
                                                                           block_.data(), size);
    reports_.unpacking = false;
    reports_.require(bytes >= 0 && reports_.message.empty());
    unpacked_ = {current_, number};
  }

  // `count` samples from the first-th of a row on, as elements of the result.
  void put(const Page& p, const std::byte* from, std::int64_t first, std::int64_t count,
           std::byte* to, std::int64_t at) const {
    const auto element = static_cast<std::int64_t>(size_of(p.dtype));
    std::byte* out = to + at * element;
    if (p.bits == 1) {
      for (std::int64_t j = 0; j < count; ++j)
        out[j] = (from[(first + j) / 8] >> (7 - (first + j) % 8)) & std::byte{1};
    } else if (p.half) {
      for (std::int64_t j = 0; j < count; ++j) {
        std::uint16_t half = 0;
        std::memcpy(&half, from + (first + j) * 2, sizeof half);
        const float value = from_half(half);
        std::memcpy(out + j * element, &value, sizeof value);
      }
    } else {
      std::memcpy(out, from + first * element, static_cast<std::size_t>(count * element));
    }
    if (!p.inverted) return;
    for (std::int64_t j = 0; j < count * element; ++j)
      out[j] = p.bits == 1 ? out[j] ^ std::byte{1} : ~out[j];
  }

  const InputFile& input_;
  std::string file_;
  Reports reports_;
  std::int64_t at_ = 0;          // in the file
  std::int64_t most_times_ = 1;  // of all pages
  std::vector<Page> pages_;
  std::vector<std::byte> block_;
  std::size_t current_ = 0;                         // page
  std::pair<std::size_t, std::uint32_t> unpacked_;  // page and number of what is in block_
  Handle tiff_;                                     // last: closing it may ask for the rest
};

class TiffWriter : public ArrayWriter {
 public:
  TiffWriter(PendingFile& pending, const std::string& file, const Pixels& p, DType dtype)
      : p_(p), dtype_(dtype), reports_{fmt::format("cannot write '{}'", file), {}, {}} {
    row_bytes_ = static_cast<std::size_t>(p.cols * p.channels) * size_of(dtype);
    const std::int64_t bytes = p.pages * p.rows * static_cast<std::int64_t>(row_bytes_);
    pending.require_room(static_cast<std::uint64_t>(bytes));
    const int fd = open(pending.path().c_str(), O_RDWR | O_CLOEXEC);
    if (fd < 0) throw OSError(fmt::format("{}: {}", reports_.failed, std::strerror(errno)));
    constexpr std::int64_t classic = 4000000000;  // with its 32 bits for a place in the file
    const Options options(reports_, 0);
    tiff_.reset(TIFFFdOpenExt(fd, file.c_str(), bytes < classic ? "w" : "w8", options.get()));
    if (!tiff_) close(fd);
    reports_.require(tiff_ != nullptr);
  }

  void append(const std::byte* from, std::int64_t rows) override {
    if (p_.stack) rows *= p_.rows;  // of axis 0, which are pages
    for (std::int64_t i = 0; i < rows; ++i, from += row_bytes_) {
      if (row_ == 0) begin_page();
      line_.assign(from, from + row_bytes_);  // which libtiff may change
      if (dtype_ == DType::boolean) pack();
      reports_.require(TIFFWriteScanline(tiff_.get(), line_.data(), row_) == 1);
      if (++row_ == p_.rows) {
        reports_.require(TIFFWriteDirectory(tiff_.get()) == 1);
        row_ = 0;
      }
    }
  }
  void finish() override {
    reports_.require(TIFFFlush(tiff_.get()) == 1);
    tiff_.reset();
    if (!reports_.message.empty()) reports_.fail();
  }

 private:
  void begin_page() {
    TIFF* t = tiff_.get();
    TIFFSetField(t, TIFFTAG_IMAGEWIDTH, static_cast<std::uint32_t>(p_.cols));
    TIFFSetField(t, TIFFTAG_IMAGELENGTH, static_cast<std::uint32_t>(p_.rows));
    TIFFSetField(t, TIFFTAG_SAMPLESPERPIXEL, static_cast<int>(p_.channels));
    TIFFSetField(t, TIFFTAG_BITSPERSAMPLE,
                 dtype_ == DType::boolean ? 1 : static_cast<int>(size_of(dtype_)) * 8);
    TIFFSetField(t, TIFFTAG_SAMPLEFORMAT,
                 is_floating(dtype_)                                          ? SAMPLEFORMAT_IEEEFP
                 : dtype_ == DType::boolean || name_of(dtype_).front() == 'u' ? SAMPLEFORMAT_UINT
                                                                              : SAMPLEFORMAT_INT);
    TIFFSetField(t, TIFFTAG_PHOTOMETRIC,
                 p_.channels > 2 ? PHOTOMETRIC_RGB : PHOTOMETRIC_MINISBLACK);
    if (p_.channels % 2 == 0) {
      const std::uint16_t alpha = EXTRASAMPLE_UNASSALPHA;
      TIFFSetField(t, TIFFTAG_EXTRASAMPLES, 1, &alpha);
    }
    TIFFSetField(t, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
    TIFFSetField(t, TIFFTAG_COMPRESSION, COMPRESSION_NONE);
    constexpr std::size_t strip = 1 << 16;
    TIFFSetField(t, TIFFTAG_ROWSPERSTRIP,
                 static_cast<std::uint32_t>(std::max<std::size_t>(1, strip / row_bytes_)));
    if (p_.pages > 1) TIFFSetField(t, TIFFTAG_SUBFILETYPE, FILETYPE_PAGE);
  }
  // Eight to a byte.
  void pack() {
    for (std::size_t j = 0; j < row_bytes_; ++j) {
      const std::byte bit = line_[j];
      if (j % 8 == 0) line_[j / 8] = std::byte{0};
      line_[j / 8] |= bit << (7 - j % 8);
    }
  }

  Pixels p_;
  DType dtype_;
  Reports reports_;
  std::size_t row_bytes_ = 0;
  std::vector<std::byte> line_;
  std::uint32_t row_ = 0;
  Handle tiff_;
};

}  // namespace

std::unique_ptr<ImageReader> read_tiff(const InputFile& input, const std::string& file) {
  return std::make_unique<TiffReader>(input, file);
}

MakeWriter tiff_writer(const std::string& file, const Shape& shape, DType dtype) {
  const Pixels p = pixels_of(shape, file, true);
  if (p.pages > most_pages)
    throw ValueError(fmt::format("'{}' cannot hold {} pages: {} are the most that are read again",
                                 file, p.pages, most_pages));
  if (is_complex(dtype) || (dtype == DType::boolean && p.channels > 1))
    throw TypeError(
        fmt::format("'{}' cannot hold {}: a TIFF has integers, floats, or bool of one channel",
                    file, name_of(dtype)));
  return
      [=](PendingFile& pending) { return std::make_unique<TiffWriter>(pending, file, p, dtype); };
}

}  // namespace tessera::io
