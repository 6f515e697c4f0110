#pragma once
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <tessera/runtime/device.hpp>
#include <tessera/runtime/dtype.hpp>

namespace tessera {

/// A view of a strided 2-D piece of somebody's memory, row-major: element (i, j) is at
/// data + (i * stride + j) * size_of(dtype). Passed by value to kernels; owns nothing.
struct Tile {
  void* data = nullptr;
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  std::int64_t stride = 0;  ///< elements between the starts of two rows
  DType dtype = DType::float64;
  Device device{};

  /// The first element. The caller knows that T is the tile's dtype.
  template <class T>
  T* as() const {
    return static_cast<T*>(data);
  }
  /// Rows [first, first + count) of this tile.
  Tile slice(std::int64_t first, std::int64_t count) const {
    Tile t = *this;
    t.data =
        static_cast<std::byte*>(data) + static_cast<std::size_t>(first * stride) * size_of(dtype);
    t.rows = count;
    return t;
  }
  /// Columns [first, first + count) of this tile.
  Tile columns(std::int64_t first, std::int64_t count) const {
    Tile t = *this;
    t.data = static_cast<std::byte*>(data) + static_cast<std::size_t>(first) * size_of(dtype);
    t.cols = count;
    return t;
  }
  explicit operator bool() const { return data != nullptr; }
};
static_assert(std::is_trivially_copyable_v<Tile>);

/// A tile over host memory of one row per element of a vector, or of any row-major block.
template <class T>
Tile tile_of(T* data, std::int64_t rows, std::int64_t cols, std::int64_t stride) {
  return {const_cast<std::remove_const_t<T>*>(data), rows, cols, stride, dtype_of<T>, cpu};
}

}  // namespace tessera
