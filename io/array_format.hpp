#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include <tessera/io/file_source.hpp>
#include <tessera/io/pending_file.hpp>
#include <tessera/runtime/array.hpp>
#include <tessera/runtime/dtype.hpp>

namespace tessera::io {

// What a format of array files has.

/// An image file that is being decoded. Local.
class ImageReader {
 public:
  virtual ~ImageReader() = default;
  Shape shape;
  DType dtype = DType::uint8;
  /// Rows of axis 0, contiguous, to memory; fast for those behind the ones before. OSError.
  virtual void read(Range rows, std::byte* to) = 0;
};
/// `input` must outlive the reader. OSError, TypeError and NotImplementedError naming `file`.
std::unique_ptr<ImageReader> read_png(const InputFile& input, const std::string& file);
std::unique_ptr<ImageReader> read_tiff(const InputFile& input, const std::string& file);

/// An array file that is being written, on rank 0.
class ArrayWriter {
 public:
  virtual ~ArrayWriter() = default;
  /// The next rows of axis 0.
  virtual void append(const std::byte* from, std::int64_t rows) = 0;
  /// After all rows.
  virtual void finish() = 0;
};
using MakeWriter = std::function<std::unique_ptr<ArrayWriter>(PendingFile&)>;
/// What writes such an array; TypeError or ValueError, from all processes alike, for one that the
/// format does not hold.
MakeWriter png_writer(const std::string& file, const Shape& shape, DType dtype);
MakeWriter tiff_writer(const std::string& file, const Shape& shape, DType dtype);
MakeWriter npy_writer(const std::string& file, const Shape& shape, DType dtype);

/// What an image is made of: how many channels stand beside each other, after how many axes.
struct Pixels {
  std::int64_t pages = 1, rows = 0, cols = 0, channels = 1;
  bool stack = false;  ///< axis 0 is pages, if only one
};
/// ValueError naming the format when a shape is none of an image, or of a stack with `stacks`.
Pixels pixels_of(const Shape& shape, const std::string& file, bool stacks);

/// OSError when an array of so many bytes cannot be in a file of `size` bytes whose compression
/// makes them `most` times as many at best.
void require_plausible(const std::string& file, const Shape& shape, DType dtype, std::int64_t size,
                       std::int64_t most);

}  // namespace tessera::io
