#pragma once
#include <cereal/types/optional.hpp>

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include <tessera/runtime/buffer.hpp>
#include <tessera/runtime/operation.hpp>
#include <tessera/runtime/stream.hpp>

namespace tessera {

/// What one Lloyd pass adds up: per centre the weighted sum of its rows minus the offset, and their
/// weight; the inertia; how many labels changed. The first three only when asked for, by their size
/// or value.
struct Assignment {
  AlignedVector<double> sums;  ///< k x d
  std::vector<double> counts;  ///< k
  std::optional<double> inertia;
  std::int64_t changed = 0;

  Assignment() = default;
  Assignment(std::int64_t k, std::int64_t d)
      : sums(static_cast<std::size_t>(k * d)), counts(static_cast<std::size_t>(k)) {}
  void merge(const Assignment& right);
  template <class Archive>
  void serialize(Archive& archive) {
    archive(sums, counts, inertia, changed);
  }
};

/// The block kernels that only estimators need. Tiles of one device and floating dtype; weights may
/// be an empty tile.
struct EstimatorKernels {
  /// labels (rows x 1, int32) = the row of centers (k x d) nearest to x - offset for each row of x
  /// (rows x d), ties to the lowest index; adds what `out` has room for. Centres relative to an
  /// offset (1 x d) near the data's mean keep the products from cancelling.
  Operation<void(Stream&, const Tile& x, const Tile& centers, const Tile& offset,
                 const Tile& weights, const Tile& labels, Assignment& out)>
      assign_nearest{"cluster.assign_nearest"};
  /// potentials[t] += sum_i w_i min(closest_i, |x_i - c_t|^2) for candidate rows c (m x d).
  Operation<void(Stream&, const Tile& x, const Tile& candidates, const Tile& weights,
                 const Tile& closest, std::span<double> potentials)>
      candidate_potentials{"cluster.candidate_potentials"};
  /// closest_i = min(closest_i, |x_i - c|^2) for one row c; returns sum_i w_i closest_i.
  Operation<double(Stream&, const Tile& x, const Tile& center, const Tile& weights,
                   const Tile& closest)>
      update_closest{"cluster.update_closest"};
  /// out (rows x k) = Euclidean distances from the rows of x to the rows of centers.
  Operation<void(Stream&, const Tile& x, const Tile& centers, const Tile& out)> distances{
      "cluster.distances"};
};

/// The one instance. The first call installs this room's built-in backends.
const EstimatorKernels& estimator_kernels();

/// The implementations for the CPU.
Backend cpu_backend(const EstimatorKernels& kernels);

}  // namespace tessera
