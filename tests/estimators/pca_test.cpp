#include <tessera/estimators/decomposition/pca.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "estimators/estimator_cases.hpp"

namespace tessera {
namespace {

using test::array_of;
using test::expect_numbers;
using test::numbers;
using test::z;

PCA pca(const char* solver, Value components = {}, bool whiten = false) {
  PCAParams p;
  p.svd_solver = solver;
  p.n_components = std::move(components);
  p.whiten = whiten;
  return PCA(p);
}

const std::vector<const char*> solvers = {"covariance_eigh", "full", "randomized"};

// All combinations of +-3, +-1 and +-2: the columns are the components, with variances 9, 1, 4
// times 8 / 7.
Array cube() {
  return test::make<double>({8, 3}, [](std::int64_t i) {
    const double size[] = {3, 1, 2};
    return (i / 3 >> i % 3 & 1 ? 1 : -1) * size[i % 3] + 10;
  });
}

TEST(PCA, ByHand) {
  for (const char* solver : solvers) {
    auto e = pca(solver);
    e.fit(cube());
    expect_numbers(numbers(e.components_), {1, 0, 0, 0, 0, 1, 0, 1, 0}, 1e-14, solver);
    expect_numbers(numbers(e.explained_variance_), {72.0 / 7, 32.0 / 7, 8.0 / 7}, 1e-13, solver);
    expect_numbers(numbers(e.explained_variance_ratio_), {9.0 / 14, 4.0 / 14, 1.0 / 14}, 1e-14,
                   solver);
    expect_numbers(numbers(e.singular_values_), {std::sqrt(72), std::sqrt(32), std::sqrt(8)}, 1e-13,
                   solver);
    expect_numbers(numbers(e.mean_), {10, 10, 10}, 1e-14, solver);
    EXPECT_EQ(e.n_components_, 3);
    EXPECT_EQ(e.n_samples_, 8);
    EXPECT_EQ(e.n_features_in_, 3);
    EXPECT_EQ(e.noise_variance_, 0);
    expect_numbers(numbers(e.transform(array_of({13, 9, 10}, {1, 3}))), {3, 0, -1}, 1e-13, solver);
    expect_numbers(numbers(e.inverse_transform(array_of({3, 0, -1}, {1, 3}))), {13, 9, 10}, 1e-13,
                   solver);
    auto white = pca(solver, 2, true);
    white.fit(cube());
    expect_numbers(numbers(white.transform(array_of({13, 9, 10}, {1, 3}))),
                   {3 / std::sqrt(72.0 / 7), 0}, 1e-13, solver);
    EXPECT_NEAR(white.noise_variance_, 8.0 / 7, 1e-13) << solver;
  }
}

TEST(PCA, AShareOfTheVariance) {  // the shares are 9, 13 and 14 of 14
  const std::vector<std::pair<double, std::int64_t>> cases = {{0.01, 1}, {0.64, 1}, {0.65, 2},
                                                              {0.92, 2}, {0.93, 3}, {0.9999, 3}};
  for (const char* solver : {"covariance_eigh", "full"})
    for (const auto& [share, want] : cases) {
      auto e = pca(solver, share);
      e.fit(cube());
      EXPECT_EQ(e.n_components_, want) << solver << ", " << share;
      EXPECT_EQ(e.components_.shape(), (Shape{want, 3}));
    }
}

TEST(PCA, NoComponents) {
  auto e = pca("full", 0);
  e.fit(cube());
  EXPECT_EQ(e.components_.shape(), (Shape{0, 3}));
  EXPECT_EQ(e.transform(cube()).shape(), (Shape{8, 0}));
  EXPECT_NEAR(e.noise_variance_, (72.0 + 32 + 8) / 21, 1e-13);
}

/// Eigenvalues, descending, and eigenvectors (rows, largest entry positive) by Jacobi rotations.
struct Spectrum {
  std::vector<long double> values, vectors;
  Spectrum(std::vector<long double> a, std::int64_t p) {
    std::vector<long double> v(z(p * p));
    for (std::int64_t i = 0; i < p; ++i) v[z(i * p + i)] = 1;
    for (int sweep = 0; sweep < 30; ++sweep)
      for (std::int64_t r = 0; r < p; ++r)
        for (std::int64_t s = r + 1; s < p; ++s) {
          if (a[z(r * p + s)] == 0) continue;
          const long double theta =
              0.5L * std::atan2(2 * a[z(r * p + s)], a[z(s * p + s)] - a[z(r * p + r)]);
          const long double c = std::cos(theta), t = std::sin(theta);
          for (auto* m : {&a, &v})
            for (std::int64_t i = 0; i < p; ++i) {
              const long double x = (*m)[z(i * p + r)], y = (*m)[z(i * p + s)];
              (*m)[z(i * p + r)] = c * x - t * y;
              (*m)[z(i * p + s)] = t * x + c * y;
            }
          for (std::int64_t i = 0; i < p; ++i) {
            const long double x = a[z(r * p + i)], y = a[z(s * p + i)];
            a[z(r * p + i)] = c * x - t * y;
            a[z(s * p + i)] = t * x + c * y;
          }
        }
    std::vector<std::int64_t> order(z(p));
    std::iota(order.begin(), order.end(), 0);
    std::sort(order.begin(), order.end(),
              [&](auto i, auto j) { return a[z(i * p + i)] > a[z(j * p + j)]; });
    for (const auto k : order) {
      values.push_back(a[z(k * p + k)]);
      long double largest = 0;
      for (std::int64_t i = 0; i < p; ++i)
        if (std::abs(v[z(i * p + k)]) > std::abs(largest)) largest = v[z(i * p + k)];
      for (std::int64_t i = 0; i < p; ++i)
        vectors.push_back(largest < 0 ? -v[z(i * p + k)] : v[z(i * p + k)]);
    }
  }
};

/// Correlated columns with variances that differ clearly.
double correlated_at(std::int64_t i, std::int64_t p) {
  const std::int64_t row = i / p;
  const std::int64_t j = i % p;
  const auto factor = [&](std::int64_t k) {
    return (test::unit(row * p + k, 6) - 0.5) * std::pow(1.7, double(p - k));
  };
  return factor(j) + 0.5 * factor((j + 1) % p) - 0.25 * factor((j + 2) % p) + 20 * double(j + 1);
}
Array correlated(std::int64_t n, std::int64_t p) {
  return test::make<double>({n, p}, [p](std::int64_t i) { return correlated_at(i, p); });
}
std::vector<long double> covariance(const std::vector<double>& x, std::int64_t p) {
  const auto n = static_cast<std::int64_t>(x.size()) / p;
  std::vector<long double> mean(z(p)), c(z(p * p));
  for (std::int64_t i = 0; i < n * p; ++i) mean[z(i % p)] += x[z(i)] / static_cast<long double>(n);
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t a = 0; a < p; ++a)
      for (std::int64_t b = 0; b < p; ++b)
        c[z(a * p + b)] += (x[z(i * p + a)] - mean[z(a)]) * (x[z(i * p + b)] - mean[z(b)]) /
                           static_cast<long double>(n - 1);
  return c;
}
std::vector<double> narrow(const std::vector<long double>& v, std::size_t count) {
  return {v.begin(), v.begin() + static_cast<std::ptrdiff_t>(count)};
}

TEST(PCA, AgreesWithJacobiOnTheCovariance) {
  const std::int64_t p = 7;
  for (const std::int64_t n : {9, 257, 5003})
    for (const char* solver : {"covariance_eigh", "full", "randomized"})
      for (const std::int64_t k : {1, 3, 7}) {
        const auto text = fmt::format("{} of {} rows, {} components", solver, n, k);
        const Array x = correlated(n, p);
        const Spectrum want(covariance(numbers(x), p), p);
        auto e = pca(solver, k);
        e.fit(x);
        expect_numbers(numbers(e.explained_variance_), narrow(want.values, z(k)), 1e-10, text);
        expect_numbers(numbers(e.components_), narrow(want.vectors, z(k * p)), 1e-8, text);
        const long double total = std::accumulate(want.values.begin(), want.values.end(), 0.0L);
        std::vector<double> ratio, singular;
        for (std::int64_t i = 0; i < k; ++i) {
          ratio.push_back(static_cast<double>(want.values[z(i)] / total));
          singular.push_back(
              static_cast<double>(std::sqrt(want.values[z(i)] * static_cast<long double>(n - 1))));
        }
        expect_numbers(numbers(e.explained_variance_ratio_), ratio, 1e-12, text);
        expect_numbers(numbers(e.singular_values_), singular, 1e-9, text);
        long double rest = 0;
        for (std::int64_t i = k; i < p; ++i)
          rest += want.values[z(i)] / static_cast<long double>(p - k);
        EXPECT_NEAR(e.noise_variance_, static_cast<double>(k < p ? rest : 0), 1e-10) << text;
      }
}

void expect_orthonormal(const Array& components, double tolerance, const std::string& text) {
  const auto c = numbers(components);
  const std::int64_t k = components.rows();
  const std::int64_t p = components.cols();
  for (std::int64_t a = 0; a < k; ++a)
    for (std::int64_t b = 0; b < k; ++b) {
      double dot = 0;
      for (std::int64_t j = 0; j < p; ++j) dot += c[z(a * p + j)] * c[z(b * p + j)];
      EXPECT_NEAR(dot, a == b, tolerance) << text << ", components " << a << " and " << b;
    }
  for (std::int64_t a = 0; a < k; ++a) {
    double largest = 0;
    for (std::int64_t j = 0; j < p; ++j)
      if (std::abs(c[z(a * p + j)]) > std::abs(largest)) largest = c[z(a * p + j)];
    EXPECT_GT(largest, 0) << text << ", component " << a;
  }
}

TEST(PCA, ComponentsAreOrthonormalWithAPositiveLargestEntry) {
  for (const char* solver : solvers)
    for (const auto& [n, p] :
         std::vector<std::pair<std::int64_t, std::int64_t>>{{300, 12}, {6, 12}, {12, 12}}) {
      if (n < p && std::string_view(solver) == "covariance_eigh") continue;
      const auto text = fmt::format("{} of {} x {}", solver, n, p);
      auto e = pca(solver, 4);
      e.fit(correlated(n, p));
      expect_orthonormal(e.components_, 1e-12, text);
      const auto variance = numbers(e.explained_variance_);
      EXPECT_TRUE(std::is_sorted(variance.rbegin(), variance.rend())) << text;
    }
}

// Three strong directions in 40 columns: the randomized solver finds the same ones.
TEST(PCA, RandomizedAgreesWithFull) {
  const std::int64_t p = 40;
  const Array x = test::make<double>({700, p}, [&](std::int64_t i) {
    const std::int64_t row = i / p;
    const std::int64_t j = i % p;
    double v = 0.01 * test::unit(i, 1);
    for (std::int64_t k = 0; k < 3; ++k)
      v += (test::unit(row * 3 + k, 2) - 0.5) * std::pow(4.0, double(3 - k)) *
           (test::unit(j * 3 + k, 3) - 0.5);
    return v;
  });
  auto full = pca("full", 3);
  full.fit(x);
  for (const std::int64_t seed : {0, 1, 2}) {
    auto e = pca("randomized", 3);
    e.params.random_state = seed;
    e.fit(x);
    expect_numbers(numbers(e.explained_variance_), numbers(full.explained_variance_), 1e-10);
    expect_numbers(numbers(e.components_), numbers(full.components_), 1e-9);
    EXPECT_NEAR(e.noise_variance_, full.noise_variance_, 1e-12);
  }
  auto coarse = pca("randomized", 3);
  coarse.params.iterated_power = 0;
  coarse.params.n_oversamples = 1;
  coarse.fit(x);
  EXPECT_NEAR(numbers(coarse.explained_variance_)[0], numbers(full.explained_variance_)[0],
              0.01 * numbers(full.explained_variance_)[0]);
}

TEST(PCA, InverseOfTransformIsTheData) {
  for (const char* solver : solvers)
    for (const bool whiten : {false, true})
      for (const std::int64_t n : {6, 300}) {
        const Array x = correlated(n, 5);
        auto e = pca(solver, {}, whiten);
        const Array t = e.fit_transform(x);
        test::expect_near<double>(
            e.inverse_transform(t), [](std::int64_t i) { return correlated_at(i, 5); }, 1e-10);
        if (!whiten) continue;
        const auto c = covariance(numbers(t), 5);
        for (std::int64_t a = 0; a < 5; ++a)
          for (std::int64_t b = 0; b < 5; ++b)
            EXPECT_NEAR(static_cast<double>(c[z(a * 5 + b)]), a == b, 1e-9)
                << solver << ", " << n << " rows";
      }
}

/// The mean log-density of the rows under a normal distribution, with the covariance inverted by
/// elimination.
double log_likelihood(const std::vector<double>& x, const std::vector<double>& mean,
                      std::vector<long double> c, std::int64_t p) {
  std::vector<long double> inverse(z(p * p));
  for (std::int64_t i = 0; i < p; ++i) inverse[z(i * p + i)] = 1;
  long double log_det = 0;
  for (std::int64_t k = 0; k < p; ++k) {
    const long double pivot = c[z(k * p + k)];
    log_det += std::log(pivot);
    for (std::int64_t j = 0; j < p; ++j) c[z(k * p + j)] /= pivot, inverse[z(k * p + j)] /= pivot;
    for (std::int64_t i = 0; i < p; ++i) {
      if (i == k) continue;
      const long double f = c[z(i * p + k)];
      for (std::int64_t j = 0; j < p; ++j) {
        c[z(i * p + j)] -= f * c[z(k * p + j)];
        inverse[z(i * p + j)] -= f * inverse[z(k * p + j)];
      }
    }
  }
  const auto n = static_cast<std::int64_t>(x.size()) / p;
  long double quadratic = 0;
  for (std::int64_t i = 0; i < n; ++i)
    for (std::int64_t a = 0; a < p; ++a)
      for (std::int64_t b = 0; b < p; ++b)
        quadratic +=
            (x[z(i * p + a)] - mean[z(a)]) * inverse[z(a * p + b)] * (x[z(i * p + b)] - mean[z(b)]);
  return static_cast<double>(-0.5L * (quadratic / static_cast<long double>(n) + log_det +
                                      static_cast<long double>(p) * std::log(2 * M_PIl)));
}

TEST(PCA, ScoreIsTheMeanLogLikelihood) {
  const std::int64_t p = 5;
  const Array x = correlated(500, p);
  const Array other =
      test::make<double>({100, p}, [](std::int64_t i) { return correlated_at(i + 5000, 5) + 0.3; });
  for (const char* solver : solvers)
    for (const std::int64_t k : {1, 3, 5}) {
      auto e = pca(solver, k);
      e.fit(x);
      const auto components = numbers(e.components_);
      const auto variance = numbers(e.explained_variance_);
      std::vector<long double> c(z(p * p));
      for (std::int64_t a = 0; a < p; ++a) {
        c[z(a * p + a)] = e.noise_variance_;
        for (std::int64_t b = 0; b < p; ++b)
          for (std::int64_t t = 0; t < k; ++t)
            c[z(a * p + b)] += static_cast<long double>(variance[z(t)] - e.noise_variance_) *
                               components[z(t * p + a)] * components[z(t * p + b)];
      }
      for (const Array& data : {x, other})
        EXPECT_NEAR(e.score(data), log_likelihood(numbers(data), numbers(e.mean_), c, p), 1e-10)
            << solver << ", " << k << " components";
    }
}

TEST(PCA, ScoreSamplesAndCovarianceAreTheModelsOfTheScore) {
  const std::int64_t p = 5;
  const Array x = correlated(500, p);
  for (const DType dtype : {DType::float64, DType::float32})
    for (const bool whiten : {false, true})
      for (const std::int64_t k : {0, 1, 3, 5}) {
        auto e = pca("full", k, whiten);
        const Array data = x.astype(dtype);
        e.fit(data);
        const double tolerance = dtype == DType::float64 ? 1e-10 : 2e-3;
        const Array samples = e.score_samples(data);
        EXPECT_EQ(samples.shape(), Shape{500});
        EXPECT_EQ(samples.dtype(), dtype);
        const auto each = numbers(samples);
        EXPECT_NEAR(std::accumulate(each.begin(), each.end(), 0.0) / 500, e.score(data), tolerance);
        const auto c = numbers(e.get_covariance());
        const auto inverse = numbers(e.get_precision());
        for (std::int64_t i = 0; i < p; ++i)
          for (std::int64_t j = 0; j < p; ++j) {
            double sum = 0.0;
            for (std::int64_t l = 0; l < p; ++l) sum += c[z(i * p + l)] * inverse[z(l * p + j)];
            EXPECT_NEAR(sum, i == j, tolerance) << k << " components, " << i << ", " << j;
          }
      }
}

// The share of each component is NaN, and one is kept.
TEST(PCA, AShareOfNoVariance) {
  for (const char* solver : {"covariance_eigh", "full"}) {
    auto e = pca(solver, 0.5);
    e.fit(full({50, 3}, 2.0));
    EXPECT_EQ(e.n_components_, 1) << solver;
    EXPECT_EQ(numbers(e.explained_variance_), std::vector<double>{0}) << solver;
    EXPECT_TRUE(std::isnan(numbers(e.explained_variance_ratio_)[0])) << solver;
  }
}

TEST(PCA, ScoreNeedsNoise) {
  const Array x =
      test::make<double>({50, 3}, [](std::int64_t i) { return i % 3 == 0 ? test::unit(i) : 1.0; });
  auto e = pca("full", 1);
  e.fit(x);
  EXPECT_EQ(e.noise_variance_, 0);
  test::expect_error<LinAlgError>(
      [&] { e.score(x); },
      "PCA.score needs noise_variance_ > 0 when there are fewer components than features, got 0 "
      "for "
      "1 components of 3 features: keep fewer than min(n_samples - 1, n_features) components, so "
      "that some variance is left");
  // All components of wide data, the default; and all but one, which has no variance.
  const Array few = test::make<double>({8, 20});
  for (const std::int64_t components : {8, 7}) {
    auto wide = pca("full", components);
    wide.fit(few);
    EXPECT_THROW(wide.score(few), LinAlgError) << components;
  }
  auto wide = pca("full", 6);
  wide.fit(few);
  EXPECT_TRUE(std::isfinite(wide.score(few)));
  for (const auto& [method, call] : std::vector<std::pair<std::string, std::function<void()>>>{
           {"score_samples", [&] { e.score_samples(x); }},
           {"get_precision", [&] { e.get_precision(); }}}) {
    try {
      call();
      FAIL() << method;
    } catch (const LinAlgError& error) {
      EXPECT_TRUE(
          std::string(error.what()).starts_with("PCA." + method + " needs noise_variance_ > 0"));
    }
  }
  EXPECT_EQ(e.get_covariance().shape(), (Shape{3, 3}));
}

TEST(PCA, ScoreNeedsARegularCovariance) {
  const Array x =
      test::make<double>({50, 2}, [](std::int64_t i) { return i % 2 == 0 ? test::unit(i) : 1.0; });
  auto e = pca("full");
  e.fit(x);
  test::expect_error<LinAlgError>(
      [&] { e.score(x); },
      "PCA.score needs a regular covariance, but there are components without variance");
}

TEST(PCA, AnyNumberOfOversamples) {
  auto some = pca("randomized", 1);
  some.params.n_oversamples = 2;
  some.fit(cube());
  auto most = pca("randomized", 1);
  most.params.n_oversamples = std::numeric_limits<std::int64_t>::max();
  most.fit(cube());
  EXPECT_EQ(numbers(most.components_), numbers(some.components_));
}

TEST(PCA, AConstantColumnTakesNoPart) {
  for (const char* solver : solvers) {
    const Array x = test::make<double>({400, 3}, [](std::int64_t i) {
      return i % 3 == 1 ? 7.3 : test::unit(i) * double(1 + i % 3);
    });
    auto e = pca(solver, 2);
    e.fit(x);
    const auto c = numbers(e.components_);
    EXPECT_NEAR(c[1], 0, 1e-12) << solver;
    EXPECT_NEAR(c[4], 0, 1e-12) << solver;
    EXPECT_NEAR(numbers(e.mean_)[1], 7.3, 1e-14);
    auto all = pca(solver);
    all.fit(x);
    EXPECT_NEAR(numbers(all.explained_variance_)[2], 0, 1e-12) << solver;
    expect_orthonormal(all.components_, 1e-12, solver);
  }
}

TEST(PCA, OneRow) {
  for (const char* solver : {"covariance_eigh", "full"}) {
    auto e = pca(solver, 1);
    e.fit(array_of({1, 2, 3}, {1, 3}));
    expect_numbers(numbers(e.mean_), {1, 2, 3}, 0);
    EXPECT_EQ(numbers(e.singular_values_), std::vector<double>{0});
    EXPECT_TRUE(std::isnan(numbers(e.explained_variance_)[0])) << "0 / 0, as in scikit-learn";
    expect_numbers(numbers(e.transform(array_of({1, 2, 3}, {1, 3}))), {0}, 1e-15);
  }
}

TEST(PCA, NoneKeepsAll) {
  auto tall = pca("auto");
  tall.fit(correlated(300, 4));
  EXPECT_EQ(tall.n_components_, 4);
  auto wide = pca("auto");
  wide.fit(correlated(4, 30));
  EXPECT_EQ(wide.n_components_, 4);
  EXPECT_EQ(wide.components_.shape(), (Shape{4, 30}));
  EXPECT_NEAR(numbers(wide.explained_variance_)[3], 0, 1e-10)
      << "four centred rows span three directions";
}

TEST(PCA, Float32KeepsItsPrecisionFarFromZero) {
  const auto value = [](std::int64_t i) { return 1000 + (test::unit(i) - 0.5) * (i % 2 ? 1 : 4); };
  const Array x =
      test::make<float>({5003, 2}, [&](std::int64_t i) { return static_cast<float>(value(i)); });
  const auto want = Spectrum(covariance(numbers(x), 2), 2);
  for (const char* solver : solvers) {
    auto e = pca(solver);
    e.fit(x);
    expect_numbers(numbers(e.explained_variance_), narrow(want.values, 2), 2e-6, solver);
  }
}

}  // namespace
}  // namespace tessera
