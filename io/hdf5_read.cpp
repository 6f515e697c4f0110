// Rows of datasets.
#include <fmt/format.h>
#include <hdf5.h>

#include <algorithm>
#include <vector>

#include <tessera/io/hdf5.hpp>
#include <tessera/io/packing.hpp>
#include <tessera/io/sparse.hpp>

namespace tessera::io::hdf5 {

std::int64_t rows_per_transfer(const Shape& shape, DType dtype) {
  constexpr std::int64_t most_bytes = 1 << 30;
  const std::int64_t most = most_bytes / static_cast<std::int64_t>(size_of(dtype));
  return std::max<std::int64_t>(1, most / std::max<std::int64_t>(1, elements_per_row(shape)));
}

Selection::Selection(const Shape& shape, Range rows) {
  std::vector<hsize_t> extent(shape.begin(), shape.end());
  if (extent.empty()) {
    file = Id(check(H5Screate(H5S_SCALAR)));
    memory = Id(check(H5Screate(H5S_SCALAR)));
  } else {
    file = Id(check(H5Screate_simple(static_cast<int>(extent.size()), extent.data(), nullptr)));
    std::vector<hsize_t> start(extent.size(), 0);
    start[0] = static_cast<hsize_t>(rows.begin);
    extent[0] = static_cast<hsize_t>(rows.size());
    memory = Id(check(H5Screate_simple(static_cast<int>(extent.size()), extent.data(), nullptr)));
    if (rows.size() > 0 && std::find(extent.begin(), extent.end(), 0U) == extent.end())
      check(
          H5Sselect_hyperslab(file, H5S_SELECT_SET, start.data(), nullptr, extent.data(), nullptr));
    else
      rows.end = rows.begin;
  }
  if (rows.size() > 0) return;
  check(H5Sselect_none(file));
  check(H5Sselect_none(memory));
}
double most_seconds(const Shape& shape, Range rows, DType dtype) {
  constexpr double slow = 1e6;  // bytes a second, of a file server that is busy
  const auto all = static_cast<double>(std::max<std::int64_t>(1, row_count(shape)));
  return static_cast<double>(element_count(shape)) / all * static_cast<double>(rows.size()) *
         static_cast<double>(size_of(dtype)) / slow;
}

namespace {

void read_packed(hid_t dataset_id, const DatasetInfo& info, Range rows, std::byte* to) {
  const Packing& packing = *info.packing;
  const Selection selection(info.shape, rows);
  const auto count = check(H5Sget_select_npoints(selection.memory));
  std::byte* raw =
      to + static_cast<std::size_t>(count) * (size_of(packing.result) - size_of(packing.stored));
  check(H5Dread(dataset_id, writing_type(packing.stored), selection.memory, selection.file,
                H5P_DEFAULT, raw));
  unpack(packing, count, to, title(file_of(dataset_id), info.name));
}

}  // namespace

void read_rows(hid_t dataset_id, const DatasetInfo& info, Range rows, void* to, hid_t transfer) {
  if (element_count(info.shape) == 0) return;  // on every process
  const Session session;
  if (!info.sparse.empty()) return read_sparse_rows(dataset_id, info, rows, to);
  if (info.packing) return read_packed(dataset_id, info, rows, static_cast<std::byte*>(to));
  const Id stored(check(H5Dget_type(dataset_id)));
  const Id type = reading_type(stored, info.dtype);
  const Selection selection(info.shape, rows);
  const Watch watch("H5Dread", most_seconds(info.shape, rows, info.dtype));
  check(H5Dread(dataset_id, type, selection.memory, selection.file, transfer, to));
  if (info.dtype != DType::boolean) return;
  // Memory of type bool may hold nothing but 0 and 1.
  auto* bytes = static_cast<std::uint8_t*>(to);
  const auto count = check(H5Sget_select_npoints(selection.memory));
  const bool flags = H5Tget_class(stored) == H5T_BITFIELD &&
                     std::any_of(bytes, bytes + count, [](std::uint8_t b) { return b > 1; });
  std::for_each(bytes, bytes + count, [](std::uint8_t& b) { b = b != 0; });
  if (flags)
    throw TypeError(fmt::format("{} holds bit fields with more than one bit, not booleans",
                                title(file_of(dataset_id), info.name)));
}

}  // namespace tessera::io::hdf5
