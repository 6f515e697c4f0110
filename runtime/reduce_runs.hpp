#pragma once
#include <tessera/runtime/reduce.hpp>

namespace tessera {

namespace detail {
/// reduce_runs() for partials of one type; null for an array without rows.
AnyPartial reduce_runs(const Rows& x, std::int64_t most, const PartialType& type,
                       const std::function<AnyPartial(const Leaf&, Stream&)>& kernel);
}  // namespace detail

/// reduce() by kernel(run, stream), which may get several leaves of an array at once and merges
/// theirs as the tree does: 2^k leaves, `most` at most, that begin at a multiple of 2^k, or what
/// there is of them. For partials that are computed faster than kernels are called.
template <Partial P>
P reduce_runs(const Rows& x, std::int64_t most,
              const std::function<P(const Leaf& run, Stream&)>& kernel) {
  const auto result = detail::reduce_runs(
      x, most, detail::partial_type<P>,
      [&](const Leaf& run, Stream& stream) { return std::make_shared<P>(kernel(run, stream)); });
  return result ? std::move(*static_cast<P*>(result.get())) : P{};
}

}  // namespace tessera
