#include <tessera/io/file_source.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <tessera/runtime/error.hpp>
#include <tessera/runtime/runtime.hpp>

namespace tessera::io {

InputFile::InputFile(const std::string& path)
    : path_(path), fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
  struct stat status {};
  if (fd_ < 0 || fstat(fd_, &status) != 0) {
    const std::string why = std::strerror(errno);
    if (fd_ >= 0) close(fd_);
    throw OSError(fmt::format("cannot read '{}': {}", path_, why));
  }
  size_ = status.st_size;
}

InputFile::~InputFile() { close(fd_); }

void InputFile::read(std::int64_t offset, std::size_t bytes, void* to) const {
  auto* at = static_cast<char*>(to);
  while (bytes > 0) {
    const auto n = pread(fd_, at, std::min<std::size_t>(bytes, 1 << 30), offset);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw OSError(fmt::format("cannot read '{}': {}", path_, std::strerror(errno)));
    if (n == 0) throw OSError(fmt::format("'{}' became shorter while it was read", path_));
    at += n;
    offset += n;
    bytes -= static_cast<std::size_t>(n);
  }
}

FileSource::FileSource(std::string file, Shape shape, DType dtype, const Communicator& comm)
    : file_(std::move(file)),
      shape_(std::move(shape)),
      dtype_(dtype),
      comm_(comm),
      distribution_(shape_.empty() ? Distribution::replicated(1, comm.size())
                                   : Distribution::rows(shape_[0], comm.size())),
      cols_(shape_.empty() ? 1 : element_count(Shape(shape_.begin() + 1, shape_.end()))) {}

void FileSource::for_each_leaf(const LeafVisitor& visit, int threads) const {
  const InputFile input(file_);
  parallel_for(distribution_.leaves_of(comm_.rank()), threads, [&](std::int64_t leaf, Stream& stream) {
    const Range rows = distribution_.rows_of_leaf(leaf);
    const Buffer memory(static_cast<std::size_t>(rows.size() * cols_) * size_of(dtype_));
    const Tile out{memory.data(), rows.size(), cols_, cols_, dtype_, cpu};
    fill(input, leaf, rows, out);
    note_progress();
    visit({leaf, rows, out}, stream);
  });
}

}  // namespace tessera::io
