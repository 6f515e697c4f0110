#pragma once
#include <cstdint>
#include <optional>

#include <tessera/runtime/array.hpp>

/// What libraries look for in a namespace of the array API beyond the standard.
namespace tessera {

/// Medians along an axis, or of all; of an even number of elements the mean of both in the middle.
/// numpy.median: float32 of float32, else float64; NaN where one is, or for no elements. Not of
/// complex numbers.
Array median(const Array& x, std::optional<std::int64_t> axis, bool keepdims = false);
/// How often each of 0, 1, ... is among the integers of one dimension, or the sum of the weights,
/// one each, where there is: numpy.bincount, int64 or float64, of at least `minlength` elements.
/// Every process holds all counts for a while. ValueError for negative integers, those of 2^27 and
/// more, and a `minlength` above that.
Array bincount(const Array& x, const Array& weights = {}, std::int64_t minlength = 0);

}  // namespace tessera
