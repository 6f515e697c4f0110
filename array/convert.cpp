#include <tessera/array/convert.hpp>

#include <algorithm>
#include <complex>
#include <cstring>
#include <type_traits>

#include <tessera/array/on_device.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/visit.hpp>

namespace tessera::detail {
namespace {

// As C does it here where it is free to do anything: what is negative wraps, as NumPy and SciPy
// have it; left to itself a compiler that does many at once makes 0 of it.
template <class To, class From>
To as(const From& v) {
  if constexpr (!std::is_constructible_v<To, From>)
    return as<To>(v.real());
  else if constexpr (std::is_floating_point_v<From> && std::is_same_v<To, std::uint32_t>)
    return static_cast<To>(static_cast<std::int64_t>(v));
  else if constexpr (std::is_floating_point_v<From> && std::is_same_v<To, std::uint64_t>)
    return v < From(0x1p63) ? static_cast<To>(static_cast<std::int64_t>(v)) : static_cast<To>(v);
  else
    return static_cast<To>(v);
}

}  // namespace

void convert(const void* from, std::int64_t stride, DType from_dtype, void* to, DType to_dtype,
             std::int64_t n) {
  if (from_dtype == to_dtype && stride == 1) {
    std::memcpy(to, from, static_cast<std::size_t>(n) * size_of(to_dtype));
    return;
  }
  visit(from_dtype, [&](auto a) {
    using From = typename decltype(a)::type;
    visit(to_dtype, [&](auto b) {
      using To = typename decltype(b)::type;
      const auto* x = static_cast<const From*>(from);
      auto* y = static_cast<To*>(to);
      if (stride == 0)
        std::fill_n(y, n, as<To>(*x));
      else if (stride == 1)
        for (std::int64_t i = 0; i < n; ++i) y[i] = as<To>(x[i]);
      else
        for (std::int64_t i = 0; i < n; ++i) y[i] = as<To>(x[i * stride]);
    });
  });
}

Array cast(const Array& x, DType dtype) {
  const Device where = where_computed(fetching::operation().id(), x.device(), x.dtype());
  const bool fits = is_complex(dtype) ||
                    (!is_complex(x.dtype()) && (is_floating(dtype) || dtype == DType::boolean));
  if (dtype == x.dtype() || where == cpu || !fits || !x.categories().empty())
    return x.astype(dtype);
  const Array out = room_on(where, x.shape(), dtype, x.distribution(), x.comm());
  together(x.comm(), [&] {
    const Tile from = x.local(), to = out.local();
    const std::int64_t n = from.rows * from.cols;
    if (n == 0) return;
    const fetching::Axis all[] = {{n, 1}};
    Stream stream(where);
    fetching::operation()(stream, {from.data, 1, n, n, from.dtype, where}, all, 0,
                          {to.data, 1, n, n, dtype, where});
    stream.synchronize();
  });
  return out.with(x.names());
}

Strided::Strided(const void* data, DType dtype, const Shape& shape, const Shape& seen)
    : data_(static_cast<const std::byte*>(data)), dtype_(dtype), elements_(element_count(shape)) {
  std::int64_t stride = 1;
  for (std::size_t k = 1; k <= seen.size(); ++k) {
    const std::int64_t extent = seen[seen.size() - k];
    const std::int64_t own = k <= shape.size() ? shape[shape.size() - k] : 1;
    if (extent != 1) {
      const fetching::Axis axis{extent, own == extent ? stride : 0};
      // axes_ is innermost first here.
      if (!axes_.empty() && axis.stride == axes_.back().stride * axes_.back().extent)
        axes_.back().extent *= extent;
      else
        axes_.push_back(axis);
    }
    stride *= own;
  }
  if (axes_.empty()) axes_.push_back({1, 1});
  for (auto end = axes_.size(); end > 0; --end)
    if (axes_[end - 1].stride != 0) {
      for (std::size_t k = 0; k < end; ++k) period_ *= axes_[k].extent;
      break;
    }
  dense_ = axes_.size() == 1 && axes_[0].stride == 1;
  std::reverse(axes_.begin(), axes_.end());
}

void Strided::fetch(Range range, const Tile& to, Stream& stream) const {
  const Tile from{const_cast<std::byte*>(data_), 1, elements_, elements_, dtype_, to.device};
  fetching::operation()(stream, from, axes_, range.begin, to);
}

}  // namespace tessera::detail
