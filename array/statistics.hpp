#pragma once
#include <optional>
#include <string_view>
#include <vector>

#include <tessera/runtime/array.hpp>

/// Reductions of the array API standard: over some axes, over all for none given. What is reduced
/// over axis 0 goes through the tree, so results are the same bits for any number of processes, and
/// lies on every process; other results lie by rows. Sums of float32 and complex64 are kept in
/// twice the precision. With `keepdims` reduced axes stay, of extent 1. All are collective;
/// TypeError for a dtype that a function does not take, ValueError for axes that x has not.
namespace tessera {

class Rows;
using OptionalAxes = std::optional<std::vector<std::int64_t>>;

/// Of booleans and integers int64 or uint64, whatever is less dropped, unless `dtype` is given, to
/// which x is converted first where that is of another kind.
Array sum(const Array& x, const OptionalAxes& axes = {}, bool keepdims = false,
          std::optional<DType> dtype = {});
Array prod(const Array& x, const OptionalAxes& axes = {}, bool keepdims = false,
           std::optional<DType> dtype = {});
/// NaN where one is. ValueError for no elements.
Array max(const Array& x, const OptionalAxes& axes = {}, bool keepdims = false);
Array min(const Array& x, const OptionalAxes& axes = {}, bool keepdims = false);
/// Of booleans and integers float64. NaN for no elements.
Array mean(const Array& x, const OptionalAxes& axes = {}, bool keepdims = false);
/// The sum of squared deviations divided by n - correction, of real numbers.
Array var(const Array& x, const OptionalAxes& axes = {}, double correction = 0,
          bool keepdims = false);
/// Its square root.
Array std(const Array& x, const OptionalAxes& axes = {}, double correction = 0,
          bool keepdims = false);
/// Whether one (every) element is true, or not 0; NaN is not.
Array any(const Array& x, const OptionalAxes& axes = {}, bool keepdims = false);
Array all(const Array& x, const OptionalAxes& axes = {}, bool keepdims = false);
/// int64.
Array count_nonzero(const Array& x, const OptionalAxes& axes = {}, bool keepdims = false);
/// Where along an axis, or in the flattened x, the first of the largest (smallest) elements is, or
/// of those that are NaN: int64. ValueError for no elements.
Array argmax(const Array& x, std::optional<std::int64_t> axis = {}, bool keepdims = false);
Array argmin(const Array& x, std::optional<std::int64_t> axis = {}, bool keepdims = false);

/// One of the functions above, by its name, of rows that need not be in memory: along axis 0, or of
/// `all` elements. One pass, and the same bits.
Array reduce_rows(std::string_view name, const Rows& x, bool all, bool keepdims = false,
                  double correction = 0);

/// Sums (products) of the elements up to each, along an axis; dtypes as of sum(). With
/// `include_initial` 0 (1) comes first. Kept in float64 or complex128, and each rounded.
Array cumulative_sum(const Array& x, std::optional<std::int64_t> axis = {},
                     std::optional<DType> dtype = {}, bool include_initial = false);
Array cumulative_prod(const Array& x, std::optional<std::int64_t> axis = {},
                      std::optional<DType> dtype = {}, bool include_initial = false);
/// Differences of neighbours along an axis, n times; with arrays before and behind x.
Array diff(const Array& x, std::int64_t axis = -1, std::int64_t n = 1, const Array& prepend = {},
           const Array& append = {});

}  // namespace tessera
