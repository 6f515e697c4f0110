#pragma once
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <tessera/runtime/rows.hpp>

namespace tessera::detail {

/// What stochastic gradient descent is asked to do, with the names of SGDClassifier's parameters.
struct SgdOptions {
  std::string loss, penalty;  ///< penalty "none", "l2", "l1" or "elasticnet"
  std::string learning_rate;
  double alpha, l1_ratio, eta0, power_t, epsilon;
  double tol = -std::numeric_limits<double>::infinity();  ///< that for none
  std::int64_t max_iter, n_iter_no_change;
  std::int64_t average = 0;  ///< from which sample on; 0: never
  bool fit_intercept, shuffle, early_stopping;
  double validation_fraction;
  /// Whether each row is held out; none: each by chance, so that nothing grows with the rows.
  std::vector<bool> held_out = {};
  std::uint32_t validation_seed = 0;
};

/// One vector of coefficients: that of a target, or of a class against the others.
struct SgdOutput {
  std::int32_t positive = -1;  ///< y holds codes of classes, and this is the one; -1: numbers
  double positive_weight = 1.0, negative_weight = 1.0;
  std::uint32_t seed = 0;  ///< of the order of rows
  std::vector<double> coef, average;
  double intercept = 0.0, average_intercept = 0.0;
  std::int64_t n_iter = 0;
};

/// Minimises, for each output alone, sum_i w_i loss_i / n + alpha ((1 - l1_ratio) / 2 |coef|_2^2 +
/// l1_ratio |coef|_1) by stochastic gradient descent from where the outputs stand, which goes on
/// there.
///
/// A leaf is what one process does in scikit-learn: steps row after row, in scikit-learn's order
/// for its seed. The leaves start an epoch from the same coefficients and end it with the mean of
/// theirs, so an epoch is one pass over x, and the same bits at any number of processes; data of
/// one leaf get scikit-learn's steps. (Zinkevich, Weimer, Li and Smola, "Parallelized stochastic
/// gradient descent", NIPS 2010.) Lest each leaf go to a minimum of its own, its steps are
/// corrected by how the slope of all rows differed from its own in the epoch before (Karimireddy et
/// al., "SCAFFOLD", ICML 2020). `steps` is how many a leaf has made before, from 1 on, by which
/// rates fall; it is 1 plus the rows that a leaf has on average in each epoch. The optimal rate is
/// 1 / (alpha r (t0 + r steps)) with r = l^(1/4) for l leaves, and as an epoch comes less far than
/// one of as many steps, it is tol / l^(1/2) that it must improve by.
///
/// x, y (n,) and weights, or none, of x's dtype. Collective. ValueError for a NaN or infinity in x,
/// and where coefficients overflow. Returns the steps after it, as many as the longest output.
double descend(const Rows& x, const Array& y, const Array& weights, const SgdOptions& options,
               std::vector<SgdOutput>& outputs, double steps, std::string_view estimator);

}  // namespace tessera::detail
