#include <tessera/array/fft.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include <tessera/array/convert.hpp>
#include <tessera/array/elementwise.hpp>
#include <tessera/array/fft_lines.hpp>
#include <tessera/array/layout.hpp>
#include <tessera/array/manipulation.hpp>
#include <tessera/array/promotion.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/index.hpp>

namespace tessera::fft {
namespace {

using fourier::Kind;
using tessera::detail::z;

// x in an inexact dtype.
Array inexact_of(const Array& x) {
  return detail::cast(x, inexact.has(x.dtype()) ? x.dtype() : DType::float64);
}
Array complex_lines(const Array& given) {
  const Array x = inexact_of(given);
  return detail::cast(x, complex_of(x.dtype()));
}
Array real_lines(const Array& given, std::string_view function) {
  if (is_complex(given.dtype()))
    throw TypeError(fmt::format("{} takes real numbers, not {}", function, name_of(given.dtype())));
  return inexact_of(given);
}

double factor_of(std::int64_t n, Norm norm, bool backward) {
  if (norm == Norm::ortho) return 1 / std::sqrt(static_cast<double>(n));
  return backward == (norm == Norm::backward) ? 1 / static_cast<double>(n) : 1;
}

Norm swapped(Norm norm) {
  if (norm == Norm::ortho) return norm;
  return norm == Norm::backward ? Norm::forward : Norm::backward;
}

std::int64_t checked(std::string_view function, std::int64_t n) {
  if (n < 1)
    throw ValueError(fmt::format("{} needs at least 1 element in a line, got {}", function, n));
  return n;
}
std::int64_t axis_of(std::string_view function, const Array& x, std::int64_t axis) {
  if (x.ndim() == 0)
    throw ValueError(fmt::format("{} needs an array of one dimension at least", function));
  return detail::checked_axis(axis, x.ndim());
}

// One transform of a function of that name; n: nothing for as many as there are.
Array one(std::string_view function, const Array& x, Length n, std::int64_t given_axis, Norm norm,
          Kind kind) {
  const std::int64_t axis = axis_of(function, x, given_axis);
  const std::int64_t extent = x.shape()[z(axis)];
  const std::int64_t length =
      checked(function, n.value_or(kind == Kind::from_half ? 2 * (extent - 1) : extent));
  const bool backward = kind == Kind::backward || kind == Kind::from_half;
  return detail::transform_lines(x, axis, kind, length, factor_of(length, norm, backward));
}

struct Plan {
  Axes axes;
  std::vector<Length> lengths;
};
// Axes and lengths of a transform along several.
Plan plan_of(std::string_view function, const Array& x, const Lengths& s, const Lengths& axes) {
  Plan plan;
  if (axes) {
    plan.axes = detail::checked_axes(*axes, x.ndim());
  } else {
    const std::int64_t count = s ? std::ssize(*s) : x.ndim();
    for (std::int64_t k = count; k > 0; --k) plan.axes.push_back(axis_of(function, x, -k));
  }
  if (s && s->size() != plan.axes.size())
    throw ValueError(fmt::format("{} needs a length for each axis, got {} lengths and {} axes",
                                 function, s->size(), plan.axes.size()));
  for (std::size_t k = 0; k < plan.axes.size(); ++k) {
    if (s)
      plan.lengths.emplace_back((*s)[k] == -1 ? x.shape()[z(plan.axes[k])] : (*s)[k]);
    else
      plan.lengths.emplace_back();
    if (plan.lengths.back()) checked(function, *plan.lengths.back());
  }
  return plan;
}

// Along axes [0, count) of a plan, the last one first.
Array several(std::string_view function, Array x, const Plan& plan, std::size_t count, Norm norm,
              Kind kind) {
  for (std::size_t k = count; k-- > 0;)
    x = one(function, x, plan.lengths[k], plan.axes[k], norm, kind);
  return x;
}

// Of real numbers along the last axis of a plan, then along the others.
Array halves(std::string_view function, const Array& real, const Plan& plan, Norm norm) {
  const Array x = one(function, real, plan.lengths.back(), plan.axes.back(), norm, Kind::to_half);
  return several(function, x, plan, plan.axes.size() - 1, norm, Kind::forward);
}

Array all_axes(std::string_view function, const Array& given, const Lengths& s, const Lengths& axes,
               Norm norm, Kind kind) {
  const Plan plan = plan_of(function, given, s, axes);
  const Array x = inexact_of(given);
  if (plan.axes.empty()) return complex_lines(x);
  if (is_complex(x.dtype()) || plan.axes.size() == 1 || x.device() != cpu)
    return several(function, x, plan, plan.axes.size(), norm, kind);
  const bool back = kind == Kind::backward;
  const std::int64_t n = plan.lengths.back().value_or(x.shape()[z(plan.axes.back())]);
  return detail::with_mirror_image(halves(function, x, plan, back ? swapped(norm) : norm),
                                   plan.axes, n, back);
}

void needs_axis(std::string_view function, const Plan& plan) {
  if (plan.axes.empty()) throw ValueError(fmt::format("{} needs at least one axis", function));
}

Array to_halves(std::string_view function, const Array& given, const Lengths& s,
                const Lengths& axes, Norm norm) {
  const Array x = real_lines(given, function);
  const Plan plan = plan_of(function, x, s, axes);
  needs_axis(function, plan);
  return halves(function, x, plan, norm);
}
Array from_halves(std::string_view function, const Array& given, const Lengths& s,
                  const Lengths& axes, Norm norm) {
  const Plan plan = plan_of(function, given, s, axes);
  needs_axis(function, plan);
  const Array x = several(function, given, plan, plan.axes.size() - 1, norm, Kind::backward);
  return one(function, x, plan.lengths.back(), plan.axes.back(), norm, Kind::from_half);
}

Array frequencies(std::string_view function, std::int64_t n, double d, DType dtype,
                  const Communicator& comm, bool half) {
  checked(function, n);
  if (!is_floating(dtype))
    throw TypeError(fmt::format("{} makes float32 or float64, not {}", function, name_of(dtype)));
  const Shape shape = {half ? n / 2 + 1 : n};
  const Array out = detail::room_for(shape, DType::float64, row_distribution(shape, comm), comm);
  const double unit = 1 / (static_cast<double>(n) * d);
  auto* f = out.local().as<double>();
  for (std::int64_t i = out.local_rows().begin; i < out.local_rows().end; ++i)
    *f++ = static_cast<double>(half || i <= (n - 1) / 2 ? i : i - n) * unit;
  return out.astype(dtype);
}

Array shifted(const Array& x, const Lengths& axes, bool back) {
  Axes all = axes.value_or(Axes{});
  if (!axes)
    for (std::int64_t d = 0; d < x.ndim(); ++d) all.push_back(d);
  Axes by;
  for (const auto axis : all) {
    const std::int64_t half = x.shape()[z(detail::checked_axis(axis, x.ndim()))] / 2;
    by.push_back(back ? -half : half);
  }
  return all.empty() ? x : roll(x, by, all);
}

}  // namespace

Norm norm_of(std::string_view word) {
  if (word == "backward") return Norm::backward;
  if (word == "forward") return Norm::forward;
  if (word == "ortho") return Norm::ortho;
  throw ValueError(fmt::format("norm must be 'backward', 'ortho' or 'forward', got '{}'", word));
}

Array fft(const Array& x, Length n, std::int64_t axis, Norm norm) {
  return one("fft", inexact_of(x), n, axis, norm, Kind::forward);
}
Array ifft(const Array& x, Length n, std::int64_t axis, Norm norm) {
  return one("ifft", inexact_of(x), n, axis, norm, Kind::backward);
}
Array fftn(const Array& x, const Lengths& s, const Lengths& axes, Norm norm) {
  return all_axes("fftn", x, s, axes, norm, Kind::forward);
}
Array ifftn(const Array& x, const Lengths& s, const Lengths& axes, Norm norm) {
  return all_axes("ifftn", x, s, axes, norm, Kind::backward);
}
Array rfft(const Array& x, Length n, std::int64_t axis, Norm norm) {
  return one("rfft", real_lines(x, "rfft"), n, axis, norm, Kind::to_half);
}
Array irfft(const Array& x, Length n, std::int64_t axis, Norm norm) {
  return one("irfft", complex_lines(x), n, axis, norm, Kind::from_half);
}
Array rfftn(const Array& x, const Lengths& s, const Lengths& axes, Norm norm) {
  return to_halves("rfftn", x, s, axes, norm);
}
Array irfftn(const Array& x, const Lengths& s, const Lengths& axes, Norm norm) {
  return from_halves("irfftn", complex_lines(x), s, axes, norm);
}
Array hfft(const Array& x, Length n, std::int64_t axis, Norm norm) {
  return one("hfft", conj(complex_lines(x)), n, axis, swapped(norm), Kind::from_half);
}
Array ihfft(const Array& x, Length n, std::int64_t axis, Norm norm) {
  return conj(one("ihfft", real_lines(x, "ihfft"), n, axis, swapped(norm), Kind::to_half));
}
Array hfftn(const Array& x, const Lengths& s, const Lengths& axes, Norm norm) {
  return from_halves("hfftn", conj(complex_lines(x)), s, axes, swapped(norm));
}
Array ihfftn(const Array& x, const Lengths& s, const Lengths& axes, Norm norm) {
  return conj(to_halves("ihfftn", x, s, axes, swapped(norm)));
}

Array fftfreq(std::int64_t n, double d, DType dtype, const Communicator& comm) {
  return frequencies("fftfreq", n, d, dtype, comm, false);
}
Array rfftfreq(std::int64_t n, double d, DType dtype, const Communicator& comm) {
  return frequencies("rfftfreq", n, d, dtype, comm, true);
}
Array fftshift(const Array& x, const Lengths& axes) { return shifted(x, axes, false); }
Array ifftshift(const Array& x, const Lengths& axes) { return shifted(x, axes, true); }

}  // namespace tessera::fft
