#pragma once
#include <sys/types.h>

#include <string>

namespace tessera {

/// A new file in the folder of another one, whose name it takes in the end; else it vanishes. It
/// has no name till then, so that nothing is left of it however the process ends, where the file
/// system knows such files (O_TMPFILE) and all processes are on one machine. Elsewhere it has a
/// temporary name, and a signal that ends this process removes it first: of the signals whose
/// disposition is the default, while such files exist, and the process still ends by the signal.
/// Only what kills at once (SIGKILL) leaves a file NAME.part-*, which nobody minds. Local.
class TemporaryFile {
 public:
  /// Creates it, empty. Links are followed, also to a file that is yet to be made. OSError "cannot
  /// write `title`: ..." when that fails or `target` is there and no regular file to be written.
  TemporaryFile(const std::string& target, std::string title);
  ~TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;

  /// The file whose name it takes, behind all links; and whether there was one at first.
  const std::string& target() const { return target_; }
  bool replaces() const { return replaces_; }
  /// Opens it in every process that may have to. Need not be a name that lists show.
  const std::string& path() const { return path_; }
  int descriptor() const { return fd_; }
  /// Gives it the target's name, in the place of what has it. False, and nothing is done, if
  /// something has it and nothing should. The caller has synced what was written.
  bool take_name(bool only_new);

 private:
  [[noreturn]] void fail() const;
  bool create_unnamed(const std::string& folder);
  void create_named();
  /// Calls `make(name)`, which fails with EEXIST or else leaves a file, for new temporary names.
  template <class Make>
  bool with_new_name(const Make& make);

  std::string title_;
  std::string target_;
  bool replaces_ = false;
  std::string path_;
  std::string name_;  // temporary; empty while it has none
  int fd_ = -1;
  int slot_ = -1;
};

/// Removes the temporary files of this process that have names: for a process that is about to end
/// without unwinding. May be called in a signal's handler.
void remove_unfinished();

namespace detail {
/// Whether files may do without a name: processes that have to write them can open them by way of
/// rank 0's /proc/<pid>/fd. The Runtime says so.
void allow_unnamed_files(bool allow);
}  // namespace detail

}  // namespace tessera
