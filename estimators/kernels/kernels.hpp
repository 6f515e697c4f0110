#pragma once
#include <cstdint>
#include <span>

#include <tessera/runtime/operation.hpp>
#include <tessera/runtime/stream.hpp>

namespace tessera {

/// What one Lloyd pass adds up for a leaf, in this order: per centre the weighted sum of its rows
/// minus the offset (k x d, if `sums`), the weight of each centre's rows (k), the inertia (0 unless
/// `inertia`), how many labels changed.
struct AssignmentParts {
  std::int64_t k = 0;
  std::int64_t d = 0;
  bool sums = true;
  bool inertia = true;

  std::int64_t counts_at() const { return sums ? k * d : 0; }
  std::int64_t inertia_at() const { return counts_at() + k; }
  std::int64_t changed_at() const { return inertia_at() + 1; }
  std::int64_t size() const { return changed_at() + 1; }
};

/// The block kernels that only estimators need. Tiles of one device and floating dtype; weights may
/// be an empty tile. Runs of leaves, partials and synchronisation as in linalg::Kernels.
struct EstimatorKernels {
  /// labels (rows x 1, int32) = the row of centers (k x d) nearest to x - offset for each row of x
  /// (rows x d), ties to the lowest index, 0 where no distance is a number; row i of `out` (leaves
  /// x parts.size(), float64) receives what leaf i adds up. Centres relative to an offset (1 x d)
  /// near the data's mean keep the products from cancelling.
  Operation<void(Stream&, const Tile& x, std::int64_t leaf_rows, const Tile& centers,
                 const Tile& offset, const Tile& weights, const Tile& labels,
                 const AssignmentParts& parts, const Tile& out)>
      assign_nearest{"cluster.assign_nearest", flops_of_assign};
  /// out (leaves x m)[t] = sum_i w_i min(closest_i, |x_i - c_t|^2) over the leaf's rows for
  /// candidate rows c (m x d); a NaN distance counts as closest_i.
  Operation<void(Stream&, const Tile& x, std::int64_t leaf_rows, const Tile& candidates,
                 const Tile& weights, const Tile& closest, const Tile& out)>
      candidate_potentials{"cluster.candidate_potentials"};
  /// closest_i = min(closest_i, |x_i - c_t|^2 over the rows c of centers (m x d)), a NaN distance
  /// left out; out (leaves x 1) = sum_i w_i closest_i over the leaf's rows.
  Operation<void(Stream&, const Tile& x, std::int64_t leaf_rows, const Tile& centers,
                 const Tile& weights, const Tile& closest, const Tile& out)>
      update_closest{"cluster.update_closest"};
  /// out (rows x k) = Euclidean distances from the rows of x to the rows of centers, also where
  /// their squares leave the range of the dtype.
  Operation<void(Stream&, const Tile& x, const Tile& centers, const Tile& out)> distances{
      "cluster.distances"};

 private:
  static double flops_of_assign(Stream&, const Tile&, std::int64_t, const Tile&, const Tile&,
                                const Tile&, const Tile&, const AssignmentParts&, const Tile&);
};

/// The one instance. The first call installs this room's built-in backends.
const EstimatorKernels& estimator_kernels();

/// The built-in implementations, as in linalg.
Backend cpu_backend(const EstimatorKernels& kernels);
Backend reference_backend(const EstimatorKernels& kernels);
Backend cuda_backend(const EstimatorKernels& kernels);

}  // namespace tessera
