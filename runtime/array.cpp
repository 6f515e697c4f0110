#include <tessera/runtime/array.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <limits>
#include <mutex>
#include <numeric>

#include <tessera/runtime/embed.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/exclusive.hpp>
#include <tessera/runtime/memory.hpp>
#include <tessera/runtime/stream.hpp>
#include <tessera/runtime/transposed.hpp>
#include <tessera/runtime/visit.hpp>

namespace tessera {

Distribution row_distribution(const Shape& shape, const Communicator& comm) {
  return shape.empty() ? Distribution::replicated(1, comm.size())
                       : Distribution::rows(shape[0], comm.size(), elements_per_row(shape));
}
Distribution replicated_distribution(const Shape& shape, const Communicator& comm) {
  return Distribution::replicated(row_count(shape), comm.size(), elements_per_row(shape));
}

// The one question about who else has an array, which only its state may ask.
inline bool has_its_memory_alone(const Array& x);
inline Array formed_later(const Array& x, std::function<Array()> form);
inline Array not_formed(const Array& x);
inline bool made_as_transpose(const Array& x);

struct Array::State {
  Shape shape;
  DType dtype;
  Distribution distribution;
  Communicator comm;
  std::shared_ptr<Buffer> buffer;
  std::byte* data = buffer->data();

  // Adopted memory has a buffer of no bytes. A transpose stays one.
  static bool only(const Array& x) {
    const auto& s = x.state_;
    return s.use_count() == 1 && s->buffer.use_count() == 1 && s->buffer->size() > 0 && !s->later;
  }
  friend bool has_its_memory_alone(const Array& x) { return only(x); }

  // A transpose that is formed later: of which matrix, and how. In a job of one process several
  // threads may be the first to need it.
  struct Later {
    Device device;
    std::mutex mutex;
    Array of;                     // until it is formed
    std::function<Array()> form;  // likewise
    std::atomic<bool> done{false};
  };
  std::shared_ptr<Later> later = {};

  static Array put_off(const Array& x, std::function<Array()> form) {
    Array out;
    const Shape shape = {x.shape()[1], x.shape()[0]};
    out.state_ = std::make_shared<State>(State{shape, x.dtype(), row_distribution(shape, x.comm()),
                                               x.comm(), std::make_shared<Buffer>(0, x.device())});
    const auto later = std::make_shared<Later>();
    later->device = x.device();
    later->of = x;
    later->form = std::move(form);
    out.state_->later = later;
    return out;
  }
  static Array base(const Array& x) {
    if (!x.state_ || !x.state_->later || x.state_->later->done) return {};
    const std::lock_guard lock(x.state_->later->mutex);
    return x.state_->later->of;
  }
  static bool is_transpose(const Array& x) { return x.state_ && x.state_->later; }
  friend bool made_as_transpose(const Array& x) { return is_transpose(x); }
  void form() {
    if (later->done) return;
    const std::lock_guard lock(later->mutex);
    if (later->done) return;
    const Array made = later->form();
    distribution = made.distribution();
    buffer = made.state_->buffer;
    data = made.state_->data;
    later->of = {};
    later->form = nullptr;
    later->done = true;
  }
  friend Array formed_later(const Array& x, std::function<Array()> form) {
    return put_off(x, std::move(form));
  }
  friend Array not_formed(const Array& x) { return base(x); }
};

bool detail::exclusive(const Array& x) { return has_its_memory_alone(x); }
Array detail::transposed_later(const Array& x, std::function<Array()> form) {
  return formed_later(x, std::move(form));
}
Array detail::transposed_of(const Array& x) { return not_formed(x); }
bool detail::is_transpose(const Array& x) { return made_as_transpose(x); }

Array embed::adopt(const void* rows, Shape shape, DType dtype, const Communicator& comm,
                   std::shared_ptr<const void> owner, Device device) {
  struct Kept {
    std::shared_ptr<const void> owner;
    Buffer none;
  };
  const auto kept = std::make_shared<Kept>(Kept{std::move(owner), Buffer(0, device)});
  const Distribution by_rows = row_distribution(shape, comm);
  Array out;
  out.state_ = std::make_shared<Array::State>(
      Array::State{std::move(shape),
                   dtype,
                   by_rows,
                   comm,
                   {kept, &kept->none},
                   static_cast<std::byte*>(const_cast<void*>(rows))});
  return out;
}

namespace {

const Shape no_shape = {0};

std::size_t checked_bytes(std::int64_t elements, DType dtype) {
  std::size_t bytes = 0;
  if (__builtin_mul_overflow(static_cast<std::size_t>(elements), size_of(dtype), &bytes))
    throw MemoryError(
        fmt::format("{} elements of {} do not fit in memory", elements, name_of(dtype)));
  return bytes;
}

// Of this process's part.
std::int64_t local_elements(const Shape& shape, const Distribution& d, const Communicator& comm) {
  return d.kind() == Distribution::Kind::block_cyclic
             ? d.local_rows(comm.rank()) * d.local_cols(comm.rank())
             : d.rows_of(comm.rank()).size() * elements_per_row(shape);
}

[[noreturn]] void refuse_complex(DType from, DType to) {
  throw TypeError(fmt::format("cannot convert {} to {}", name_of(from), name_of(to)));
}

bool is_integer(DType d) { return !is_floating(d) && !is_complex(d) && d != DType::boolean; }

// Whether there are values of one dtype that the other, an integer one, does not hold.
bool may_lose(DType from, DType to) { return is_integer(to) && from != DType::boolean; }

// Whether To has v, but for its fraction.
template <class To, class From>
bool holds(const From& v) {
  if constexpr (std::is_same_v<To, bool> || std::is_same_v<From, bool> || !std::is_integral_v<To>) {
    return true;
  } else if constexpr (std::is_integral_v<From>) {
    return std::in_range<To>(v);
  } else {
    const From end = std::ldexp(From(1), std::numeric_limits<To>::digits);  // the first beyond it
    const From whole = std::trunc(v);
    return whole < end && whole >= (std::is_signed_v<To> ? -end : From(0));  // false for NaN
  }
}

// Converts dense tiles of equal shape; the first element that does not fit, or -1.
std::int64_t converted(const Tile& from, const Tile& to) {
  const std::int64_t n = from.rows * from.cols;
  std::int64_t misfit = -1;
  visit(from.dtype, [&](auto a) {
    using From = typename decltype(a)::type;
    visit(to.dtype, [&](auto b) {
      using To = typename decltype(b)::type;
      if constexpr (std::is_constructible_v<To, From>) {
        for (std::int64_t i = 0; i < n; ++i) {
          const From& v = from.as<const From>()[i];
          if (!holds<To>(v)) {
            misfit = i;
            return;
          }
          to.as<To>()[i] = static_cast<To>(v);
        }
      }
    });
  });
  return misfit;
}

// "int8 holds -128 to 127, not 300".
std::string misfit(const Tile& from, std::int64_t at, DType dtype) {
  std::string text;
  visit(from.dtype, [&](auto a) {
    using From = typename decltype(a)::type;
    visit(dtype, [&](auto b) {
      using To = typename decltype(b)::type;
      if constexpr (std::is_integral_v<To> && std::is_arithmetic_v<From>)
        text =
            fmt::format("{} holds {} to {}, not {}", name_of(dtype), std::numeric_limits<To>::min(),
                        std::numeric_limits<To>::max(), from.as<const From>()[at]);
    });
  });
  return text;
}

// "row 3, column 1" of a local element.
std::string place_of(const Array& x, std::int64_t at) {
  const Tile t = x.local();
  std::int64_t row = at / t.cols, col = at % t.cols;
  if (const auto& d = x.distribution(); d.kind() == Distribution::Kind::block_cyclic) {
    const int rank = x.comm().rank();
    const std::int64_t i = col;
    col = d.global_col(rank, row);
    row = d.global_row(rank, i);
  } else {
    row += x.local_rows().begin;
  }
  return x.ndim() > 1 ? fmt::format("row {}, column {}", row, col) : fmt::format("row {}", row);
}

}  // namespace

void detail::check_fits(const Shape& shape, const Distribution& distribution,
                        const Communicator& comm) {
  const bool block_cyclic = distribution.kind() == Distribution::Kind::block_cyclic;
  if (distribution.rows() != row_count(shape) ||
      (block_cyclic && (shape.size() != 2 || distribution.cols() != shape[1])))
    throw ValueError(fmt::format(
        "a distribution over {} cannot hold an array of shape {}",
        block_cyclic ? fmt::format("a {} x {} matrix", distribution.rows(), distribution.cols())
                     : fmt::format("{} rows", distribution.rows()),
        to_string(shape)));
  if (distribution.processes() != comm.size())
    throw ValueError(fmt::format("a distribution over {} processes cannot hold an array on {}",
                                 distribution.processes(), comm.size()));
}

void detail::check_row_indices(const Shape& shape, std::span<const std::int64_t> indices) {
  if (shape.empty()) throw ValueError("an array of shape () has no rows to take");
  for (const auto i : indices)
    if (i < 0 || i >= shape[0])
      throw ValueError(fmt::format("row {} is outside an array of shape {}", i, to_string(shape)));
}

Array::Array(Shape shape, DType dtype, const Distribution& distribution, const Communicator& comm,
             Device device) {
  element_count(shape);
  detail::check_fits(shape, distribution, comm);
  auto buffer = std::make_shared<Buffer>(
      checked_bytes(local_elements(shape, distribution, comm), dtype), device);
  state_ = std::make_shared<State>(
      State{std::move(shape), dtype, distribution, comm, std::move(buffer)});
}

const Shape& Array::shape() const { return state_ ? state_->shape : no_shape; }
std::int64_t Array::rows() const { return row_count(shape()); }
std::int64_t Array::cols() const { return elements_per_row(shape()); }
DType Array::dtype() const { return state_ ? state_->dtype : DType::float64; }
Device Array::device() const {
  if (!state_) return cpu;
  return state_->later ? state_->later->device : state_->buffer->device();
}

const Distribution& Array::distribution() const {
  if (!state_) throw ValueError("an empty Array handle has no distribution");
  if (state_->later) state_->form();
  return state_->distribution;
}
const Communicator& Array::comm() const {
  if (!state_) throw ValueError("an empty Array handle has no communicator");
  return state_->comm;
}

Range Array::local_rows() const {
  const auto& d = distribution();
  return d.rows_of(comm().rank());
}

Tile Array::local() const {
  const auto& d = distribution();
  const int rank = comm().rank();
  Tile t{state_->data, 0, 0, 0, dtype(), device()};
  if (d.kind() == Distribution::Kind::block_cyclic) {
    t.rows = d.local_cols(rank);
    t.cols = d.local_rows(rank);
  } else {
    t.rows = d.rows_of(rank).size();
    t.cols = cols();
  }
  t.stride = t.cols;
  return t;
}

Tile Array::leaf(std::int64_t index) const {
  const Range rows = distribution().rows_of_leaf(index);
  return local().slice(rows.begin - local_rows().begin, rows.size());
}

void* Array::replicated_data(DType wanted) const {
  if (!state_) return nullptr;
  if (distribution().kind() != Distribution::Kind::replicated)
    throw ValueError("values() needs a replicated array; gather() it first");
  if (dtype() != wanted)
    throw TypeError(fmt::format("array holds {}, not {}", name_of(dtype()), name_of(wanted)));
  if (device() != cpu)
    throw ValueError(fmt::format("values() needs host memory, the array is on {}; use to(cpu)",
                                 device().to_string()));
  return state_->data;
}

void Array::element(std::initializer_list<std::int64_t> index, DType wanted, void* value) const {
  if (dtype() != wanted)
    throw TypeError(fmt::format("array holds {}, not {}", name_of(dtype()), name_of(wanted)));
  bool inside = index.size() == shape().size();
  std::int64_t flat = 0;
  auto extent = shape().begin();
  for (const auto i : index) {
    inside = inside && i >= 0 && i < *extent;
    if (!inside) break;
    flat = flat * *extent++ + i;
  }
  if (!inside)
    throw ValueError(fmt::format("index ({}) is outside an array of shape {}",
                                 fmt::join(index, ", "), to_string(shape())));
  const Array here =
      (distribution().kind() == Distribution::Kind::block_cyclic ? gather(*this) : *this).to(cpu);
  const std::int64_t row = flat / std::max<std::int64_t>(1, cols());
  const auto& d = here.distribution();
  const std::size_t width = size_of(dtype());
  const Range mine = here.local_rows();
  if (row >= mine.begin && row < mine.end)
    std::memcpy(value,
                static_cast<std::byte*>(here.local().data) +
                    static_cast<std::size_t>(flat - mine.begin * cols()) * width,
                width);
  if (d.kind() == Distribution::Kind::rows)
    comm().broadcast(std::span(static_cast<std::byte*>(value), width), d.owner_of_row(row));
}

Array Array::reshape(Shape shape) const {
  if (row_count(shape) != rows() || element_count(shape) != size() ||
      distribution().kind() == Distribution::Kind::block_cyclic)
    throw ValueError(fmt::format("cannot view shape {} as {} without moving rows",
                                 to_string(this->shape()), to_string(shape)));
  Array out;
  out.state_ = std::make_shared<State>(*state_);
  out.state_->later = nullptr;
  out.state_->shape = std::move(shape);
  out.names_.categories = names_.categories;
  return out;
}

Array Array::view(Range rows) const {
  const auto& from = distribution();
  const int processes = comm().size();
  const bool split = from.kind() == Distribution::Kind::rows;
  if (ndim() < 1 || from.kind() == Distribution::Kind::block_cyclic) return {};
  Shape shape = this->shape();
  shape[0] = rows.size();
  const Distribution to =
      split ? row_distribution(shape, comm()) : replicated_distribution(shape, comm());
  for (int r = 0; r < processes; ++r) {
    const Range there = from.rows_of(r);
    const Range wanted = to.rows_of(r);
    if (wanted.size() > 0 &&
        (rows.begin + wanted.begin < there.begin || rows.begin + wanted.end > there.end))
      return {};
  }
  Array out = *this;
  out.state_ = std::make_shared<State>(*state_);
  const Range mine = to.rows_of(comm().rank());
  out.state_->later = nullptr;
  out.state_->shape = std::move(shape);
  out.state_->distribution = to;
  if (mine.size() > 0)
    out.state_->data = static_cast<std::byte*>(
        local().slice(rows.begin + mine.begin - local_rows().begin, 0).data);
  return out;
}

Array Array::astype(DType wanted) const {
  if (wanted == dtype()) return *this;
  if (is_complex(dtype()) && !is_complex(wanted)) refuse_complex(dtype(), wanted);
  const bool integers = wanted != DType::boolean && !is_floating(wanted) && !is_complex(wanted);
  if (!categories().empty() && !integers) detail::refuse_text(categories());
  if (device() != cpu) return moved(cpu).astype(wanted).moved(device());
  const Distribution& d = distribution();
  Array out;
  const auto convert = [&] {
    out = Array(shape(), wanted, d, comm());
    if (const std::int64_t at = converted(local(), out.local()); at >= 0)
      throw ValueError(fmt::format("{} at {}", misfit(local(), at, wanted), place_of(*this, at)));
  };
  if (may_lose(dtype(), wanted))
    together(comm(), convert);
  else
    convert();
  out.names_.columns = names_.columns;
  return out;
}

Array Array::to(Device wanted) const {
  if (!state_) return *this;
  distribution();  // forms a transpose, on all processes
  Array out;
  together(comm(), [&] { out = moved(wanted); });
  return out;
}

Array Array::moved(Device wanted) const {
  if (wanted == device()) return *this;
  Array out(shape(), dtype(), distribution(), comm(), wanted);
  Stream stream(wanted == cpu ? device() : wanted);
  copy(stream, local(), out.local());
  stream.synchronize();
  out.names_ = names_;
  return out;
}

Array Array::in_leaves_of(const Distribution& d) const {
  Array out = *this;
  out.state_ = std::make_shared<State>(*state_);
  out.state_->later = nullptr;
  out.state_->distribution = d;
  return out;
}

Array Array::named(std::vector<std::string> names) const {
  Array out = *this;
  out.names_.columns = detail::column_names(std::move(names), shape());
  return out;
}

Array Array::categorized(std::vector<std::string> categories) const {
  Array out = *this;
  out.names_.categories = detail::category_names(std::move(categories), dtype());
  return out;
}

Array Array::with(detail::Names names) const {
  Array out = *this;
  out.names_ = std::move(names);
  return out;
}

const std::vector<std::string>& detail::names_or_none(const SharedNames& names) {
  static const std::vector<std::string> none;
  return names ? *names : none;
}

detail::SharedNames detail::column_names(std::vector<std::string> names, const Shape& shape) {
  if (names.empty()) return nullptr;
  if (shape.empty() || shape.size() > 2 || elements_per_row(shape) != std::ssize(names))
    throw ValueError(fmt::format("{} names for the columns of an array of shape {}", names.size(),
                                 to_string(shape)));
  return std::make_shared<const std::vector<std::string>>(std::move(names));
}

detail::SharedNames detail::category_names(std::vector<std::string> categories, DType dtype) {
  if (categories.empty()) return nullptr;
  if (dtype == DType::boolean || is_floating(dtype) || is_complex(dtype))
    throw ValueError(fmt::format("categories need integers as codes, got {}", name_of(dtype)));
  return std::make_shared<const std::vector<std::string>>(std::move(categories));
}

void detail::refuse_text(const std::vector<std::string>& categories) {
  if (categories.front().starts_with('\x1f'))  // as a table's words do
    throw ValueError(
        "could not convert string to float: a table of text and numbers is for encoders");
  throw ValueError(fmt::format("could not convert string to float: '{}'", categories.front()));
}

Array detail::allocate(Shape shape, DType dtype, const Distribution& distribution,
                       const Communicator& comm, Device device) {
  // The system promises memory that it has not, and ends who then uses it. To look takes its time.
  const std::int64_t elements = element_count(shape);
  const auto width = static_cast<std::int64_t>(size_of(dtype));
  if (device == cpu && elements > (std::int64_t{1} << 32) / width &&
      elements <= std::numeric_limits<std::int64_t>::max() / width) {
    check_fits(shape, distribution, comm);
    require_memory(checked_bytes(local_elements(shape, distribution, comm), dtype),
                   fmt::format("an array of shape {}", to_string(shape)), "take a smaller one",
                   comm);
  }
  Array out;
  together(comm, [&] { out = Array(std::move(shape), dtype, distribution, comm, device); });
  return out;
}

Array empty(Shape shape, DType dtype, const Communicator& comm) {
  const Distribution distribution = row_distribution(shape, comm);
  return detail::allocate(std::move(shape), dtype, distribution, comm);
}

Array zeros(Shape shape, DType dtype, const Communicator& comm) {
  Array out = empty(std::move(shape), dtype, comm);
  const Tile t = out.local();
  if (t.data) std::memset(t.data, 0, static_cast<std::size_t>(t.rows * t.cols) * size_of(dtype));
  return out;
}

template <class T>
Array full(Shape shape, T value, DType dtype, const Communicator& comm) {
  const Tile given = tile_of(&value, 1, 1, 1);
  std::complex<double> memory;  // room for any
  Tile one = given;
  one.data = &memory;
  one.dtype = dtype;
  if (is_complex(given.dtype) && !is_complex(dtype)) refuse_complex(given.dtype, dtype);
  if (converted(given, one) >= 0) throw ValueError(misfit(given, 0, dtype));
  Array out = empty(std::move(shape), dtype, comm);
  const Tile t = out.local();
  visit(dtype, [&](auto tag) {
    using To = typename decltype(tag)::type;
    std::fill_n(t.as<To>(), t.rows * t.cols, *one.as<To>());
  });
  return out;
}

Array arange(double start, double stop, double step, DType dtype, const Communicator& comm) {
  if (step == 0.0) throw ValueError("arange needs a step other than 0");
  const auto n = static_cast<std::int64_t>(std::max(0.0, std::ceil((stop - start) / step)));
  Array out = empty({n}, dtype, comm);
  const Tile t = out.local();
  visit(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (std::int64_t i = 0; i < t.rows; ++i)
      t.as<T>()[i] = static_cast<T>(start + static_cast<double>(out.local_rows().begin + i) * step);
  });
  return out;
}

template <class T>
Array from_host(std::span<const T> data, Shape shape, const Communicator& comm) {
  if (static_cast<std::int64_t>(data.size()) != element_count(shape))
    throw ValueError(
        fmt::format("{} elements cannot fill shape {}", data.size(), to_string(shape)));
  Array out = empty(std::move(shape), dtype_of<T>, comm);
  const Range mine = out.local_rows();
  std::copy_n(data.begin() + mine.begin * out.cols(), mine.size() * out.cols(),
              out.local().template as<T>());
  return out;
}

template <class T>
Array from_host_on(int root, std::span<const T> data, Shape shape, const Communicator& comm) {
  Tile local = tile_of(data.data(), 0, elements_per_row(shape), elements_per_row(shape));
  together(comm, [&] {
    if (comm.rank() != root) return;
    if (static_cast<std::int64_t>(data.size()) != element_count(shape))
      throw ValueError(
          fmt::format("{} elements cannot fill shape {}", data.size(), to_string(shape)));
    local.rows = row_count(shape);
  });
  if (shape.empty()) return gather(from_local(local, {}, comm)).reshape({});
  return from_local(local, Shape(shape.begin() + 1, shape.end()), comm);
}

template <class T>
Array replicated(std::span<const T> data, Shape shape, const Communicator& comm) {
  if (static_cast<std::int64_t>(data.size()) != element_count(shape))
    throw ValueError(
        fmt::format("{} elements cannot fill shape {}", data.size(), to_string(shape)));
  Array out(shape, dtype_of<T>, replicated_distribution(shape, comm), comm);
  std::copy(data.begin(), data.end(), out.mutable_values<T>().begin());
  return out;
}

#define TESSERA_INSTANTIATE(T)                                                         \
  template Array full<T>(Shape, T, DType, const Communicator&);                        \
  template Array from_host<T>(std::span<const T>, Shape, const Communicator&);         \
  template Array from_host_on<T>(int, std::span<const T>, Shape, const Communicator&); \
  template Array replicated<T>(std::span<const T>, Shape, const Communicator&);
TESSERA_INSTANTIATE(bool)
TESSERA_INSTANTIATE(std::int8_t)
TESSERA_INSTANTIATE(std::int16_t)
TESSERA_INSTANTIATE(std::int32_t)
TESSERA_INSTANTIATE(std::int64_t)
TESSERA_INSTANTIATE(std::uint8_t)
TESSERA_INSTANTIATE(std::uint16_t)
TESSERA_INSTANTIATE(std::uint32_t)
TESSERA_INSTANTIATE(std::uint64_t)
TESSERA_INSTANTIATE(float)
TESSERA_INSTANTIATE(double)
TESSERA_INSTANTIATE(std::complex<float>)
TESSERA_INSTANTIATE(std::complex<double>)
#undef TESSERA_INSTANTIATE

}  // namespace tessera
