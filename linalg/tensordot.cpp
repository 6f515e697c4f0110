#include <tessera/linalg/tensordot.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <numeric>
#include <utility>

#include <tessera/array/manipulation.hpp>
#include <tessera/array/promotion.hpp>
#include <tessera/linalg/dense.hpp>
#include <tessera/linalg/functions.hpp>
#include <tessera/linalg/multiply.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/reduce.hpp>

namespace tessera::linalg {
namespace {

using Kind = Distribution::Kind;

// The same elements in row-major order as an array with other rows; by rows like row-distributed x
// when every row of the result lies within one of x, else replicated. In host memory, unless
// nothing moves. Collective.
Array regrouped(const Array& given, const Shape& shape) {
  if (row_count(shape) == given.rows()) return given.reshape(shape);
  const Array x = given.to(cpu);
  if (x.distribution().kind() != Kind::replicated &&
      row_count(shape) % std::max<std::int64_t>(1, x.rows()) == 0) {
    Tile mine = x.local();
    mine.cols = mine.stride = elements_per_row(shape);
    mine.rows *= row_count(shape) / std::max<std::int64_t>(1, x.rows());
    return from_local(mine, Shape(shape.begin() + 1, shape.end()), x.comm());
  }
  const Array whole = gather(x);
  const Array out = tessera::detail::allocate(shape, x.dtype(),
                                              replicated_distribution(shape, x.comm()), x.comm());
  if (x.size() > 0)
    std::memcpy(out.local().data, whole.local().data,
                static_cast<std::size_t>(x.size()) * size_of(x.dtype()));
  return out;
}

std::int64_t product(const Shape& shape, std::size_t first, std::size_t last) {
  return std::accumulate(shape.begin() + static_cast<std::ptrdiff_t>(first),
                         shape.begin() + static_cast<std::ptrdiff_t>(last), std::int64_t{1},
                         std::multiplies<>());
}

using Pairs = std::vector<std::pair<std::int64_t, std::int64_t>>;

// Axes to sum over, ascending in a. ValueError unless they fit.
Pairs checked_axes(const Array& a, const Array& b, std::span<const std::int64_t> axes_a,
                   std::span<const std::int64_t> axes_b) {
  const auto refuse = [&](const char* why) {
    throw ValueError(fmt::format("tensordot: {}: axes ({}) of {} and ({}) of {}", why,
                                 fmt::join(axes_a, ", "), to_string(a.shape()),
                                 fmt::join(axes_b, ", "), to_string(b.shape())));
  };
  if (axes_a.size() != axes_b.size()) refuse("as many axes of each are needed");
  Pairs pairs;
  const auto one_of = [&](std::int64_t axis, const Array& x) {
    if (axis < -x.ndim() || axis >= x.ndim()) refuse("there is no such axis");
    return axis < 0 ? axis + x.ndim() : axis;
  };
  for (std::size_t i = 0; i < axes_a.size(); ++i)
    pairs.emplace_back(one_of(axes_a[i], a), one_of(axes_b[i], b));
  std::sort(pairs.begin(), pairs.end());
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j)
      if (pairs[i].first == pairs[j].first || pairs[i].second == pairs[j].second)
        refuse("an axis is named twice");
    if (a.shape()[static_cast<std::size_t>(pairs[i].first)] !=
        b.shape()[static_cast<std::size_t>(pairs[i].second)])
      refuse("extents differ");
  }
  return pairs;
}

// These axes before or behind all others.
Axes with_others(const Axes& axes, std::int64_t ndim, bool before) {
  Axes all = before ? axes : Axes();
  for (std::int64_t d = 0; d < ndim; ++d)
    if (std::find(axes.begin(), axes.end(), d) == axes.end()) all.push_back(d);
  if (!before) all.insert(all.end(), axes.begin(), axes.end());
  return all;
}

}  // namespace

Array composed::tensordot(const Array& a, const Array& b, std::span<const std::int64_t> axes_a,
                          std::span<const std::int64_t> axes_b) {
  detail::require_together("tensordot", a, b);
  return detail::tensordot_as(detail::common_dtype(a.dtype(), b.dtype()), a, b, axes_a, axes_b);
}

Array detail::tensordot_as(DType dtype, const Array& given_a, const Array& given_b,
                           std::span<const std::int64_t> axes_a,
                           std::span<const std::int64_t> axes_b) {
  const Pairs pairs = checked_axes(given_a, given_b, axes_a, axes_b);
  const std::size_t q = pairs.size();
  const auto are = [&](std::size_t first_a) {  // all in order from there, and from 0 in b
    for (std::size_t i = 0; i < q; ++i)
      if (pairs[i] !=
          std::pair(static_cast<std::int64_t>(first_a + i), static_cast<std::int64_t>(i)))
        return false;
    return true;
  };
  const Shape& sa = given_a.shape();
  const Shape& sb = given_b.shape();
  const bool last = are(sa.size() - q);
  if (!last && !are(0)) {
    // Rows that are summed over stay where they are.
    const bool first = pairs[0] == std::pair(std::int64_t{0}, std::int64_t{0});
    Axes of_a, of_b;
    for (const auto& [axis_a, axis_b] : pairs) {
      of_a.push_back(axis_a);
      of_b.push_back(axis_b);
    }
    const Array b = permute_dims(given_b, with_others(of_b, given_b.ndim(), true));
    const Array a = permute_dims(given_a, with_others(of_a, given_a.ndim(), first));
    std::iota(of_b.begin(), of_b.end(), std::int64_t{0});
    std::iota(of_a.begin(), of_a.end(), first ? 0 : a.ndim() - std::ssize(pairs));
    return tensordot_as(dtype, a, b, of_a, of_b);
  }
  if (q == 1 && sa.size() == 2 && sb.size() == 2) {
    const Operand left = last ? Operand(given_a) : transpose(given_a);
    return is_integer(dtype) ? matmul_as(dtype, left, given_b) : linalg::matmul(left, given_b);
  }
  const Array a = detail::converted(detail::by_rows(given_a), dtype);
  const Array b = detail::converted(detail::by_rows(given_b), dtype);
  const std::size_t free_a = sa.size() - q;
  const std::int64_t k = product(sb, 0, q);
  const std::int64_t m = last ? product(sa, 0, free_a) : product(sa, q, sa.size());
  const std::int64_t n = product(sb, q, sb.size());
  Shape shape(sa.begin() + (last ? 0 : static_cast<std::ptrdiff_t>(q)),
              last ? sa.end() - static_cast<std::ptrdiff_t>(q) : sa.end());
  const bool rows_stay = last && free_a > 0;  // those of a are those of the result
  shape.insert(shape.end(), sb.begin() + static_cast<std::ptrdiff_t>(q), sb.end());
  // Without axes b is a row; as a column it has rows to distribute.
  const Operand right =
      q == 0 ? Operand(regrouped(b, {n, 1}), Transpose::yes) : Operand(regrouped(b, {k, n}));
  if (rows_stay) {
    const std::int64_t fold = product(sa, 1, free_a);
    const Array result =
        detail::by_rows(detail::multiply(a.reshape({a.rows(), fold * k}), right, fold));
    return redistribute(result.reshape(shape), a.distribution()).to(given_a.device());
  }
  const Array result = detail::multiply({regrouped(a, {k, m}), Transpose::yes}, right);
  return detail::laid_out_like(regrouped(detail::by_rows(result), shape), given_a);
}

std::pair<Axes, Axes> detail::last_and_first(const Array& a, const Array& b, std::int64_t axes) {
  const std::int64_t most = a && b ? std::min(a.ndim(), b.ndim()) : axes;
  if (axes < 0 || axes > most)
    throw ValueError(fmt::format("tensordot: axes must lie in [0, {}] for shapes {} and {}, got {}",
                                 most, to_string(a.shape()), to_string(b.shape()), axes));
  Axes of_a(static_cast<std::size_t>(axes));
  Axes of_b = of_a;
  std::iota(of_a.begin(), of_a.end(), a.ndim() - axes);
  std::iota(of_b.begin(), of_b.end(), std::int64_t{0});
  return {of_a, of_b};
}

Array tensordot(const Array& a, const Array& b, std::int64_t axes) {
  const auto [of_a, of_b] = detail::last_and_first(a, b, axes);
  return tensordot(a, b, of_a, of_b);
}

}  // namespace tessera::linalg
