#pragma once
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include <tessera/array/scalar.hpp>
#include <tessera/runtime/error.hpp>

/// Indexing as in the array API standard and NumPy: x[2:50, 3] is index(x, {Slice{2, 50}, 3}).
/// Results are copies, by rows, or on every process where x is. All are collective.
namespace tessera {

/// An index that an axis has not, or more indices than axes.
struct IndexError : detail::ErrorKind<IndexError> {
  using ErrorKind::ErrorKind;
  static constexpr std::string_view name = "IndexError";
};

/// start:stop:step, cut at the ends of the axis; negative ones count from its end.
struct Slice {
  std::optional<std::int64_t> start = {};
  std::optional<std::int64_t> stop = {};
  std::int64_t step = 1;
};
/// As many whole axes as are left.
struct Ellipsis {};
/// A new axis of extent 1.
struct NewAxis {};

using Index = std::variant<std::int64_t, Slice, Ellipsis, NewAxis, Array>;

/// What the indices select, as in NumPy: integers, slices, one ellipsis, new axes, and arrays of
/// integers or booleans, in any order. Arrays and, beside them, integers broadcast and select
/// together: their axes come where they stand, first of all where something else stands between.
/// An array of booleans is as many indices as it has axes: where it is true. Negative integers
/// count from the end. IndexError for an index out of bounds, too many of them, or a mask of
/// another extent.
Array index(const Array& x, std::span<const Index> indices);
inline Array index(const Array& x, std::initializer_list<Index> indices) {
  return index(x, std::span<const Index>(indices.begin(), indices.size()));
}

/// x[indices] = value: what `index` selects gets other values; `value` broadcasts to that and is
/// converted to x's dtype, and of a place that is named twice the last value stays. Only x changes:
/// its memory is written where no other handle has it, else copied before. TypeError for a value of
/// a higher kind (a float into integers); after an error x is as it was.
void assign(Array& x, std::span<const Index> indices, const Operand& value);
inline void assign(Array& x, std::initializer_list<Index> indices, const Operand& value) {
  assign(x, std::span<const Index>(indices.begin(), indices.size()), value);
}
/// The same in a copy.
inline Array assigned(Array x, std::span<const Index> indices, const Operand& value) {
  assign(x, indices, value);
  return x;
}
inline Array assigned(Array x, std::initializer_list<Index> indices, const Operand& value) {
  assign(x, indices, value);
  return x;
}

/// Elements along an axis by a vector of integers; negative ones count from the end. IndexError for
/// one that the axis has not. Along axis 0 rows travel once; along others the indices go to all.
Array take(const Array& x, const Array& indices, std::int64_t axis);
/// Of every line along the axis the elements that the same line of `indices` names; their other
/// axes broadcast. IndexError as of take().
Array take_along_axis(const Array& x, const Array& indices, std::int64_t axis = -1);
/// Where elements are not 0: for each axis a vector, int64, in row-major order. ValueError for an
/// array without axes.
std::vector<Array> nonzero(const Array& x);

}  // namespace tessera
