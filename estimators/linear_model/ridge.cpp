#include <tessera/estimators/linear_model/ridge.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include <tessera/estimators/common_parameters.hpp>
#include <tessera/estimators/linear_model/spectrum.hpp>
#include <tessera/runtime/index.hpp>
#include <tessera/runtime/reduce.hpp>

namespace tessera {

using namespace common;
using detail::z;
using linalg::Small;
namespace {

/// Coefficients, a row for each target, by Cholesky from the Gram matrix of [X y]; nothing where
/// that loses too much.
Small by_cholesky(const Small& gram, const std::vector<double>& alphas) {
  const auto q = std::ssize(alphas);
  const std::int64_t p = gram.rows() - q;
  const Small of_x = gram.first_rows(p);
  Small coef(q, p);
  std::optional<Small> r;
  for (std::int64_t t = 0; t < q; ++t) {
    const double alpha = alphas[z(t)];
    if (t == 0 || alpha != alphas[z(t - 1)]) {
      Small a = of_x.columns(0, p);
      for (std::int64_t j = 0; j < p; ++j) a.at(j, j) += alpha;
      r = linalg::small::cholesky(std::move(a));
      if (!r) return {};
      std::vector<double> diagonal;
      for (std::int64_t j = 0; j < p; ++j) diagonal.push_back(r->at(j, j));
      const auto [least, most] = std::ranges::minmax(diagonal);
      if (!(least > 1e-4 * most)) return {};  // the matrix has the square of that condition
    }
    const Small half =
        linalg::small::solve_triangular(*r, of_x.columns(p + t, 1), linalg::Transpose::yes);
    std::ranges::copy(linalg::small::solve_triangular(*r, half).values(), coef.row(t).begin());
  }
  return coef;
}

/// The penalties of q targets: one number, or one of each.
std::vector<double> penalties(const Value& alpha, std::int64_t q) {
  auto alphas = detail::doubles(alpha);
  if (alphas.size() == 1) alphas.resize(z(q), alphas[0]);
  if (std::ssize(alphas) != q)
    throw ValueError(fmt::format(
        "Number of targets and number of penalties do not correspond: {} != {}", alphas.size(), q));
  for (const double one : alphas)
    if (!(one >= 0.0 && std::isfinite(one)))
      throw ValueError(fmt::format("alpha must be >= 0 and finite, got {}", one));
  return alphas;
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
          intercept_attribute<Self>(true),
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
  const std::string& solver = params.solver;
  if (params.positive ? solver != "auto" && solver != "lbfgs" : solver == "lbfgs")
    throw ValueError(fmt::format(
        "{}: solver='{}' does not support positive={}. 'lbfgs' solver can be used only when "
        "positive=True, and then only it and 'auto' can",
        called_, solver, params.positive ? "True" : "False"));
  const bool by_gram = params.positive || (solver != "svd" && x.rows() >= x.cols());
  const LeastSquares problem(x, y, sample_weight, params.fit_intercept, by_gram, called_);
  const auto alphas = problem.penalties(penalties(params.alpha, y.cols()));
  Small coef;
  solver_ = params.positive ? "lbfgs" : "cholesky";
  if (by_gram)
    coef = on_root<Small>(x.comm(), [&] {
      return params.positive ? detail::non_negative(problem.gram, alphas)
                             : by_cholesky(problem.gram.gram, alphas);
    });
  if (coef.empty()) {
    solver_ = "svd";
    const Small r = problem.triangle();
    coef = on_root<Small>(x.comm(), [&] { return detail::Spectrum(r, y.cols()).coef(alphas); });
  }
  set_solution(problem, std::move(coef));
  set_column_intercept(given_y, params.fit_intercept);
}

namespace detail {
const EstimatorType& ridge() { return Ridge::describe(); }
}  // namespace detail

}  // namespace tessera
