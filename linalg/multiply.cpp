#include <tessera/linalg/multiply.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <complex>
#include <cstring>
#include <exception>
#include <functional>

#include <tessera/array/elementwise.hpp>
#include <tessera/array/promotion.hpp>
#include <tessera/linalg/dense.hpp>
#include <tessera/linalg/kernels/kernels.hpp>
#include <tessera/linalg/scalapack/routines.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/reduce.hpp>
#include <tessera/runtime/visit.hpp>

namespace tessera::linalg::detail {
namespace {

using Kind = Distribution::Kind;

// Sums in x's own precision run over so many rows before they are added in float64.
constexpr std::int64_t chain = 256;

Kind kind_of(const Operand& x) { return x.array.distribution().kind(); }
std::int64_t rows_of(const Operand& x) { return x.shape()[0]; }
std::int64_t cols_of(const Operand& x) { return x.shape()[1]; }

// Rows [range) of op(x), or columns, of which this process holds all; op is still to be applied.
Tile rows_of(const Operand& x, Range range) {
  const Tile t = x.array.local();
  return x.op == Transpose::no ? t.slice(range.begin - x.array.local_rows().begin, range.size())
                               : t.columns(range.begin, range.size());
}
Tile cols_of(const Operand& x, Range range) {
  const Transpose other = x.op == Transpose::no ? Transpose::yes : Transpose::no;
  return rows_of(Operand(x.array, other), range);
}
// Columns [range) of op(t).
Tile cols_of(const Tile& t, Transpose op, Range range) {
  return op == Transpose::no ? t.columns(range.begin, range.size())
                             : t.slice(range.begin, range.size());
}

Tile folded(Tile t, std::int64_t fold) {
  if (fold == 1) return t;
  t.rows *= fold;
  t.cols /= fold;
  t.stride = t.cols;
  return t;
}

// Calls work(rows of op(a), rows of c, stream) for this process's leaves of c, on its threads or
// its device.
void for_each_leaf(const Operand& a, const Array& c, std::int64_t fold,
                   const std::function<void(const Tile&, const Tile&, Stream&)>& work) {
  Rows(c).for_each_leaf([&](const Leaf& leaf, Stream& stream) {
    work(folded(rows_of(a, leaf.rows), fold), folded(leaf.tile, fold), stream);
  });
}

// The rows of op(a) are here, and all of b: nothing is sent.
void multiply_here(const Operand& a, const Operand& b, const Array& c, std::int64_t fold) {
  const Tile whole = b.array.local();
  together(c.comm(), [&] {
    for_each_leaf(a, c, fold, [&](const Tile& left, const Tile& out, Stream& stream) {
      kernels().gemm(stream, 1.0, left, a.op, whole, b.op, 0.0, out);
    });
  });
}

// Pieces of b, cut by its shape alone, go from their owner to all, one at a time.
class Panels {
 public:
  explicit Panels(const Array& b, Device device)
      : b_(b),
        width_(std::clamp<std::int64_t>(b.cols(), 1, 8192)),
        height_(b.distribution().leaf_rows()) {
    constexpr std::int64_t most_elements = std::int64_t{1} << 21;
    while (height_ > 256 && height_ * width_ > most_elements) height_ /= 2;
    together(b.comm(), [&] {
      const std::int64_t elements = std::min(height_, b.rows()) * width_;
      const auto bytes = static_cast<std::size_t>(elements) * size_of(b.dtype());
      host_ = Buffer(bytes);
      if (device != cpu) there_ = Buffer(bytes, device);
    });
  }

  /// Calls work(panel, its rows of b, its columns) for all of b in order. What it throws is thrown
  /// on every process when all panels have passed.
  void for_each(const std::function<void(const Tile&, Range, Range)>& work) {
    std::exception_ptr failure;
    for (std::int64_t i = 0; i < b_.rows(); i += height_)
      for (std::int64_t j = 0; j < b_.cols(); j += width_) {
        const Range rows = {i, std::min(b_.rows(), i + height_)};
        const Range cols = {j, std::min(b_.cols(), j + width_)};
        const Tile panel = broadcast(rows, cols, failure);
        if (failure) continue;  // the others wait for what this process owns
        try {
          work(panel, rows, cols);
        } catch (...) {
          failure = std::current_exception();
        }
      }
    together(b_.comm(), [&] {
      if (failure) std::rethrow_exception(failure);
    });
  }

 private:
  Tile broadcast(Range rows, Range cols, std::exception_ptr& failure) {
    const int owner = b_.distribution().owner_of_row(rows.begin);
    Tile panel{host_.data(), rows.size(), cols.size(), cols.size(), b_.dtype(), cpu};
    Stream stream(there_.device());
    if (b_.comm().rank() == owner) {
      const Tile mine = b_.local()
                            .slice(rows.begin - b_.local_rows().begin, rows.size())
                            .columns(cols.begin, cols.size());
      if (mine.stride == mine.cols)
        panel = mine;
      else if (b_.comm().size() > 1 || there_.device() != cpu)
        copy(stream, mine, panel);
      else
        return mine;
    }
    const auto bytes = static_cast<std::size_t>(panel.rows * panel.cols) * size_of(panel.dtype);
    b_.comm().broadcast(std::span(static_cast<std::byte*>(panel.data), bytes), owner);
    if (there_.device() == cpu) return panel;
    Tile copied = panel;
    copied.data = there_.data();
    copied.device = there_.device();
    try {
      copy(stream, panel, copied);
      stream.synchronize();
    } catch (...) {
      failure = std::current_exception();
    }
    return copied;
  }

  Array b_;
  std::int64_t width_;
  std::int64_t height_;
  Buffer host_;
  Buffer there_;
};

// The rows of op(a) are here, b lies by rows.
void multiply_by_panels(const Operand& a, const Operand& b, const Array& c, std::int64_t fold) {
  Panels panels(b.array, c.device());
  panels.for_each([&](const Tile& panel, Range rows, Range cols) {
    for_each_leaf(a, c, fold, [&](const Tile& left, const Tile& out, Stream& stream) {
      const bool plain = b.op == Transpose::no;
      const Range inner = plain ? rows : cols;
      const Range outer = plain ? cols : rows;
      kernels().gemm(stream, 1.0, cols_of(left, a.op, inner), a.op, panel, b.op,
                     inner.begin == 0 ? 0.0 : 1.0, out.columns(outer.begin, outer.size()));
    });
  });
}

Array multiply_on_grid(const Operand& a, const Operand& b) {
  const Shape shape = {rows_of(a), cols_of(b)};
  const auto product = [&](const scalapack::Grid& grid, const scalapack::Matrix& left,
                           const scalapack::Matrix& right) {
    const scalapack::Matrix c = grid.empty(shape[0], shape[1], a.dtype());
    scalapack::gemm(1.0, left, a.op, right, b.op, 0.0, c);
    return c.array();
  };
  const Array left = a.array.to(cpu);
  const Array right = b.array.to(cpu);
  if (fits_one_process(left.shape()) && fits_one_process(right.shape()) && fits_one_process(shape))
    return dense({left, right}, [&](const auto& grid, auto m) -> std::vector<Array> {
      return {product(grid, m[0], m[1])};
    })[0];
  const scalapack::Grid grid = grid_for({left, right});
  const scalapack::Matrix x = grid.view(left);
  const scalapack::Matrix y = grid.view(right);
  const BlasThreads threads(Runtime::threads());
  return product(grid, x, y);
}

}  // namespace

void require_together(std::string_view function, const Array& a, const Array& b) {
  if (!a || !b) throw ValueError(fmt::format("{} needs two arrays, got none", function));
  if (!(a.comm() == b.comm()))
    throw TypeError(fmt::format("{} needs arrays of one communicator", function));
}

Array converted(const Array& x, DType dtype) {
  Array out = x;
  if (x.dtype() != dtype) together(x.comm(), [&] { out = x.astype(dtype); });
  return out;
}

Array conjugated(const Array& x) { return is_complex(x.dtype()) ? conj(x) : x; }

namespace {

// Sums modulo 2^64, which are exact for every integer dtype.
struct Integers {
  std::vector<std::uint64_t> values;
  void merge(const Integers& right) {
    for (std::size_t i = 0; i < values.size(); ++i) values[i] += right.values[i];
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(values);
  }
};

Array contract_integers(const Operand& a, const Operand& b, const Array& split) {
  const std::int64_t m = rows_of(a), n = cols_of(b);
  const Shape shape = {m, n};
  const Array out = tessera::detail::allocate(
      shape, a.dtype(), replicated_distribution(shape, split.comm()), split.comm());
  visit(a.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_integral_v<T>) {
      const auto sums = reduce<Integers>(split, [&](const Leaf& leaf, Stream& stream) {
        const Tile part{
            stream.scratch(static_cast<std::size_t>(m * n) * sizeof(T)), m, n, n, a.dtype(), cpu};
        kernels().gemm(stream, 1.0, cols_of(a, leaf.rows), a.op, rows_of(b, leaf.rows), b.op, 0.0,
                       part);
        return Integers{{part.as<const T>(), part.as<const T>() + m * n}};
      });
      std::transform(sums.values.begin(), sums.values.end(), out.local().template as<T>(),
                     [](std::uint64_t v) { return static_cast<T>(v); });
    }
  });
  return out;
}

}  // namespace

Array contract(const Operand& a, const Operand& b) {
  const std::int64_t m = rows_of(a);
  const std::int64_t n = cols_of(b);
  const DType dtype = a.dtype();
  const int parts = is_complex(dtype) ? 2 : 1;
  const DType wide = is_complex(dtype) ? DType::complex128 : DType::float64;
  // A device has no kernel that widens what gemm gives.
  const Device device = dtype == DType::float64 ? a.device() : cpu;
  Operand x(a.array.to(device), a.op);
  Operand y(b.array.to(device), b.op);
  const bool by_b = b.op == Transpose::no && kind_of(b) == Kind::rows;
  const bool by_a = a.op != Transpose::no && kind_of(a) == Kind::rows;
  // Where both lie by rows, the wider one stays as it is.
  const bool like_a = by_a && (!by_b || a.array.cols() > b.array.cols());
  const Array split = like_a ? x.array : y.array;
  if (by_a && by_b) {
    Array& other = like_a ? y.array : x.array;
    other = redistribute(other, split.distribution());
  }
  if (is_integer(dtype)) return contract_integers(x, y, split);
  const std::int64_t leaf_rows = split.distribution().leaf_rows();
  const auto multiply_rows = [&](Range rows, const Tile& out, Stream& stream) {
    kernels().gemm(stream, 1.0, cols_of(x, rows), x.op, rows_of(y, rows), y.op, 0.0, out);
  };
  const auto leaf = [&](Range rows, const Tile& out, Stream& stream) {
    if (dtype == wide) return multiply_rows(rows, {out.data, m, n, n, wide, out.device}, stream);
    const Tile part{
        stream.scratch(static_cast<std::size_t>(m * n) * size_of(dtype)), m, n, n, dtype, cpu};
    auto* sum = out.as<double>();
    const auto* term = part.as<const float>();
    for (std::int64_t i = rows.begin; i < rows.end; i += chain) {
      multiply_rows({i, std::min(rows.end, i + chain)}, part, stream);
      for (std::int64_t e = 0; e < m * n * parts; ++e)
        sum[e] = static_cast<double>(term[e]) + (i == rows.begin ? 0.0 : sum[e]);
    }
  };
  const auto sums = reduce(
      split, m * n * parts,
      [&](const Leaf& run, const Tile& out, Stream& stream) {
        for (std::int64_t i = 0; i < out.rows; ++i) {
          const std::int64_t first = run.rows.begin + i * leaf_rows;
          leaf({first, std::min(run.rows.end, first + leaf_rows)}, out.slice(i, 1), stream);
        }
      },
      Merging::by_value(kernels().add));
  const Array out =
      tessera::detail::allocate({m, n}, wide, replicated_distribution({m, n}, a.comm()), a.comm());
  if (m * n > 0) std::memcpy(out.local().data, sums.data(), sums.size() * sizeof(double));
  return converted(out, dtype);
}

Array multiply(const Operand& given_a, const Operand& given_b, std::int64_t fold) {
  const Communicator& comm = given_a.comm();
  const DType dtype = given_a.dtype();
  const std::int64_t m = rows_of(given_a);
  const std::int64_t n = cols_of(given_b);
  element_count({m, n});  // not more than fit an index
  if (m == 0 || n == 0 || fold == 0 || rows_of(given_b) == 0)
    return zeros({m, n * fold}, dtype, comm);
  if (kind_of(given_a) == Kind::block_cyclic || kind_of(given_b) == Kind::block_cyclic)
    return multiply_on_grid(given_a, given_b);
  const bool small = m * n <= most_in_tree;
  const bool split_rows = kind_of(given_b) == Kind::rows;
  if (kind_of(given_a) == Kind::rows && given_a.op != Transpose::no) {
    if (small && !(split_rows && given_b.op != Transpose::no)) return contract(given_a, given_b);
    return multiply(evaluate(given_a), given_b);
  }
  if (small && kind_of(given_a) == Kind::replicated && split_rows && given_b.op == Transpose::no &&
      fold == 1)
    return contract(given_a, given_b);
  // No kernel of a device takes complex numbers or integers.
  const Device device = is_floating(dtype) ? given_a.device() : cpu;
  const Operand a(given_a.array.to(device), given_a.op);
  const Operand b(given_b.array.to(split_rows ? cpu : device), given_b.op);
  // In the leaves of op(a), which decide the bits however it lies.
  const Distribution d = kind_of(a) == Kind::rows
                             ? a.array.distribution()
                             : Distribution::rows(m, comm.size(), a.array.size() / m);
  const Array c = tessera::detail::allocate({m, n * fold}, dtype, d, comm, device);
  (split_rows ? multiply_by_panels : multiply_here)(a, b, c, fold);
  return c;
}

}  // namespace tessera::linalg::detail
