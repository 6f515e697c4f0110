#pragma once
#include <tessera/estimators/estimator.hpp>

namespace tessera {

struct KMeansParams {
  std::int64_t n_clusters = 8;
  Value init = "k-means++";
  Value n_init = "auto";
  std::int64_t max_iter = 300;
  double tol = 1e-4;
  Value verbose = 0;
  std::optional<std::int64_t> random_state = {};
  bool copy_x = true;
  std::string algorithm = "lloyd";
};

/// K-means clustering with Lloyd's algorithm, as sklearn.cluster.KMeans: the same stopping rules
/// (labels unchanged, or centres moved by less than tol times the mean variance), relocation of
/// empty clusters and choice among n_init runs. `init` may also be "k-means||" (Bahmani et al.,
/// VLDB 2012), which needs a few passes over X where k-means++ needs two per centre.
///
/// One pass over X per iteration, 2 n k p flops; no n x k matrix is stored. Random choices do not
/// depend on the number of processes; those of k-means++ and random are scikit-learn's for the same
/// seed (detail::initial_centers() says how far).
class KMeans : public EstimatorOf<KMeans, KMeansParams> {
 public:
  using EstimatorOf::EstimatorOf;

  Array cluster_centers_;               ///< (n_clusters, p), replicated
  Array labels_;                        ///< (n,) int32, distributed like X; not in the model file
  double inertia_ = 0.0;                ///< sum of weighted squared distances to the nearest centre
  std::int64_t n_iter_ = 0;             ///< iterations of the best run
  std::optional<std::int64_t> n_init_;  ///< runs made; "_n_init" in the model

  static constexpr std::string_view class_name = "KMeans";
  static const EstimatorType& describe();

 private:
  void do_fit(const Rows& x, const Array& y, const Array& sample_weight);
  Rows do_predict(const Rows& x) const;
  Rows do_transform(const Rows& x) const;
  double do_score(const Rows& x, const Array& y, const Array& sample_weight) const;
};

}  // namespace tessera
