#pragma once
#include <optional>
#include <string>
#include <vector>

#include <tessera/io/hdf5.hpp>

/// What the attributes of a dataset or group say. Callers hold a Session.
namespace tessera::io::hdf5 {

/// Numbers as wide as any of the file's: exact for 64-bit integers and float64.
using Wide = long double;

struct Numbers {
  std::vector<Wide> values;
  /// float32, float64, int64 or uint64: of which kind they are.
  DType dtype = DType::float64;
};

bool has_attribute(Handle object_id, const char* name);

/// An attribute of one string; nothing when there is none of that name or it is something else.
std::optional<std::string> text_attribute(Handle object_id, const char* name);

/// An attribute of integers or floats of at most 8 bytes; nothing when there is none. TypeError
/// naming `who` for one of another type, ValueError for one of no number or thousands.
std::optional<Numbers> number_attribute(Handle object_id, const char* name, const std::string& who);

}  // namespace tessera::io::hdf5
