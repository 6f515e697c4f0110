#include <tessera/io/pending_file.hpp>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory>
#include <thread>

#include <tessera/runtime/error.hpp>
#include <tessera/runtime/runtime.hpp>
#include <tessera/runtime/watchdog.hpp>

namespace tessera::io {
namespace {

class Descriptor {
 public:
  Descriptor(const std::string& path, int flags, mode_t mode = 0)
      : fd_(open(path.c_str(), flags | O_CLOEXEC, mode)) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_;
};

[[noreturn]] void fail(const std::string& target) {
  throw OSError(fmt::format("cannot write '{}': {}", target, std::strerror(errno)));
}

void write_all(int fd, std::string_view bytes, const std::string& target) {
  while (!bytes.empty()) {
    const auto n = ::write(fd, bytes.data(), std::min<std::size_t>(bytes.size(), 1 << 30));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail(target);
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
}

std::string folder_of(const std::string& path) {
  const auto folder = std::filesystem::path(path).parent_path();
  return folder.empty() ? "." : folder.string();
}

constexpr auto pause = std::chrono::milliseconds(20);

/// The lock of a folder, which vanishes with the process. HDF5 locks files, so a file's own lock
/// would keep readers out. A folder that cannot be locked, or that somebody holds for seconds, is
/// done without.
class FolderLock {
 public:
  explicit FolderLock(const std::string& folder) : folder_(folder, O_RDONLY | O_DIRECTORY) {
    constexpr int attempts = 250;
    for (int i = 0; i < attempts && folder_; ++i) {
      if (flock(folder_.get(), LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) return;
      std::this_thread::sleep_for(pause);
    }
  }

 private:
  Descriptor folder_;
};

}  // namespace

PendingFile::PendingFile(const std::string& target)
    : temporary_(target, fmt::format("'{}'", target)),
      target_(temporary_.target()),
      what_(fmt::format("write '{}'", target)) {
  if (const Descriptor file(target_, O_RDONLY); file) base_ = identity_of(target, file.get());
}

void PendingFile::copy_target() {
  const Descriptor from(target_, O_RDONLY);
  if (!from) fail(target_);
  const Watch watch(what_);
  base_ = identity_of(target_, from.get());
  constexpr std::size_t block = 8 << 20;
  const auto memory = std::make_unique<char[]>(block);
  for (;;) {
    const auto n = ::read(from.get(), memory.get(), block);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail(target_);
    if (n == 0) break;
    write_all(temporary_.descriptor(), {memory.get(), static_cast<std::size_t>(n)}, target_);
    note_progress();
  }
  if (const auto what = difference(*base_, identity_of(target_, from.get())); !what.empty())
    throw OSError(fmt::format("'{}' changed while it was copied: {}", target_, what));
}

void PendingFile::require_room(std::uint64_t more) const {
  const int file = temporary_.descriptor();
  struct stat status {};
  struct statvfs disk {};
  if (fstat(file, &status) != 0) fail(target_);
  if (fstatvfs(file, &disk) == 0 && more / disk.f_frsize >= disk.f_bavail) {
    errno = ENOSPC;
    fail(target_);
  }
  off_t grown = 0;
  if (__builtin_add_overflow(status.st_size, more, &grown)) {
    errno = EFBIG;
    fail(target_);
  }
  if (ftruncate(file, grown) != 0 || ftruncate(file, status.st_size) != 0) fail(target_);
}

void PendingFile::claim_space() const {
  const int file = temporary_.descriptor();
  struct stat status {};
  if (fstat(file, &status) != 0) fail(target_);
  if (status.st_size == 0 || fallocate(file, 0, 0, status.st_size) == 0) return;
  if (errno != EOPNOTSUPP && errno != ENOSYS && errno != EINTR) fail(target_);
}

void PendingFile::write(std::string_view bytes) {
  const Watch watch(what_);
  if (lseek(temporary_.descriptor(), 0, SEEK_END) < 0) fail(target_);
  write_all(temporary_.descriptor(), bytes, target_);
}

bool PendingFile::take_name(bool only_new) {
  if (!temporary_.take_name(only_new)) return false;
  // A folder that cannot be synced has its new entry all the same.
  if (const Descriptor d(folder_of(target_), O_RDONLY | O_DIRECTORY); d) (void)fsync(d.get());
  return true;
}

void PendingFile::commit() {
  sync_file(path());
  take_name(false);
}

bool PendingFile::commit_if_unchanged() {
  sync_file(path());
  constexpr int most_waits = 3000;
  for (int i = 0; i < most_waits; ++i) {
    {
      const FolderLock lock(folder_of(target_));
      // Opened, for a file server's word on a name alone may be seconds old.
      const Descriptor now(target_, O_RDONLY);
      if (!now && errno != ENOENT) fail(target_);
      if (now && (!base_ || !difference(*base_, identity_of(target_, now.get())).empty()))
        return false;
      // HDF5 holds this lock of a file that it has open for writing; what it writes later would be
      // lost with the old file.
      const bool busy = now && flock(now.get(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
      if (!busy) return take_name(!now);
    }
    if (i == 50) warn(fmt::format("waiting: another program has '{}' open for writing", target_));
    note_progress();
    std::this_thread::sleep_for(pause);
  }
  throw OSError(fmt::format(
      "cannot write '{}': another program has had it open for writing for a minute", target_));
}

void sync_file(const std::string& path) {
  const Descriptor file(path, O_RDWR);
  constexpr double slow = 1e6;  // bytes a second, of a disk that is busy
  struct stat status {};
  const bool known = file && fstat(file.get(), &status) == 0;
  const Watch watch("write a file to the disk",
                    known ? static_cast<double>(status.st_size) / slow : 0);
  if (!file || fsync(file.get()) != 0) fail(path);
}

}  // namespace tessera::io
