#pragma once
#include <span>

#include <tessera/runtime/operation.hpp>
#include <tessera/runtime/stream.hpp>

/// The block kernel that brings elements from where they are to where a kernel wants them.
namespace tessera::fetching {

/// An axis of a view: how many elements, and how far apart, which may be 0 or negative.
struct Axis {
  std::int64_t extent, stride;
};
/// Elements of some memory in row-major order; no axes for one element.
using View = std::span<const Axis>;

/// out (1 x n) = elements number first, first + 1, ... of a view, whose element (0, 0 ...) is the
/// one at `from`, converted to the dtype of `out` as C++ converts numbers: without a look at what
/// is lost, from complex to real numbers the real part. `from` has one row that covers the view.
using Signature = void(Stream&, const Tile& from, View view, std::int64_t first, const Tile& out);
/// `array.fetch`.
const Operation<Signature>& operation();

}  // namespace tessera::fetching
