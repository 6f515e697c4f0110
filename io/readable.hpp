#pragma once
#include <string>

#include <tessera/runtime/communicator.hpp>

namespace tessera::io {

/// Checks that every process can open `file` for reading and sees the same regular file: before
/// any collective open, which would hang otherwise. OSError, the same everywhere. Collective.
void require_readable(const std::string& file, const Communicator& comm);

}  // namespace tessera::io
