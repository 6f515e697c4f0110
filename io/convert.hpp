#pragma once
#include <string>

#include <tessera/io/location.hpp>
#include <tessera/runtime/rows.hpp>

namespace tessera::io {

/// The numbers of a text table as float64 rows of shape (lines, columns), or (lines,) when there is
/// one column: .csv with commas, semicolons or tabs, told by the first line. A first line
/// without any number is a header and is left out; blank lines are skipped. The text is read in
/// blocks when the rows are. ValueError for an empty table; passes over the rows throw ValueError
/// naming line and column of a ragged line or of a cell that is no number. OSError when the file
/// cannot be read. Collective.
Rows stream_csv(const std::string& file, const Communicator& comm = Communicator::world());

/// The array of a NumPy .npy file (format versions 1 to 3, C or Fortran order, either byte order)
/// as rows, read when needed. float16 becomes float32. TypeError for other dtypes than numbers and
/// bools, OSError for a file that cannot be read, is no .npy file or does not have the size that it
/// says. Collective.
Rows stream_npy(const std::string& file, const Communicator& comm = Communicator::world());

/// Writes a .csv or .npy file as an HDF5 dataset, without holding it in memory: every process turns
/// its rows around. ValueError for other endings or a target without a dataset. Errors of
/// stream_csv(), stream_npy() and write(). Collective.
void convert(const std::string& source, const Location& target,
             const Communicator& comm = Communicator::world());

}  // namespace tessera::io
