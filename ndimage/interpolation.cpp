#include <tessera/ndimage/interpolation.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <limits>
#include <numbers>
#include <numeric>

#include <tessera/array/elementwise.hpp>
#include <tessera/array/layout.hpp>
#include <tessera/array/manipulation.hpp>
#include <tessera/array/promotion.hpp>
#include <tessera/ndimage/blocks.hpp>
#include <tessera/ndimage/common.hpp>
#include <tessera/ndimage/filters.hpp>
#include <tessera/ndimage/kernels/interpolation.hpp>
#include <tessera/ndimage/lines.hpp>
#include <tessera/ndimage/window.hpp>
#include <tessera/runtime/rows.hpp>
#include <tessera/runtime/visit.hpp>

namespace tessera::ndimage {
namespace {

constexpr int most_order = 5;
using Integers = std::vector<std::int64_t>;

void check_order(std::string_view function, int order, int least = 0) {
  if (order < least || order > most_order)
    throw RuntimeError(
        fmt::format("{}: order must be from {} to {}, got {}", function, least, most_order, order));
}

// Real functions on the parts of complex numbers.
Array by_parts(const Array& x, std::optional<DType> output,
               const std::function<Array(const Array&, std::optional<DType>, bool imaginary)>& of) {
  if (!is_complex(x.dtype())) return of(detail::in_rows(x), output, false);
  const DType dtype = promote(output.value_or(x.dtype()), DType::complex64);
  const DType part = real_of(dtype);
  return as_output(of(detail::in_rows(real(x)), part, false) +
                       of(detail::in_rows(imag(x)), part, true) * std::complex<double>(0, 1),
                   dtype);
}

SplineEnds ends_of(Beyond mode) {
  if (mode == Beyond::grid_wrap) return SplineEnds::wrap;
  return mode == Beyond::nearest || mode == Beyond::reflect ? SplineEnds::reflect
                                                            : SplineEnds::mirror;
}

// Coefficients of lines along an axis of which every process has whole ones: not the first of rows.
Array filtered_lines(const Array& x, int order, std::int64_t axis, SplineEnds ends) {
  const Array out = detail::room_for(x.shape(), DType::float64, x.distribution(), x.comm());
  const Array from = as_output(x, DType::float64);
  const Shape& shape = x.shape();
  const std::int64_t n = shape[z(axis)];
  const std::int64_t inner =
      std::accumulate(shape.begin() + axis + 1, shape.end(), std::int64_t{1}, std::multiplies<>());
  const std::int64_t all = x.local_rows().size() * x.cols();
  if (all == 0) return out;
  const std::int64_t outer = all / (n * inner);
  std::copy_n(from.local().as<const double>(), all, out.local().as<double>());
  constexpr std::int64_t most = 256;
  const std::int64_t pieces = (inner + most - 1) / most;
  parallel_for({0, outer * pieces}, Runtime::threads(), [&](std::int64_t i, Stream& stream) {
    const std::int64_t first = i % pieces * most;
    const Tile lines = tile_of(out.local().as<double>() + i / pieces * n * inner, n, inner, inner);
    interpolators().spline_filter(stream, lines.columns(first, std::min(most, inner - first)),
                                  order, ends);
  });
  return out;
}

Array filtered(const Array& x, int order, std::int64_t axis, SplineEnds ends) {
  return with_whole_lines({x}, axis, [&](const std::vector<Array>& images, std::int64_t there) {
    return std::vector{filtered_lines(images[0], order, there, ends)};
  })[0];
}

// x with `by` more elements before and behind along some axes.
Array padded(const Array& x, std::int64_t by, const std::vector<bool>& along, bool nearest,
             double cval) {
  Shape shape = x.shape();
  for (std::size_t d = 0; d < shape.size(); ++d) shape[d] += along[d] ? 2 * by : 0;
  const Array out = detail::room_for(
      shape, DType::float64, detail::settled(shape, detail::is_replicated(x), x.comm()), x.comm());
  const Mode mode = nearest ? Mode::nearest : Mode::constant;
  const std::int64_t up = along[0] ? by : 0;
  const Array from = as_output(x, DType::float64);
  const Window window(from, [&](int rank) {
    const Range own = out.distribution().rows_of(rank);
    return source_ranges({own.begin - up, own.end - up}, x.rows(), mode);
  });
  const Range own = out.local_rows();
  const auto from_strides = detail::strides_of(x.shape()), to_strides = detail::strides_of(shape);
  parallel_for({own.begin, own.end}, Runtime::threads(), [&](std::int64_t i, Stream&) {
    double* to = out.local().as<double>() + (i - own.begin) * out.cols();
    const std::int64_t row = source_index(i - up, x.rows(), mode);
    const auto* source = row < 0 ? nullptr : reinterpret_cast<const double*>(window.row(row));
    for (std::int64_t j = 0; j < out.cols(); ++j) {
      bool inside = source != nullptr;
      std::int64_t at = 0;
      for (std::size_t d = 1; inside && d < shape.size(); ++d) {
        const std::int64_t k =
            source_index(j / to_strides[d] % shape[d] - (along[d] ? by : 0), x.shape()[d], mode);
        inside = k >= 0;
        at += k * from_strides[d];
      }
      to[j] = inside ? source[at] : cval;
    }
  });
  return out;
}

/// Where a coordinate beyond the ends of n elements stands for one within; -1 for the constant.
double within(double at, std::int64_t n, Beyond mode) {
  const auto length = static_cast<double>(n);
  if (at >= 0 && at <= length - 1) return at;
  const auto whole = [](double v) { return std::trunc(v); };
  switch (mode) {
    case Beyond::constant:
      return -1;
    case Beyond::grid_constant:
      return at;
    case Beyond::nearest:
      return at < 0 ? 0 : length - 1;
    case Beyond::mirror: {
      if (n <= 1) return 0;
      const double period = 2 * length - 2;
      if (at < 0) {
        at += period * whole(-at / period);
        return at <= 1 - length ? at + period : -at;
      }
      at -= period * whole(at / period);
      return at >= length ? period - at : at;
    }
    case Beyond::reflect: {
      if (n <= 1) return 0;
      const double period = 2 * length;
      if (at < 0) {
        if (at < -period) at += period * whole(-at / period);
        return at < -length ? at + period : (at > -1e-15 ? 1e-15 : -at) - 1;
      }
      at -= period * whole(at / period);
      return at >= length ? period - at - 1 : at;
    }
    case Beyond::wrap: {
      if (n <= 1) return 0;
      const double period = length - 1;
      return at < 0 ? at + period * (whole(-at / period) + 1) : at - period * whole(at / period);
    }
    case Beyond::grid_wrap:
      if (n <= 1) return 0;
      return at < 0 ? at + length * (whole((-1 - at) / length) + 1)
                    : at - length * whole(at / length);
  }
  return -1;
}

// The weights of the elements around a coordinate, the last of which is what is missing to 1.
void weights_of(double at, int order, double* w) {
  const double x = at - std::floor(order % 2 == 1 ? at : at + 0.5), y = 1 - x;
  switch (order) {
    case 1:
      w[0] = 1 - x;
      break;
    case 2:
      w[1] = 0.75 - x * x;
      w[0] = 0.5 * (0.5 - x) * (0.5 - x);
      break;
    case 3:
      w[1] = (x * x * (x - 2) * 3 + 4) / 6;
      w[2] = (y * y * (y - 2) * 3 + 4) / 6;
      w[0] = y * y * y / 6;
      break;
    case 4: {
      const auto side = [](double t) {
        return t * (t * (t * (5 - t) / 6 - 1.25) + 5.0 / 24) + 55.0 / 96;
      };
      w[2] = x * x * (x * x * 0.25 - 0.625) + 115.0 / 192;
      w[1] = side(1 + x);
      w[3] = side(1 - x);
      w[0] = std::pow(0.5 - x, 4) / 24;
      break;
    }
    default: {
      const auto middle = [](double t) { return t * t * (t * t * (0.25 - t / 12) - 0.5) + 0.55; };
      const auto side = [](double t) {
        return t * (t * (t * (t * (t / 24 - 0.375) + 1.25) - 1.75) + 0.625) + 0.425;
      };
      w[2] = middle(x);
      w[3] = middle(y);
      w[1] = side(x + 1);
      w[4] = side(y + 1);
      w[0] = y * y * y * y * y / 120;
    }
  }
  w[order] = 1;
  for (int k = 0; k < order; ++k) w[order] -= w[k];
}

/// What one element of the result comes from along an axis.
struct Support {
  std::int64_t at[most_order + 1];  // -1: the constant
  double weights[most_order + 1];
};

/// An image of coefficients and how it is looked at.
struct Image {
  Array x;
  std::vector<int> orders;  // along each axis
  Beyond mode;
  double cval;
  double pad = 0;  // elements that are before its first one
  std::vector<bool> pads;

  /// False where all of it is the constant.
  bool support(std::size_t axis, double at, Support& s, bool weights) const {
    const std::int64_t n = x.shape()[axis];
    const int order = orders[axis];
    at += pads[axis] ? pad : 0;
    // Beyond the ends of `nearest` the elements around a coordinate are those at the end.
    at = mode == Beyond::nearest ? std::clamp(at, -10.0, static_cast<double>(n) + 10)
                                 : within(at, n, mode);
    if (mode != Beyond::grid_constant && mode != Beyond::nearest && !(at > -1)) return false;
    const double base = std::floor(order % 2 == 1 ? at : at + 0.5);
    if (!(std::abs(base) < 9e15)) return false;
    const std::int64_t start = static_cast<std::int64_t>(base) - order / 2;
    const Beyond ends = mode == Beyond::constant || mode == Beyond::wrap ? Beyond::mirror : mode;
    for (int k = 0; k <= order; ++k) {
      std::int64_t i = start + k;
      if (i < 0 || i >= n)
        i = ends == Beyond::grid_constant
                ? -1
                : static_cast<std::int64_t>(within(static_cast<double>(i), n, ends));
      s.at[k] = i;
    }
    if (weights && order > 0) weights_of(at, order, s.weights);
    return true;
  }
};

// Integers are rounded, those without a sign cut off.
double rounded(double v, DType dtype) {
  if (is_signed_integer(dtype)) return v > 0 ? v + 0.5 : v - 0.5;
  if (dtype == DType::boolean) return std::trunc(v);
  if (!is_unsigned_integer(dtype)) return v;
  const double most = std::ldexp(1.0, 8 * static_cast<int>(size_of(dtype))) - 1;
  return std::clamp(v > 0 ? v + 0.5 : 0, 0.0, most);
}

Array interpolated(const Image& image, const Mapping& mapping, const Shape& shape, DType dtype) {
  const Array& x = image.x;
  const std::size_t ndim = x.shape().size();
  const Array out = detail::room_for(
      shape, DType::float64, detail::settled(shape, detail::is_replicated(x), x.comm()), x.comm());
  const Range own = out.local_rows();
  const std::int64_t n = own.size() * out.cols();
  constexpr std::int64_t piece = 4096;
  const std::int64_t pieces = (n + piece - 1) / piece;
  // visit(which element of the result, its coordinates) in a piece
  const auto visit_piece = [&](std::int64_t p, const auto& visit) {
    Integers at(shape.size());
    std::vector<double> from(ndim);
    auto left = own.begin * out.cols() + p * piece;
    for (std::size_t d = shape.size(); d-- > 0; left /= shape[d]) at[d] = left % shape[d];
    for (std::int64_t i = p * piece; i < std::min(n, (p + 1) * piece); ++i) {
      mapping(at, from);
      visit(i, from);
      for (std::size_t d = shape.size(); d-- > 0;) {
        if (++at[d] < shape[d] || d == 0) break;
        at[d] = 0;
      }
    }
  };
  const bool empty = x.size() == 0;
  // Which rows of the image are needed here, and at every process.
  std::vector<Range> needs(z(pieces), Range{std::numeric_limits<std::int64_t>::max(), 0});
  Range mine{std::numeric_limits<std::int64_t>::max(), 0};
  together(x.comm(), [&] {
    parallel_for({0, empty ? 0 : pieces}, Runtime::threads(), [&](std::int64_t p, Stream&) {
      Support s;
      visit_piece(p, [&](std::int64_t, std::span<const double> from) {
        if (!image.support(0, from[0], s, false)) return;
        for (int k = 0; k <= image.orders[0]; ++k)
          if (s.at[k] >= 0)
            needs[z(p)] = {std::min(needs[z(p)].begin, s.at[k]),
                           std::max(needs[z(p)].end, s.at[k] + 1)};
      });
    });
    for (const Range& r : needs) mine = {std::min(mine.begin, r.begin), std::max(mine.end, r.end)};
  });
  if (mine.end == 0) mine = {0, 0};
  const auto all = x.comm().all_gather(mine);
  const Window window(x, [&](int rank) {
    const Range r = all[z(rank)];
    return r.size() > 0 ? std::vector<Range>{r} : std::vector<Range>{};
  });
  std::vector<const double*> rows;
  for (std::int64_t i = mine.begin; i < mine.end; ++i)
    rows.push_back(reinterpret_cast<const double*>(window.row(i)));

  const auto strides = detail::strides_of(x.shape());
  auto* y = out.local().as<double>();
  together(x.comm(), [&] {
    parallel_for({0, pieces}, Runtime::threads(), [&](std::int64_t p, Stream&) {
      std::vector<Support> s(ndim);
      std::vector<int> k(ndim);
      visit_piece(p, [&](std::int64_t i, std::span<const double> from) {
        bool inside = !empty;
        for (std::size_t d = 0; inside && d < ndim; ++d)
          inside = image.support(d, from[d], s[d], true);
        if (!inside) {
          y[i] = rounded(image.cval, dtype);
          return;
        }
        double sum = 0;
        std::fill(k.begin(), k.end(), 0);
        for (bool more = true; more;) {
          const double* row = s[0].at[k[0]] < 0 ? nullptr : rows[z(s[0].at[k[0]] - mine.begin)];
          std::int64_t at = 0;
          for (std::size_t d = 1; row && d < ndim; ++d) {
            const std::int64_t e = s[d].at[k[d]];
            if (e < 0) row = nullptr;
            at += e * strides[d];
          }
          double value = row ? row[at] : image.cval;
          for (std::size_t d = 0; d < ndim; ++d)
            if (image.orders[d] > 0) value *= s[d].weights[k[d]];
          sum += value;
          more = false;
          for (std::size_t d = ndim; d-- > 0 && !more;) {
            more = ++k[d] <= image.orders[d];
            if (!more) k[d] = 0;
          }
        }
        y[i] = rounded(sum, dtype);
      });
    });
  });
  return as_output(out, dtype);
}

// What all functions share: x becomes coefficients along some axes, which are interpolated.
Array transformed(std::string_view function, const Array& given, const Mapping& mapping,
                  const Shape& shape, const Interpolation& how, const std::vector<bool>& along) {
  check_order(function, how.order);
  if (given.ndim() < 1 || shape.empty())
    throw RuntimeError(
        fmt::format("{} needs an image and a result with an axis at least", function));
  return by_parts(
      given, how.output, [&](const Array& x, std::optional<DType> output, bool imaginary) {
        const double cval = imaginary ? 0 : how.cval;
        Image image{x, {}, how.mode, cval, 0, std::vector<bool>(along.size(), false)};
        for (const bool a : along) image.orders.push_back(a ? how.order : 0);
        if (how.prefilter && how.order > 1 && x.size() > 0) {
          if (how.mode == Beyond::nearest || how.mode == Beyond::grid_constant) {
            // The spline does not know how these go on: it gets some elements of that.
            constexpr std::int64_t more = 12;
            image.x = padded(x, more, along, how.mode == Beyond::nearest, cval);
            image.pad = more;
            image.pads = along;
          }
          for (std::size_t d = 0; d < along.size(); ++d)
            if (along[d])
              image.x =
                  filtered(image.x, how.order, static_cast<std::int64_t>(d), ends_of(how.mode));
        }
        image.x = as_output(image.x, DType::float64);
        return interpolated(image, mapping, shape, output.value_or(x.dtype()));
      });
}

std::vector<bool> all_axes(const Array& x) { return std::vector<bool>(z(x.ndim()), true); }

}  // namespace

Beyond beyond_of(std::string_view word) {
  constexpr std::pair<std::string_view, Beyond> words[] = {{"constant", Beyond::constant},
                                                           {"nearest", Beyond::nearest},
                                                           {"mirror", Beyond::mirror},
                                                           {"reflect", Beyond::reflect},
                                                           {"wrap", Beyond::wrap},
                                                           {"grid-mirror", Beyond::reflect},
                                                           {"grid-constant", Beyond::grid_constant},
                                                           {"grid-wrap", Beyond::grid_wrap}};
  for (const auto& [name, mode] : words)
    if (name == word) return mode;
  mode_of(word);  // which throws
  return Beyond::constant;
}

Array spline_filter1d(const Array& x, int order, std::int64_t axis, std::optional<DType> output,
                      Beyond mode) {
  check_order("spline_filter1d", order);
  const auto d = detail::checked_axis(axis, x.ndim());
  return by_parts(x, output, [&](const Array& y, std::optional<DType> dtype, bool) {
    return as_output(order < 2 ? y : filtered(y, order, d, ends_of(mode)),
                     dtype ? dtype : y.dtype());
  });
}

Array spline_filter(const Array& x, int order, std::optional<DType> output, Beyond mode) {
  check_order("spline_filter", order, 2);
  Array y = x;
  for (std::int64_t d = 0; d < x.ndim(); ++d)
    y = spline_filter1d(y, order, d, output ? output : x.dtype(), mode);
  return x.ndim() == 0 ? as_output(x, output) : y;
}

Array geometric_transform(const Array& x, const Mapping& mapping, const Shape& shape,
                          const Interpolation& how) {
  return transformed("geometric_transform", x, mapping, shape, how, all_axes(x));
}

Array map_points(const Array& x, const Array& given, const Interpolation& how) {
  if (is_complex(given.dtype()))
    throw TypeError(
        fmt::format("map_coordinates takes real coordinates, not {}", name_of(given.dtype())));
  if (given.ndim() < 2 || given.shape().back() != x.ndim())
    throw RuntimeError(fmt::format("map_coordinates needs coordinates along {} axes, got shape {}",
                                   x.ndim(), to_string(given.shape())));
  const Shape shape(given.shape().begin(), given.shape().end() - 1);
  const auto d = detail::settled(shape, detail::is_replicated(x), x.comm());
  const Array points = redistribute(as_output(given, DType::float64), d);
  const auto strides = detail::strides_of(points.shape());
  const auto* p = points.local().as<const double>() - points.local_rows().begin * strides[0];
  return transformed(
      "map_coordinates", x,
      [&](std::span<const std::int64_t> at, std::span<double> from) {
        std::int64_t i = 0;
        for (std::size_t k = 0; k < at.size(); ++k) i += at[k] * strides[k];
        std::copy_n(p + i, from.size(), from.begin());
      },
      shape, how, all_axes(x));
}

Array map_coordinates(const Array& x, const Array& coordinates, const Interpolation& how) {
  if (coordinates.ndim() < 2 || coordinates.shape()[0] != x.ndim())
    throw RuntimeError(fmt::format("map_coordinates needs coordinates along {} axes, got shape {}",
                                   x.ndim(), to_string(coordinates.shape())));
  return map_points(x, moveaxis(coordinates, {0}, {-1}), how);
}

Array affine_transform(const Array& x, const Array& given, const std::vector<double>& offset,
                       const std::optional<Shape>& shape, const Interpolation& how) {
  const Shape result = shape.value_or(x.shape());
  const auto n = z(x.ndim());
  std::vector<double> matrix = host_numbers(given),
                      by = per_axis("affine_transform", "offset", offset, n);
  if (given.ndim() != 1 && given.ndim() != 2)
    throw RuntimeError(fmt::format("affine_transform needs a matrix or its diagonal, got shape {}",
                                   to_string(given.shape())));
  auto rows = z(given.shape()[0]), cols = given.ndim() == 2 ? z(given.shape()[1]) : 0;
  if (given.ndim() == 2 && cols == n + 1 && (rows == n || rows == n + 1)) {
    if (rows == n + 1)
      for (std::size_t k = 0; k <= n; ++k)
        if (matrix[n * cols + k] != (k == n ? 1 : 0))
          throw ValueError(
              "affine_transform needs a homogeneous matrix whose last row is 0 ... 0 1");
    std::vector<double> inside;
    for (std::size_t h = 0; h < n; ++h) {
      by[h] = matrix[h * cols + n];
      for (std::size_t l = 0; l < n; ++l) inside.push_back(matrix[h * cols + l]);
    }
    matrix = inside;
    rows = cols = n;
  }
  if (rows != n || (given.ndim() == 2 ? cols : n) != result.size())
    throw RuntimeError(fmt::format("affine_transform needs a matrix of shape ({}, {}), got {}", n,
                                   result.size(), to_string(given.shape())));
  const bool diagonal = given.ndim() == 1;
  return transformed(
      "affine_transform", x,
      [&, diagonal](std::span<const std::int64_t> at, std::span<double> from) {
        for (std::size_t h = 0; h < from.size(); ++h) {
          if (diagonal) {
            from[h] = (static_cast<double>(at[h]) + by[h] / matrix[h]) * matrix[h];
            continue;
          }
          double sum = by[h];
          for (std::size_t l = 0; l < at.size(); ++l)
            sum += static_cast<double>(at[l]) * matrix[h * at.size() + l];
          from[h] = sum;
        }
      },
      result, how, all_axes(x));
}

Array shift(const Array& x, const std::vector<double>& by, const Interpolation& how) {
  const auto all = per_axis("shift", "shift", by, z(x.ndim()));
  return transformed(
      "shift", x,
      [&](std::span<const std::int64_t> at, std::span<double> from) {
        for (std::size_t d = 0; d < from.size(); ++d) from[d] = static_cast<double>(at[d]) - all[d];
      },
      x.shape(), how, all_axes(x));
}

Array zoom(const Array& x, const std::vector<double>& by, const Interpolation& how,
           bool grid_mode) {
  const auto all = per_axis("zoom", "zoom", by, z(x.ndim()));
  Shape shape;
  std::vector<double> step;
  for (std::size_t d = 0; d < all.size(); ++d) {
    const auto extent = static_cast<double>(x.shape()[d]);
    if (!(all[d] >= 0 && extent * all[d] < 9e15))
      throw ValueError(fmt::format("zoom must be 0 or more and finite, got {}", all[d]));
    shape.push_back(static_cast<std::int64_t>(std::nearbyint(extent * all[d])));
    const auto less = grid_mode ? 0.0 : 1.0;
    const double steps = static_cast<double>(shape[d]) - less;
    step.push_back(steps != 0 ? (extent - less) / steps : 1.0);
  }
  if (how.prefilter && std::all_of(all.begin(), all.end(), [](double v) { return v == 1; })) {
    check_order("zoom", how.order);
    return as_output(x, how.output);
  }
  return transformed(
      "zoom", x,
      [&](std::span<const std::int64_t> at, std::span<double> from) {
        for (std::size_t d = 0; d < from.size(); ++d) {
          const auto i = static_cast<double>(at[d]);
          from[d] = grid_mode ? (i + 0.5) * step[d] - 0.5 : i * step[d];
        }
      },
      shape, how, all_axes(x));
}

Array rotate(const Array& x, double angle, const std::vector<std::int64_t>& given, bool reshape,
             const Interpolation& how) {
  if (x.ndim() < 2)
    throw ValueError(fmt::format("rotate needs an image of 2 axes or more, got {}", x.ndim()));
  if (given.size() != 2) throw ValueError(fmt::format("rotate needs 2 axes, got {}", given.size()));
  Integers axes;
  for (const auto axis : given) axes.push_back(detail::checked_axis(axis, x.ndim()));
  std::sort(axes.begin(), axes.end());
  const auto a = z(axes[0]), b = z(axes[1]);
  // Exact at quarters of a turn.
  const double turn = std::fmod(angle, 360.0), quarter = std::fmod(turn, 90.0);
  double c = std::cos(turn * std::numbers::pi / 180), s = std::sin(turn * std::numbers::pi / 180);
  if (quarter == 0) {
    c = std::nearbyint(c);
    s = std::nearbyint(s);
  }
  Shape shape = x.shape();
  const auto extent = [&](const Shape& of, std::size_t d) { return static_cast<double>(of[d]); };
  if (reshape) {
    // How far the corners reach.
    const double high = extent(x.shape(), a), wide = extent(x.shape(), b);
    const auto reach = [&](double first, double second) {
      const auto [least, most] =
          std::minmax({0.0, first * high, second * wide, first * high + second * wide});
      return static_cast<std::int64_t>(most - least + 0.5);
    };
    shape[a] = reach(c, s);
    shape[b] = reach(-s, c);
  }
  const double middle_a = (extent(shape, a) - 1) / 2, middle_b = (extent(shape, b) - 1) / 2;
  const double by_a = (extent(x.shape(), a) - 1) / 2 - (c * middle_a + s * middle_b);
  const double by_b = (extent(x.shape(), b) - 1) / 2 - (-s * middle_a + c * middle_b);
  std::vector<bool> along(z(x.ndim()), false);
  along[a] = along[b] = true;
  return transformed(
      "rotate", x,
      [=](std::span<const std::int64_t> at, std::span<double> from) {
        for (std::size_t d = 0; d < from.size(); ++d) from[d] = static_cast<double>(at[d]);
        const auto i = static_cast<double>(at[a]), j = static_cast<double>(at[b]);
        from[a] = by_a + i * c + j * s;
        from[b] = by_b + i * -s + j * c;
      },
      shape, how, along);
}

}  // namespace tessera::ndimage
