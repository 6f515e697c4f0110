#include <tessera/linalg/small.hpp>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>

#include <tessera/linalg/blas.hpp>

#include "support/near.hpp"

namespace tessera::linalg::small {
namespace {

constexpr double eps = std::numeric_limits<double>::epsilon();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
using Values = std::vector<double>;

Small matrix(std::int64_t m, std::int64_t n, std::uint64_t seed = 1) {
  return {m, n,
          test::tabulate<double>(m * n, [&](std::int64_t i) { return test::unit(i, seed) - 0.5; })};
}
/// a b, by the definition.
Small times(const Small& a, const Small& b) {
  Small c(a.rows(), b.cols());
  for (std::int64_t i = 0; i < a.rows(); ++i)
    for (std::int64_t l = 0; l < a.cols(); ++l)
      for (std::int64_t j = 0; j < b.cols(); ++j) c.at(i, j) += a.at(i, l) * b.at(l, j);
  return c;
}
Small symmetric(std::int64_t n) {
  Small a = matrix(n, n);
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < i; ++j) a.at(i, j) = a.at(j, i);
  return a;
}
Small positive(std::int64_t n) {
  const Small b = matrix(n + 5, n);
  return times(b.transposed(), b);
}
/// Row i times by[i].
Small scaled_rows(Small a, const Values& by) {
  for (std::int64_t i = 0; i < a.rows(); ++i)
    for (double& v : a.row(i)) v *= by[static_cast<std::size_t>(i)];
  return a;
}
double norm(const Small& a) {
  double s = 0;
  for (const double v : a.values()) s += v * v;
  return std::sqrt(s);
}
/// |a - b| in units of eps * size * scale; a good algorithm has a few.
double residual(Small a, const Small& b, double scale, std::int64_t size) {
  if (a.rows() != b.rows() || a.cols() != b.cols()) return std::numeric_limits<double>::infinity();
  for (std::int64_t i = 0; i < a.rows(); ++i)
    for (std::int64_t j = 0; j < a.cols(); ++j) a.at(i, j) -= b.at(i, j);
  return norm(a) / (eps * std::max(scale, 1e-300) * static_cast<double>(size));
}

const std::vector<std::int64_t> sizes = {1, 2, 3, 10, 33, 64, 129};

TEST(Small, IsAValueWithRowsAndColumns) {
  Small a(2, 3, {1, 2, 3, 4, 5, 6});
  EXPECT_EQ(a.at(1, 2), 6);
  EXPECT_EQ(Values(a.row(1).begin(), a.row(1).end()), (Values{4, 5, 6}));
  EXPECT_EQ(a.transposed(), Small(3, 2, {1, 4, 2, 5, 3, 6}));
  EXPECT_EQ(a.columns(1, 2), Small(2, 2, {2, 3, 5, 6}));
  EXPECT_EQ(a.first_rows(1), Small(1, 3, {1, 2, 3}));
  EXPECT_EQ(Small::identity(2), Small(2, 2, {1, 0, 0, 1}));
  const Small copy = a;
  a.at(0, 0) = 7;
  EXPECT_EQ(copy.at(0, 0), 1);
  EXPECT_TRUE(Small().empty() && Small(0, 3).empty() && !a.empty());
  test::expect_error<ValueError>(
      [] {
        Small(2, 3, {1, 2});
      },
      "a matrix of 2 x 3 cannot have 2 values");
}

TEST(Small, ComesFromArraysAndBecomesOne) {
  const Communicator world = Communicator::world();
  const Array x = Small(2, 3, {1, 2, 3, 4, 5, 6}).array(DType::float32, world);
  EXPECT_EQ(x.dtype(), DType::float32);
  EXPECT_EQ(x.shape(), (Shape{2, 3}));
  EXPECT_EQ(Small(x), Small(2, 3, {1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(Small(replicated(std::vector<std::int32_t>{7, 8}, {2}, world)), Small(2, 1, {7, 8}));
  test::expect_error<ValueError>(
      [&] {
        Small(replicated(std::vector<double>{1}, {1, 1, 1}, world));
      },
      "expected a matrix or a vector, got an array of shape (1, 1, 1)");
}

TEST(Product, IsTheDefinition) {
  const Small a = matrix(7, 5);
  const Small b = matrix(5, 9, 2);
  EXPECT_LT(residual(product(a, b), times(a, b), norm(a) * norm(b), 5), 1);
  EXPECT_LT(residual(product(a.transposed(), b, Transpose::yes), times(a, b), 1, 5), 5);
  EXPECT_LT(residual(product(a, b.transposed(), Transpose::no, Transpose::yes), times(a, b), 1, 5),
            5);
  EXPECT_EQ(product(Small(2, 0), Small(0, 3)), Small(2, 3));
  test::expect_error<ValueError>([&] { product(a, a); },
                                 "product: matrices of 7 x 5 and 7 x 5 do not fit");
}

TEST(Eigh, ByHand) {
  const Eigh e = eigh({2, 2, {2, 1, 1, 2}});
  EXPECT_NEAR(e.values[0], 1, 4 * eps);
  EXPECT_NEAR(e.values[1], 3, 8 * eps);
  EXPECT_NEAR(std::abs(e.vectors.at(0, 0)), std::sqrt(0.5), 4 * eps);
  EXPECT_NEAR(e.vectors.at(0, 0) + e.vectors.at(0, 1), 0, 4 * eps) << "the first row belongs to 1";
  EXPECT_NEAR(e.vectors.at(1, 0) - e.vectors.at(1, 1), 0, 4 * eps) << "the second belongs to 3";
}

TEST(Eigh, ResidualsAreSmall) {
  for (const auto n : sizes) {
    const Small a = symmetric(n);
    const Eigh e = eigh(a);
    ASSERT_EQ(e.values.size(), static_cast<std::size_t>(n));
    EXPECT_TRUE(std::is_sorted(e.values.begin(), e.values.end()));
    const Small v = e.vectors.transposed();
    EXPECT_LT(residual(times(e.vectors, v), Small::identity(n), 1, n), 10) << n;
    EXPECT_LT(residual(times(v, scaled_rows(e.vectors, e.values)), a, norm(a), n), 10) << n;
  }
}

TEST(Svd, ByHand) {
  const Svd f = svd({2, 3, {0, 2, 0, 0, 0, -3}});
  EXPECT_EQ(f.s, (Values{3, 2}));
  EXPECT_EQ(f.u.cols(), 2);
  EXPECT_EQ(f.vt.cols(), 3);
  const Svd g = svd({3, 2, {3, 0, 0, -4, 0, 0}});
  EXPECT_EQ(g.s, (Values{4, 3}));
  EXPECT_EQ(g.u.rows(), 3);
  EXPECT_EQ(g.vt.rows(), 2);
  EXPECT_EQ(std::abs(g.u.at(1, 0)), 1) << "the largest singular value comes from the second row";
  EXPECT_EQ(std::abs(g.vt.at(0, 1)), 1) << "and from the second column";
}

TEST(Svd, ResidualsAreSmall) {
  for (const auto& [m, n] : std::vector<std::pair<std::int64_t, std::int64_t>>{
           {1, 1}, {1, 7}, {7, 1}, {5, 5}, {40, 6}, {6, 40}, {129, 64}, {64, 129}}) {
    const std::int64_t k = std::min(m, n);
    const Small a = matrix(m, n);
    const Svd f = svd(a);
    ASSERT_EQ(f.s.size(), static_cast<std::size_t>(k));
    EXPECT_TRUE(std::is_sorted(f.s.rbegin(), f.s.rend()));
    EXPECT_GE(f.s.back(), 0);
    EXPECT_LT(residual(times(f.u.transposed(), f.u), Small::identity(k), 1, m), 10)
        << m << "x" << n;
    EXPECT_LT(residual(times(f.vt, f.vt.transposed()), Small::identity(k), 1, n), 10)
        << m << "x" << n;
    EXPECT_LT(residual(times(f.u, scaled_rows(f.vt, f.s)), a, norm(a), k), 10) << m << "x" << n;
  }
}

TEST(Cholesky, ByHand) {
  EXPECT_EQ(cholesky({2, 2, {4, 2, 2, 10}}), Small(2, 2, {2, 1, 0, 3}));
  EXPECT_EQ(cholesky({1, 1, {9}}), Small(1, 1, {3}));
}

TEST(Cholesky, ResidualsAreSmall) {
  for (const auto n : sizes) {
    const Small a = positive(n);
    const auto r = cholesky(a);
    ASSERT_TRUE(r) << n;
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t j = 0; j < i; ++j) ASSERT_EQ(r->at(i, j), 0);
    EXPECT_LT(residual(times(r->transposed(), *r), a, norm(a), n), 10) << n;
  }
}

TEST(Cholesky, GivesNothingForWhatIsNotPositiveDefinite) {
  EXPECT_FALSE(cholesky({1, 1, {0}}));
  EXPECT_FALSE(cholesky({1, 1, {-1}}));
  EXPECT_FALSE(cholesky({2, 2, {1, 2, 2, 1}}));
  EXPECT_FALSE(cholesky({2, 2, {1, 1, 1, 1}})) << "singular";
  EXPECT_FALSE(solve_positive({2, 2, {1, 2, 2, 1}}, {2, 1, {1, 1}}));
}

TEST(Solve, ByHand) {
  const Small r(2, 2, {2, 1, nan, 4});  // what lies below the diagonal is not read
  EXPECT_EQ(solve_triangular(r, {2, 1, {4, 8}}), Small(2, 1, {1, 2}));
  EXPECT_EQ(solve_triangular(r, {2, 1, {4, 10}}, Transpose::yes), Small(2, 1, {2, 2}));
  EXPECT_EQ(solve_positive({2, 2, {4, 2, 2, 10}}, {2, 1, {6, 12}}), Small(2, 1, {1, 1}));
  EXPECT_TRUE(std::isinf(solve_triangular({1, 1, {0}}, {1, 1, {1}}).at(0, 0)));
}

TEST(Solve, ResidualsAreSmall) {
  for (const auto n : sizes)
    for (const std::int64_t targets : {1, 7}) {
      const Small a = positive(n);
      const Small b = matrix(n, targets, 3);
      const auto x = solve_positive(a, b);
      ASSERT_TRUE(x) << n;
      EXPECT_LT(residual(times(a, *x), b, norm(a) * norm(*x), n), 10) << n;
      const Small r = *cholesky(a);
      const Small y = solve_triangular(r, b);
      EXPECT_LT(residual(times(r, y), b, norm(r) * norm(y), n), 10) << n;
    }
}

TEST(OrthonormalColumns, SpanTheColumns) {
  for (const auto& [m, n] : std::vector<std::pair<std::int64_t, std::int64_t>>{
           {1, 1}, {5, 1}, {5, 5}, {40, 6}, {129, 64}}) {
    const Small a = matrix(m, n);
    const Small q = orthonormal_columns(a);
    EXPECT_LT(residual(times(q.transposed(), q), Small::identity(n), 1, m), 10) << m << "x" << n;
    EXPECT_LT(residual(times(q, times(q.transposed(), a)), a, norm(a), m), 10) << m << "x" << n;
  }
}

TEST(OrthonormalColumns, OfDependentColumnsAreOrthonormalToo) {
  const Small q = orthonormal_columns({3, 2, {1, 1, 2, 2, 3, 3}});
  EXPECT_LT(residual(times(q.transposed(), q), Small::identity(2), 1, 3), 10);
}

TEST(SmallAlgebra, TakesSizeZero) {
  EXPECT_TRUE(eigh({}).values.empty());
  EXPECT_TRUE(svd({0, 3}).s.empty());
  EXPECT_TRUE(svd({3, 0}).u.empty());
  EXPECT_EQ(cholesky({}), Small());
  EXPECT_EQ(solve_positive({}, {0, 2}), Small(0, 2));
  EXPECT_TRUE(orthonormal_columns({3, 0}).empty());
}

TEST(SmallAlgebra, RefusesShapes) {
  test::expect_error<ValueError>([] { eigh({2, 3}); }, "eigh needs a square matrix, got 2 x 3");
  test::expect_error<ValueError>(
      [] {
        cholesky({2, 3});
      },
      "cholesky needs a square matrix, got 2 x 3");
  test::expect_error<ValueError>(
      [] {
        solve_triangular({2, 2}, {3, 1});
      },
      "solve_triangular: matrices of 2 x 2 and 3 x 1 do not fit");
  test::expect_error<ValueError>(
      [] {
        orthonormal_columns({2, 3});
      },
      "orthonormal_columns needs rows >= columns, got 2 x 3");
}

TEST(SmallAlgebra, RefusesNaN) {
  const std::string wrong = " is not finite or wrong; do squares of the data overflow?";
  const Small bad(2, 2, {1, nan, nan, 1});
  test::expect_error<ValueError>([&] { eigh(bad); }, "dsyevd: argument 5" + wrong);
  test::expect_error<ValueError>([&] { svd(bad); }, "dgesdd: argument 5" + wrong);
  test::expect_error<ValueError>([&] { orthonormal_columns(bad); }, "dgeqrf: argument 4" + wrong);
  test::expect_error<ValueError>([&] { cholesky(bad); }, "dpotrf: argument 4" + wrong);
}

TEST(Blas, RefusesSizesBeyondItsIntegers) {
  EXPECT_EQ(blas_int(2147483647), 2147483647);
  test::expect_error<ValueError>([] { blas_int(2147483648); },
                                 "2147483648 exceeds the 32-bit sizes of BLAS and LAPACK");
}

// OpenBLAS would never return. Address space is what sanitizers need most of.
#if !defined(__SANITIZE_ADDRESS__)
TEST(Blas, RefusesToWaitForMemory) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_AS, &before), 0);
  const rlimit tight{std::min<rlim_t>(before.rlim_max, rlim_t{1} << 33), before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_AS, &tight), 0);
  test::expect_error<MemoryError>([] { reserve_blas(90); },
                                  "cannot allocate the work memory of BLAS for 90 thread(s)");
  EXPECT_EQ(setrlimit(RLIMIT_AS, &before), 0);
}
#endif

}  // namespace
}  // namespace tessera::linalg::small
