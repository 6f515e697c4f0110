#pragma once
#include <string>

#include <tessera/io/file_identity.hpp>
#include <tessera/runtime/communicator.hpp>

namespace tessera::io {

/// Checks that every process can open `file` for reading and sees the same regular file, by size
/// and by a checksum of contents (those of first_look()): before any collective open, which would
/// hang otherwise. Gives what this process saw, for require_unchanged(). OSError, the same
/// everywhere. Collective; milliseconds.
FileIdentity require_readable(const std::string& file, const Communicator& comm);

/// What this job has written itself is looked at anew: after writing `file`, on every process.
void forget_first_look(const std::string& file);

/// While one lives, a file that has been looked at must stay as it was: require_readable() compares
/// with its first look at that name. For a program that takes several inputs from one file.
class InputsStay {
 public:
  InputsStay();
  ~InputsStay();
  InputsStay(const InputsStay&) = delete;
};

}  // namespace tessera::io
