#include <tessera/io/preflight.hpp>
#include <tessera/io/text.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <hdf5.h>
#include <malloc.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>

namespace tessera::io::hdf5 {
namespace {

using Extent = std::vector<hsize_t>;

/// The layout as the file tells it; `chunk` only where it is chunked.
struct Layout {
  explicit Layout(hid_t dataset_id)
      : creation(check(H5Dget_create_plist(dataset_id))),
        space(check(H5Dget_space(dataset_id))),
        type(check(H5Dget_type(dataset_id))),
        kind(H5Pget_layout(creation)),
        extent(static_cast<std::size_t>(check(H5Sget_simple_extent_ndims(space)))),
        most(extent.size()),
        element_bytes(stored_bytes(dataset_id, type)) {
    check(H5Sget_simple_extent_dims(space, extent.data(), most.data()));
    if (kind != H5D_CHUNKED) return;
    std::array<hsize_t, H5S_MAX_RANK + 1> all{};
    const auto ndim = check(H5Pget_chunk(creation, H5S_MAX_RANK, all.data()));
    chunk.assign(all.begin(), all.begin() + std::min<std::int64_t>(ndim, H5S_MAX_RANK));
  }

  bool empty() const { return std::find(extent.begin(), extent.end(), 0U) != extent.end(); }
  hsize_t chunks_along(std::size_t i) const { return (extent[i] + chunk[i] - 1) / chunk[i]; }
  std::uint64_t chunk_bytes() const {
    std::uint64_t bytes = element_bytes;
    for (const hsize_t n : chunk) bytes *= n;
    return bytes;
  }

  Id creation, space, type;
  H5D_layout_t kind;
  Extent extent, most, chunk;
  std::uint64_t element_bytes;
};

// Whether the bits of a number lie inside it: conversion walks them.
bool consistent_number(hid_t type) {
  const auto bits = 8 * H5Tget_size(type);
  const auto precision = H5Tget_precision(type);
  const int offset = H5Tget_offset(type);
  if (precision == 0 || offset < 0 || static_cast<std::size_t>(offset) + precision > bits)
    return false;
  if (H5Tget_class(type) != H5T_FLOAT) return true;
  std::size_t sign = 0, exponent = 0, exponent_bits = 0, mantissa = 0, mantissa_bits = 0;
  if (H5Tget_fields(type, &sign, &exponent, &exponent_bits, &mantissa, &mantissa_bits) < 0)
    return false;
  return exponent_bits > 0 && mantissa_bits > 0 && sign < precision && exponent_bits <= precision &&
         exponent <= precision - exponent_bits && mantissa_bits <= precision &&
         mantissa <= precision - mantissa_bits;
}

bool consistent(hid_t type) {
  switch (H5Tget_class(type)) {
    case H5T_INTEGER:
    case H5T_FLOAT:
    case H5T_BITFIELD:
      return consistent_number(type);
    case H5T_ENUM: {
      const Id base(check(H5Tget_super(type)));
      return H5Tget_size(base) == H5Tget_size(type) && consistent(base);
    }
    case H5T_COMPOUND: {
      std::size_t used = 0;
      for (int i = 0; i < H5Tget_nmembers(type); ++i) {
        const auto at = H5Tget_member_offset(type, static_cast<unsigned>(i));
        const Id member(check(H5Tget_member_type(type, static_cast<unsigned>(i))));
        const auto bytes = H5Tget_size(member);
        if (at > H5Tget_size(type) || bytes > H5Tget_size(type) - at || !consistent(member))
          return false;
        used += bytes;
      }
      return used <= H5Tget_size(type);
    }
    default:
      return true;
  }
}

/// Product of sizes; false when it leaves 64 bits.
bool product(const Extent& sizes, std::uint64_t first, std::uint64_t& bytes) {
  bytes = first;
  for (const hsize_t n : sizes)
    if (__builtin_mul_overflow(bytes, n, &bytes)) return false;
  return true;
}

struct Filter {
  H5Z_filter_t number = 0;
  std::vector<unsigned> values;  // its parameters
};
using Filters = std::vector<Filter>;  // in the order of packing

Filters filters_of(hid_t creation) {
  constexpr std::size_t most_values = 32;  // enough for the leading ones
  Filters filters(static_cast<std::size_t>(check(H5Pget_nfilters(creation))));
  for (unsigned i = 0; i < filters.size(); ++i) {
    std::array<unsigned, most_values> values{};
    std::size_t count = values.size();
    filters[i].number = static_cast<H5Z_filter_t>(
        check(H5Pget_filter2(creation, i, nullptr, &count, values.data(), 0, nullptr, nullptr)));
    filters[i].values.assign(values.begin(), values.begin() + std::min(count, most_values));
  }
  return filters;
}

/// Whether the filters that are told how much they unpack are told the bytes of a chunk.
bool unpack_chunks(const Filters& filters, std::uint64_t chunk_bytes) {
  return std::all_of(filters.begin(), filters.end(), [&](const Filter& f) {
    const auto& v = f.values;
    switch (f.number) {
      case H5Z_FILTER_SCALEOFFSET:  // type, factor, elements, class, bytes of an element, ...
        return v.size() > 4 && std::uint64_t{v[2]} * v[4] == chunk_bytes;
      case H5Z_FILTER_NBIT:  // count, whether it does nothing, elements, class, bytes, ...
        return v.size() > 4 && (v[1] != 0 || std::uint64_t{v[2]} * v[4] == chunk_bytes);
      default:
        return true;
    }
  });
}

/// Bytes that a zlib stream unpacks to, at most one more than `expected`; -1 for a broken stream.
std::int64_t unpacked_bytes(const std::vector<std::byte>& packed, std::uint64_t expected) {
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) throw std::bad_alloc();
  std::array<Bytef, 1 << 15> sink{};
  // zlib declares its input as changeable and does not change it.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  int status = Z_OK;
  while (status == Z_OK && stream.total_out <= expected) {
    stream.next_out = sink.data();
    stream.avail_out = sink.size();
    status = inflate(&stream, Z_NO_FLUSH);
  }
  const auto bytes =
      static_cast<std::int64_t>(std::min<std::uint64_t>(stream.total_out, expected + 1));
  inflateEnd(&stream);
  return status == Z_STREAM_END || stream.total_out > expected ? bytes : -1;
}

/// One chunk of a dataset with filters: whether unpacking gives `expected` bytes, where that can be
/// known without HDF5's own filters.
bool unpacks_whole(hid_t dataset_id, const Filters& filters, const Extent& at, hsize_t stored,
                   std::uint64_t expected) {
  std::vector<std::byte> raw(stored);
  std::uint32_t skipped = 0;
  check(H5Dread_chunk(dataset_id, H5P_DEFAULT, at.data(), &skipped, raw.data()));
  // Unpacking goes from the last filter to the first.
  constexpr std::size_t checksum = 4;
  std::uint64_t bytes = stored;
  bool packed = false;
  for (std::size_t i = filters.size(); i-- > 0;) {
    if (i < 32 && (skipped >> i & 1U)) continue;
    switch (filters[i].number) {
      case H5Z_FILTER_SHUFFLE:
        break;
      case H5Z_FILTER_FLETCHER32:
        if (bytes < checksum) return false;
        bytes -= checksum;
        if (!packed) raw.resize(bytes);
        break;
      case H5Z_FILTER_SZIP: {  // begins with the length, little-endian
        if (packed || raw.size() < 4) return packed;
        bytes = 0;
        for (std::size_t b = 4; b-- > 0;) bytes = bytes << 8 | std::to_integer<unsigned>(raw[b]);
        packed = true;
        break;
      }
      case H5Z_FILTER_DEFLATE: {
        if (packed) return true;  // packed twice: left to HDF5
        // A checksum that was appended before packing is part of what unpacks.
        std::uint64_t most = expected;
        for (std::size_t j = 0; j < i; ++j)
          if (filters[j].number == H5Z_FILTER_FLETCHER32 && !(skipped >> j & 1U)) most += checksum;
        const std::int64_t n = unpacked_bytes(raw, most);
        if (n < 0) return true;  // HDF5 says so itself
        bytes = static_cast<std::uint64_t>(n);
        packed = true;
        break;
      }
      default:
        return true;
    }
  }
  return bytes == expected;
}

/// OSError unless chunks behind filters unpack to all their bytes. Goes no further than work on
/// `budget` bytes.
void require_whole_packed_chunks(hid_t dataset_id, const Layout& layout, const std::string& who,
                                 std::uint64_t budget) {
  constexpr std::uint64_t looking_up = 256;  // what a look into the index costs, as bytes
  const Filters filters = filters_of(layout.creation);
  if (filters.empty()) return;
  const std::uint64_t expected = layout.chunk_bytes();
  for (Extent at(layout.extent.size(), 0); at[0] < layout.extent[0];) {
    hsize_t stored = 0;
    if (H5Dget_chunk_storage_size(dataset_id, at.data(), &stored) < 0) {
      H5Eclear2(H5E_DEFAULT);  // HDF5 1.10 has no other word for a chunk that was never written
      stored = 0;
    }
    const std::uint64_t cost = stored > 0 ? std::max<std::uint64_t>(stored, expected) : looking_up;
    if (cost > budget) return;
    budget -= cost;
    if (stored > 0 && !unpacks_whole(dataset_id, filters, at, stored, expected))
      throw OSError(fmt::format("{} is damaged: its chunk at ({}) does not hold {} bytes", who,
                                fmt::join(at, ", "), expected));
    for (std::size_t i = at.size(); i-- > 0;) {
      at[i] += layout.chunk[i];
      if (at[i] < layout.extent[i] || i == 0) break;
      at[i] = 0;
    }
  }
}

/// OSError unless chunks without filters are stored with all their bytes: HDF5 1.10 gives what lies
/// behind a short one in memory. Returns how many there are.
std::uint64_t require_whole_plain_chunks(hid_t dataset_id, const Layout& layout,
                                         const std::string& who) {
  constexpr hsize_t few = 256;  // HDF5 walks to each from the first
  hsize_t written = 0;
  check(H5Dget_num_chunks(dataset_id, layout.space, &written));
  std::uint64_t bytes = 0;
  bool whole = !__builtin_mul_overflow(written, layout.chunk_bytes(), &bytes) &&
               H5Dget_storage_size(dataset_id) == bytes;
  for (hsize_t i = 0; whole && i < written && written <= few; ++i) {
    hsize_t stored = 0;
    check(H5Dget_chunk_info(dataset_id, layout.space, i, nullptr, nullptr, nullptr, &stored));
    whole = stored == layout.chunk_bytes();
  }
  if (!whole)
    throw OSError(fmt::format("{} is damaged: its {} chunks do not hold {} bytes each", who,
                              written, layout.chunk_bytes()));
  return written;
}

}  // namespace

void require_sound(hid_t dataset_id, const std::string& who) {
  const auto damaged = [&](const std::string& how) {
    throw OSError(fmt::format("{} is damaged: {}", who, how));
  };
  const Layout layout(dataset_id);
  const std::size_t ndim = layout.extent.size();
  for (std::size_t i = 0; i < ndim; ++i)
    if (layout.most[i] != H5S_UNLIMITED && layout.extent[i] > layout.most[i])
      damaged(fmt::format("its shape ({}) is larger than the largest it may have ({})",
                          fmt::join(layout.extent, ", "), fmt::join(layout.most, ", ")));
  if (!consistent(layout.type)) damaged("the bits of its numbers lie outside of these");

  std::uint64_t bytes = 0;
  const bool countable = product(layout.extent, layout.element_bytes, bytes);
  const bool claims_too_much = !countable && !layout.empty();
  if (claims_too_much && layout.kind != H5D_CHUNKED)
    damaged(
        fmt::format("its shape ({}) needs more than 2^64 bytes", fmt::join(layout.extent, ", ")));
  const auto stored_whole = [&](std::uint64_t stored) {
    if (stored != bytes)
      damaged(fmt::format("it stores {} bytes where its shape ({}) needs {}", stored,
                          fmt::join(layout.extent, ", "), bytes));
  };
  switch (layout.kind) {
    case H5D_VIRTUAL:  // describe() looks at what it consists of
      break;
    case H5D_COMPACT:
      stored_whole(H5Dget_storage_size(dataset_id));
      break;
    case H5D_CONTIGUOUS: {
      const haddr_t at = H5Dget_offset(dataset_id);
      const std::uint64_t stored = H5Dget_storage_size(dataset_id);
      if (at == HADDR_UNDEF || layout.empty()) break;  // never written, or nothing to write
      stored_whole(stored);
      const Id file_id(check(H5Iget_file_id(dataset_id)));
      hsize_t file_bytes = 0;
      check(H5Fget_filesize(file_id, &file_bytes));
      if (at > file_bytes || stored > file_bytes - at)
        damaged(fmt::format("its {} bytes at {} lie outside of the file, which has {}", stored, at,
                            file_bytes));
      break;
    }
    case H5D_CHUNKED: {
      if (layout.chunk.size() != ndim || ndim == 0)
        damaged(fmt::format("it has chunks of {} dimensions and a shape of {}", layout.chunk.size(),
                            ndim));
      constexpr std::uint64_t most_bytes = std::numeric_limits<std::uint32_t>::max();
      std::uint64_t chunk_bytes = 0;
      if (!product(layout.chunk, layout.element_bytes, chunk_bytes) || chunk_bytes == 0 ||
          chunk_bytes > most_bytes)
        damaged(fmt::format("it has chunks of ({})", fmt::join(layout.chunk, ", ")));
      if (!unpack_chunks(filters_of(layout.creation), chunk_bytes))
        damaged("its filters do not unpack whole chunks");
      for (std::size_t i = 0; i < ndim; ++i)
        if (layout.most[i] != H5S_UNLIMITED && layout.most[i] > 0 &&
            layout.chunk[i] > layout.most[i])
          damaged(
              fmt::format("its chunks of ({}) are larger than the largest shape it may have ({})",
                          fmt::join(layout.chunk, ", "), fmt::join(layout.most, ", ")));
      break;
    }
    default:
      damaged("its layout is none that HDF5 has");
  }
}

Storage storage_of(hid_t dataset_id, DType dtype, const std::string& who) {
  const Layout layout(dataset_id);
  Storage storage;
  const Id file_id(check(H5Iget_file_id(dataset_id)));
  hsize_t file_bytes = 0;
  check(H5Fget_filesize(file_id, &file_bytes));
  constexpr std::uint64_t harmless = std::uint64_t{256} << 20;
  constexpr std::uint64_t ratio = 16384;  // no usual filter packs like that
  const auto claims = [&](const char* what, const Extent& sizes) {
    std::uint64_t bytes = 0;
    const bool countable = product(sizes, layout.element_bytes, bytes);
    if (countable && (bytes <= harmless || bytes / ratio <= file_bytes)) return;
    storage.implausible = fmt::format(
        "{} of ({}) would take {} bytes, and the file has {}: nearly all would be fill values",
        what, fmt::join(sizes, ", "), countable ? std::to_string(bytes) : "more than 2^64",
        file_bytes);
  };
  Extent some = layout.extent;  // rows without columns are walked all the same
  std::replace(some.begin(), some.end(), hsize_t{0}, hsize_t{1});
  claims(layout.empty() ? "with one number a row its shape" : "its shape", some);
  if (!layout.empty() && layout.kind == H5D_CHUNKED) claims("a chunk", layout.chunk);
  if (layout.empty()) return storage;
  const bool plain = layout.kind == H5D_CHUNKED && H5Pget_nfilters(layout.creation) == 0;
  const std::uint64_t written = plain ? require_whole_plain_chunks(dataset_id, layout, who) : 0;
  std::uint64_t chunks = 1;
  for (std::size_t i = 0; plain && i < layout.extent.size(); ++i)
    if (__builtin_mul_overflow(chunks, layout.chunks_along(i), &chunks)) chunks = 0;
  if (is_text(layout.type))
    storage.why_independent = "it holds strings";
  else if (layout.kind == H5D_VIRTUAL)
    storage.why_independent = "it is a virtual dataset";
  else if (check(H5Tequal(layout.type, reading_type(layout.type, dtype))) == 0)
    storage.why_independent = "its numbers must be converted";
  else if (layout.kind == H5D_COMPACT)
    storage.why_independent = "the numbers lie in the dataset's header (compact)";
  else if (layout.kind == H5D_CONTIGUOUS && H5Dget_offset(dataset_id) == HADDR_UNDEF)
    storage.why_independent = "it was never written";
  else if (layout.kind == H5D_CHUNKED && !plain)
    storage.why_independent = "its chunks pass through filters, which may fail on one process";
  else if (plain && written != chunks)
    storage.why_independent = "not all of its chunks were written";
  return storage;
}

void try_reading(hid_t file_id, const DatasetInfo& info, const std::string& who) {
  constexpr std::uint64_t most_bytes = 1 << 20;
  if (element_count(info.shape) == 0) return;
  const Id access = dataset_access();
  check(H5Pset_chunk_cache(access, 1, 0, 1.0));  // every read unpacks anew
  const Id dataset(check(H5Dopen2(file_id, info.name.c_str(), access)));
  const Layout layout(dataset);
  const std::int64_t rows = row_count(info.shape);
  if (layout.kind == H5D_CHUNKED) require_whole_packed_chunks(dataset, layout, who, most_bytes);

  std::uint64_t row_bytes = 0;
  const Extent row(layout.extent.begin() + (layout.extent.empty() ? 0 : 1), layout.extent.end());
  if (!product(row, std::max<std::uint64_t>(layout.element_bytes, size_of(info.dtype)),
               row_bytes) ||
      row_bytes > most_bytes ||
      (layout.kind == H5D_CHUNKED && layout.chunk_bytes() > 16 * most_bytes))
    return;
  const auto some = std::min(rows, static_cast<std::int64_t>(most_bytes / row_bytes));
  const auto read_with_heap_of = [&](int byte, Range range) {
    check(H5garbage_collect());
    mallopt(M_PERTURB, byte);
    std::string found;
    if (info.text) {
      read_text(dataset, info, range, [&](std::string_view word) { found.append(word) += '\0'; });
    } else {
      found.resize(static_cast<std::size_t>(some) * row_bytes);
      read_rows(dataset, info, range, found.data());
    }
    return found;
  };
  for (const Range range : {Range{0, some}, Range{rows - some, rows}})
    if (read_with_heap_of(0x55, range) != read_with_heap_of(0xAA, range))
      throw OSError(
          fmt::format("{} is damaged: reading it gives bytes that are not in the file", who));
}

}  // namespace tessera::io::hdf5
