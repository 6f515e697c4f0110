#pragma once
#include <vector>

#include <tessera/runtime/array.hpp>

/// The one mover of elements that manipulation, slicing and assignment share.
namespace tessera::detail {

/// A box of elements: element i of it is `from_at + i . from_strides` of one array, counted
/// row-major over all of it, and `to_at + i . to_strides` of another. Strides of `from` may be 0 or
/// negative; no element of `to` is named twice.
struct Box {
  std::vector<std::int64_t> extents = {};
  std::int64_t from_at = 0;
  std::vector<std::int64_t> from_strides = {};
  std::int64_t to_at = 0;
  std::vector<std::int64_t> to_strides = {};
};

/// to[...] = from[...] for a box, both by rows or replicated in host memory and of one dtype. Each
/// process sends every other what that needs of its rows, in one exchange; no process holds more
/// than that, its rows and, of replicated arrays, all. Collective.
void move(const Array& from, const Array& to, Box box);

/// x's elements through the `from` side of a box, row-major as an array of that shape: on x's
/// device if it has the kernel and every process has all of x there, else by way of the host.
/// Collective.
Array seen(const Array& x, const Shape& shape, Box box);

}  // namespace tessera::detail
