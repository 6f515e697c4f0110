// For a build without libpng.
#include <fmt/format.h>

#include <tessera/io/array_format.hpp>
#include <tessera/runtime/error.hpp>

namespace tessera::io {
namespace {

[[noreturn]] void refuse(const std::string& file) {
  throw NotImplementedError(
      fmt::format("'{}': this Tessera was built without libpng (libpng-dev)", file));
}

}  // namespace

std::unique_ptr<ImageReader> read_png(const InputFile&, const std::string& file) { refuse(file); }
MakeWriter png_writer(const std::string& file, const Shape&, DType) { refuse(file); }

}  // namespace tessera::io
