#pragma once
#include <tessera/estimators/linear_model/linear_model.hpp>

namespace tessera {

struct LassoParams {
  double alpha = 1.0;
  bool fit_intercept = true;
  Value precompute = false;
  bool copy_X = true;
  std::optional<std::int64_t> max_iter = 1000;
  double tol = 1e-4;
  bool warm_start = false;
  bool positive = false;
  std::optional<std::int64_t> random_state = {};
  std::string selection = "cyclic";
};

struct ElasticNetParams {
  double alpha = 1.0;
  double l1_ratio = 0.5;
  bool fit_intercept = true;
  Value precompute = false;
  std::optional<std::int64_t> max_iter = 1000;
  bool copy_X = true;
  double tol = 1e-4;
  bool warm_start = false;
  bool positive = false;
  std::optional<std::int64_t> random_state = {};
  std::string selection = "cyclic";
};

/// Minimises sum_i w_i (y_i - x_i coef - intercept)^2 / (2 sum w) + alpha l1_ratio |coef|_1 + alpha
/// (1 - l1_ratio) / 2 |coef|_2^2: what Lasso and ElasticNet share. One pass over X gives the Gram
/// matrix, on which coordinate descent ends when the duality gap is at most tol times the mean
/// square of y about its mean. Of more than 16384 columns, whose matrix would be larger than 2 GiB,
/// there is none: each of max_iter steps of an accelerated gradient method passes over X, to the
/// same gap. y is (n,) or (n, q); an (n, 1) counts as (n,).
class SparseLinearModel : public LinearModel {
 public:
  Value dual_gap_ = 0.0;  ///< a number, or (q,)
  Value n_iter_ = 0;      ///< an int, or (q,) int64

 protected:
  struct Penalty {
    double alpha, l1_ratio, tol;
    bool fit_intercept, positive, warm_start;
    std::optional<std::int64_t> max_iter, random_state;
    std::string selection;
  };
  void fit_penalised(const Rows& x, const Array& y, const Array& sample_weight,
                     const Value& precompute, const Penalty& penalty);
  void fit_by_rows(const Rows& x, const Array& y, const Array& sample_weight,
                   const Penalty& penalty, const std::vector<double>& start);
  template <class Self>
  static FieldOf<Self> gap_attribute() {
    return attribute<Self, Value>("dual_gap_", &Self::dual_gap_, [](const Self& s) {
      return s.coef_.ndim() == 2 ? array({s.coef_.rows()}) : number();
    });
  }
  template <class Self>
  static FieldOf<Self> iterations_attribute() {
    return attribute<Self, Value>("n_iter_", &Self::n_iter_, [](const Self& s) {
      return s.coef_.ndim() == 2 ? array({s.coef_.rows()}, {.low = 0, .dtypes = {DType::int64}})
                                 : integers(0);
    });
  }
};

/// Least squares with an L1 penalty, as sklearn.linear_model.Lasso.
class Lasso : public EstimatorOf<Lasso, LassoParams, SparseLinearModel> {
 public:
  using EstimatorOf::EstimatorOf;
  static constexpr std::string_view class_name = "Lasso";
  static const EstimatorType& describe();

 private:
  void do_fit(const Rows& x, const Array& y, const Array& sample_weight);
};

/// Least squares with an L1 and an L2 penalty, as sklearn.linear_model.ElasticNet.
class ElasticNet : public EstimatorOf<ElasticNet, ElasticNetParams, SparseLinearModel> {
 public:
  using EstimatorOf::EstimatorOf;
  static constexpr std::string_view class_name = "ElasticNet";
  static const EstimatorType& describe();

 private:
  void do_fit(const Rows& x, const Array& y, const Array& sample_weight);
};

struct PathOptions {
  double eps = 1e-3;            ///< the least alpha by the largest
  std::int64_t n_alphas = 100;  ///< where alphas are not given
  std::vector<double> alphas = {};
  std::vector<double> coef_init = {};  ///< (q, p), where the largest alpha starts
  bool positive = false;
  std::int64_t max_iter = 1000;
  double tol = 1e-4;
};

/// Coefficients for several penalties.
struct Path {
  std::vector<double> alphas;     ///< descending
  linalg::Small coefs;            ///< a row for each, (p, q) of q tasks
  std::vector<double> dual_gaps;  ///< as ElasticNet has them
  std::vector<std::int64_t> n_iters;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(alphas, coefs, dual_gaps, n_iters);
  }
};

/// The coefficients of ElasticNet without an intercept for every alpha, each started from those of
/// the one before, as sklearn.linear_model.enet_path with return_n_iter; of a y (n, q) those of
/// MultiTaskElasticNet. x is floating, y of its dtype. One pass over x. ValueError for a NaN, for
/// an l1_ratio outside [0, 1] or of 0 without alphas, and for alphas below 0. Collective.
Path enet_path(const Rows& x, const Array& y, double l1_ratio = 0.5,
               const PathOptions& options = {});
inline Path lasso_path(const Rows& x, const Array& y, const PathOptions& options = {}) {
  return enet_path(x, y, 1.0, options);
}

}  // namespace tessera
