#pragma once
#include <tessera/runtime/array.hpp>

namespace tessera {

/// The elements of a vector in ascending order, NaN last, by rows on x's device: exactly what its
/// row distribution gives every process, whatever the values. Elements travel once. Collective;
/// ValueError unless x has one dimension, TypeError for complex numbers. Of text the order of its
/// codes.
Array sort(const Array& x);

}  // namespace tessera
