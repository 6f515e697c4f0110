#pragma once
#include <span>
#include <string_view>
#include <vector>

#include <tessera/runtime/array.hpp>

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

/// Whether there is neither NaN nor infinity.
bool is_finite(std::span<const double> values);

/// The exponent of two that brings `size` near 1; 0 while squares of values around it, and sums of
/// these, are safe in `dtype`, and where it is not finite.
int exponent_for(long double size, DType dtype);
/// 2^most_exponent and its inverse are normal numbers of that precision.
int most_exponent(DType dtype);
/// The exponent of two that brings `size`, which is above 0, near 1, within that.
int exponent_to_one(long double size, DType dtype);

/// value 2^exponent, with a RuntimeWarning that names `what` ("PCA: noise_variance_") when float64
/// cannot hold it.
double scaled_back(double value, int exponent, std::string_view what);
/// All values 2^exponent as `dtype`, replicated; as float64 where float32 cannot hold the largest,
/// and with that warning where float64 cannot.
Array scaled_back(const std::vector<double>& values, int exponent, const Shape& shape, DType dtype,
                  const Communicator& comm, std::string_view what);

}  // namespace tessera::linalg
