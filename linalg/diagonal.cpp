#include <tessera/linalg/diagonal.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include <tessera/array/statistics.hpp>
#include <tessera/linalg/functions.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/stream.hpp>

namespace tessera::linalg {
namespace {

using Kind = Distribution::Kind;

Array diagonal_of(const char* function, const Array& given, std::int64_t offset) {
  if (!given || given.ndim() != 2)
    throw ValueError(
        fmt::format("{} needs a matrix (2-D), got {}", function,
                    given ? "an array of shape " + to_string(given.shape()) : "no array"));
  const std::int64_t row = std::max<std::int64_t>(0, -offset);
  const std::int64_t col = std::max<std::int64_t>(0, offset);
  const std::int64_t length =
      std::max<std::int64_t>(0, std::min(given.rows() - row, given.cols() - col));
  const auto& comm = given.comm();
  const auto& d = given.distribution();
  const bool cyclic = d.kind() == Kind::block_cyclic;
  const Array x = cyclic ? given.to(cpu) : given;
  const Array out = tessera::detail::allocate({length}, x.dtype(),
                                              Distribution::replicated(length, comm.size()), comm);
  const Tile to = out.local();
  const Tile from = x.local();
  const std::span bytes(static_cast<unsigned char*>(to.data),
                        static_cast<std::size_t>(length) * size_of(x.dtype()));
  std::fill(bytes.begin(), bytes.end(), static_cast<unsigned char>(0));
  together(comm, [&] {
    if (cyclic) {
      Stream stream;
      const int rank = comm.rank();
      for (std::int64_t j = 0; j < from.rows; ++j)
        for (std::int64_t i = 0; i < from.cols; ++i)
          if (d.global_col(rank, j) - d.global_row(rank, i) == offset)
            copy(stream, from.slice(j, 1).columns(i, 1), to.slice(d.global_row(rank, i) - row, 1));
      return;
    }
    const Range mine = x.local_rows();
    const std::int64_t first = std::max(mine.begin, row);
    const std::int64_t count = std::min(mine.end, row + length) - first;
    if (count <= 0) return;
    // One element per row of a tile whose rows are one element further apart.
    Tile line = from.slice(first - mine.begin, count).columns(col + first - row, 1);
    line.stride = from.stride + 1;
    Stream stream(x.device());
    copy(stream, line, to.slice(first - row, count));
    stream.synchronize();
  });
  // Every element comes from one process, the others add zero bytes.
  if (d.kind() != Kind::replicated) comm.all_reduce(bytes, Reduce::sum);
  return out;
}

}  // namespace

Array composed::diagonal(const Array& x, std::int64_t offset) {
  return diagonal_of("diagonal", x, offset).to(x.device());
}

Array composed::trace(const Array& x, std::int64_t offset) {
  const Array elements = diagonal_of("trace", x, offset);
  if (!x.categories().empty()) tessera::detail::refuse_text(x.categories());
  const bool integer = !is_floating(x.dtype()) && !is_complex(x.dtype());
  return sum(elements, {}, false, integer ? DType::int64 : x.dtype()).to(x.device());
}

}  // namespace tessera::linalg
