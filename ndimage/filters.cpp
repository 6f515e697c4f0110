#include <tessera/ndimage/filters.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <functional>
#include <limits>
#include <numeric>

#include <tessera/array/convert.hpp>
#include <tessera/array/elementwise.hpp>
#include <tessera/array/layout.hpp>
#include <tessera/array/promotion.hpp>
#include <tessera/ndimage/blocks.hpp>
#include <tessera/ndimage/common.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/rows.hpp>
#include <tessera/runtime/visit.hpp>

namespace tessera::ndimage {
namespace {

using Integers = std::vector<std::int64_t>;

void refuse_complex(std::string_view function, const Array& x) {
  if (is_complex(x.dtype()))
    throw TypeError(fmt::format("{} takes real numbers, not {}", function, name_of(x.dtype())));
}

// A linear filter of real numbers, on those of complex ones.
Array by_parts(const Array& x, const Filter& filter,
               const std::function<Array(const Array&, const Filter&)>& of) {
  if (!is_complex(x.dtype())) return of(detail::in_rows(x), filter);
  const DType dtype = promote(filter.output.value_or(x.dtype()), DType::complex64);
  Filter part = filter;
  part.output = real_of(dtype);
  const Array re = of(detail::in_rows(real(x)), part);
  part.cval = 0;
  const Array im = of(detail::in_rows(imag(x)), part);
  return as_output(re + im * std::complex<double>(0, 1), dtype);
}

DType dtype_of_result(const Array& x, const Filter& filter) {
  return filter.output.value_or(x.dtype());
}

// The dtype in which elements are compared: the narrowest that holds them.
DType compared_as(const Array& x, double cval) {
  switch (x.dtype()) {
    case DType::boolean:
    case DType::uint8:
      if (cval >= 0 && cval <= 255 && std::trunc(cval) == cval) return DType::uint8;
      [[fallthrough]];
    case DType::int8:
    case DType::int16:
    case DType::uint16:
    case DType::float32:
      return std::isnan(cval) || static_cast<double>(static_cast<float>(cval)) == cval
                 ? DType::float32
                 : DType::float64;
    default:
      return DType::float64;
  }
}

// What lies beyond the ends as an element of x, as C converts it: SciPy compares elements in x's
// dtype where it looks at the neighbours one by one.
double as_element(const Array& x, double cval) {
  double out = cval;
  visit(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_same_v<T, bool>)
      out = cval != 0 ? 1 : 0;
    else if constexpr (std::is_integral_v<T>)
      out = std::abs(cval) < 0x1p63
                ? static_cast<double>(static_cast<T>(static_cast<std::int64_t>(cval)))
                : 0;
    else if constexpr (std::is_same_v<T, float>)
      out = static_cast<float>(cval);
  });
  return out;
}

std::int64_t checked_origin(std::string_view function, std::int64_t size, std::int64_t origin) {
  if (origin < -(size / 2) || origin > (size - 1) / 2)
    throw ValueError(fmt::format("{}: origin must be from {} to {} for a size of {}, got {}",
                                 function, -(size / 2), (size - 1) / 2, size, origin));
  return origin;
}
void check_size(std::string_view function, std::int64_t size) {
  if (size < 1)
    throw RuntimeError(fmt::format("{} needs a size of 1 or more, got {}", function, size));
}

// Filters along an axis: those before and behind it are one each, but for the rows.
struct Along {
  Array x;
  Neighbourhood around;
  std::size_t axis = 0;  // of x
  Shape shape;           // of the result

  Along(const Array& given, std::int64_t d, std::int64_t before, std::int64_t after, Mode mode,
        double cval)
      : shape(given.shape()) {
    const auto at = shape.begin() + d;
    const auto extent = [](auto first, auto last) {
      return std::accumulate(first, last, std::int64_t{1}, std::multiplies<>());
    };
    Shape seen;
    if (d > 0) seen.push_back(shape[0]);
    if (d > 0 && extent(shape.begin() + 1, at) != 1) seen.push_back(extent(shape.begin() + 1, at));
    axis = seen.size();
    seen.push_back(*at);
    if (extent(at + 1, shape.end()) != 1) seen.push_back(extent(at + 1, shape.end()));
    x = given.reshape(seen);
    around.before.assign(seen.size(), 0);
    around.after.assign(seen.size(), 0);
    around.modes.assign(seen.size(), Mode::nearest);
    around.before[axis] = before;
    around.after[axis] = after;
    around.modes[axis] = mode;
    around.cval = cval;
  }
  void tap(std::int64_t k) {
    around.taps.insert(around.taps.end(), x.shape().size(), 0);
    around.taps[around.taps.size() - x.shape().size() + axis] = k;
  }
  // Along which of the axes of a tile.
  int tile_axis() const { return axis + 1 == x.shape().size() ? 1 : 0; }
  Array map(DType result, DType dtype, const BlockKernel& kernel) const {
    return map_blocks(x, result, dtype, around, kernel).reshape(shape);
  }
};

Array correlate_along(const Array& x, std::span<const double> w, std::int64_t axis, Mode mode,
                      std::int64_t origin, double cval, DType result) {
  const std::int64_t size = std::ssize(w), half = size / 2;
  Along along(x, axis, half + origin, size - half - 1 - origin, mode, cval);
  // As SciPy adds, so that the bits are its.
  const auto mirrored = [&](double sign) {
    for (std::int64_t k = 0; k < half; ++k)
      if (std::abs(w[z(k)] - sign * w[z(size - 1 - k)]) > std::numeric_limits<double>::epsilon())
        return false;
    return size % 2 == 1;
  };
  const Pairs pairs = mirrored(1) ? Pairs::even : mirrored(-1) ? Pairs::odd : Pairs::none;
  std::vector<double> weights;
  const std::int64_t first = pairs == Pairs::none ? size - 1 : half;
  along.tap(first);
  weights.push_back(w[z(first)]);
  for (std::int64_t k = 0; k < first; ++k) {
    along.tap(k);
    weights.push_back(w[z(k)]);
  }
  if (pairs != Pairs::none)
    for (std::int64_t k = 0; k < half; ++k) along.tap(size - 1 - k);
  return along.map(result, DType::float64,
                   [weights, pairs](Stream& stream, const Tile& out, const Taps& taps,
                                    std::span<const std::int64_t>) {
                     filters().weighted_sum(stream, out, taps, weights, pairs);
                   });
}

Array slide_along(const Array& x, Fold fold, std::int64_t size, std::int64_t axis, Mode mode,
                  std::int64_t origin, double cval, DType result) {
  const std::int64_t before = size / 2 + origin;
  Along along(x, axis, before, size - before - 1, mode, cval);
  along.tap(0);
  const DType dtype = fold == Fold::mean ? DType::float64 : compared_as(x, cval);
  const int tile_axis = along.tile_axis();
  return along.map(result, dtype,
                   [=, at = along.axis](Stream& stream, const Tile& out, const Taps& taps,
                                        std::span<const std::int64_t> first) {
                     Tile in = out;
                     in.data = const_cast<void*>(taps.lines[0]);
                     in.stride = taps.stride;
                     (tile_axis == 0 ? in.rows : in.cols) += size - 1;
                     filters().slide(stream, in, out, fold, tile_axis, size, first[at] - before);
                   });
}

// Several axes one after another, by a filter of one: of(x, axis, number of the axis).
Array one_by_one(const Array& x, const Filter& filter, const Integers& axes,
                 const std::function<bool(std::size_t)>& takes_part,
                 const std::function<Array(const Array&, std::int64_t, std::size_t)>& of) {
  Array y = x;
  bool any = false;
  for (std::size_t i = 0; i < axes.size(); ++i)
    if (takes_part(i)) {
      y = of(y, axes[i], i);
      any = true;
    }
  return any ? y : as_output(x, filter.output);
}

Array slide(std::string_view function, const Array& x, Fold fold, const Integers& size,
            const Filter& filter) {
  const Integers axes = checked_axes(filter.axes, x.ndim());
  const Integers sizes = per_axis(function, "size", size, axes.size());
  const Integers origins = per_axis(function, "origin", filter.origin, axes.size());
  const auto modes = per_axis(function, "mode", filter.mode, axes.size());
  return one_by_one(
      x, filter, axes, [&](std::size_t i) { return sizes[i] > 1; },
      [&](const Array& y, std::int64_t axis, std::size_t i) {
        return slide_along(y, fold, sizes[i], axis, modes[i],
                           checked_origin(function, sizes[i], origins[i]), filter.cval,
                           dtype_of_result(x, filter));
      });
}

Array slide1d(std::string_view function, const Array& x, Fold fold, std::int64_t size,
              std::int64_t axis, Filter filter) {
  axis = detail::checked_axis(axis, x.ndim());
  check_size(function, size);
  checked_origin(function, size, filter.origin.at(0));
  filter.axes = {axis};
  return slide(function, x, fold, {size}, filter);
}

// Weights, or whether neighbours are looked at, with an axis for each of x.
struct Box {
  Shape shape;
  std::vector<double> values;

  std::size_t count() const {
    return static_cast<std::size_t>(
        std::count_if(values.begin(), values.end(), [](double v) { return v != 0; }));
  }
  void reverse() { std::reverse(values.begin(), values.end()); }
  // Its taps where values are not 0; the values, too.
  std::vector<double> add_taps(std::vector<std::int64_t>& taps) const {
    std::vector<double> found;
    for (std::size_t k = 0; k < values.size(); ++k) {
      if (values[k] == 0) continue;
      found.push_back(values[k]);
      taps.insert(taps.end(), shape.size(), 0);
      auto left = static_cast<std::int64_t>(k);
      for (std::size_t d = shape.size(); d-- > 0; left /= shape[d])
        taps[taps.size() - shape.size() + d] = left % shape[d];
    }
    return found;
  }
};

Box box_of(std::string_view function, std::string_view name, const Array& given,
           const Integers& axes, std::int64_t ndim) {
  if (given.ndim() != std::ssize(axes))
    throw RuntimeError(fmt::format("{} needs {} with {} axes, got shape {}", function, name,
                                   axes.size(), to_string(given.shape())));
  if (is_complex(given.dtype()))
    throw TypeError(
        fmt::format("{} takes real numbers as {}, not {}", function, name, name_of(given.dtype())));
  Box box{Shape(z(ndim), 1), host_numbers(given)};
  for (std::size_t i = 0; i < axes.size(); ++i) box.shape[z(axes[i])] = given.shape()[i];
  return box;
}

Box footprint_of(std::string_view function, const Footprint& around, const Integers& axes,
                 std::int64_t ndim) {
  if (around.footprint) {
    Box box = box_of(function, "footprint", around.footprint, axes, ndim);
    for (double& v : box.values) v = v != 0 ? 1 : 0;
    return box;
  }
  if (around.size.empty() && !axes.empty())
    throw RuntimeError(fmt::format("{} needs size or footprint", function));
  const Integers sizes =
      axes.empty() ? Integers{} : per_axis(function, "size", around.size, axes.size());
  Box box{Shape(z(ndim), 1), {}};
  for (std::size_t i = 0; i < axes.size(); ++i) {
    check_size(function, sizes[i]);
    box.shape[z(axes[i])] = sizes[i];
  }
  box.values.assign(z(element_count(box.shape)), 1.0);
  return box;
}

// What is looked at around each element of x.
Neighbourhood neighbourhood_of(std::string_view function, const Box& box, const Integers& axes,
                               const Filter& filter) {
  Neighbourhood n;
  n.cval = filter.cval;
  n.before.assign(box.shape.size(), 0);
  n.after.assign(box.shape.size(), 0);
  n.modes.assign(box.shape.size(), filter.mode[0]);
  const Integers origins = per_axis(function, "origin", filter.origin, axes.size());
  const auto modes = per_axis(function, "mode", filter.mode, axes.size());
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const auto d = z(axes[i]);
    const std::int64_t size = box.shape[d];
    if (size == 0)
      throw RuntimeError(
          fmt::format("{} needs at least one neighbour, got none along axis {}", function, d));
    n.before[d] = size / 2 + checked_origin(function, size, origins[i]);
    n.after[d] = size - 1 - n.before[d];
    n.modes[d] = modes[i];
  }
  return n;
}

Array correlate_box(std::string_view function, const Array& x, const Array& weights,
                    const Filter& filter, bool reversed) {
  Filter there = in_order(function, filter, x.ndim());
  const Integers axes = *there.axes;
  Box box = box_of(function, "weights", weights, axes, x.ndim());
  if (reversed) {
    box.reverse();
    there.origin = mirrored_origins(function, there.origin, axes,
                                    [&](std::size_t i) { return box.shape[z(axes[i])]; });
  }
  for (double& w : box.values)
    if (std::abs(w) <= std::numeric_limits<double>::epsilon()) w = 0;
  return by_parts(x, there, [&](const Array& y, const Filter& f) {
    if (y.ndim() == 0) return as_output(y * box.values[0], dtype_of_result(y, f));
    Neighbourhood around = neighbourhood_of(function, box, axes, f);
    const std::vector<double> w = box.add_taps(around.taps);
    return map_blocks(
        y, dtype_of_result(y, f), DType::float64, around,
        [&](Stream& stream, const Tile& out, const Taps& taps, std::span<const std::int64_t>) {
          if (!w.empty()) return filters().weighted_sum(stream, out, taps, w, Pairs::none);
          for (std::int64_t i = 0; i < out.rows; ++i)
            std::fill_n(out.as<double>() + i * out.stride, out.cols, 0.0);
        });
  });
}

Array extreme(std::string_view function, const Array& given, const Footprint& around,
              const Filter& as_named, bool largest) {
  refuse_complex(function, given);
  const Array x = detail::in_rows(given);
  const Filter filter = in_order(function, as_named, x.ndim());
  const Integers axes = *filter.axes;
  const Fold fold = largest ? Fold::largest : Fold::least;
  if (!around.footprint && !around.structure && !around.size.empty() && x.ndim() > 0) {
    for (const std::int64_t size : around.size) check_size(function, size);
    return slide(function, x, fold, around.size, as_named);
  }
  const Footprint box_around = around.structure && !around.footprint
                                   ? Footprint{around.structure.shape(), {}, around.structure}
                                   : around;
  const Box box = footprint_of(function, box_around, axes, x.ndim());
  if (box.count() == 0 && !box.values.empty())
    throw ValueError(fmt::format("{} needs a footprint with a true element", function));
  if (x.ndim() == 0) return as_output(x, filter.output);
  if (!around.structure && box.count() == box.values.size())
    return slide(function, x, fold, around.footprint.shape(), as_named);
  if (filter.mode.size() > 1)
    throw RuntimeError(
        fmt::format("{} takes one mode for all axes with a footprint or structure", function));
  Neighbourhood n = neighbourhood_of(function, box, axes, filter);
  n.cval = as_element(x, filter.cval);
  box.add_taps(n.taps);
  std::vector<double> heights;
  if (around.structure) {
    const Box h = box_of(function, "structure", around.structure, axes, x.ndim());
    if (h.shape != box.shape)
      throw RuntimeError(fmt::format("{} needs a structure of the footprint's shape, got {} and {}",
                                     function, to_string(h.shape), to_string(box.shape)));
    for (std::size_t k = 0; k < h.values.size(); ++k)
      if (box.values[k] != 0) heights.push_back(largest ? h.values[k] : -h.values[k]);
  }
  const DType dtype = heights.empty() ? compared_as(x, n.cval) : DType::float64;
  return map_blocks(
      x, dtype_of_result(x, filter), dtype, n,
      [&](Stream& stream, const Tile& out, const Taps& taps, std::span<const std::int64_t>) {
        filters().extreme(stream, out, taps, heights, largest);
      });
}

// rank_of: which rank of how many.
Array ranked(std::string_view function, const Array& given, const Footprint& around,
             const Filter& as_named, const std::function<std::int64_t(std::int64_t)>& rank_of) {
  refuse_complex(function, given);
  const Array x = detail::in_rows(given);
  const Filter filter = in_order(function, as_named, x.ndim());
  const Integers axes = *filter.axes;
  const Box box = footprint_of(function, around, axes, x.ndim());
  const auto n = static_cast<std::int64_t>(box.count());
  const std::int64_t wanted = rank_of(n), rank = wanted < 0 ? wanted + n : wanted;
  if (rank < 0 || rank >= n)
    throw RuntimeError(fmt::format("{}: rank must be from {} to {} for {} elements, got {}",
                                   function, -n, n - 1, n, wanted));
  if (rank == 0) return extreme(function, x, around, filter, false);
  if (rank == n - 1) return extreme(function, x, around, filter, true);
  if (filter.mode.size() > 1)
    throw RuntimeError(fmt::format("{} takes one mode for all axes", function));
  Neighbourhood neighbourhood = neighbourhood_of(function, box, axes, filter);
  neighbourhood.cval = as_element(x, filter.cval);
  box.add_taps(neighbourhood.taps);
  return map_blocks(
      x, dtype_of_result(x, filter), compared_as(x, neighbourhood.cval), neighbourhood,
      [&](Stream& stream, const Tile& out, const Taps& taps, std::span<const std::int64_t>) {
        filters().rank(stream, out, taps, rank);
      });
}

Array checked_generic(const Array& x) {
  refuse_complex("generic_filter", x);
  if (x.ndim() == 0) throw RuntimeError("generic_filter needs an image with an axis at least");
  return detail::in_rows(x);
}

}  // namespace

Array as_output(const Array& given, std::optional<DType> dtype) {
  const Array x = detail::in_rows(given);
  if (!dtype || *dtype == x.dtype()) return x;
  const Array out = detail::room_for(x.shape(), *dtype, x.distribution(), x.comm());
  const std::int64_t n = x.local_rows().size() * x.cols(), piece = 1 << 16;
  parallel_for({0, (n + piece - 1) / piece}, Runtime::threads(), [&](std::int64_t i, Stream&) {
    const auto at = [&](const Array& a) {
      return static_cast<std::byte*>(a.local().data) +
             i * piece * static_cast<std::int64_t>(size_of(a.dtype()));
    };
    detail::convert(at(x), 1, x.dtype(), at(out), *dtype, std::min(piece, n - i * piece));
  });
  return out;
}

Array correlate1d(const Array& x, std::span<const double> weights, std::int64_t given,
                  const Filter& filter) {
  if (weights.empty()) throw RuntimeError("correlate1d needs one weight or more");
  const std::int64_t axis = detail::checked_axis(given, x.ndim());
  checked_origin("correlate1d", std::ssize(weights), filter.origin.at(0));
  return by_parts(x, filter, [&](const Array& y, const Filter& f) {
    return correlate_along(y, weights, axis, f.mode.at(0), f.origin[0], f.cval,
                           dtype_of_result(y, f));
  });
}

Array convolve1d(const Array& x, std::span<const double> weights, std::int64_t axis,
                 const Filter& filter) {
  const std::vector<double> reversed(weights.rbegin(), weights.rend());
  Filter there = filter;
  there.origin = {-filter.origin.at(0) - (reversed.size() % 2 == 0 ? 1 : 0)};
  return correlate1d(x, reversed, axis, there);
}

Array correlate(const Array& x, const Array& weights, const Filter& filter) {
  return correlate_box("correlate", x, weights, filter, false);
}
Array convolve(const Array& x, const Array& weights, const Filter& filter) {
  return correlate_box("convolve", x, weights, filter, true);
}

Array uniform_filter1d(const Array& x, std::int64_t size, std::int64_t axis, const Filter& filter) {
  return by_parts(x, filter, [&](const Array& y, const Filter& f) {
    return slide1d("uniform_filter1d", y, Fold::mean, size, axis, f);
  });
}
Array uniform_filter(const Array& x, const Integers& size, const Filter& filter) {
  return by_parts(x, filter, [&](const Array& y, const Filter& f) {
    return slide("uniform_filter", y, Fold::mean, size, f);
  });
}

Array minimum_filter1d(const Array& x, std::int64_t size, std::int64_t axis, const Filter& filter) {
  refuse_complex("minimum_filter1d", x);
  return slide1d("minimum_filter1d", detail::in_rows(x), Fold::least, size, axis, filter);
}
Array maximum_filter1d(const Array& x, std::int64_t size, std::int64_t axis, const Filter& filter) {
  refuse_complex("maximum_filter1d", x);
  return slide1d("maximum_filter1d", detail::in_rows(x), Fold::largest, size, axis, filter);
}
Array minimum_filter(const Array& x, const Footprint& around, const Filter& filter) {
  return extreme("minimum_filter", x, around, filter, false);
}
Array maximum_filter(const Array& x, const Footprint& around, const Filter& filter) {
  return extreme("maximum_filter", x, around, filter, true);
}

Array rank_filter(const Array& x, std::int64_t rank, const Footprint& around,
                  const Filter& filter) {
  return ranked("rank_filter", x, around, filter, [&](std::int64_t) { return rank; });
}
Array median_filter(const Array& x, const Footprint& around, const Filter& filter) {
  return ranked("median_filter", x, around, filter, [](std::int64_t n) { return n / 2; });
}
Array percentile_filter(const Array& x, double percentile, const Footprint& around,
                        const Filter& filter) {
  const double p = percentile < 0 ? percentile + 100 : percentile;
  if (!(p >= 0 && p <= 100))
    throw RuntimeError(fmt::format("percentile must be from -100 to 100, got {}", percentile));
  return ranked("percentile_filter", x, around, filter, [&](std::int64_t n) {
    return p == 100 ? n - 1 : static_cast<std::int64_t>(static_cast<double>(n) * p / 100);
  });
}

Array generic_filter(const Array& given, const Kernel& kernel, const Footprint& around,
                     const Filter& filter) {
  const Array x = checked_generic(given);
  const Filter f = in_order("generic_filter", filter, x.ndim());
  const Box box = footprint_of("generic_filter", around, *f.axes, x.ndim());
  Neighbourhood n = neighbourhood_of("generic_filter", box, *f.axes, f);
  box.add_taps(n.taps);
  return map_blocks(x, dtype_of_result(x, filter), DType::float64, n,
                    [&](Stream&, const Tile& out, const Taps& taps, std::span<const std::int64_t>) {
                      std::vector<double> values(taps.lines.size());
                      for (std::int64_t i = 0; i < out.rows; ++i)
                        for (std::int64_t j = 0; j < out.cols; ++j) {
                          for (std::size_t k = 0; k < values.size(); ++k)
                            values[k] =
                                static_cast<const double*>(taps.lines[k])[i * taps.stride + j];
                          out.as<double>()[i * out.stride + j] = kernel(values);
                        }
                    });
}

Array neighbours(const Array& given, const Footprint& around, const Filter& filter) {
  const Array x = checked_generic(given);
  const Filter f = in_order("generic_filter", filter, x.ndim());
  const Box box = footprint_of("generic_filter", around, *f.axes, x.ndim());
  Neighbourhood n = neighbourhood_of("generic_filter", box, *f.axes, f);
  box.add_taps(n.taps);
  Shape shape = x.shape();
  const auto count = static_cast<std::int64_t>(box.count());
  shape.push_back(count);
  const Array out = detail::room_for(shape, DType::float64, x.distribution(), x.comm());
  const auto strides = detail::strides_of(shape);
  auto* to = out.local().as<double>();
  const std::int64_t begin = out.local_rows().begin;
  map_blocks(x, DType::float64, DType::float64, n,
             [&](Stream&, const Tile& tile, const Taps& taps, std::span<const std::int64_t> first) {
               std::int64_t at = -begin * strides[0];
               for (std::size_t d = 0; d < first.size(); ++d) at += first[d] * strides[d];
               for (std::int64_t i = 0; i < tile.rows; ++i)
                 for (std::int64_t j = 0; j < tile.cols; ++j)
                   for (std::size_t k = 0; k < taps.lines.size(); ++k)
                     to[at + i * (tile.rows > 1 ? strides[first.size() - 2] : 0) + j * count +
                        static_cast<std::int64_t>(k)] =
                         static_cast<const double*>(taps.lines[k])[i * taps.stride + j];
             });
  return out;
}

}  // namespace tessera::ndimage
