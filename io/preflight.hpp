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

/// The bytes that the file holds of the dataset's numbers, and why a collective read of these might
/// fail on one process while others wait for it in HDF5: "" when it cannot. Walks the chunk index.
struct Storage {
  std::uint64_t bytes = 0;
  std::string why_independent;
};
Storage storage_of(Handle dataset_id);

/// OSError unless every chunk that `rows` touch is stored with all its bytes. Chunks behind filters
/// are unpacked to see that. Looks no further than work on `budget` bytes goes.
void require_whole_chunks(Handle dataset_id, const std::string& who, Range rows,
                          std::uint64_t budget);

/// Reads what a few MB hold of the first and the last rows, to see whether HDF5 survives it.
void try_reading(Handle dataset_id, const DatasetInfo& info, const std::string& who);

}  // namespace tessera::io::hdf5
