#pragma once
#include <cstddef>
#include <cstdint>

#include <tessera/array/kernels/reductions.hpp>

namespace tessera::on_cpu {

// In files that compile side by side.
using Conditions = reductions::List<reductions::AllOf, reductions::AnyOf, reductions::CountOf>;
using Extremes = reductions::List<reductions::ArgmaxOf, reductions::ArgminOf, reductions::MaximumOf,
                                  reductions::MinimumOf>;
using Sums = reductions::List<reductions::MeanOf, reductions::ProductOf, reductions::SumOf,
                              reductions::VarianceOf>;

using Run = void (*)(const Tile& x, std::int64_t n, reductions::Start start, const Tile& out);

/// Implements those of a list by what find(place in the list, dtype) gives.
template <template <class> class... R>
void implement(Backend& backend, const reductions::Operations& operations, reductions::List<R...>,
               Run (*find)(std::size_t index, DType dtype)) {
  std::size_t index = 0;
  (backend.implement(
       operations.at(R<double>::name), reductions::dtypes<R>(),
       [find, i = index++](Stream&, const Tile& x, std::int64_t n, reductions::Start start,
                           const Tile& out) { find(i, x.dtype)(x, n, start, out); }),
   ...);
}

void implement_conditions(Backend& backend, const reductions::Operations& operations);
void implement_extremes(Backend& backend, const reductions::Operations& operations);
void implement_sums(Backend& backend, const reductions::Operations& operations);

}  // namespace tessera::on_cpu
