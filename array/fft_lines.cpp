// Where lines are and who transforms them. Lines of other axes than the first are whole on the
// process that has their row. Lines along the first axis become whole in pencils: an array that has
// one line after another, as many on each process, filled and emptied by the mover. Few long lines
// are each transformed as a matrix (Bailey's four steps), whose columns and rows are the lines of
// two passes; where their length has no two large factors, as a convolution (Bluestein) of a length
// that has. Which way is taken depends on the shape alone.
#include <tessera/array/fft_lines.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <complex>
#include <cstring>
#include <functional>
#include <numbers>
#include <vector>

#include <tessera/array/elementwise.hpp>
#include <tessera/array/indexing.hpp>
#include <tessera/array/kernels/fetch.hpp>
#include <tessera/array/layout.hpp>
#include <tessera/array/manipulation.hpp>
#include <tessera/array/move.hpp>
#include <tessera/array/on_device.hpp>
#include <tessera/array/promotion.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/rows.hpp>
#include <tessera/runtime/visit.hpp>

namespace tessera::detail {
namespace {

using fourier::Kind;
using Index64 = std::int64_t;

/// Lines in memory: element i of line (a, b) is at a pitch + b apart + i step.
struct Lines {
  std::byte* data;
  DType dtype;
  Index64 extent;  ///< elements there are of a line
  Index64 pitch, apart, step;
  std::byte* at(Index64 a, Index64 b) const {
    return data + (a * pitch + b * apart) * static_cast<Index64>(size_of(dtype));
  }
};

/// exp(-2 pi i m / n) for all m, from two tables of about sqrt(n) elements.
class Roots {
 public:
  explicit Roots(Index64 n) : n_(n), shift_(std::bit_width(static_cast<std::uint64_t>(n)) / 2) {
    const auto root = [n](Index64 m) {
      const long double angle = -2 * std::numbers::pi_v<long double> * static_cast<long double>(m) /
                                static_cast<long double>(n);
      return std::complex(static_cast<double>(std::cos(angle)),
                          static_cast<double>(std::sin(angle)));
    };
    for (Index64 m = 0; m < Index64{1} << shift_; ++m) low_.push_back(root(m));
    for (Index64 m = 0; m < n; m += Index64{1} << shift_) high_.push_back(root(m));
  }
  std::complex<double> operator[](Index64 m) const {
    const auto a = high_[static_cast<std::size_t>(m >> shift_)];
    const auto b = low_[static_cast<std::size_t>(m & ((Index64{1} << shift_) - 1))];
    return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
  }
  /// Multiplies x[k] by root j k, or by its conjugate.
  template <class T>
  void multiply(std::complex<T>* x, Index64 count, Index64 j, bool conjugate) const {
    Index64 m = 0;
    for (Index64 k = 0; k < count; ++k) {
      const auto w = (*this)[m];
      const double s = conjugate ? -w.imag() : w.imag(), re = x[k].real(), im = x[k].imag();
      x[k] = {static_cast<T>(re * w.real() - im * s), static_cast<T>(re * s + im * w.real())};
      m += j;
      if (m >= n_) m -= n_;
    }
  }

 private:
  Index64 n_;
  int shift_;
  std::vector<std::complex<double>> low_, high_;
};

template <class F>
void visit_width(std::size_t width, F&& f) {
  if (width == 4) return f(std::uint32_t{});
  if (width == 8) return f(std::uint64_t{});
  f(std::complex<double>{});
}

// count elements of each of some lines, from and to where they lie by strides.
void copy_lines(const std::byte* from, Index64 from_apart, Index64 from_step, std::byte* to,
                Index64 to_apart, Index64 to_step, Index64 lines, Index64 count,
                std::size_t width) {
  if (from_step == 1 && to_step == 1) {
    for (Index64 g = 0; g < lines; ++g)
      std::memcpy(to + g * to_apart * static_cast<Index64>(width),
                  from + g * from_apart * static_cast<Index64>(width),
                  static_cast<std::size_t>(count) * width);
    return;
  }
  visit_width(width, [&](auto element) {
    using T = decltype(element);
    const auto* x = reinterpret_cast<const T*>(from);
    auto* y = reinterpret_cast<T*>(to);
    for (Index64 i = 0; i < count; ++i)
      for (Index64 g = 0; g < lines; ++g)
        y[g * to_apart + i * to_step] = x[g * from_apart + i * from_step];
  });
}

/// One kind of transform of lines of one length.
class Job {
 public:
  Job(Kind kind, Index64 n, double factor, DType dtype)
      : kind_(kind),
        n_(n),
        factor_(factor),
        mirrors_(kind <= Kind::backward && !is_complex(dtype)) {
    if (mirrors_) {
      conjugates_ = kind == Kind::backward;
      kind_ = Kind::to_half;
    }
    in_ = kind_ == Kind::from_half ? n / 2 + 1 : n;
    computed_ = kind_ == Kind::to_half ? n / 2 + 1 : n;
    in_dtype_ = dtype;
    out_dtype_ = fourier::result_of(kind_, dtype);
  }
  /// Afterwards multiplies element k of line number b by root number j k, where
  /// j = (first + b) mod lines / each.
  Job& twiddled(const Roots& roots, bool conjugate, Index64 first, Index64 lines, Index64 each) {
    twiddle_ = [=, &roots](const Tile& line, Index64 b) {
      const Index64 j = (first + b) % lines / each;
      visit_inexact(line.dtype, [&](auto tag) {
        using T = typename decltype(tag)::type;
        if constexpr (requires(T t) { t.imag(); })
          roots.multiply(line.as<T>(), line.cols, j, conjugate);
      });
    };
    return *this;
  }
  /// Elements that the kernel reads of a line, and elements of a result.
  Index64 in() const { return in_; }
  Index64 out() const { return mirrors_ ? n_ : computed_; }
  DType out_dtype() const { return out_dtype_; }

  /// Transforms lines (a, b) for a < outer, b < inner, on all threads.
  void run(Lines from, Lines to, Index64 outer, Index64 inner) const {
    if (inner == 1 || (from.pitch == inner * from.apart && to.pitch == inner * to.apart)) {
      if (inner == 1) {
        from.apart = from.pitch;
        to.apart = to.pitch;
      }
      inner *= outer;
      outer = 1;
    }
    if (inner == 0 || outer == 0) return;
    const Index64 group = std::clamp<Index64>((1 << 14) / n_, 8, 256);
    const Index64 groups = (inner + group - 1) / group;
    const auto some = [&](Index64 task, Stream& stream) {
      const Index64 first = task % groups * group;
      lines(from, to, task / groups, first, std::min(group, inner - first), stream);
    };
    if (outer * groups == 1) {
      Stream stream;
      return some(0, stream);
    }
    parallel_for({0, outer * groups}, Runtime::threads(), some);
  }

 private:
  void lines(const Lines& from, const Lines& to, Index64 a, Index64 b, Index64 count,
             Stream& stream) const {
    const auto width = static_cast<Index64>(size_of(in_dtype_));
    const auto out_width = static_cast<Index64>(size_of(out_dtype_));
    const bool reads = from.step == 1 && from.extent >= in_ && kind_ != Kind::from_half;
    const bool writes = to.step == 1;
    // Aligned, and not a power of two apart: caches want that.
    const auto pitch = [](Index64 n) { return (n + 15) / 16 * 16 + 16; };
    const Index64 in_pitch = reads ? 0 : pitch(in_), out_pitch = writes ? 0 : pitch(out());
    std::byte* room = stream.scratch(
        static_cast<std::size_t>(count * (in_pitch * width + out_pitch * out_width)) + 64);
    Tile in{from.at(a, b), count, in_, from.apart, in_dtype_, cpu};
    if (!reads) {
      in.data = room;
      in.stride = in_pitch;
      const Index64 there = std::min(in_, from.extent);
      copy_lines(from.at(a, b), from.apart, from.step, room, in_pitch, 1, count, there,
                 size_of(in_dtype_));
      for (Index64 g = 0; g < count; ++g)
        std::memset(room + (g * in_pitch + there) * width, 0,
                    static_cast<std::size_t>((in_ - there) * width));
      if (kind_ == Kind::from_half) make_real(in);
    }
    Tile out{to.at(a, b), count, computed_, to.apart, out_dtype_, cpu};
    if (!writes) {
      out.data = room + count * in_pitch * width;
      out.stride = out_pitch;
    }
    fourier::operation()(stream, in, out, kind_, factor_);
    if (mirrors_) mirror(out);
    out.cols = this->out();
    if (twiddle_)
      for (Index64 g = 0; g < count; ++g) twiddle_(out.slice(g, 1), b + g);
    if (!writes)
      copy_lines(static_cast<std::byte*>(out.data), out_pitch, 1, to.at(a, b), to.apart, to.step,
                 count, out.cols, size_of(out_dtype_));
  }

  // What of a Hermitian line is its own mirror image is real.
  void make_real(const Tile& lines) const {
    visit_inexact(lines.dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      if constexpr (requires(T t) { t.imag(); })
        for (Index64 g = 0; g < lines.rows; ++g) {
          T* x = lines.slice(g, 1).template as<T>();
          x[0].imag(0);
          if (n_ % 2 == 0) x[n_ / 2].imag(0);
        }
    });
  }

  void mirror(const Tile& lines) const {
    visit_inexact(lines.dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      if constexpr (requires(T t) { t.imag(); })
        for (Index64 g = 0; g < lines.rows; ++g) {
          T* x = lines.slice(g, 1).template as<T>();
          for (Index64 k = n_ / 2 + 1; k < n_; ++k) x[k] = std::conj(x[n_ - k]);
          if (conjugates_)
            for (Index64 k = 0; k < n_; ++k) x[k] = std::conj(x[k]);
        }
    });
  }

  Kind kind_;
  Index64 n_;
  double factor_;
  bool mirrors_, conjugates_ = false;
  Index64 in_, computed_;
  DType in_dtype_, out_dtype_;
  std::function<void(const Tile&, Index64)> twiddle_;
};

/// An array of whole lines, as many on each process, and each at the start of `each` rows: leaves,
/// which have a power of two of them, 256 at least, do not cut it.
class Pencils {
 public:
  Pencils(Index64 lines, Index64 longest, DType dtype, const Communicator& comm) {
    constexpr Index64 enough = Index64{64} * 256;
    if (lines < enough)
      each_ = std::min<Index64>(
          256, static_cast<Index64>(std::bit_ceil(static_cast<std::uint64_t>(enough / lines))));
    const Shape shape = {lines * each_, (longest + each_ - 1) / each_};
    array_ = room_for(shape, dtype, row_distribution(shape, comm), comm);
  }
  const Array& array() const { return array_; }
  Index64 pitch() const { return each_ * array_.cols(); }
  Index64 here() const { return array_.local().rows / each_; }
  Index64 first() const { return array_.local_rows().begin / each_; }
  Lines lines(Index64 extent) const {
    return {static_cast<std::byte*>(array_.local().data), array_.dtype(), extent, 0, pitch(), 1};
  }

 private:
  Index64 each_ = 1;
  Array array_;
};

/// An array as lines along an axis: (outer, extent, inner).
struct Seen {
  Index64 outer, extent, inner;
  Seen(const Shape& shape, Index64 axis)
      : outer(element_count(Shape(shape.begin(), shape.begin() + axis))),
        extent(shape[static_cast<std::size_t>(axis)]),
        inner(element_count(Shape(shape.begin() + axis + 1, shape.end()))) {}
  Index64 lines() const { return outer * inner; }
};

Shape with_extent(Shape shape, Index64 axis, Index64 extent) {
  shape[static_cast<std::size_t>(axis)] = extent;
  return shape;
}

// This process's part as lines along an axis, all of which are whole here.
Lines local_lines(const Array& x, Index64 axis) {
  const Seen s(x.shape(), axis);
  return {
      static_cast<std::byte*>(x.local().data), x.dtype(), s.extent, s.extent * s.inner, 1, s.inner};
}

bool all_here(const Array& x) { return is_replicated(x) || x.comm().size() == 1; }

Array settled_as(const Array& x, const Array& out) {
  return redistribute(out, settled(out.shape(), is_replicated(x), x.comm()));
}

Array each_line(const Array& x, Index64 axis, const Job& job) {
  const Seen s(x.shape(), axis);
  const Communicator& comm = x.comm();
  Shape shape = with_extent(x.shape(), axis, job.out());
  if (axis > 0 || all_here(x)) {
    const Distribution d = axis > 0 ? x.distribution() : settled(shape, is_replicated(x), comm);
    const Array out = room_for(shape, job.out_dtype(), d, comm);
    const Index64 outer = axis > 0 ? Seen(with_rows(shape, x.local().rows), axis).outer : 1;
    job.run(local_lines(x, axis), local_lines(out, axis), outer, s.inner);
    return settled_as(x, out);
  }
  const Array out = room_for(shape, job.out_dtype(), row_distribution(shape, comm), comm);
  const Index64 longest = std::max(job.in(), job.out()), there = std::min(s.extent, job.in());
  const Pencils from(s.inner, longest, x.dtype(), comm),
      to(s.inner, longest, job.out_dtype(), comm);
  move(x, from.array(), {{there, s.inner}, 0, {s.inner, 1}, 0, {1, from.pitch()}});
  job.run(from.lines(there), to.lines(job.out()), 1, from.here());
  move(to.array(), out, {{job.out(), s.inner}, 0, {1, to.pitch()}, 0, {s.inner, 1}});
  return out;
}

// n = first * second, as near to each other as possible.
Index64 first_factor(Index64 n) {
  Index64 p = static_cast<Index64>(std::sqrt(static_cast<double>(n)));
  while (p > 1 && n % p != 0) --p;
  return p;
}

// Complex lines of n elements, all there. Element j = j1 n2 + j2, result k = k1 + n1 k2: columns of
// the n1 x n2 matrix are transformed, multiplied by roots and become rows, which are transformed.
Array four_steps(const Array& x, Index64 axis, bool backward, double factor) {
  const Seen s(x.shape(), axis);
  const Index64 n = s.extent, n1 = first_factor(n), n2 = n / n1, inner = s.inner;
  const Communicator& comm = x.comm();
  const Kind kind = backward ? Kind::backward : Kind::forward;
  const Roots roots(n);
  const Job second(kind, n2, factor, x.dtype());
  const bool here = all_here(x);
  const Array out = room_for(x.shape(), x.dtype(),
                             here ? x.distribution() : row_distribution(x.shape(), comm), comm);
  if (here) {
    const Array between = room_for(x.shape(), x.dtype(), x.distribution(), comm);
    const auto at = [&](const Array& y, Index64 extent, Index64 apart, Index64 step) {
      return Lines{
          static_cast<std::byte*>(y.local().data), x.dtype(), extent, n * inner, apart, step};
    };
    Job(kind, n1, 1, x.dtype())
        .twiddled(roots, backward, 0, n2 * inner, inner)
        .run(at(x, n1, 1, n2 * inner), at(between, n1, 1, n2 * inner), s.outer, n2 * inner);
    for (Index64 b = 0; b < inner; ++b) {
      Lines from = at(between, n2, n2 * inner, inner), to = at(out, n2, inner, n1 * inner);
      from.data += b * static_cast<Index64>(size_of(x.dtype()));
      to.data += b * static_cast<Index64>(size_of(x.dtype()));
      second.run(from, to, s.outer, n1);
    }
    return out;
  }
  // Lines (outer, inner, j2), then (outer, inner, k1).
  const Index64 lines = s.lines();
  Pencils rows(lines * n1, n2, x.dtype(), comm);
  {
    Pencils between(lines * n2, n1, x.dtype(), comm);
    const Index64 p1 = between.pitch(), p2 = rows.pitch();
    {
      const Pencils columns(lines * n2, n1, x.dtype(), comm);
      move(x, columns.array(),
           {{s.outer, n1, n2, inner},
            0,
            {n * inner, n2 * inner, inner, 1},
            0,
            {inner * n2 * p1, 1, p1, n2 * p1}});
      Job(kind, n1, 1, x.dtype())
          .twiddled(roots, backward, columns.first(), n2, 1)
          .run(columns.lines(n1), between.lines(n1), 1, columns.here());
    }
    move(between.array(), rows.array(),
         {{lines, n2, n1}, 0, {n2 * p1, p1, 1}, 0, {n1 * p2, 1, p2}});
  }
  const Pencils done(lines * n1, n2, x.dtype(), comm);
  const Index64 p2 = rows.pitch();
  second.run(rows.lines(n2), done.lines(n2), 1, rows.here());
  move(done.array(), out,
       {{s.outer, n2, n1, inner},
        0,
        {inner * n1 * p2, 1, p2, n1 * p2},
        0,
        {n * inner, n1 * inner, inner, 1}});
  return out;
}

// Lines cut, or with zeros at their end.
Array resized(const Array& x, Index64 axis, Index64 extent) {
  const Seen s(x.shape(), axis);
  if (s.extent == extent) return x;
  const Shape shape = with_extent(x.shape(), axis, extent);
  const Array out =
      room_for(shape, x.dtype(), settled(shape, is_replicated(x), x.comm()), x.comm());
  const Tile t = out.local();
  if (t.rows * t.cols > 0)
    std::memset(t.data, 0, static_cast<std::size_t>(t.rows * t.cols) * size_of(t.dtype));
  move(x, out,
       {{s.outer, std::min(s.extent, extent), s.inner},
        0,
        {s.extent * s.inner, s.inner, 1},
        0,
        {extent * s.inner, s.inner, 1}});
  return out;
}

// value(j) for j < extent along an axis of an array of `ndim` axes.
Array along_axis(std::size_t ndim, Index64 axis, Index64 extent, const Communicator& comm,
                 const std::function<std::complex<double>(Index64)>& value) {
  const Shape shape = with_extent(Shape(ndim, 1), axis, extent);
  const Array out = room_for(shape, DType::complex128, row_distribution(shape, comm), comm);
  const Tile t = out.local();
  const Index64 first = out.local_rows().begin * t.cols, n = t.rows * t.cols;
  for (Index64 i = 0; i < n; ++i) t.as<std::complex<double>>()[i] = value(first + i);
  return out;
}

// With c_j = exp(-pi i j^2 / n) result k is c_k sum_j (x_j c_j) conj(c_(k - j)).
Array convolved(const Array& given, Index64 axis, bool backward, double factor) {
  const Array x = given.astype(DType::complex128);
  const std::size_t ndim = x.shape().size();
  const Index64 n = x.shape()[static_cast<std::size_t>(axis)];
  const auto m = static_cast<Index64>(std::bit_ceil(static_cast<std::uint64_t>(2 * n - 1)));
  const Roots roots(2 * n);
  const auto chirp = [&](Index64 j, bool conjugate) {
    const auto square = static_cast<unsigned __int128>(j) * static_cast<unsigned __int128>(j);
    const auto w = roots[static_cast<Index64>(square % static_cast<unsigned __int128>(2 * n))];
    return conjugate ? std::conj(w) : w;
  };
  const Array c =
      along_axis(ndim, axis, n, x.comm(), [&](Index64 j) { return chirp(j, backward); });
  const Array b = along_axis(ndim, axis, m, x.comm(), [&](Index64 j) {
    const Index64 i = std::min(j, m - j);
    return i < n ? chirp(i, !backward) : std::complex<double>();
  });
  const Array product = multiply(four_steps(resized(multiply(x, c), axis, m), axis, false, 1),
                                 four_steps(b, axis, false, 1));
  const Array sums = four_steps(product, axis, true, factor / static_cast<double>(m));
  return multiply(resized(sums, axis, n), c).astype(given.dtype());
}

// Complex lines, all there.
Array few_lines(const Array& x, Index64 axis, bool backward, double factor) {
  return first_factor(x.shape()[static_cast<std::size_t>(axis)]) >= 32
             ? four_steps(x, axis, backward, factor)
             : convolved(x, axis, backward, factor);
}

// Elements [begin, end) of lines.
Array part(const Array& x, Index64 axis, Index64 begin, Index64 end) {
  std::vector<Index> all(static_cast<std::size_t>(axis), Slice{});
  all.emplace_back(Slice{begin, end});
  return index(x, all);
}

Array few_lines_of(const Array& given, Index64 axis, Kind kind, Index64 n, double factor) {
  const Array x = given.astype(complex_of(given.dtype()));
  if (kind != Kind::from_half) {
    const Array all = few_lines(resized(x, axis, n), axis, kind == Kind::backward, factor);
    return kind == Kind::to_half ? part(all, axis, 0, n / 2 + 1) : all;
  }
  const Array half = resized(x, axis, n / 2 + 1);
  const Array both[] = {half, conj(flip(part(half, axis, 1, (n + 1) / 2), Axes{axis}))};
  return real(few_lines(concat(both, axis), axis, true, factor));
}

// Lines of a tile of an array on a device, all there, some at a time: made whole and complex where
// that is asked for, transformed, and laid as the result has them.
void transform_there(const Tile& x, const Tile& out, const Seen& s, Index64 outer, Kind kind,
                     Index64 n, double factor) {
  const bool from_half = kind == Kind::from_half;
  const Index64 in_n = from_half ? n / 2 + 1 : n, out_n = kind == Kind::to_half ? n / 2 + 1 : n;
  const Index64 there = std::min(in_n, s.extent);
  if (outer * s.inner == 0) return;
  const DType in_dtype = kind == Kind::to_half ? x.dtype : complex_of(x.dtype);
  const bool reads = s.inner == 1 && s.extent == in_n && x.dtype == in_dtype;
  constexpr Index64 enough = 1 << 24;  // elements
  const Index64 share = std::clamp<Index64>(enough / (s.inner * std::max(n, s.extent)), 1, outer);
  const auto bytes = [&](Index64 line, DType dtype) {
    return static_cast<std::size_t>(share * s.inner * line) * size_of(dtype);
  };
  Buffer seen, whole, done, zero;
  if (!reads) {
    seen = Buffer(bytes(there, in_dtype), x.device);
    if (there < in_n) {
      whole = Buffer(bytes(in_n, in_dtype), x.device);
      zero = Buffer(1, x.device);
    }
  }
  if (s.inner > 1) done = Buffer(bytes(out_n, out.dtype), x.device);
  const auto flat = [](const Tile& t) {
    return Tile{t.data, 1, t.rows * t.cols, t.rows * t.cols, t.dtype, t.device};
  };
  const auto part = [&](const Tile& t, Index64 extent, Index64 first, Index64 count) {
    const Index64 line = extent * s.inner;
    return flat(t).columns(first * line, count * line);
  };
  Stream stream(x.device);
  const auto fetch = [&](const Tile& from, std::vector<fetching::Axis> axes, const Tile& to) {
    fetching::operation()(stream, from, axes, 0, flat(to));
  };
  std::uint8_t nothing = 0;
  const Tile zero_there{zero.data(), 1, 1, 1, DType::uint8, x.device};
  if (zero.size() > 0) copy(stream, tile_of(&nothing, 1, 1, 1), zero_there);
  for (Index64 first = 0; first < outer; first += share) {
    const Index64 count = std::min(share, outer - first), lines = count * s.inner;
    const Tile from = part(x, s.extent, first, count), to = part(out, out_n, first, count);
    Tile in{from.data, lines, in_n, in_n, in_dtype, x.device};
    if (!reads) {
      in = {seen.data(), lines, there, there, in_dtype, x.device};
      fetch(from, {{count, s.extent * s.inner}, {s.inner, 1}, {there, s.inner}}, in);
      if (there < in_n) {
        const Tile padded{whole.data(), lines, in_n, in_n, in_dtype, x.device};
        fetch(zero_there, {{lines * in_n, 0}}, padded);
        copy(stream, in, padded.columns(0, there));
        in = padded;
      }
    }
    Tile transformed{to.data, lines, out_n, out_n, out.dtype, x.device};
    if (s.inner > 1) transformed.data = done.data();
    fourier::operation()(stream, in, transformed, kind, factor);
    if (s.inner > 1)
      fetch(flat(transformed), {{count, s.inner * out_n}, {out_n, 1}, {s.inner, out_n}}, to);
  }
  stream.synchronize();
}

}  // namespace

Array with_mirror_image(const Array& half, const std::vector<Index64>& axes, Index64 n,
                        bool conjugate) {
  const Index64 a = axes.back(), there = n / 2 + 1;
  std::vector<bool> turns(half.shape().size(), false);
  for (const Index64 axis : axes) turns[static_cast<std::size_t>(axis)] = true;
  if (turns[0] && !all_here(half)) {
    const Array first = conjugate ? conj(half) : half;
    if (there == n) return first;
    const Axes others(axes.begin(), axes.end() - 1);
    const Array image =
        roll(flip(part(half, a, 1, (n + 1) / 2), axes), Axes(others.size(), 1), others);
    const Array both[] = {first, conjugate ? image : conj(image)};
    return concat(both, a);
  }
  const Shape shape = with_extent(half.shape(), a, n);
  const Array out = room_for(
      shape, half.dtype(),
      a > 0 ? half.distribution() : settled(shape, is_replicated(half), half.comm()), half.comm());
  const std::size_t last = shape.size() - 1;
  const Index64 width = shape[last], lines = width > 0 ? out.local().rows * out.cols() / width : 0;
  const Index64 each = std::max<Index64>(1, (1 << 14) / std::max<Index64>(1, width));
  const auto copy = [&]<class T>(T* to, const T* from, Index64 line) {
    // Where the line is in `half`, and where its mirror image.
    Index64 at = 0, image = 0, stride = half.shape()[last], left = line;
    bool beyond = false;
    for (std::size_t d = last; d-- > 0;) {
      const bool halved = d == static_cast<std::size_t>(a);
      const Index64 extent = d == 0 ? out.local().rows : shape[d], i = left % extent;
      beyond = beyond || (halved && i >= there);
      at += i * stride;
      image += (turns[d] && i > 0 ? extent - i : i) * stride;
      stride *= halved ? there : extent;
      left /= extent;
    }
    T* const y = to + line * width;
    const Index64 own = static_cast<std::size_t>(a) == last ? there : beyond ? 0 : width;
    for (Index64 j = 0; j < own; ++j) y[j] = conjugate ? std::conj(from[at + j]) : from[at + j];
    for (Index64 j = own; j < width; ++j) {
      const T v = from[image + (turns[last] && j > 0 ? width - j : j)];
      y[j] = conjugate ? v : std::conj(v);
    }
  };
  parallel_for({0, (lines + each - 1) / each}, Runtime::threads(), [&](Index64 task, Stream&) {
    visit_inexact(half.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      if constexpr (requires(T t) { t.imag(); })
        for (Index64 line = task * each; line < std::min(lines, (task + 1) * each); ++line)
          copy(out.local().as<T>(), half.local().as<const T>(), line);
    });
  });
  return settled_as(half, out);
}

Array transform_lines(const Array& given, Index64 axis, Kind kind, Index64 n, double factor) {
  const bool whole = axis > 0 || all_here(given);
  const Device where =
      kind < Kind::dct1 && whole && given.size() > 0
          ? where_computed(fourier::operation().id(), given.device(), given.dtype())
          : cpu;
  // FFTW may be on some of the nodes only, whose bits would be others.
  agree(given.comm(), "array.fft", where.kind, [&] {
    const auto& asked = candidates(fourier::operation().id(), where.kind).asked;
    return asked.empty() ? std::string_view() : asked.front().backend->name();
  });
  if (where != cpu) {
    const Array x = in_rows_on(where, given);
    const Seen s(x.shape(), axis);
    const Shape shape = with_extent(x.shape(), axis, kind == Kind::to_half ? n / 2 + 1 : n);
    const DType dtype = kind == Kind::from_half ? real_of(x.dtype()) : complex_of(x.dtype());
    const Distribution d = axis > 0 ? x.distribution() : settled(shape, is_replicated(x), x.comm());
    const Array out = room_on(where, shape, dtype, d, x.comm());
    const Index64 outer = axis > 0 ? Seen(with_rows(x.shape(), x.local().rows), axis).outer : 1;
    together(x.comm(), [&] { transform_there(x.local(), out.local(), s, outer, kind, n, factor); });
    return settled_as(x, out);
  }
  const Array x = in_rows(given);
  const Job job(kind, n, factor, x.dtype());
  const Shape shape = with_extent(x.shape(), axis, job.out());
  if (element_count(shape) == 0)
    return room_for(shape, job.out_dtype(), settled(shape, is_replicated(x), x.comm()), x.comm());
  constexpr Index64 few = 64, long_line = 1 << 17;
  const bool by_steps = kind < Kind::dct1 && n >= long_line && Seen(x.shape(), axis).lines() < few;
  return (by_steps ? few_lines_of(x, axis, kind, n, factor) : each_line(x, axis, job))
      .to(given.device());
}

}  // namespace tessera::detail
