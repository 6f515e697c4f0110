#include <tessera/ndimage/morphology.hpp>

#include <algorithm>
#include <cstdlib>

#include <tessera/array/elementwise.hpp>
#include <tessera/array/layout.hpp>
#include <tessera/array/manipulation.hpp>
#include <tessera/array/statistics.hpp>
#include <tessera/ndimage/common.hpp>
#include <tessera/ndimage/measurements.hpp>
#include <tessera/runtime/error.hpp>

namespace tessera::ndimage {
namespace {

using Integers = std::vector<std::int64_t>;

Array booleans(std::string_view function, const Array& x) {
  if (is_complex(x.dtype()))
    throw TypeError(fmt::format("{} takes real numbers, not {}", function, name_of(x.dtype())));
  return x.dtype() == DType::boolean ? detail::in_rows(x) : detail::in_rows(x) != 0;
}

bool is_true(const Array& x) { return gather(x).astype(DType::boolean).values<bool>()[0]; }

/// Erosion or dilation by a structure, as often as is asked for.
class Repeated {
 public:
  Repeated(std::string_view function, const Array& x, const Binary& how, bool dilates)
      : dilates_(dilates), mask_(how.mask) {
    const Integers axes = checked_axes(how.axes, x.ndim());
    if (how.structure)
      structure_ = booleans(function, how.structure);
    else
      structure_ = generate_binary_structure(std::ssize(axes), 1, x.comm());
    if (structure_.ndim() != std::ssize(axes))
      throw RuntimeError(fmt::format("{} needs a structure with {} axes, got shape {}", function,
                                     axes.size(), to_string(structure_.shape())));
    if (structure_.size() < 1)
      throw RuntimeError(fmt::format("{} needs a structure with elements", function));
    if (mask_) {
      mask_ = booleans(function, mask_);
      if (mask_.shape() != x.shape())
        throw RuntimeError(fmt::format("{} needs a mask of shape {}, got {}", function,
                                       to_string(x.shape()), to_string(mask_.shape())));
    }
    filter_.axes = axes;
    filter_.mode = {Mode::constant};
    filter_.cval = how.border_value ? 1 : 0;
    filter_.origin = how.origin;
    if (dilates) {
      structure_ = flip(structure_);
      filter_.origin = mirrored_origins(function, how.origin, axes,
                                        [&](std::size_t i) { return structure_.shape()[i]; });
    }
    filter_ = in_order(function, filter_, x.ndim());
    nothing_ = !is_true(any(structure_));
  }

  /// One step.
  Array once(const Array& x) const {
    if (nothing_) return masked(dilates_ ? x & logical_not(x) : x | logical_not(x), x);
    const Footprint around{{}, structure_};
    return masked(
        dilates_ ? maximum_filter(x, around, filter_) : minimum_filter(x, around, filter_), x);
  }
  Array operator()(Array x, std::int64_t iterations) const {
    if (iterations >= 1) {
      for (; iterations > 0; --iterations) x = once(x);
      return x;
    }
    x = once(x);
    if (joins()) return filled(x);
    for (;;) {
      const Array next = once(x);
      if (!is_true(any(next != x))) return x;
      x = next;
    }
  }

 private:
  static Array true_like(const Array& x) { return x == x; }
  Array masked(const Array& next, const Array& before) const {
    return mask_ ? where(mask_, next, before) : next;
  }
  // Whether elements that are neighbours once are so for ever, both ways: then what is reached in
  // the end is whole objects.
  bool joins() const {
    if (structure_.ndim() != std::ssize(*filter_.axes) || filter_.axes->empty()) return false;
    for (const auto extent : structure_.shape())
      if (extent != 3) return false;
    for (const auto origin : filter_.origin)
      if (origin != 0) return false;
    const std::vector<double> s = host_numbers(structure_);
    return s[s.size() / 2] != 0 && std::equal(s.begin(), s.end(), s.rbegin());
  }
  // What x, after a step, comes to.
  Array filled(const Array& x) const {
    const Array from = dilates_ ? x : logical_not(x);
    const Array allowed = mask_ ? from | mask_ : true_like(x);
    std::vector<std::int64_t> shape(z(x.ndim()), 1);
    for (std::size_t i = 0; i < filter_.axes->size(); ++i) shape[z((*filter_.axes)[i])] = 3;
    const Array reached = objects_with(allowed, from, structure_for_label(shape));
    return dilates_ ? reached : logical_not(reached);
  }
  // The structure with 3 elements along every axis, those of other axes false.
  Array structure_for_label(const Shape& shape) const {
    const std::vector<double> s = host_numbers(structure_);
    auto axes = *filter_.axes;
    std::ranges::sort(axes);  // which the structure's follow
    const auto strides = detail::strides_of(structure_.shape());
    std::vector<std::uint8_t> all(z(element_count(Shape(shape.size(), 3))), 0);
    for (std::size_t k = 0; k < all.size(); ++k) {
      auto left = static_cast<std::int64_t>(k);
      std::int64_t at = 0;
      bool inside = true;
      for (std::size_t d = shape.size(); d-- > 0; left /= 3) {
        const auto axis = std::find(axes.begin(), axes.end(), static_cast<std::int64_t>(d));
        if (axis == axes.end())
          inside = inside && left % 3 == 1;
        else
          at += left % 3 * strides[z(axis - axes.begin())];
      }
      all[k] = inside && s[z(at)] != 0;
    }
    return replicated(all, Shape(shape.size(), 3), structure_.comm()) != 0;
  }

  bool dilates_;
  Array mask_, structure_;
  Filter filter_;
  bool nothing_ = false;
};

Array repeated(std::string_view function, const Array& x, const Binary& how, bool dilates) {
  return Repeated(function, x, how, dilates)(booleans(function, x), how.iterations);
}

Filter mirrored(std::string_view function, const Array& x, const Footprint& around,
                const Filter& filter) {
  const Integers axes = checked_axes(filter.axes, x.ndim());
  const Array& box = around.footprint ? around.footprint : around.structure;
  const Integers sizes =
      box ? Integers(box.shape()) : per_axis(function, "size", around.size, axes.size());
  if (sizes.size() != axes.size())
    throw RuntimeError(fmt::format("{} needs footprint and structure with {} axes, got {}",
                                   function, axes.size(), sizes.size()));
  Filter there = filter;
  there.origin =
      mirrored_origins(function, filter.origin, axes, [&](std::size_t i) { return sizes[i]; });
  return there;
}

void needs_neighbours(std::string_view function, const Footprint& around) {
  if (around.size.empty() && !around.footprint && !around.structure)
    throw ValueError(fmt::format("{} needs size, footprint or structure", function));
}

Filter without_output(Filter filter) {
  filter.output = {};
  return filter;
}

// a - b, and of booleans where they differ, as `dtype`.
Array less(const Array& a, const Array& b, DType dtype) {
  if (a.dtype() == DType::boolean && b.dtype() == DType::boolean) return a ^ b;
  return as_output(a - b, dtype);
}

}  // namespace

Array generate_binary_structure(std::int64_t rank, std::int64_t connectivity,
                                const Communicator& comm) {
  if (rank > 20) throw ValueError(fmt::format("rank must be at most 20, got {}", rank));
  const Shape shape(z(std::max<std::int64_t>(rank, 0)), 3);
  std::vector<std::uint8_t> all(z(element_count(shape)));
  for (std::size_t k = 0; k < all.size(); ++k) {
    std::int64_t differs = 0;
    for (auto left = k, d = shape.size(); d-- > 0; left /= 3) differs += left % 3 != 1 ? 1 : 0;
    all[k] = differs <= std::max<std::int64_t>(connectivity, 1) ? 1 : 0;
  }
  return replicated(all, shape, comm).astype(DType::boolean);
}

Array iterate_structure(const Array& given, std::int64_t iterations) {
  const Array structure = gather(booleans("iterate_structure", given));
  if (iterations < 2) return structure;
  const std::int64_t more = iterations - 1;
  Shape shape = structure.shape();
  const Shape small = shape;
  for (auto& extent : shape) extent += more * (extent - 1);
  std::vector<std::uint8_t> all(z(element_count(shape)), 0);
  const auto s = structure.values<bool>();
  for (std::size_t k = 0; k < s.size(); ++k) {
    auto left = static_cast<std::int64_t>(k);
    std::int64_t at = 0, stride = 1;
    for (std::size_t d = shape.size(); d-- > 0; left /= small[d]) {
      at += (left % small[d] + more * (small[d] / 2)) * stride;
      stride *= shape[d];
    }
    all[z(at)] = s[k] ? 1 : 0;
  }
  const Array out = replicated(all, shape, structure.comm()).astype(DType::boolean);
  return gather(binary_dilation(out, {.structure = structure, .iterations = more}));
}

Array binary_erosion(const Array& x, const Binary& how) {
  return repeated("binary_erosion", x, how, false);
}
Array binary_dilation(const Array& x, const Binary& how) {
  return repeated("binary_dilation", x, how, true);
}
Array binary_opening(const Array& x, const Binary& how) {
  return repeated("binary_opening", repeated("binary_opening", x, how, false), how, true);
}
Array binary_closing(const Array& x, const Binary& how) {
  return repeated("binary_closing", repeated("binary_closing", x, how, true), how, false);
}
Array binary_propagation(const Array& x, Binary how) {
  how.iterations = -1;
  return repeated("binary_propagation", x, how, true);
}
Array binary_fill_holes(const Array& x, Binary how) {
  const Array holes = logical_not(detail::in_rows(x) != 0);
  how.iterations = -1;
  how.mask = holes;
  how.border_value = true;
  return logical_not(repeated("binary_fill_holes", holes & logical_not(holes), how, true));
}

Array binary_hit_or_miss(const Array& x, const Array& structure1, const Array& structure2,
                         const Integers& origin1, const Integers& origin2,
                         const std::optional<Integers>& axes) {
  const std::string_view function = "binary_hit_or_miss";
  const Array y = booleans(function, x);
  const auto n = std::ssize(checked_axes(axes, x.ndim()));
  const Array one =
      structure1 ? booleans(function, structure1) : generate_binary_structure(n, 1, x.comm());
  const Array two = structure2 ? structure2 : logical_not(one);
  const Array fits = binary_erosion(y, {.structure = one, .origin = origin1, .axes = axes});
  const Array misses = binary_erosion(
      logical_not(y), {.structure = two, .border_value = true, .origin = origin2, .axes = axes});
  return fits & misses;
}

Array grey_erosion(const Array& x, const Footprint& around, const Filter& filter) {
  needs_neighbours("grey_erosion", around);
  return minimum_filter(x, around, filter);
}
Array grey_dilation(const Array& x, const Footprint& around, const Filter& filter) {
  needs_neighbours("grey_dilation", around);
  Footprint there = around;
  if (around.footprint) there.footprint = flip(gather(around.footprint));
  if (around.structure) there.structure = flip(gather(around.structure));
  return maximum_filter(x, there, mirrored("grey_dilation", x, around, filter));
}
Array grey_opening(const Array& x, const Footprint& around, const Filter& filter) {
  return grey_dilation(grey_erosion(x, around, without_output(filter)), around, filter);
}
Array grey_closing(const Array& x, const Footprint& around, const Filter& filter) {
  return grey_erosion(grey_dilation(x, around, without_output(filter)), around, filter);
}
Array morphological_gradient(const Array& x, const Footprint& around, const Filter& filter) {
  const Array high = grey_dilation(x, around, without_output(filter));
  return less(high, grey_erosion(x, around, without_output(filter)), high.dtype());
}
Array morphological_laplace(const Array& x, const Footprint& around, const Filter& filter) {
  const Filter plain = without_output(filter);
  return grey_dilation(x, around, plain) + grey_erosion(x, around, plain) - x - x;
}
Array white_tophat(const Array& x, const Footprint& around, const Filter& filter) {
  const Array opened = grey_opening(x, around, filter);
  return less(detail::in_rows(x), opened, opened.dtype());
}
Array black_tophat(const Array& x, const Footprint& around, const Filter& filter) {
  const Array closed = grey_closing(x, around, filter);
  return less(closed, detail::in_rows(x), closed.dtype());
}

}  // namespace tessera::ndimage
