#include <tessera/io/file_identity.hpp>

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>
#include <memory>

#include <tessera/runtime/error.hpp>

namespace tessera::io {
namespace {

constexpr std::int64_t second = 1'000'000'000;

std::int64_t nanoseconds(const timespec& t) { return t.tv_sec * second + t.tv_nsec; }

std::string time_text(std::int64_t ns) {
  const auto since_1970 = std::chrono::seconds(ns / second);
  return fmt::format("{:%Y-%m-%d %H:%M:%S}.{:09} UTC",
                     fmt::gmtime(std::chrono::system_clock::time_point(since_1970)), ns % second);
}

[[noreturn]] void fail(const std::string& file) {
  throw OSError(fmt::format("cannot read '{}': {}", file, std::strerror(errno)));
}

// What has been cut off since counts as nothing: the size tells.
std::uint64_t sample_of(const std::string& file, int fd, std::int64_t size) {
  constexpr std::int64_t whole = 1 << 20;
  constexpr std::int64_t blocks = 128;
  constexpr std::int64_t block = 4096;
  const std::int64_t length = size <= whole ? size : block;
  const std::int64_t count = size <= whole ? 1 : blocks;
  // On the pages of the file. The last block is its end.
  const auto offset = [&](std::int64_t i) {
    return i + 1 == blocks ? size - block : size / (blocks - 1) * i / block * block;
  };
  for (std::int64_t i = 0; count > 1 && i < count; ++i)  // all at once, if they are on a disk
    (void)posix_fadvise(fd, offset(i), block, POSIX_FADV_WILLNEED);
  const auto memory = std::make_unique<char[]>(static_cast<std::size_t>(length));
  auto sum = static_cast<std::uint64_t>(size);
  for (std::int64_t i = 0; i < count; ++i) {
    std::int64_t got = 0;
    while (got < length) {
      const auto n =
          pread(fd, memory.get() + got, static_cast<std::size_t>(length - got), offset(i) + got);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) fail(file);
      if (n == 0) break;
      got += n;
    }
    sum = XXH3_64bits_withSeed(memory.get(), static_cast<std::size_t>(got), sum);
  }
  return sum;
}

// File systems take the time of a write from this clock, which stands still for some milliseconds:
// a second write in the same tick would not show.
bool written_now(const FileIdentity& file) {
  timespec now{};
  return clock_gettime(CLOCK_REALTIME_COARSE, &now) == 0 && file.modified >= nanoseconds(now);
}

}  // namespace

FileIdentity identity_of(const std::string& file, int fd) {
  struct stat status {};
  if (fstat(fd, &status) != 0) fail(file);
  return {status.st_dev,
          status.st_ino,
          status.st_size,
          nanoseconds(status.st_mtim),
          nanoseconds(status.st_ctim),
          0,
          false};
}

std::string difference(const FileIdentity& first, const FileIdentity& now) {
  if (first.device != now.device || first.inode != now.inode)
    return "another file has taken its name";
  if (first.size != now.size)
    return fmt::format("it had {} bytes and has {}", first.size, now.size);
  if (first.modified != now.modified)
    return fmt::format("it was written at {} and again at {}", time_text(first.modified),
                       time_text(now.modified));
  return {};
}

FileIdentity first_look(const std::string& file, int fd) {
  FileIdentity look = identity_of(file, fd);
  look.fresh = written_now(look);
  look.sample = sample_of(file, fd, look.size);
  return look;
}

void require_unchanged(const std::string& file, int fd, const FileIdentity& first) {
  const FileIdentity now = identity_of(file, fd);
  std::string what = difference(first, now);
  // Whoever sets the time of a file back, or gives it another link, moves the other time.
  if (what.empty() && (first.fresh || now.changed != first.changed) &&
      sample_of(file, fd, now.size) != first.sample)
    what = "it has other contents";
  if (!what.empty()) throw OSError(fmt::format("'{}' changed while it was read: {}", file, what));
}

}  // namespace tessera::io
