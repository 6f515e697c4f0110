#pragma once
#include <tessera/runtime/array.hpp>

namespace tessera {

/// The elements of a vector in ascending order, NaN last, by rows on x's device: exactly what its
/// row distribution gives every process, whatever the values. Elements travel once. Collective;
/// ValueError unless x has one dimension, TypeError for complex numbers. Of text the order of its
/// codes.
Array sort(const Array& x);

/// The same along an axis of any array; descending ones have NaN first. A vector's axis is sorted
/// as above, along others every line by itself, along axis 0 of more dimensions transposed.
Array sort(const Array& x, std::int64_t axis, bool descending = false);
/// Where the elements of sort() are, int64; equal ones (zeros of both signs, NaN) keep their order.
Array argsort(const Array& x, std::int64_t axis = -1, bool descending = false);

}  // namespace tessera
