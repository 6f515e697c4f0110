#pragma once
#include <cstdint>

#include <tessera/runtime/tile.hpp>

/// Elements of floating tiles as numbers, whatever their dtype.
namespace tessera::reference {

using Wide = long double;
using Index = std::int64_t;

inline Wide at(const Tile& t, Index i, Index j) {
  const Index k = i * t.stride + j;
  return t.dtype == DType::float32 ? Wide{t.as<float>()[k]} : Wide{t.as<double>()[k]};
}
inline void put(const Tile& t, Index i, Index j, Wide value) {
  const Index k = i * t.stride + j;
  if (t.dtype == DType::float32)
    t.as<float>()[k] = static_cast<float>(value);
  else
    t.as<double>()[k] = static_cast<double>(value);
}
inline Wide weight_of(const Tile& weights, Index i) { return weights ? at(weights, i, 0) : 1; }

}  // namespace tessera::reference
