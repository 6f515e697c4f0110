#pragma once
#include <functional>
#include <string>

#include <tessera/runtime/communicator.hpp>

namespace tessera::io {

/// Runs `work` on rank 0 only. What it throws is thrown on every process, with the same text for
/// any number of processes. Collective; `work` must not communicate.
void on_first(const Communicator& comm, const std::function<void()>& work);

/// Checks that every process can open `file` for reading and sees the same regular file: before
/// any collective open, which would hang otherwise. OSError, the same everywhere. Collective.
void require_readable(const std::string& file, const Communicator& comm);

}  // namespace tessera::io
