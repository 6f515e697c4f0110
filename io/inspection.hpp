#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include <tessera/io/dataset.hpp>

namespace tessera::io {

/// What one look at a dataset finds.
struct Found {
  DatasetInfo info;
  std::string why_independent;  ///< as hdf5::Storage has it; both are "" in a list of several
  std::string implausible;
};

/// Looks at one dataset and what leads to it or, with "" for its name, at all that read() accepts;
/// a list of one has looked at that one as closely. Local, and nothing but HDF5 and the file.
/// `trial` also reads a little of the numbers. Errors as inspect().
std::vector<Found> examine(const std::string& file, const std::string& dataset, bool trial);

/// examine() in the program tessera-inspect, so that a file that crashes HDF5, keeps it busy for
/// ever or takes all memory is an OSError naming the file. Local.
std::vector<Found> examine_in_child(const std::string& file, const std::string& dataset);

/// What set_trusted() or else TESSERA_TRUSTED says; ValueError for a value other than 0 and 1.
bool is_trusted();

/// What examine() finds, as safely as set_trusted() says. What has been found of a file that did
/// not change since is not looked for again. Local.
std::vector<Found> inspect_once(const std::string& file, const std::string& dataset,
                                const FileIdentity& as);

/// The one dataset, to be read: OSError also for an implausible one. Collective.
Found inspect_to_read(const std::string& file, const std::string& dataset,
                      const Communicator& comm);

/// Findings as bytes for other processes, and back; OSError for bytes that are none.
std::string pack(const std::vector<Found>& all);
std::vector<Found> unpack(const std::string& bytes);

}  // namespace tessera::io
