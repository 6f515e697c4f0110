#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include <tessera/array/elementwise.hpp>
#include <tessera/array/indices.hpp>
#include <tessera/array/layout.hpp>
#include <tessera/array/manipulation.hpp>
#include <tessera/array/promotion.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/exchange.hpp>
#include <tessera/runtime/exclusive.hpp>
#include <tessera/runtime/rows.hpp>

namespace tessera {
namespace {

using detail::in_rows;
using detail::is_replicated;

// What is to be written, in x's dtype.
Array as_value(const Operand& value, const Array& x) {
  if (!value.array()) return value.scalar().array(x.dtype(), x.comm());
  const DType from = value.array()->dtype();
  const auto kind = [](DType d) {
    return d == DType::boolean ? 0 : is_integer(d) ? 1 : is_floating(d) ? 2 : 3;
  };
  if (kind(from) > kind(x.dtype()))
    throw TypeError(
        fmt::format("cannot assign {} to an array of {}", name_of(from), name_of(x.dtype())));
  const std::array both = {x, *value.array()};
  detail::common_communicator("assignment", both);
  return in_rows(*value.array()).astype(x.dtype());
}

// v without the leading axes of extent 1 that it has more than `shape`, as in NumPy; ValueError
// unless it broadcasts to that.
Array fitted(const Array& v, const Shape& shape) {
  Shape own = v.shape();
  while (own.size() > shape.size() && own.front() == 1) own.erase(own.begin());
  bool fits = own.size() <= shape.size();
  for (std::size_t k = 1; fits && k <= own.size(); ++k)
    fits = own[own.size() - k] == 1 || own[own.size() - k] == shape[shape.size() - k];
  if (!fits)
    throw ValueError(fmt::format("could not broadcast a value of shape {} into shape {}",
                                 to_string(v.shape()), to_string(shape)));
  return reshape(v, own);
}

Shape joined(Shape shape, const Shape& tail) {
  shape.insert(shape.end(), tail.begin(), tail.end());
  return shape;
}

// Gives x memory of its own, unless it has that: where other handles, NumPy's views or what is to
// be written have it, too.
void make_own(Array& x) {
  const auto own = [&] {
    if (detail::exclusive(x)) return;
    const Array out(x.shape(), x.dtype(), x.distribution(), x.comm());
    const Tile t = x.local();
    const std::size_t bytes = static_cast<std::size_t>(t.rows * t.cols) * size_of(t.dtype);
    if (bytes > 0) std::memcpy(out.local().data, t.data, bytes);
    x = out.with(x.names());
  };
  constexpr std::int64_t small = 1 << 16;
  if (x.size() <= small)
    own();
  else
    together(x.comm(), own);
}

std::byte* bytes_of(const Array& x) { return static_cast<std::byte*>(x.local().data); }

void assign_box(Array& x, std::span<const Index> indices, const Array& value) {
  const detail::Selected s = detail::selected(x.shape(), indices);
  const Array v = fitted(value, s.shape);
  make_own(x);
  detail::Box box{s.shape, 0, std::vector<std::int64_t>(s.shape.size(), 0), s.box.from_at,
                  s.box.from_strides};
  const auto own = detail::strides_of(v.shape());
  const std::size_t more = s.shape.size() - own.size();
  for (std::size_t d = 0; d < own.size(); ++d)
    if (v.shape()[d] != 1) box.from_strides[more + d] = own[d];
  detail::move(v, x, std::move(box));
}

// The k-th place that is true gets the k-th row of v, or all get the same.
void assign_mask(Array& x, const Array& given, const Array& value) {
  if (given.ndim() == 0) {
    const Index one = NewAxis{};
    if (gather(in_rows(given)).values<bool>()[0])
      assign_box(x, {&one, 1}, value);
    else
      fitted(value, joined({0}, x.shape()));
    return;
  }
  const Shape tail(x.shape().begin() + given.ndim(), x.shape().end());
  if (!detail::fits_mask(x, given)) {
    fitted(value, joined({0}, tail));
    return;
  }
  const Communicator& comm = x.comm();
  const Array mask = redistribute(in_rows(given), x.distribution());
  const detail::TruePlaces places(mask);
  const bool everywhere = is_replicated(x);
  std::vector<Range> wanted;  // of the places, by each process
  std::int64_t n = 0;
  for (const std::int64_t count :
       everywhere ? std::vector(1, places.count()) : comm.all_gather(places.count())) {
    wanted.push_back({n, n + count});
    n += count;
  }
  const Array v = fitted(value, joined({n}, tail));
  const std::size_t width = static_cast<std::size_t>(element_count(tail)) * size_of(x.dtype());
  if (width == 0) return;
  const bool each = v.ndim() == 1 + std::ssize(tail) && v.rows() != 1;
  Array rows = v;
  std::vector<std::byte> received;
  const std::byte* from = nullptr;
  if (!each) {
    rows = gather(v.size() == 1 ? v : broadcast_to(fitted(v, tail), tail));
    from = bytes_of(rows);
  } else {
    rows = broadcast_to(v, joined({n}, tail));
    if (everywhere) rows = gather(rows);
    if (is_replicated(rows)) {
      const auto first = wanted[everywhere ? 0 : static_cast<std::size_t>(comm.rank())].begin;
      from = bytes_of(rows) + static_cast<std::size_t>(first) * width;
    } else {
      const Range mine = rows.local_rows();
      std::vector<std::int64_t> send;
      for (const Range& r : wanted)
        send.push_back(
            std::max<std::int64_t>(0, std::min(r.end, mine.end) - std::max(r.begin, mine.begin)));
      const Exchange exchange(comm, send);
      together(comm,
               [&] { received.resize(static_cast<std::size_t>(exchange.received()) * width); });
      exchange.forward<std::byte>({bytes_of(rows), static_cast<std::size_t>(mine.size()) * width},
                                  received, width);
      from = received.data();
    }
  }
  make_own(x);
  std::byte* to = bytes_of(x);
  const bool single = !each && v.size() == 1;
  const std::size_t element = size_of(x.dtype());
  places.visit([&](std::int64_t k, std::int64_t i) {
    std::byte* place = to + static_cast<std::size_t>(i) * width;
    if (single)
      for (std::size_t at = 0; at < width; at += element) std::memcpy(place + at, from, element);
    else
      std::memcpy(place, from + (each ? static_cast<std::size_t>(k) * width : 0), width);
  });
}

// Each place goes to who owns it, with its value; of equal ones the last stays, for processes have
// places in the order of their ranks.
void assign_places(Array& x, std::span<const Index> indices, const Array& value) {
  const Communicator& comm = x.comm();
  const std::vector<detail::AxisIndex> all = detail::spelt_out(x, indices);
  std::ptrdiff_t axes = 0;
  for (const auto& i : all) axes = std::max(axes, static_cast<std::ptrdiff_t>(i.axis + 1));
  Array places = detail::places(x.shape(), all, comm);
  const Shape tail(x.shape().begin() + axes, x.shape().end());
  const Array v = fitted(value, joined(places.shape(), tail));
  if (axes == 0) {  // booleans without axes: all of x, or nothing
    const Index everything = Ellipsis{};
    if (places.size() > 0) assign_box(x, {&everything, 1}, fitted(v, x.shape()));
    return;
  }
  const bool single = v.size() == 1;
  const std::size_t width = static_cast<std::size_t>(element_count(tail)) * size_of(x.dtype());
  const std::int64_t n = places.size();
  if (n == 0) return;
  Array values = single ? gather(v)
                        : reshape(broadcast_to(v, joined(places.shape(), tail)), joined({n}, tail));
  places = reshape(places, {n});

  std::vector<std::int64_t> received;
  std::vector<std::byte> received_values;
  std::span<const std::int64_t> at;
  const std::byte* from = nullptr;
  const bool here = is_replicated(places) && is_replicated(values);
  if (is_replicated(x) || here || comm.size() == 1) {
    places = gather(places);
    values = gather(values);
    at = places.values<std::int64_t>();
    from = bytes_of(values);
  } else {
    if (!single) values = redistribute(values, row_distribution(values.shape(), comm));
    places = redistribute(places,
                          single ? row_distribution(places.shape(), comm) : values.distribution());
    const auto m = static_cast<std::size_t>(places.local().rows);
    const auto* mine = places.local().as<const std::int64_t>();
    std::int64_t per_row = 1;
    for (std::ptrdiff_t d = 1; d < axes; ++d) per_row *= x.shape()[static_cast<std::size_t>(d)];
    std::vector<std::int64_t> sent(m);
    std::vector<std::byte> sent_values;
    Dealt by_owner;
    together(comm, [&] {
      for (std::size_t i = 0; i < m; ++i) sent[i] = mine[i] / per_row;
      by_owner = dealt(x.distribution(), sent);
      if (!single) sent_values.resize(m * width);
    });
    for (std::size_t k = 0; k < m; ++k) {
      const auto i = static_cast<std::size_t>(by_owner.order[k]);
      sent[k] = mine[i];
      if (!single) std::memcpy(sent_values.data() + k * width, bytes_of(values) + i * width, width);
    }
    const Exchange exchange(comm, by_owner.counts);
    together(comm, [&] {
      received.resize(static_cast<std::size_t>(exchange.received()));
      if (!single) received_values.resize(received.size() * width);
    });
    exchange.forward<std::int64_t>(sent, received);
    if (!single) exchange.forward<std::byte>(sent_values, received_values, width);
    at = received;
    from = single ? bytes_of(values) : received_values.data();
  }
  make_own(x);
  std::byte* to = bytes_of(x);
  const std::size_t element = size_of(x.dtype());
  const auto per_place = static_cast<std::int64_t>(width / element);
  if (per_place == 0) return;
  const std::int64_t first = x.local_rows().begin * x.cols() / per_place,
                     end = x.local_rows().end * x.cols() / per_place;
  for (std::size_t k = 0; k < at.size(); ++k) {
    if (at[k] < first || at[k] >= end) continue;
    std::byte* place = to + static_cast<std::size_t>(at[k] - first) * width;
    if (single)
      for (std::size_t b = 0; b < width; b += element) std::memcpy(place + b, from, element);
    else
      std::memcpy(place, from + k * width, width);
  }
}

}  // namespace

void assign(Array& x, std::span<const Index> indices, const Operand& value) {
  if (x && (x.device() != cpu || x.distribution().kind() == Distribution::Kind::block_cyclic)) {
    const Device device = x.device();
    Array rows = in_rows(x);
    assign(rows, indices, value);
    x = rows.to(device);
    return;
  }
  in_rows(x);  // refuses what has no numbers
  const Array v = as_value(value, x);
  const bool arrays = std::any_of(indices.begin(), indices.end(),
                                  [](const Index& i) { return std::holds_alternative<Array>(i); });
  if (const Array* mask = detail::sole_mask(indices))
    assign_mask(x, *mask, v);
  else if (arrays)
    assign_places(x, indices, v);
  else
    assign_box(x, indices, v);
}

}  // namespace tessera
