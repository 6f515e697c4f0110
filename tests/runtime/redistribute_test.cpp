#include <gtest/gtest.h>

#include <tessera/runtime/array.hpp>
#include <tessera/runtime/visit.hpp>

#include "support/near.hpp"

namespace tessera {
namespace {

using test::sample;

Communicator world() { return Communicator::world(); }

struct Grid {
  int rows;
  int cols;
};

// Every grid that fits, also smaller ones than the job.
std::vector<Grid> grids() {
  std::vector<Grid> all;
  for (int r = 1; r <= world().size(); ++r)
    for (int c = 1; r * c <= world().size(); ++c) all.push_back({r, c});
  return all;
}

std::vector<Distribution> distributions(std::int64_t m, std::int64_t n) {
  const int p = world().size();
  std::vector<Distribution> all = {Distribution::rows(m, p), Distribution::replicated(m, p)};
  const auto every = grids();
  for (std::size_t i = 0; i < every.size(); ++i) {
    // Blocks take turns over the grids, so that all pairs stay affordable.
    const std::array<std::array<std::int64_t, 2>, 4> blocks = {{{1, 1}, {2, 3}, {64, 64}, {5, 2}}};
    const auto [br, bc] = blocks[i % blocks.size()];
    all.push_back(Distribution::block_cyclic(m, n, every[i].rows, every[i].cols, br, bc, p));
  }
  if (p > 2) all.push_back(Distribution::block_cyclic(m, n, p, 1, 3, 7, p));
  return all;
}

// Distributions made without communication are the reference for each other.
template <class T>
void all_pairs(std::int64_t m, std::int64_t n) {
  const auto all = distributions(m, n);
  for (const auto& from : all) {
    const Array x = test::make<T>({m, n}, from, sample<T>);
    for (const auto& to : all) {
      SCOPED_TRACE(from.to_string() + " to " + to.to_string());
      const Array y = redistribute(x, to);
      ASSERT_EQ(y.shape(), x.shape());
      ASSERT_TRUE(y.distribution() == to);
      test::expect_elements<T>(y, sample<T>);
    }
    test::expect_elements<T>(x, sample<T>);  // untouched
  }
}

// Messages beyond what MPI counts go in pieces (HeAT issue 1932).
TEST(Redistribute, InPieces) {
  Communicator::limit_count(5);
  all_pairs<double>(7, 3);
  all_pairs<bool>(5, 3);
  Communicator::limit_count(1 << 30);
}

TEST(Redistribute, AllPairsOfEightBytes) {
  all_pairs<double>(301, 7);
  all_pairs<std::int64_t>(17, 23);
}
TEST(Redistribute, AllPairsOfFourBytes) {
  all_pairs<float>(301, 3);
  all_pairs<std::int32_t>(17, 23);
}
TEST(Redistribute, AllPairsOfSixteenBytes) { all_pairs<std::complex<double>>(301, 3); }
TEST(Redistribute, AllPairsOfOneAndTwoBytes) {
  all_pairs<bool>(301, 3);
  all_pairs<std::int16_t>(17, 23);
}
TEST(Redistribute, AllPairsOfComplex64) { all_pairs<std::complex<float>>(40, 5); }
TEST(Redistribute, AllPairsOfAMatrixSmallerThanTheGrid) {
  all_pairs<double>(1, 1);
  all_pairs<double>(2, 3);
  all_pairs<float>(1, 9);
}
TEST(Redistribute, AllPairsOfAnEmptyMatrix) {
  all_pairs<double>(0, 5);
  all_pairs<double>(5, 0);
  all_pairs<float>(0, 0);
}
TEST(Redistribute, SeveralLeavesPerProcess) { all_pairs<double>(3333, 2); }

TEST(Redistribute, BitsSurvive) {
  // Not-a-numbers with a payload must travel as they are.
  const auto pattern = [](std::int64_t i) {
    return std::bit_cast<double>(0x7ff0'dead'0000'0001u + static_cast<std::uint64_t>(i));
  };
  const int p = world().size();
  const Array x = test::make<double>({300, 4}, pattern);
  const Array y = redistribute(redistribute(x, Distribution::block_cyclic(300, 4, p, 1, 8, 2, p)),
                               Distribution::rows(300, p));
  test::for_each_element<double>(y, [&](std::int64_t flat, const double* e) {
    ASSERT_EQ(std::bit_cast<std::uint64_t>(*e), std::bit_cast<std::uint64_t>(pattern(flat)));
  });
}

TEST(Redistribute, SmallElementsAndAnyShapeBetweenRowsAndReplicated) {
  for (const auto n : test::interesting_rows)
    for (int i = 0; i < dtype_count; ++i)
      visit(static_cast<DType>(i), [&](auto tag) {
        using T = typename decltype(tag)::type;
        const Array x = test::make<T>({n, 2, 3});
        const Array r = gather(x);
        ASSERT_TRUE(r.distribution() == Distribution::replicated(n, world().size()));
        test::expect_elements<T>(r, sample<T>);
        const Array back = redistribute(r, Distribution::rows(n, world().size()));
        test::expect_same<T>(back, x);
      });
}

TEST(Redistribute, TheSameDistributionIsTheSameArray) {
  const Array x = test::make<float>({300, 2});
  EXPECT_EQ(redistribute(x, x.distribution()).local().data, x.local().data);
}

TEST(Redistribute, RowsInOtherLeaves) {
  const int p = world().size();
  const std::int64_t n = 70000;
  const Array x = test::make<double>({n, 2});
  const auto other = Distribution::rows(n, p, 1000);
  ASSERT_EQ(x.distribution().leaf_rows(), 1024);
  ASSERT_EQ(other.leaf_rows(), 512);
  const Array y = redistribute(x, other);
  ASSERT_TRUE(y.distribution() == other);
  test::expect_elements<double>(y, sample<double>);
  test::expect_same<double>(redistribute(y, x.distribution()), x);
  const Array whole = gather(y);
  EXPECT_TRUE(whole.distribution() == other.everywhere());  // the tree over it is that over y
  const Array again = redistribute(whole, x.distribution().everywhere());
  EXPECT_TRUE(again.distribution() == x.distribution().everywhere());
  EXPECT_EQ(again.local().data, whole.local().data);
}

TEST(Redistribute, BlockCyclicHoldsMatricesOnly) {
  const int p = world().size();
  test::expect_error<ValueError>(
      [&] {
        redistribute(zeros({30, 1, 2}), Distribution::block_cyclic(30, 2, 1, p, 4, 4, p));
      },
      "a distribution over a 30 x 2 matrix cannot hold an array of shape (30, 1, 2)");
}

TEST(Redistribute, RefusesADistributionOfAnotherArray) {
  const int p = world().size();
  const Array x = zeros({30, 2});
  test::expect_error<ValueError>(
      [&] { redistribute(x, Distribution::rows(31, p)); },
      "a distribution over 31 rows cannot hold an array of shape (30, 2)");
  test::expect_error<ValueError>(
      [&] { redistribute(x, Distribution::replicated(29, p)); },
      "a distribution over 29 rows cannot hold an array of shape (30, 2)");
  test::expect_error<ValueError>(
      [&] { redistribute(x, Distribution::block_cyclic(30, 3, 1, 1, 4, 4, p)); },
      "a distribution over a 30 x 3 matrix cannot hold an array of shape (30, 2)");
  test::expect_error<ValueError>(
      [&] { redistribute(gather(x), Distribution::rows(30, p + 1)); },
      fmt::format("a distribution over {} processes cannot hold an array on {}", p + 1, p));
}

TEST(Redistribute, ColumnsKeepTheirNames) {
  const int p = world().size();
  const Array x = zeros({30, 2}).named({"a", "b"});
  const Array blocks = redistribute(x, Distribution::block_cyclic(30, 2, 1, p, 4, 4, p));
  for (const Array& y : {gather(x), blocks, redistribute(blocks, x.distribution())})
    EXPECT_EQ(y.column_names(), x.column_names());
}

TEST(Redistribute, ABlockCyclicArrayHasNoRowsToView) {
  const int p = world().size();
  const Array x = redistribute(zeros({30, 2}), Distribution::block_cyclic(30, 2, 1, p, 4, 4, p));
  test::expect_error<ValueError>(
      [&] {
        x.reshape({30, 1, 2});
      },
      "cannot view shape (30, 2) as (30, 1, 2) without moving rows");
}

}  // namespace
}  // namespace tessera
