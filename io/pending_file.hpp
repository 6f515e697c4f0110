#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <tessera/io/file_identity.hpp>
#include <tessera/runtime/temporary_file.hpp>

namespace tessera::io {

/// A file being written as a TemporaryFile in its own folder: it takes its name in commit() or is
/// removed. Local. OSError naming the file for everything that fails.
class PendingFile {
 public:
  /// Creates the temporary, empty, with the permissions of the file it will replace.
  explicit PendingFile(const std::string& target);

  /// Opens the temporary, by HDF5's MPI driver only: others want the file's real name.
  const std::string& path() const { return temporary_.path(); }
  /// True when the target exists already.
  bool replaces() const { return temporary_.replaces(); }
  /// Fills the temporary with what the target holds now.
  void copy_target();
  /// Refuses what cannot fit: `more` bytes beyond what the temporary holds now.
  void require_room(std::uint64_t more) const;
  /// Claims the disk space of the temporary's holes, where the file system can.
  void claim_space() const;
  void write(std::string_view bytes);
  /// Puts everything on the disk and gives the file its name, whoever has written it meanwhile.
  void commit();
  /// The same unless the target is no longer what it was when this was made or copied from it:
  /// false then, and nothing is done. No two processes of one machine are in here at once for the
  /// same folder, where it can be locked. Waits while another program has the target open in HDF5
  /// for writing; OSError after a minute of that.
  bool commit_if_unchanged();

 private:
  /// False when there is a target and there should be none.
  bool take_name(bool only_new);
  TemporaryFile temporary_;
  std::string target_;
  std::string what_;                  ///< for the watchdog
  std::optional<FileIdentity> base_;  ///< the target as it was; nothing when there was none
};

/// Waits until what this process wrote to the file is on the disk. OSError otherwise.
void sync_file(const std::string& path);

}  // namespace tessera::io
