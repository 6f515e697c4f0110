#pragma once
#include <cstdint>
#include <string>

namespace tessera::io {

/// Which file a name led to, and how it was, when this process looked.
struct FileIdentity {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::int64_t size = 0;
  std::int64_t modified = 0;  ///< when it was written last, in nanoseconds since 1970
  std::int64_t changed = 0;   ///< the same, of its times, links and permissions too
  std::uint64_t sample = 0;   ///< of its contents, from first_look()
  bool fresh = false;         ///< its time may not show another write just after the look
};

/// Of an open file, without the sample. OSError naming `file`.
FileIdentity identity_of(const std::string& file, int fd);

/// What is different of a file that was `first` and is `now`, in words; empty when nothing is.
std::string difference(const FileIdentity& first, const FileIdentity& now);

/// The identity with a checksum of the whole contents of a file of up to a mebibyte, and of blocks
/// that lie evenly in larger ones. OSError naming `file`. Local; milliseconds.
FileIdentity first_look(const std::string& file, int fd);

/// OSError "'x.h5' changed while it was read" and how, unless the open file is as it was at first.
/// A microsecond, but for a file that was written just before the first look or whose times
/// somebody has changed: there the sample counts. Local.
void require_unchanged(const std::string& file, int fd, const FileIdentity& first);

}  // namespace tessera::io
