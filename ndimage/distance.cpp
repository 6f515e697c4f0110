// Distances from the nearest 0. Along each axis, the last first, the best of a line's elements is
// found for each of them, given what the axes before have found: the lower envelope of one function
// for each element, of which two have the same value at one place at most. See Meijster, Roerdink,
// Hesselink (2000), who have it for these metrics.
#include <tessera/ndimage/distance.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <tessera/array/elementwise.hpp>
#include <tessera/array/layout.hpp>
#include <tessera/array/manipulation.hpp>
#include <tessera/array/promotion.hpp>
#include <tessera/ndimage/common.hpp>
#include <tessera/ndimage/filters.hpp>
#include <tessera/ndimage/lines.hpp>
#include <tessera/runtime/rows.hpp>

namespace tessera::ndimage {
namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();

/// A line of numbers, squares of distances if Euclidean, to which a step along the line adds.
class Envelope {
 public:
  Envelope(Metric metric, double step) : metric_(metric), square_(step * step) {}

  /// best(element, which one is the best for it, the value); nothing where all are infinite.
  template <class Best>
  void operator()(std::span<const double> g, const Best& best) {
    const auto n = static_cast<double>(g.size());
    parts_.clear();
    for (std::size_t k = 0; k < g.size(); ++k) {
      if (g[k] == infinite) continue;
      const auto u = static_cast<double>(k);
      double from = 0;
      while (!parts_.empty()) {
        from = better_from(parts_.back().at, g[z(static_cast<std::int64_t>(parts_.back().at))], u,
                           g[k]);
        if (from > parts_.back().from) break;
        parts_.pop_back();
        from = 0;
      }
      if (from < n) parts_.push_back({u, from});
    }
    for (std::size_t p = 0; p < parts_.size(); ++p) {
      const auto at = static_cast<std::size_t>(parts_[p].at);
      const double end = p + 1 < parts_.size() ? parts_[p + 1].from : n;
      for (double q = parts_[p].from; q < end; ++q)
        best(static_cast<std::size_t>(q), at, value(g[at], q - parts_[p].at));
    }
  }

 private:
  double value(double g, double steps) const {
    if (metric_ == Metric::euclidean) return g + square_ * steps * steps;
    return metric_ == Metric::taxicab ? g + std::abs(steps) : std::max(g, std::abs(steps));
  }
  // From which element on u is as good as i, which is before it.
  double better_from(double i, double of_i, double u, double of_u) const {
    if (metric_ == Metric::euclidean)
      return std::ceil((square_ * (u * u - i * i) + of_u - of_i) / (2 * square_ * (u - i)));
    const double middle = std::ceil((i + u) / 2);
    if (metric_ == Metric::chessboard)
      return of_u <= of_i ? std::min(middle, u - of_i) : std::max(middle, i + of_u);
    if (of_u - u > of_i - i) return infinite;
    return of_u + u <= of_i + i ? -infinite : std::ceil((of_u + u - of_i + i) / 2);
  }

  struct Part {
    double at, from;
  };
  Metric metric_;
  double square_;
  std::vector<Part> parts_;
};

// images: numbers, and unless left out the flat index of the element that each comes from.
std::vector<Array> along(const std::vector<Array>& images, std::int64_t axis, Metric metric,
                         double step) {
  const Array& x = images[0];
  const auto n = z(x.shape()[z(axis)]);
  std::vector<Array> out;
  for (const Array& image : images)
    out.push_back(detail::room_for(x.shape(), image.dtype(), x.distribution(), x.comm()));
  const auto* given = x.local().as<const double>();
  auto* made = out[0].local().as<double>();
  const bool indices = images.size() > 1;
  const auto* index = indices ? images[1].local().as<const std::int64_t>() : nullptr;
  auto* found = indices ? out[1].local().as<std::int64_t>() : nullptr;
  each_line(x, axis, [&](std::int64_t first, std::int64_t stride) {
    std::vector<double> g(n);
    for (std::size_t i = 0; i < n; ++i) {
      const std::int64_t at = first + static_cast<std::int64_t>(i) * stride;
      g[i] = made[at] = given[at];
      if (indices) found[at] = index[at];
    }
    Envelope{metric, step}(g, [&](std::size_t i, std::size_t from, double value) {
      const std::int64_t at = first + static_cast<std::int64_t>(i) * stride;
      made[at] = value;
      if (indices) found[at] = index[first + static_cast<std::int64_t>(from) * stride];
    });
  });
  return out;
}

}  // namespace

Distances distance_transform(const Array& given, Metric metric, const std::vector<double>& sampling,
                             bool indices) {
  const std::string_view function = "distance_transform";
  if (is_complex(given.dtype()))
    throw TypeError(fmt::format("{} takes real numbers, not {}", function, name_of(given.dtype())));
  Array x = detail::in_rows(given);
  if (x.ndim() == 0) x = x.reshape({1});
  const Shape& shape = x.shape();
  const bool euclidean = metric == Metric::euclidean;
  std::vector<double> steps(shape.size(), 1.0);
  if (euclidean && !sampling.empty())
    steps = per_axis(function, "sampling", sampling, shape.size());
  for (const double step : steps)
    if (!(step > 0 && std::isfinite(step * step)))
      throw ValueError(fmt::format("sampling must be positive and finite, got {}", step));
  // Distances by steps that are no integers are computed once, from where the nearest is.
  const bool places = indices || (euclidean && !sampling.empty());

  const auto fresh = [&](DType dtype) {
    return detail::room_for(shape, dtype, x.distribution(), x.comm());
  };
  std::vector<Array> images{fresh(DType::float64)};
  if (places) images.push_back(fresh(DType::int64));
  const std::int64_t n = x.local_rows().size() * x.cols(), begin = x.local_rows().begin * x.cols();
  constexpr std::int64_t piece = 1 << 14;
  const auto each = [&](const auto& one) {
    parallel_for({0, (n + piece - 1) / piece}, Runtime::threads(), [&](std::int64_t p, Stream&) {
      for (std::int64_t i = p * piece; i < std::min(n, (p + 1) * piece); ++i) one(i);
    });
  };
  const Array is_true = x.dtype() == DType::boolean ? x : x != 0;
  const auto* mask = is_true.local().as<const bool>();
  auto* first = images[0].local().as<double>();
  auto* from = places ? images[1].local().as<std::int64_t>() : nullptr;
  each([&](std::int64_t i) {
    first[i] = mask[i] ? infinite : 0;
    if (places) from[i] = begin + i;
  });
  for (std::size_t d = shape.size(); d-- > 0;)
    images = with_whole_lines(images, static_cast<std::int64_t>(d),
                              [&](const std::vector<Array>& lines, std::int64_t axis) {
                                return along(lines, axis, metric, steps[d]);
                              });

  const auto* value = images[0].local().as<const double>();
  const auto* place = places ? images[1].local().as<const std::int64_t>() : nullptr;
  const auto strides = detail::strides_of(shape);
  const std::size_t ndim = shape.size();
  Distances out{fresh(euclidean ? DType::float64 : DType::int32), {}};
  Array where;  // with the axes last
  if (indices) {
    Shape more = shape;
    more.push_back(std::ssize(shape));
    where = detail::room_for(more, DType::int32, x.distribution(), x.comm());
  }
  const Tile result = out.distances.local();
  auto* nearest = indices ? where.local().as<std::int32_t>() : nullptr;
  each([&](std::int64_t i) {
    const bool none = value[i] == infinite;
    if (!euclidean)
      result.as<std::int32_t>()[i] = none ? -1 : static_cast<std::int32_t>(value[i]);
    else if (!places && !none)
      result.as<double>()[i] = std::sqrt(value[i]);
    if (!places && !(euclidean && none)) return;
    double sum = 0;
    for (std::size_t d = 0; d < ndim; ++d) {
      const std::int64_t own = (begin + i) / strides[d] % shape[d];
      std::int64_t there = none ? own : place[i] / strides[d] % shape[d];
      if (none && euclidean) there = d == 0 ? -1 : 0;
      const double by = static_cast<double>(there - own) * steps[d];
      sum += by * by;
      if (indices)
        nearest[i * std::ssize(shape) + static_cast<std::int64_t>(d)] =
            static_cast<std::int32_t>(there);
    }
    if (euclidean) result.as<double>()[i] = std::sqrt(sum);
  });
  if (indices) {
    Axes axes{std::ssize(shape)};
    for (std::int64_t d = 0; d < std::ssize(shape); ++d) axes.push_back(d);
    out.indices = permute_dims(where, axes);
  }
  if (given.ndim() == 0) out.distances = out.distances.reshape({1});
  return out;
}

}  // namespace tessera::ndimage
