#include <tessera/io/file_source.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <tessera/runtime/error.hpp>
#include <tessera/runtime/watchdog.hpp>

namespace tessera::io {

InputFile::InputFile(const std::string& path)
    : path_(path),
      what_(fmt::format("read '{}'", path)),
      fd_(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
  struct stat status {};
  std::string why;
  if (fd_ < 0 || fstat(fd_, &status) != 0)
    why = std::strerror(errno);
  else if (S_ISDIR(status.st_mode))
    why = "it is a folder";
  else if (!S_ISREG(status.st_mode))
    why = "it is not a regular file";
  if (!why.empty()) {
    if (fd_ >= 0) close(fd_);
    throw OSError(fmt::format("cannot read '{}': {}", path_, why));
  }
  size_ = status.st_size;
}

InputFile::~InputFile() { close(fd_); }

void InputFile::read(std::int64_t offset, std::size_t bytes, void* to) const {
  const Watch watch(what_, static_cast<double>(bytes) * 1e-6);
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

void reading_unchanged(const std::string& file, const FileIdentity& first,
                       const std::function<void(const InputFile&)>& read) {
  const InputFile input(file);
  require_unchanged(file, input.descriptor(), first);
  try {
    read(input);
  } catch (...) {
    require_unchanged(file, input.descriptor(), first);
    throw;
  }
  require_unchanged(file, input.descriptor(), first);
}

void FileSource::visit_leaves(const LeafList& leaves, const LeafVisitor& visit, int threads) const {
  reading_unchanged(file_, first_, [&](const InputFile& input) {
    parallel_for({0, leaves.size()}, threads, [&](std::int64_t i, Stream& stream) {
      const std::int64_t leaf = leaves[i];
      const Range rows = distribution().rows_of_leaf(leaf);
      const Buffer memory(static_cast<std::size_t>(rows.size() * cols()) * size_of(dtype()));
      const Tile out{memory.data(), rows.size(), cols(), cols(), dtype(), cpu};
      fill(input, leaf, rows, out);
      visit({leaf, rows, out}, stream);
    });
  });
}

}  // namespace tessera::io
