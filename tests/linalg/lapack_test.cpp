#include <tessera/linalg/lapack.hpp>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>

#include "support/near.hpp"

namespace tessera::linalg::lapack {
namespace {

constexpr double eps = std::numeric_limits<double>::epsilon();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
using Values = std::vector<double>;

std::size_t at(std::int64_t i, std::int64_t j, std::int64_t cols) {
  return static_cast<std::size_t>(i * cols + j);
}

Values matrix(std::int64_t m, std::int64_t n, std::uint64_t seed = 1) {
  return test::tabulate<double>(m * n, [&](std::int64_t i) { return test::unit(i, seed) - 0.5; });
}
Values transpose(const Values& a, std::int64_t m, std::int64_t n) {
  Values t(a.size());
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t j = 0; j < n; ++j) t[at(j, i, m)] = a[at(i, j, n)];
  return t;
}
/// (m x k) (k x n)
Values times(const Values& a, const Values& b, std::int64_t m, std::int64_t k, std::int64_t n) {
  Values c(static_cast<std::size_t>(m * n));
  for (std::int64_t i = 0; i < m; ++i)
    for (std::int64_t l = 0; l < k; ++l)
      for (std::int64_t j = 0; j < n; ++j) c[at(i, j, n)] += a[at(i, l, k)] * b[at(l, j, n)];
  return c;
}
Values symmetric(std::int64_t n) {
  Values a = matrix(n, n);
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t j = 0; j < i; ++j) a[at(i, j, n)] = a[at(j, i, n)];
  return a;
}
Values identity(std::int64_t n) {
  Values a(static_cast<std::size_t>(n * n));
  for (std::int64_t i = 0; i < n; ++i) a[at(i, i, n)] = 1;
  return a;
}
double norm(const Values& a) {
  double s = 0;
  for (const double v : a) s += v * v;
  return std::sqrt(s);
}
/// |a - b| in units of eps * size * scale; a good algorithm has a few.
double residual(const Values& a, const Values& b, double scale, std::int64_t size) {
  if (a.size() != b.size()) return std::numeric_limits<double>::infinity();
  Values d(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) d[i] = a[i] - b[i];
  return norm(d) / (eps * std::max(scale, 1e-300) * static_cast<double>(size));
}

const std::vector<std::int64_t> sizes = {1, 2, 3, 10, 33, 64, 129};

TEST(Eigh, ByHand) {
  const Eigh e = eigh({2, 1, 1, 2}, 2);
  EXPECT_NEAR(e.values[0], 1, 4 * eps);
  EXPECT_NEAR(e.values[1], 3, 8 * eps);
  const double s = std::sqrt(0.5);
  EXPECT_NEAR(std::abs(e.vectors[0]), s, 4 * eps);
  EXPECT_NEAR(e.vectors[0] + e.vectors[1], 0, 4 * eps) << "the first row belongs to 1";
  EXPECT_NEAR(e.vectors[2] - e.vectors[3], 0, 4 * eps) << "the second row belongs to 3";
}

TEST(Eigh, ResidualsAreSmall) {
  for (const auto n : sizes) {
    const Values a = symmetric(n);
    const Eigh e = eigh(a, n);
    ASSERT_EQ(e.values.size(), static_cast<std::size_t>(n));
    EXPECT_TRUE(std::is_sorted(e.values.begin(), e.values.end()));
    EXPECT_LT(residual(times(e.vectors, transpose(e.vectors, n, n), n, n, n), identity(n), 1, n),
              10)
        << n;
    Values scaled = e.vectors;
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t j = 0; j < n; ++j) scaled[at(i, j, n)] *= e.values[at(0, i, n)];
    EXPECT_LT(residual(times(transpose(e.vectors, n, n), scaled, n, n, n), a, norm(a), n), 10) << n;
  }
}

TEST(Svd, ByHand) {
  const Svd f = svd({0, 2, 0, 0, 0, -3}, 2, 3);
  EXPECT_EQ(f.s, (Values{3, 2}));
  EXPECT_EQ(f.u.size(), 4u);
  EXPECT_EQ(f.vt.size(), 6u);
  const Svd g = svd({3, 0, 0, -4, 0, 0}, 3, 2);
  EXPECT_EQ(g.s, (Values{4, 3}));
  EXPECT_EQ(g.u.size(), 6u);
  EXPECT_EQ(g.vt.size(), 4u);
  EXPECT_EQ(std::abs(g.u[2]), 1) << "the largest singular value comes from the second row";
  EXPECT_EQ(std::abs(g.vt[1]), 1) << "and from the second column";
}

TEST(Svd, ResidualsAreSmall) {
  for (const auto& [m, n] : std::vector<std::pair<std::int64_t, std::int64_t>>{
           {1, 1}, {1, 7}, {7, 1}, {5, 5}, {40, 6}, {6, 40}, {129, 64}, {64, 129}}) {
    const std::int64_t k = std::min(m, n);
    const Values a = matrix(m, n);
    const Svd f = svd(a, m, n);
    ASSERT_EQ(f.s.size(), static_cast<std::size_t>(k));
    EXPECT_TRUE(std::is_sorted(f.s.rbegin(), f.s.rend()));
    EXPECT_GE(f.s.back(), 0);
    EXPECT_LT(residual(times(transpose(f.u, m, k), f.u, k, m, k), identity(k), 1, m), 10)
        << m << "x" << n;
    EXPECT_LT(residual(times(f.vt, transpose(f.vt, k, n), k, n, k), identity(k), 1, n), 10)
        << m << "x" << n;
    Values scaled = f.vt;
    for (std::int64_t i = 0; i < k; ++i)
      for (std::int64_t j = 0; j < n; ++j) scaled[at(i, j, n)] *= f.s[at(0, i, k)];
    EXPECT_LT(residual(times(f.u, scaled, m, k, n), a, norm(a), k), 10) << m << "x" << n;
  }
}

TEST(Cholesky, ByHand) {
  const auto r = cholesky({4, 2, 2, 10}, 2);
  ASSERT_TRUE(r);
  EXPECT_EQ(*r, (Values{2, 1, 0, 3}));
  EXPECT_EQ(cholesky({9}, 1), (Values{3}));
}

TEST(Cholesky, ResidualsAreSmall) {
  for (const auto n : sizes) {
    const Values b = matrix(n + 5, n);
    const Values a = times(transpose(b, n + 5, n), b, n, n + 5, n);
    const auto r = cholesky(a, n);
    ASSERT_TRUE(r) << n;
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t j = 0; j < i; ++j) ASSERT_EQ((*r)[at(i, j, n)], 0);
    EXPECT_LT(residual(times(transpose(*r, n, n), *r, n, n, n), a, norm(a), n), 10) << n;
  }
}

TEST(Cholesky, GivesNothingForWhatIsNotPositiveDefinite) {
  EXPECT_FALSE(cholesky({0}, 1));
  EXPECT_FALSE(cholesky({-1}, 1));
  EXPECT_FALSE(cholesky({1, 2, 2, 1}, 2));
  EXPECT_FALSE(cholesky({1, 1, 1, 1}, 2)) << "singular";
}

TEST(OrthonormalColumns, SpanTheColumns) {
  for (const auto& [m, n] : std::vector<std::pair<std::int64_t, std::int64_t>>{
           {1, 1}, {5, 1}, {5, 5}, {40, 6}, {129, 64}}) {
    const Values a = matrix(m, n);
    const Values q = orthonormal_columns(a, m, n);
    const Values q_t = transpose(q, m, n);
    EXPECT_LT(residual(times(q_t, q, n, m, n), identity(n), 1, m), 10) << m << "x" << n;
    EXPECT_LT(residual(times(q, times(q_t, a, n, m, n), m, n, n), a, norm(a), m), 10)
        << m << "x" << n;
  }
}

TEST(OrthonormalColumns, OfDependentColumnsAreOrthonormalToo) {
  const Values q = orthonormal_columns({1, 1, 2, 2, 3, 3}, 3, 2);
  EXPECT_LT(residual(times(transpose(q, 3, 2), q, 2, 3, 2), identity(2), 1, 3), 10);
}

TEST(Lapack, TakesSizeZero) {
  EXPECT_TRUE(eigh({}, 0).values.empty());
  EXPECT_TRUE(svd({}, 0, 3).s.empty());
  EXPECT_TRUE(svd({}, 3, 0).u.empty());
  EXPECT_EQ(cholesky({}, 0), Values{});
  EXPECT_TRUE(orthonormal_columns({}, 3, 0).empty());
}

TEST(Lapack, RefusesNaN) {
  const std::string wrong = " is not finite or wrong; do squares of the data overflow?";
  test::expect_error<ValueError>([] { eigh({nan}, 1); }, "dsyevd: argument 5" + wrong);
  test::expect_error<ValueError>([] { eigh({1, nan, nan, 1}, 2); }, "dsyevd: argument 5" + wrong);
  test::expect_error<ValueError>([] { svd({1, 2, nan, 4}, 2, 2); }, "dgesdd: argument 5" + wrong);
  test::expect_error<ValueError>(
      [] {
        orthonormal_columns({1, nan}, 2, 1);
      },
      "dgeqrf: argument 4" + wrong);
  test::expect_error<ValueError>(
      [] {
        cholesky({1, nan, nan, 1}, 2);
      },
      "dpotrf: argument 4" + wrong);
}

TEST(Lapack, RefusesSizesBeyondItsIntegers) {
  EXPECT_EQ(blas_int(2147483647), 2147483647);
  test::expect_error<ValueError>([] { blas_int(2147483648); },
                                 "2147483648 exceeds the 32-bit sizes of BLAS and LAPACK");
}

// OpenBLAS would never return. Address space is what sanitizers need most of.
#if !defined(__SANITIZE_ADDRESS__)
TEST(Lapack, RefusesToWaitForMemory) {
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
}  // namespace tessera::linalg::lapack
