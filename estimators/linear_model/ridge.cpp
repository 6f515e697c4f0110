#include <tessera/estimators/linear_model/ridge.hpp>

#include <algorithm>
#include <cmath>
#include <optional>

#include <fmt/format.h>

#include <tessera/estimators/common_parameters.hpp>
#include <tessera/linalg/small.hpp>
#include <tessera/runtime/reduce.hpp>

namespace tessera {

using namespace common;
namespace {

using linalg::Small;
using linalg::Transpose;
namespace small = linalg::small;

/// Coefficients, a row for each target; none where Cholesky loses too much.
struct Solution {
  bool accurate = false;
  Small coef;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(accurate, coef);
  }
};

Solution by_cholesky(const Small& gram, const std::vector<double>& alphas) {
  const auto q = std::ssize(alphas);
  const std::int64_t p = gram.rows() - q;
  Solution s{true, {q, p}};
  std::optional<Small> r;
  for (std::int64_t t = 0; t < q; ++t) {
    const double alpha = alphas[static_cast<std::size_t>(t)];
    if (t == 0 || alpha != alphas[static_cast<std::size_t>(t - 1)]) {
      Small a = gram.first_rows(p).columns(0, p);
      for (std::int64_t j = 0; j < p; ++j) a.at(j, j) += alpha;
      r = small::cholesky(std::move(a));
      if (!r) return {};
      double least = r->at(0, 0), most = least;
      for (std::int64_t j = 0; j < p; ++j) {
        least = std::min(least, r->at(j, j));
        most = std::max(most, r->at(j, j));
      }
      if (!(least > 1e-4 * most)) return {};  // the matrix has the square of that condition
    }
    const Small z =
        small::solve_triangular(*r, gram.first_rows(p).columns(p + t, 1), Transpose::yes);
    std::ranges::copy(small::solve_triangular(*r, z).values(), s.coef.row(t).begin());
  }
  return s;
}

Solution by_svd(const Small& triangle, const std::vector<double>& alphas) {
  const auto q = std::ssize(alphas);
  const std::int64_t p = triangle.cols() - q;
  const Small top = triangle.first_rows(std::min(triangle.rows(), p));
  const small::Svd f = small::svd(top.columns(0, p));
  Small d = small::product(f.u, top.columns(p, q), Transpose::yes);
  for (std::int64_t i = 0; i < d.rows(); ++i)
    for (std::int64_t t = 0; t < q; ++t) {
      const double s = f.s[static_cast<std::size_t>(i)];
      // Of directions without data nothing is learnt, also where alpha is 0.
      d.at(i, t) = s > 1e-15 * f.s[0]
                       ? d.at(i, t) * (s / (s * s + alphas[static_cast<std::size_t>(t)]))
                       : 0.0;
    }
  return {true, small::product(d, f.vt, Transpose::yes)};
}

}  // namespace

const EstimatorType& Ridge::describe() {
  using Self = Ridge;
  static const auto type = EstimatorType::of<Self>(
      "least squares with an L2 penalty",
      {
          parameter("alpha", &Params::alpha, several(reals(0.0)),
                    "strength of the penalty, or one for each target"),
          with_intercept<Params>(),
          with_copy<Params>(),
          with_unused_max_iter<Params>(),
          with_unused_tol<Params>(),
          parameter("solver", &Params::solver,
                    words({"auto", "svd", "cholesky", "lsqr", "sparse_cg", "sag", "saga", "lbfgs"}),
                    "all but svd are cholesky, whose optimum is theirs, and svd where that loses "
                    "too much"),
          with_active_set<Params>(),
          with_unused_seed<Params>(),
      },
      {
          coef_attribute<Self>(),
          intercept_attribute<Self>(),
          attribute("n_iter_", &Self::n_iter_, none()),
          attribute("solver_", &Self::solver_, words({"cholesky", "svd", "lbfgs"})),
      },
      {
          method("fit", &Self::do_fit, "finds the coefficients"),
      });
  return type;
}

void Ridge::do_fit(const Rows& x, const Array& given_y, const Array& sample_weight) {
  // One column is one target, as scikit-learn's Ridge has it, and not its LinearRegression.
  const Array y = given_y.cols() == 1 ? given_y.reshape({given_y.rows()}) : given_y;
  const bool svd = params.solver == "svd";
  const std::string& solver = params.solver;
  if (params.positive ? solver != "auto" && solver != "lbfgs" : solver == "lbfgs")
    throw ValueError(fmt::format(
        "{}: solver='{}' does not support positive={}. 'lbfgs' solver can be used only when "
        "positive=True, and then only it and 'auto' can",
        called_, solver, params.positive ? "True" : "False"));
  if (params.positive) {
    const LeastSquares problem(x, y, sample_weight, params.fit_intercept, true, called_);
    auto alphas = detail::penalties(params.alpha, y.cols());
    for (double& alpha : alphas)
      alpha = std::ldexp(alpha, 2 * problem.x_exponent - problem.weights.exponent);
    set_solution(problem, on_root<Small>(x.comm(), [&] {
                   return detail::non_negative(problem.gram, alphas);
                 }));
    solver_ = "lbfgs";
    return;
  }
  const LeastSquares problem(x, y, sample_weight, params.fit_intercept,
                             detail::ridge_wants_gram(x, svd), called_);
  set_solution(problem, detail::solve_ridge(problem, detail::penalties(params.alpha, y.cols()), svd,
                                            solver_));
}

bool detail::ridge_wants_gram(const Rows& x, bool svd) { return !svd && x.rows() >= x.cols(); }

std::vector<double> detail::penalties(const Value& alpha, std::int64_t targets) {
  auto alphas = doubles(alpha);
  const auto q = static_cast<std::size_t>(targets);
  if (alphas.size() == 1) alphas.resize(q, alphas[0]);
  if (alphas.size() != q)
    throw ValueError(fmt::format(
        "Number of targets and number of penalties do not correspond: {} != {}", alphas.size(), q));
  for (const double one : alphas)
    if (!(one >= 0.0 && std::isfinite(one)))
      throw ValueError(fmt::format("alpha must be >= 0 and finite, got {}", one));
  return alphas;
}

Small detail::solve_ridge(const LeastSquares& problem, std::vector<double> alphas, bool svd,
                          std::string& solver) {
  // The penalty of the coefficients of the scaled problem.
  for (double& alpha : alphas)
    alpha = std::ldexp(alpha, 2 * problem.x_exponent - problem.weights.exponent);
  const auto& comm = problem.x.comm();
  Solution s;
  if (ridge_wants_gram(problem.x, svd))
    s = on_root<Solution>(comm, [&] { return by_cholesky(problem.gram.gram, alphas); });
  solver = s.accurate ? "cholesky" : "svd";
  if (!s.accurate) {
    const Small triangle = problem.triangle();
    s = on_root<Solution>(comm, [&] { return by_svd(triangle, alphas); });
  }
  return std::move(s.coef);
}

namespace detail {
const EstimatorType& ridge() { return Ridge::describe(); }
}  // namespace detail

}  // namespace tessera
