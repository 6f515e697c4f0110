#pragma once

#include <cstdint>

namespace tessera::on_cpu {

/// Per column j < p of x (rows x p, row-major, `stride` values between rows), over the rows where
/// x is not NaN (infinities count), with weights w (`rows` values >= 0, null = 1); all float64 and
/// overwritten:
///   count[j] = sum w,   mean[j] = sum w x / count[j],   m2[j] = sum w (x - mean[j])^2.
/// mean and m2 are 0 where count is 0. An infinity makes its column's mean and m2 non-finite.
template <class T>
void column_moments(const T* x, std::int64_t rows, std::int64_t p, std::int64_t stride,
                    const T* weights, double* count, double* mean, double* m2);

/// out = (x - shift) / factor per column; x and out are
/// rows x p, row-major. shift and factor (p values each; null leaves that step out) are rounded to
/// T first and each step is rounded in T, as scikit-learn's StandardScaler does. out may be x
/// itself, else they must not overlap.
template <class T>
void shift_scale(const T* x, std::int64_t rows, std::int64_t p, std::int64_t stride,
                 const double* shift, const double* factor, T* out, std::int64_t out_stride);

/// The inverse, out = x * factor + shift; otherwise as shift_scale.
template <class T>
void scale_shift(const T* x, std::int64_t rows, std::int64_t p, std::int64_t stride,
                 const double* shift, const double* factor, T* out, std::int64_t out_stride);

}  // namespace tessera::on_cpu
