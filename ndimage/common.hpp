#pragma once
#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <string_view>
#include <vector>

#include <tessera/array/layout.hpp>
#include <tessera/ndimage/filters.hpp>
#include <tessera/runtime/error.hpp>

/// What the parts of this room share.
namespace tessera::ndimage {

inline std::size_t z(std::int64_t i) { return static_cast<std::size_t>(i); }

/// One value for each of n axes, from that or one for all. RuntimeError for another number of them.
template <class T>
std::vector<T> per_axis(std::string_view function, std::string_view name,
                        const std::vector<T>& given, std::size_t n) {
  if (given.size() == 1) return std::vector<T>(n, given[0]);
  if (given.size() != n)
    throw RuntimeError(fmt::format("{}: {} must be one value or one for each of {} axes, got {}",
                                   function, name, n, given.size()));
  return given;
}

/// Axes from 0 on, in the order given; all for none. ValueError for one that x has not or twice.
inline std::vector<std::int64_t> checked_axes(const std::optional<std::vector<std::int64_t>>& axes,
                                              std::int64_t ndim) {
  if (axes) return detail::checked_axes(*axes, ndim);
  std::vector<std::int64_t> all;
  for (std::int64_t d = 0; d < ndim; ++d) all.push_back(d);
  return all;
}

/// Small arrays on the host of every process. Collective.
inline std::vector<double> host_numbers(const Array& x) {
  const Array here = gather(x.to(cpu)).astype(DType::float64);
  const auto values = here.values<double>();
  return {values.begin(), values.end()};
}

/// The origins of a filter whose weights are in reverse: size_of(i) is its extent along axis i.
template <class SizeOf>
std::vector<std::int64_t> mirrored_origins(std::string_view function,
                                           const std::vector<std::int64_t>& origin,
                                           const std::vector<std::int64_t>& axes,
                                           const SizeOf& size_of) {
  auto origins = per_axis(function, "origin", origin, axes.size());
  for (std::size_t i = 0; i < origins.size(); ++i)
    origins[i] = -origins[i] - (size_of(i) % 2 == 0 ? 1 : 0);
  return origins;
}

/// The filter with its axes ascending, for weights, footprints and structures: in SciPy these have
/// the axes that are filtered in the order of the image's, whatever order they are named in; modes
/// are those of the axes as named, and so are origins unless all axes are named.
inline Filter in_order(std::string_view function, const Filter& filter, std::int64_t ndim) {
  const auto axes = checked_axes(filter.axes, ndim);
  const auto origins = per_axis(function, "origin", filter.origin, axes.size());
  const auto modes = per_axis(function, "mode", filter.mode, axes.size());
  std::vector<std::size_t> order(axes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, {}, [&](std::size_t i) { return axes[i]; });
  Filter f = filter;
  f.axes = axes;
  f.origin = origins;
  for (std::size_t i = 0; i < order.size(); ++i) {
    (*f.axes)[i] = axes[order[i]];
    if (std::ssize(axes) < ndim) f.origin[i] = origins[order[i]];
    if (f.mode.size() > 1) f.mode[i] = modes[order[i]];
  }
  return f;
}

}  // namespace tessera::ndimage
