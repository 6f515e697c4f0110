#pragma once

#include <cstdint>

namespace tessera::on_cpu {

/// Centred Gram of the rows z_i = [x_i, y_i], i < rows: x is rows x p and y is rows x q, row-major
/// with x_stride and y_stride values between rows; y may be null with q = 0. T is float or double.
/// weights: `rows` values >= 0, or null (= 1).
///
/// Overwrites, all float64,
///   *weight                  = sum w
///   mean  (p + q values)     = sum w z / sum w
///   gram  (p + q) x (p + q)  = sum w (z - mean)(z - mean)^T, row-major, full (symmetric bits).
/// If center is false: mean = 0 and gram = sum w z z^T. With rows = 0 or sum w = 0 mean and gram
/// are zero. NaN or infinity in a column makes that column's mean (if centred) and its row and
/// column of gram NaN or infinite.
///
/// Products are formed in T on values shifted by about their mean, in chains of at most some
/// hundred rows that are then added in float64: columns with a large offset keep T's relative
/// accuracy.
template <class T>
void centered_gram(const T* x, std::int64_t rows, std::int64_t p, std::int64_t x_stride, const T* y,
                   std::int64_t q, std::int64_t y_stride, const T* weights, bool center,
                   double* weight, double* mean, double* gram);

}  // namespace tessera::on_cpu
