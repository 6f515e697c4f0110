#pragma once
#include <functional>
#include <string_view>

#include <tessera/io/hdf5.hpp>

/// Datasets of strings, for the .cpp files of this room.
namespace tessera::io::hdf5 {

/// Whether a stored type is strings, of fixed or variable length.
bool is_text(Handle type);
/// Bytes that a dataset stores of each element of this type.
std::uint64_t stored_bytes(Handle dataset_id, Handle type);

/// Hands the strings of some rows of what open_dataset() opened and describe() described to `take`,
/// in order, without what fills them up.
void read_text(Handle dataset_id, const DatasetInfo& info, Range rows,
               const std::function<void(std::string_view)>& take);

}  // namespace tessera::io::hdf5
