#pragma once
#include <optional>
#include <span>
#include <vector>

#include <tessera/runtime/array.hpp>

/// The manipulation functions of the array API standard. Results lie by rows, or on every process
/// where all that is given does. Where elements change their process they travel once, directly.
/// Axes may be negative. All are collective; ValueError for axes and shapes that do not fit.
namespace tessera {

using Axes = std::vector<std::int64_t>;

/// The same elements in another shape, in which one extent may be -1: what is left. No copy where
/// the number of rows stays.
Array reshape(const Array& x, Shape shape);
/// The shape that arrays of these shapes have together; ValueError where there is none.
Shape broadcast_shapes(std::span<const Shape> shapes);
/// Seen in a larger shape, extents of 1 repeated.
Array broadcast_to(const Array& x, const Shape& shape);
std::vector<Array> broadcast_arrays(std::span<const Array> arrays);
/// Axis i of the result is axis axes[i] of x.
Array permute_dims(const Array& x, const Axes& axes);
/// The last two axes exchanged.
Array matrix_transpose(const Array& x);
/// Axes moved to where `destination` says, the others in their order.
Array moveaxis(const Array& x, const Axes& source, const Axes& destination);
/// New axes of extent 1 at these places of the result; IndexError for one that it has not.
Array expand_dims(const Array& x, const Axes& axes = {0});
/// Without these axes, which have extent 1.
Array squeeze(const Array& x, const Axes& axes);
/// The elements in reverse order along some axes, all for none given.
Array flip(const Array& x, const std::optional<Axes>& axes = {});
/// Element i of axis k goes to (i + shift[k]) mod its extent; without axes that of the flattened x.
Array roll(const Array& x, const Axes& shift, std::optional<Axes> axes = {});
/// One behind another along an axis; flattened for none. Their dtypes promote.
Array concat(std::span<const Array> arrays, std::optional<std::int64_t> axis = 0);
/// The same along a new axis.
Array stack(std::span<const Array> arrays, std::int64_t axis = 0);
/// The arrays along an axis.
std::vector<Array> unstack(const Array& x, std::int64_t axis = 0);
/// Each element so many times, along an axis or, for none, of the flattened x.
Array repeat(const Array& x, std::int64_t times, std::optional<std::int64_t> axis = {});
/// The same with a number for each.
Array repeat(const Array& x, const Array& times, std::optional<std::int64_t> axis = {});
/// x so many times along each axis; the shorter of `times` and shape gets ones in front.
Array tile(const Array& x, Axes times);
/// The elements on and below (above) diagonal k of the last two axes, 0 elsewhere.
Array tril(const Array& x, std::int64_t k = 0);
Array triu(const Array& x, std::int64_t k = 0);

}  // namespace tessera
