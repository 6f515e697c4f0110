#include <algorithm>
#include <array>
#include <complex>
#include <cstring>

#include <fmt/format.h>

#include <tessera/runtime/array.hpp>
#include <tessera/runtime/blacs.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/rows.hpp>
#include <tessera/runtime/stream.hpp>

extern "C" {
void Cpigemr2d(int m, int n, const void* a, int ia, int ja, const int* desc_a, void* b, int ib,
               int jb, const int* desc_b, int context);
void Cpdgemr2d(int m, int n, const void* a, int ia, int ja, const int* desc_a, void* b, int ib,
               int jb, const int* desc_b, int context);
void Cpzgemr2d(int m, int n, const void* a, int ia, int ja, const int* desc_a, void* b, int ib,
               int jb, const int* desc_b, int context);
}

namespace tessera {
namespace {

using Kind = Distribution::Kind;

std::size_t bytes_per_row(const Array& x) {
  return static_cast<std::size_t>(x.cols()) * size_of(x.dtype());
}

// Moves rows that lie consecutively by rank from one cut of [0, n) to another.
void move_rows(const Communicator& comm, std::span<const Range> from, std::span<const Range> to,
               const std::byte* source, std::byte* target, std::size_t row_bytes) {
  const auto processes = static_cast<std::size_t>(comm.size());
  const auto me = static_cast<std::size_t>(comm.rank());
  const auto width = static_cast<std::int64_t>(row_bytes);
  std::vector<std::int64_t> send(processes), send_at(processes), receive(processes),
      receive_at(processes);
  const auto overlap = [](Range a, Range b) {
    return Range{std::max(a.begin, b.begin),
                 std::max(std::max(a.begin, b.begin), std::min(a.end, b.end))};
  };
  for (std::size_t r = 0; r < processes; ++r) {
    const Range out = overlap(from[me], to[r]);
    send[r] = out.size() * width;
    send_at[r] = (out.begin - from[me].begin) * width;
    const Range in = overlap(from[r], to[me]);
    receive[r] = in.size() * width;
    receive_at[r] = (in.begin - to[me].begin) * width;
  }
  comm.all_to_all_v(source, send, send_at, target, receive, receive_at);
}

std::vector<Range> cuts(const Distribution& d) {
  std::vector<Range> all(static_cast<std::size_t>(d.processes()));
  for (int r = 0; r < d.processes(); ++r) all[static_cast<std::size_t>(r)] = d.rows_of(r);
  return all;
}

Array rows_to_replicated(const Array& x) {
  const Array out = detail::allocate(x.shape(), x.dtype(),
                                     Distribution::replicated(x.rows(), x.comm().size()), x.comm());
  std::vector<std::int64_t> bytes;
  for (const Range r : cuts(x.distribution()))
    bytes.push_back(r.size() * static_cast<std::int64_t>(bytes_per_row(x)));
  const auto mine = static_cast<std::size_t>(bytes[static_cast<std::size_t>(x.comm().rank())]);
  x.comm().all_gather_v({static_cast<const std::byte*>(x.local().data), mine}, bytes,
                        {static_cast<std::byte*>(out.local().data),
                         static_cast<std::size_t>(x.rows()) * bytes_per_row(x)});
  return out;
}

Array replicated_to_rows(const Array& x) {
  const Array out = detail::allocate(x.shape(), x.dtype(),
                                     Distribution::rows(x.rows(), x.comm().size()), x.comm());
  const Range mine = out.local_rows();
  if (mine.size() > 0)
    std::memcpy(out.local().data, x.local().slice(mine.begin, mine.size()).data,
                static_cast<std::size_t>(mine.size()) * bytes_per_row(x));
  return out;
}

// The transpose of a row-major matrix is column-major, so p?gemr2d works on x^T: row-distributed
// x^T is dealt in column blocks of one run of leaves each over a 1 x P grid, and block-cyclic x^T
// over the transposed grid. The local pieces are then transposed in place of a second message.
struct TransposedView {
  BlacsGrid grid;
  std::array<int, 9> descriptor;

  TransposedView(const Array& x)
      : grid(x.comm(), rows_of_grid(x), cols_of_grid(x), BlacsGrid::Order::column_major),
        descriptor{1,
                   grid.context(),
                   scalapack_int(x.cols()),
                   scalapack_int(x.rows()),
                   scalapack_int(block_rows(x)),
                   scalapack_int(block_cols(x)),
                   0,
                   0,
                   scalapack_int(std::max<std::int64_t>(1, local_rows(x)))} {}

  static bool cyclic(const Array& x) { return x.distribution().kind() == Kind::block_cyclic; }
  static int rows_of_grid(const Array& x) { return cyclic(x) ? x.distribution().grid_cols() : 1; }
  static int cols_of_grid(const Array& x) {
    return cyclic(x) ? x.distribution().grid_rows() : x.comm().size();
  }
  static std::int64_t block_rows(const Array& x) {
    return cyclic(x) ? x.distribution().block_cols() : std::max<std::int64_t>(1, x.cols());
  }
  static std::int64_t block_cols(const Array& x) {
    return cyclic(x) ? x.distribution().block_rows()
                     : std::max<std::int64_t>(1, x.distribution().rows_of(0).size());
  }
  static std::int64_t local_rows(const Array& x) {
    return cyclic(x) ? x.distribution().local_cols(x.comm().rank()) : x.cols();
  }
};

// The transpose of a rows x cols block, in squares that fit in the cache.
template <class T>
void transpose_block(const T* from, T* to, std::int64_t rows, std::int64_t cols) {
  constexpr std::int64_t square = 32;
  parallel_for({0, (rows + square - 1) / square}, Runtime::threads(), [&](std::int64_t b, Stream&) {
    const std::int64_t i0 = b * square;
    const std::int64_t i1 = std::min(rows, i0 + square);
    for (std::int64_t j0 = 0; j0 < cols; j0 += square)
      for (std::int64_t j = j0; j < std::min(cols, j0 + square); ++j)
        for (std::int64_t i = i0; i < i1; ++i) to[j * rows + i] = from[i * cols + j];
  });
}
void transpose_block(const void* from, void* to, std::int64_t rows, std::int64_t cols,
                     std::size_t width) {
  const auto as = [&](auto element) {
    using T = decltype(element);
    transpose_block(static_cast<const T*>(from), static_cast<T*>(to), rows, cols);
  };
  if (width == 4)
    as(std::uint32_t{});
  else if (width == 8)
    as(std::uint64_t{});
  else
    as(std::complex<double>{});
}

void refuse_unless_matrix(const Array& x) {
  if (x.ndim() != 2 || size_of(x.dtype()) < 4)
    throw NotImplementedError(fmt::format(
        "block-cyclic layouts hold matrices of 4-, 8- or 16-byte elements; got shape {} of {}",
        to_string(x.shape()), name_of(x.dtype())));
}

Array through_gemr2d(const Array& x, const Distribution& target) {
  const std::size_t width = size_of(x.dtype());
  const Array out = detail::allocate(x.shape(), x.dtype(), target, x.comm());
  const int rank = x.comm().rank();
  const auto block = [&](const Array& a) {
    return Buffer(static_cast<std::size_t>(a.distribution().local_rows(rank) *
                                           a.distribution().local_cols(rank)) *
                  width);
  };
  const bool from_cyclic = TransposedView::cyclic(x);
  const bool to_cyclic = TransposedView::cyclic(out);
  Buffer source;
  Buffer result;
  together(x.comm(), [&] {
    if (from_cyclic) source = block(x);
    if (to_cyclic) result = block(out);
  });
  if (from_cyclic)
    transpose_block(x.local().data, source.data(), x.local().rows, x.local().cols, width);
  {
    const TransposedView a(x);
    const TransposedView b(out);
    const BlacsGrid all(x.comm(), 1, x.comm().size());
    const auto move = width == 4 ? Cpigemr2d : width == 8 ? Cpdgemr2d : Cpzgemr2d;
    if (x.size() > 0)
      move(scalapack_int(x.cols()), scalapack_int(x.rows()),
           from_cyclic ? source.data() : x.local().data, 1, 1, a.descriptor.data(),
           to_cyclic ? result.data() : out.local().data, 1, 1, b.descriptor.data(), all.context());
  }
  if (to_cyclic)
    transpose_block(result.data(), out.local().data, out.local().cols, out.local().rows, width);
  return out;
}

Array in_host_memory(const Array& x, const Distribution& target) {
  const Kind from = x.distribution().kind();
  const Kind to = target.kind();
  if (x.distribution() == target) return x;
  if (from == Kind::rows && to == Kind::replicated) return rows_to_replicated(x);
  if (from == Kind::replicated && to == Kind::rows) return replicated_to_rows(x);
  if (from == Kind::replicated) return in_host_memory(replicated_to_rows(x), target);
  if (to == Kind::replicated)
    return rows_to_replicated(in_host_memory(x, Distribution::rows(x.rows(), x.comm().size())));
  return through_gemr2d(x, target);
}

}  // namespace

Array redistribute(const Array& given, const Distribution& target) {
  if (target.kind() == Kind::block_cyclic) refuse_unless_matrix(given);
  detail::check_fits(given.shape(), target, given.comm());
  if (given.distribution() == target) return given;
  return in_host_memory(given.to(cpu), target).to(given.device());
}

Array gather(const Array& x) {
  return redistribute(x, Distribution::replicated(x.rows(), x.comm().size()));
}

Array from_local(const Tile& local, const Shape& tail, const Communicator& comm) {
  struct Facts {
    std::int64_t rows, cols;
    std::uint64_t tail, dtype;
  };
  const auto all =
      comm.all_gather(Facts{local.rows, local.cols, std::hash<std::string>{}(to_string(tail)),
                            static_cast<std::uint64_t>(local.dtype)});
  std::vector<Range> from;
  std::int64_t n = 0;
  for (const auto& f : all)
    if (f.tail != all[0].tail || f.dtype != all[0].dtype)
      throw ValueError(
          "from_local needs the same dtype and the same shape after axis 0 on every process");
  for (const auto& f : all) {
    if (f.rows > 0 && f.cols != element_count(tail))
      throw ValueError(fmt::format("from_local got rows of {} elements for a shape {} after axis 0",
                                   f.cols, to_string(tail)));
    from.push_back({n, n + f.rows});
    n += f.rows;
  }
  Shape shape = {n};
  shape.insert(shape.end(), tail.begin(), tail.end());
  Array out = empty(shape, local.dtype, comm);
  const std::size_t row_bytes = bytes_per_row(out);
  Buffer packed;
  const auto* source = static_cast<const std::byte*>(local.data);
  const bool strided = local.stride != local.cols && local.rows > 1;
  together(comm, [&] {
    if (strided) packed = Buffer(static_cast<std::size_t>(local.rows) * row_bytes);
  });
  if (strided) {
    for (std::int64_t i = 0; i < local.rows; ++i)
      std::memcpy(packed.data() + static_cast<std::size_t>(i) * row_bytes, local.slice(i, 1).data,
                  row_bytes);
    source = packed.data();
  }
  move_rows(comm, from, cuts(out.distribution()), source, static_cast<std::byte*>(out.local().data),
            row_bytes);
  return out;
}

Array take_rows(const Array& x, std::span<const std::int64_t> indices) {
  detail::check_row_indices(x.shape(), indices);
  if (x.distribution().kind() == Kind::block_cyclic)
    return take_rows(redistribute(x, Distribution::rows(x.rows(), x.comm().size())), indices);
  Shape shape = x.shape();
  shape[0] = static_cast<std::int64_t>(indices.size());
  const Array out = detail::allocate(shape, x.dtype(),
                                     Distribution::replicated(shape[0], x.comm().size()), x.comm());
  const Range mine = x.local_rows();
  together(x.comm(), [&] {
    Stream stream(x.device());
    for (std::size_t i = 0; i < indices.size(); ++i)
      if (indices[i] >= mine.begin && indices[i] < mine.end)
        copy(stream, x.local().slice(indices[i] - mine.begin, 1),
             out.local().slice(static_cast<std::int64_t>(i), 1));
    stream.synchronize();
  });
  if (x.distribution().kind() == Kind::rows)
    for (std::size_t i = 0; i < indices.size(); ++i)
      x.comm().broadcast(std::span(static_cast<std::byte*>(out.local().data) + i * bytes_per_row(x),
                                   bytes_per_row(x)),
                         x.distribution().owner_of_row(indices[i]));
  return out;
}

}  // namespace tessera
