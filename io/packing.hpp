#pragma once
#include <optional>
#include <string>
#include <vector>

#include <tessera/io/attributes.hpp>

namespace tessera::io::hdf5 {

/// How attributes say that the stored numbers mean others: the conventions of NetCDF (CF), which
/// h5py users follow, too. Applied as netCDF4 and xarray do: what is missing or not valid becomes
/// NaN, then comes x scale_factor, then + add_offset, each rounded in the type that NumPy computes
/// it in.
struct Packing {
  DType stored = DType::int16;    ///< what is read from the file
  DType number = DType::int16;    ///< the same bytes with the sign that _Unsigned says
  DType scaled = DType::float32;  ///< of the product
  DType result = DType::float32;  ///< of the array: number, float32 or float64
  std::optional<double> scale;
  std::optional<double> offset;
  std::vector<Wide> missing;  ///< _FillValue, missing_value
  std::optional<Wide> low;    ///< valid_min, valid_max or valid_range, of the stored numbers
  std::optional<Wide> high;
  /// NetCDF's mark for integers that were never written: an error where the dataset does not say
  /// that its numbers can be missing.
  std::optional<Wide> unwritten;
};

/// What the attributes of a dataset of `stored` numbers say; nothing when they say nothing. Errors
/// naming `who` for attributes of a strange type or size; NotImplementedError for those of complex
/// numbers and bools.
std::optional<Packing> packing_of(Handle dataset_id, DType stored, const std::string& who);

/// Turns `count` numbers, read as `packing.stored` to the end of the memory at `to` for as many
/// results, into the results. ValueError for an unwritten integer.
void unpack(const Packing& packing, std::int64_t count, void* to, const std::string& who);

}  // namespace tessera::io::hdf5
