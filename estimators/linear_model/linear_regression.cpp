#include <tessera/estimators/linear_model/linear_regression.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include <tessera/estimators/common_parameters.hpp>
#include <tessera/linalg/small.hpp>
#include <tessera/runtime/reduce.hpp>

namespace tessera {

using namespace common;
namespace {

using linalg::CenteredGram;
using linalg::Small;
using linalg::Transpose;
namespace small = linalg::small;

/// The problem after orthogonal reduction: minimise |r coef - z|, r upper triangular, for as many
/// targets as z has columns.
struct Reduced {
  Small r;
  Small z;
};

struct Solution {
  bool accurate = false;
  Small coef;  // a row per target
  std::vector<double> singular;
  std::int64_t rank = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(accurate, coef, singular, rank);
  }
};

Solution minimum_norm(const Reduced& problem, double tol) {
  const auto& [r, z] = problem;
  const std::int64_t p = r.cols();
  const small::Svd f = small::svd(r);
  Solution s{true, {}, f.s, 0};
  for (const double v : f.s) s.rank += v > tol * f.s[0];
  bool unique = s.rank == p;
  for (std::int64_t i = 0; unique && i < p; ++i) unique = r.at(i, i) != 0.0;
  if (unique) {  // by back substitution, which columns of different size do not disturb
    s.coef = small::solve_triangular(r, z).transposed();
    return s;
  }
  Small projection = small::product(f.u.columns(0, s.rank), z, Transpose::yes);
  for (std::int64_t i = 0; i < s.rank; ++i)
    for (double& v : projection.row(i)) v /= f.s[static_cast<std::size_t>(i)];
  s.coef = small::product(projection, f.vt.first_rows(s.rank), Transpose::yes);
  return s;
}

// Forming a Gram matrix squares the condition number; columns of very different size do no harm,
// for Cholesky works on the matrix scaled to a unit diagonal. The factor is taken when the relative
// error it carries, cond^2 eps, leaves a margin; otherwise nothing.
Solution from_gram(const CenteredGram& g, std::int64_t p, double tol, DType dtype) {
  const std::int64_t q = g.cols() - p;
  const bool single = dtype == DType::float32;
  const double eps = single ? 0x1p-24 : 0x1p-53;
  const double margin = single ? 1e-4 : 1e-10;
  const double least = (single ? 0x1p-100 : 0x1p-900) * g.weight;
  if (!detail::is_finite(g.gram.values())) return {};

  std::vector<double> size;
  for (std::int64_t j = 0; j < p; ++j) size.push_back(std::sqrt(g.gram.at(j, j)));
  const auto size_of = [&](std::int64_t j) { return size[static_cast<std::size_t>(j)]; };
  Small scaled(p, p);
  Small projection(p, q);  // D^-1 X^T y
  for (std::int64_t i = 0; i < p; ++i) {
    for (std::int64_t j = 0; j < p; ++j) {
      const double by = size_of(i) * size_of(j);
      // Constant, up to rounding, or so small that products are lost.
      if (!(by > 0.0) || g.gram.at(j, j) < least) return {};
      scaled.at(i, j) = g.gram.at(i, j) / by;
    }
    for (std::int64_t t = 0; t < q; ++t) projection.at(i, t) = g.gram.at(i, p + t) / size_of(i);
  }
  std::optional<Small> r = small::cholesky(std::move(scaled));
  if (!r) return {};
  const auto s = small::svd(*r).s;
  const double condition = s.front() / s.back();
  if (!(condition * condition * eps <= margin)) return {};

  Small z = small::solve_triangular(*r, std::move(projection), Transpose::yes);
  for (std::int64_t i = 0; i < p; ++i)
    for (std::int64_t j = 0; j < p; ++j) r->at(i, j) *= size_of(j);
  return minimum_norm({*std::move(r), std::move(z)}, tol);
}

Solution from_triangle(const Small& t, std::int64_t p, double tol) {
  const Small top = t.first_rows(std::min(t.rows(), p));
  return minimum_norm({top.columns(0, p), top.columns(p, t.cols() - p)}, tol);
}

}  // namespace

const EstimatorType& LinearRegression::describe() {
  using Self = LinearRegression;
  static const auto type = EstimatorType::of<Self>(
      "ordinary least squares",
      {
          with_intercept<Params>(),
          with_copy<Params>(),
          parameter("tol", &Params::tol, reals(0.0),
                    "singular values up to tol times the largest count as 0"),
          with_unused_jobs<Params>(),
          with_active_set<Params>(),
      },
      {
          coef_attribute<Self>(),
          intercept_attribute<Self>(),
          attribute("rank_", &Self::rank_,
                    [](const Self& s) { return integers(0, s.singular_.rows()); }),
          attribute("singular_", &Self::singular_,
                    [](const Self& s) {
                      return array({std::min(s.singular_.rows(), s.n_features_in_)},
                                   {.low = 0.0, .infinite = true, .descending = true});
                    }),
      },
      {
          method("fit", &Self::do_fit, "finds the coefficients"),
      });
  return type;
}

void LinearRegression::do_fit(const Rows& given_x, const Array& given_y,
                              const Array& sample_weight) {
  const std::int64_t n = given_x.rows();
  const std::int64_t p = given_x.cols();
  const bool tall = n >= p;  // otherwise the Gram matrix is singular for certain
  const LeastSquares problem(given_x, given_y, sample_weight, params.fit_intercept,
                             tall || params.positive, name());
  const auto& comm = given_x.comm();
  const DType dtype = given_x.dtype();
  Solution s;
  if (tall)
    s = on_root<Solution>(comm, [&] { return from_gram(problem.gram, p, params.tol, dtype); });
  if (!s.accurate) {
    const Small t = problem.triangle();
    s = on_root<Solution>(comm, [&] { return from_triangle(t, p, params.tol); });
  }
  if (params.positive)
    s.coef = on_root<Small>(comm, [&] {
      return detail::non_negative(
          problem.gram, std::vector<double>(static_cast<std::size_t>(given_y.cols()), 0.0));
    });
  set_solution(problem, std::move(s.coef));
  rank_ = s.rank;
  singular_ = detail::scaled_back(s.singular, problem.weights.exponent / 2 - problem.x_exponent,
                                  {std::min(n, p)}, dtype, comm, "LinearRegression: singular_");
}

namespace detail {
const EstimatorType& linear_regression() { return LinearRegression::describe(); }
}  // namespace detail

}  // namespace tessera
