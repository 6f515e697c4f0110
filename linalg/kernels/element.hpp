#pragma once
#include <complex>
#include <cstdint>

#include <tessera/runtime/tile.hpp>

/// Elements of floating and complex tiles as numbers, whatever their dtype.
namespace tessera::reference {

using Wide = long double;
using WideComplex = std::complex<Wide>;
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
inline WideComplex complex_at(const Tile& t, Index i, Index j) {
  const Index k = i * t.stride + j;
  if (t.dtype == DType::complex64) return WideComplex(t.as<std::complex<float>>()[k]);
  if (t.dtype == DType::complex128) return WideComplex(t.as<std::complex<double>>()[k]);
  return at(t, i, j);
}
inline void put(const Tile& t, Index i, Index j, WideComplex value) {
  const Index k = i * t.stride + j;
  if (t.dtype == DType::complex64)
    t.as<std::complex<float>>()[k] = std::complex<float>(value);
  else
    t.as<std::complex<double>>()[k] = std::complex<double>(value);
}
inline Wide weight_of(const Tile& weights, Index i) { return weights ? at(weights, i, 0) : 1; }

}  // namespace tessera::reference
