#pragma once
#include <cstdint>

namespace tessera::on_cpu {

/// partial = [count | mean | m2], each groups x p: the sum of weights, the weighted mean and sum of
/// squared deviations of the columns of x (rows x p) over the rows of each group, updated row by
/// row (Welford, West). Rows with a code outside [0, groups) or of weight 0 are left out; weights
/// may be null (= 1). The same bits on every instruction set.
template <class T>
void group_moments(const T* x, std::int64_t rows, std::int64_t p, std::int64_t stride,
                   const std::int32_t* codes, const T* weights, std::int64_t groups,
                   double* partial);

}  // namespace tessera::on_cpu
