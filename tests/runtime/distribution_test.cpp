#include <tessera/runtime/distribution.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <vector>

#include "support/near.hpp"

namespace tessera {
namespace {

constexpr std::int64_t huge = std::int64_t{1} << 33;

struct LeafSize {
  std::int64_t rows;
  std::int64_t leaf_rows;
};
// Of narrow arrays. The sizes are part of the promise "the same bits": changing one changes
// results.
const std::vector<LeafSize> leaf_sizes = {
    {0, 256},      {1, 256},       {2, 256},       {255, 256},      {256, 256},   {257, 256},
    {4096, 256},   {16384, 256},   {16385, 256},   {32767, 256},    {32768, 512}, {65535, 512},
    {65536, 1024}, {262143, 2048}, {262144, 4096}, {1000003, 4096}, {huge, 4096}};
const std::vector<int> process_counts = {1, 2, 3, 4, 5, 7, 64, 1000};

TEST(Distribution, LeafSizeDependsOnTheRowsAndTheirWidth) {
  const std::vector<std::array<std::int64_t, 3>> wide = {
      {1 << 20, 0, 4096},   {1 << 20, 64, 4096},  {1 << 20, 65, 2048},  {1 << 20, 128, 2048},
      {1 << 20, 500, 512},  {1 << 20, 1024, 512}, {1 << 20, 2000, 512}, {1 << 20, huge, 512},
      {1 << 16, 128, 1024}, {1 << 16, 512, 512},  {300, 2000, 256},     {0, 2000, 256}};
  for (const auto& [n, width, leaf_rows] : wide) {
    EXPECT_EQ(Distribution::leaf_rows_for(n, width), leaf_rows) << n << " x " << width;
    EXPECT_EQ(Distribution::rows(n, 3, width).leaf_rows(), leaf_rows);
    EXPECT_EQ(Distribution::replicated(n, 3, width).leaf_rows(), leaf_rows);
    EXPECT_EQ(Distribution::rows(n, 3, width).everywhere(), Distribution::replicated(n, 3, width));
  }
  for (const auto& [n, leaf_rows] : leaf_sizes) {
    EXPECT_EQ(Distribution::leaf_rows_for(n), leaf_rows) << n;
    for (const int p : process_counts) {
      EXPECT_EQ(Distribution::rows(n, p).leaf_rows(), leaf_rows) << n << " on " << p;
      EXPECT_EQ(Distribution::replicated(n, p).leaf_rows(), leaf_rows) << n << " on " << p;
    }
  }
}

TEST(Distribution, LeavesPartitionTheRows) {
  for (const auto& [n, leaf_rows] : leaf_sizes) {
    const auto d = Distribution::rows(n, 3);
    EXPECT_EQ(d.leaves(), n / leaf_rows + (n % leaf_rows != 0));
    std::int64_t next = 0;
    std::int64_t bad = 0;
    for (std::int64_t leaf = 0; leaf < d.leaves(); ++leaf) {
      const Range rows = d.rows_of_leaf(leaf);
      const bool last = leaf == d.leaves() - 1;
      if (rows.begin != next || rows.size() < 1 || (!last && rows.size() != leaf_rows)) ++bad;
      next = rows.end;
    }
    EXPECT_EQ(bad, 0) << n;
    EXPECT_EQ(next, n);
  }
}

TEST(Distribution, ProcessesOwnConsecutiveLeavesInEqualShares) {
  for (const auto& [n, leaf_rows] : leaf_sizes)
    for (const int p : process_counts) {
      const auto d = Distribution::rows(n, p);
      Range leaves{0, 0};
      Range rows{0, 0};
      for (int r = 0; r < p; ++r) {
        const Range mine = d.leaves_of(r);
        const Range mine_rows = d.rows_of(r);
        ASSERT_EQ(mine.begin, leaves.end) << n << " on " << p << ", rank " << r;
        ASSERT_EQ(mine_rows.begin, rows.end) << n << " on " << p << ", rank " << r;
        ASSERT_EQ(mine.size(), d.leaves() / p + (r < d.leaves() % p));
        ASSERT_EQ(mine_rows.end, std::min(n, mine.end * leaf_rows));
        leaves = mine;
        rows = mine_rows;
      }
      EXPECT_EQ(leaves.end, d.leaves()) << n << " on " << p;
      EXPECT_EQ(rows.end, n) << n << " on " << p;
    }
}

TEST(Distribution, OwnersAgreeWithTheRowsOwned) {
  for (const auto& [n, leaf_rows] : leaf_sizes)
    for (const int p : process_counts) {
      const auto d = Distribution::rows(n, p);
      for (int r = 0; r < p; ++r) {
        const Range mine = d.rows_of(r);
        if (mine.size() == 0) continue;
        for (const std::int64_t row :
             {mine.begin, mine.begin + 1, mine.begin + mine.size() / 2, mine.end - 1}) {
          if (row < mine.end) {
            ASSERT_EQ(d.owner_of_row(row), r) << "row " << row << " of " << n << " on " << p;
          }
        }
      }
    }
}

TEST(Distribution, ReplicatedOwnsEverythingEverywhere) {
  for (const auto& [n, leaf_rows] : leaf_sizes) {
    const auto d = Distribution::replicated(n, 5);
    for (int r = 0; r < 5; ++r) {
      EXPECT_EQ(d.rows_of(r), (Range{0, n}));
      EXPECT_EQ(d.leaves_of(r), (Range{0, d.leaves()}));
    }
    EXPECT_EQ(d.owner_of_row(0), 0);
  }
}

TEST(Distribution, BlockCyclicAgreesWithDealingOneByOne) {
  for (const std::int64_t n : {0, 1, 5, 7, 8, 64, 101})
    for (const std::int64_t block : {1, 2, 3, 8, 200})
      for (const int parts : {1, 2, 3, 5}) {
        // Once along the rows of a parts x 2 grid, once along the columns of a 2 x parts grid.
        const auto down = Distribution::block_cyclic(n, 4, parts, 2, block, 3, 2 * parts + 1);
        const auto across = Distribution::block_cyclic(4, n, 2, parts, 3, block, 2 * parts + 1);
        for (int rank = 0; rank <= 2 * parts; ++rank) {
          std::vector<std::int64_t> rows;
          std::vector<std::int64_t> cols;
          for (std::int64_t i = 0; i < n && rank < 2 * parts; ++i) {
            if (i / block % parts == rank / 2) rows.push_back(i);
            if (i / block % parts == rank % parts) cols.push_back(i);
          }
          EXPECT_EQ(down.in_grid(rank), rank < 2 * parts);
          ASSERT_EQ(down.local_rows(rank), static_cast<std::int64_t>(rows.size()))
              << n << " in blocks of " << block << " over " << parts << ", rank " << rank;
          ASSERT_EQ(across.local_cols(rank), static_cast<std::int64_t>(cols.size()));
          for (std::size_t i = 0; i < rows.size(); ++i)
            ASSERT_EQ(down.global_row(rank, static_cast<std::int64_t>(i)), rows[i]);
          for (std::size_t j = 0; j < cols.size(); ++j)
            ASSERT_EQ(across.global_col(rank, static_cast<std::int64_t>(j)), cols[j]);
        }
      }
}

TEST(Distribution, BlockCyclicRefusesImpossibleGrids) {
  const auto refused = [](std::int64_t m, std::int64_t n, int gr, int gc, std::int64_t br,
                          std::int64_t bc, int p) {
    test::expect_error<ValueError>(
        [&] { Distribution::block_cyclic(m, n, gr, gc, br, bc, p); },
        fmt::format("block_cyclic needs sizes >= 0, a grid of at most {} processes and blocks of "
                    "at least 1 x 1; got {} x {} on a {} x {} grid in blocks of {} x {}",
                    p, m, n, gr, gc, br, bc));
  };
  refused(-1, 1, 1, 1, 1, 1, 1);
  refused(1, -1, 1, 1, 1, 1, 1);
  refused(4, 4, 2, 2, 1, 1, 3);
  refused(4, 4, 0, 2, 1, 1, 3);
  refused(4, 4, 2, -1, 1, 1, 3);
  refused(4, 4, 1, 1, 0, 1, 3);
  refused(4, 4, 1, 1, 1, 0, 3);
  refused(4, 4, 65536, 65536, 1, 1, 3);  // the product overflows 32 bits
}

TEST(Distribution, EqualityAndText) {
  EXPECT_TRUE(Distribution::rows(10, 2) == Distribution::rows(10, 2));
  EXPECT_FALSE(Distribution::rows(10, 2) == Distribution::rows(11, 2));
  EXPECT_FALSE(Distribution::rows(10, 2) == Distribution::rows(10, 3));
  EXPECT_FALSE(Distribution::rows(10, 2) == Distribution::replicated(10, 2));
  EXPECT_FALSE(Distribution::block_cyclic(4, 4, 1, 2, 2, 2, 2) ==
               Distribution::block_cyclic(4, 4, 2, 1, 2, 2, 2));
  EXPECT_EQ(Distribution::rows(1000, 2).to_string(), "rows(4 leaves of 256 rows)");
  EXPECT_EQ(Distribution::replicated(1000, 2).to_string(), "replicated");
  EXPECT_EQ(Distribution::block_cyclic(9, 9, 1, 2, 3, 4, 2).to_string(),
            "block_cyclic(1 x 2 grid, 3 x 4 blocks)");
}

}  // namespace
}  // namespace tessera
