#pragma once
#include <functional>
#include <span>

#include <tessera/runtime/rows.hpp>

/// For what is computed a row at a time in float64, whatever X's dtype: loops that are compiled
/// once, not for each dtype in each estimator.
namespace tessera {

class Estimator;

/// Calls visit(i, values) for every row of a floating tile in host memory.
void for_each_wide_row(
    const Tile& tile,
    const std::function<void(std::int64_t i, std::span<const double> row)>& visit);

/// The weight of row i of what lies beside X: 1 where there are none.
double weight_of(const Tile& weights, std::int64_t i);

/// What fills a row of the result from row i of x.
using WideRowKernel =
    std::function<void(std::int64_t i, std::span<const double> row, std::span<double> out)>;
/// Rows of `cols` values in x's dtype, each computed on the host when it is read, where x lies. A
/// NaN or infinity in x is a ValueError in terms of `checked`, if that is given.
Rows map_wide_rows(const Rows& x, std::int64_t cols, WideRowKernel kernel,
                   const Estimator* checked = nullptr);

}  // namespace tessera
