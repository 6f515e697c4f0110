#include <tessera/runtime/rows.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <set>

#include "support/near.hpp"

#include <tessera/runtime/visit.hpp>

namespace tessera {
namespace {

using test::sample;

Communicator world() { return Communicator::world(); }
std::string on_rank(const std::string& text, int rank) {
  return world().size() == 1 ? text : text + " (rank " + std::to_string(rank) + ")";
}

TEST(Rows, AnArrayIsRows) {
  const Array x = test::make<float>({1031, 2, 3});
  const Rows rows = x;
  EXPECT_EQ(rows.shape(), x.shape());
  EXPECT_EQ(rows.ndim(), 3);
  EXPECT_EQ(rows.rows(), 1031);
  EXPECT_EQ(rows.cols(), 6);
  EXPECT_EQ(rows.dtype(), DType::float32);
  EXPECT_EQ(rows.device(), cpu);
  EXPECT_TRUE(rows.distribution() == x.distribution());
  ASSERT_NE(rows.array(), nullptr);
  EXPECT_EQ(rows.array()->local().data, x.local().data);
  EXPECT_EQ(collect(rows).local().data, x.local().data) << "no copy is needed";
}

TEST(Rows, VisitsEveryOwnLeafOnce) {
  for (const auto n : test::interesting_rows)
    for (const bool split : {true, false})
      for (const int threads : {1, 2, 3}) {
        const Array all = test::make<double>({n, 3});
        const Array x = split ? all : gather(all);
        std::mutex mutex;
        std::vector<std::int64_t> seen;
        Rows(x).for_each_leaf(
            [&](const Leaf& leaf, Stream& stream) {
              const std::lock_guard lock(mutex);
              stream.scratch(10);
              seen.push_back(leaf.index);
              EXPECT_EQ(leaf.rows, x.distribution().rows_of_leaf(leaf.index));
              ASSERT_EQ(leaf.tile.rows, leaf.rows.size());
              ASSERT_EQ(leaf.tile.cols, 3);
              for (std::int64_t i = 0; i < leaf.tile.rows; ++i)
                for (std::int64_t j = 0; j < 3; ++j)
                  ASSERT_EQ(leaf.tile.as<double>()[i * leaf.tile.stride + j],
                            sample<double>((leaf.rows.begin + i) * 3 + j));
            },
            threads);
        if (threads > 1) std::sort(seen.begin(), seen.end());  // in order with one thread
        std::vector<std::int64_t> expected;
        const Range leaves = x.distribution().leaves_of(world().rank());
        for (std::int64_t i = leaves.begin; i < leaves.end; ++i) expected.push_back(i);
        EXPECT_EQ(seen, expected);
      }
}

TEST(Rows, RefusesWhatHasNoRows) {
  test::expect_error<ValueError>([] { Rows rows{Array()}; },
                                 "expected an array, got an empty Array handle");
  const int p = world().size();
  const Array cyclic(Shape{30, 2}, DType::float64, Distribution::block_cyclic(30, 2, 1, p, 4, 4, p),
                     world());
  test::expect_error<ValueError>(
      [&] { Rows rows{cyclic}; },
      "a block-cyclic array has no rows to hand out; redistribute it by rows first");
}

TEST(Rows, ReadsEveryRealDtypeAsFloating) {
  for (int i = 0; i < dtype_count; ++i)
    visit(static_cast<DType>(i), [](auto tag) {
      using T = typename decltype(tag)::type;
      for (const std::int64_t n : {0, 1, 700}) {
        const Array x = test::make<T>({n, 3});
        if constexpr (test::is_complex_type<T>::value) {
          test::expect_error<TypeError>(
              [&] { Rows(x).as(DType::float64); },
              fmt::format("cannot read {} data as float64", name_of(dtype_of<T>)));
        } else {
          const Rows f = Rows(x).as(DType::float32);
          EXPECT_EQ(f.dtype(), DType::float32);
          EXPECT_EQ(f.shape(), x.shape());
          test::expect_elements<float>(
              collect(f), [](std::int64_t k) { return static_cast<float>(sample<T>(k)); });
          test::expect_elements<double>(collect(Rows(x).as(DType::float64)), [](std::int64_t k) {
            return static_cast<double>(sample<T>(k));
          });
        }
      }
    });
  const Array x = zeros({3});
  EXPECT_NE(Rows(x).as(DType::float64).array(), nullptr) << "no conversion is needed";
  test::expect_error<TypeError>([&] { Rows(x).as(DType::int32); },
                                "cannot read float64 data as int32");
}

// Doubles the columns: column j and column cols + j of the result are x and -x.
Rows with_negative(const Rows& x) {
  return map_rows(x, {x.rows(), 2 * x.cols()}, DType::float64,
                  [](const Leaf& in, const Tile& out, Stream&) {
                    for (std::int64_t i = 0; i < out.rows; ++i)
                      for (std::int64_t j = 0; j < in.tile.cols; ++j) {
                        const double v = in.tile.as<double>()[i * in.tile.stride + j];
                        out.as<double>()[i * out.stride + j] = v;
                        out.as<double>()[i * out.stride + in.tile.cols + j] = -v;
                      }
                  });
}
double with_negative_at(std::int64_t flat, std::int64_t cols) {
  const std::int64_t row = flat / (2 * cols);
  const std::int64_t col = flat % (2 * cols);
  return col < cols ? sample<double>(row * cols + col) : -sample<double>(row * cols + col - cols);
}

TEST(Rows, MapsLeafByLeaf) {
  for (const auto n : test::interesting_rows)
    for (const int threads : {1, 3}) {
      Runtime::set_threads(threads);
      const Array x = test::make<double>({n, 3});
      const Rows y = with_negative(x);
      EXPECT_EQ(y.array(), nullptr);
      EXPECT_EQ(y.cols(), 6);
      const Array all = collect(y);
      EXPECT_TRUE(all.distribution() == x.distribution());
      test::expect_elements<double>(all, [](std::int64_t k) { return with_negative_at(k, 3); });
      test::expect_elements<double>(collect(with_negative(gather(x))),
                                    [](std::int64_t k) { return with_negative_at(k, 3); });
    }
  Runtime::set_threads(1);
}

TEST(Rows, MapsMapsOfMaps) {
  const Array x = test::make<double>({1031, 3});
  // Three maps deep on the same thread: each must have memory of its own.
  const Rows y = with_negative(with_negative(Rows(x).as(DType::float32).as(DType::float64)));
  test::expect_elements<double>(collect(y), [](std::int64_t flat) {
    const std::int64_t col = flat % 12;
    const std::int64_t row = flat / 12;
    const double v = static_cast<float>(sample<double>(row * 3 + col % 3));
    const bool negative = (col / 3 == 1) || (col / 3 == 2);
    return negative ? -v : v;
  });
}

TEST(Rows, MapsScalars) {
  const Rows y = Rows(full({}, 7, DType::int32)).as(DType::float64);
  EXPECT_EQ(y.ndim(), 0);
  EXPECT_EQ(y.rows(), 1);
  EXPECT_EQ(y.cols(), 1);
  EXPECT_EQ(collect(y).at<double>({}), 7);
}

TEST(Rows, MapRefusesAnotherNumberOfRows) {
  const Array x = zeros({30, 2});
  test::expect_error<ValueError>(
      [&] {
        map_rows(x, {31, 2}, DType::float64, [](const Leaf&, const Tile&, Stream&) {});
      },
      "map_rows keeps the 30 rows of its input; got shape (31, 2)");
}

TEST(Rows, TakesRowsOfAMap) {
  const Array x = test::make<double>({1031, 3});
  const std::vector<std::int64_t> indices = {1030, 0, 256, 255, 0};
  for (const Rows& y : {with_negative(x), with_negative(gather(x))}) {
    const Array some = take_rows(y, indices);
    EXPECT_EQ(some.shape(), (Shape{5, 6}));
    EXPECT_EQ(some.distribution().kind(), Distribution::Kind::replicated);
    test::expect_elements<double>(some, [&](std::int64_t flat) {
      return with_negative_at(indices[static_cast<std::size_t>(flat / 6)] * 6 + flat % 6, 3);
    });
    const std::vector<std::int64_t> beyond = {1031};
    test::expect_error<ValueError>([&] { take_rows(y, beyond); },
                                   "row 1031 is outside an array of shape (1031, 6)");
  }
}

TEST(Rows, WhatAMapThrowsIsThrownEverywhere) {
  const Array x = test::make<double>({2000, 2});
  const Rows y = map_rows(x, x.shape(), DType::float64, [](const Leaf& in, const Tile&, Stream&) {
    if (in.index >= 5) throw ValueError("leaf " + std::to_string(in.index));
  });
  const int owner = x.distribution().owner_of_row(5 * 256);
  // At seven processes each leaf but the last is alone; the lowest rank's lowest leaf is named.
  test::expect_error<ValueError>([&] { collect(y); }, on_rank("leaf 5", owner));
  const std::vector<std::int64_t> there = {5 * 256};
  test::expect_error<ValueError>([&] { take_rows(y, there); }, on_rank("leaf 5", owner));
}

TEST(ParallelFor, RunsEveryIndexOnceAndRethrowsTheLowest) {
  for (const int threads : {1, 2, 3}) {
    std::vector<std::atomic<int>> count(100);
    parallel_for({10, 90}, threads,
                 [&](std::int64_t i, Stream&) { ++count[static_cast<std::size_t>(i)]; });
    for (std::int64_t i = 0; i < 100; ++i)
      EXPECT_EQ(count[static_cast<std::size_t>(i)], i >= 10 && i < 90 ? 1 : 0) << i;
    test::expect_error<ValueError>(
        [&] {
          parallel_for({0, 50}, threads, [](std::int64_t i, Stream&) {
            if (i % 10 == 7) throw ValueError("at " + std::to_string(i));
          });
        },
        "at 7");
    parallel_for({5, 5}, threads, [](std::int64_t, Stream&) { FAIL(); });
  }
}

TEST(Rows, TakingRowsReadsTheirLeavesAlone) {
  const Array x = test::make<double>({5003, 2});
  std::atomic<int> visits{0};
  const Rows counted =
      map_rows(x, x.shape(), x.dtype(), [&](const Leaf& in, const Tile& out, Stream&) {
        ++visits;
        std::copy_n(in.tile.as<double>(), in.tile.rows * in.tile.cols, out.as<double>());
      });
  const std::vector<std::int64_t> indices = {4999, 3, 700, 5};
  const Array some = take_rows(counted, indices);
  for (std::size_t i = 0; i < indices.size(); ++i)
    EXPECT_EQ(some.values<double>()[2 * i], x.at<double>({indices[i], 0}));
  std::vector<int> all = {visits};
  world().all_reduce(std::span(all), Reduce::sum);
  EXPECT_EQ(all[0], 3) << "rows 3 and 5 share a leaf";
}

}  // namespace
}  // namespace tessera
