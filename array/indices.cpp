#include <tessera/array/indices.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include <tessera/array/elementwise.hpp>
#include <tessera/array/layout.hpp>
#include <tessera/array/manipulation.hpp>
#include <tessera/array/promotion.hpp>
#include <tessera/array/statistics.hpp>
#include <tessera/runtime/rows.hpp>

namespace tessera::detail {
namespace {

std::int64_t checked_index(std::int64_t i, std::int64_t axis, std::int64_t extent) {
  if (i < -extent || i >= extent)
    throw IndexError(
        fmt::format("index {} is out of bounds for axis {} with size {}", i, axis, extent));
  return i < 0 ? i + extent : i;
}

// The least and the largest of some int64, in one pass. Collective.
std::pair<std::int64_t, std::int64_t> ends_of(const Array& x) {
  constexpr auto most = std::numeric_limits<std::int64_t>::max();
  const auto* value = x.local().as<const std::int64_t>();
  const std::int64_t n = x.local().rows * x.local().cols;
  const std::int64_t pieces = n < (1 << 16) ? 1 : 4 * Runtime::threads();
  struct Ends {
    std::int64_t least = most, largest = -most - 1;
  };
  std::vector<Ends> of_piece(static_cast<std::size_t>(pieces));
  parallel_for({0, pieces}, Runtime::threads(), [&](std::int64_t p, Stream&) {
    Ends ends;
    for (std::int64_t i = n * p / pieces; i < n * (p + 1) / pieces; ++i) {
      ends.least = std::min(ends.least, value[i]);
      ends.largest = std::max(ends.largest, value[i]);
    }
    of_piece[static_cast<std::size_t>(p)] = ends;
  });
  // ~ turns the order around.
  std::int64_t ends[] = {~most, ~most};
  for (const Ends& e : of_piece) {
    ends[0] = std::max(ends[0], ~e.least);
    ends[1] = std::max(ends[1], e.largest);
  }
  if (!is_replicated(x)) x.comm().all_reduce(std::span(ends), Reduce::max);
  return {~ends[0], ends[1]};
}

// The elements start, start + step, ... that a slice has of an axis.
struct Cut {
  std::int64_t start, step, extent;
};

Cut cut(const Slice& slice, std::int64_t n) {
  const std::int64_t step = slice.step;
  if (step == 0) throw ValueError("slice step cannot be zero");
  const std::int64_t low = step > 0 ? 0 : -1, high = step > 0 ? n : n - 1;
  const auto bound = [&](std::optional<std::int64_t> given, std::int64_t otherwise) {
    if (!given) return otherwise;
    return std::clamp(*given < 0 ? *given + n : *given, low, high);
  };
  const std::int64_t start = bound(slice.start, step > 0 ? low : high);
  const std::int64_t stop = bound(slice.stop, step > 0 ? high : low);
  const std::int64_t extent =
      step > 0 ? (stop - start + step - 1) / step : (start - stop - step - 1) / -step;
  return {start, step, std::max<std::int64_t>(0, extent)};
}

// The shape that index arrays have together; IndexError unless they broadcast, as in NumPy.
Shape common_shape(const std::vector<Shape>& shapes) {
  try {
    return broadcast_shapes(shapes);
  } catch (const ValueError& error) {
    throw IndexError(error.what());
  }
}

bool is_mask(const Index& i) {
  const auto* array = std::get_if<Array>(&i);
  return array && array->dtype() == DType::boolean;
}

// Of how many axes each index is, in all; IndexError for more than there are, or two ellipses.
std::int64_t axes_taken(const Shape& shape, std::span<const Index> indices) {
  std::int64_t taken = 0, ellipses = 0;
  for (const Index& i : indices) {
    if (std::holds_alternative<Ellipsis>(i))
      ++ellipses;
    else if (is_mask(i))
      taken += std::get<Array>(i).ndim();
    else if (!std::holds_alternative<NewAxis>(i))
      ++taken;
  }
  if (ellipses > 1) throw IndexError("an index can have a single ellipsis only ('...')");
  if (taken > std::ssize(shape))
    throw IndexError(fmt::format(
        "too many indices: the array is {}-dimensional, but {} were indexed", shape.size(), taken));
  return taken;
}

}  // namespace

Selected selected(const Shape& shape, std::span<const Index> indices) {
  const std::int64_t taken = axes_taken(shape, indices);
  const auto strides = strides_of(shape);
  Selected out;
  std::size_t d = 0;
  const auto append = [&](std::int64_t extent, std::int64_t stride) {
    out.shape.push_back(extent);
    out.box.from_strides.push_back(stride);
  };
  const auto whole = [&](std::int64_t axes) {
    for (std::int64_t k = 0; k < axes; ++k, ++d) append(shape[d], strides[d]);
  };
  for (const Index& i : indices) {
    if (const auto* at = std::get_if<std::int64_t>(&i)) {
      out.box.from_at += checked_index(*at, static_cast<std::int64_t>(d), shape[d]) * strides[d];
      ++d;
    } else if (const auto* slice = std::get_if<Slice>(&i)) {
      const Cut c = cut(*slice, shape[d]);
      if (c.extent > 0) out.box.from_at += c.start * strides[d];
      append(c.extent, c.step * strides[d]);
      ++d;
    } else if (std::holds_alternative<NewAxis>(i)) {
      append(1, 0);
    } else if (std::holds_alternative<Ellipsis>(i)) {
      whole(std::ssize(shape) - taken);
    }
  }
  whole(std::ssize(shape) - static_cast<std::int64_t>(d));
  out.box.extents = out.shape;
  return out;
}

Array checked_places(const Array& given, std::int64_t axis, std::int64_t extent) {
  if (!is_integer(given.dtype()))
    throw IndexError(fmt::format("arrays used as indices must be of integers or booleans, not {}",
                                 name_of(given.dtype())));
  const Array at = in_rows(given).astype(DType::int64);
  if (at.size() == 0) return at;
  const auto [least, largest] = ends_of(at);
  checked_index(least, axis, extent);
  checked_index(largest, axis, extent);
  return least < 0 ? where(at < 0, at + extent, at) : at;
}

const Array* sole_mask(std::span<const Index> indices) {
  const Array* mask = indices.size() == 1 ? std::get_if<Array>(&indices[0]) : nullptr;
  return mask && mask->dtype() == DType::boolean ? mask : nullptr;
}

bool fits_mask(const Array& x, const Array& mask) {
  const Shape& shape = mask.shape();
  const auto fits = [](std::int64_t of_mask, std::int64_t of_x) {
    return of_mask == of_x || of_mask == 0;
  };
  if (mask.ndim() > x.ndim() || !std::equal(shape.begin(), shape.end(), x.shape().begin(), fits))
    throw IndexError(fmt::format("a boolean index of shape {} does not match an array of shape {}",
                                 to_string(shape), to_string(x.shape())));
  return std::equal(shape.begin(), shape.end(), x.shape().begin());
}

std::vector<AxisIndex> spelt_out(const Array& x, std::span<const Index> indices) {
  const Shape& shape = x.shape();
  const std::int64_t taken = axes_taken(shape, indices);
  std::vector<AxisIndex> all;
  std::int64_t axis = 0;
  std::size_t gap = std::numeric_limits<std::size_t>::max();
  const auto extent = [&] { return shape[static_cast<std::size_t>(axis)]; };
  for (const Index& i : indices) {
    if (const auto* at = std::get_if<std::int64_t>(&i)) {
      all.push_back(
          {axis, Scalar(checked_index(*at, axis, extent())).array(DType::int64, x.comm())});
      ++axis;
    } else if (const auto* slice = std::get_if<Slice>(&i)) {
      all.push_back({axis++, {}, *slice});
    } else if (std::holds_alternative<NewAxis>(i)) {
      all.push_back({});
    } else if (std::holds_alternative<Ellipsis>(i)) {
      gap = all.size();
      for (std::int64_t k = taken; k < std::ssize(shape); ++k) all.push_back({axis++, {}, Slice{}});
    } else if (const Array& array = std::get<Array>(i); !is_mask(i)) {
      all.push_back({axis, checked_places(array, axis, extent())});
      ++axis;
    } else if (array.ndim() == 0) {
      const bool one = gather(in_rows(array)).values<bool>()[0];
      all.push_back({-1, tessera::zeros({one ? 1 : 0}, DType::int64, x.comm())});
    } else {
      const auto first = shape.begin() + axis;
      if (!std::equal(array.shape().begin(), array.shape().end(), first))
        throw IndexError(fmt::format("a boolean index of shape {} does not match axes of shape {}",
                                     to_string(array.shape()),
                                     to_string(Shape(first, first + array.ndim()))));
      for (const Array& true_at : nonzero(array)) all.push_back({axis++, true_at});
    }
  }
  if (gap < all.size() && all[gap].is_array()) all[gap].apart = true;
  while (!all.back().is_array() && all.back().slice && is_whole(*all.back().slice)) all.pop_back();
  return all;
}

bool side_by_side(std::span<const AxisIndex> indices) {
  const auto is_array = [](const AxisIndex& i) { return i.is_array(); };
  const auto first = std::find_if(indices.begin(), indices.end(), is_array);
  const auto behind = std::find_if_not(first, indices.end(), is_array);
  return std::none_of(behind, indices.end(), is_array) &&
         (first == behind ||
          std::none_of(first + 1, behind, [](const AxisIndex& i) { return i.apart; }));
}

Array places(const Shape& shape, std::span<const AxisIndex> indices, const Communicator& comm) {
  std::vector<Shape> shapes;
  std::int64_t axes = 0, before = 0, behind = 0;  // slices and new axes
  bool everywhere = true;
  for (const AxisIndex& i : indices) {
    if (i.axis >= 0) axes = i.axis + 1;
    if (!i.is_array()) {
      ++(shapes.empty() ? before : behind);
      continue;
    }
    shapes.push_back(i.at.shape());
    everywhere = everywhere && is_replicated(i.at);
  }
  const Shape common = common_shape(shapes);
  if (!side_by_side(indices)) behind += std::exchange(before, 0);
  // What an index adds, its axes `axis` on of the result.
  const std::int64_t ndim = before + std::ssize(common) + behind;
  const auto strides = strides_of(Shape(shape.begin(), shape.begin() + axes));
  Shape out = common;
  out.insert(out.begin(), static_cast<std::size_t>(before), 1);
  out.resize(static_cast<std::size_t>(ndim), 1);
  Array place;
  std::int64_t next = before > 0 ? 0 : std::ssize(common);
  for (const AxisIndex& i : indices) {
    std::int64_t from_end = behind;  // axes behind those of what is added
    Array one = i.at;
    if (!i.is_array()) {
      const std::int64_t at = next;
      if (++next == before) next += std::ssize(common);
      if (!i.slice) continue;
      const Cut c = cut(*i.slice, shape[static_cast<std::size_t>(i.axis)]);
      out[static_cast<std::size_t>(at)] = c.extent;
      one = arange(0, static_cast<double>(c.extent), 1, DType::int64, comm);
      if (everywhere) one = gather(one);
      one = one * c.step + c.start;
      from_end = ndim - at - 1;
    }
    if (i.axis >= 0) one = one * strides[static_cast<std::size_t>(i.axis)];
    Shape its = one.shape();
    its.resize(its.size() + static_cast<std::size_t>(from_end), 1);
    one = reshape(one, std::move(its));
    place = place ? place + one : one;
  }
  return broadcast_to(place, out);
}

TruePlaces::TruePlaces(const Array& mask)
    : true_at_(mask.local().as<const bool>()),
      n_(mask.local().rows * mask.local().cols),
      pieces_(n_ < (1 << 15) ? 1 : 8 * Runtime::threads()),
      before_(static_cast<std::size_t>(pieces_) + 1, 0) {
  for_pieces([&](std::int64_t p, Range piece) {
    before_[static_cast<std::size_t>(p) + 1] =
        std::count(true_at_ + piece.begin, true_at_ + piece.end, true);
  });
  std::partial_sum(before_.begin(), before_.end(), before_.begin());
}

void TruePlaces::for_pieces(const std::function<void(std::int64_t, Range)>& f) const {
  parallel_for({0, pieces_}, Runtime::threads(), [&](std::int64_t p, Stream&) {
    f(p, {n_ * p / pieces_, n_ * (p + 1) / pieces_});
  });
}

}  // namespace tessera::detail
