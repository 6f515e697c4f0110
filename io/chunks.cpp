#include <tessera/io/chunks.hpp>

#include <hdf5.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <optional>
#include <vector>

#include <tessera/runtime/rows.hpp>

namespace tessera::io::hdf5 {
namespace {

/// How a dataset of one or two dimensions is cut and packed.
struct Packed {
  std::int64_t rows = 1;  // of a chunk
  std::int64_t cols = 1;
  std::size_t width = 0;  // bytes of an element
  bool shuffled = false;
  std::size_t bytes() const { return static_cast<std::size_t>(rows * cols) * width; }
};

std::optional<Packed> packed_of(hid_t dataset_id, const DatasetInfo& info) {
  if (!info.sparse.empty() || info.packing || info.dtype == DType::boolean) return {};
  if (info.shape.empty() || info.shape.size() > 2) return {};
  const Session session;
  const Id creation(check(H5Dget_create_plist(dataset_id)));
  if (H5Pget_layout(creation) != H5D_CHUNKED) return {};
  const Id stored(check(H5Dget_type(dataset_id)));
  const Id wanted = reading_type(stored, info.dtype);
  if (check(H5Tequal(stored, wanted)) == 0) return {};

  Packed packed{.width = static_cast<std::size_t>(size_of(info.dtype))};
  const int filters = static_cast<int>(check(H5Pget_nfilters(creation)));
  std::vector<H5Z_filter_t> chain;
  for (int i = 0; i < filters; ++i) {
    unsigned flags = 0;
    std::size_t values = 0;
    chain.push_back(static_cast<H5Z_filter_t>(check(H5Pget_filter2(
        creation, static_cast<unsigned>(i), &flags, &values, nullptr, 0, nullptr, nullptr))));
  }
  packed.shuffled = filters == 2 && chain[0] == H5Z_FILTER_SHUFFLE;
  if (filters < 1 || chain.back() != H5Z_FILTER_DEFLATE || (filters != 1 && !packed.shuffled))
    return {};
  std::array<hsize_t, 2> chunk = {1, 1};
  check(H5Pget_chunk(creation, static_cast<int>(info.shape.size()), chunk.data()));
  constexpr hsize_t most = 64 << 20;  // every thread holds a few
  if (chunk[0] > most / packed.width || chunk[1] > most / packed.width / chunk[0]) return {};
  packed.rows = static_cast<std::int64_t>(chunk[0]);
  packed.cols = static_cast<std::int64_t>(chunk[1]);
  return packed;
}

// The stored bytes of a chunk; nothing if there are none, too many, or not all filters were
// applied.
bool read_stored(hid_t dataset_id, std::int64_t row, std::int64_t col, std::size_t most,
                 std::vector<std::byte>& bytes) {
  const Session session;
  const std::array<hsize_t, 2> at = {static_cast<hsize_t>(row), static_cast<hsize_t>(col)};
  hsize_t stored = 0;
  if (H5Dget_chunk_storage_size(dataset_id, at.data(), &stored) < 0 || stored == 0 || stored > most)
    return false;
  bytes.resize(stored);
  const Watch watch("H5Dread_chunk", static_cast<double>(stored) / 1e6);
  std::uint32_t left_out = 0;
  return H5Dread_chunk(dataset_id, H5P_DEFAULT, at.data(), &left_out, bytes.data()) >= 0 &&
         left_out == 0;
}

// Byte b of all elements lies together.
void unshuffle(const std::vector<std::byte>& from, std::size_t width, std::vector<std::byte>& to) {
  const std::size_t count = from.size() / width;
  to.resize(from.size());
  for (std::size_t b = 0; b < width; ++b)
    for (std::size_t i = 0; i < count; ++i) to[i * width + b] = from[b * count + i];
}

}  // namespace

bool read_deflated_rows(hid_t dataset_id, const DatasetInfo& info, Range rows, void* to) {
  if (rows.size() == 0 || element_count(info.shape) == 0) return false;
  const auto packed = packed_of(dataset_id, info);
  if (!packed) return false;
  const std::int64_t cols = elements_per_row(info.shape);
  const std::int64_t across = (cols + packed->cols - 1) / packed->cols;
  const std::int64_t first = rows.begin / packed->rows;
  const std::int64_t last = (rows.end - 1) / packed->rows;
  const std::size_t width = packed->width;
  std::atomic<bool> good = true;
  const auto unpack = [&](std::int64_t chunk_row, std::int64_t chunk_col) {
    std::vector<std::byte> stored, unpacked(packed->bytes());
    if (!read_stored(dataset_id, chunk_row * packed->rows, chunk_col * packed->cols,
                     2 * packed->bytes() + 4096, stored))
      return false;
    uLongf length = unpacked.size();
    if (uncompress(reinterpret_cast<Bytef*>(unpacked.data()), &length,
                   reinterpret_cast<const Bytef*>(stored.data()), stored.size()) != Z_OK ||
        length != unpacked.size())
      return false;
    if (packed->shuffled && width > 1) {
      stored.swap(unpacked);
      unshuffle(stored, width, unpacked);
    }
    const std::int64_t col = chunk_col * packed->cols;
    const std::size_t bytes = static_cast<std::size_t>(std::min(packed->cols, cols - col)) * width;
    const std::int64_t begin = std::max(rows.begin, chunk_row * packed->rows);
    const std::int64_t end = std::min(rows.end, (chunk_row + 1) * packed->rows);
    for (std::int64_t row = begin; row < end; ++row) {
      const auto from = static_cast<std::size_t>((row % packed->rows) * packed->cols) * width;
      const auto at = static_cast<std::size_t>((row - rows.begin) * cols + col) * width;
      std::memcpy(static_cast<std::byte*>(to) + at, unpacked.data() + from, bytes);
    }
    return true;
  };
  parallel_for({0, (last - first + 1) * across}, Runtime::threads(), [&](std::int64_t i, Stream&) {
    if (good && !unpack(first + i / across, i % across)) good = false;
  });
  return good;
}

DeflatedRows::DeflatedRows(hid_t dataset_id, const DatasetInfo& info, std::int64_t end)
    : dataset_id_(dataset_id), info_(info), end_(end) {
  const auto packed = packed_of(dataset_id, info);
  if (!packed || element_count(info.shape) == 0) return;
  const std::int64_t cols = elements_per_row(info.shape);
  const std::int64_t across = (cols + packed->cols - 1) / packed->cols;
  const std::int64_t bytes = packed->rows * cols * static_cast<std::int64_t>(packed->width);
  constexpr std::int64_t room = 32 << 20;
  const std::int64_t ahead = (std::int64_t{4} * Runtime::threads() + across - 1) / across;
  const std::int64_t chunks = std::min(ahead, room / bytes);
  step_ = chunks * packed->rows;
  chunk_rows_ = packed->rows;
}

bool DeflatedRows::read(Range rows, void* to) {
  if (step_ == 0) return false;
  const auto row_bytes = static_cast<std::size_t>(elements_per_row(info_.shape)) *
                         static_cast<std::size_t>(size_of(info_.dtype));
  const auto bytes = [&](std::int64_t count) {
    return static_cast<std::size_t>(count) * row_bytes;
  };
  auto* out = static_cast<std::byte*>(to);
  while (rows.size() > 0) {
    if (rows.begin < held_.begin || rows.begin >= held_.end) {
      const std::int64_t begin = rows.begin / chunk_rows_ * chunk_rows_;
      held_ = {begin, std::min(begin + step_, end_)};
      rows_.resize(bytes(held_.size()));
      if (!read_deflated_rows(dataset_id_, info_, held_, rows_.data())) {
        step_ = 0;
        return false;
      }
    }
    const std::int64_t end = std::min(rows.end, held_.end);
    const std::size_t some = bytes(end - rows.begin);
    std::memcpy(out, rows_.data() + bytes(rows.begin - held_.begin), some);
    out += some;
    rows.begin = end;
  }
  return true;
}

}  // namespace tessera::io::hdf5
