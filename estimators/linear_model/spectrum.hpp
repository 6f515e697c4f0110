#pragma once
#include <vector>

#include <tessera/linalg/gram.hpp>
#include <tessera/linalg/small.hpp>

namespace tessera::detail {

/// A least-squares problem along the directions in which X varies: its coefficients for any
/// penalty. A value, made on one process and broadcast.
class Spectrum {
 public:
  Spectrum() = default;
  /// By the eigenvectors of X^T X in the Gram matrix of [X y], of q targets.
  Spectrum(const linalg::CenteredGram& gram, std::int64_t q);
  /// By the SVD of X in R of [X y], which has the digits that the Gram matrix has lost.
  Spectrum(const linalg::Small& triangle, std::int64_t q);

  /// The sum of squares of X along direction j.
  double square(std::int64_t j) const { return squares_[static_cast<std::size_t>(j)]; }
  /// The directions, in rows.
  const linalg::Small& directions() const { return directions_; }
  /// The coefficient of target t along direction j; 0 where there are no data.
  double along(std::int64_t t, std::int64_t j, double alpha) const;
  /// The coefficients (q, p) with a penalty for each target.
  linalg::Small coef(const std::vector<double>& alphas) const;

  template <class Archive>
  void serialize(Archive& archive) {
    archive(squares_, directions_, projected_, least_, least_without_penalty_);
  }

 private:
  std::vector<double> squares_;
  linalg::Small directions_, projected_;  // X^T y of each target along them
  double least_ = 0.0, least_without_penalty_ = 0.0;
};

}  // namespace tessera::detail
