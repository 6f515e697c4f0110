// Data of any size that the dtype holds, so that their squares leave its range.
#include <gtest/gtest.h>

#include <algorithm>

#include "estimators/range_cases.hpp"

namespace tessera {
namespace {

using test::array_of;
using test::configurations;
using test::Data;
using test::expect_numbers;
using test::numbers;

template <class T>
struct Range : testing::Test {
  // Of data up to 64, small beside what a column's products need and large beside the dtype's most.
  static constexpr bool single = sizeof(T) == 4;
  static constexpr int tiny = single ? -100 : -990, small = single ? -70 : -560,
                       large = single ? 70 : 540, huge = single ? 120 : 1016;
};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(Range, Types);

TYPED_TEST(Range, TheSameBitsAtAnyPowerOfTwo) {
  for (const auto& c : configurations) {
    const auto d = Data::of<TypeParam>(1031, 4, c.targets, Communicator::world());
    for (const int k : {this->tiny, this->small, this->large, this->huge})
      if (c.name != "PCA whitened" || this->single || k != this->huge)  // singular_values_ are inf
        test::expect_scaled<TypeParam>(c, d, k);
  }
}

TYPED_TEST(Range, WideData) {
  for (const auto& c : configurations) {
    if (c.name == "PCA whitened") continue;  // by the rounding errors of its last component
    const auto d = Data::of<TypeParam>(7, 12, c.targets, Communicator::world());
    for (const int k : {this->small, this->huge}) test::expect_scaled<TypeParam>(c, d, k);
  }
}

TYPED_TEST(Range, Weights) {
  for (const auto& c : configurations) {
    if (!c.weighted) continue;
    const auto d = Data::of<TypeParam>(300, 4, c.targets, Communicator::world());
    for (const int k : {this->tiny, this->huge}) {
      test::expect_scaled<TypeParam>(c, d, 0, k);
      test::expect_scaled<TypeParam>(c, d, -k / 2, k);
    }
  }
}

TYPED_TEST(Range, TheReferenceBackend) {
  const auto guard = only("reference");
  for (const auto& c : configurations) {
    const auto d = Data::of<TypeParam>(41, 3, c.targets, Communicator::world());
    for (const int k : {this->tiny, this->huge}) test::expect_scaled<TypeParam>(c, d, k);
  }
}

template <class T>
Array line(double scale) {
  const std::vector<double> v = {0, 1, 10, 11};
  return test::make<T>({4, 1},
                       [&](std::int64_t i) { return static_cast<T>(v[test::z(i)] * scale); });
}

void expect_two_clusters(const KMeans& k, double scale) {
  auto centers = numbers(k.cluster_centers_);
  std::sort(centers.begin(), centers.end());
  EXPECT_NEAR(centers[0] / scale, 0.5, 1e-6) << scale;
  EXPECT_NEAR(centers[1] / scale, 10.5, 1e-5) << scale;
}

TYPED_TEST(Range, KMeansFindsTwoPairs) {
  const std::vector<double> scales =
      this->single ? std::vector<double>{1e37, 1e20, 1e-25, 1e-38, 0x1p-149}
                   : std::vector<double>{1e307, 1e160, 1e-170, 1e-300, 0x1p-1073};
  for (const double scale : scales) {
    if (scale > 1e-37 || !this->single) {
      for (const char* init : {"k-means++", "random", "k-means||"}) {
        KMeans k({.n_clusters = 2, .init = init, .n_init = 3});
        k.fit(line<TypeParam>(scale));
        expect_two_clusters(k, scale);
      }
    }
    KMeans k({.n_clusters = 2, .init = line<TypeParam>(scale)});
    test::expect_error<ValueError>(
        [&] { k.fit(line<TypeParam>(scale)); },
        "The shape of the initial centers (4, 1) does not match the number of clusters: init must "
        "have shape (n_clusters, n_features) = (2, 1)");
    k.params.init = test::make<TypeParam>({2, 1}, [&](std::int64_t i) {
      return static_cast<TypeParam>(scale * (2 + 6 * double(i)));
    });
    k.fit(line<TypeParam>(scale));
    expect_numbers(numbers(k.labels_), {0, 0, 1, 1}, 0);
    expect_numbers(numbers(k.predict(line<TypeParam>(scale))), {0, 0, 1, 1}, 0);
  }
}

TYPED_TEST(Range, KMeansSeesDataOfAnotherSize) {
  KMeans k({.n_clusters = 2, .init = array_of({0, 10}, {2, 1})});
  k.fit(line<TypeParam>(1));
  const double far = this->single ? 1e38 : 1e308;
  const Array x = array_of<TypeParam>({far, 0.25, -far, 11}, {4, 1});
  expect_numbers(numbers(k.predict(x)), {1, 0, 0, 1}, 0);
  const auto distances = numbers(k.transform(x));
  EXPECT_NEAR(distances[0] / far, 1, 1e-6);
  EXPECT_NEAR(distances[4] / far, 1, 1e-6);
  EXPECT_EQ(distances[2], 0.25);
  // The squares are float64's to hold.
  if (this->single) {
    EXPECT_NEAR(k.score(x) / -2e76, 1, 1e-6);
  }
  // Rows near centres that are far apart.
  const double size = this->single ? 1e20 : 1e200, near = this->single ? 1e-30 : 1e-250;
  k.cluster_centers_ = gather(array_of<TypeParam>({0, size}, {2, 1}));
  const auto both = numbers(k.transform(array_of<TypeParam>({near, size}, {2, 1})));
  EXPECT_NEAR(both[0] / near, 1, 1e-6);
  EXPECT_NEAR(both[1] / size, 1, 1e-6);
  EXPECT_EQ(both[3], 0);
  EXPECT_EQ(numbers(k.predict(array_of<TypeParam>({near, 0.6 * size, size}, {3, 1}))),
            (std::vector<double>{0, 1, 1}));
}

TYPED_TEST(Range, ColumnsOfTheirOwnSize) {
  const auto low = static_cast<TypeParam>(this->single ? 1e-40 : 1e-300);
  const auto high = static_cast<TypeParam>(this->single ? 1e38 : 1e308);
  const Array x = test::make<TypeParam>({4, 4}, [&](std::int64_t i) {
    const auto v = static_cast<TypeParam>(i / 4 % 2 == 0 ? 1 : -1);
    return i % 4 == 0 ? v * low : i % 4 == 1 ? v : i % 4 == 2 ? v * high : TypeParam(0);
  });
  StandardScaler s;
  s.fit(x);
  expect_numbers(numbers(s.scale_), {double{low}, 1, double{high}, 1}, 0);
  expect_numbers(numbers(s.mean_), {0, 0, 0, 0}, 0);
  const Array z = s.transform(x);
  expect_numbers(numbers(z), {1, 1, 1, 0, -1, -1, -1, 0, 1, 1, 1, 0, -1, -1, -1, 0}, 0);
  EXPECT_EQ(numbers(s.inverse_transform(z)), numbers(x));
}

TYPED_TEST(Range, DifferencesThatOverflow) {
  // The mean is half of the least: x - mean is 1.5 times what the dtype holds.
  const auto m = static_cast<TypeParam>(0.999 * std::numeric_limits<TypeParam>::max());
  const Array x = test::make<TypeParam>({4, 1}, [&](std::int64_t i) { return i == 2 ? m : -m; });
  StandardScaler s;
  const auto z = numbers(s.fit(x).transform(x));
  EXPECT_NEAR(z[0], -0.57735026919, 1e-6);
  EXPECT_NEAR(z[2], 1.73205080757, 1e-6);
  const Array back = s.inverse_transform(s.transform(x));
  EXPECT_NEAR(numbers(back)[0] / m, -1, 1e-6);
  KMeans k({.n_clusters = 2});
  k.fit(x);
  const auto labels = numbers(k.labels_);
  EXPECT_EQ(labels[0], labels[1]);
  EXPECT_NE(labels[0], labels[2]);
  EXPECT_EQ(numbers(k.predict(x)), labels);
  PCA p({.whiten = true});
  p.fit(x);
  if (this->single) {
    EXPECT_NEAR(std::abs(numbers(p.transform(x))[2]), 1.5, 1e-5);
    EXPECT_NEAR(numbers(p.explained_variance_)[0] / (double{m} * m), 1, 1e-6);
  } else {
    test::expect_error<ValueError>(
        [&] { p.transform(x); },
        "PCA: singular_values_ leaves the range of float64: scale X first");
  }
  expect_numbers(numbers(p.explained_variance_ratio_), {1}, 0);
}

TYPED_TEST(Range, ConstantColumns) {
  // Whatever its size, a constant is not noise.
  for (const double size : {0.0, this->single ? 3e38 : 1.5e308, this->single ? 1e-40 : 1e-310}) {
    const Array x = test::make<TypeParam>({300, 2}, [&](std::int64_t i) {
      return i % 2 == 0 ? static_cast<TypeParam>(size) : static_cast<TypeParam>(i % 7);
    });
    StandardScaler s;
    s.fit(x);
    EXPECT_EQ(numbers(s.scale_)[0], 1) << size;
    EXPECT_EQ(numbers(s.mean_)[0], static_cast<double>(static_cast<TypeParam>(size)));
    EXPECT_EQ(numbers(s.transform(x))[0], 0);
    PCA p;
    p.fit(x);
    expect_numbers(numbers(p.explained_variance_ratio_), {1, 0}, 1e-12);
  }
}

TYPED_TEST(Range, SmallDeviationsBesideALargeConstant) {
  const double little = this->single ? 1e-25 : 1e-200;
  const auto beside = [&](double constant) {
    const std::vector<double> v = {0, 1, 10, 11};
    return test::make<TypeParam>({4, 2}, [&, v](std::int64_t i) {
      return static_cast<TypeParam>(i % 2 == 0 ? constant : v[test::z(i / 2)] * little);
    });
  };
  KMeans k({.n_clusters = 2});
  k.fit(beside(1));
  EXPECT_NE(numbers(k.labels_)[0], numbers(k.labels_)[2]);
  const double most = this->single ? 3e38 : 1e308;
  const std::string text = fmt::format(
      " has columns around {} that are constant beside deviations of {}: their squares leave the "
      "range of {}; drop constant columns or subtract the means",
      this->single ? "3e+38" : "1e+308", this->single ? "5.02e-25" : "5.02e-200",
      name_of(dtype_of<TypeParam>));
  test::expect_error<ValueError>([&] { k.fit(beside(most)); }, "Input X of KMeans" + text);
  PCA p;
  test::expect_error<ValueError>([&] { p.fit(beside(most)); }, "Input X of PCA" + text);
}

TYPED_TEST(Range, WhatNoDtypeHoldsIsAnError) {
  const double big = this->single ? 1e30 : 1e300;
  const std::string dtype(name_of(dtype_of<TypeParam>));
  const std::string advice = this->single ? ", or use float64" : "";
  LinearRegression r;
  const auto column = [](double scale) {
    return test::make<TypeParam>({4, 1}, [&](std::int64_t i) {
      return static_cast<TypeParam>(static_cast<double>(i * i) * scale);
    });
  };
  const auto fit = [&](double x, double y) { r.fit(column(x), column(y).reshape({4})); };
  test::expect_error<ValueError>(
      [&] { fit(1 / big, big); },
      fmt::format("LinearRegression: coef_ around {} leaves the range of {}: scale X or y{}",
                  this->single ? "1e+60" : "inf", dtype, advice));
  test::expect_error<ValueError>(
      [&] { fit(big, 1 / big); },
      fmt::format("LinearRegression: coef_ around {} leaves the range of {}: scale X or y{}",
                  this->single ? "1e-60" : "0", dtype, advice));
  // Each target counts, also beside a large one.
  test::expect_error<ValueError>(
      [&] {
        r.fit(column(big), test::make<TypeParam>({4, 2}, [&](std::int64_t i) {
                const auto square = static_cast<double>((i / 2) * (i / 2));
                return static_cast<TypeParam>(i % 2 ? square / big : square * big);
              }));
      },
      fmt::format("LinearRegression: coef_ around {} leaves the range of {}: scale X or y{}",
                  this->single ? "1e-60" : "0", dtype, advice));
  fit(1, big);
  EXPECT_NEAR(numbers(r.coef_)[0] / big, 1, 1e-6);
  const auto overflow = [&](const char* what, const auto& call) {
    test::expect_error<ValueError>(
        call, fmt::format("{} leaves the range of {} at row 1: scale X, or use {}{}", what, dtype,
                          this->single ? "float64" : "smaller data",
                          Communicator::world().size() == 1 ? "" : " (rank 0)"));
  };
  overflow("LinearRegression.predict", [&] { r.predict(column(big)); });
  StandardScaler s;
  s.fit(column(1 / big));
  overflow("StandardScaler.transform", [&] { s.transform(column(big / 9)); });
}

TYPED_TEST(Range, CovariancesNeedTheNoise) {
  if (this->single) return;  // float64 holds it
  const auto d = Data::of<TypeParam>(60, 3, 0, Communicator::world());
  PCA p({.n_components = 1});
  p.fit(test::times<TypeParam>(d.x, 540));
  const auto refused = [](const char* method) {
    return fmt::format(
        "PCA.{} needs noise_variance_, which leaves the range of float64: scale X first", method);
  };
  test::expect_error<ValueError>([&] { p.get_covariance(); }, refused("get_covariance"));
  test::expect_error<ValueError>([&] { p.get_precision(); }, refused("get_precision"));
  test::expect_error<ValueError>([&] { p.score(d.x); }, refused("score"));
}

TYPED_TEST(Range, NanAndInfinityAreStillFound) {
  const double scale = this->single ? 1e20 : 1e200;
  for (const double bad : {std::nan(""), HUGE_VAL}) {
    const Array x = array_of<TypeParam>({0, scale, 3 * scale, bad, scale, -scale}, {3, 2});
    const auto text = [&](const char* name) {
      return fmt::format("Input X contains {} at row 1, column 1 ({}).{}",
                         std::isnan(bad)
                             ? "NaN"
                             : fmt::format("infinity or a value too large for dtype('{}')",
                                           name_of(dtype_of<TypeParam>)),
                         name, Communicator::world().size() == 1 ? "" : " (rank 0)");
    };
    test::expect_error<ValueError>([&] { KMeans({.n_clusters = 2}).fit(x); }, text("KMeans"));
    test::expect_error<ValueError>([&] { PCA().fit(x); }, text("PCA"));
    test::expect_error<ValueError>(
        [&] {
          LinearRegression().fit(x, array_of<TypeParam>({1, 2, 3}, {3}));
        },
        text("LinearRegression"));
  }
}

}  // namespace
}  // namespace tessera
