#include <tessera/array/kernels/fetch.hpp>

#include <algorithm>
#include <vector>

#include <tessera/array/convert.hpp>

namespace tessera::fetching {
namespace {

// Run by run along the last axis.
void fetch(Stream&, const Tile& from, View given, std::int64_t first, const Tile& out) {
  constexpr Axis one[] = {{1, 1}};
  const View axes = given.empty() ? View(one) : given;
  std::vector<std::int64_t> index(axes.size());
  std::int64_t offset = 0;
  std::int64_t rest = first;
  for (std::size_t k = axes.size(); k-- > 0;) {
    index[k] = rest % axes[k].extent;
    rest /= axes[k].extent;
    offset += index[k] * axes[k].stride;
  }
  const auto width = static_cast<std::int64_t>(size_of(from.dtype));
  const auto* data = from.as<const std::byte>();
  const Axis inner = axes.back();
  for (std::int64_t done = 0; done < out.cols;) {
    const std::int64_t n = std::min(inner.extent - index.back(), out.cols - done);
    detail::convert(data + offset * width, inner.stride, from.dtype, out.columns(done, n).data,
                    out.dtype, n);
    done += n;
    // On to the next run.
    offset += n * inner.stride;
    index.back() += n;
    for (std::size_t k = axes.size(); k-- > 1 && index[k] == axes[k].extent;) {
      offset += axes[k - 1].stride - axes[k].extent * axes[k].stride;
      index[k] = 0;
      ++index[k - 1];
    }
  }
}

// The definition.
void fetch_plainly(Stream&, const Tile& from, View axes, std::int64_t first, const Tile& out) {
  const auto width = static_cast<std::int64_t>(size_of(from.dtype));
  for (std::int64_t i = 0; i < out.cols; ++i) {
    std::int64_t rest = first + i, place = 0;
    for (std::size_t k = axes.size(); k-- > 0; rest /= axes[k].extent)
      place += rest % axes[k].extent * axes[k].stride;
    detail::convert(from.as<const std::byte>() + place * width, 1, from.dtype,
                    out.columns(i, 1).data, out.dtype, 1);
  }
}

}  // namespace

const Operation<Signature>& operation() {
  static const Operation<Signature> op("array.fetch");
  static const bool installed = [] {
    Backend cpu_backend("cpu", Device::Kind::cpu);
    Backend reference("reference", Device::Kind::cpu, -100);
    cpu_backend.implement(op, fetch);
    reference.implement(op, fetch_plainly);
    detail::install_built_in(std::move(cpu_backend));
    detail::install_built_in(std::move(reference));
    return true;
  }();
  (void)installed;
  return op;
}

}  // namespace tessera::fetching
