#include <tessera/array/move.hpp>

#include <algorithm>
#include <complex>
#include <cstring>

#include <tessera/array/kernels/fetch.hpp>
#include <tessera/array/layout.hpp>
#include <tessera/array/on_device.hpp>
#include <tessera/runtime/buffer.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/rows.hpp>

namespace tessera::detail {
namespace {

std::int64_t floor_div(std::int64_t a, std::int64_t b) {
  const std::int64_t q = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? q - 1 : q;
}
std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return -floor_div(-a, b); }

// What every process has in full, where it is.
Array seen_there(const Array& x, const Array& out, const Box& box) {
  std::vector<fetching::Axis> axes;
  for (std::size_t d = 0; d < box.extents.size(); ++d)
    if (box.extents[d] != 1) axes.push_back({box.extents[d], box.from_strides[d]});
  const std::int64_t n = out.size();
  together(x.comm(), [&] {
    if (n == 0) return;
    Stream stream(x.device());
    const Tile from{x.local().data, 1, x.size(), x.size(), x.dtype(), x.device()};
    fetching::operation()(stream, from.columns(box.from_at, x.size() - box.from_at), axes, 0,
                          {out.local().data, 1, n, n, x.dtype(), x.device()});
    stream.synchronize();
  });
  return out;
}

// Axes along which both sides go on as they do along the next one are one axis with it.
Box merged(const Box& box) {
  Box out{{}, box.from_at, {}, box.to_at, {}};
  for (std::size_t d = 0; d < box.extents.size(); ++d) {
    if (box.extents[d] == 1) continue;
    const std::int64_t e = box.extents[d], f = box.from_strides[d], t = box.to_strides[d];
    if (!out.extents.empty() && out.from_strides.back() == f * e &&
        out.to_strides.back() == t * e) {
      out.extents.back() *= e;
      out.from_strides.back() = f;
      out.to_strides.back() = t;
    } else {
      out.extents.push_back(e);
      out.from_strides.push_back(f);
      out.to_strides.push_back(t);
    }
  }
  if (out.extents.empty()) {
    out.extents = {1};
    out.from_strides = out.to_strides = {1};
  }
  return out;
}

/// The elements of a box that lie in a range of one array and in a range of the other, in the order
/// of the box, as runs along its last axis.
class Walk {
 public:
  explicit Walk(const Box& box) : box_(box) {
    const std::size_t n = box.extents.size();
    from_.resize(n + 1);
    to_.resize(n + 1);
    for (std::size_t d = n; d-- > 0;) {
      from_[d] = from_[d + 1].with(box.from_strides[d] * (box.extents[d] - 1));
      to_[d] = to_[d + 1].with(box.to_strides[d] * (box.extents[d] - 1));
    }
  }

  /// Which indices along the first axis any of them has.
  Range first(Range from, Range to) const {
    if (from.size() == 0 || to.size() == 0) return {0, 0};
    return clipped(0, box_.from_at, box_.to_at, from, to, {0, box_.extents[0]});
  }
  /// run(element of from, element of to, how many) for all with an index in `rows` along the first.
  template <class Run>
  void visit(Range from, Range to, Range rows, const Run& run) const {
    if (from.size() > 0 && to.size() > 0) descend(0, box_.from_at, box_.to_at, from, to, rows, run);
  }

 private:
  // How far the axes from one on reach around where they start.
  struct Reach {
    std::int64_t low = 0, high = 0;
    Reach with(std::int64_t more) const {
      return {low + std::min<std::int64_t>(0, more), high + std::max<std::int64_t>(0, more)};
    }
  };

  // Cuts indices down to those from which [at + i stride] with its reach meets `range`.
  static Range cut(Range i, std::int64_t at, std::int64_t stride, Reach reach, Range range) {
    const std::int64_t least = range.begin - reach.high - at, most = range.end - 1 - reach.low - at;
    if (stride == 0) return least <= 0 && most >= 0 ? i : Range{0, 0};
    const std::int64_t begin = stride > 0 ? ceil_div(least, stride) : ceil_div(most, stride);
    const std::int64_t end = 1 + (stride > 0 ? floor_div(most, stride) : floor_div(least, stride));
    return {std::max(i.begin, begin), std::max(std::max(i.begin, begin), std::min(i.end, end))};
  }
  Range clipped(std::size_t d, std::int64_t f, std::int64_t t, Range from, Range to,
                Range i) const {
    i = cut(i, f, box_.from_strides[d], from_[d + 1], from);
    return cut(i, t, box_.to_strides[d], to_[d + 1], to);
  }

  template <class Run>
  void descend(std::size_t d, std::int64_t f, std::int64_t t, Range from, Range to, Range among,
               const Run& run) const {
    const Range i = clipped(d, f, t, from, to, among);
    if (i.size() <= 0) return;
    const std::int64_t fs = box_.from_strides[d], ts = box_.to_strides[d];
    if (d + 1 == box_.extents.size()) return run(f + i.begin * fs, t + i.begin * ts, i.size());
    for (std::int64_t k = i.begin; k < i.end; ++k)
      descend(d + 1, f + k * fs, t + k * ts, from, to, {0, box_.extents[d + 1]}, run);
  }

  const Box& box_;
  std::vector<Reach> from_, to_;
};

// f(an element of that width).
template <class F>
void with_element(std::size_t width, const F& f) {
  switch (width) {
    case 1:
      return f(std::uint8_t{});
    case 2:
      return f(std::uint16_t{});
    case 4:
      return f(std::uint32_t{});
    case 8:
      return f(std::uint64_t{});
    default:
      return f(std::complex<double>{});
  }
}

/// Copies runs along the last axis. Those that follow one another evenly, as in a transpose, go
/// together, a line of the caches of each at a time, so that none is read or written twice.
class Copy {
 public:
  Copy(std::int64_t from_stride, std::int64_t to_stride, std::size_t width)
      : from_stride_(from_stride), to_stride_(to_stride), width_(width) {}
  Copy(const Copy&) = delete;
  ~Copy() { finish(); }

  void run(const std::byte* from, std::byte* to, std::int64_t n) {
    if (from_stride_ == 1 && to_stride_ == 1) {
      std::memcpy(to, from, static_cast<std::size_t>(n) * width_);
      return;
    }
    if (count_ == 1 && n == n_) {
      from_step_ = from - from_;
      to_step_ = to - to_;
    }
    if (count_ == most || n != n_ || from != from_ + count_ * from_step_ ||
        to != to_ + count_ * to_step_) {
      finish();
      from_ = from;
      to_ = to;
      n_ = n;
    }
    ++count_;
  }

 private:
  static constexpr std::int64_t most = 64;

  void finish() {
    with_element(width_, [&](auto element) {
      using T = decltype(element);
      const std::int64_t some = count_ == 1 ? n_ : 8;
      for (std::int64_t i = 0; count_ > 0 && i < n_; i += some)
        for (std::int64_t k = 0; k < count_; ++k) {
          const T* x = reinterpret_cast<const T*>(from_ + k * from_step_) + i * from_stride_;
          T* y = reinterpret_cast<T*>(to_ + k * to_step_) + i * to_stride_;
          const std::int64_t n = std::min(some, n_ - i);
          for (std::int64_t j = 0; j < n; ++j) y[j * to_stride_] = x[j * from_stride_];
        }
    });
    count_ = 0;
  }

  std::int64_t from_stride_, to_stride_;
  std::size_t width_;
  std::int64_t count_ = 0, n_ = 0, from_step_ = 0, to_step_ = 0;
  const std::byte* from_ = nullptr;
  std::byte* to_ = nullptr;
};

// The elements that a process holds.
Range held(const Array& x, int rank) {
  const Range rows = x.distribution().rows_of(rank);
  return {rows.begin * x.cols(), rows.end * x.cols()};
}

}  // namespace

void move(const Array& from, const Array& to, Box given) {
  if (std::find(given.extents.begin(), given.extents.end(), 0) != given.extents.end()) return;
  const Box box = merged(given);
  const Walk walk(box);
  const Communicator& comm = to.comm();
  const int me = comm.rank();
  const std::size_t width = size_of(to.dtype());
  const Range mine_from = held(from, me), mine_to = held(to, me);
  const auto* source = static_cast<const std::byte*>(from.local().data);
  auto* target = static_cast<std::byte*>(to.local().data);
  const auto bytes = [width](std::int64_t elements) {
    return elements * static_cast<std::int64_t>(width);
  };

  // What stays here.
  const std::int64_t fs = box.from_strides.back(), ts = box.to_strides.back();
  const auto here = [&](Range rows) {
    Copy copy(fs, ts, width);
    walk.visit(mine_from, mine_to, rows, [&](std::int64_t f, std::int64_t t, std::int64_t n) {
      copy.run(source + bytes(f - mine_from.begin), target + bytes(t - mine_to.begin), n);
    });
  };
  const auto stays = [&] {
    const Range rows = walk.first(mine_from, mine_to);
    constexpr std::int64_t much = 1 << 17;
    if (mine_to.size() < much || rows.size() < 2) {
      here(rows);
    } else {
      const std::int64_t parts = std::min(rows.size(), std::int64_t{4} * Runtime::threads());
      parallel_for({0, parts}, Runtime::threads(), [&](std::int64_t i, Stream&) {
        here({rows.begin + rows.size() * i / parts, rows.begin + rows.size() * (i + 1) / parts});
      });
    }
  };
  if (is_replicated(from) || comm.size() == 1) return stays();

  // What goes to others and comes from them, in the order of the box.
  const Range all = {0, box.extents[0]};
  const auto processes = static_cast<std::size_t>(comm.size());
  std::vector<std::int64_t> send(processes), send_at(processes), receive(processes),
      receive_at(processes);
  std::int64_t sent = 0, received = 0;
  for (int r = 0; r < comm.size(); ++r) {
    const auto p = static_cast<std::size_t>(r);
    send_at[p] = sent;
    receive_at[p] = received;
    if (r != me) {
      const auto count = [&](std::int64_t& total) {
        return [&](std::int64_t, std::int64_t, std::int64_t n) { total += bytes(n); };
      };
      walk.visit(mine_from, held(to, r), all, count(send[p]));
      walk.visit(held(from, r), mine_to, all, count(receive[p]));
    }
    sent += send[p];
    received += receive[p];
  }
  Buffer out, in;
  together(comm, [&] {
    out = Buffer(static_cast<std::size_t>(sent));
    in = Buffer(static_cast<std::size_t>(received));
  });
  stays();  // only now, so that `to` is as it was where memory is short
  for (int r = 0; r < comm.size(); ++r) {
    std::byte* message = out.data() + send_at[static_cast<std::size_t>(r)];
    Copy copy(fs, 1, width);
    if (r != me)
      walk.visit(mine_from, held(to, r), all, [&](std::int64_t f, std::int64_t, std::int64_t n) {
        copy.run(source + bytes(f - mine_from.begin), message, n);
        message += bytes(n);
      });
  }
  comm.all_to_all_v(out.data(), send, send_at, in.data(), receive, receive_at);
  for (int r = 0; r < comm.size(); ++r) {
    const std::byte* message = in.data() + receive_at[static_cast<std::size_t>(r)];
    Copy copy(1, ts, width);
    if (r != me)
      walk.visit(held(from, r), mine_to, all, [&](std::int64_t, std::int64_t t, std::int64_t n) {
        copy.run(message, target + bytes(t - mine_to.begin), n);
        message += bytes(n);
      });
  }
}

Array seen(const Array& given, const Shape& shape, Box box) {
  constexpr std::size_t most_axes = 16;  // that kernels on devices take
  const bool replicated = is_replicated(given);
  const Distribution d = settled(shape, replicated, given.comm());
  const bool here =
      given.comm().size() == 1 || (replicated && d.kind() == Distribution::Kind::replicated);
  const Device where =
      here && box.extents.size() <= most_axes
          ? where_computed(fetching::operation().id(), given.device(), given.dtype())
          : cpu;
  const Array x = in_rows_on(where, given);
  const Array out = room_on(where, shape, x.dtype(), d, x.comm());
  if (where != cpu) return seen_there(x, out, box);
  box.to_strides = strides_of(box.extents);
  move(x, out, std::move(box));
  return out.to(given.device());
}

}  // namespace tessera::detail
