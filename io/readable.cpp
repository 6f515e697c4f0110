#include <tessera/io/readable.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>
#include <optional>

#include <tessera/runtime/error.hpp>

namespace tessera::io {
namespace {

std::optional<std::map<std::string, FileIdentity>>& first_looks() {
  static std::optional<std::map<std::string, FileIdentity>> looks;
  return looks;
}

std::string canonical(const std::string& file) {
  std::error_code ignored;
  return std::filesystem::weakly_canonical(file, ignored).string();
}

}  // namespace

void forget_first_look(const std::string& file) {
  if (first_looks())
    for (const auto& name : {file, canonical(file)}) first_looks()->erase(name);
}

InputsStay::InputsStay() { first_looks().emplace(); }
InputsStay::~InputsStay() { first_looks().reset(); }

FileIdentity require_readable(const std::string& file, const Communicator& comm) {
  FileIdentity mine;
  together(comm, [&] {
    const int fd = open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) throw OSError(fmt::format("cannot open '{}': {}", file, std::strerror(errno)));
    const struct Closing {
      int fd;
      ~Closing() { close(fd); }
    } closing{fd};
    struct stat status {};
    const bool known = fstat(fd, &status) == 0;
    if (known && S_ISDIR(status.st_mode))
      throw OSError(fmt::format("cannot open '{}': it is a folder", file));
    if (!known || !S_ISREG(status.st_mode))
      throw OSError(fmt::format("cannot open '{}': it is not a regular file", file));
    mine = first_look(file, fd);
    // One file may have several names, and a link may lead elsewhere later.
    for (const auto& name : {file, canonical(file)})
      if (first_looks())
        if (const auto [known_look, fresh] = first_looks()->emplace(name, mine); !fresh)
          require_unchanged(file, fd, known_look->second);
  });
  // Device, inode and time may differ: each host may have a copy of its own.
  const auto sample = static_cast<std::int64_t>(mine.sample);
  std::array<std::int64_t, 4> least = {mine.size, ~mine.size, sample, ~sample};
  comm.all_reduce(std::span(least), Reduce::min);
  if (least[0] != ~least[1])
    throw OSError(
        fmt::format("'{}' is not the same file on all processes: it has {} bytes on one "
                    "and {} on another",
                    file, least[0], ~least[1]));
  if (least[2] != ~least[3])
    throw OSError(
        fmt::format("'{}' is not the same file on all processes: their contents of {} bytes differ",
                    file, mine.size));
  return mine;
}

}  // namespace tessera::io
