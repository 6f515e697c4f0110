#include <tessera/runtime/row_set.hpp>

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>

#include <tessera/runtime/reduce.hpp>
#include <tessera/runtime/visit.hpp>

#include "support/near.hpp"

namespace tessera {
namespace {

using test::sample;

Communicator world() { return Communicator::world(); }
std::string on_rank(const std::string& text, int rank) {
  return world().size() == 1 ? text : text + " (rank " + std::to_string(rank) + ")";
}

// Rows that are computed, as of a file: of every process (`everywhere`) or of its own leaves only.
class Counting : public RowSource {
 public:
  Counting(std::int64_t n, bool everywhere)
      : RowSource({n, 3}, DType::float64, world()), everywhere_(everywhere) {}
  bool is_everywhere() const override { return everywhere_ || RowSource::is_everywhere(); }
  void visit_leaves(const LeafList& leaves, const LeafVisitor& visit, int threads) const override {
    parallel_for({0, leaves.size()}, threads, [&](std::int64_t i, Stream& stream) {
      const Range rows = distribution().rows_of_leaf(leaves[i]);
      std::vector<double> values;
      for (auto k = rows.begin * 3; k < rows.end * 3; ++k) values.push_back(sample<double>(k));
      ++visits;
      visit({leaves[i], rows, tile_of(values.data(), rows.size(), 3, 3)}, stream);
    });
  }
  mutable std::atomic<int> visits = 0;

 private:
  bool everywhere_;
};

std::vector<RowSet> sets_of(std::int64_t n) {
  std::vector<std::int64_t> odd, random;
  for (std::int64_t i = 0; i < n; ++i) {
    if (i % 2 == 1) odd.push_back(i);
    if (test::mix(static_cast<std::uint64_t>(i)) % 3 == 0) random.push_back(i);
  }
  return {RowSet(),
          RowSet(Range{0, n}),
          RowSet(Range{0, n / 2}),
          RowSet(Range{n / 3, n - n / 5}),
          RowSet(Range{n / 3, n / 2}).complement(n),
          RowSet::of_indices(odd),
          RowSet::of_indices(random)};
}

std::vector<std::int64_t> rows_in(const RowSet& set) {
  std::vector<std::int64_t> rows;
  for (const Range r : set.ranges())
    for (auto i = r.begin; i < r.end; ++i) rows.push_back(i);
  return rows;
}

TEST(RowSet, KnowsItsRows) {
  const RowSet set = RowSet::of_ranges({{2, 4}, {4, 5}, {9, 9}, {10, 12}});
  EXPECT_EQ(set.size(), 5);
  EXPECT_EQ(set.ranges(), (std::vector<Range>{{2, 5}, {10, 12}}));
  EXPECT_EQ(rows_in(set.complement(13)), (std::vector<std::int64_t>{0, 1, 5, 6, 7, 8, 9, 12}));
  EXPECT_EQ(set.span_of({2, 4}), (Range{4, 11}));
  EXPECT_EQ(RowSet().complement(3).ranges(), (std::vector<Range>{{0, 3}}));
  test::expect_error<ValueError>(
      [] {
        RowSet::of_indices(std::vector<std::int64_t>{3, 3});
      },
      "the rows of a set must ascend, got [3, 4) after row 3");
  test::expect_error<ValueError>(
      [] {
        RowSet::of_ranges({{5, 4}});
      },
      "the rows of a set must ascend, got [5, 4) after row 5");
}

TEST(RowSet, FromAMask) {
  for (const auto n : test::interesting_rows) {
    const Array mask = test::make<bool>({n}, [](auto i) { return i % 5 < 2; });
    std::vector<std::int64_t> rows;
    for (std::int64_t i = 0; i < n; ++i)
      if (i % 5 < 2) rows.push_back(i);
    EXPECT_EQ(rows_in(RowSet::of_mask(mask)), rows);
    EXPECT_EQ(rows_in(RowSet::of_mask(gather(mask))), rows);
  }
  test::expect_error<TypeError>(
      [] { RowSet::of_mask(zeros({3}, DType::int32)); },
      "a mask of rows must be a vector of bools, got int32 of shape (3,)");
}

TEST(Select, OfArraysAndOfRowsOfAllKinds) {
  for (const auto n : test::interesting_rows)
    for (const auto& set : sets_of(n)) {
      const auto rows = rows_in(set);
      const auto expected = [&](std::int64_t flat) {
        return sample<double>(rows[static_cast<std::size_t>(flat / 3)] * 3 + flat % 3);
      };
      const Shape shape = {set.size(), 3};
      const Array x = test::make<double>({n, 3}).named({"a", "b", "c"});
      const Array some = select(x, set);
      EXPECT_EQ(some.shape(), shape);
      EXPECT_TRUE(some.distribution() == row_distribution(shape, world()));
      EXPECT_EQ(some.column_names(), x.column_names());
      test::expect_elements<double>(some, expected);
      const Array everywhere = select(gather(x), set);
      EXPECT_EQ(everywhere.distribution().kind(), Distribution::Kind::replicated);
      test::expect_elements<double>(everywhere, expected);
      for (const bool of_file : {true, false}) {
        const Rows computed(std::make_shared<Counting>(n, of_file));
        const Rows chosen = select(computed, set);
        EXPECT_EQ(chosen.shape(), shape);
        test::expect_elements<double>(collect(chosen), expected);
        test::expect_elements<double>(collect(select(computed.as(DType::float64), set)), expected);
      }
    }
}

TEST(Select, TakesNoCopyOfOneRunThatStays) {
  const Array x = test::make<double>({5000, 2});
  const Array first = select(x, Range{0, 5000});
  EXPECT_EQ(first.local().data, x.local().data);
  if (world().size() > 1) return;
  const Array middle = select(x, Range{100, 400});
  EXPECT_EQ(middle.local().data, x.local().slice(100, 1).data);
  EXPECT_EQ(select(middle, Range{10, 20}).local().data, x.local().slice(110, 1).data);
}

TEST(Select, RefusesRowsThatAreNotThere) {
  const Array x = zeros({300, 2});
  test::expect_error<ValueError>(
      [&] {
        select(x, Range{200, 301});
      },
      "row 300 is outside an array of shape (300, 2)");
  test::expect_error<ValueError>(
      [&] {
        select(full({}, 1), Range{0, 1});
      },
      "an array of shape () has no rows to take");
}

TEST(Select, InOrderOnOneThreadAndInRangeOfSeveral) {
  const Rows x(std::make_shared<Counting>(20001, true));
  const Rows some = select(x, RowSet(Range{5000, 5100}).complement(20001));
  std::vector<std::int64_t> seen;
  some.for_each_leaf([&](const Leaf& leaf, Stream&) { seen.push_back(leaf.index); }, 1);
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
  std::mutex mutex;
  std::int64_t rows = 0;
  some.for_each_leaf(
      [&](const Leaf& leaf, Stream&) {
        const std::lock_guard lock(mutex);
        rows += leaf.tile.rows;
      },
      3);
  EXPECT_EQ(rows, some.distribution().rows_of(world().rank()).size());
}

TEST(Take, AnyRowsInAnyOrder) {
  for (const auto n : {std::int64_t{1}, std::int64_t{257}, std::int64_t{2048}})
    for (const std::int64_t m : {0, 1, 300, 5000}) {
      const auto index = [&](std::int64_t i) {
        return static_cast<std::int64_t>(test::mix(static_cast<std::uint64_t>(i)) %
                                         static_cast<std::uint64_t>(n));
      };
      const Array x = test::make<float>({n, 2, 3});
      const Array rows = take(x, test::make<std::int64_t>({m}, index));
      EXPECT_EQ(rows.shape(), (Shape{m, 2, 3}));
      test::expect_elements<float>(
          rows, [&](std::int64_t flat) { return sample<float>(index(flat / 6) * 6 + flat % 6); });
    }
  const Array x = zeros({300, 2});
  const Array beyond = test::make<std::int64_t>({600}, [](auto i) { return i == 599 ? 300 : 0; });
  test::expect_error<ValueError>([&] { take(x, beyond); },
                                 on_rank("row 300 is outside an array of shape (300, 2)",
                                         beyond.distribution().owner_of_row(599)));
  test::expect_error<ValueError>(
      [&] { take(x, zeros({3})); },
      "take needs a vector of int64 row numbers, got float64 of shape (3,)");
}

TEST(Zip, HasTheRowsOfAll) {
  for (const auto n : test::interesting_rows) {
    const Array x = test::make<double>({n, 3});
    const Array y = gather(test::make<std::int32_t>({n, 2}));
    const Array w = test::make<float>({n});
    const Rows all = zip(x, {y, {}, w});
    EXPECT_EQ(all.shape(), x.shape());
    together(world(), [&] {
      all.for_each_leaf([&](const Leaf& leaf, Stream&) {
        ASSERT_EQ(leaf.beside.size(), 3U);
        ASSERT_EQ(leaf.beside[0].rows, leaf.rows.size());
        EXPECT_FALSE(leaf.beside[1]);
        for (std::int64_t i = 0; i < leaf.rows.size(); ++i) {
          const std::int64_t row = leaf.rows.begin + i;
          EXPECT_EQ(leaf.tile.as<double>()[i * 3], sample<double>(row * 3));
          EXPECT_EQ(leaf.beside[0].as<std::int32_t>()[i * 2 + 1],
                    sample<std::int32_t>(row * 2 + 1));
          EXPECT_EQ(leaf.beside[2].as<float>()[i], sample<float>(row));
        }
      });
    });
    const Array product = collect(
        map_rows(zip(x, {w}), {n}, DType::float64, [](const Leaf& in, const Tile& out, Stream&) {
          for (std::int64_t i = 0; i < out.rows; ++i)
            out.as<double>()[i] = in.tile.as<double>()[i * 3] * in.beside[0].as<float>()[i];
        }));
    test::expect_elements<double>(product, [](std::int64_t i) {
      return sample<double>(i * 3) * static_cast<double>(sample<float>(i));
    });
  }
  test::expect_error<ValueError>(
      [] {
        zip(zeros({3, 2}), {zeros({4})});
      },
      "rows beside others must be as many: 4 and 3");
}

TEST(Cached, ComputesOnce) {
  for (const int threads : {1, 3})
    for (const auto n : test::interesting_rows) {
      const auto source = std::make_shared<Counting>(n, false);
      const Rows x = cached(Rows(source));
      const auto own = static_cast<int>(x.distribution().leaves_of(world().rank()).size());
      for (int pass = 0; pass < 3; ++pass) {
        x.for_each_leaf(
            [&](const Leaf& leaf, Stream&) {
              for (std::int64_t k = 0; k < leaf.tile.rows * 3; ++k)
                ASSERT_EQ(leaf.tile.as<double>()[k], sample<double>(leaf.rows.begin * 3 + k));
            },
            threads);
        EXPECT_EQ(source->visits, own);
      }
      test::expect_elements<double>(collect(x), sample<double>);
    }
  const Array x = zeros({3, 2});
  EXPECT_EQ(cached(x).array()->local().data, x.local().data);
}

TEST(Cached, APassThatFailsIsNoHarm) {
  const auto source = std::make_shared<Counting>(2048, false);
  const Rows x = cached(Rows(source));
  try {
    x.for_each_leaf([](const Leaf&, Stream&) { throw ValueError("no"); }, 1);
  } catch (const ValueError&) {
  }
  test::expect_elements<double>(collect(x), sample<double>);
}

TEST(Categories, StayWhenRowsMoveAndGoWhenTheyAreComputedWith) {
  const std::vector<std::string> words = {"no", "yes"};
  const Array x = test::make<std::int64_t>({700}, [](auto i) { return i % 2; }).categorized(words);
  EXPECT_EQ(x.categories(), words);
  EXPECT_EQ(gather(x).categories(), words);
  EXPECT_EQ(redistribute(gather(x), x.distribution()).categories(), words);
  EXPECT_EQ(x.reshape({700, 1}).categories(), words);
  EXPECT_EQ(x.to(cpu).categories(), words);
  EXPECT_EQ(Rows(x).categories(), words);
  EXPECT_EQ(collect(x).categories(), words);
  EXPECT_EQ(select(x, Range{3, 500}).categories(), words);
  EXPECT_EQ(take_rows(x, std::vector<std::int64_t>{1, 2}).categories(), words);
  EXPECT_TRUE(x.astype(DType::int32).categories().empty());
  EXPECT_TRUE(x.categorized({}).categories().empty());
  const std::string refused = "could not convert string to float: 'no'";
  test::expect_error<ValueError>([&] { x.astype(DType::float32); }, refused);
  test::expect_error<ValueError>([&] { Rows(x).as(DType::float64); }, refused);
  test::expect_error<ValueError>([&] { zeros({3}).categorized(words); },
                                 "categories need integers as codes, got float64");
}

}  // namespace
}  // namespace tessera
