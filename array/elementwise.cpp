#include <tessera/array/elementwise.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <numeric>

#include <tessera/array/convert.hpp>
#include <tessera/array/functions.hpp>
#include <tessera/array/kernels/elementwise.hpp>
#include <tessera/array/kernels/special.hpp>
#include <tessera/array/kernels/streaming.hpp>
#include <tessera/array/layout.hpp>
#include <tessera/array/manipulation.hpp>
#include <tessera/array/on_device.hpp>
#include <tessera/array/promotion.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/exclusive.hpp>
#include <tessera/runtime/rows.hpp>

namespace tessera {
namespace {

using detail::Strided;
using Kind = Distribution::Kind;

/// What is computed: by whom, in which dtype and with which result.
struct Call {
  std::string_view name;
  std::span<const Operand> operands;
  std::vector<DType> dtypes;  // of the operands, as the kernel wants them
  DType result;
  void (*kernel)(Stream&, std::span<const Tile> in, const Tile& out);
  Device where;            // it is computed
  bool may_throw = false;  // the kernel, for values
};

Tile row_tile(void* data, std::int64_t n, DType dtype, Device device = cpu) {
  return {data, 1, n, n, dtype, device};
}

// The operands of a call on one piece of the result, element for element.
class Operands {
 public:
  Operands(const Call& call, std::vector<Strided> sources, std::int64_t n, Device device,
           bool past_cache)
      : call_(call), sources_(std::move(sources)), device_(device) {
    // What stays in a cache of the first level, or keeps a GPU busy.
    const std::int64_t most = device == cpu ? 1 << 13 : 1 << 22;
    std::int64_t together = 1;
    for (std::size_t k = 0; k < sources_.size(); ++k) {
      const Strided& s = sources_[k];
      direct_.push_back(s.is_dense() && s.dtype() == call.dtypes[k]);
      fetches_ = fetches_ || !direct_.back();
      // What repeats itself within a piece is fetched once for all pieces.
      const std::int64_t all = std::lcm(together, std::max<std::int64_t>(1, s.period()));
      periodic_.push_back(!direct_.back() && all <= most);
      if (periodic_.back()) together = all;
    }
    piece_ = fetches_        ? most / together * together
             : device != cpu ? n
             : past_cache    ? most / 4
                             : 8 * most;
    piece_ = std::min(piece_, std::max<std::int64_t>(1, n));
  }
  std::int64_t piece() const { return piece_; }

  /// Computes elements [range) of `out` piece by piece. `past_cache`: what is written is too large
  /// to be read from there; a cache would read every line of it before.
  void compute(Range range, const Tile& out, Stream& stream, bool past_cache) const {
    std::vector<Tile> in(sources_.size());
    std::byte* room = fetches_ || past_cache
                          ? stream.scratch((in.size() + 1) * static_cast<std::size_t>(piece_) * 16)
                          : nullptr;
    std::byte* result = room + static_cast<std::int64_t>(in.size()) * piece_ * 16;
    std::vector<detail::Ahead> ahead;  // the operands' next piece
    bool first = true;
    for (std::int64_t at = range.begin; at < range.end; at += piece_) {
      const std::int64_t n = std::min(piece_, range.end - at);
      for (std::size_t k = 0; k < in.size(); ++k) {
        const DType dtype = call_.dtypes[k];
        if (direct_[k]) {
          in[k] = row_tile(const_cast<std::byte*>(sources_[k].at(at)), n, dtype, device_);
          continue;
        }
        std::byte* buffer = room + static_cast<std::int64_t>(k) * piece_ * 16;
        in[k] = row_tile(buffer, n, dtype, device_);
        if (first || !periodic_[k]) sources_[k].fetch({at, at + n}, in[k], stream);
      }
      first = false;
      const Tile there = out.columns(at, n);
      call_.kernel(stream, in, past_cache ? row_tile(result, n, out.dtype) : there);
      if (!past_cache) continue;
      ahead.clear();
      for (std::size_t k = 0; k < in.size(); ++k)
        if (direct_[k])
          ahead.push_back({reinterpret_cast<std::uintptr_t>(in[k].data) +
                               static_cast<std::size_t>(n) * size_of(in[k].dtype),
                           64 * size_of(in[k].dtype) / size_of(out.dtype)});
      detail::stream_to_memory(result, there.data, static_cast<std::size_t>(n) * size_of(out.dtype),
                               ahead);
    }
    if (past_cache) detail::streamed();
  }

 private:
  const Call& call_;
  std::vector<Strided> sources_;
  Device device_;
  bool fetches_ = false;
  std::vector<bool> direct_, periodic_;
  std::int64_t piece_;
};

// Whether an operand has a row for each row of the result.
bool spans(const Array& x, const Shape& shape) {
  return x.ndim() == std::ssize(shape) && x.ndim() > 0 && x.shape()[0] == shape[0];
}

Distribution where_it_lies(std::span<const Array> arrays, const Shape& shape,
                           const Communicator& comm) {
  bool replicated = true;
  for (const Array& x : arrays) {
    if (x.shape() == shape && x.distribution().kind() == Kind::rows) return x.distribution();
    replicated = replicated && detail::is_replicated(x);
  }
  return detail::settled(shape, replicated, comm);
}

// That of the first array.
Device device_of(std::span<const Operand> operands) {
  for (const Operand& o : operands)
    if (o.array()) return o.array()->device();
  return cpu;
}

// The result; written into `into`, an operand of its shape, dtype and distribution that is one of
// the arrays, where that is given and this process may.
Array compute(const Call& call, const Array& into = {}, bool may_write = false) {
  std::vector<Array> arrays;
  for (const Operand& o : call.operands)
    if (o.array()) arrays.push_back(*o.array());
  const Communicator comm =
      arrays.empty() ? Communicator::world() : detail::common_communicator(call.name, arrays);
  const Device device = device_of(call.operands), where = call.where;
  std::vector<Shape> shapes;
  for (const Array& x : arrays) shapes.push_back(x.shape());
  const Shape shape = broadcast_shapes(shapes);

  // Blocks of one distribution are as good as rows.
  const bool blocks =
      !arrays.empty() && std::all_of(arrays.begin(), arrays.end(), [&](const Array& x) {
        return x.distribution().kind() == Kind::block_cyclic && x.device() == where &&
               x.distribution() == arrays.front().distribution();
      });
  if (!blocks)
    for (Array& x : arrays) x = detail::in_rows_on(where, x);
  const Distribution d =
      blocks ? arrays.front().distribution() : where_it_lies(arrays, shape, comm);
  const bool in_place = into && into.device() == cpu && into.distribution() == d;
  Array out;
  if (!in_place) {
    out = detail::room_on(where, shape, call.result, d, comm);
  } else if (constexpr std::int64_t small = 1 << 16; element_count(shape) <= small) {
    out = may_write ? into : Array(shape, call.result, d, comm);
  } else {  // processes may differ
    together(comm, [&] { out = may_write ? into : Array(shape, call.result, d, comm); });
  }
  const Tile local = out.local();
  const std::int64_t n = local.rows * local.cols;
  Shape here = shape;
  if (blocks)
    here = {local.rows, local.cols};
  else if (!shape.empty())
    here[0] = local.rows;

  std::vector<Strided> sources;
  std::vector<std::array<std::byte, 16>> scalars(call.operands.size());
  Buffer scalars_there;
  if (where != cpu && arrays.size() < scalars.size())
    together(comm, [&] { scalars_there = Buffer(16 * scalars.size(), where); });
  std::size_t next = 0;
  for (std::size_t k = 0; k < call.operands.size(); ++k) {
    const Operand& o = call.operands[k];
    if (!o.array()) {
      o.scalar().write(call.dtypes[k], scalars[k].data());
      sources.emplace_back(where == cpu ? scalars[k].data() : scalars_there.data() + 16 * k,
                           call.dtypes[k], Shape{}, here);
      continue;
    }
    Array& x = arrays[next++];
    if (blocks) {
      sources.emplace_back(x.local().data, x.dtype(), here, here);
      continue;
    }
    Shape part = x.shape();
    const bool aligned = spans(x, shape);
    if (!detail::is_replicated(x)) {
      x = aligned && d.kind() == Kind::rows ? redistribute(x, d) : gather(x);
    }
    const std::byte* data = static_cast<std::byte*>(x.local().data);
    if (aligned) {
      part[0] = local.rows;
      if (detail::is_replicated(x) && local.rows > 0)
        data = static_cast<std::byte*>(x.local().slice(out.local_rows().begin, 0).data);
    }
    sources.emplace_back(data, x.dtype(), part, here);
  }

  const Tile row = row_tile(local.data, n, call.result, where);
  const auto work = [&] {
    if (n == 0) return;
    constexpr std::size_t cached = std::size_t{32} << 20;
    const bool past_cache = where == cpu && !(in_place && may_write) &&
                            static_cast<std::size_t>(n) * size_of(row.dtype) >= cached;
    const Operands operands(call, std::move(sources), n, where, past_cache);
    if (where != cpu) {
      Stream stream(where);
      const auto bytes = static_cast<std::int64_t>(scalars_there.size());
      if (bytes > 0)
        copy(stream, row_tile(scalars.data(), bytes, DType::uint8),
             row_tile(scalars_there.data(), bytes, DType::uint8, where));
      operands.compute({0, n}, row, stream, false);
      return stream.synchronize();
    }
    if (n <= operands.piece()) {
      Stream stream;
      return operands.compute({0, n}, row, stream, false);
    }
    const int threads = Runtime::threads();
    const std::int64_t pieces = (n + operands.piece() - 1) / operands.piece();
    const std::int64_t share =
        std::max<std::int64_t>(1, pieces / (std::int64_t{8} * threads)) * operands.piece();
    parallel_for({0, (n + share - 1) / share}, threads, [&](std::int64_t i, Stream& stream) {
      operands.compute({i * share, std::min(n, (i + 1) * share)}, row, stream, past_cache);
    });
  };
  if (call.may_throw || where != cpu)
    together(comm, work);
  else
    work();
  return device == where ? out : out.to(device);
}

/// What there is to know of a function of functions.hpp without its type.
struct Function {
  std::string_view name;
  DTypes takes;
  DType (*result)(DType of);
  int (*operation)();
  void (*run)(Stream& stream, std::span<const Tile> in, const Tile& out);
  bool chooses;  // its last operand is bool
  bool may_throw_for_integers;
};
template <class F>
const Function& function() {
  static const Function one = {F::name,
                               functions::dtypes<F>(),
                               functions::result_dtype<F>,
                               [] { return functions::operation<F>().id(); },
                               [](Stream& stream, std::span<const Tile> in, const Tile& out) {
                                 const auto& run = functions::operation<F>();
                                 if constexpr (functions::arity<F> == 1)
                                   run(stream, in[0], out);
                                 else if constexpr (functions::arity<F> == 2)
                                   run(stream, in[0], in[1], out);
                                 else
                                   run(stream, in[0], in[1], in[2], out);
                               },
                               std::is_same_v<F, functions::Where>,
                               std::is_same_v<F, functions::Pow>};
  return one;
}

// The dtype in which a function computes on operands of that one: where it is not defined for
// integers, a floating one.
DType computed_in(const Function& f, DType dtype) {
  if (f.takes.has(dtype)) return dtype;
  if (!is_floating(dtype) && !is_complex(dtype)) {
    if (f.takes.has(DType::int8) && dtype == DType::boolean && !f.takes.has(DType::boolean) &&
        f.name != "subtract")
      return DType::int8;
    if (!f.takes.has(DType::int8) && !f.takes.has(DType::boolean)) return DType::float64;
  }
  throw TypeError(fmt::format("{} takes {}, not {}", f.name, f.takes.to_string(), name_of(dtype)));
}

Call call_of(const Function& f, std::span<const Operand> operands) {
  functions::register_elementwise();
  const DType dtype = computed_in(f, result_type(f.chooses ? operands.first(2) : operands));
  std::vector<DType> dtypes(operands.size(), dtype);
  if (f.chooses) dtypes.back() = DType::boolean;
  return {f.name,
          operands,
          std::move(dtypes),
          f.result(dtype),
          f.run,
          detail::where_computed(f.operation(), device_of(operands), dtype),
          f.may_throw_for_integers && is_signed_integer(dtype)};
}

template <class F, class... More>
Array call(const More&... given) {
  const std::array<Operand, sizeof...(given)> operands = {given...};
  return compute(call_of(function<F>(), operands));
}

// x = f(x, y) in x's memory. A kernel reads each element before it writes it, so x may be both.
void update(const Function& f, Array& x, const Operand& y) {
  const bool own = detail::exclusive(x);
  const std::array<Operand, 2> operands = {x, y};
  const Call c = call_of(f, operands);
  std::vector<Shape> shapes = {x.shape()};
  if (y.array()) shapes.push_back(y.array()->shape());
  const Shape shape = broadcast_shapes(shapes);
  if (shape != x.shape() || c.result != x.dtype())
    throw TypeError(
        fmt::format("an operation in place keeps shape {} and dtype {}; the result has {} and {}",
                    to_string(x.shape()), name_of(x.dtype()), to_string(shape), name_of(c.result)));
  x = compute(c, x, own && !c.may_throw).with({});
}
template <class F>
Array& update(Array& x, const Operand& y) {
  update(function<F>(), x, y);
  return x;
}

}  // namespace

namespace fn = functions;
Array abs(const Operand& x) { return call<fn::Abs>(x); }
Array acos(const Operand& x) { return call<fn::Acos>(x); }
Array acosh(const Operand& x) { return call<fn::Acosh>(x); }
Array asin(const Operand& x) { return call<fn::Asin>(x); }
Array asinh(const Operand& x) { return call<fn::Asinh>(x); }
Array atan(const Operand& x) { return call<fn::Atan>(x); }
Array atanh(const Operand& x) { return call<fn::Atanh>(x); }
Array bitwise_invert(const Operand& x) { return call<fn::BitwiseInvert>(x); }
Array ceil(const Operand& x) { return call<fn::Ceil>(x); }
Array conj(const Operand& x) { return call<fn::Conj>(x); }
Array cos(const Operand& x) { return call<fn::Cos>(x); }
Array cosh(const Operand& x) { return call<fn::Cosh>(x); }
Array exp(const Operand& x) { return call<fn::Exp>(x); }
Array expm1(const Operand& x) { return call<fn::Expm1>(x); }
Array floor(const Operand& x) { return call<fn::Floor>(x); }
Array imag(const Operand& x) { return call<fn::Imag>(x); }
Array isfinite(const Operand& x) { return call<fn::Isfinite>(x); }
Array isinf(const Operand& x) { return call<fn::Isinf>(x); }
Array isnan(const Operand& x) { return call<fn::Isnan>(x); }
Array log(const Operand& x) { return call<fn::Log>(x); }
Array log1p(const Operand& x) { return call<fn::Log1p>(x); }
Array log2(const Operand& x) { return call<fn::Log2>(x); }
Array log10(const Operand& x) { return call<fn::Log10>(x); }
Array logical_not(const Operand& x) { return call<fn::LogicalNot>(x); }
Array negative(const Operand& x) { return call<fn::Negative>(x); }
Array positive(const Operand& x) { return call<fn::Positive>(x); }
Array real(const Operand& x) { return call<fn::Real>(x); }
Array reciprocal(const Operand& x) { return call<fn::Reciprocal>(x); }
Array round(const Operand& x) { return call<fn::Round>(x); }
Array sign(const Operand& x) { return call<fn::Sign>(x); }
Array signbit(const Operand& x) { return call<fn::Signbit>(x); }
Array sin(const Operand& x) { return call<fn::Sin>(x); }
Array sinh(const Operand& x) { return call<fn::Sinh>(x); }
Array square(const Operand& x) { return call<fn::Square>(x); }
Array sqrt(const Operand& x) { return call<fn::Sqrt>(x); }
Array tan(const Operand& x) { return call<fn::Tan>(x); }
Array tanh(const Operand& x) { return call<fn::Tanh>(x); }
Array trunc(const Operand& x) { return call<fn::Trunc>(x); }
Array add(const Operand& x1, const Operand& x2) { return call<fn::Add>(x1, x2); }
Array atan2(const Operand& x1, const Operand& x2) { return call<fn::Atan2>(x1, x2); }
Array bitwise_and(const Operand& x1, const Operand& x2) { return call<fn::BitwiseAnd>(x1, x2); }
Array bitwise_left_shift(const Operand& x1, const Operand& x2) {
  return call<fn::BitwiseLeftShift>(x1, x2);
}
Array bitwise_or(const Operand& x1, const Operand& x2) { return call<fn::BitwiseOr>(x1, x2); }
Array bitwise_right_shift(const Operand& x1, const Operand& x2) {
  return call<fn::BitwiseRightShift>(x1, x2);
}
Array bitwise_xor(const Operand& x1, const Operand& x2) { return call<fn::BitwiseXor>(x1, x2); }
Array copysign(const Operand& x1, const Operand& x2) { return call<fn::Copysign>(x1, x2); }
Array divide(const Operand& x1, const Operand& x2) { return call<fn::Divide>(x1, x2); }
Array equal(const Operand& x1, const Operand& x2) { return call<fn::Equal>(x1, x2); }
Array floor_divide(const Operand& x1, const Operand& x2) { return call<fn::FloorDivide>(x1, x2); }
Array greater(const Operand& x1, const Operand& x2) { return call<fn::Greater>(x1, x2); }
Array greater_equal(const Operand& x1, const Operand& x2) { return call<fn::GreaterEqual>(x1, x2); }
Array hypot(const Operand& x1, const Operand& x2) { return call<fn::Hypot>(x1, x2); }
Array less(const Operand& x1, const Operand& x2) { return call<fn::Less>(x1, x2); }
Array less_equal(const Operand& x1, const Operand& x2) { return call<fn::LessEqual>(x1, x2); }
Array logaddexp(const Operand& x1, const Operand& x2) { return call<fn::Logaddexp>(x1, x2); }
Array logical_and(const Operand& x1, const Operand& x2) { return call<fn::LogicalAnd>(x1, x2); }
Array logical_or(const Operand& x1, const Operand& x2) { return call<fn::LogicalOr>(x1, x2); }
Array logical_xor(const Operand& x1, const Operand& x2) { return call<fn::LogicalXor>(x1, x2); }
Array maximum(const Operand& x1, const Operand& x2) { return call<fn::Maximum>(x1, x2); }
Array minimum(const Operand& x1, const Operand& x2) { return call<fn::Minimum>(x1, x2); }
Array multiply(const Operand& x1, const Operand& x2) { return call<fn::Multiply>(x1, x2); }
Array nextafter(const Operand& x1, const Operand& x2) { return call<fn::Nextafter>(x1, x2); }
Array not_equal(const Operand& x1, const Operand& x2) { return call<fn::NotEqual>(x1, x2); }
Array pow(const Operand& x1, const Operand& x2) { return call<fn::Pow>(x1, x2); }
Array remainder(const Operand& x1, const Operand& x2) { return call<fn::Remainder>(x1, x2); }
Array subtract(const Operand& x1, const Operand& x2) { return call<fn::Subtract>(x1, x2); }
Array clip(const Operand& x, const Operand& low, const Operand& high) {
  return call<fn::Clip>(x, low, high);
}
Array where(const Operand& condition, const Operand& x1, const Operand& x2) {
  if (condition.array() && condition.array()->dtype() != DType::boolean)
    throw TypeError(fmt::format("where needs a condition of dtype bool, not {}",
                                name_of(condition.array()->dtype())));
  return call<fn::Where>(x1, x2, condition);
}

Array& operator+=(Array& x, const Operand& y) { return update<fn::Add>(x, y); }
Array& operator-=(Array& x, const Operand& y) { return update<fn::Subtract>(x, y); }
Array& operator*=(Array& x, const Operand& y) { return update<fn::Multiply>(x, y); }
Array& operator/=(Array& x, const Operand& y) { return update<fn::Divide>(x, y); }
Array& operator%=(Array& x, const Operand& y) { return update<fn::Remainder>(x, y); }
Array& operator&=(Array& x, const Operand& y) { return update<fn::BitwiseAnd>(x, y); }
Array& operator|=(Array& x, const Operand& y) { return update<fn::BitwiseOr>(x, y); }
Array& operator^=(Array& x, const Operand& y) { return update<fn::BitwiseXor>(x, y); }
Array& operator<<=(Array& x, const Operand& y) { return update<fn::BitwiseLeftShift>(x, y); }
Array& operator>>=(Array& x, const Operand& y) { return update<fn::BitwiseRightShift>(x, y); }

void detail::add_elementwise(std::vector<ArrayFunction>& all) {
  const auto one = [&](auto f) {
    using F = decltype(f);
    constexpr int n = functions::arity<F>;
    constexpr bool written = std::is_same_v<F, fn::Clip> || std::is_same_v<F, fn::Where>;
    if constexpr (!written)
      all.push_back({F::name,
                     n == 1   ? "x, /"
                     : n == 2 ? "x1, x2, /"
                              : "x1, x2, x3, /",
                     F::doc, [](const ArrayArguments& in) -> Argument {
                       if constexpr (n == 1)
                         return call<F>(in.operand(0));
                       else if constexpr (n == 2)
                         return call<F>(in.operand(0), in.operand(1));
                       else
                         return call<F>(in.operand(0), in.operand(1), in.operand(2));
                     }});
    if constexpr (n == 2) all.back().update = [](Array& x, const Operand& y) { update<F>(x, y); };
  };
  functions::for_each(functions::Simple{}, one);
  functions::for_each(functions::Involved{}, one);
  const std::size_t first = all.size();
  functions::for_each(functions::Special{}, one);
  for (std::size_t i = first; i < all.size(); ++i) {
    all[i].space = "special";
    all[i].name.erase(0, all[i].space.size() + 1);
  }
}

}  // namespace tessera
