// For a build without libtiff.
#include <fmt/format.h>

#include <tessera/io/array_format.hpp>
#include <tessera/runtime/error.hpp>

namespace tessera::io {
namespace {

[[noreturn]] void refuse(const std::string& file) {
  throw NotImplementedError(
      fmt::format("'{}': this Tessera was built without libtiff (libtiff-dev)", file));
}

}  // namespace

std::unique_ptr<ImageReader> read_tiff(const InputFile&, const std::string& file) { refuse(file); }
MakeWriter tiff_writer(const std::string& file, const Shape&, DType) { refuse(file); }

}  // namespace tessera::io
