#pragma once
#include <optional>
#include <vector>

#include <tessera/ndimage/filters.hpp>

/// SciPy's morphology of images by rows. What filters.hpp says about where results lie, dtypes,
/// bits and errors holds. Elements that are not 0 are true; binary functions give booleans.
namespace tessera::ndimage {

/// The neighbours of the middle of a box of 3 along each axis that differ from it along
/// `connectivity` axes at most. Booleans, on every process.
Array generate_binary_structure(std::int64_t rank, std::int64_t connectivity,
                                const Communicator& comm = Communicator::world());
/// A structure dilated by itself, `iterations` - 1 times.
Array iterate_structure(const Array& structure, std::int64_t iterations);

/// What binary functions share.
struct Binary {
  Array structure = {};         ///< generate_binary_structure of connectivity 1 unless given
  std::int64_t iterations = 1;  ///< below 1: until nothing changes
  Array mask = {};              ///< where elements may change; everywhere for none
  bool border_value = false;    ///< what lies beyond the ends
  std::vector<std::int64_t> origin = {0};
  std::optional<std::vector<std::int64_t>> axes = {};
};
/// Whether all (one) of the neighbours in the structure (turned round) are true.
Array binary_erosion(const Array& x, const Binary& how = {});
Array binary_dilation(const Array& x, const Binary& how = {});
/// Erosion, then dilation; the other way round.
Array binary_opening(const Array& x, const Binary& how = {});
Array binary_closing(const Array& x, const Binary& how = {});
/// Dilation until nothing changes.
Array binary_propagation(const Array& x, Binary how = {});
/// With the holes filled: what is false and not connected with what lies beyond the ends.
Array binary_fill_holes(const Array& x, Binary how = {});
/// Where one structure fits and another one, the rest of that unless given, finds nothing.
Array binary_hit_or_miss(const Array& x, const Array& structure1, const Array& structure2,
                         const std::vector<std::int64_t>& origin1,
                         const std::vector<std::int64_t>& origin2,
                         const std::optional<std::vector<std::int64_t>>& axes = {});

/// The smallest (largest) neighbours less (and) the heights of a structure.
Array grey_erosion(const Array& x, const Footprint& around, const Filter& filter = {});
Array grey_dilation(const Array& x, const Footprint& around, const Filter& filter = {});
Array grey_opening(const Array& x, const Footprint& around, const Filter& filter = {});
Array grey_closing(const Array& x, const Footprint& around, const Filter& filter = {});
/// Dilation less erosion.
Array morphological_gradient(const Array& x, const Footprint& around, const Filter& filter = {});
/// Dilation and erosion less twice x.
Array morphological_laplace(const Array& x, const Footprint& around, const Filter& filter = {});
/// x less its opening; its closing less x. Of booleans where they differ.
Array white_tophat(const Array& x, const Footprint& around, const Filter& filter = {});
Array black_tophat(const Array& x, const Footprint& around, const Filter& filter = {});

}  // namespace tessera::ndimage
