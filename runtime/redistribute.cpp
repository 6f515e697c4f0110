#include <algorithm>
#include <complex>
#include <cstring>
#include <numeric>

#include <fmt/format.h>

#include <tessera/runtime/array.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/rows.hpp>
#include <tessera/runtime/stream.hpp>

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

Array rows_to_rows(const Array& x, const Distribution& target) {
  const Array out = detail::allocate(x.shape(), x.dtype(), target, x.comm());
  move_rows(x.comm(), cuts(x.distribution()), cuts(target),
            static_cast<const std::byte*>(x.local().data),
            static_cast<std::byte*>(out.local().data), bytes_per_row(x));
  return out;
}

Array rows_to_replicated(const Array& x, const Distribution& target) {
  const Array out = detail::allocate(x.shape(), x.dtype(), target, x.comm());
  std::vector<std::int64_t> bytes;
  for (const Range r : cuts(x.distribution()))
    bytes.push_back(r.size() * static_cast<std::int64_t>(bytes_per_row(x)));
  const auto mine = static_cast<std::size_t>(bytes[static_cast<std::size_t>(x.comm().rank())]);
  x.comm().all_gather_v({static_cast<const std::byte*>(x.local().data), mine}, bytes,
                        {static_cast<std::byte*>(out.local().data),
                         static_cast<std::size_t>(x.rows()) * bytes_per_row(x)});
  return out;
}

Array replicated_to_rows(const Array& x, const Distribution& target) {
  const Array out = detail::allocate(x.shape(), x.dtype(), target, x.comm());
  const Range mine = out.local_rows();
  if (mine.size() > 0)
    std::memcpy(out.local().data, x.local().slice(mine.begin, mine.size()).data,
                static_cast<std::size_t>(mine.size()) * bytes_per_row(x));
  return out;
}

// Consecutive global indices that lie consecutively on one row (or column) of a grid.
struct Run {
  std::int64_t global;
  std::int64_t local;
  std::int64_t size;
};

// What coordinate `mine` of `processes` holds of [range) in blocks dealt in turn.
std::vector<Run> runs_of(Range range, std::int64_t block, int processes, int mine) {
  std::vector<Run> runs;
  const std::int64_t round = block * processes;
  for (std::int64_t k = range.begin / round; k * round < range.end; ++k) {
    const std::int64_t first = k * round + block * mine;
    const std::int64_t begin = std::max(first, range.begin);
    const std::int64_t end = std::min(first + block, range.end);
    if (begin < end) runs.push_back({begin, k * block + begin - first, end - begin});
  }
  return runs;
}
std::int64_t total(const std::vector<Run>& runs) {
  return std::accumulate(runs.begin(), runs.end(), std::int64_t{0},
                         [](std::int64_t sum, const Run& r) { return sum + r.size; });
}

// Moves a matrix between a distribution by rows and a block-cyclic one, a panel of columns at a
// time. A panel is as many rounds of block columns as fit 16 MB on a process by rows, but at least
// one: all of a matrix that is no wider. What process r has by rows and process q in blocks travels
// as one message: for every run of columns, for every run of rows, that block column-major.
class BlockExchange {
 public:
  BlockExchange(const Array& by_rows, const Array& by_blocks, bool to_blocks)
      : by_rows_(by_rows),
        by_blocks_(by_blocks),
        d_(by_blocks.distribution()),
        width_(size_of(by_rows.dtype())),
        to_blocks_(to_blocks) {}

  void run() {
    if (by_rows_.comm().size() == 1) return visit_width([&](auto tag) { transpose(tag); });
    constexpr std::int64_t bytes = 16 << 20;
    const std::int64_t round = d_.block_cols() * d_.grid_cols();
    const std::int64_t most_rows =
        std::max<std::int64_t>(1, by_rows_.distribution().rows_of(0).size());
    const std::int64_t rounds = bytes / static_cast<std::int64_t>(width_) / most_rows / round;
    const std::int64_t panel = round * std::max<std::int64_t>(1, rounds);
    for (std::int64_t j = 0; j < by_rows_.cols(); j += panel)
      move({j, std::min(by_rows_.cols(), j + panel)});
  }

 private:
  // One run of columns of one message.
  struct Piece {
    std::size_t offset;  // in the buffer, in bytes
    std::vector<Run> rows;
    Run cols;
  };
  struct Side {
    std::vector<Piece> pieces;
    std::vector<std::int64_t> bytes, offset;
    Buffer buffer;

    void add(const std::vector<Run>& rows, const std::vector<Run>& cols, std::size_t width) {
      std::int64_t at = offset.empty() ? 0 : offset.back() + bytes.back();
      offset.push_back(at);
      const std::int64_t height = total(rows);
      for (const Run& c : cols) {
        if (height > 0) pieces.push_back({static_cast<std::size_t>(at), rows, c});
        at += height * c.size * static_cast<std::int64_t>(width);
      }
      bytes.push_back(at - offset.back());
    }
    std::size_t size() const { return static_cast<std::size_t>(offset.back() + bytes.back()); }
  };

  std::vector<Run> rows_between(int by_rows, int by_blocks) const {
    return runs_of(by_rows_.distribution().rows_of(by_rows), d_.block_rows(), d_.grid_rows(),
                   by_blocks / d_.grid_cols());
  }
  std::vector<Run> cols_of(Range panel, int by_blocks) const {
    return runs_of(panel, d_.block_cols(), d_.grid_cols(), by_blocks % d_.grid_cols());
  }

  void move(Range panel) {
    const Communicator& comm = by_rows_.comm();
    const int me = comm.rank();
    Side row_side, block_side;
    for (int r = 0; r < comm.size(); ++r) {
      const auto there = d_.in_grid(r) ? cols_of(panel, r) : std::vector<Run>{};
      const auto here = d_.in_grid(me) ? cols_of(panel, me) : std::vector<Run>{};
      row_side.add(rows_between(me, r), there, width_);
      block_side.add(rows_between(r, me), here, width_);
    }
    together(comm, [&] {
      row_side.buffer = Buffer(row_side.size());
      block_side.buffer = Buffer(block_side.size());
    });
    const auto exchange = [&](const Side& from, const Side& to) {
      comm.all_to_all_v(from.buffer.data(), from.bytes, from.offset, to.buffer.data(), to.bytes,
                        to.offset);
    };
    if (to_blocks_) {
      copy_rows(row_side);
      exchange(row_side, block_side);
      copy_blocks(block_side);
    } else {
      copy_blocks(block_side);
      exchange(block_side, row_side);
      copy_rows(row_side);
    }
  }

  template <class F>
  void visit_width(F f) const {
    switch (width_) {
      case 1:
        return f(TypeTag<std::uint8_t>{});
      case 2:
        return f(TypeTag<std::uint16_t>{});
      case 4:
        return f(TypeTag<std::uint32_t>{});
      case 8:
        return f(TypeTag<std::uint64_t>{});
      default:
        return f(TypeTag<std::complex<double>>{});
    }
  }

  // To one process the blocks are columns, which nothing cuts: squares at a time, for the cache.
  template <class T>
  void transpose(TypeTag<T>) const {
    constexpr std::int64_t edge = 32;
    const Tile rows = by_rows_.local(), columns = by_blocks_.local();
    parallel_for({0, (rows.rows + edge - 1) / edge}, Runtime::threads(),
                 [&](std::int64_t k, Stream&) {
                   const std::int64_t begin = k * edge, end = std::min(rows.rows, begin + edge);
                   for (std::int64_t left = 0; left < rows.cols; left += edge)
                     for (std::int64_t i = begin; i < end; ++i)
                       for (std::int64_t j = left; j < std::min(rows.cols, left + edge); ++j) {
                         T& by_row = rows.as<T>()[i * rows.stride + j];
                         T& by_column = columns.as<T>()[j * columns.stride + i];
                         (to_blocks_ ? by_column : by_row) = to_blocks_ ? by_row : by_column;
                       }
                 });
  }

  void copy_rows(const Side& side) const {
    visit_width([&](auto tag) { copy_rows_of(side, tag); });
  }

  template <class T>
  void copy_rows_of(const Side& side, TypeTag<T>) const {
    const Tile t = by_rows_.local();
    const std::int64_t first = by_rows_.local_rows().begin;
    for_each_piece(side, [&](const Piece& p) {
      T* message = reinterpret_cast<T*>(side.buffer.data() + p.offset);
      for (const Run& rows : p.rows) {
        T* block = t.as<T>() + (rows.global - first) * t.stride + p.cols.global;
        for (std::int64_t j = 0; j < p.cols.size; ++j)
          for (std::int64_t i = 0; i < rows.size; ++i) {
            if (to_blocks_)
              *message++ = block[i * t.stride + j];
            else
              block[i * t.stride + j] = *message++;
          }
      }
    });
  }

  void copy_blocks(const Side& side) const {
    const Tile t = by_blocks_.local();  // its rows are the columns
    for_each_piece(side, [&](const Piece& p) {
      std::byte* message = side.buffer.data() + p.offset;
      for (const Run& rows : p.rows) {
        const auto bytes = static_cast<std::size_t>(rows.size) * width_;
        for (std::int64_t j = 0; j < p.cols.size; ++j) {
          auto* column = static_cast<std::byte*>(t.slice(p.cols.local + j, 1).data) +
                         static_cast<std::size_t>(rows.local) * width_;
          std::memcpy(to_blocks_ ? column : message, to_blocks_ ? message : column, bytes);
          message += bytes;
        }
      }
    });
  }

  template <class F>
  static void for_each_piece(const Side& side, F f) {
    parallel_for({0, std::ssize(side.pieces)}, Runtime::threads(),
                 [&](std::int64_t i, Stream&) { f(side.pieces[static_cast<std::size_t>(i)]); });
  }

  Array by_rows_;
  Array by_blocks_;
  Distribution d_;
  std::size_t width_;
  bool to_blocks_;
};

Array rows_to_blocks(const Array& x, const Distribution& target) {
  const Array out = detail::allocate(x.shape(), x.dtype(), target, x.comm());
  BlockExchange(x, out, true).run();
  return out;
}

Array blocks_to_rows(const Array& x, const Distribution& target) {
  const Array out = detail::allocate(x.shape(), x.dtype(), target, x.comm());
  BlockExchange(out, x, false).run();
  return out;
}

Array to_rows(const Array& x, const Distribution& target) {
  switch (x.distribution().kind()) {
    case Kind::rows:
      return rows_to_rows(x, target);
    case Kind::replicated:
      return replicated_to_rows(x, target);
    case Kind::block_cyclic:
      return blocks_to_rows(x, target);
  }
  return {};
}

Array in_host_memory(const Array& x, const Distribution& target) {
  if (target.kind() == Kind::rows) return to_rows(x, target);
  const Array by_rows =
      x.distribution().kind() == Kind::rows ? x : to_rows(x, row_distribution(x.shape(), x.comm()));
  return target.kind() == Kind::replicated ? rows_to_replicated(by_rows, target)
                                           : rows_to_blocks(by_rows, target);
}

}  // namespace

Array redistribute(const Array& given, const Distribution& target) {
  detail::check_fits(given.shape(), target, given.comm());
  const Distribution& d = given.distribution();
  if (d == target) return given;
  const bool here = given.comm().size() == 1 && d.kind() != Kind::block_cyclic &&
                    target.kind() != Kind::block_cyclic;
  if (here || (d.kind() == Kind::replicated && target.kind() == Kind::replicated))
    return given.in_leaves_of(target);
  return in_host_memory(given.to(cpu), target).with(given.names()).to(given.device());
}

Array gather(const Array& x) {
  const Communicator& comm = x.comm();
  const Distribution& d = x.distribution();
  return redistribute(x, d.kind() == Kind::block_cyclic ? replicated_distribution(x.shape(), comm)
                                                        : d.everywhere());
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

}  // namespace tessera
