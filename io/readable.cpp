#include <tessera/io/readable.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include <tessera/runtime/error.hpp>

namespace tessera::io {
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
    throw OSError(
        fmt::format("'{}' is not the same file on all processes: it has {} bytes on one "
                    "and {} on another",
                    file, size[0], -size[1]));
}

}  // namespace tessera::io
