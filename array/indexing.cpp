#include <tessera/array/indexing.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <numeric>

#include <tessera/array/creation.hpp>
#include <tessera/array/elementwise.hpp>
#include <tessera/array/layout.hpp>
#include <tessera/array/manipulation.hpp>
#include <tessera/array/move.hpp>
#include <tessera/array/promotion.hpp>
#include <tessera/array/statistics.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/rows.hpp>

namespace tessera {
namespace {

using detail::Box;
using detail::checked_axis;
using detail::in_rows;
using detail::is_replicated;
using detail::strides_of;

Array like(const Array& x, Shape shape) {
  const Distribution d = detail::settled(shape, is_replicated(x), x.comm());
  return detail::room_for(std::move(shape), x.dtype(), d, x.comm());
}

// What indices without arrays select: its shape, and where it is in x as the `from` of a box.
struct Selected {
  Shape shape;
  Box box;
};

std::int64_t checked_index(std::int64_t i, std::int64_t axis, std::int64_t extent) {
  if (i < -extent || i >= extent)
    throw IndexError(
        fmt::format("index {} is out of bounds for axis {} with size {}", i, axis, extent));
  return i < 0 ? i + extent : i;
}

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

// A mask and x with its leading axes, of one distribution of the rows.
struct Masked {
  Array x, mask;
};

Masked aligned(const Array& x, const Array& given) {
  const Shape& shape = given.shape();
  const auto fits = [](std::int64_t of_mask, std::int64_t of_x) {
    return of_mask == of_x || of_mask == 0;
  };
  if (given.ndim() > x.ndim() || !std::equal(shape.begin(), shape.end(), x.shape().begin(), fits))
    throw IndexError(fmt::format("a boolean index of shape {} does not match an array of shape {}",
                                 to_string(shape), to_string(x.shape())));
  Array rows = in_rows(x), mask = in_rows(given);
  // An extent of 0 selects nothing along any other one.
  if (const Shape lead(x.shape().begin(), x.shape().begin() + given.ndim()); lead != shape)
    mask = redistribute(filled(lead, Scalar(false), DType::boolean, x.comm()),
                        detail::settled(lead, is_replicated(rows), x.comm()));
  if (is_replicated(rows) && !is_replicated(mask))
    rows = redistribute(rows, row_distribution(rows.shape(), rows.comm()));
  return {rows, redistribute(mask, rows.distribution())};
}

// `rows` rows that write(memory) makes on each process, as an array of rows.
template <class Write>
Array assembled(std::int64_t rows, Shape tail, DType dtype, bool everywhere,
                const Communicator& comm, const Write& write) {
  const std::int64_t cols = element_count(tail);
  if (!everywhere && comm.size() > 1) {
    Buffer own;
    together(comm, [&] { own = Buffer(static_cast<std::size_t>(rows * cols) * size_of(dtype)); });
    write(own.data());
    return from_local({own.data(), rows, cols, cols, dtype, cpu}, tail, comm);
  }
  Shape shape = std::move(tail);
  shape.insert(shape.begin(), rows);
  const Distribution d = comm.size() == 1 ? detail::settled(shape, everywhere, comm)
                                          : replicated_distribution(shape, comm);
  const Array out = detail::room_for(std::move(shape), dtype, d, comm);
  write(static_cast<std::byte*>(out.local().data));
  return detail::settle(out);
}

/// The places of a mask that are true, found by all threads.
class Places {
 public:
  explicit Places(const Array& mask)
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
  std::int64_t count() const { return before_.back(); }

  /// out[k] = value(place k). Values of a block are put together without a branch, which would be
  /// guessed wrongly as often as the mask changes.
  template <class T, class Value>
  void write(T* out, const Value& value) const {
    for_pieces([&](std::int64_t p, Range piece) {
      constexpr std::int64_t block = 512;
      T some[block];
      T* to = out + before_[static_cast<std::size_t>(p)];
      for (std::int64_t at = piece.begin; at < piece.end; at += block) {
        std::int64_t k = 0;
        for (std::int64_t i = at; i < std::min(piece.end, at + block); ++i) {
          some[k] = value(i);
          k += true_at_[i];
        }
        to = std::copy_n(some, k, to);
      }
    });
  }

 private:
  void for_pieces(const std::function<void(std::int64_t, Range)>& f) const {
    parallel_for({0, pieces_}, Runtime::threads(), [&](std::int64_t p, Stream&) {
      f(p, {n_ * p / pieces_, n_ * (p + 1) / pieces_});
    });
  }
  const bool* true_at_;
  std::int64_t n_, pieces_;
  std::vector<std::int64_t> before_;
};

// Calls f(zero of an unsigned type of that width), false where there is none.
template <class F>
bool with_word(std::size_t width, F&& f) {
  if (width == 1) return f(std::uint8_t{}), true;
  if (width == 2) return f(std::uint16_t{}), true;
  if (width == 4) return f(std::uint32_t{}), true;
  if (width == 8) return f(std::uint64_t{}), true;
  return false;
}

// Pieces of `width` bytes from the places index(k), one after another.
template <class Index>
void collect(const std::byte* from, std::size_t width, std::int64_t n, std::byte* to,
             const Index& index) {
  constexpr std::int64_t share = 1 << 14;
  const auto shares = (n + share - 1) / share;
  parallel_for({0, shares}, n <= share ? 1 : Runtime::threads(), [&](std::int64_t s, Stream&) {
    const std::int64_t end = std::min(n, (s + 1) * share);
    const bool words = with_word(width, [&](auto zero) {
      using T = decltype(zero);
      for (std::int64_t k = s * share; k < end; ++k)
        reinterpret_cast<T*>(to)[k] = reinterpret_cast<const T*>(from)[index(k)];
    });
    for (std::int64_t k = s * share; !words && k < end; ++k)
      std::memcpy(to + static_cast<std::size_t>(k) * width,
                  from + static_cast<std::size_t>(index(k)) * width, width);
  });
}

Array where_true(const Array& given, const Array& condition) {
  if (condition.ndim() == 0) {
    const Array whole = reshape(given, [&] {
      Shape shape = given.shape();
      shape.insert(shape.begin(), 1);
      return shape;
    }());
    const Array all = gather(in_rows(condition));
    const Index some = Slice{{}, all.values<bool>()[0] ? 1 : 0};
    return index(whole, std::span(&some, 1));
  }
  const auto [x, mask] = aligned(given, condition);
  const Shape tail(x.shape().begin() + mask.ndim(), x.shape().end());
  const auto width = static_cast<std::size_t>(element_count(tail)) * size_of(x.dtype());
  const auto* from = static_cast<const std::byte*>(x.local().data);
  const Places places(mask);
  const auto write = [&](std::byte* to) {
    const bool words = with_word(width, [&](auto zero) {
      using T = decltype(zero);
      const T* words_of_x = reinterpret_cast<const T*>(from);
      places.write(reinterpret_cast<T*>(to), [=](std::int64_t i) { return words_of_x[i]; });
    });
    if (words) return;
    std::vector<std::int64_t> index(static_cast<std::size_t>(places.count()));
    places.write(index.data(), [](std::int64_t i) { return i; });
    collect(from, width, places.count(), to,
            [&](std::int64_t k) { return index[static_cast<std::size_t>(k)]; });
  };
  return assembled(places.count(), tail, x.dtype(), is_replicated(x), x.comm(), write)
      .to(given.device());
}

Array at_integers(const Array& given, std::span<const Index> indices) {
  const auto axes = std::ssize(indices);
  if (axes > given.ndim())
    throw IndexError(fmt::format(
        "too many indices: the array is {}-dimensional, but {} were indexed", given.ndim(), axes));
  const Array x = in_rows(given);
  // Where the elements are among those of the leading axes, row-major.
  std::optional<Array> place;
  std::int64_t lines = 1;
  for (std::size_t d = 0; d < indices.size(); ++d) {
    const std::int64_t extent = x.shape()[d];
    Array one;
    if (const auto* i = std::get_if<std::int64_t>(&indices[d])) {
      one = Scalar(checked_index(*i, static_cast<std::int64_t>(d), extent))
                .array(DType::int64, x.comm());
    } else {
      const Array* array = std::get_if<Array>(&indices[d]);
      if (!array || !is_integer(array->dtype()))
        throw IndexError(
            "arrays of integers stand beside integers and such arrays only, and a "
            "boolean one alone");
      one = array->astype(DType::int64);
      if (one.size() > 0)
        for (const Array& end : {min(one), max(one)})
          checked_index(end.values<std::int64_t>()[0], static_cast<std::int64_t>(d), extent);
      one = where(one < 0, one + extent, one);
    }
    place = place ? *place * extent + one : one;
    lines *= extent;
  }
  Shape shape = place->shape();
  shape.insert(shape.end(), x.shape().begin() + axes, x.shape().end());
  Shape flat(x.shape().begin() + axes, x.shape().end());
  flat.insert(flat.begin(), lines);
  const Array some = take(reshape(x, flat), reshape(*place, {place->size()}), 0);
  return reshape(some, shape).to(given.device());
}

// What is to be written, in x's dtype.
Array as_value(const Operand& value, const Array& x) {
  if (!value.array()) return value.scalar().array(x.dtype(), x.comm());
  const DType from = value.array()->dtype();
  const auto kind = [](DType d) {
    return d == DType::boolean ? 0 : is_integer(d) ? 1 : is_floating(d) ? 2 : 3;
  };
  if (kind(from) > kind(x.dtype()))
    throw TypeError(
        fmt::format("cannot assign {} to an array of {}", name_of(from), name_of(x.dtype())));
  return in_rows(*value.array()).astype(x.dtype());
}

Array copy_of(const Array& x) {
  const Array out = detail::room_for(x.shape(), x.dtype(), x.distribution(), x.comm());
  const Tile t = x.local();
  if (t.rows * t.cols > 0)
    std::memcpy(out.local().data, t.data,
                static_cast<std::size_t>(t.rows * t.cols) * size_of(t.dtype));
  return out;
}

}  // namespace

Array index(const Array& given, std::span<const Index> indices) {
  const auto arrays = std::count_if(indices.begin(), indices.end(), [](const Index& i) {
    return std::holds_alternative<Array>(i);
  });
  if (arrays > 0) {
    const Array* mask = std::get_if<Array>(&indices[0]);
    if (indices.size() == 1 && mask->dtype() == DType::boolean) return where_true(given, *mask);
    return at_integers(given, indices);
  }
  const Array x = in_rows(given);
  Selected s = selected(x.shape(), indices);
  const Array out = like(x, s.shape);
  s.box.to_strides = strides_of(s.shape);
  detail::move(x, out, std::move(s.box));
  return out.to(given.device());
}

Array assigned(const Array& given, std::span<const Index> indices, const Operand& value) {
  const Array rows = in_rows(given);
  const Array v = as_value(value, rows);
  const Array* mask = indices.size() == 1 ? std::get_if<Array>(&indices[0]) : nullptr;
  if (mask && mask->dtype() == DType::boolean) {
    const auto [x, m] = mask->ndim() == 0 ? Masked{rows, *mask} : aligned(rows, *mask);
    Shape wide = m.shape();
    wide.resize(x.shape().size(), 1);
    const Array condition = reshape(m, wide);
    if (v.size() == 1) return where(condition, reshape(v, {}), x).to(given.device());
    // The k-th place that is true gets the k-th value.
    const Array nth = cumulative_sum(reshape(m, {m.size()}), 0) - 1;
    const Shape tail(x.shape().begin() + m.ndim(), x.shape().end());
    Shape all = tail;
    all.insert(all.begin(), count_nonzero(m).values<std::int64_t>()[0]);
    Shape spread = x.shape();
    const Array values = broadcast_to(v, all);
    if (values.size() == 0) return given;
    const Array each = reshape(take(values, maximum(nth, 0), 0), spread);
    return where(condition, each, x).to(given.device());
  }
  if (std::any_of(indices.begin(), indices.end(),
                  [](const Index& i) { return std::holds_alternative<Array>(i); }))
    throw IndexError(
        "assignment takes integers, slices, an ellipsis and new axes, or one array of booleans");
  const Array out = copy_of(rows);
  const Selected s = selected(out.shape(), indices);
  const std::array both = {v.shape(), s.shape};
  // Leading axes of extent 1 are one too many, as in NumPy.
  Shape shape = v.shape();
  while (shape.size() > s.shape.size() && shape.front() == 1) shape.erase(shape.begin());
  const Array from = reshape(v, shape);
  const std::array shapes = {shape, s.shape};
  if (broadcast_shapes(shapes) != s.shape)
    throw ValueError(fmt::format("could not broadcast a value of shape {} into shape {}",
                                 to_string(both[0]), to_string(s.shape)));
  Box box{s.shape, 0, std::vector<std::int64_t>(s.shape.size(), 0), s.box.from_at,
          s.box.from_strides};
  const auto own = strides_of(shape);
  const std::size_t more = s.shape.size() - shape.size();
  for (std::size_t d = 0; d < shape.size(); ++d)
    if (shape[d] != 1) box.from_strides[more + d] = own[d];
  detail::move(from, out, std::move(box));
  return out.to(given.device());
}

Array take(const Array& given, const Array& given_indices, std::int64_t axis) {
  if (given_indices.ndim() != 1 || !is_integer(given_indices.dtype()))
    throw ValueError(fmt::format("take needs a vector of integers, got {} of shape {}",
                                 name_of(given_indices.dtype()), to_string(given_indices.shape())));
  const auto d = static_cast<std::size_t>(checked_axis(axis, given.ndim()));
  const Array x = in_rows(given);
  const std::int64_t extent = x.shape()[d];
  Array indices = in_rows(given_indices).astype(DType::int64);
  if (indices.size() > 0 && min(indices).at<std::int64_t>({}) < 0)
    indices = where(indices < 0, indices + extent, indices);
  if (d == 0 && x.comm().size() > 1 && !(is_replicated(x) && is_replicated(indices)))
    return take(redistribute(x, row_distribution(x.shape(), x.comm())),
                redistribute(indices, row_distribution(indices.shape(), x.comm())));
  const Array all = gather(indices);
  const auto index = all.values<std::int64_t>();
  const auto wrong = std::find_if(index.begin(), index.end(),
                                  [extent](std::int64_t i) { return i < 0 || i >= extent; });
  if (wrong != index.end())
    throw ValueError(fmt::format("index {} is out of bounds for axis {} with size {}",
                                 *wrong < 0 ? *wrong - extent : *wrong, d, extent));
  Shape shape = x.shape();
  shape[d] = std::ssize(index);
  const bool everywhere = is_replicated(x) && (d > 0 || is_replicated(indices));
  const Distribution canonical = detail::settled(shape, everywhere, x.comm());
  const Distribution lies = d > 0                 ? x.distribution()
                            : x.comm().size() > 1 ? replicated_distribution(shape, x.comm())
                                                  : canonical;
  const Array out = detail::room_for(shape, x.dtype(), lies, x.comm());
  const Shape tail(shape.begin() + static_cast<std::ptrdiff_t>(d) + 1, shape.end());
  const auto width = static_cast<std::size_t>(element_count(tail)) * size_of(x.dtype());
  const std::size_t lines = width == 0 || index.empty()
                                ? 0
                                : static_cast<std::size_t>(out.local().rows * out.local().cols) *
                                      size_of(x.dtype()) / (width * index.size());
  const auto* from = static_cast<const std::byte*>(x.local().data);
  auto* to = static_cast<std::byte*>(out.local().data);
  const std::int64_t each = std::ssize(index);
  if (lines == 1)
    collect(from, width, each, to,
            [&](std::int64_t k) { return index[static_cast<std::size_t>(k)]; });
  else
    collect(from, width, static_cast<std::int64_t>(lines) * each, to, [&](std::int64_t k) {
      return k / each * extent + index[static_cast<std::size_t>(k % each)];
    });
  return redistribute(out, canonical).to(given.device());
}

Array take_along_axis(const Array& given, const Array& given_indices, std::int64_t axis) {
  if (!is_integer(given_indices.dtype()) || given_indices.ndim() != given.ndim())
    throw ValueError(fmt::format(
        "take_along_axis needs integers of {} dimensions, got {} of shape {}", given.ndim(),
        name_of(given_indices.dtype()), to_string(given_indices.shape())));
  const std::int64_t d = checked_axis(axis, given.ndim());
  if (d == 0 && given.ndim() > 1)
    return moveaxis(
        take_along_axis(moveaxis(given, {0}, {-1}), moveaxis(given_indices, {0}, {-1}), -1), {-1},
        {0});
  const auto at = static_cast<std::size_t>(d);
  Shape x_shape = given.shape(), i_shape = given_indices.shape();
  const std::int64_t extent = x_shape[at], wanted = i_shape[at];
  x_shape[at] = i_shape[at] = 1;
  const std::array both = {x_shape, i_shape};
  const Shape common = broadcast_shapes(both);
  x_shape = i_shape = common;
  x_shape[at] = extent;
  i_shape[at] = wanted;
  const Array whole = broadcast_to(in_rows(given), x_shape);
  Array indices = broadcast_to(in_rows(given_indices), i_shape).astype(DType::int64);
  indices = where(indices < 0, indices + extent, indices);
  if (given.ndim() == 1) return take(given, indices, 0);
  const Array x =
      is_replicated(indices) ? whole : redistribute(whole, row_distribution(x_shape, whole.comm()));
  indices = redistribute(indices, x.distribution());
  const Array out = detail::room_for(i_shape, x.dtype(), x.distribution(), x.comm());
  const Shape tail(i_shape.begin() + d + 1, i_shape.end());
  const std::int64_t inner = element_count(tail);
  const std::int64_t lines =
      inner * wanted == 0 ? 0 : out.local().rows * out.local().cols / (inner * wanted);
  const std::size_t width = size_of(x.dtype());
  const auto* index = indices.local().as<const std::int64_t>();
  const auto* from = static_cast<const std::byte*>(x.local().data);
  auto* to = static_cast<std::byte*>(out.local().data);
  together(x.comm(), [&] {
    for (std::int64_t line = 0; line < lines; ++line)
      for (std::int64_t k = 0; k < wanted; ++k)
        for (std::int64_t j = 0; j < inner; ++j) {
          const std::int64_t i = *index++;
          if (i < 0 || i >= extent)
            throw ValueError(
                fmt::format("an index is out of bounds for axis {} with size {}", d, extent));
          std::memcpy(to, from + static_cast<std::size_t>((line * extent + i) * inner + j) * width,
                      width);
          to += width;
        }
  });
  return redistribute(out, detail::settled(i_shape, is_replicated(x), x.comm())).to(given.device());
}

std::vector<Array> nonzero(const Array& given) {
  if (given.ndim() == 0) throw ValueError("nonzero needs an array of one dimension at least");
  const Array x = in_rows(given);
  const Array mask = x.dtype() == DType::boolean ? x : not_equal(x, 0);
  const std::int64_t first = mask.local_rows().begin * mask.cols();
  const Places places(mask);
  const auto strides = strides_of(x.shape());
  std::vector<Array> all;
  for (std::size_t d = 0; d < strides.size(); ++d) {
    const std::int64_t stride = strides[d], extent = x.shape()[d];
    const auto write = [&](std::byte* to) {
      places.write(reinterpret_cast<std::int64_t*>(to),
                   [=](std::int64_t i) { return (first + i) / stride % extent; });
    };
    all.push_back(assembled(places.count(), {}, DType::int64, is_replicated(x), x.comm(), write)
                      .to(given.device()));
  }
  return all;
}

}  // namespace tessera
