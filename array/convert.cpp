#include <tessera/array/convert.hpp>

#include <algorithm>
#include <complex>
#include <cstring>
#include <type_traits>

#include <tessera/runtime/visit.hpp>

namespace tessera::detail {

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
      const auto one = [](const From& v) {
        if constexpr (std::is_constructible_v<To, From>)
          return static_cast<To>(v);
        else
          return static_cast<To>(v.real());
      };
      if (stride == 0)
        std::fill_n(y, n, one(*x));
      else if (stride == 1)
        for (std::int64_t i = 0; i < n; ++i) y[i] = one(x[i]);
      else
        for (std::int64_t i = 0; i < n; ++i) y[i] = one(x[i * stride]);
    });
  });
}

Strided::Strided(const void* data, DType dtype, const Shape& shape, const Shape& seen)
    : data_(static_cast<const std::byte*>(data)), dtype_(dtype) {
  std::int64_t stride = 1;
  for (std::size_t k = 1; k <= seen.size(); ++k) {
    const std::int64_t extent = seen[seen.size() - k];
    const std::int64_t own = k <= shape.size() ? shape[shape.size() - k] : 1;
    if (extent != 1) {
      const Axis axis{extent, own == extent ? stride : 0};
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

void Strided::fetch(Range range, DType dtype, std::byte* to) const {
  std::vector<std::int64_t> index(axes_.size());
  std::int64_t offset = 0;
  std::int64_t rest = range.begin;
  for (std::size_t k = axes_.size(); k-- > 0;) {
    index[k] = rest % axes_[k].extent;
    rest /= axes_[k].extent;
    offset += index[k] * axes_[k].stride;
  }
  const auto width = static_cast<std::int64_t>(size_of(dtype_));
  const Axis inner = axes_.back();
  for (std::int64_t done = range.begin; done < range.end;) {
    const std::int64_t n = std::min(inner.extent - index.back(), range.end - done);
    convert(data_ + offset * width, inner.stride, dtype_, to, dtype, n);
    to += static_cast<std::size_t>(n) * size_of(dtype);
    done += n;
    // On to the next run.
    offset += n * inner.stride;
    index.back() += n;
    for (std::size_t k = axes_.size(); k-- > 1 && index[k] == axes_[k].extent;) {
      offset += axes_[k - 1].stride - axes_[k].extent * axes_[k].stride;
      index[k] = 0;
      ++index[k - 1];
    }
  }
}

}  // namespace tessera::detail
