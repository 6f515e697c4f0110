#include <tessera/array/indexing.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <functional>

#include <tessera/array/creation.hpp>
#include <tessera/array/elementwise.hpp>
#include <tessera/array/indices.hpp>
#include <tessera/array/layout.hpp>
#include <tessera/array/manipulation.hpp>
#include <tessera/array/move.hpp>
#include <tessera/array/on_device.hpp>
#include <tessera/array/promotion.hpp>
#include <tessera/array/statistics.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/exchange.hpp>
#include <tessera/runtime/rows.hpp>

namespace tessera {
namespace {

using detail::AxisIndex;
using detail::checked_axis;
using detail::fits_mask;
using detail::in_rows;
using detail::is_replicated;
using detail::sole_mask;
using detail::strides_of;
using detail::TruePlaces;

// A mask and x with its leading axes, of one distribution of the rows.
struct Masked {
  Array x, mask;
};

Masked aligned(const Array& x, const Array& given) {
  const bool selects = fits_mask(x, given);
  Array rows = in_rows(x), mask = in_rows(given);
  if (!selects) {
    const Shape lead(x.shape().begin(), x.shape().begin() + given.ndim());
    mask = redistribute(filled(lead, Scalar(false), DType::boolean, x.comm()),
                        detail::settled(lead, is_replicated(rows), x.comm()));
  }
  if (is_replicated(rows) && !is_replicated(mask))
    rows = redistribute(rows, row_distribution(rows.shape(), rows.comm()));
  return {rows, redistribute(mask, rows.distribution())};
}

// `rows` rows that write(memory) makes on each process, as an array of rows.
template <class Write>
Array assembled(std::int64_t rows, Shape tail, DType dtype, bool everywhere,
                const Communicator& comm, const Write& write) {
  const std::int64_t cols = element_count(tail);
  if (!everywhere && comm.size() > 1) {
    Buffer own;
    together(comm, [&] { own = Buffer(static_cast<std::size_t>(rows * cols) * size_of(dtype)); });
    write(own.data());
    return from_local({own.data(), rows, cols, cols, dtype, cpu}, tail, comm);
  }
  Shape shape = std::move(tail);
  shape.insert(shape.begin(), rows);
  const Distribution d = comm.size() == 1 ? detail::settled(shape, everywhere, comm)
                                          : replicated_distribution(shape, comm);
  const Array out = detail::room_for(std::move(shape), dtype, d, comm);
  write(static_cast<std::byte*>(out.local().data));
  return detail::settle(out);
}

// Calls f(zero of an unsigned type of that width), false where there is none.
template <class F>
bool with_word(std::size_t width, F&& f) {
  if (width == 1) return f(std::uint8_t{}), true;
  if (width == 2) return f(std::uint16_t{}), true;
  if (width == 4) return f(std::uint32_t{}), true;
  if (width == 8) return f(std::uint64_t{}), true;
  return false;
}

// Pieces of `width` bytes from the places index(k), one after another.
template <class Index>
void collect(const std::byte* from, std::size_t width, std::int64_t n, std::byte* to,
             const Index& index) {
  constexpr std::int64_t share = 1 << 14;
  const auto shares = (n + share - 1) / share;
  parallel_for({0, shares}, n <= share ? 1 : Runtime::threads(), [&](std::int64_t s, Stream&) {
    const std::int64_t end = std::min(n, (s + 1) * share);
    const bool words = with_word(width, [&](auto zero) {
      using T = decltype(zero);
      for (std::int64_t k = s * share; k < end; ++k)
        reinterpret_cast<T*>(to)[k] = reinterpret_cast<const T*>(from)[index(k)];
    });
    for (std::int64_t k = s * share; !words && k < end; ++k)
      std::memcpy(to + static_cast<std::size_t>(k) * width,
                  from + static_cast<std::size_t>(index(k)) * width, width);
  });
}

Array where_true(const Array& given, const Array& condition) {
  if (condition.ndim() == 0) {
    const Array whole = reshape(given, [&] {
      Shape shape = given.shape();
      shape.insert(shape.begin(), 1);
      return shape;
    }());
    const Array all = gather(in_rows(condition));
    const Index some = Slice{{}, all.values<bool>()[0] ? 1 : 0};
    return index(whole, std::span(&some, 1));
  }
  const auto [x, mask] = aligned(given, condition);
  const Shape tail(x.shape().begin() + mask.ndim(), x.shape().end());
  const auto width = static_cast<std::size_t>(element_count(tail)) * size_of(x.dtype());
  const auto* from = static_cast<const std::byte*>(x.local().data);
  const TruePlaces places(mask);
  const auto write = [&](std::byte* to) {
    const bool words = with_word(width, [&](auto zero) {
      using T = decltype(zero);
      const T* words_of_x = reinterpret_cast<const T*>(from);
      places.write(reinterpret_cast<T*>(to), [=](std::int64_t i) { return words_of_x[i]; });
    });
    if (words) return;
    std::vector<std::int64_t> index(static_cast<std::size_t>(places.count()));
    places.write(index.data(), [](std::int64_t i) { return i; });
    collect(from, width, places.count(), to,
            [&](std::int64_t k) { return index[static_cast<std::size_t>(k)]; });
  };
  return assembled(places.count(), tail, x.dtype(), is_replicated(x), x.comm(), write)
      .to(given.device());
}

// The parts of x that `place` names: x's leading `axes` number them, row-major.
Array at_places(const Array& x, const Array& place, std::int64_t axes) {
  const Shape& all = x.shape();
  Shape shape = place.shape();
  shape.insert(shape.end(), all.begin() + axes, all.end());
  const std::int64_t parts = element_count(Shape(all.begin() + 1, all.begin() + axes));
  const Array flat = reshape(place, {place.size()});
  if (x.comm().size() > 1 && !(is_replicated(x) && is_replicated(flat)))
    return reshape(detail::take_parts(x, parts, flat), std::move(shape));
  const Distribution d = x.comm().size() > 1 ? replicated_distribution(shape, x.comm())
                                             : detail::settled(shape, is_replicated(x), x.comm());
  const Array out = detail::room_for(std::move(shape), x.dtype(), d, x.comm());
  const auto* index = flat.local().as<const std::int64_t>();
  const auto width =
      static_cast<std::size_t>(parts == 0 ? 0 : x.cols() / parts) * size_of(x.dtype());
  if (out.size() > 0)
    collect(static_cast<const std::byte*>(x.local().data), width, flat.size(),
            static_cast<std::byte*>(out.local().data), [=](std::int64_t k) { return index[k]; });
  return detail::settle(out);
}

// Elements at places along axis d that are known to be there.
Array taken(const Array& given, const Array& indices, std::size_t d) {
  const Array x = in_rows(given);
  const std::int64_t extent = x.shape()[d];
  if (d == 0 && x.comm().size() > 1 && !(is_replicated(x) && is_replicated(indices)))
    return take(redistribute(x, row_distribution(x.shape(), x.comm())),
                redistribute(indices, row_distribution(indices.shape(), x.comm())))
        .to(given.device());
  const Array all = gather(indices);
  const auto index = all.values<std::int64_t>();
  Shape shape = x.shape();
  shape[d] = std::ssize(index);
  const bool everywhere = is_replicated(x) && (d > 0 || is_replicated(indices));
  const Distribution canonical = detail::settled(shape, everywhere, x.comm());
  const Distribution lies = d > 0                 ? x.distribution()
                            : x.comm().size() > 1 ? replicated_distribution(shape, x.comm())
                                                  : canonical;
  const Array out = detail::room_for(shape, x.dtype(), lies, x.comm());
  const Shape tail(shape.begin() + static_cast<std::ptrdiff_t>(d) + 1, shape.end());
  const auto width = static_cast<std::size_t>(element_count(tail)) * size_of(x.dtype());
  const std::size_t lines = width == 0 || index.empty()
                                ? 0
                                : static_cast<std::size_t>(out.local().rows * out.local().cols) *
                                      size_of(x.dtype()) / (width * index.size());
  const auto* from = static_cast<const std::byte*>(x.local().data);
  auto* to = static_cast<std::byte*>(out.local().data);
  const std::int64_t each = std::ssize(index);
  if (lines == 1)
    collect(from, width, each, to,
            [&](std::int64_t k) { return index[static_cast<std::size_t>(k)]; });
  else
    collect(from, width, static_cast<std::int64_t>(lines) * each, to, [&](std::int64_t k) {
      return k / each * extent + index[static_cast<std::size_t>(k % each)];
    });
  return redistribute(out, canonical).to(given.device());
}

// The same of every line along axis d.
Array taken_along(const Array& given, const Array& places, std::int64_t d) {
  if (d == 0 && given.ndim() > 1)
    return moveaxis(
        taken_along(moveaxis(given, {0}, {-1}), moveaxis(places, {0}, {-1}), given.ndim() - 1),
        {-1}, {0});
  const auto at = static_cast<std::size_t>(d);
  Shape x_shape = given.shape(), i_shape = places.shape();
  const std::int64_t extent = x_shape[at], wanted = i_shape[at];
  x_shape[at] = i_shape[at] = 1;
  const std::array both = {x_shape, i_shape};
  const Shape common = broadcast_shapes(both);
  x_shape = i_shape = common;
  x_shape[at] = extent;
  i_shape[at] = wanted;
  const Array whole = broadcast_to(in_rows(given), x_shape);
  Array indices = broadcast_to(places, i_shape);
  if (given.ndim() == 1) return taken(given, indices, 0);
  const Array x =
      is_replicated(indices) ? whole : redistribute(whole, row_distribution(x_shape, whole.comm()));
  indices = redistribute(indices, x.distribution());
  const Array out = detail::room_for(i_shape, x.dtype(), x.distribution(), x.comm());
  const Shape tail(i_shape.begin() + d + 1, i_shape.end());
  const std::int64_t inner = element_count(tail);
  const std::int64_t lines =
      inner * wanted == 0 ? 0 : out.local().rows * out.local().cols / (inner * wanted);
  const std::size_t width = size_of(x.dtype());
  const auto* index = indices.local().as<const std::int64_t>();
  const auto* from = static_cast<const std::byte*>(x.local().data);
  auto* to = static_cast<std::byte*>(out.local().data);
  for (std::int64_t line = 0; line < lines; ++line)
    for (std::int64_t k = 0; k < wanted; ++k)
      for (std::int64_t j = 0; j < inner; ++j) {
        const std::int64_t i = line * extent + *index++;
        std::memcpy(to, from + static_cast<std::size_t>(i * inner + j) * width, width);
        to += width;
      }
  return redistribute(out, detail::settled(i_shape, is_replicated(x), x.comm())).to(given.device());
}

Array with_arrays(const Array& given, std::span<const Index> indices) {
  Array x = in_rows(given);
  std::vector<AxisIndex> all = detail::spelt_out(x, indices);
  const auto plain = [](const AxisIndex& i) {
    return i.axis >= 0 && (i.is_array() || detail::is_whole(*i.slice));
  };
  if (!std::all_of(all.begin(), all.end(), plain)) {  // slices and new axes first, as blocks
    std::vector<Index> blocks;
    for (AxisIndex& i : all) {
      if (i.axis < 0) {
        blocks.emplace_back(NewAxis{});
      } else if (i.slice) {
        blocks.emplace_back(*i.slice);
      } else if (i.at.ndim() == 0) {
        const std::int64_t at = i.at.values<std::int64_t>()[0];
        blocks.emplace_back(Slice{at, at + 1});
        i.at = Scalar(std::int64_t{0}).array(DType::int64, x.comm());
      } else {
        blocks.emplace_back(Slice{});
      }
      i.axis = std::ssize(blocks) - 1;
      if (!i.is_array()) i.slice = Slice{};
    }
    x = index(x, blocks);
  }
  while (!all.back().is_array()) all.pop_back();
  const auto arrays = std::find_if(all.begin(), all.end(), [](auto& i) { return i.is_array(); });
  const std::int64_t first = arrays - all.begin();
  if (!detail::side_by_side(all) || (first == 0 && all.size() > 1))
    return at_places(x, detail::places(x.shape(), all, x.comm()), std::ssize(all))
        .to(given.device());
  // Along axes that follow each other, as along one: rows stay where they are.
  all.erase(all.begin(), arrays);
  for (AxisIndex& i : all) i.axis -= first;
  const auto begin = x.shape().begin() + first, end = begin + std::ssize(all);
  const Shape those(begin, end), behind(end, x.shape().end());
  const Array place = detail::places(those, all, x.comm());
  Shape line(x.shape().begin(), begin), shape = line;
  line.push_back(element_count(those));
  line.insert(line.end(), behind.begin(), behind.end());
  shape.insert(shape.end(), place.shape().begin(), place.shape().end());
  shape.insert(shape.end(), behind.begin(), behind.end());
  const Array some = taken(reshape(x, std::move(line)), reshape(place, {place.size()}),
                           static_cast<std::size_t>(first));
  return reshape(some, std::move(shape)).to(given.device());
}

}  // namespace

Array index(const Array& given, std::span<const Index> indices) {
  const auto arrays = std::count_if(indices.begin(), indices.end(), [](const Index& i) {
    return std::holds_alternative<Array>(i);
  });
  if (const Array* mask = sole_mask(indices)) return where_true(given, *mask);
  if (arrays > 0) return with_arrays(given, indices);
  detail::Selected s = detail::selected(given.shape(), indices);
  return detail::seen(given, std::move(s.shape), std::move(s.box));
}

Array take(const Array& given, const Array& given_indices, std::int64_t axis) {
  if (given_indices.ndim() != 1 || !is_integer(given_indices.dtype()))
    throw ValueError(fmt::format("take needs a vector of integers, got {} of shape {}",
                                 name_of(given_indices.dtype()), to_string(given_indices.shape())));
  detail::common_communicator("take", std::array{given, given_indices});
  const std::int64_t d = checked_axis(axis, given.ndim());
  const auto at = static_cast<std::size_t>(d);
  return taken(given, detail::checked_places(given_indices, d, given.shape()[at]), at);
}

Array take_along_axis(const Array& given, const Array& given_indices, std::int64_t axis) {
  if (!is_integer(given_indices.dtype()) || given_indices.ndim() != given.ndim())
    throw ValueError(fmt::format(
        "take_along_axis needs integers of {} dimensions, got {} of shape {}", given.ndim(),
        name_of(given_indices.dtype()), to_string(given_indices.shape())));
  detail::common_communicator("take_along_axis", std::array{given, given_indices});
  const std::int64_t d = checked_axis(axis, given.ndim());
  const std::int64_t extent = given.shape()[static_cast<std::size_t>(d)];
  return taken_along(given, detail::checked_places(given_indices, d, extent), d);
}

std::vector<Array> nonzero(const Array& given) {
  if (given.ndim() == 0) throw ValueError("nonzero needs an array of one dimension at least");
  const Array x = in_rows(given);
  const Array mask = x.dtype() == DType::boolean ? x : not_equal(x, 0);
  const std::int64_t first = mask.local_rows().begin * mask.cols();
  const TruePlaces places(mask);
  const auto strides = strides_of(x.shape());
  std::vector<Array> all;
  for (std::size_t d = 0; d < strides.size(); ++d) {
    const std::int64_t stride = strides[d], extent = x.shape()[d];
    const auto write = [&](std::byte* to) {
      places.write(reinterpret_cast<std::int64_t*>(to),
                   [=](std::int64_t i) { return (first + i) / stride % extent; });
    };
    all.push_back(assembled(places.count(), {}, DType::int64, is_replicated(x), x.comm(), write)
                      .to(given.device()));
  }
  return all;
}

}  // namespace tessera
