#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include <tessera/io/hdf5.hpp>

/// Chunks unpacked by our own threads: HDF5 unpacks them one after the other.
namespace tessera::io::hdf5 {

/// As read_rows(), on all threads, where the dataset's chunks are packed by deflate or by shuffle
/// and deflate and hold the numbers as memory has them. False, and what `to` holds is of no use,
/// for any other and for what is damaged or was never written: read_rows() then reads it or says
/// what is wrong. The caller holds no Session.
bool read_deflated_rows(Handle dataset_id, const DatasetInfo& info, Range rows, void* to);

/// The rows of such a dataset from its beginning to its end, in pieces that need not fit its
/// chunks: each chunk is unpacked once, ahead with others. Holds 32 MiB at most.
class DeflatedRows {
 public:
  /// No row from `end` on is wanted. `dataset_id` and `info` outlive this.
  DeflatedRows(Handle dataset_id, const DatasetInfo& info, std::int64_t end);
  /// As read_deflated_rows(), which is then not asked again; also false for large chunks.
  bool read(Range rows, void* to);

 private:
  Handle dataset_id_;
  const DatasetInfo& info_;
  std::int64_t end_;
  std::int64_t step_ = 0;  // rows that are unpacked at a time, of whole chunks; 0: none
  std::int64_t chunk_rows_ = 0;
  Range held_ = {0, 0};
  std::vector<std::byte> rows_;
};

}  // namespace tessera::io::hdf5
