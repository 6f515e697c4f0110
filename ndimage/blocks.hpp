#pragma once
#include <functional>
#include <span>
#include <vector>

#include <tessera/ndimage/border.hpp>
#include <tessera/ndimage/kernels/filters.hpp>
#include <tessera/runtime/array.hpp>

namespace tessera::ndimage {

/// What a filter sees around each element, and what lies beyond the ends of the axes.
struct Neighbourhood {
  std::vector<std::int64_t> before, after;  ///< how far it reaches along each axis
  std::vector<Mode> modes;                  ///< of each axis
  double cval = 0;
  /// Each place that is looked at, by its distance from the corner `before` along each axis; one
  /// after another.
  std::vector<std::int64_t> taps;
};

/// Part of a result: `out` lies along its last two axes (its last one), `first` is the index of its
/// first element.
using BlockKernel = std::function<void(Stream&, const Tile& out, const Taps& taps,
                                       std::span<const std::int64_t> first)>;

/// An array like x of dtype `result`, of which the kernel computes every element from the taps
/// around it, both as `dtype`. Processes exchange the rows at the ends of theirs; then x is copied
/// block by block, with what surrounds each, on several threads. x by rows or replicated, in host
/// memory, with an axis at least. Collective.
Array map_blocks(const Array& x, DType result, DType dtype, const Neighbourhood& around,
                 const BlockKernel& kernel);

}  // namespace tessera::ndimage
