// Rows of datasets.
#include <fmt/format.h>
#include <hdf5.h>

#include <algorithm>
#include <array>
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

Selection::Selection(const Shape& shape, Range rows, Range columns) : Selection(shape, rows) {
  std::vector<hsize_t> start(shape.size(), 0);
  std::vector<hsize_t> extent(shape.begin(), shape.end());
  start[1] = static_cast<hsize_t>(columns.begin);
  extent[0] = static_cast<hsize_t>(rows.size());
  extent[1] = static_cast<hsize_t>(columns.size());
  for (const auto& [space, first] : {std::pair(&memory, std::int64_t{0}), {&file, rows.begin}}) {
    start[0] = static_cast<hsize_t>(first);
    check(
        H5Sselect_hyperslab(*space, H5S_SELECT_SET, start.data(), nullptr, extent.data(), nullptr));
  }
}

double most_seconds(const Shape& shape, Range rows, DType dtype) {
  constexpr double slow = 1e6;  // bytes a second, of a file server that is busy
  const auto all = static_cast<double>(std::max<std::int64_t>(1, row_count(shape)));
  return static_cast<double>(element_count(shape)) / all * static_cast<double>(rows.size()) *
         static_cast<double>(size_of(dtype)) / slow;
}

namespace {

std::int64_t elements_of(const Shape& shape, Range rows) {
  return rows.size() * elements_per_row(shape);
}

// The shape of a dataset's chunks; empty where it has none.
Shape chunk_of(hid_t dataset_id, const Shape& shape) {
  const Id creation(check(H5Dget_create_plist(dataset_id)));
  if (H5Pget_layout(creation) != H5D_CHUNKED) return {};
  std::array<hsize_t, H5S_MAX_RANK + 1> chunk{};
  const int ndim = check(H5Pget_chunk(creation, H5S_MAX_RANK, chunk.data()));
  if (ndim != std::ssize(shape)) return {};  // HDF5 will say so
  return {chunk.begin(), chunk.begin() + ndim};
}

// Reads independently in parts of few chunks: HDF5 takes some 7 kB for each chunk that a transfer
// meets, which of small chunks is many times what they hold.
void read_in_parts(hid_t dataset_id, hid_t type, const Shape& shape, Range rows, std::byte* to) {
  constexpr std::int64_t most_chunks = 4096;
  const Shape chunk = chunk_of(dataset_id, shape);
  const auto read = [&](const Selection& selection, std::byte* at) {
    check(H5Dread(dataset_id, type, selection.memory, selection.file, H5P_DEFAULT, at));
  };
  if (chunk.empty()) return read(Selection(shape, rows), to);
  const auto along = [&](std::size_t i) { return (shape[i] - 1) / chunk[i] + 1; };
  std::int64_t behind = 1;  // chunks along all dimensions but the first two
  for (std::size_t i = 2; i < chunk.size(); ++i) behind *= along(i);
  const bool flat = shape.size() < 2;
  const std::int64_t columns = flat ? 1 : shape[1];
  const std::int64_t width =
      flat ? 1 : std::min(columns, std::max<std::int64_t>(1, most_chunks / behind) * chunk[1]);
  const std::int64_t across = behind * (flat ? 1 : (width - 1) / chunk[1] + 1);
  const std::int64_t height = std::max<std::int64_t>(1, most_chunks / across) * chunk[0];
  const std::size_t row_bytes =
      static_cast<std::size_t>(elements_per_row(shape)) * H5Tget_size(type);
  for (std::int64_t row = rows.begin; row < rows.end;) {
    const Range part{row, std::min(rows.end, (row / height + 1) * height)};
    std::byte* const at = to + static_cast<std::size_t>(row - rows.begin) * row_bytes;
    for (std::int64_t column = 0; column < columns; column += width) {
      const Range some{column, std::min(columns, column + width)};
      read(width == columns ? Selection(shape, part) : Selection(shape, part, some), at);
    }
    row = part.end;
  }
}

void read_packed(hid_t dataset_id, const DatasetInfo& info, Range rows, std::byte* to) {
  const Packing& packing = *info.packing;
  const std::int64_t count = elements_of(info.shape, rows);
  std::byte* raw =
      to + static_cast<std::size_t>(count) * (size_of(packing.result) - size_of(packing.stored));
  read_in_parts(dataset_id, writing_type(packing.stored), info.shape, rows, raw);
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
  const Watch watch("H5Dread", most_seconds(info.shape, rows, info.dtype));
  if (transfer == H5P_DEFAULT) {
    read_in_parts(dataset_id, type, info.shape, rows, static_cast<std::byte*>(to));
  } else {
    const Selection selection(info.shape, rows);
    check(H5Dread(dataset_id, type, selection.memory, selection.file, transfer, to));
  }
  if (info.dtype != DType::boolean) return;
  // Memory of type bool may hold nothing but 0 and 1.
  auto* bytes = static_cast<std::uint8_t*>(to);
  const std::int64_t count = elements_of(info.shape, rows);
  const bool flags = H5Tget_class(stored) == H5T_BITFIELD &&
                     std::any_of(bytes, bytes + count, [](std::uint8_t b) { return b > 1; });
  std::for_each(bytes, bytes + count, [](std::uint8_t& b) { b = b != 0; });
  if (flags)
    throw TypeError(fmt::format("{} holds bit fields with more than one bit, not booleans",
                                title(file_of(dataset_id), info.name)));
}

}  // namespace tessera::io::hdf5
