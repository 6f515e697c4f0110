#include <tessera/array/manipulation.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <numeric>

#include <tessera/array/indexing.hpp>
#include <tessera/array/layout.hpp>
#include <tessera/array/move.hpp>
#include <tessera/array/on_device.hpp>
#include <tessera/array/promotion.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/transposed.hpp>

namespace tessera {
namespace {

using detail::Box;
using detail::checked_axes;
using detail::checked_axis;
using detail::in_rows;
using detail::seen;
using detail::strides_of;

Array like(const Array& x, Shape shape) {
  const Distribution d = detail::settled(shape, detail::is_replicated(x), x.comm());
  return detail::room_for(std::move(shape), x.dtype(), d, x.comm());
}

Array flattened(const Array& x) { return reshape(x, {x.size()}); }

// For each axis where it goes, for a function that takes axes or none.
Axes or_all(const std::optional<Axes>& axes, std::int64_t ndim) {
  if (axes) return checked_axes(*axes, ndim);
  Axes all(static_cast<std::size_t>(ndim));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

// permute_dims() of axes that are in another order.
Array permuted(const Array& x, const Axes& from) {
  const auto strides = strides_of(x.shape());
  Box box;
  for (const auto axis : from) {
    box.extents.push_back(x.shape()[static_cast<std::size_t>(axis)]);
    box.from_strides.push_back(strides[static_cast<std::size_t>(axis)]);
  }
  Shape shape = box.extents;
  return seen(x, std::move(shape), std::move(box));
}

Array triangle(const Array& given, std::int64_t k, bool lower) {
  if (given.ndim() < 2)
    throw ValueError(fmt::format("tril and triu need two axes at least, got an array of shape {}",
                                 to_string(given.shape())));
  const Array x = in_rows(given);
  const Array out = detail::room_for(x.shape(), x.dtype(), x.distribution(), x.comm());
  const std::int64_t m = x.shape()[static_cast<std::size_t>(x.ndim() - 2)], n = x.shape().back();
  const Tile from = x.local(), to = out.local();
  k = std::clamp(k, -m, n);  // further diagonals are empty, too
  const std::int64_t lines = n == 0 ? 0 : from.rows * from.cols / n;
  const std::int64_t first = n == 0 ? 0 : x.local_rows().begin * x.cols() / n;
  const std::size_t width = size_of(x.dtype());
  for (std::int64_t line = 0; line < lines; ++line) {
    const std::int64_t diagonal = (first + line) % m + k;
    const std::int64_t cut = std::clamp<std::int64_t>(lower ? diagonal + 1 : diagonal, 0, n);
    const auto bytes = [&](std::int64_t i) { return static_cast<std::size_t>(i) * width; };
    const auto* source = static_cast<const std::byte*>(from.data) + bytes(line * n);
    auto* target = static_cast<std::byte*>(to.data) + bytes(line * n);
    const std::int64_t begin = lower ? 0 : cut, end = lower ? cut : n;
    std::memset(target, 0, bytes(n));
    std::memcpy(target + bytes(begin), source + bytes(begin), bytes(end - begin));
  }
  return out.to(given.device());
}

}  // namespace

Array reshape(const Array& given, Shape shape) {
  const auto unknown = std::count(shape.begin(), shape.end(), -1);
  if (unknown == 1) {
    auto& left = *std::find(shape.begin(), shape.end(), -1);
    left = 1;
    const std::int64_t known = element_count(shape);
    left = known == 0 ? 0 : given.size() / known;
  }
  if (unknown > 1 || element_count(shape) != given.size())
    throw ValueError(fmt::format("cannot reshape an array of shape {} into shape {}",
                                 to_string(given.shape()), to_string(shape)));
  if (shape == given.shape()) return given;
  const bool scalar = shape.empty() != given.shape().empty();
  const Array x = detail::in_rows_on(given.device(), given);
  if (!scalar && row_count(shape) == x.rows()) return x.reshape(std::move(shape));
  return seen(x, std::move(shape), {{x.size()}, 0, {1}});
}

Array broadcast_to(const Array& given, const Shape& shape) {
  const std::array both = {given.shape(), shape};
  if (broadcast_shapes(both) != shape)
    throw ValueError(fmt::format("shape {} does not broadcast to {}", to_string(given.shape()),
                                 to_string(shape)));
  if (shape == given.shape()) return given;
  Box box{shape};
  box.from_strides.assign(shape.size(), 0);
  const auto own = strides_of(given.shape());
  const std::size_t more = shape.size() - own.size();
  for (std::size_t d = 0; d < own.size(); ++d)
    if (given.shape()[d] != 1) box.from_strides[more + d] = own[d];
  return seen(given, shape, std::move(box));
}

std::vector<Array> broadcast_arrays(std::span<const Array> arrays) {
  std::vector<Shape> shapes;
  for (const Array& x : arrays) shapes.push_back(x.shape());
  const Shape shape = broadcast_shapes(shapes);
  std::vector<Array> all;
  for (const Array& x : arrays) all.push_back(broadcast_to(x, shape));
  return all;
}

Array permute_dims(const Array& x, const Axes& axes) {
  if (std::ssize(axes) != x.ndim())
    throw ValueError(fmt::format("axes ({}) do not match an array of shape {}",
                                 fmt::join(axes, ", "), to_string(x.shape())));
  const Axes from = checked_axes(axes, x.ndim());
  if (std::is_sorted(from.begin(), from.end())) return x;
  if (x.ndim() != 2 || !x.categories().empty()) return permuted(x, from);
  const Array matrix = detail::transposed_of(x);
  return matrix ? matrix : detail::transposed_later(x, [x] { return permuted(x, {1, 0}); });
}

Array matrix_transpose(const Array& x) {
  if (x.ndim() < 2)
    throw ValueError(
        fmt::format("matrix_transpose needs two axes at least, got an array of shape {}",
                    to_string(x.shape())));
  Axes axes = or_all({}, x.ndim());
  std::swap(axes[axes.size() - 1], axes[axes.size() - 2]);
  return permute_dims(x, axes);
}

Array moveaxis(const Array& x, const Axes& source, const Axes& destination) {
  const Axes from = checked_axes(source, x.ndim()), to = checked_axes(destination, x.ndim());
  if (from.size() != to.size()) throw ValueError("moveaxis needs as many destinations as sources");
  Axes axes(static_cast<std::size_t>(x.ndim()), -1);
  for (std::size_t i = 0; i < to.size(); ++i) axes[static_cast<std::size_t>(to[i])] = from[i];
  std::int64_t next = 0;
  for (auto& axis : axes) {
    if (axis >= 0) continue;
    while (std::find(from.begin(), from.end(), next) != from.end()) ++next;
    axis = next++;
  }
  return std::is_sorted(axes.begin(), axes.end()) ? x : permuted(x, axes);
}

Array expand_dims(const Array& x, const Axes& given) {
  const std::int64_t ndim = x.ndim() + std::ssize(given);
  for (const auto axis : given)
    if (axis < -ndim || axis >= ndim)
      throw IndexError(
          fmt::format("axis {} is out of bounds for a result of dimension {}", axis, ndim));
  const Axes axes = checked_axes(given, ndim);
  Shape shape(static_cast<std::size_t>(ndim), 0);
  for (const auto axis : axes) shape[static_cast<std::size_t>(axis)] = 1;
  auto extent = x.shape().begin();
  for (std::size_t d = 0; d < shape.size(); ++d)
    if (std::find(axes.begin(), axes.end(), static_cast<std::int64_t>(d)) == axes.end())
      shape[d] = *extent++;
  return reshape(x, std::move(shape));
}

Array squeeze(const Array& x, const Axes& given) {
  const Axes axes = checked_axes(given, x.ndim());
  Shape shape;
  for (std::int64_t d = 0; d < x.ndim(); ++d) {
    const std::int64_t extent = x.shape()[static_cast<std::size_t>(d)];
    if (std::find(axes.begin(), axes.end(), d) == axes.end())
      shape.push_back(extent);
    else if (extent != 1)
      throw ValueError(
          fmt::format("cannot squeeze axis {} of an array of shape {}", d, to_string(x.shape())));
  }
  return reshape(x, std::move(shape));
}

Array flip(const Array& given, const std::optional<Axes>& axes) {
  Box box{given.shape(), 0, strides_of(given.shape())};
  for (const auto axis : or_all(axes, given.ndim())) {
    const auto d = static_cast<std::size_t>(axis);
    box.from_at += (box.extents[d] - 1) * box.from_strides[d];
    box.from_strides[d] = -box.from_strides[d];
  }
  return seen(given, given.shape(), std::move(box));
}

Array roll(const Array& given, const Axes& shift, std::optional<Axes> axes) {
  if (!axes) {
    if (shift.size() != 1) throw ValueError("roll without axes takes one shift");
    return reshape(roll(flattened(given), shift, Axes{0}), given.shape());
  }
  Axes shifts = shift;
  if (shifts.size() == 1) shifts.resize(axes->size(), shift[0]);
  if (shifts.size() != axes->size()) throw ValueError("roll needs as many shifts as axes");
  const Array x = in_rows(given);
  std::vector<std::int64_t> by(x.shape().size(), 0);
  for (std::size_t k = 0; k < shifts.size(); ++k)
    by[static_cast<std::size_t>(checked_axis((*axes)[k], x.ndim()))] += shifts[k];
  const Array out = like(x, x.shape());
  if (x.size() == 0) return out;
  // Along each rolled axis two pieces: what stays in order and what comes around.
  const auto strides = strides_of(x.shape());
  Box box{x.shape(), 0, strides, 0, strides};
  const std::function<void(std::size_t)> piece = [&](std::size_t d) {
    if (d == by.size()) return detail::move(x, out, box);
    const std::int64_t extent = x.shape()[d];
    const std::int64_t first = ((by[d] % extent) + extent) % extent;
    const Box before = box;
    box.extents[d] = extent - first;
    box.to_at += first * strides[d];
    piece(d + 1);
    box = before;
    if (first == 0) return;
    box.extents[d] = first;
    box.from_at += (extent - first) * strides[d];
    piece(d + 1);
    box = before;
  };
  piece(0);
  return out.to(given.device());
}

Array concat(std::span<const Array> given, std::optional<std::int64_t> axis) {
  if (given.empty()) throw ValueError("concat needs at least one array");
  const Communicator comm = detail::common_communicator("concat", given);
  std::vector<Array> arrays;
  DType dtype = given[0].dtype();
  for (const Array& x : given) dtype = promote(dtype, x.dtype());
  for (const Array& x : given) arrays.push_back(in_rows(axis ? x : flattened(x)).astype(dtype));
  const Array& first = arrays[0];
  if (first.ndim() == 0) throw ValueError("concat needs arrays of one dimension at least");
  const auto d = static_cast<std::size_t>(checked_axis(axis.value_or(0), first.ndim()));
  Shape shape = first.shape();
  shape[d] = 0;
  bool replicated = true;
  for (const Array& x : arrays) {
    Shape other = x.shape();
    if (other.size() == shape.size()) {
      shape[d] += other[d];
      other[d] = shape[d];
    }
    if (other != shape)
      throw ValueError(
          fmt::format("concat along axis {} needs arrays alike in all others, got {} and {}", d,
                      to_string(first.shape()), to_string(x.shape())));
    replicated = replicated && detail::is_replicated(x);
  }
  const Array out = detail::room_for(shape, dtype, detail::settled(shape, replicated, comm), comm);
  const auto strides = strides_of(shape);
  std::int64_t at = 0;
  for (const Array& x : arrays) {
    detail::move(x, out, {x.shape(), 0, strides_of(x.shape()), at * strides[d], strides});
    at += x.shape()[d];
  }
  return out.to(given[0].device());
}

Array stack(std::span<const Array> given, std::int64_t axis) {
  std::vector<Array> arrays;
  for (const Array& x : given) {
    if (x.shape() != given[0].shape())
      throw ValueError(fmt::format("stack needs arrays of one shape, got {} and {}",
                                   to_string(given[0].shape()), to_string(x.shape())));
    arrays.push_back(expand_dims(x, {axis}));
  }
  if (arrays.empty()) throw ValueError("stack needs at least one array");
  return concat(arrays, axis);
}

std::vector<Array> unstack(const Array& given, std::int64_t axis) {
  if (given.ndim() == 0) throw ValueError("unstack needs an array of one dimension at least");
  const auto d = static_cast<std::size_t>(checked_axis(axis, given.ndim()));
  const bool here = given.comm().size() == 1 || detail::is_replicated(given);
  const Array x = here ? given : in_rows(given);  // copied once
  const auto strides = strides_of(given.shape());
  Shape shape = given.shape();
  shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(d));
  Box box{shape, 0, strides};
  box.from_strides.erase(box.from_strides.begin() + static_cast<std::ptrdiff_t>(d));
  std::vector<Array> all;
  for (std::int64_t i = 0; i < given.shape()[d]; ++i) {
    box.from_at = i * strides[d];
    all.push_back(seen(x, shape, box).to(given.device()));
  }
  return all;
}

Array repeat(const Array& given, std::int64_t times, std::optional<std::int64_t> axis) {
  if (times < 0) throw ValueError(fmt::format("repeats must not be negative, got {}", times));
  const Array x = axis ? given : flattened(given);
  const auto d = static_cast<std::size_t>(checked_axis(axis.value_or(0), x.ndim()));
  Box box{x.shape(), 0, strides_of(x.shape())};
  box.extents.insert(box.extents.begin() + static_cast<std::ptrdiff_t>(d) + 1, times);
  box.from_strides.insert(box.from_strides.begin() + static_cast<std::ptrdiff_t>(d) + 1, 0);
  Shape shape = x.shape();
  shape[d] *= times;
  return seen(x, std::move(shape), std::move(box));
}

Array repeat(const Array& given, const Array& times, std::optional<std::int64_t> axis) {
  const Array x = axis ? given : flattened(given);
  const auto d = checked_axis(axis.value_or(0), x.ndim());
  const std::int64_t extent = x.shape()[static_cast<std::size_t>(d)];
  if (times.ndim() > 1 || (times.size() != 1 && times.size() != extent) ||
      !is_integer(times.dtype()))
    throw ValueError(fmt::format("repeats must be {} integers or one, got an array of shape {}",
                                 extent, to_string(times.shape())));
  const Array all = gather(in_rows(times)).astype(DType::int64);
  const auto counts = all.values<std::int64_t>();
  std::vector<std::int64_t> index;
  for (std::int64_t i = 0; i < extent; ++i) {
    const std::int64_t count = counts[counts.size() == 1 ? 0 : static_cast<std::size_t>(i)];
    if (count < 0) throw ValueError(fmt::format("repeats must not be negative, got {}", count));
    index.insert(index.end(), static_cast<std::size_t>(count), i);
  }
  const auto n = std::ssize(index);
  return take(x, replicated(index, {n}, x.comm()), d);
}

Array tile(const Array& given, Axes times) {
  Shape shape = given.shape();
  if (times.size() < shape.size()) times.insert(times.begin(), shape.size() - times.size(), 1);
  if (shape.size() < times.size()) shape.insert(shape.begin(), times.size() - shape.size(), 1);
  const auto strides = strides_of(shape);
  Box box;
  Shape out = shape;
  for (std::size_t d = 0; d < shape.size(); ++d) {
    if (times[d] < 0)
      throw ValueError(fmt::format("repetitions must not be negative, got {}", times[d]));
    box.extents.insert(box.extents.end(), {times[d], shape[d]});
    box.from_strides.insert(box.from_strides.end(), {0, strides[d]});
    out[d] *= times[d];
  }
  return seen(given, std::move(out), std::move(box));
}

Array tril(const Array& x, std::int64_t k) { return triangle(x, k, true); }
Array triu(const Array& x, std::int64_t k) { return triangle(x, k, false); }

}  // namespace tessera
