#include <tessera/linalg/group_moments.hpp>

#include <gtest/gtest.h>

#include <limits>

#include <tessera/linalg/kernels/cpu/group_moments.hpp>
#include <tessera/linalg/kernels/kernels.hpp>

#include "linalg/kernel_cases.hpp"
#include "support/near.hpp"

namespace tessera::linalg {
namespace {

using test::Wide;
using test::z;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

std::int32_t code_of(std::int64_t row, std::int64_t groups) {
  return static_cast<std::int32_t>(test::mix(static_cast<std::uint64_t>(row)) %
                                   static_cast<std::uint64_t>(groups + 1)) -
         1;
}

template <class T>
struct GroupMomentsKernel : testing::Test {};
using Types = testing::Types<float, double>;
TYPED_TEST_SUITE(GroupMomentsKernel, Types);

TYPED_TEST(GroupMomentsKernel, ByHand) {
  using T = TypeParam;
  const std::vector<T> x = {1, 5, 3, 5, 8, 5, 100, 7};
  const std::vector<T> w = {1, 3, 1, 0};
  const std::vector<std::int32_t> codes = {1, 1, 0, 2};
  std::vector<double> out(18, -1);
  Stream stream;
  for (const char* backend : {"cpu", "reference"}) {
    const SelectionGuard guard = only(backend);
    kernels().leaf_group_moments(stream, tile_of(x.data(), 4, 2, 2), 256,
                                 tile_of(codes.data(), 4, 1, 1), tile_of(w.data(), 4, 1, 1),
                                 tile_of(out.data(), 1, 18, 18));
    EXPECT_EQ(out, (std::vector<double>{1, 1, 4, 4, 0, 0, 8, 5, 2.5, 5, 0, 0, 0, 0, 3, 0, 0, 0}));
  }
}

// The reference loops, and the same bits on every instruction set.
TYPED_TEST(GroupMomentsKernel, AgreesWithTheReference) {
  using T = TypeParam;
  test::Numbers numbers(5);
  Stream stream;
  for (const auto rows : test::kernel_rows)
    for (const auto p : test::kernel_cols)
      for (const std::int64_t groups : {1, 3, 40}) {
        if (rows * p > 30000 && groups != 3) continue;
        test::Block<T> x(rows, p, rows % 2 == 0 ? 0 : 3, 1e4, numbers);
        const auto weights = numbers.weights<T>(rows);
        std::vector<std::int32_t> codes;
        for (std::int64_t i = 0; i < rows; ++i) codes.push_back(code_of(i, groups));
        std::vector<double> want(z(3 * groups * p));
        {
          const SelectionGuard guard = only("reference");
          kernels().leaf_group_moments(
              stream, tile_of(x.data(), rows, p, x.stride), 4096, tile_of(codes.data(), rows, 1, 1),
              tile_of(weights.data(), rows, 1, 1), tile_of(want.data(), 1, 3 * groups * p, 1));
        }
        std::vector<double> first;
        for (const auto target : test::targets()) {
          const test::OnTarget on(target);
          std::vector<double> got(want.size(), -1);
          on_cpu::group_moments<T>(x.data(), rows, p, x.stride, codes.data(), weights.data(),
                                   groups, got.data());
          test::Comparison values(fmt::format("{} x {} in {} groups", rows, p, groups));
          for (std::size_t i = 0; i < got.size(); ++i)
            values.near(got[i], want[i], 1e-11L * (std::abs(want[i]) + 1), std::int64_t(i));
          if (first.empty()) first = got;
          values.holds(got == first, "the same bits on all targets");
        }
      }
}

TEST(GroupMoments, OfDistributedRows) {
  const std::int64_t k = 3, p = 5;
  for (const auto n : test::interesting_rows)
    for (const bool weighted : {false, true}) {
      const auto value = [](std::int64_t i) { return 1e6 + test::unit(i); };
      const auto weight = [&](std::int64_t i) { return weighted ? test::unit(i, 7) : 1.0; };
      const Array x = test::make<double>({n, p}, value);
      const Array codes = test::make<std::int32_t>({n}, [&](auto i) { return code_of(i, k); });
      const Array w = weighted ? test::make<double>({n}, weight) : Array{};
      const GroupMoments m = group_moments(x, codes, k, w);
      ASSERT_EQ(m.weight.size(), z(k));
      ASSERT_EQ(m.mean.size(), z(k * p));
      ASSERT_EQ(m.m2.size(), z(k * p));
      for (std::int64_t g = 0; g < k; ++g)
        for (std::int64_t j = 0; j < p; ++j) {
          Wide total = 0, mean = 0, m2 = 0;
          for (std::int64_t i = 0; i < n; ++i)
            if (code_of(i, k) == g) {
              total += weight(i);
              mean += weight(i) * Wide(value(i * p + j));
            }
          mean = total > 0 ? mean / total : 0;
          for (std::int64_t i = 0; i < n; ++i)
            if (code_of(i, k) == g) {
              const Wide d = value(i * p + j) - mean;
              m2 += weight(i) * d * d;
            }
          EXPECT_NEAR(m.weight[z(g)], double(total), 1e-12 * double(total));
          EXPECT_NEAR(m.mean[z(g * p + j)], double(mean), 1e-8);
          EXPECT_NEAR(m.m2[z(g * p + j)], double(m2), 1e-7 * double(m2) + 1e-12);
        }
      // What one process alone finds, bit for bit.
      const Communicator self = Communicator::self();
      const auto all = gather(x), all_codes = gather(codes);
      const Array alone = from_host<double>(all.values<double>(), x.shape(), self);
      const Array codes_alone =
          from_host<std::int32_t>(all_codes.values<std::int32_t>(), {n}, self);
      const Array w_alone =
          weighted ? from_host<double>(gather(w).values<double>(), {n}, self) : Array{};
      const GroupMoments serial = group_moments(alone, codes_alone, k, w_alone);
      EXPECT_EQ(m.weight, serial.weight);
      EXPECT_EQ(m.mean, serial.mean);
      EXPECT_EQ(m.m2, serial.m2);
    }
}

TEST(GroupGram, ByHand) {
  const std::vector<double> x = {1, 5, 3, 9, 8, 5, 100, 7, 2, 2};
  const std::vector<double> w = {1, 3, 1, 1, 1};
  const std::vector<std::int32_t> codes = {1, 1, 0, 2, 5};
  const Communicator world = Communicator::world();
  for (const char* backend : {"cpu", "reference"}) {
    const SelectionGuard guard = only(backend);
    const auto grams =
        group_gram(from_host<double>(x, {5, 2}, world), from_host<std::int32_t>(codes, {5}, world),
                   4, from_host<double>(w, {5}, world));
    ASSERT_EQ(grams.size(), 4u);
    EXPECT_EQ(grams[0].weight, 1.0);
    EXPECT_EQ(grams[0].mean, (std::vector<double>{8, 5}));
    EXPECT_EQ(grams[0].gram.values(), (std::vector<double>{0, 0, 0, 0}));
    EXPECT_EQ(grams[1].weight, 4.0);
    EXPECT_EQ(grams[1].mean, (std::vector<double>{2.5, 8}));
    EXPECT_EQ(grams[1].gram.values(), (std::vector<double>{3, 6, 6, 12}));
    EXPECT_EQ(grams[3].weight, 0.0);
    EXPECT_EQ(grams[3].mean, (std::vector<double>{0, 0}));
    EXPECT_EQ(grams[3].gram.values(), (std::vector<double>{0, 0, 0, 0}));
  }
}

// The Gram of a group is that of its rows alone; bits do not depend on the processes.
TEST(GroupGram, OfDistributedRows) {
  const std::int64_t k = 3, p = 4;
  for (const auto n : test::interesting_rows)
    for (const bool weighted : {false, true}) {
      const auto value = [](std::int64_t i) { return 1e3 + test::unit(i); };
      const auto weight = [](std::int64_t i) { return test::unit(i, 7) + 0.5; };
      const Array x = test::make<double>({n, p}, value);
      const Array codes = test::make<std::int32_t>({n}, [&](auto i) { return code_of(i, k); });
      const Array w = weighted ? test::make<double>({n}, weight) : Array{};
      const auto got = group_gram(x, codes, k, w);
      ASSERT_EQ(got.size(), z(k));
      const Communicator self = Communicator::self();
      const auto alone = [&]<class T>(const Array& a, T) {
        return a ? from_host<T>(gather(a).template values<T>(), a.shape(), self) : a;
      };
      const auto serial = group_gram(alone(x, 0.0), alone(codes, std::int32_t{}), k, alone(w, 0.0));
      for (std::int64_t g = 0; g < k; ++g) {
        EXPECT_EQ(got[z(g)].weight, serial[z(g)].weight);
        EXPECT_EQ(got[z(g)].mean, serial[z(g)].mean);
        EXPECT_EQ(got[z(g)].gram.values(), serial[z(g)].gram.values());
        std::vector<double> rows, weights;
        for (std::int64_t i = 0; i < n; ++i)
          if (code_of(i, k) == g) {
            for (std::int64_t j = 0; j < p; ++j) rows.push_back(value(i * p + j));
            weights.push_back(weight(i));
          }
        const std::int64_t count = std::ssize(weights);
        const CenteredGram want =
            centered_gram(from_host<double>(rows, {count, p}, self), {},
                          weighted ? from_host<double>(weights, {count}, self) : Array{});
        EXPECT_NEAR(got[z(g)].weight, want.weight, 1e-12 * want.weight);
        for (std::int64_t i = 0; i < p; ++i) {
          EXPECT_NEAR(got[z(g)].mean[z(i)], want.mean[z(i)], 1e-9);
          for (std::int64_t j = 0; j < p; ++j)
            EXPECT_NEAR(got[z(g)].gram.at(i, j), want.gram.at(i, j), 1e-9 * (want.weight + 1));
        }
      }
    }
}

TEST(GroupGram, ShowsWhatIsNotFiniteInItsGroupAlone) {
  const Array x = test::make<float>({600, 2}, [](auto i) { return i == 7 ? float(nan) : 1.0F; });
  const Array codes = test::make<std::int32_t>({600}, [](auto i) { return std::int32_t(i % 2); });
  const auto grams = group_gram(x, codes, 2);
  EXPECT_TRUE(std::isnan(grams[1].mean[1])) << "row 3 is in group 1, column 1";
  EXPECT_EQ(grams[0].mean, (std::vector<double>{1, 1}));
  EXPECT_EQ(grams[0].weight, 300.0);
}

TEST(GroupMoments, ShowsWhatIsNotFiniteInItsGroupAlone) {
  const Array x = test::make<float>({600, 2}, [](auto i) { return i == 7 ? float(nan) : 1.0F; });
  const Array codes = test::make<std::int32_t>({600}, [](auto i) { return std::int32_t(i % 2); });
  const GroupMoments m = group_moments(x, codes, 2);
  EXPECT_TRUE(std::isnan(m.mean[3])) << "row 3 is in group 1, column 1";
  EXPECT_EQ(m.mean[0], 1.0);
  EXPECT_EQ(m.mean[1], 1.0);
  EXPECT_EQ(m.mean[2], 1.0);
  EXPECT_EQ(m.weight, (std::vector<double>{300, 300}));
}

TEST(GroupMoments, MergeIntoThoseOfTheColumns) {
  const Array x = test::make<double>({1003, 3}, [](auto i) { return 1e3 + double(i * i % 31); });
  const Array codes = test::make<std::int32_t>({1003}, [](auto i) { return std::int32_t(i % 3); });
  const ColumnMoments all = merged(group_moments(x, codes, 5));  // two groups are empty
  const ColumnMoments direct = column_moments(x);
  EXPECT_EQ(all.count, direct.count);
  for (std::size_t j = 0; j < 3; ++j) {
    EXPECT_NEAR(all.mean[j], direct.mean[j], 1e-12 * direct.mean[j]);
    EXPECT_NEAR(all.m2[j], direct.m2[j], 1e-12 * direct.m2[j]);
  }
  const Array spoilt = test::make<float>({9, 1}, [](auto i) { return i == 4 ? float(nan) : 1.0F; });
  const Array two = test::make<std::int32_t>({9}, [](auto i) { return std::int32_t(i % 2); });
  EXPECT_TRUE(std::isnan(merged(group_moments(spoilt, two, 2)).mean[0]));
}

TEST(GroupMoments, RefusesOtherCodes) {
  test::expect_error<TypeError>(
      [] {
        group_moments(zeros({3, 2}), zeros({3}), 2);
      },
      "codes of groups must be an int32 vector, got float64 of shape (3,)");
  test::expect_error<TypeError>(
      [] {
        group_moments(zeros({3, 2}), zeros({3}, DType::int32), 2, zeros({3}, DType::float32));
      },
      "weights must have the dtype of the rows, float64, got float32");
  test::expect_error<TypeError>(
      [] {
        group_gram(zeros({3, 2}), zeros({3}), 2);
      },
      "codes of groups must be an int32 vector, got float64 of shape (3,)");
}

}  // namespace
}  // namespace tessera::linalg
