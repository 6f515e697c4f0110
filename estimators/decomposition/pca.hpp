#pragma once
#include <tessera/estimators/estimator.hpp>

namespace tessera {

struct PCAParams {
  Value n_components = {};
  bool copy = true;
  bool whiten = false;
  std::string svd_solver = "auto";
  double tol = 0.0;
  Value iterated_power = "auto";
  std::int64_t n_oversamples = 10;
  std::string power_iteration_normalizer = "auto";
  std::optional<std::int64_t> random_state = {};
};

/// Principal component analysis, as sklearn.decomposition.PCA, with its rule for svd_solver='auto'
/// and its signs (the largest entry of each component is positive).
///
/// - covariance_eigh: one pass for the centred Gram matrix, eigh of it. n p^2 flops.
/// - full: a pass for the mean, TSQR of the centred rows, SVD of R. 2 n p^2 flops.
/// - randomized: subspace iteration on X^T X with re-orthonormalisation, one pass over X each, then
///   TSQR and SVD of X Q (Halko, Martinsson, Tropp, SIAM Review 53, 2011). 4 n p l flops per pass
///   with l = n_components + n_oversamples. No n x l matrix is stored. fit_transform gives U S of
///   the rank-l approximation, as scikit-learn, from which transform(X) = X V differs by what the
///   solver has not found.
class PCA : public EstimatorOf<PCA, PCAParams> {
 public:
  using EstimatorOf::EstimatorOf;

  Rows fit_transform_rows(const Rows& x, const Array& y = {},
                          const Array& sample_weight = {}) override;

  Array components_;                ///< (n_components_, p), orthonormal rows
  Array explained_variance_;        ///< (n_components_,)
  Array explained_variance_ratio_;  ///< (n_components_,)
  Array singular_values_;           ///< (n_components_,)
  Array mean_;                      ///< (p,)
  std::int64_t n_components_ = 0;
  std::int64_t n_samples_ = 0;
  double noise_variance_ = 0.0;
  std::optional<std::string> fit_svd_solver_;  ///< the one taken; "_fit_svd_solver" in the model

  static constexpr std::string_view class_name = "PCA";
  static constexpr Tags tags = {.fit_transforms = true};
  static const EstimatorType& describe();

 private:
  void do_fit(const Rows& x, const Array& y, const Array& sample_weight);
  Rows do_transform(const Rows& x) const;
  Rows do_inverse_transform(const Rows& x) const;
  // Of probabilistic PCA (Bishop 12.2.1).
  double do_score(const Rows& x, const Array& y, const Array& sample_weight) const;
  Rows do_score_samples(const Rows& x) const;
  Array do_get_covariance() const { return covariance(false); }
  Array do_get_precision() const { return covariance(true); }
  Array covariance(bool inverse) const;
  struct Scaled;
  struct Density;
  bool wants_scores_ = false;  // fit leaves `scores_`, where they are not what transform gives
  std::optional<Rows> scores_;
};

}  // namespace tessera
