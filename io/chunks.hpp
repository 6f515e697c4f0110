#pragma once
#include <tessera/io/hdf5.hpp>

/// Chunks unpacked by our own threads: HDF5 unpacks them one after the other.
namespace tessera::io::hdf5 {

/// As read_rows(), on all threads, where the dataset's chunks are packed by deflate or by shuffle
/// and deflate and hold the numbers as memory has them. False, and what `to` holds is of no use,
/// for any other and for what is damaged or was never written: read_rows() then reads it or says
/// what is wrong. The caller holds no Session.
bool read_deflated_rows(Handle dataset_id, const DatasetInfo& info, Range rows, void* to);

}  // namespace tessera::io::hdf5
