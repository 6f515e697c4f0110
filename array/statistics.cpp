#include <tessera/array/statistics.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <string>

#include <tessera/array/convert.hpp>
#include <tessera/array/elementwise.hpp>
#include <tessera/array/indexing.hpp>
#include <tessera/array/kernels/reductions.hpp>
#include <tessera/array/layout.hpp>
#include <tessera/array/manipulation.hpp>
#include <tessera/array/on_device.hpp>
#include <tessera/array/promotion.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/reduce_runs.hpp>
#include <tessera/runtime/transposed.hpp>

namespace tessera {
namespace {

using detail::in_rows;
using detail::is_replicated;
using reductions::Reducer;

// The accumulators of a leaf, or of several.
struct Accumulators {
  std::string bytes;
  const Reducer* reducer = nullptr;
  DType dtype = DType::float64;
  void merge(const Accumulators& right) {
    reducer->merge(bytes.data(), right.bytes.data(),
                   static_cast<std::int64_t>(bytes.size() / reducer->bytes));
  }
  template <class Archive>
  void serialize(Archive& archive) {
    std::string reduction(reducer ? reducer->name : "");
    archive(bytes, reduction, dtype);
    reducer = &reductions::reducer(reduction, dtype);
  }
};

Tile row_of_bytes(const void* data, std::int64_t n, Device device = cpu) {
  return {const_cast<void*>(data), 1, n, n, DType::uint8, device};
}

// Those of the columns of blocks of n rows, of which the last may have fewer, in rows of `out`.
void of_blocks(const Operation<reductions::Signature>& operation, Stream& stream, const Tile& rows,
               std::int64_t n, std::int64_t first, const Tile& out) {
  const std::int64_t whole = rows.rows / n, end = whole * n;
  if (whole > 0) operation(stream, rows.slice(0, end), n, {first, n}, out.slice(0, whole));
  if (end < rows.rows)
    operation(stream, rows.slice(end, rows.rows - end), rows.rows - end, {first + end},
              out.slice(whole, 1));
}

// The accumulators of the columns of all leaves of an array on a device, in host memory.
std::string accumulated_there(const Array& x, const Reducer& reducer, std::int64_t each,
                              std::int64_t inner) {
  const Tile local = x.local();
  const std::int64_t n = x.distribution().leaf_rows() * each, rows = local.rows * each;
  const std::int64_t leaves = (rows + n - 1) / n;
  const auto bytes = inner * static_cast<std::int64_t>(reducer.bytes);
  std::string all(static_cast<std::size_t>(leaves * bytes), '\0');
  together(x.comm(), [&] {
    if (all.empty()) return;
    const auto& operation = reductions::operation(reducer.name);
    const Buffer there(all.size(), x.device());
    Stream stream(x.device());
    const Tile from{local.data, rows, inner, inner, x.dtype(), x.device()};
    const Tile out{there.data(), leaves, bytes, bytes, DType::uint8, x.device()};
    of_blocks(operation, stream, from, n, x.local_rows().begin * each, out);
    copy(stream, out, {all.data(), leaves, bytes, bytes, DType::uint8, cpu});
    stream.synchronize();
  });
  return all;
}

// Accumulators of the columns of all leaves, each of which is a matrix of `inner` columns: one row
// of x is `each` of it.
Accumulators accumulated(const Rows& x, const Reducer& reducer, std::int64_t each,
                         std::int64_t inner) {
  const auto& operation = reductions::operation(reducer.name);
  const auto bytes = inner * static_cast<std::int64_t>(reducer.bytes);
  std::string there;
  if (x.device() != cpu) there = accumulated_there(*x.array(), reducer, each, inner);
  const std::int64_t first = x.distribution().leaves_of(x.comm().rank()).begin;
  const std::int64_t leaf_rows = x.distribution().leaf_rows();
  // Of several leaves at once as long as theirs stay in a cache.
  const std::int64_t most = there.empty() ? std::max<std::int64_t>(1, (1 << 17) / bytes) : 1;
  return reduce_runs<Accumulators>(
      x, std::min<std::int64_t>(64, most), [&](const Leaf& run, Stream& stream) {
        Accumulators partial{{}, &reducer, x.dtype()};
        if (!there.empty()) {
          partial.bytes = there.substr(static_cast<std::size_t>((run.index - first) * bytes),
                                       static_cast<std::size_t>(bytes));
          return partial;
        }
        const std::int64_t leaves = (run.rows.size() + leaf_rows - 1) / leaf_rows;
        partial.bytes.resize(static_cast<std::size_t>(leaves * bytes));
        const Tile rows{run.tile.data, run.rows.size() * each, inner, inner, x.dtype(), cpu};
        const Tile out{partial.bytes.data(), leaves, bytes, bytes, DType::uint8, cpu};
        of_blocks(operation, stream, rows, leaf_rows * each, run.rows.begin * each, out);
        for (std::int64_t width = 1; width < leaves; width *= 2)
          for (std::int64_t i = 0; i + width < leaves; i += 2 * width)
            reducer.merge(out.slice(i, 1).data, out.slice(i + width, 1).data, inner);
        partial.bytes.resize(static_cast<std::size_t>(bytes));
        return partial;
      });
}

// Results of accumulators of n elements in `out`, elements of its dtype from `at` on.
void finish(const Reducer& reducer, const void* accumulators, std::int64_t count, std::int64_t n,
            double parameter, const Tile& out, std::int64_t at, Stream& stream) {
  const Tile flat{out.data, 1, out.rows * out.cols, out.rows * out.cols, out.dtype, out.device};
  const Tile to = flat.columns(at, count);
  Tile results = to;
  if (to.dtype != reducer.result) {
    results.dtype = reducer.result;
    results.data = stream.scratch(static_cast<std::size_t>(count) * size_of(reducer.result));
  }
  reductions::results()(
      stream,
      row_of_bytes(accumulators, count * static_cast<std::int64_t>(reducer.bytes), out.device),
      reducer, static_cast<double>(n), parameter, results);
  if (to.dtype == reducer.result) return;
  const fetching::Axis all[] = {{count, 1}};
  fetching::operation()(stream, results, all, 0, to);
}

void fill_empty(const Reducer& reducer, const Tile& out) {
  std::array<std::byte, 16> one;
  if (out.rows * out.cols == 0) return;
  reducer.of_none(one.data());
  detail::convert(one.data(), 0, reducer.result, out.data, out.dtype, out.rows * out.cols);
}

void require_elements(const Reducer& reducer, std::int64_t n, const Shape& kept,
                      const Shape& shape) {
  if (n == 0 && !reducer.of_none && element_count(kept) > 0)
    throw ValueError(fmt::format("{} of no elements has no value: the array has shape {}",
                                 reducer.name, to_string(shape)));
}

// Results of shape `kept` of all rows of x.
Array over_rows(const Rows& x, const Reducer& reducer, std::int64_t each, std::int64_t inner,
                const Shape& kept, DType dtype, double parameter) {
  const Array out =
      detail::room_for(kept, dtype, replicated_distribution(kept, x.comm()), x.comm());
  const std::int64_t n = x.rows() * each;
  if (element_count(kept) == 0) return out;
  if (n == 0) {
    fill_empty(reducer, out.local());
    return out;
  }
  const Accumulators all = accumulated(x, reducer, each, inner);
  Stream stream;
  finish(reducer, all.bytes.data(), inner, n, parameter, out.local(), 0, stream);
  return out;
}

// Whether the order of elements shows in the result.
bool rounds(std::string_view name, DType dtype) {
  const bool adds = name == "sum" || name == "prod";
  return name == "mean" || name == "var" || (adds && (is_floating(dtype) || is_complex(dtype)));
}

/// A reduction of some axes of one array.
class Reduction {
 public:
  Reduction(std::string_view name, const Array& x, const OptionalAxes& axes, double parameter = 0)
      : reducer_(reductions::reducer(name, x.dtype())),
        operation_(reductions::operation(name)),
        parameter_(parameter),
        device_(x.device()),
        reduced_(static_cast<std::size_t>(x.ndim()), !axes) {
    if (axes)
      for (const auto axis : detail::checked_axes(*axes, x.ndim()))
        reduced_[static_cast<std::size_t>(axis)] = true;
    // One axis of a transpose is the other one of the matrix, without forming it. Where it has been
    // formed the matrix comes back if rounding in another order would give other bits.
    turned_ = detail::is_transpose(x) && reduced_[0] != reduced_[1] &&
              (detail::transposed_of(x) || rounds(name, x.dtype()));
    const Array matrix = turned_ ? permute_dims(x, {1, 0}) : Array();
    if (turned_) reduced_.flip();
    x_ = detail::in_rows_on(
        x.size() > 0 ? detail::where_computed(operation_.id(), device_, x.dtype()) : cpu,
        turned_ ? matrix : x);
  }

  /// The results as `dtype`.
  Array operator()(DType dtype, bool keepdims) {
    Shape kept, shape;
    for (std::size_t d = 0; d < reduced_.size(); ++d) {
      if (!reduced_[d]) kept.push_back(x_.shape()[d]);
      if (!reduced_[d] || keepdims) shape.push_back(reduced_[d] ? 1 : x_.shape()[d]);
    }
    gather_axes();
    const auto begin = std::find(reduced_.begin(), reduced_.end(), true);
    a_ = begin - reduced_.begin();
    b_ = std::find(begin, reduced_.end(), false) - reduced_.begin();
    n_ = product(a_, b_);
    inner_ = product(b_, x_.ndim());
    require_elements(reducer_, n_, kept, x_.shape());
    const Array out = a_ == 0 && x_.ndim() > 0 && b_ > 0
                          ? over_rows(x_, reducer_, product(1, b_), inner_, kept, dtype, parameter_)
                          : in_each_row(kept, dtype);
    if (turned_)
      return tessera::reshape(
                 redistribute(out, detail::settled(kept, a_ == 1 || is_replicated(x_), x_.comm())),
                 {shape.rbegin(), shape.rend()})
          .to(device_);
    return tessera::reshape(detail::settle(out), shape).to(device_);
  }

 private:
  std::int64_t product(std::int64_t from, std::int64_t to) const {
    return element_count(Shape(x_.shape().begin() + from, x_.shape().begin() + to));
  }

  // Brings the axes to be reduced together: to the front with axis 0, else to the end.
  void gather_axes() {
    Axes kept, gone;
    for (std::size_t d = 0; d < reduced_.size(); ++d)
      (reduced_[d] ? gone : kept).push_back(static_cast<std::int64_t>(d));
    if (gone.empty() || gone.back() - gone.front() + 1 == std::ssize(gone)) return;
    const bool front = reduced_[0];
    Axes axes = front ? gone : kept;
    const Axes& rest = front ? kept : gone;
    axes.insert(axes.end(), rest.begin(), rest.end());
    x_ = permute_dims(x_, axes);
    std::fill(reduced_.begin(), reduced_.end(), front);
    for (std::size_t k = front ? gone.size() : kept.size(); k < reduced_.size(); ++k)
      reduced_[k] = !front;
  }

  Tile bytes(void* data, std::int64_t rows, Device device = cpu) const {
    const auto cols = inner_ * static_cast<std::int64_t>(reducer_.bytes);
    return {data, rows, cols, cols, DType::uint8, device};
  }

  // Lines [first, first + count) of a tile on a device. Of few and long lines chunks are reduced
  // side by side, and merged here.
  void reduce_there(const Tile& rows, std::int64_t first, const Tile& out, bool in_chunks,
                    Stream& stream) const {
    if (!in_chunks) return operation_(stream, rows.slice(first * n_, out.rows * n_), n_, {}, out);
    const std::int64_t chunks = (n_ + chunk - 1) / chunk;
    const Buffer there(static_cast<std::size_t>(chunks * out.cols), out.device);
    const Tile partials = bytes(there.data(), chunks, out.device);
    std::vector<std::byte> here(there.size());
    for (std::int64_t line = 0; line < out.rows; ++line) {
      of_blocks(operation_, stream, rows.slice((first + line) * n_, n_), chunk, 0, partials);
      copy(stream, partials, bytes(here.data(), chunks));
      stream.synchronize();
      for (std::int64_t c = 1; c < chunks; ++c)
        reducer_.merge(here.data(), here.data() + c * out.cols, inner_);
      copy(stream, bytes(here.data(), 1), out.slice(line, 1));
      stream.synchronize();
    }
  }

  void in_each_row_there(const Tile& from, const Tile& to, std::int64_t results) const {
    const std::int64_t lines = inner_ == 0 ? 0 : to.rows * to.cols / inner_;
    if (lines == 0) return;
    const Device there = from.device;
    const std::int64_t share = std::min(lines, std::max<std::int64_t>(1, (1 << 22) / inner_));
    const Buffer partial(static_cast<std::size_t>(share * inner_) * reducer_.bytes, there);
    const Tile rows{from.data, lines * n_, inner_, inner_, x_.dtype(), there};
    Stream stream(there);
    for (std::int64_t first = 0; first < lines; first += share) {
      const Tile some = bytes(partial.data(), std::min(share, lines - first), there);
      reduce_there(rows, first, some, results < 256 && n_ > 2 * chunk, stream);
      finish(reducer_, some.data, some.rows * inner_, n_, parameter_, to, first * inner_, stream);
    }
    stream.synchronize();
  }

  Array in_each_row(const Shape& kept, DType dtype) {
    const auto& comm = x_.comm();
    // As x's rows lie, for now: in leaves that suit the width of x.
    Array out = detail::room_on(x_.device(), kept, dtype, x_.distribution(), comm);
    const Tile from = x_.local(), to = out.local();
    if (x_.device() != cpu) {
      together(comm, [&] { in_each_row_there(from, to, element_count(kept)); });
    } else if (n_ == 0) {
      fill_empty(reducer_, to);
    } else {
      const std::int64_t lines = inner_ == 0 ? 0 : to.rows * to.cols / inner_;
      const std::int64_t share =
          std::max<std::int64_t>(1, (1 << 14) / std::max<std::int64_t>(1, n_ * inner_));
      const std::int64_t shares = (lines + share - 1) / share;
      const auto some = [&](std::int64_t i, Stream& stream) {
        const std::int64_t first = i * share, count = std::min(share, lines - first);
        std::vector<std::byte> partial(static_cast<std::size_t>(count * inner_) * reducer_.bytes);
        const Tile rows{from.data, lines * n_, inner_, inner_, x_.dtype(), cpu};
        operation_(stream, rows.slice(first * n_, count * n_), n_, {},
                   bytes(partial.data(), count));
        finish(reducer_, partial.data(), count * inner_, n_, parameter_, to, first * inner_,
               stream);
      };
      if (shares == 1) {
        Stream stream;
        some(0, stream);
      } else {
        parallel_for({0, shares}, Runtime::threads(), some);
      }
    }
    if (kept.empty()) return out;
    return redistribute(out, detail::settled(kept, is_replicated(x_), comm));
  }

  static constexpr std::int64_t chunk = 1 << 15;
  const Reducer& reducer_;
  const Operation<reductions::Signature>& operation_;
  double parameter_;
  Device device_;  // of the result
  Array x_;        // there, or on the host, where there is no kernel there
  std::vector<bool> reduced_;
  bool turned_ = false;
  std::int64_t a_ = 0, b_ = 0, n_ = 0, inner_ = 0;
};

DType kept_dtype(const Array& x) { return x.dtype(); }

// int64, uint64 or the dtype itself.
DType of_sums(DType d) {
  if (is_floating(d) || is_complex(d)) return d;
  return is_unsigned_integer(d) ? DType::uint64 : DType::int64;
}

// x as sums of that dtype need it.
Array summand(const Array& x, DType dtype) {
  const auto floats = [](DType d) { return is_floating(d) || is_complex(d); };
  return floats(dtype) != floats(x.dtype()) || is_complex(dtype) != is_complex(x.dtype())
             ? detail::cast(x, dtype)
             : x;
}

Array total(std::string_view name, const Array& x, const OptionalAxes& axes, bool keepdims,
            std::optional<DType> dtype) {
  const DType result = dtype.value_or(of_sums(x.dtype()));
  return Reduction(name, summand(x, result), axes)(result, keepdims);
}

DType of_means(DType d) { return is_floating(d) || is_complex(d) ? d : DType::float64; }

OptionalAxes one(std::optional<std::int64_t> axis) {
  if (!axis) return {};
  return std::vector<std::int64_t>{*axis};
}

Array best(std::string_view name, const Array& x, std::optional<std::int64_t> axis, bool keepdims) {
  return Reduction(name, x, one(axis))(DType::int64, keepdims);
}

/// Sums or products of the elements up to each.
template <class F>
class Scan {
 public:
  Scan(const Array& x, std::int64_t axis, DType dtype, bool initial)
      : x_(x), axis_(axis), dtype_(dtype), initial_(initial) {
    n_ = x.shape()[static_cast<std::size_t>(axis)];
    inner_ = element_count(Shape(x.shape().begin() + axis + 1, x.shape().end()));
  }

  Array operator()() {
    Array out = detail::room_for(x_.shape(), dtype_, x_.distribution(), x_.comm());
    visit(x_.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      run<T, reductions::Wide<T>>(out);
    });
    if (initial_) {
      Shape shape = x_.shape();
      shape[static_cast<std::size_t>(axis_)] = 1;
      const Array start = broadcast_to(Scalar(std::int64_t{unit}).array(dtype_, x_.comm()), shape);
      const std::array both = {start, out};
      out = concat(both, axis_);
    }
    return redistribute(out, detail::settled(out.shape(), is_replicated(x_), x_.comm()));
  }

 private:
  static constexpr int unit = std::is_same_v<F, functions::Add> ? 0 : 1;

  template <class T, class W>
  void run(const Array& out) const {
    const Tile from = x_.local(), to = out.local();
    if (n_ * inner_ == 0) return;
    if (axis_ > 0) {
      const std::int64_t lines = from.rows * from.cols / (n_ * inner_);
      parallel_for({0, lines}, lines < 64 ? 1 : Runtime::threads(),
                   [&](std::int64_t line, Stream&) {
                     std::vector<W> sums(static_cast<std::size_t>(inner_), W(unit));
                     scan(from.as<const T>() + line * n_ * inner_, n_, sums,
                          elements(to, line * n_ * inner_));
                   });
      return;
    }
    // What comes before each leaf: the totals of the leaves before it, added in their order.
    const auto& d = x_.distribution();
    const auto& comm = x_.comm();
    const Range leaves = d.leaves_of(comm.rank());
    std::vector<std::vector<W>> before(static_cast<std::size_t>(leaves.size() + 1));
    const auto leaf_rows = [&](std::int64_t leaf) {
      return x_.leaf(leaves.begin + leaf).template as<const T>();
    };
    parallel_for({0, leaves.size()}, Runtime::threads(), [&](std::int64_t i, Stream&) {
      auto& totals = before[static_cast<std::size_t>(i) + 1];
      totals.assign(static_cast<std::size_t>(inner_), W(unit));
      scan<T, W>(leaf_rows(i), d.rows_of_leaf(leaves.begin + i).size(), totals, nullptr);
    });
    std::string message(static_cast<std::size_t>(inner_) * sizeof(W), '\0');
    before[0].assign(static_cast<std::size_t>(inner_), W(unit));
    const bool chain = !is_replicated(x_) && comm.size() > 1;
    if (chain && comm.rank() > 0) {
      message = comm.receive(comm.rank() - 1);
      std::memcpy(before[0].data(), message.data(), message.size());
    }
    for (std::size_t i = 1; i < before.size(); ++i)
      for (std::size_t j = 0; j < before[i].size(); ++j)
        before[i][j] = F::of(before[i - 1][j], before[i][j]);
    if (chain && comm.rank() + 1 < comm.size()) {
      std::memcpy(message.data(), before.back().data(), message.size());
      comm.send(message, comm.rank() + 1);
    }
    parallel_for({0, leaves.size()}, Runtime::threads(), [&](std::int64_t i, Stream&) {
      auto sums = before[static_cast<std::size_t>(i)];
      scan(leaf_rows(i), d.rows_of_leaf(leaves.begin + i).size(), sums,
           elements(out.leaf(leaves.begin + i), 0));
    });
  }

  std::byte* elements(const Tile& out, std::int64_t at) const {
    return static_cast<std::byte*>(out.data) + static_cast<std::size_t>(at) * size_of(dtype_);
  }

  // n rows; `sums` goes along. Writes nothing where there is no `out`.
  template <class T, class W>
  void scan(const T* x, std::int64_t n, std::vector<W>& sums, std::byte* out) const {
    if (!out || dtype_ == dtype_of<W>) return add_up(x, n, sums, reinterpret_cast<W*>(out));
    const std::int64_t some = std::max<std::int64_t>(1, 2048 / inner_);
    std::vector<W> rows(static_cast<std::size_t>(std::min(n, some) * inner_));
    for (std::int64_t i = 0; i < n; i += some) {
      const std::int64_t count = std::min(some, n - i) * inner_;
      add_up(x + i * inner_, count / inner_, sums, rows.data());
      detail::convert(rows.data(), 1, dtype_of<W>, out, dtype_, count);
      out += static_cast<std::size_t>(count) * size_of(dtype_);
    }
  }

  template <class T, class W>
  void add_up(const T* x, std::int64_t n, std::vector<W>& sums, W* out) const {
    if (inner_ == 1) {  // a sum that stays in a register
      W s = sums[0];
      for (std::int64_t i = 0; i < n; ++i) {
        s = F::of(s, static_cast<W>(x[i]));
        if (out) out[i] = s;
      }
      sums[0] = s;
      return;
    }
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t j = 0; j < inner_; ++j) {
        W& s = sums[static_cast<std::size_t>(j)];
        s = F::of(s, static_cast<W>(x[i * inner_ + j]));
        if (out) out[i * inner_ + j] = s;
      }
  }

  Array x_;
  std::int64_t axis_;
  DType dtype_;
  bool initial_;
  std::int64_t n_, inner_;
};

template <class F>
Array cumulative(const Array& given, std::optional<std::int64_t> axis, std::optional<DType> dtype,
                 bool initial) {
  if (!axis && given.ndim() != 1)
    throw ValueError(fmt::format("cumulative functions need an axis for an array of shape {}",
                                 to_string(given.shape())));
  const std::int64_t along = detail::checked_axis(axis.value_or(0), given.ndim());
  const DType result = dtype.value_or(of_sums(given.dtype()));
  return Scan<F>(in_rows(summand(given, result)), along, result, initial)().to(given.device());
}

}  // namespace

Array sum(const Array& x, const OptionalAxes& axes, bool keepdims, std::optional<DType> dtype) {
  return total("sum", x, axes, keepdims, dtype);
}
Array prod(const Array& x, const OptionalAxes& axes, bool keepdims, std::optional<DType> dtype) {
  return total("prod", x, axes, keepdims, dtype);
}
Array max(const Array& x, const OptionalAxes& axes, bool keepdims) {
  return Reduction("max", x, axes)(kept_dtype(x), keepdims);
}
Array min(const Array& x, const OptionalAxes& axes, bool keepdims) {
  return Reduction("min", x, axes)(kept_dtype(x), keepdims);
}
Array mean(const Array& x, const OptionalAxes& axes, bool keepdims) {
  return Reduction("mean", x, axes)(of_means(x.dtype()), keepdims);
}
Array var(const Array& x, const OptionalAxes& axes, double correction, bool keepdims) {
  return Reduction("var", x, axes, correction)(of_means(x.dtype()), keepdims);
}
Array std(const Array& x, const OptionalAxes& axes, double correction, bool keepdims) {
  return sqrt(var(x, axes, correction, keepdims));
}
Array any(const Array& x, const OptionalAxes& axes, bool keepdims) {
  return Reduction("any", x, axes)(DType::boolean, keepdims);
}
Array all(const Array& x, const OptionalAxes& axes, bool keepdims) {
  return Reduction("all", x, axes)(DType::boolean, keepdims);
}
Array count_nonzero(const Array& x, const OptionalAxes& axes, bool keepdims) {
  return Reduction("count_nonzero", x, axes)(DType::int64, keepdims);
}
Array argmax(const Array& x, std::optional<std::int64_t> axis, bool keepdims) {
  return best("argmax", x, axis, keepdims);
}
Array argmin(const Array& x, std::optional<std::int64_t> axis, bool keepdims) {
  return best("argmin", x, axis, keepdims);
}

Array reduce_rows(std::string_view name, const Rows& given, bool all, bool keepdims,
                  double correction) {
  if (name == "std") return sqrt(reduce_rows("var", given, all, keepdims, correction));
  if (given.ndim() == 0) throw ValueError(fmt::format("{} of rows needs an axis", name));
  const Rows x = given.to(cpu);
  const Reducer& reducer = reductions::reducer(name, x.dtype());
  const std::int64_t inner = all ? 1 : x.cols(), n = all ? x.rows() * x.cols() : x.rows();
  const Shape kept = all ? Shape{} : Shape(x.shape().begin() + 1, x.shape().end());
  require_elements(reducer, n, kept, x.shape());
  const DType dtype = name == "max" || name == "min"    ? x.dtype()
                      : name == "mean" || name == "var" ? of_means(x.dtype())
                      : name == "sum" || name == "prod" ? of_sums(x.dtype())
                                                        : reducer.result;
  const Array out = over_rows(x, reducer, all ? x.cols() : 1, inner, kept, dtype, correction);
  Shape shape = kept;
  if (keepdims) shape = all ? Shape(x.shape().size(), 1) : with_rows(x.shape(), 1);
  return tessera::reshape(detail::settle(out), shape);
}

Array cumulative_sum(const Array& x, std::optional<std::int64_t> axis, std::optional<DType> dtype,
                     bool include_initial) {
  return cumulative<functions::Add>(x, axis, dtype, include_initial);
}
Array cumulative_prod(const Array& x, std::optional<std::int64_t> axis, std::optional<DType> dtype,
                      bool include_initial) {
  return cumulative<functions::Multiply>(x, axis, dtype, include_initial);
}

Array diff(const Array& given, std::int64_t axis, std::int64_t n, const Array& prepend,
           const Array& append) {
  if (n < 0) throw ValueError(fmt::format("order must be non-negative, got {}", n));
  const std::int64_t along = detail::checked_axis(axis, given.ndim());
  std::vector<Array> all;
  for (const Array& x : {prepend, given, append})
    if (x) all.push_back(x);
  Array x = all.size() == 1 ? given : concat(all, along);
  std::vector<Index> later(static_cast<std::size_t>(along), Slice{}), earlier = later;
  later.push_back(Slice{1, {}});
  earlier.push_back(Slice{{}, -1});
  for (std::int64_t k = 0; k < n; ++k)
    x = x.dtype() == DType::boolean ? not_equal(index(x, later), index(x, earlier))
                                    : index(x, later) - index(x, earlier);
  return x;
}

}  // namespace tessera
