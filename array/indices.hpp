#pragma once
#include <algorithm>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include <tessera/array/indexing.hpp>
#include <tessera/array/move.hpp>

/// What indices mean, for reading and for writing.
namespace tessera::detail {

/// What indices without arrays select: its shape, and where it is, as the `from` of a box.
struct Selected {
  Shape shape;
  Box box;
};
Selected selected(const Shape& shape, std::span<const Index> indices);

/// Integers as int64 places along an axis of that extent, none negative. IndexError for one that
/// it has not, and for other than integers. Collective.
Array checked_places(const Array& indices, std::int64_t axis, std::int64_t extent);

/// The mask that is the only index; null for none.
const Array* sole_mask(std::span<const Index> indices);
/// How x lies once its leading axes have a mask's shape. IndexError unless they have: each of the
/// extent of x, or of 0, which selects nothing; false for that.
bool fits_mask(const Array& x, const Array& mask);

/// An index of several of which one is an array, once `...`, masks and negative numbers are
/// resolved: an array of places along an axis of x (of none for a boolean without axes), a slice of
/// an axis, or a new axis, which is neither.
struct AxisIndex {
  std::int64_t axis = -1;
  Array at = {};  ///< int64, none negative; an integer is one without axes
  std::optional<Slice> slice = {};
  bool apart = false;  ///< from the array before it, by a `...` that stands for no axis
  bool is_array() const { return static_cast<bool>(at); }
};
inline bool is_whole(const Slice& s) { return !s.start && !s.stop && s.step == 1; }
/// As many of them as the indices say, axis by axis, without whole axes behind the last array.
/// IndexError for what x has not. Collective.
std::vector<AxisIndex> spelt_out(const Array& x, std::span<const Index> indices);
/// Whether all arrays stand side by side, so that their axes are where they stand, as in NumPy;
/// those of others come first.
bool side_by_side(std::span<const AxisIndex> indices);

/// Where what indices select is among the elements of the leading axes that they name, row-major:
/// int64, of the shape of the selection without the axes that they do not name. Collective.
Array places(const Shape& shape, std::span<const AxisIndex> indices, const Communicator& comm);

/// The local places of a mask that are true, found by all threads.
class TruePlaces {
 public:
  explicit TruePlaces(const Array& mask);
  std::int64_t count() const { return before_.back(); }

  /// out[k] = value(place k). Values of a block are put together without a branch, which would be
  /// guessed wrongly as often as the mask changes.
  template <class T, class Value>
  void write(T* out, const Value& value) const {
    for_pieces([&](std::int64_t p, Range piece) {
      constexpr std::int64_t block = 512;
      T some[block];
      T* to = out + before_[static_cast<std::size_t>(p)];
      for (std::int64_t at = piece.begin; at < piece.end; at += block) {
        std::int64_t k = 0;
        for (std::int64_t i = at; i < std::min(piece.end, at + block); ++i) {
          some[k] = value(i);
          k += true_at_[i];
        }
        to = std::copy_n(some, k, to);
      }
    });
  }
  /// use(k, place k) for all k, on any thread.
  template <class Use>
  void visit(const Use& use) const {
    for_pieces([&](std::int64_t p, Range piece) {
      std::int64_t k = before_[static_cast<std::size_t>(p)];
      for (std::int64_t i = piece.begin; i < piece.end; ++i)
        if (true_at_[i]) use(k++, i);
    });
  }

 private:
  void for_pieces(const std::function<void(std::int64_t, Range)>& f) const;
  const bool* true_at_;
  std::int64_t n_, pieces_;
  std::vector<std::int64_t> before_;
};

}  // namespace tessera::detail
