#pragma once
#include <optional>
#include <string>

#include <tessera/io/hdf5.hpp>

/// What the types in files say. For the .cpp files of this room.
namespace tessera::io::hdf5 {

/// The DType of elements of that type as a number, -1 when there is none.
int dtype_index(Handle type);
/// Such a type in words, for messages.
std::string class_name(Handle type);

/// What has a name in a file, after soft links.
struct Place {
  enum class Kind : bool { group, dataset };
  std::string path = {};
  std::optional<Kind> kind = {};  ///< none where nothing has the name
};
Place place_of(Handle file_id, const std::string& file, const std::string& dataset);

}  // namespace tessera::io::hdf5
