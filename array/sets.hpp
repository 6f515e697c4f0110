#pragma once
#include <string_view>

#include <tessera/runtime/array.hpp>

/// Searching in sorted vectors, and the sets of the array API standard. All are collective;
/// TypeError for complex numbers.
namespace tessera {

/// For each element of `values` before which element of the sorted vector `sorted` it would have to
/// stand, int64: with "left" before those equal to it, with "right" behind them. `sorter` gives the
/// order of a vector that is not sorted. Each needle travels to the process that has its place.
/// ValueError for another word or other than a vector.
Array searchsorted(const Array& sorted, const Array& values, std::string_view side = "left",
                   const Array& sorter = {});

/// Whether each element of x is (with `invert`: is not) one of `elements`. NaN is none.
Array isin(const Array& x, const Array& elements, bool invert = false);

/// Each different element of x once, ascending, as the standard has it: zeros are one, every NaN
/// another.
struct UniqueAll {
  Array values;
  Array indices;  ///< int64, where each comes first in the flattened x
  Array inverse;  ///< int64, x's shape: values[inverse] is x
  Array counts;   ///< int64
};
UniqueAll unique_all(const Array& x);
/// Its values alone.
Array unique_values(const Array& x);

}  // namespace tessera
