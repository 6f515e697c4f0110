#include <tessera/array/counts.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include <tessera/array/layout.hpp>
#include <tessera/array/manipulation.hpp>
#include <tessera/array/quantile.hpp>
#include <tessera/array/statistics.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/reduce.hpp>

namespace tessera {

using detail::in_rows;

Array median(const Array& given, std::optional<std::int64_t> axis, bool keepdims) {
  Shape shape = given.shape();
  Array x = given;
  if (axis) {
    const auto along = detail::checked_axis(*axis, x.ndim());
    Axes axes = {along};
    for (std::int64_t d = 0; d < x.ndim(); ++d)
      if (d != along) axes.push_back(d);
    x = permute_dims(x, axes);
    shape[static_cast<std::size_t>(along)] = 1;
    if (!keepdims) shape.erase(shape.begin() + along);
  } else {
    x = reshape(x, {x.size()});
    shape.assign(keepdims ? shape.size() : 0, 1);
  }
  return detail::settle(reshape(median(Rows(in_rows(x))), shape)).to(given.device());
}

Array bincount(const Array& given, const Array& weights, std::int64_t minlength) {
  if (given.ndim() != 1)
    throw ValueError(fmt::format("bincount takes an array of one dimension, not {}", given.ndim()));
  if (is_floating(given.dtype()) || is_complex(given.dtype()))
    throw TypeError(fmt::format("bincount takes integers, not {}", name_of(given.dtype())));
  constexpr std::int64_t most = std::int64_t{1} << 27;  // 1 GiB of sums
  if (minlength < 0 || minlength > most)
    throw ValueError(fmt::format("minlength must be {}, got {}",
                                 minlength < 0 ? "0 or more" : "at most 2^27", minlength));
  if (weights && weights.shape() != given.shape())
    throw ValueError(
        fmt::format("bincount takes a weight for each element: the shapes are {} and {}",
                    to_string(given.shape()), to_string(weights.shape())));
  const Array x = in_rows(given).astype(DType::int64);
  std::int64_t bins = minlength;
  if (x.size() > 0) {
    const auto value = [](const Array& one) { return *gather(one).local().as<std::int64_t>(); };
    if (const auto least = value(min(x)); least < 0)
      throw ValueError(fmt::format("bincount counts integers from 0 on, got {}", least));
    const auto largest = value(max(x));
    if (largest >= most)
      throw ValueError(fmt::format("bincount counts integers below 2^27, got {}", largest));
    bins = std::max(bins, largest + 1);
  }
  const Array w = weights ? in_rows(weights).astype(DType::float64) : Array();
  auto sums = reduce<Sums>(zip(x, {w}), [&](const Leaf& leaf, Stream&) {
                Sums partial{std::vector<double>(static_cast<std::size_t>(bins))};
                for (std::int64_t i = 0; i < leaf.tile.rows; ++i)
                  partial.values[static_cast<std::size_t>(leaf.tile.as<const std::int64_t>()[i])] +=
                      w ? leaf.beside[0].as<const double>()[i] : 1;
                return partial;
              }).values;
  sums.resize(static_cast<std::size_t>(bins));  // of no rows there are none
  const Array out = replicated(sums, {bins}, x.comm());
  return detail::settle(w ? out : out.astype(DType::int64)).to(given.device());
}

}  // namespace tessera
