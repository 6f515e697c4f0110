#include <tessera/ndimage/blocks.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

#include <tessera/array/convert.hpp>
#include <tessera/array/layout.hpp>
#include <tessera/ndimage/window.hpp>
#include <tessera/runtime/memory.hpp>
#include <tessera/runtime/rows.hpp>

namespace tessera::ndimage {
namespace {

using Extents = std::vector<std::int64_t>;
constexpr std::int64_t constant = -1;

std::size_t z(std::int64_t i) { return static_cast<std::size_t>(i); }

std::int64_t product(std::span<const std::int64_t> extents) {
  std::int64_t all = 1;
  for (const std::int64_t e : extents) all *= e;
  return all;
}

// Consecutive elements of a line with its surroundings.
struct Run {
  std::int64_t to, count;
  std::intptr_t from;  // in bytes from where the line is, or `constant`
};

/// Copies boxes of x with what surrounds them.
class Source {
 public:
  Source(const Array& x, const Neighbourhood& around, DType dtype, const Window& window)
      : x_(x), around_(around), dtype_(dtype), window_(window), ndim_(x.shape().size()) {}

  /// The box [first, first + extents) and its surroundings, row-major in memory of `padded`.
  void copy(const Extents& first, const Extents& padded, std::byte* to) const {
    std::vector<Extents> from(ndim_);  // along each axis
    for (std::size_t d = 0; d < ndim_; ++d)
      for (std::int64_t i = 0; i < padded[d]; ++i)
        from[d].push_back(
            source_index(first[d] - around_.before[d] + i, x_.shape()[d], around_.modes[d]));
    const std::vector<Run> runs = runs_of(from.back());
    const auto line_bytes = padded.back() * static_cast<std::int64_t>(size_of(dtype_));
    const std::int64_t lines = product(padded) / std::max<std::int64_t>(1, padded.back());
    Extents at(ndim_, 0);
    for (std::int64_t line = 0; line < lines; ++line, to += line_bytes) {
      std::int64_t offset = 0;
      bool inside = true;
      for (std::size_t d = 1; d + 1 < ndim_; ++d) {
        inside = inside && from[d][z(at[d])] != constant;
        offset = (offset + from[d][z(at[d])]) * (d + 2 < ndim_ ? x_.shape()[d + 1] : 1);
      }
      std::intptr_t base = 0;
      if (ndim_ > 1) {
        const std::int64_t row = from[0][z(at[0])];
        inside = inside && row != constant;
        if (inside)
          base = reinterpret_cast<std::intptr_t>(window_.row(row)) +
                 offset * x_.shape().back() * static_cast<std::int64_t>(size_of(x_.dtype()));
      }
      if (inside)
        for (const Run& run : runs) copy(run, base, to);
      else
        fill(to, padded.back());
      for (std::size_t d = ndim_ - 1; d-- > 0;) {
        if (++at[d] < padded[d]) break;
        at[d] = 0;
      }
    }
  }

 private:
  std::vector<Run> runs_of(const Extents& from) const {
    const auto bytes = static_cast<std::intptr_t>(size_of(x_.dtype()));
    std::vector<Run> runs;
    for (std::int64_t i = 0; i < std::ssize(from); ++i) {
      std::intptr_t address = constant;
      if (from[z(i)] != constant)
        address = ndim_ == 1 ? reinterpret_cast<std::intptr_t>(window_.row(from[z(i)]))
                             : from[z(i)] * bytes;
      const bool goes_on =
          !runs.empty() &&
          (address == constant ? runs.back().from == constant
                               : runs.back().from != constant &&
                                     address == runs.back().from + runs.back().count * bytes);
      if (goes_on)
        ++runs.back().count;
      else
        runs.push_back({i, 1, address});
    }
    return runs;
  }
  void fill(std::byte* to, std::int64_t n) const {
    detail::convert(&around_.cval, 0, DType::float64, to, dtype_, n);
  }
  void copy(const Run& run, std::intptr_t base, std::byte* line) const {
    std::byte* to = line + run.to * static_cast<std::int64_t>(size_of(dtype_));
    if (run.from == constant)
      fill(to, run.count);
    else
      detail::convert(reinterpret_cast<const void*>(base + run.from), 1, x_.dtype(), to, dtype_,
                      run.count);
  }

  const Array& x_;
  const Neighbourhood& around_;
  DType dtype_;
  const Window& window_;
  std::size_t ndim_;
};

// How large boxes are into which the result is cut: such that they and their surroundings stay in
// the cache, and little of that is copied for more than one.
Extents box_of(Extents extents, const Neighbourhood& around) {
  constexpr std::int64_t most = 1 << 15;
  const auto padded = [&] {
    double n = 1;
    for (std::size_t d = 0; d < extents.size(); ++d)
      n *= static_cast<double>(extents[d] + around.before[d] + around.after[d]);
    return n;
  };
  while (padded() > static_cast<double>(most)) {
    std::size_t longest = extents.size();
    double best = 0;
    for (std::size_t d = 0; d < extents.size(); ++d) {
      const bool last = d + 1 == extents.size();
      if (extents[d] <= (last ? 256 : 1)) continue;
      const double ratio =
          static_cast<double>(extents[d]) /
          static_cast<double>((around.before[d] + around.after[d] + 1) * (last ? 4 : 1));
      if (ratio > best) {
        best = ratio;
        longest = d;
      }
    }
    if (longest == extents.size()) break;
    extents[longest] = (extents[longest] + 1) / 2;
  }
  return extents;
}

// As C converts numbers, and booleans as bytes: a fraction is false.
void give(const std::byte* from, DType dtype, std::byte* to, DType result, std::int64_t n) {
  const bool cut = result == DType::boolean && dtype != DType::uint8;
  detail::convert(from, 1, dtype, to, cut ? DType::uint8 : result, n);
  for (std::int64_t i = 0; cut && i < n; ++i) to[i] = static_cast<std::byte>(to[i] != std::byte{0});
}

}  // namespace

Array map_blocks(const Array& x, DType result, DType dtype, const Neighbourhood& around,
                 const BlockKernel& kernel) {
  const std::size_t ndim = x.shape().size();
  const Array out = detail::room_for(x.shape(), result, x.distribution(), x.comm());
  const std::int64_t rows = x.rows();
  double reach = 1;  // elements that a block has at least
  for (std::size_t d = 0; d < ndim; ++d)
    reach *= static_cast<double>(around.before[d] + around.after[d] + 1);
  if (const double bytes = 16.0 * Runtime::threads() * reach; bytes > 0x1p30)
    require_memory(static_cast<std::uint64_t>(std::min(0x1p62, bytes)),
                   fmt::format("a filter that looks at {:.3g} elements around each", reach),
                   "take a smaller one", x.comm());
  const Window window(x, [&](int rank) {
    const Range own = x.distribution().rows_of(rank);
    if (own.size() == 0) return std::vector<Range>{};
    return source_ranges({own.begin - around.before[0], own.end + around.after[0]}, rows,
                         around.modes[0]);
  });
  const Range own = out.local_rows();
  Extents extents = x.shape();
  extents[0] = own.size();
  if (product(extents) == 0) return out;

  const Extents box = box_of(extents, around);
  Extents counts;
  for (std::size_t d = 0; d < ndim; ++d) counts.push_back((extents[d] + box[d] - 1) / box[d]);
  const auto width = static_cast<std::int64_t>(size_of(dtype));
  const auto result_width = static_cast<std::int64_t>(size_of(result));
  const std::int64_t cols = extents.back();
  const Source source(x, around, dtype, window);

  const auto work = [&](std::int64_t index, Stream& stream) {
    Extents first(ndim), size(ndim), padded(ndim), strides(ndim, 1);
    for (std::size_t d = ndim; d-- > 0; index /= counts[d]) {
      first[d] = index % counts[d] * box[d];
      size[d] = std::min(box[d], extents[d] - first[d]);
      padded[d] = size[d] + around.before[d] + around.after[d];
      if (d + 1 < ndim) strides[d] = strides[d + 1] * padded[d + 1];
    }
    Extents global = first;
    global[0] += own.begin;
    const std::int64_t sheet_rows = ndim > 1 ? size[ndim - 2] : 1;
    const std::int64_t block_bytes = (product(padded) * width + 63) / 64 * 64;
    std::byte* block = stream.scratch(z(block_bytes + sheet_rows * size.back() * width));
    std::byte* sheet = block + block_bytes;
    source.copy(global, padded, block);

    std::vector<std::int64_t> offsets;
    for (std::size_t k = 0; k < around.taps.size(); k += ndim) {
      std::int64_t offset = 0;
      for (std::size_t d = 0; d < ndim; ++d) offset += around.taps[k + d] * strides[d];
      offsets.push_back(offset * width);
    }
    std::vector<const void*> lines(offsets.size());
    const std::size_t outer = ndim > 2 ? ndim - 2 : 0;
    Extents at(outer, 0), here = global;
    const std::int64_t sheets = product({size.data(), outer});
    for (std::int64_t s = 0; s < sheets; ++s) {
      std::int64_t corner = 0, to = 0;
      for (std::size_t d = 0; d < outer; ++d) {
        corner += at[d] * strides[d];
        to = to * extents[d] + first[d] + at[d];
        here[d] = global[d] + at[d];
      }
      if (ndim > 1) to = to * extents[ndim - 2] + first[ndim - 2];
      to = to * cols + first.back();
      for (std::size_t k = 0; k < lines.size(); ++k) lines[k] = block + corner * width + offsets[k];
      std::byte* there = static_cast<std::byte*>(out.local().data) + to * result_width;
      const bool direct = dtype == result;
      const Tile tile{direct ? there : sheet,      sheet_rows, size.back(),
                      direct ? cols : size.back(), dtype,      cpu};
      kernel(stream, tile, {lines, ndim > 1 ? strides[ndim - 2] : 0}, here);
      if (!direct)
        for (std::int64_t i = 0; i < sheet_rows; ++i)
          give(sheet + i * size.back() * width, dtype, there + i * cols * result_width, result,
               size.back());
      for (std::size_t d = outer; d-- > 0;) {
        if (++at[d] < size[d]) break;
        at[d] = 0;
      }
    }
  };
  parallel_for({0, product(counts)}, Runtime::threads(), work);
  return out;
}

}  // namespace tessera::ndimage
