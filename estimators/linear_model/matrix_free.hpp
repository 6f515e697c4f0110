#pragma once
#include <string_view>
#include <vector>

#include <tessera/estimators/linear_model/gram_path.hpp>

/// ElasticNet where a Gram matrix of all columns is too large to have.
namespace tessera::detail {

/// Whether a Gram matrix of so many columns is made: up to 16384 of them, 2 GiB.
bool has_gram(std::int64_t columns);
/// Another limit than 16384. Only tests set it.
void limit_gram(std::int64_t columns);

struct MatrixFree {
  std::vector<double> coef;
  double intercept = 0.0;
  double gap = 0.0;        ///< of the mean loss
  double tolerance = 0.0;  ///< for that
  std::int64_t n_iter = 0;
};
/// The coefficients for a target y (n,), from `start` and an intercept of the mean of y, by the
/// accelerated proximal gradient method, two passes over x and more for each of options.max_iter
/// steps, until the duality gap is at most options.tol times the mean square of y about its mean
/// (0 without an intercept). x, y and weights, or none, are of one floating dtype. Collective;
/// ValueError for a NaN or infinity in x, and where squares overflow.
MatrixFree descend_by_rows(const Rows& x, const Array& y, const Array& weights, bool fit_intercept,
                           double l1, double l2, std::vector<double> start,
                           const DescentOptions& options, std::string_view estimator);

}  // namespace tessera::detail
