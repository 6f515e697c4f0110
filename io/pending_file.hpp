#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace tessera::io {

/// A file being written under a temporary name in its own folder: it takes its name in commit() or
/// is removed. Local. OSError naming the file for everything that fails.
class PendingFile {
 public:
  /// Creates the temporary, empty, with the permissions of the file it will replace.
  explicit PendingFile(const std::string& target);
  ~PendingFile();
  PendingFile(const PendingFile&) = delete;

  /// Name of the temporary.
  const std::string& path() const { return temporary_; }
  /// True when the target exists already.
  bool replaces() const { return replaces_; }
  /// Fills the temporary with what the target holds now.
  void copy_target();
  /// Refuses what cannot fit: `more` bytes beyond what the temporary holds now.
  void require_room(std::uint64_t more) const;
  /// Claims the disk space of the temporary's holes, where the file system can.
  void claim_space() const;
  void write(std::string_view bytes);
  /// Puts everything on the disk and gives the file its name.
  void commit();

 private:
  std::string target_;
  std::string temporary_;
  bool replaces_ = false;
  bool done_ = false;
};

/// Waits until what this process wrote to the file is on the disk. OSError otherwise.
void sync_file(const std::string& path);

}  // namespace tessera::io
