// Any number of processes and threads, in memory or streamed: the bits of one process.
#include <gtest/gtest.h>

#include "estimators/configurations.hpp"

namespace tessera {
namespace {

using test::configurations;
using test::Data;

template <class T>
struct SameBits : testing::Test {};
using Types = testing::Types<float, double, std::int32_t>;
TYPED_TEST_SUITE(SameBits, Types);

TYPED_TEST(SameBits, AsOneProcess) {
  const std::vector<std::pair<std::int64_t, std::int64_t>> shapes = {
      {1, 3}, {3, 4}, {7, 12}, {256, 4}, {257, 4}, {1031, 3}, {5003, 4}};
  const bool all = Communicator::world().size() <= 4 || std::is_same_v<TypeParam, double>;
  for (const auto& [n, p] : shapes)
    for (const auto& c : configurations) {
      if (!all && n != 7 && n != 1031) continue;
      const auto shared = Data::of<TypeParam>(n, p, c.targets, Communicator::world());
      const auto alone = Data::of<TypeParam>(n, p, c.targets, Communicator::self());
      const auto run = [&](const Rows& x, const Data& d) {
        return test::fit_and_use(*c.make(n, p), x, d.y, c.weighted ? d.weights : Array{});
      };
      const auto want = run(alone.x, alone);
      const auto text = fmt::format("{} on {} x {}", c.name, n, p);
      test::expect_same_bits(run(shared.x, shared), want, text);
      if (n != 7 && n != 1031) continue;
      test::expect_same_bits(run(test::streamed(shared.x), shared), want, text + ", streamed");
      for (const int threads : {2, 3}) {
        const test::Threads set(threads);
        test::expect_same_bits(run(shared.x, shared), want,
                               fmt::format("{}, {} threads", text, threads));
      }
    }
}

// Every process holds all rows: the same answer as when they are split.
TEST(SameBitsReplicated, AsSplit) {
  for (const auto& c : configurations) {
    const auto d = Data::of<double>(1031, 4, c.targets, Communicator::world());
    const Array w = c.weighted ? d.weights : Array{};
    test::expect_same_bits(
        test::fit_and_use(*c.make(1031, 4), gather(d.x), d.y ? gather(d.y) : d.y, w),
        test::fit_and_use(*c.make(1031, 4), d.x, d.y, w), c.name);
  }
}

// Negative control: other bits are seen when there are any.
TEST(SameBitsControl, ATinyChangeOfTheDataShows) {
  for (const auto& c : configurations) {
    auto d = Data::of<double>(1031, 4, c.targets, Communicator::world());
    const Array w = c.weighted ? d.weights : Array{};
    const auto before = test::fit_and_use(*c.make(1031, 4), d.x, d.y, w);
    test::for_each_element<double>(d.x, [](std::int64_t i, double* v) {
      if (i == 4 * 700) *v *= 1 + 1e-11;
    });
    EXPECT_TRUE(test::fit_and_use(*c.make(1031, 4), d.x, d.y, w) != before) << c.name;
  }
}

TYPED_TEST(SameBits, DtypeInIsDtypeOut) {
  const DType want = std::is_same_v<TypeParam, float> ? DType::float32 : DType::float64;
  const auto d = Data::of<TypeParam>(300, 3, -1, Communicator::world());
  StandardScaler scaler;
  EXPECT_EQ(scaler.fit(d.x).transform(d.x).dtype(), want);
  PCA p;
  EXPECT_EQ(p.fit(d.x).transform(d.x).dtype(), want);
  EXPECT_EQ(p.components_.dtype(), want);
  EXPECT_EQ(p.inverse_transform(p.transform(d.x)).dtype(), want);
  LinearRegression regression;
  EXPECT_EQ(regression.fit(d.x, d.y).predict(d.x).dtype(), want);
  EXPECT_EQ(regression.coef_.dtype(), want);
  KMeans k({.n_clusters = 2});
  EXPECT_EQ(k.fit(d.x).predict(d.x).dtype(), DType::int32);
  EXPECT_EQ(k.labels_.dtype(), DType::int32);
  EXPECT_EQ(k.transform(d.x).dtype(), want);
  EXPECT_EQ(k.cluster_centers_.dtype(), want);
  EXPECT_TRUE(k.labels_.distribution() == d.x.distribution());
}

}  // namespace
}  // namespace tessera
