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

/// What a linear model minimises, by the predictors u = x coef + intercept of a row.
enum class Loss : std::uint8_t {
  squared,           ///< (u - y)^2 / 2
  logistic,          ///< log(1 + exp(u)) - y u
  multinomial,       ///< log sum_c exp(u_c) - u_y, y the number of a class
  poisson,           ///< exp(u) - y u
  gamma,             ///< u + y exp(-u)
  tweedie,           ///< half the deviance of `power` of the mean exp(u), but for what y alone adds
  tweedie_identity,  ///< half the deviance of `power` of the mean u
  huber,  ///< s + s h(|u - y| / s), h(z) = z^2 up to `epsilon`, then 2 epsilon z - epsilon^2
};

struct LinearLoss {
  Loss loss = Loss::squared;
  std::int64_t outputs = 1;  ///< k predictors of a row: the classes of multinomial
  double power = 0.0;
  double epsilon = 0.0;
  double scale = 1.0;  ///< s of huber

  /// A sum over rows has the loss, its slope by the scale, and the gradient by the coefficients, k
  /// x (p + 1), each intercept's after its row.
  static constexpr std::int64_t gradient_at = 2;
  std::int64_t coefficients(std::int64_t p) const { return outputs * (p + 1); }
  std::int64_t size(std::int64_t p) const { return gradient_at + coefficients(p); }
  /// The pairs a <= b of predictors, which the curvature of a row has: (0, 0), (0, 1) ...
  std::int64_t pairs() const { return outputs * (outputs + 1) / 2; }
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

  /// out (leaves x loss.size(p)) = the weighted sum over each leaf's rows; y (rows x 1) has x's
  /// dtype, coef is k x (p + 1). Where the `curvature` tile is not empty, row (a, b) of it (pairs x
  /// rows, x's dtype) receives each row's weight times d^2 loss / du_a du_b, of a != b its
  /// negative, and 0 instead of what is below.
  Operation<void(Stream&, const Tile& x, std::int64_t leaf_rows, const Tile& y, const Tile& weights,
                 std::span<const double> coef, const LinearLoss& loss, const Tile& curvature,
                 const Tile& out)>
      leaf_loss{"linear_model.leaf_loss", flops_of_loss};
  /// out (leaves x k (p + 1)) = the Hessian of that sum at coef times a direction, k x (p + 1).
  Operation<void(Stream&, const Tile& x, std::int64_t leaf_rows, const Tile& y, const Tile& weights,
                 std::span<const double> coef, const LinearLoss& loss,
                 std::span<const double> direction, const Tile& out)>
      leaf_product{"linear_model.leaf_product", flops_of_product};

 private:
  static double flops_of_loss(Stream&, const Tile&, std::int64_t, const Tile&, const Tile&,
                              std::span<const double>, const LinearLoss&, const Tile&, const Tile&);
  static double flops_of_product(Stream&, const Tile&, std::int64_t, const Tile&, const Tile&,
                                 std::span<const double>, const LinearLoss&,
                                 std::span<const double>, const Tile&);
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
