#pragma once
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include <tessera/runtime/array.hpp>

/// SciPy's measurements of images and objects in them, by rows over the processes. Sums go through
/// the tree over the leaves of the image, so the bits are the same at any number of processes and
/// threads. All are collective.
namespace tessera::ndimage {

struct Labels {
  Array labels;  ///< of each element the number of its object, 0 for none; lies as the image does
  std::int64_t count = 0;
};
/// The connected objects of what is not 0, numbered in the order of their first elements. Elements
/// are connected with those of their neighbours that the structure (3 along each axis, the same
/// both ways round) names; without one, with those beside them along an axis. int32, int64 for
/// images of 2^31 elements and more, unless an integer or floating dtype is named.
Labels label(const Array& x, const Array& structure = {}, std::optional<DType> output = {});
/// The elements of objects of `x` that have an element where `seeds` is true.
Array objects_with(const Array& x, const Array& seeds, const Array& structure);

/// The boxes of objects 1 to max_label, that of the largest if 0: int64 of shape (max_label, axes,
/// 2), first elements and ends; -1 where there is no object. On every process.
Array find_objects(const Array& labels, std::int64_t max_label = 0);

/// What objects are measured: all elements without labels, those of labels above 0 without an
/// index, else for each index of those of that label. Labels broadcast to the image's shape.
struct Groups {
  Array labels = {};
  Array index = {};
};
/// Results have the shape of the index, and lie on every process.
Array sum_labels(const Array& x, const Groups& groups = {});
Array mean(const Array& x, const Groups& groups = {});
Array variance(const Array& x, const Groups& groups = {});
Array standard_deviation(const Array& x, const Groups& groups = {});
/// Of x's dtype; 0 of no elements, as in SciPy.
Array minimum(const Array& x, const Groups& groups = {});
Array maximum(const Array& x, const Groups& groups = {});
/// Where the first of them is: int64, with the axes of x along a last axis.
Array minimum_position(const Array& x, const Groups& groups = {});
Array maximum_position(const Array& x, const Groups& groups = {});
/// All four by one look at the image.
struct Extrema {
  Array minimum, maximum, minimum_position, maximum_position;
};
Extrema extrema(const Array& x, const Groups& groups = {});
/// Of shape (index..., axes).
Array center_of_mass(const Array& x, const Groups& groups = {});
/// Of shape (index..., bins): how many elements lie in each of some bins of one width.
Array histogram(const Array& x, double min, double max, std::int64_t bins,
                const Groups& groups = {});

}  // namespace tessera::ndimage
