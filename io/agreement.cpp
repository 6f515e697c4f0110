#include <tessera/io/agreement.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include <tessera/runtime/error.hpp>

namespace tessera::io {
namespace {

void raise(const std::string& kind, const std::string& text) {
  if (kind == ValueError::name) throw ValueError(text);
  if (kind == TypeError::name) throw TypeError(text);
  if (kind == NotImplementedError::name) throw NotImplementedError(text);
  if (kind == OSError::name) throw OSError(text);
  if (kind == MemoryError::name) throw MemoryError(text);
  throw RuntimeError(text);
}

}  // namespace

void on_first(const Communicator& comm, const std::function<void()>& work) {
  std::string failure;
  if (comm.rank() == 0) {
    try {
      work();
    } catch (...) {
      failure = describe(std::current_exception());
    }
  }
  comm.broadcast(failure, 0);
  if (failure.empty()) return;
  const auto split = failure.find(": ");
  raise(failure.substr(0, split), failure.substr(split + 2));
}

void require_readable(const std::string& file, const Communicator& comm) {
  std::array<std::int64_t, 2> size = {0, 0};
  together(comm, [&] {
    const int fd = open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) throw OSError(fmt::format("cannot open '{}': {}", file, std::strerror(errno)));
    struct stat status {};
    const bool known = fstat(fd, &status) == 0;
    close(fd);
    if (known && S_ISDIR(status.st_mode))
      throw OSError(fmt::format("cannot open '{}': it is a folder", file));
    if (!known || !S_ISREG(status.st_mode))
      throw OSError(fmt::format("cannot open '{}': it is not a regular file", file));
    size = {status.st_size, -status.st_size};
  });
  comm.all_reduce(std::span(size), Reduce::min);
  if (size[0] != -size[1])
    throw OSError(fmt::format("'{}' is not the same file on all processes: it has {} bytes on one "
                              "and {} on another",
                              file, size[0], -size[1]));
}

}  // namespace tessera::io
