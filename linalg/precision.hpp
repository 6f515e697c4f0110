#pragma once
#include <tessera/runtime/dtype.hpp>

/// In which dtype things are computed, and what it can hold.
namespace tessera::linalg {

/// The floating or complex dtype that holds values of both; integers and booleans count as float64.
DType common_dtype(DType a, DType b);
inline DType common_dtype(DType a) { return common_dtype(a, a); }
namespace detail {
/// float32 for float32 and complex64, else float64.
DType real_of(DType dtype);
/// The complex dtype of that precision.
DType complex_of(DType dtype);
/// The distance from 1 to the next number of that precision.
double eps_of(DType dtype);
}  // namespace detail

/// The exponent of two that brings `size` near 1; 0 while squares of values around it, and sums of
/// these, are safe in `dtype`, and where it is not finite.
int exponent_for(long double size, DType dtype);

}  // namespace tessera::linalg
