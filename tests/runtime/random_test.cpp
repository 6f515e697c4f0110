#include <tessera/runtime/random.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <set>

#include "support/near.hpp"

namespace tessera {
namespace {

using Words = std::array<std::uint32_t, 4>;

// Philox4x32-10 as the paper defines it, written again for this test.
Words philox(Words counter, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t a = std::uint64_t{0xD2511F53} * counter[0];
    const std::uint64_t b = std::uint64_t{0xCD9E8D57} * counter[2];
    counter = {
        static_cast<std::uint32_t>(b >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(b),
        static_cast<std::uint32_t>(a >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(a)};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

double unit_of(std::uint32_t low, std::uint32_t high) {
  return static_cast<double>(((std::uint64_t{high} << 32) | low) >> 11) * 0x1p-53;
}

// The vectors that Random123 publishes (kat_vectors).
TEST(Random, TheReferenceGivesThePublishedVectors) {
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Random, IsPhiloxOfSeedPurposeAndIndex) {
  EXPECT_EQ(Random(0, 0).uniform(0), unit_of(0x6627e8d5, 0xe169c58d));
  const std::uint64_t large = 0xfedcba9876543210;
  for (const std::uint64_t seed : {std::uint64_t{0}, std::uint64_t{42}, large})
    for (const std::uint32_t purpose : {0u, 1u, 0xffffffffu})
      for (const std::uint64_t index : {std::uint64_t{0}, std::uint64_t{1}, large}) {
        const auto r =
            philox({static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32),
                    purpose, 0},
                   {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)});
        const Random random(seed, purpose);
        EXPECT_EQ(random.uniform(index), unit_of(r[0], r[1]));
        const double radius = std::sqrt(-2 * std::log(1 - unit_of(r[0], r[1])));
        EXPECT_NEAR(random.normal(index), radius * std::cos(2 * M_PI * unit_of(r[2], r[3])), 1e-14);
        EXPECT_EQ(random.integer(index, 1000),
                  static_cast<std::uint64_t>(unit_of(r[0], r[1]) * 1000));
      }
}

TEST(Random, UniformIsUniform) {
  const Random random(7, 3);
  constexpr int n = 100000;
  std::array<int, 16> bins{};
  double sum = 0;
  for (int i = 0; i < n; ++i) {
    const double u = random.uniform(static_cast<std::uint64_t>(i));
    ASSERT_GE(u, 0.0);
    ASSERT_LT(u, 1.0);
    sum += u;
    ++bins[static_cast<std::size_t>(u * 16)];
  }
  EXPECT_NEAR(sum / n, 0.5, 5 * std::sqrt(1.0 / 12 / n));
  double chi2 = 0;
  for (const int b : bins) chi2 += (b - n / 16.0) * (b - n / 16.0) / (n / 16.0);
  EXPECT_LT(chi2, 45);  // 15 degrees of freedom: exceeded once in ten thousand seeds
  EXPECT_GT(chi2, 2);   // and not suspiciously even
}

TEST(Random, NormalIsNormal) {
  const Random random(7, 4);
  constexpr int n = 100000;
  double sum = 0, squares = 0, fourths = 0;
  for (int i = 0; i < n; ++i) {
    const double v = random.normal(static_cast<std::uint64_t>(i));
    ASSERT_TRUE(std::isfinite(v));
    sum += v;
    squares += v * v;
    fourths += v * v * v * v;
  }
  EXPECT_NEAR(sum / n, 0, 5 / std::sqrt(n));
  EXPECT_NEAR(squares / n, 1, 5 * std::sqrt(2.0 / n));
  EXPECT_NEAR(fourths / n, 3, 5 * std::sqrt(96.0 / n));
}

TEST(Random, IntegersCoverTheirRange) {
  const Random random(1, 1);
  std::set<std::uint64_t> seen;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    const auto v = random.integer(i, 7);
    ASSERT_LT(v, 7u);
    seen.insert(v);
    EXPECT_EQ(random.integer(i, 1), 0u);
    ASSERT_LT(random.integer(i, ~std::uint64_t{0}), ~std::uint64_t{0});
  }
  EXPECT_EQ(seen.size(), 7u);
}

TEST(Random, SeedsPurposesAndIndicesAreIndependent) {
  std::set<double> values;
  for (std::uint64_t seed = 0; seed < 10; ++seed)
    for (std::uint32_t purpose = 0; purpose < 10; ++purpose)
      for (std::uint64_t index = 0; index < 10; ++index)
        values.insert(Random(seed, purpose).uniform(index));
  EXPECT_EQ(values.size(), 1000u);
}

TEST(Random, RowsGetTheSameOnEveryNumberOfProcesses) {
  const Random random(5, 0);
  const auto draw = [&](std::int64_t i) { return random.uniform(static_cast<std::uint64_t>(i)); };
  const Array all = gather(test::make<double>({2000, 1}, draw));
  test::expect_elements<double>(all, draw);
  // A literal, so that the value is the same in every job of this test.
  EXPECT_EQ(all.at<double>({1999, 0}),
            unit_of(philox({1999, 0, 0, 0}, {5, 0})[0], philox({1999, 0, 0, 0}, {5, 0})[1]));
}

}  // namespace
}  // namespace tessera
