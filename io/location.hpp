#pragma once
#include <string>

#include <tessera/runtime/communicator.hpp>

namespace tessera::io {

/// A dataset inside an HDF5 file, written FILE.h5:/dataset.
struct Location {
  std::string file;
  std::string dataset;  ///< absolute path inside the file; empty when it was not given
};

/// Splits FILE.h5:/group/dataset at a ":/"; without one the whole text is the file. Where there are
/// several, the longest name of a file that exists decides, for a file yet to be written its
/// folder and ending. ValueError for an empty file name. Local.
Location parse_location(const std::string& text);

/// The same location with a dataset: the only numeric one of the file when none was named.
/// ValueError listing the candidates when there are several or none; OSError when the file cannot
/// be read. Collective.
Location resolve(const Location& location, const Communicator& comm = Communicator::world());

/// Fails early: OSError, the same on every process, unless rank 0 can create or replace `file`.
/// Leaves nothing behind. Collective.
void require_writable(const std::string& file, const Communicator& comm = Communicator::world());

/// Whether `file` is an HDF5 file, also one after a block of something else, such as MATLAB's.
/// OSError when it cannot be read. Collective.
bool is_hdf5(const std::string& file, const Communicator& comm = Communicator::world());

/// FILE.h5:/dataset again.
std::string to_string(const Location& location);

}  // namespace tessera::io
