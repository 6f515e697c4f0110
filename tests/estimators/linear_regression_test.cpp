#include <tessera/estimators/linear_model/linear_regression.hpp>

#include <gtest/gtest.h>

#include "estimators/estimator_cases.hpp"

namespace tessera {
namespace {

using test::array_of;
using test::expect_numbers;
using test::numbers;
using test::z;

double intercept(const LinearRegression& e) { return e.intercept_.as<double>(); }

TEST(LinearRegression, ByHand) {  // y = 1 * x_0 + 2 * x_1 + 3
  const Array x = array_of({1, 1, 1, 2, 2, 2, 2, 3}, {4, 2});
  const Array y = array_of({6, 8, 9, 11}, {4});
  LinearRegression e;
  e.fit(x, y);
  expect_numbers(numbers(e.coef_), {1, 2}, 1e-14);
  EXPECT_EQ(e.coef_.shape(), Shape{2});
  EXPECT_NEAR(intercept(e), 3, 1e-14);
  EXPECT_EQ(e.rank_, 2);
  expect_numbers(numbers(e.predict(array_of({3, 5}, {1, 2}))), {16}, 1e-13);
  EXPECT_EQ(e.score(x, y), 1);
  // The centred columns are (-1/2, -1/2, 1/2, 1/2) and (-1, 0, 0, 1): Gram (1, 1; 1, 2).
  expect_numbers(numbers(e.singular_),
                 {std::sqrt((3 + std::sqrt(5.0)) / 2), std::sqrt((3 - std::sqrt(5.0)) / 2)}, 1e-14);
}

TEST(LinearRegression,
     ALineThroughThreePoints) {  // slope 1/2, intercept 2/3, residuals 1/6, -1/3, 1/6
  const Array x = array_of({0, 1, 2}, {3, 1});
  const Array y = array_of({5.0 / 6, 5.0 / 6, 11.0 / 6}, {3});
  LinearRegression e;
  e.fit(x, y);
  expect_numbers(numbers(e.coef_), {0.5}, 1e-15);
  EXPECT_NEAR(intercept(e), 2.0 / 3, 1e-15);
  EXPECT_NEAR(e.score(x, y), 1 - (1.0 / 6) / (2.0 / 3), 1e-14);
  LinearRegression through_zero({.fit_intercept = false});
  through_zero.fit(x, y);
  expect_numbers(numbers(through_zero.coef_), {0.9}, 1e-15);  // (5/6 + 11/3) / 5
  EXPECT_EQ(intercept(through_zero), 0);
}

double x_at(std::int64_t i) { return test::unit(i) * 4 - 1; }

/// Solves the weighted normal equations with an intercept in long double by Gauss-Jordan; q x (p +
/// 1).
std::vector<double> normal_equations(std::int64_t n, std::int64_t p, std::int64_t q,
                                     const std::function<double(std::int64_t)>& x,
                                     const std::function<double(std::int64_t)>& y,
                                     const std::function<double(std::int64_t)>& w,
                                     bool with_intercept) {
  const std::int64_t m = p + 1;
  const std::int64_t width = m + q;
  std::vector<long double> a(z(m * width));
  std::vector<long double> row(z(width));
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t j = 0; j < p; ++j) row[z(j)] = x(i * p + j);
    row[z(p)] = with_intercept ? 1 : 0;
    for (std::int64_t t = 0; t < q; ++t) row[z(m + t)] = y(i * q + t);
    for (std::int64_t r = 0; r < m; ++r)
      for (std::int64_t c = 0; c < width; ++c) a[z(r * width + c)] += w(i) * row[z(r)] * row[z(c)];
  }
  if (!with_intercept) a[z(p * width + p)] = 1;
  for (std::int64_t k = 0; k < m; ++k)
    for (std::int64_t r = 0; r < m; ++r) {
      if (r == k) continue;
      const long double factor = a[z(r * width + k)] / a[z(k * width + k)];
      for (std::int64_t c = 0; c < width; ++c) a[z(r * width + c)] -= factor * a[z(k * width + c)];
    }
  std::vector<double> out;
  for (std::int64_t t = 0; t < q; ++t)
    for (std::int64_t j = 0; j < m; ++j)
      out.push_back(static_cast<double>(a[z(j * width + m + t)] / a[z(j * width + j)]));
  return out;
}

TEST(LinearRegression, AgreesWithTheNormalEquations) {
  const std::int64_t p = 6;
  for (const std::int64_t n : {13, 257, 5003})
    for (const std::int64_t q : {1, 3})
      for (const bool weighted : {false, true})
        for (const bool with_intercept : {false, true}) {
          const auto y_at = [&](std::int64_t i) { return 3 * test::unit(i, 5) + x_at(i / q * p); };
          const auto w_at = [&](std::int64_t i) { return weighted ? double(i % 4) : 1.0; };
          const Array x = test::make<double>({n, p}, x_at);
          const Array y = test::make<double>({n, q}, y_at);
          LinearRegression e({.fit_intercept = with_intercept});
          e.fit(x, y, weighted ? test::make<double>({n}, w_at) : Array{});
          const auto want = normal_equations(n, p, q, x_at, y_at, w_at, with_intercept);
          const auto coef = numbers(e.coef_);
          EXPECT_EQ(e.coef_.shape(), (Shape{q, p}));
          const auto offsets = with_intercept ? numbers(e.intercept_) : std::vector<double>(z(q));
          std::vector<double> got;
          for (std::int64_t t = 0; t < q; ++t) {
            got.insert(got.end(), coef.begin() + t * p, coef.begin() + (t + 1) * p);
            got.push_back(offsets[z(t)]);
          }
          expect_numbers(got, want, 1e-12,
                         fmt::format("{} rows, {} targets, weights {}, intercept {}", n, q,
                                     weighted, with_intercept));
        }
}

TEST(LinearRegression, WeightTwoIsTheRowTwice) {
  const Array x = test::make<double>({600, 3}, x_at);
  const Array y = test::make<double>({600}, [](std::int64_t i) { return test::unit(i, 4); });
  const Array x2 = test::make<double>({1200, 3}, [](std::int64_t i) { return x_at(i % 1800); });
  const Array y2 =
      test::make<double>({1200}, [](std::int64_t i) { return test::unit(i % 600, 4); });
  LinearRegression a, b;
  a.fit(x, y, full({600}, 2.0));
  b.fit(x2, y2);
  expect_numbers(numbers(a.coef_), numbers(b.coef_), 1e-13);
  EXPECT_NEAR(intercept(a), intercept(b), 1e-13);
  EXPECT_NEAR(a.score(x, y, full({600}, 2.0)), b.score(x2, y2), 1e-13);
}

// y = 5 x_0 with x_1 = 2 x_0: among all (a, b) with a + 2 b = 5 the shortest is (1, 2).
TEST(LinearRegression, RankDeficientDataGiveTheMinimumNorm) {
  for (const std::int64_t n : {3, 300})
    for (const bool with_intercept : {false, true}) {
      const auto base = [](std::int64_t i) { return test::unit(i) + 0.1; };
      const Array x = test::make<double>(
          {n, 2}, [&](std::int64_t i) { return base(i / 2) * double(1 + i % 2); });
      const Array y = test::make<double>(
          {n}, [&](std::int64_t i) { return 5 * base(i) + (with_intercept ? 7 : 0); });
      LinearRegression e({.fit_intercept = with_intercept});
      e.fit(x, y);
      expect_numbers(numbers(e.coef_), {1, 2}, 1e-12);
      EXPECT_NEAR(intercept(e), with_intercept ? 7 : 0, 1e-12);
      EXPECT_EQ(e.rank_, 1);
    }
}

TEST(LinearRegression, AConstantColumnHasNoCoefficient) {
  const Array x =
      test::make<double>({300, 2}, [](std::int64_t i) { return i % 2 ? 4.0 : x_at(i); });
  const Array y = test::make<double>({300}, [](std::int64_t i) { return 3 * x_at(2 * i) - 1; });
  LinearRegression e;
  e.fit(x, y);
  expect_numbers(numbers(e.coef_), {3, 0}, 1e-12);
  EXPECT_EQ(e.rank_, 1);
}

// Fewer rows than columns: all rows are met exactly, with coefficients in the span of the rows.
TEST(LinearRegression, Wide) {
  const std::int64_t n = 5;
  const std::int64_t p = 40;
  const Array x = test::make<double>({n, p}, x_at);
  const Array y = test::make<double>({n}, [](std::int64_t i) { return test::unit(i, 8); });
  LinearRegression e;
  e.fit(x, y);
  EXPECT_EQ(e.rank_, n - 1) << "centring takes one";
  EXPECT_EQ(e.singular_.shape(), Shape{n});
  EXPECT_EQ(e.coef_.shape(), Shape{p});
  expect_numbers(numbers(e.predict(x)), numbers(y), 1e-12);
  EXPECT_NEAR(e.score(x, y), 1, 1e-12);
  // Orthogonal to what is orthogonal to the rows: coef = Xc^T (Xc Xc^T)^+ (y - mean), checked
  // through the part of coef outside the span, by Gram-Schmidt.
  std::vector<std::vector<double>> basis;
  const auto rows = numbers(x);
  std::vector<double> mean(z(p));
  for (std::int64_t i = 0; i < n * p; ++i) mean[z(i % p)] += rows[z(i)] / static_cast<double>(n);
  auto rest = numbers(e.coef_);
  const auto remove = [&](std::vector<double>& v, const std::vector<double>& q) {
    double dot = 0;
    for (std::int64_t j = 0; j < p; ++j) dot += v[z(j)] * q[z(j)];
    for (std::int64_t j = 0; j < p; ++j) v[z(j)] -= dot * q[z(j)];
  };
  for (std::int64_t i = 0; i + 1 < n; ++i) {
    std::vector<double> v(z(p));
    for (std::int64_t j = 0; j < p; ++j) v[z(j)] = rows[z(i * p + j)] - mean[z(j)];
    for (const auto& q : basis) remove(v, q);
    double length = 0;
    for (const double c : v) length += c * c;
    for (double& c : v) c /= std::sqrt(length);
    basis.push_back(v);
  }
  for (const auto& q : basis) remove(rest, q);
  expect_numbers(rest, std::vector<double>(z(p)), 1e-12);
}

// Column scales from 1e-8 to 1e8; tol = 0 counts no singular value as zero.
TEST(LinearRegression, ColumnsOfVeryDifferentSize) {
  const std::vector<double> size = {1e-8, 1e-4, 1, 1e4, 1e8};
  const Array x =
      test::make<double>({1000, 5}, [&](std::int64_t i) { return size[z(i % 5)] * x_at(i); });
  const Array y = test::make<double>({1000}, [](std::int64_t i) {
    double v = 0.5;
    for (std::int64_t j = 0; j < 5; ++j) v += double(j + 1) * x_at(5 * i + j);
    return v;
  });
  LinearRegression e({.tol = 0.0});
  e.fit(x, y);
  auto scaled = numbers(e.coef_);
  for (std::size_t j = 0; j < 5; ++j) scaled[j] *= size[j];
  expect_numbers(scaled, {1, 2, 3, 4, 5}, 1e-7);
  EXPECT_NEAR(intercept(e), 0.5, 1e-7);
  EXPECT_EQ(e.rank_, 5);
  // With the default tol = 1e-6 the columns below a millionth of the largest do not count.
  LinearRegression cut;
  cut.fit(x, y);
  EXPECT_EQ(cut.rank_, 2);
}

// Nearly dependent columns need the second pass by QR: the Gram matrix alone has lost them.
TEST(LinearRegression, NearlyDependentColumns) {
  const double gap = 1e-7;
  const Array x = test::make<double>(
      {2000, 2}, [&](std::int64_t i) { return x_at(i / 2) + (i % 2) * gap * test::unit(i, 3); });
  const Array y = test::make<double>({2000}, [&](std::int64_t i) {
    return 3 * x_at(i) - 2 * (x_at(i) + gap * test::unit(2 * i + 1, 3));
  });
  LinearRegression e({.tol = 0.0});
  e.fit(x, y);
  expect_numbers(numbers(e.coef_), {3, -2}, 1e-6);
  EXPECT_EQ(e.rank_, 2);
}

TEST(LinearRegression, Float32KeepsItsPrecisionFarFromZero) {
  const Array x = test::make<float>(
      {5003, 2}, [](std::int64_t i) { return static_cast<float>(1000 + x_at(i)); });
  const Array y = test::make<float>({5003}, [&](std::int64_t i) {
    return 2 * static_cast<float>(1000 + x_at(2 * i)) - static_cast<float>(1000 + x_at(2 * i + 1));
  });
  LinearRegression e;
  e.fit(x, y);
  expect_numbers(numbers(e.coef_), {2, -1}, 1e-4);
  EXPECT_GT(e.score(x, y), 0.999999);
}

// Their products overflow, so that the Gram matrix is of no use.
TEST(LinearRegression, LargeFloat32Values) {
  const auto at = [](std::int64_t i) { return static_cast<float>(1e20 * x_at(i)); };
  const Array x = test::make<float>({600, 2}, at);
  const Array y =
      test::make<float>({600}, [&](std::int64_t i) { return at(2 * i) - 2 * at(2 * i + 1); });
  LinearRegression e;
  e.fit(x, y);
  expect_numbers(numbers(e.coef_), {1, -2}, 1e-5);
}

TEST(LinearRegression, ScoreByHand) {
  const Array x = array_of({0, 1, 2}, {3, 1});
  LinearRegression e;
  e.fit(x, array_of({0, 1, 2}, {3}));
  const Array y = array_of({1, 1, 4}, {3});  // residuals 1, 0, 2; deviations -1, -1, 2
  EXPECT_NEAR(e.score(x, y), 1 - 5.0 / 6, 1e-14);
  // Weights 2, 0, 1: mean 2, residuals 2 + 4, deviations 2 + 4.
  EXPECT_NEAR(e.score(x, y, array_of({2, 0, 1}, {3})), 0, 1e-14);
  EXPECT_EQ(e.score(x, array_of({5, 5, 5}, {3})), 0) << "a constant that is missed";
  LinearRegression flat;
  flat.fit(x, array_of({5, 5, 5}, {3}));
  EXPECT_EQ(flat.score(x, array_of({5, 5, 5}, {3})), 1) << "a constant that is met";
  LinearRegression two;
  two.fit(x, array_of({0, 0, 1, 2, 2, 4}, {3, 2}));
  EXPECT_NEAR(two.score(x, array_of({0, 1, 1, 2, 2, 6}, {3, 2})), (1 + (1 - 5.0 / 14)) / 2,
              1e-13);  // the second: residuals 1, 0, 2; deviations -2, -1, 3
}

TEST(LinearRegression, OneRow) {
  LinearRegression e;
  e.fit(array_of({2, 3}, {1, 2}), array_of({7}, {1}));
  expect_numbers(numbers(e.coef_), {0, 0}, 0);
  EXPECT_EQ(intercept(e), 7);
  EXPECT_EQ(e.rank_, 0);
  if (Communicator::world().rank() == 0) testing::internal::CaptureStderr();
  EXPECT_TRUE(std::isnan(e.score(array_of({2, 3}, {1, 2}), array_of({7}, {1}))));
  if (Communicator::world().rank() == 0) {
    EXPECT_NE(testing::internal::GetCapturedStderr().find("UndefinedMetricWarning: R^2 score"),
              std::string::npos);
  }
}

TEST(LinearRegression, ColumnOfYIsATarget) {
  const Array x = test::make<double>({300, 2}, x_at);
  const Array y = test::make<double>({300, 1}, [](std::int64_t i) { return x_at(2 * i) + 2; });
  LinearRegression e;
  e.fit(x, y);
  EXPECT_EQ(e.coef_.shape(), (Shape{1, 2}));
  EXPECT_EQ(e.intercept_.as<Array>().shape(), Shape{1});
  EXPECT_EQ(e.predict(x).shape(), (Shape{300, 1}));
}

}  // namespace
}  // namespace tessera
