#pragma once

#include <cstdint>

namespace tessera::on_cpu {

/// Most columns of b for thin_product.
constexpr std::int64_t most_thin_columns = 32;

/// c = alpha a b for a (m x k) and b (k x n), 1 <= n <= most_thin_columns, with `stride` values
/// between rows; b is given as its transpose if `transposed`. Every row of c depends on that row of
/// a only. BLAS would first copy a into panels, which for few columns costs as much as the product.
template <class T>
void thin_product(T alpha, const T* a, std::int64_t m, std::int64_t k, std::int64_t a_stride,
                  const T* b, std::int64_t n, std::int64_t b_stride, bool transposed, T* c,
                  std::int64_t c_stride);

/// c = alpha a b + beta c for a (m x k) and vectors b and c, whose values lie b_stride and c_stride
/// apart. Every value of c depends on its row of a only and not on where that lies: the gemv of
/// BLAS, on processors that OpenBLAS does not know, adds in another order at odd addresses.
template <class T>
void vector_product(T alpha, const T* a, std::int64_t m, std::int64_t k, std::int64_t a_stride,
                    const T* b, std::int64_t b_stride, T beta, T* c, std::int64_t c_stride);

}  // namespace tessera::on_cpu
