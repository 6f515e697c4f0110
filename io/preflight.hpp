#pragma once
#include <cstdint>
#include <string>

#include <tessera/io/hdf5.hpp>

/// What is checked of a dataset before HDF5 reads its numbers: HDF5 1.10 believes what a file says
/// of itself. Callers hold a Session.
namespace tessera::io::hdf5 {

/// OSError that `who` is damaged unless type, extent, layout, chunks and storage fit each other and
/// the file. Data that was never written, or only in part, is sound: it reads as the fill value.
void require_sound(Handle dataset_id, const std::string& who);

/// What the file holds of a dataset's numbers, which are read as `dtype`. Walks the chunk index:
/// OSError for chunks that are stored short.
struct Storage {
  std::string why_independent;  ///< why a collective read might fail on one process while others
                                ///< wait for it inside HDF5; "" when it cannot
  std::string implausible;      ///< what a file of this size claims to hold; "" when it may well
};
Storage storage_of(Handle dataset_id, DType dtype, const std::string& who);

/// Looks at chunks, and unpacks them, as far as work on a MB goes, and reads that much of the first
/// and of the last rows, twice with different bytes in free memory: to see whether HDF5 survives it
/// and gives nothing but what the file holds. OSError otherwise. For a process of its own.
void try_reading(Handle file_id, const DatasetInfo& info, const std::string& who);

}  // namespace tessera::io::hdf5
