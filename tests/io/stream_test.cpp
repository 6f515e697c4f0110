#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <numeric>
#include <set>
#include <thread>

#include <tessera/io/dataset.hpp>
#include <tessera/runtime/error.hpp>

#include "scratch.hpp"

namespace tessera {
namespace {

using test::error_of;
using test::Scratch;

class StreamTest : public testing::Test {
 protected:
  StreamTest() {
    io::write(file, "/x", arange(0, 3 * rows).reshape({3 * rows}));
    x = io::stream(file, "/x");
  }
  static constexpr std::int64_t rows = 10007;
  Scratch folder;
  const std::string file = folder / "x.h5";
  std::optional<Rows> x;
};

TEST_F(StreamTest, VisitsEveryLeafOnceAndHoldsFew) {
  const Range mine = x->distribution().leaves_of(x->comm().rank());
  for (const int threads : {1, 2, 5}) {
    for (int pass = 0; pass < 2; ++pass) {
      std::mutex mutex;
      std::vector<std::int64_t> visited;
      std::set<void*> buffers;
      x->for_each_leaf(
          [&](const Leaf& leaf, Stream&) {
            for (std::int64_t i = 0; i < leaf.tile.rows; ++i)
              ASSERT_EQ(leaf.tile.as<double>()[i], static_cast<double>(leaf.rows.begin + i));
            const std::lock_guard lock(mutex);
            visited.push_back(leaf.index);
            buffers.insert(leaf.tile.data);
          },
          threads);
      if (threads == 1) {
        EXPECT_TRUE(std::is_sorted(visited.begin(), visited.end()));
      }
      std::sort(visited.begin(), visited.end());
      std::vector<std::int64_t> wanted(static_cast<std::size_t>(mine.size()));
      std::iota(wanted.begin(), wanted.end(), mine.begin);
      EXPECT_EQ(visited, wanted);
      EXPECT_LE(buffers.size(), static_cast<std::size_t>(threads) + 2);
    }
  }
}

TEST_F(StreamTest, RethrowsTheFailureOfTheLowestLeaf) {
  const Range mine = x->distribution().leaves_of(x->comm().rank());
  for (const int threads : {1, 2, 4}) {
    for (int attempt = 0; attempt < 10; ++attempt) {
      std::string error;
      try {
        x->for_each_leaf(
            [&](const Leaf& leaf, Stream&) {
              if (leaf.index < mine.begin + 3) return;
              if (leaf.index == mine.begin + 3)
                std::this_thread::sleep_for(std::chrono::milliseconds(2));
              throw ValueError("leaf " + std::to_string(leaf.index - mine.begin));
            },
            threads);
      } catch (const Error& e) {
        error = e.what();
      }
      EXPECT_EQ(error, mine.size() > 3 ? "leaf 3" : "");
    }
  }
  EXPECT_EQ(collect(*x).rows(), 3 * rows);
}

TEST_F(StreamTest, ReadErrorsEndThePass) {
  test::on_rank_0([&] { std::filesystem::resize_file(file, 3000); });
  const std::string error = error_of([&] { collect(*x); });
  EXPECT_TRUE(error.starts_with("OSError: cannot read dataset '/x' of '" + file + "'") ||
              error.starts_with("OSError: cannot open '" + file + "'"))
      << error;
  test::on_rank_0([&] { std::filesystem::remove(file); });
  EXPECT_TRUE(error_of([&] { collect(*x); }).starts_with("OSError: cannot open '" + file + "'"));
}

TEST_F(StreamTest, PassesInsidePasses) {
  std::atomic<std::int64_t> inner{0};
  std::int64_t outer = 0;
  x->for_each_leaf(
      [&](const Leaf&, Stream&) {
        if (outer++ == 0) x->for_each_leaf([&](const Leaf&, Stream&) { ++inner; }, 2);
      },
      1);
  EXPECT_EQ(inner, outer);
}

}  // namespace
}  // namespace tessera
