#include <tessera/estimators/preprocessing/standard_scaler.hpp>

#include <gtest/gtest.h>

#include "estimators/estimator_cases.hpp"

namespace tessera {
namespace {

using test::array_of;
using test::expect_numbers;
using test::numbers;
using test::z;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double inf = std::numeric_limits<double>::infinity();

TEST(StandardScaler, ByHand) {
  const Array x = array_of({0, 0, 0, 0, 1, 1, 1, 1}, {4, 2});
  StandardScaler s;
  s.fit(x);
  expect_numbers(numbers(s.mean_), {0.5, 0.5}, 0);
  expect_numbers(numbers(s.var_), {0.25, 0.25}, 0);
  expect_numbers(numbers(s.scale_), {0.5, 0.5}, 0);
  EXPECT_EQ(s.n_samples_seen_.as<std::int64_t>(), 4);
  EXPECT_EQ(s.n_features_in_, 2);
  expect_numbers(numbers(s.transform(x)), {-1, -1, -1, -1, 1, 1, 1, 1}, 0);
  expect_numbers(numbers(s.transform(array_of({2, 2}, {1, 2}))), {3, 3}, 0);
  expect_numbers(numbers(s.inverse_transform(array_of({3, -1}, {1, 2}))), {2, 0}, 0);
}

struct Combination {
  bool with_mean, with_std;
};
const std::vector<Combination> combinations = {
    {true, true}, {true, false}, {false, true}, {false, false}};

TEST(StandardScaler, WithMeanAndWithStd) {
  const Array x = array_of({1, 10, 3, 30}, {2, 2});
  for (const auto& c : combinations) {
    StandardScaler s({.with_mean = c.with_mean, .with_std = c.with_std});
    s.fit(x);
    EXPECT_EQ(s.mean_.is_none(), !c.with_mean && !c.with_std);
    EXPECT_EQ(s.var_.is_none(), !c.with_std);
    EXPECT_EQ(s.scale_.is_none(), !c.with_std);
    if (c.with_std) expect_numbers(numbers(s.scale_), {1, 10}, 0);
    if (c.with_mean || c.with_std) expect_numbers(numbers(s.mean_), {2, 20}, 0);
    std::vector<double> want = {1, 10, 3, 30};
    for (std::size_t i = 0; i < 4; ++i) {
      if (c.with_mean) want[i] -= i % 2 ? 20 : 2;
      if (c.with_std) want[i] /= i % 2 ? 10 : 1;
    }
    expect_numbers(numbers(s.transform(x)), want, 0);
    expect_numbers(numbers(s.inverse_transform(s.transform(x))), {1, 10, 3, 30}, 0);
  }
}

/// What scikit-learn computes, in long double.
struct Naive {
  std::vector<double> mean, var, count;
  Naive(const std::vector<double>& x, std::int64_t p, const std::vector<double>& w) {
    const auto n = static_cast<std::int64_t>(x.size()) / p;
    for (std::int64_t j = 0; j < p; ++j) {
      long double total = 0, sum = 0, squares = 0;
      const auto each = [&](auto f) {
        for (std::int64_t i = 0; i < n; ++i)
          if (const double v = x[z(i * p + j)]; !std::isnan(v))
            f(static_cast<long double>(v), w.empty() ? 1 : w[z(i)]);
      };
      each([&](long double v, long double weight) { total += weight, sum += weight * v; });
      each([&](long double v, long double weight) {
        squares += weight * (v - sum / total) * (v - sum / total);
      });
      mean.push_back(static_cast<double>(total > 0 ? sum / total : 0));
      var.push_back(total > 0 ? static_cast<double>(squares / total) : nan);
      count.push_back(static_cast<double>(total));
    }
  }
};

TEST(StandardScaler, AgreesWithNaiveLoops) {
  for (const std::int64_t n : {1, 7, 256, 5003})
    for (const bool weighted : {false, true}) {
      const auto value = [](std::int64_t i) {
        return test::unit(i) * double(i % 4 + 1) + 1000 * double(i % 4);
      };
      const auto weight = [](std::int64_t i) { return i % 5 == 1 ? 0.0 : 0.5 + test::unit(i, 9); };
      const Array x = test::make<double>({n, 4}, value);
      const Array w = weighted ? test::make<double>({n}, weight) : Array{};
      const Naive want(test::tabulate<double>(n * 4, value), 4,
                       weighted ? test::tabulate<double>(n, weight) : std::vector<double>{});
      StandardScaler s;
      s.fit(x, {}, w);
      expect_numbers(numbers(s.mean_), want.mean, 1e-11);
      expect_numbers(numbers(s.var_), want.var, 1e-12);
      if (weighted) {
        EXPECT_NEAR(s.n_samples_seen_.as<double>(), want.count[0], 1e-10);
      } else {
        EXPECT_EQ(s.n_samples_seen_.as<std::int64_t>(), n);
      }
    }
}

TEST(StandardScaler, WeightTwoIsTheRowTwice) {
  const auto value = [](std::int64_t i) { return test::unit(i) * 8; };
  const Array once = test::make<double>({600, 3}, value);
  const Array twos = full({600}, 2.0);
  const Array twice =
      test::make<double>({1200, 3}, [&](std::int64_t i) { return value(i % 1800); });
  StandardScaler a, b;
  a.fit(once, {}, twos);
  b.fit(twice);
  expect_numbers(numbers(a.mean_), numbers(b.mean_), 1e-13);
  expect_numbers(numbers(a.scale_), numbers(b.scale_), 1e-13);
}

// 0.1 has no exact sum, and still ten of them do not vary.
TEST(StandardScaler, ConstantColumnsHaveScaleOne) {
  for (const double constant : {0.0, 0.1, 1e6 + 0.1, -1e-20, 3e20})
    for (const std::int64_t n : {1, 10, 1031}) {
      const Array x =
          test::make<double>({n, 2}, [&](std::int64_t i) { return i % 2 ? double(i) : constant; });
      StandardScaler s;
      s.fit(x);
      const auto scale = numbers(s.scale_);
      EXPECT_EQ(scale[0], 1) << constant << ", " << n << " rows";
      EXPECT_EQ(scale[1] == 1, n == 1);
      const auto out = numbers(s.transform(x));
      for (std::int64_t i = 0; i < n; ++i)
        ASSERT_NEAR(out[z(2 * i)], 0, 1e-15 * std::abs(constant))
            << constant << ", " << n << " rows";
    }
  const Array f = test::make<float>({300, 1}, [](std::int64_t) { return 0.1f; });
  StandardScaler s;
  s.fit(f);
  EXPECT_EQ(numbers(s.scale_), std::vector<double>{1});
}

// A small but real variation next to a large mean is not a constant.
TEST(StandardScaler, SmallVariationIsNoConstant) {
  const Array x =
      test::make<double>({1000, 1}, [](std::int64_t i) { return 1e4 + (i % 2 ? 1e-3 : -1e-3); });
  StandardScaler s;
  s.fit(x);
  EXPECT_NEAR(numbers(s.scale_)[0], 1e-3, 1e-9);
  // The same for float32, whose moments are float64.
  const Array f =
      test::make<float>({200000, 1}, [](std::int64_t i) { return i % 2 ? 5.1f : 4.9f; });
  s.fit(f);
  EXPECT_NEAR(numbers(s.scale_)[0], 0.1, 1e-6);
}

TEST(StandardScaler, NaNAreIgnoredByFitAndKeptByTransform) {
  const Array x = array_of({1, nan, nan, 3, 5, nan, 5, 7, nan}, {3, 3});
  StandardScaler s;
  s.fit(x);
  expect_numbers({numbers(s.mean_)[0], numbers(s.mean_)[1]}, {3, 6}, 0);
  EXPECT_TRUE(std::isnan(numbers(s.mean_)[2])) << "a column of NaN has no mean";
  EXPECT_NEAR(numbers(s.var_)[0], 8.0 / 3, 1e-15);
  EXPECT_EQ(numbers(s.var_)[1], 1);
  EXPECT_TRUE(std::isnan(numbers(s.var_)[2])) << "a column of NaN has no variance";
  expect_numbers(numbers(s.n_samples_seen_), {3, 2, 0}, 0);
  const auto out = numbers(s.transform(x));
  EXPECT_NEAR(out[0], -2 / std::sqrt(8.0 / 3), 1e-15);
  EXPECT_TRUE(std::isnan(out[1]));
  EXPECT_EQ(out[4], -1);
  EXPECT_EQ(out[7], 1);
  EXPECT_TRUE(std::isnan(out[8]));
}

// What was not seen in fit becomes NaN, whatever is estimated.
TEST(StandardScaler, AColumnOfNaN) {
  const Array x = array_of({1, nan, 3, nan, 5, nan}, {3, 2});
  const Array full = array_of({3, 7}, {1, 2});
  for (const bool with_mean : {false, true})
    for (const bool with_std : {false, true}) {
      StandardScaler s({.with_mean = with_mean, .with_std = with_std});
      s.fit(x);
      ASSERT_TRUE(s.n_samples_seen_.is<Array>());
      EXPECT_EQ(s.n_samples_seen_.as<Array>().dtype(), DType::int64);
      expect_numbers(numbers(s.n_samples_seen_), {3, 0}, 0);
      EXPECT_EQ(std::isnan(numbers(s.transform(full))[1]), with_mean || with_std);
      if (with_mean || with_std) {
        EXPECT_TRUE(std::isnan(numbers(s.mean_)[1]));
      }
      s.fit(x, {}, array_of({2, 0.5, 1}, {3}));
      const bool sums = with_mean || with_std;  // else the rows are counted
      EXPECT_EQ(s.n_samples_seen_.as<Array>().dtype(), sums ? DType::float64 : DType::int64);
      EXPECT_EQ(numbers(s.n_samples_seen_)[0], sums ? 3.5 : 3);
    }
}

TEST(StandardScaler, TransformedDataHaveMeanZeroAndVarianceOne) {
  const Array x = test::make<double>(
      {5003, 3}, [](std::int64_t i) { return 50 + test::unit(i) * double(1 + i % 3); });
  StandardScaler s;
  const Array out = s.fit_transform(x);
  StandardScaler again;
  again.fit(out);
  expect_numbers(numbers(again.mean_), {0, 0, 0}, 1e-12);
  expect_numbers(numbers(again.var_), {1, 1, 1}, 1e-12);
  test::expect_near<double>(
      s.inverse_transform(out),
      [](std::int64_t i) { return 50 + test::unit(i) * double(1 + i % 3); }, 1e-13 * 50);
}

TEST(StandardScaler, FitAgainForgets) {
  StandardScaler s;
  s.fit(array_of({100, 200}, {2, 1}));
  s.fit(array_of({0, 0, 2, 4}, {2, 2}));
  expect_numbers(numbers(s.mean_), {1, 2}, 0);
  EXPECT_EQ(s.n_features_in_, 2);
}

TEST(StandardScaler, RefusesInfinity) {
  const Array x = array_of({1, nan, inf, 2}, {2, 2});
  StandardScaler s;
  EXPECT_THROW(s.fit(x), ValueError);
}

}  // namespace
}  // namespace tessera
