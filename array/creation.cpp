#include <tessera/array/creation.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <type_traits>

#include <tessera/array/convert.hpp>
#include <tessera/array/layout.hpp>
#include <tessera/array/manipulation.hpp>
#include <tessera/array/promotion.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/visit.hpp>

namespace tessera {
namespace {

// Element i of the result, of every local element of a vector.
template <class F>
void fill(const Array& out, F f) {
  visit(out.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const Tile t = out.local();
    const std::int64_t first = out.local_rows().begin;
    for (std::int64_t i = 0; i < t.rows; ++i) {
      const auto value = f(first + i);
      using V = std::decay_t<decltype(value)>;
      if constexpr (std::is_constructible_v<T, V>) t.as<T>()[i] = static_cast<T>(value);
    }
  });
}

double number(const Scalar& s) {
  return std::visit(
      [&](const auto& v) -> double {
        if constexpr (std::is_arithmetic_v<std::decay_t<decltype(v)>>)
          return static_cast<double>(v);
        else
          throw TypeError(fmt::format("expected a real number, got {}", s.to_string()));
      },
      s.value());
}

std::complex<double> complex_number(const Scalar& s) {
  const auto* z = std::get_if<std::complex<double>>(&s.value());
  return z ? *z : std::complex<double>(number(s));
}

bool is_whole(const Scalar& s) { return is_integer(s.dtype()); }

__int128 whole(const Scalar& s) {
  const auto* large = std::get_if<std::uint64_t>(&s.value());
  return large ? __int128{*large} : __int128{std::get<std::int64_t>(s.value())};
}

}  // namespace

Array filled(Shape shape, const Scalar& value, std::optional<DType> given,
             const Communicator& comm) {
  const DType dtype = given.value_or(value.dtype());
  std::array<std::byte, 16> one;
  value.write(dtype, one.data());
  const Distribution d = row_distribution(shape, comm);
  const Array out = detail::room_for(std::move(shape), dtype, d, comm);
  const Tile t = out.local();
  if (t.rows * t.cols > 0) detail::convert(one.data(), 0, dtype, t.data, dtype, t.rows * t.cols);
  return out;
}

Array ones(Shape shape, DType dtype, const Communicator& comm) {
  return filled(std::move(shape), Scalar(true), dtype, comm);
}

Array arange(const Scalar& start, const Scalar& stop, const Scalar& step,
             std::optional<DType> given, const Communicator& comm) {
  const bool integers = is_whole(start) && is_whole(stop) && is_whole(step);
  const DType dtype = given.value_or(integers ? DType::int64 : DType::float64);
  std::int64_t n = 0;
  if (integers) {
    const __int128 by = whole(step);
    if (by == 0) throw ValueError("arange needs a step other than 0");
    const __int128 count = (whole(stop) - whole(start) + by - (by > 0 ? 1 : -1)) / by;
    n = static_cast<std::int64_t>(std::max<__int128>(0, count));
  } else {
    const double by = number(step), span = number(stop) - number(start);
    if (by == 0) throw ValueError("arange needs a step other than 0");
    if (!std::isfinite(span / by)) throw ValueError("arange needs a finite range");
    n = static_cast<std::int64_t>(std::max(0.0, std::ceil(span / by)));
  }
  const Shape shape = {n};
  const Array out = detail::room_for(shape, dtype, row_distribution(shape, comm), comm);
  if (integers)
    fill(out,
         [&](std::int64_t i) { return static_cast<std::int64_t>(whole(start) + i * whole(step)); });
  else
    fill(out,
         [&](std::int64_t i) { return number(start) + static_cast<double>(i) * number(step); });
  return out;
}

Array linspace(const Scalar& start, const Scalar& stop, std::int64_t num,
               std::optional<DType> given, bool endpoint, const Communicator& comm) {
  if (num < 0) throw ValueError(fmt::format("linspace needs num >= 0, got {}", num));
  const bool is_real = !is_complex(start.dtype()) && !is_complex(stop.dtype());
  const DType dtype = given.value_or(is_real ? DType::float64 : DType::complex128);
  const Shape shape = {num};
  const Array out = detail::room_for(shape, dtype, row_distribution(shape, comm), comm);
  const auto parts = static_cast<double>(endpoint ? num - 1 : num);
  const auto between = [&](auto from, auto to) {
    using V = decltype(from);
    const V step = (to - from) / std::max(1.0, parts);
    fill(out, [=](std::int64_t i) {
      if (endpoint && i == num - 1 && num > 1) return to;
      const V at = static_cast<double>(i) * step + from;
      if constexpr (std::is_same_v<V, double>)
        if (is_integer(dtype)) return std::floor(at);
      return at;
    });
  };
  if (is_real && !is_complex(dtype))
    between(number(start), number(stop));
  else
    between(complex_number(start), complex_number(stop));
  return out;
}

Array eye(std::int64_t rows, std::optional<std::int64_t> cols, std::int64_t k, DType dtype,
          const Communicator& comm) {
  const Array out = zeros({rows, cols.value_or(rows)}, dtype, comm);
  k = std::clamp(k, -rows, out.cols());  // any further ones are empty, too
  visit(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const Tile t = out.local();
    const std::int64_t first = out.local_rows().begin;
    for (std::int64_t i = 0; i < t.rows; ++i)
      if (const std::int64_t j = first + i + k; j >= 0 && j < t.cols)
        t.as<T>()[i * t.stride + j] = T(1);
  });
  return out;
}

std::vector<Array> meshgrid(std::span<const Array> vectors, std::string_view indexing) {
  if (indexing != "xy" && indexing != "ij")
    throw ValueError(fmt::format("indexing must be 'xy' or 'ij', got '{}'", indexing));
  const std::size_t n = vectors.size();
  Shape grid;
  for (const Array& x : vectors) {
    if (x.ndim() > 1)
      throw ValueError(fmt::format("meshgrid takes vectors, got shape {}", to_string(x.shape())));
    if (x.dtype() != vectors[0].dtype()) throw ValueError("meshgrid takes vectors of one dtype");
    grid.push_back(x.size());
  }
  const bool swapped = indexing == "xy" && n > 1;
  if (swapped) std::swap(grid[0], grid[1]);
  std::vector<Array> all;
  for (std::size_t k = 0; k < n; ++k) {
    Shape shape(n, 1);
    shape[swapped && k < 2 ? 1 - k : k] = vectors[k].size();
    all.push_back(broadcast_to(reshape(vectors[k], shape), grid));
  }
  return all;
}

}  // namespace tessera
