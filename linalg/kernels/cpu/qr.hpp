#pragma once

#include <cstdint>

namespace tessera::on_cpu {

/// The rows z_i = sqrt(w_i) ([x_i, y_i] - shift), i < rows, formed in float64: x is rows x p and y
/// rows x q, row-major; y may be null with q = 0. shift: p + q values or null; weights: rows values
/// or null. T is float or double.
template <class T>
struct QrRows {
  const T* x;
  std::int64_t rows;
  std::int64_t p;
  std::int64_t x_stride;
  const T* y = nullptr;
  std::int64_t q = 0;
  std::int64_t y_stride = 0;
  const double* shift = nullptr;
  const T* weights = nullptr;
};

/// Householder QR of n = p + q columns, backward stable by column, on one thread. Whichever
/// function is called, the same rows have the same R. Values that are not finite make values of R
/// that are not.

/// R, k x n with k = min(rows, n) and r_stride values between rows; zeros below the diagonal.
template <class T>
void qr_triangle(const QrRows<T>& rows, double* r, std::int64_t r_stride);
/// out (rows x l) = Q c in T; c is k x l.
template <class T>
void qr_times(const QrRows<T>& rows, const double* c, std::int64_t l, std::int64_t c_stride, T* out,
              std::int64_t out_stride);
/// Two upper trapezoidal matrices of n columns stacked in a (rows x n), the first of `top` rows: R
/// goes to the first k rows of a; Q (rows x k) to q unless that is null.
void qr_pair(double* a, std::int64_t rows, std::int64_t n, std::int64_t stride, std::int64_t top,
             double* q, std::int64_t q_stride);

}  // namespace tessera::on_cpu
