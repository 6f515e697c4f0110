#pragma once
#include <cstdint>

#include <tessera/estimators/kernels/kernels.hpp>

namespace tessera::on_cuda {

/// Leaves and centres that assign_nearest takes: a leaf is sorted by one block, in shared memory.
inline constexpr std::int64_t most_leaf_rows = 4096;
inline constexpr std::int64_t most_centers = std::int64_t{1} << 20;

/// EstimatorKernels on the GPU, as declared there. Labels are those of the CPU: the same chain of
/// fused multiply-adds for each distance.
void assign_nearest(Stream& stream, const Tile& x, std::int64_t leaf_rows, const Tile& centers,
                    const Tile& offset, const Tile& weights, const Tile& labels,
                    const AssignmentParts& parts, const Tile& out);
void candidate_potentials(Stream& stream, const Tile& x, std::int64_t leaf_rows,
                          const Tile& candidates, const Tile& weights, const Tile& closest,
                          const Tile& out);
void update_closest(Stream& stream, const Tile& x, std::int64_t leaf_rows, const Tile& centers,
                    const Tile& weights, const Tile& closest, const Tile& out);
void distances(Stream& stream, const Tile& x, const Tile& centers, const Tile& out);

}  // namespace tessera::on_cuda
