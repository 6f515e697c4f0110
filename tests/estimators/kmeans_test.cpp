#include <tessera/estimators/cluster/kmeans.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include <tessera/estimators/cluster/kmeans_init.hpp>

#include "estimators/estimator_cases.hpp"

namespace tessera {
namespace {

using test::array_of;
using test::expect_numbers;
using test::numbers;
using test::z;

Communicator world() { return Communicator::world(); }

KMeans kmeans(std::int64_t k, Value init = "k-means++", std::int64_t seed = 0) {
  KMeansParams p;
  p.n_clusters = k;
  p.init = std::move(init);
  p.random_state = seed;
  return KMeans(p);
}

const std::vector<const char*> inits = {"k-means++", "random", "k-means||"};

/// `clusters` well separated groups of points in the plane.
double blob(std::int64_t i, std::int64_t clusters) {
  const std::int64_t group = i / 2 % clusters;
  return 10.0 * double(i % 2 ? group : (group * group) % clusters) + test::unit(i, 7);
}
Array blobs(std::int64_t n, std::int64_t clusters) {
  return test::make<double>({n, 2}, [=](std::int64_t i) { return blob(i, clusters); });
}
Array noise(std::int64_t n, std::int64_t d) {
  return test::make<double>({n, d}, [](std::int64_t i) { return test::unit(i, 5) * 10; });
}

TEST(KMeans, ByHand) {
  const Array x = array_of({0, 1, 9, 10}, {4, 1});
  auto e = kmeans(2, array_of({0, 1}, {2, 1}));
  e.fit(x);
  // From centres 0 and 1: {0}, {1, 9, 10} -> 0, 20/3: {0, 1}, {9, 10} -> 1/2, 19/2: the same
  // labels.
  expect_numbers(numbers(e.cluster_centers_), {0.5, 9.5}, 1e-15);
  expect_numbers(numbers(e.labels_), {0, 0, 1, 1}, 0);
  EXPECT_EQ(e.inertia_, 1);
  EXPECT_EQ(e.n_iter_, 3);
  expect_numbers(numbers(e.predict(array_of({-3, 4.9, 5.1, 5}, {4, 1}))), {0, 0, 1, 0}, 0);
  expect_numbers(numbers(e.transform(array_of({0.5, 5.5}, {2, 1}))), {0, 9, 5, 4}, 0);
  EXPECT_EQ(e.score(x), -1);
  EXPECT_EQ(e.score(x, {}, array_of({2, 0, 0, 4}, {4})), -1.5);
  EXPECT_TRUE(e.labels_.distribution() == x.distribution());
}

/// Lloyd's algorithm with scikit-learn's rules, serially.
struct Lloyd {
  std::vector<double> centers;
  std::vector<double> labels;
  double inertia = 0;
  std::int64_t iterations = 0;

  Lloyd(const std::vector<double>& x, std::vector<double> first, std::int64_t d,
        const std::vector<double>& w, std::int64_t max_iter, double tol)
      : centers(std::move(first)) {
    const auto n = static_cast<std::int64_t>(x.size()) / d;
    const auto k = static_cast<std::int64_t>(centers.size()) / d;
    double variance = 0;
    for (std::int64_t j = 0; j < d; ++j) {
      double mean = 0, squares = 0;
      for (std::int64_t i = 0; i < n; ++i) mean += x[z(i * d + j)] / double(n);
      for (std::int64_t i = 0; i < n; ++i)
        squares += (x[z(i * d + j)] - mean) * (x[z(i * d + j)] - mean);
      variance += squares / double(n) / double(d);
    }
    std::vector<double> distance(z(n));
    labels.assign(z(n), -1);
    const auto assign = [&] {
      bool same = true;
      inertia = 0;
      for (std::int64_t i = 0; i < n; ++i) {
        std::int64_t best = 0;
        for (std::int64_t c = 0; c < k; ++c) {
          double s = 0;
          for (std::int64_t j = 0; j < d; ++j)
            s += (x[z(i * d + j)] - centers[z(c * d + j)]) *
                 (x[z(i * d + j)] - centers[z(c * d + j)]);
          if (c == 0 || s < distance[z(i)]) distance[z(i)] = s, best = c;
        }
        same = same && labels[z(i)] == double(best);
        labels[z(i)] = double(best);
        inertia += distance[z(i)] * (w.empty() ? 1 : w[z(i)]);
      }
      return same;
    };
    bool strict = false;
    while (iterations < max_iter && !strict) {
      strict = assign();
      ++iterations;
      std::vector<double> sums(z(k * d)), counts(z(k));
      for (std::int64_t i = 0; i < n; ++i) {
        const auto c = static_cast<std::int64_t>(labels[z(i)]);
        const double weight = w.empty() ? 1 : w[z(i)];
        counts[z(c)] += weight;
        for (std::int64_t j = 0; j < d; ++j) sums[z(c * d + j)] += weight * x[z(i * d + j)];
      }
      for (std::int64_t c = 0; c < k; ++c) {  // the farthest rows go to the clusters that have none
        if (counts[z(c)] > 0) continue;
        const auto far = std::max_element(distance.begin(), distance.end()) - distance.begin();
        if (distance[z(far)] == 0) break;
        const auto from = static_cast<std::int64_t>(labels[z(far)]);
        const double weight = w.empty() ? 1 : w[z(far)];
        counts[z(from)] -= weight;
        counts[z(c)] = weight;
        for (std::int64_t j = 0; j < d; ++j) {
          sums[z(from * d + j)] -= weight * x[z(far * d + j)];
          sums[z(c * d + j)] = weight * x[z(far * d + j)];
        }
        distance[z(far)] = -1;
      }
      double moved = 0;
      for (std::int64_t c = 0; c < k; ++c)
        for (std::int64_t j = 0; j < d; ++j) {
          const double next = sums[z(c * d + j)] / counts[z(c)];
          moved += (next - centers[z(c * d + j)]) * (next - centers[z(c * d + j)]);
          centers[z(c * d + j)] = next;
        }
      if (!strict && moved <= tol * variance) break;
    }
    if (!strict) assign();
  }
};

TEST(KMeans, AgreesWithSerialLloyd) {
  for (const auto& [n, d, k] : std::vector<std::array<std::int64_t, 3>>{
           {7, 2, 3}, {256, 3, 8}, {1031, 5, 9}, {5003, 2, 4}, {300, 1, 17}})
    for (const bool weighted : {false, true})
      for (const double tol : {0.0, 1e-4, 0.01, 1e9})
        for (const std::int64_t max_iter : {1, 2, 300}) {
          if (max_iter != 300 && tol != 1e-4) continue;
          const auto text = fmt::format("{} x {}, {} clusters, weights {}, tol {}, max_iter {}", n,
                                        d, k, weighted, tol, max_iter);
          const Array x = noise(n, d);
          const Array w =
              weighted ? test::make<double>({n}, [](std::int64_t i) { return double(1 + i % 3); })
                       : Array{};
          const auto all = numbers(x);
          const std::vector<double> first(all.begin(), all.begin() + k * d);
          const Lloyd want(all, first, d, weighted ? numbers(w) : std::vector<double>{}, max_iter,
                           tol);
          auto e = kmeans(k, replicated(first, {k, d}, world()));
          e.params.tol = tol;
          e.params.max_iter = max_iter;
          e.fit(x, {}, w);
          EXPECT_EQ(e.n_iter_, want.iterations) << text;
          expect_numbers(numbers(e.labels_), want.labels, 0, text);
          expect_numbers(numbers(e.cluster_centers_), want.centers, 1e-11, text);
          EXPECT_NEAR(e.inertia_, want.inertia, 1e-11 * want.inertia) << text;
        }
}

TEST(KMeans, EmptyClustersGetTheFarthestRows) {
  // All rows are nearest to 1, so 100 gets the farthest, 10: 1 and 10, and then nothing moves.
  auto e = kmeans(2, array_of({1, 100}, {2, 1}));
  e.fit(array_of({0, 1, 2, 10}, {4, 1}));
  expect_numbers(numbers(e.cluster_centers_), {1, 10}, 1e-15);
  expect_numbers(numbers(e.labels_), {0, 0, 0, 1}, 0);
  EXPECT_EQ(e.n_iter_, 2);
  EXPECT_NEAR(e.inertia_, 2, 1e-14);
  // Two empty clusters: the farthest row goes to the first of them.
  auto two = kmeans(3, array_of({1, 100, 200}, {3, 1}));
  two.params.max_iter = 1;
  two.fit(array_of({0, 1, 2, 10, 20}, {5, 1}));
  expect_numbers(numbers(two.cluster_centers_), {1, 20, 10}, 1e-14);
  // With its weight: {0, 1, 2 (weight 2), 10 (weight 5)} -> 5/4 and 10.
  auto weighted = kmeans(2, array_of({1, 100}, {2, 1}));
  weighted.fit(array_of({0, 1, 2, 10}, {4, 1}), {}, array_of({1, 1, 2, 5}, {4}));
  expect_numbers(numbers(weighted.cluster_centers_), {1.25, 10}, 1e-14);
}

TEST(KMeans, EmptyClustersOverManyLeaves) {
  const Array x = noise(2000, 2);
  const auto all = numbers(x);
  const std::vector<double> first = {5, 5, 1000, 1000, 5, 6, -1000, 0};
  const Lloyd want(all, first, 2, {}, 300, 1e-4);
  auto e = kmeans(4, replicated(first, {4, 2}, world()));
  e.fit(x);
  EXPECT_EQ(e.n_iter_, want.iterations);
  expect_numbers(numbers(e.labels_), want.labels, 0);
}

TEST(KMeans, TiesGoToTheFirstCentre) {
  auto e = kmeans(2, array_of({-1, 1}, {2, 1}));
  e.params.max_iter = 1;
  e.fit(array_of({0, -1, 1}, {3, 1}));
  expect_numbers(numbers(e.cluster_centers_), {-0.5, 1}, 1e-15);
}

TEST(KMeans, OneCluster) {
  const Array x = noise(1031, 3);
  for (const char* init : inits) {
    auto e = kmeans(1, init);
    e.fit(x);
    const auto all = numbers(x);
    std::vector<double> mean(3);
    for (std::size_t i = 0; i < all.size(); ++i) mean[i % 3] += all[i] / 1031;
    double inertia = 0;
    for (std::size_t i = 0; i < all.size(); ++i)
      inertia += (all[i] - mean[i % 3]) * (all[i] - mean[i % 3]);
    expect_numbers(numbers(e.cluster_centers_), mean, 1e-12, init);
    EXPECT_NEAR(e.inertia_, inertia, 1e-11 * inertia) << init;
    EXPECT_EQ(e.n_iter_, 2) << init;
  }
}

TEST(KMeans, AsManyClustersAsRows) {
  const Array x = noise(40, 3);
  for (const char* init : inits) {
    auto e = kmeans(40, init);
    e.fit(x);
    EXPECT_NEAR(e.inertia_, 0, 1e-20) << init;
    const auto labels = numbers(e.labels_);
    EXPECT_EQ(std::set<double>(labels.begin(), labels.end()).size(), 40u) << init;
  }
}

TEST(KMeans, FindsSeparatedGroups) {
  for (const char* init : {"k-means++", "k-means||"})
    for (const std::int64_t seed : {0, 1, 2}) {
      auto e = kmeans(5, init, seed);
      e.params.n_init = 3;
      const Array labels = e.fit_predict(blobs(2000, 5));
      const auto l = numbers(labels);
      for (std::int64_t i = 0; i < 2000; ++i)
        ASSERT_EQ(l[z(i)], l[z(i % 5)]) << init << ", seed " << seed;
      EXPECT_EQ(std::set<double>(l.begin(), l.end()).size(), 5u);
      test::expect_same<std::int32_t>(labels, e.labels_);
      test::expect_same<std::int32_t>(e.predict(blobs(2000, 5)), e.labels_);
      EXPECT_NEAR(e.score(blobs(2000, 5)), -e.inertia_, 1e-11 * e.inertia_);
    }
}

TEST(KMeans, WeightTwoIsTheRowTwice) {
  const Array x = noise(600, 2);
  const Array twice =
      test::make<double>({1200, 2}, [](std::int64_t i) { return test::unit(i % 1200, 5) * 10; });
  const Array first = array_of({1, 1, 5, 5, 9, 2}, {3, 2});
  auto a = kmeans(3, first);
  auto b = kmeans(3, first);
  a.fit(x, {}, full({600}, 2.0));
  b.fit(twice);
  expect_numbers(numbers(a.cluster_centers_), numbers(b.cluster_centers_), 1e-12);
  EXPECT_NEAR(a.inertia_, b.inertia_, 1e-10);
  EXPECT_EQ(a.n_iter_, b.n_iter_);
}

TEST(KMeans, WeightZeroIsNoRow) {
  const Array w = test::make<double>({600}, [](std::int64_t i) { return i < 300 ? 1.0 : 0.0; });
  const Array x =
      test::make<double>({600, 1}, [](std::int64_t i) { return i < 300 ? test::unit(i) : 1000.0; });
  for (const char* init : inits) {
    auto e = kmeans(3, init);
    e.fit(x, {}, w);
    for (const double c : numbers(e.cluster_centers_)) EXPECT_LE(c, 1) << init;
  }
}

// Two different rows and three clusters: a warning, and every row has distance 0.
TEST(KMeans, FewerDistinctRowsThanClusters) {
  for (const char* init : inits) {
    const Array x =
        test::make<double>({700, 2}, [](std::int64_t i) { return i / 2 % 2 ? 5.0 : -1.0; });
    auto e = kmeans(3, init);
    if (world().rank() == 0) testing::internal::CaptureStderr();
    e.fit(x);
    const std::string said = world().rank() == 0 ? testing::internal::GetCapturedStderr() : "";
    if (world().rank() == 0 && init == inits[0]) {  // a text is said once
      EXPECT_NE(said.find("ConvergenceWarning: Number of distinct clusters (2) found smaller than "
                          "n_clusters (3). Possibly due to duplicate points in X"),
                std::string::npos)
          << said;
    }
    EXPECT_EQ(e.inertia_, 0) << init;
    for (const double c : numbers(e.cluster_centers_))
      EXPECT_TRUE(c == 5 || c == -1) << init << ": " << c;
    const auto labels = numbers(e.labels_);
    EXPECT_EQ(std::set<double>(labels.begin(), labels.end()).size(), 2u) << init;
  }
}

TEST(KMeans, SeedsDecide) {
  const Array x = noise(1031, 3);
  for (const char* init : inits) {
    const auto centers = [&](std::int64_t seed) {
      auto e = kmeans(6, init, seed);
      e.params.n_init = 1;
      e.params.max_iter = 1;
      e.fit(x);
      return numbers(e.cluster_centers_);
    };
    EXPECT_EQ(centers(3), centers(3)) << init;
    EXPECT_NE(centers(3), centers(4)) << init;
    auto unseeded = kmeans(6, init);
    unseeded.params.random_state.reset();
    unseeded.params.max_iter = 1;
    unseeded.params.n_init = 1;
    unseeded.fit(x);
    EXPECT_EQ(numbers(unseeded.cluster_centers_), centers(0)) << "None is 0";
  }
}

TEST(KMeans, TheBestOfSeveralRunsIsKept) {
  const Array x = noise(500, 2);
  for (const char* init : inits) {
    const auto inertia = [&](Value runs) {
      auto e = kmeans(9, init);
      e.params.n_init = std::move(runs);
      e.fit(x);
      return e.inertia_;
    };
    EXPECT_LE(inertia(10), inertia(1)) << init;
    EXPECT_EQ(inertia("auto"), inertia(init == std::string("random") ? 10 : 1)) << init;
  }
  EXPECT_LT(
      [&] {
        auto e = kmeans(9, "random");
        e.fit(x);
        return e.inertia_;
      }(),
      [&] {
        auto e = kmeans(9, "random");
        e.params.n_init = 1;
        e.fit(x);
        return e.inertia_;
      }())
      << "ten runs from random rows find something better than the first";
}

using Rows2 = std::vector<std::vector<double>>;
Rows2 rows_of(const Array& a) {
  const auto all = numbers(a);
  Rows2 rows;
  for (std::int64_t i = 0; i < a.rows(); ++i)
    rows.emplace_back(all.begin() + i * a.cols(), all.begin() + (i + 1) * a.cols());
  return rows;
}

Array first_centers(const char* init, const Array& x, std::int64_t k, std::uint32_t seed,
                    const Array& weights = {}) {
  RandomState random(seed);
  return detail::initial_centers(init, x, k, weights, random);
}

TEST(KMeansInit, PicksDifferentRowsOfX) {
  for (const auto& [n, k] : std::vector<std::pair<std::int64_t, std::int64_t>>{
           {1, 1}, {3, 3}, {5, 2}, {700, 20}, {300, 300}})
    for (const char* init : inits)
      for (const std::uint32_t seed : {0, 1, 2}) {
        const Array x = noise(n, 2);
        const auto centers = rows_of(first_centers(init, x, k, seed));
        const auto all = rows_of(x);
        const std::set<std::vector<double>> known(all.begin(), all.end());
        const auto text = fmt::format("{} of {} rows, {} centres, seed {}", init, n, k, seed);
        ASSERT_EQ(centers.size(), z(k)) << text;
        for (const auto& c : centers) EXPECT_TRUE(known.count(c)) << text;
        EXPECT_EQ(std::set<std::vector<double>>(centers.begin(), centers.end()).size(), z(k))
            << text;
      }
}

// Few values, each many times: a row at distance 0 from a centre has no chance.
TEST(KMeansInit, PlusPlusNeverTakesAValueTwice) {
  const Array x = test::make<double>(
      {900, 1}, [](std::int64_t i) { return double(i * i % 7) * 3; });  // 0, 1, 2, 4
  for (const char* init : {"k-means++", "k-means||"})
    for (const std::uint32_t seed : {0, 1, 2, 3, 4}) {
      const auto centers = numbers(first_centers(init, x, 4, seed));
      EXPECT_EQ(std::set<double>(centers.begin(), centers.end()), (std::set<double>{0, 3, 6, 12}))
          << init;
    }
}

TEST(KMeansInit, RunsDiffer) {
  const Array x = noise(700, 2);
  for (const char* init : inits) {
    RandomState random(0);
    const Array first = detail::initial_centers(init, x, 5, {}, random);
    EXPECT_NE(numbers(first), numbers(detail::initial_centers(init, x, 5, {}, random))) << init;
  }
}

// A row of weight 10^6 among rows of weight 1 is the first centre nearly always.
TEST(KMeansInit, FollowsTheWeights) {
  const Array x = noise(700, 2);
  const auto heavy = rows_of(x)[432];
  const Array w = test::make<double>({700}, [](std::int64_t i) { return i == 432 ? 1e6 : 1.0; });
  for (const char* init : inits) {
    int taken = 0;
    for (std::uint32_t seed = 0; seed < 20; ++seed)
      taken += rows_of(first_centers(init, x, 1, seed, w))[0] == heavy;
    EXPECT_GE(taken, 19) << init;
  }
}

// By hand: NumPy's RandomState(0).random_sample() begins 0.5488, 0.7152, 0.6028, 0.5449, 0.4237, so
// that choice(8) is row 4; then shares of the squared distances to it choose.
TEST(KMeansInit, DrawsAsNumPyDoes) {
  const Array x = array_of({0, 1, 2, 3, 4, 5, 6, 7}, {8, 1});
  // Squares 16 9 4 1 0 1 4 9 cumulate to 16 25 29 30 30 31 35 44: 31.5 is row 6, and 26.5 row 2.
  // With 6 there, 16 9 4 1 0 1 0 1 are left, with 2 only 4 1 0 1 0 1 4 9.
  EXPECT_EQ(numbers(first_centers("k-means++", x, 2, 0)), (std::vector<double>{4, 2}));
  // random: rows 4, 5, 4, where 4 is there already; then 0.5449 of the six others: 3.
  EXPECT_EQ(numbers(first_centers("random", x, 3, 0)), (std::vector<double>{4, 5, 3}));
  const Array w = array_of({0, 0, 0, 0, 1, 0, 0, 3}, {8});
  EXPECT_EQ(numbers(first_centers("random", x, 2, 0, w)), (std::vector<double>{7, 4}));
  test::expect_error<ValueError>([&] { first_centers("random", x, 3, 0, w); },
                                 "init='random' needs 3 rows with a weight above 0, there are 2");
}

TEST(KMeansInit, RandomTakesAllRowsInTheEnd) {
  for (const std::int64_t n : {1, 7, 300}) {
    auto all = numbers(first_centers(
        "random", test::make<double>({n, 1}, [](std::int64_t i) { return double(i); }), n, 5));
    std::sort(all.begin(), all.end());
    for (std::int64_t i = 0; i < n; ++i) EXPECT_EQ(all[z(i)], double(i));
  }
}

TEST(KMeansInit, KeepsTheGreatestRowsInOrder) {
  detail::TopRows top{3, {}};
  for (const auto& [value, row] :
       std::vector<std::pair<double, std::int64_t>>{{1, 4}, {5, 9}, {5, 2}, {0, 1}, {7, 7}, {5, 3}})
    top.offer({value, row, 0});
  ASSERT_EQ(top.entries.size(), 3u);
  EXPECT_EQ(top.entries[0].row, 7);
  EXPECT_EQ(top.entries[1].row, 2) << "ties by the lower row";
  EXPECT_EQ(top.entries[2].row, 3);
  detail::TopRows right{3, {}};
  right.offer({6, 20, 0});
  top.merge(right);
  EXPECT_EQ(top.entries[1].row, 20);
  EXPECT_EQ(top.entries.size(), 3u);
  detail::TopRows none{0, {}};
  none.offer({1, 1, 0});
  EXPECT_TRUE(none.entries.empty());
}

}  // namespace
}  // namespace tessera
