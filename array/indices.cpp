#include <tessera/array/indices.hpp>

#include <fmt/format.h>

#include <numeric>

#include <tessera/array/elementwise.hpp>
#include <tessera/array/layout.hpp>
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

}  // namespace

Selected selected(const Shape& shape, std::span<const Index> indices) {
  std::int64_t taken = 0, ellipses = 0;
  for (const Index& i : indices) {
    taken += std::holds_alternative<std::int64_t>(i) || std::holds_alternative<Slice>(i);
    ellipses += std::holds_alternative<Ellipsis>(i);
  }
  if (ellipses > 1) throw IndexError("an index can have a single ellipsis only ('...')");
  if (taken > std::ssize(shape))
    throw IndexError(fmt::format(
        "too many indices: the array is {}-dimensional, but {} were indexed", shape.size(), taken));
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
      const std::int64_t n = shape[d], step = slice->step;
      if (step == 0) throw ValueError("slice step cannot be zero");
      const std::int64_t low = step > 0 ? 0 : -1, high = step > 0 ? n : n - 1;
      const auto bound = [&](std::optional<std::int64_t> given, std::int64_t otherwise) {
        if (!given) return otherwise;
        return std::clamp(*given < 0 ? *given + n : *given, low, high);
      };
      const std::int64_t start = bound(slice->start, step > 0 ? low : high);
      const std::int64_t stop = bound(slice->stop, step > 0 ? high : low);
      const std::int64_t extent =
          step > 0 ? (stop - start + step - 1) / step : (start - stop - step - 1) / -step;
      if (extent > 0) out.box.from_at += start * strides[d];
      append(std::max<std::int64_t>(0, extent), step * strides[d]);
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

Array places(const Shape& shape, std::span<const Index> indices, const Communicator& comm) {
  if (indices.size() > shape.size())
    throw IndexError(
        fmt::format("too many indices: the array is {}-dimensional, but {} were indexed",
                    shape.size(), indices.size()));
  std::optional<Array> place;
  for (std::size_t d = 0; d < indices.size(); ++d) {
    const std::int64_t extent = shape[d];
    Array one;
    if (const auto* i = std::get_if<std::int64_t>(&indices[d])) {
      one =
          Scalar(checked_index(*i, static_cast<std::int64_t>(d), extent)).array(DType::int64, comm);
    } else {
      const Array* array = std::get_if<Array>(&indices[d]);
      if (!array || !is_integer(array->dtype()))
        throw IndexError(
            "arrays of integers stand beside integers and such arrays only, and a "
            "boolean one alone");
      one = in_rows(*array).astype(DType::int64);
      if (one.size() > 0)
        for (const Array& end : {min(one), max(one)})
          checked_index(end.values<std::int64_t>()[0], static_cast<std::int64_t>(d), extent);
      one = where(one < 0, one + extent, one);
    }
    place = place ? *place * extent + one : one;
  }
  return *place;
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
