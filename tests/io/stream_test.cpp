#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <numeric>
#include <set>
#include <thread>

#include <tessera/io/convert.hpp>
#include <tessera/io/dataset.hpp>
#include <tessera/io/readable.hpp>
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
  EXPECT_TRUE(error.starts_with("OSError: '" + file + "' changed while it was read: it had "))
      << error;
  test::on_rank_0([&] { std::filesystem::remove(file); });
  EXPECT_TRUE(error_of([&] { collect(*x); }).starts_with("OSError: cannot read '" + file + "'"));
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

// What may happen to a file while a job runs. Each keeps the size but for the first.
const std::vector<std::pair<std::string, std::function<void(const std::string&)>>>& changes() {
  namespace fs = std::filesystem;
  const auto overwrite = [](const std::string& file) {
    std::fstream out(file, std::ios::binary | std::ios::in | std::ios::out);
    out.seekp(static_cast<std::streamoff>(fs::file_size(file) / 3));
    out << std::string(4000, '7');
  };
  static const std::vector<std::pair<std::string, std::function<void(const std::string&)>>> all = {
      {"truncated",
       [](const std::string& file) { fs::resize_file(file, fs::file_size(file) / 2); }},
      {"cut and filled up",
       [](const std::string& file) {
         const auto size = fs::file_size(file);
         fs::resize_file(file, size / 2);
         fs::resize_file(file, size);
       }},
      {"overwritten", overwrite},
      {"overwritten, and its time set back",
       [=](const std::string& file) {
         const auto time = fs::last_write_time(file);
         overwrite(file);
         fs::last_write_time(file, time);
       }},
      {"replaced",
       [=](const std::string& file) {
         fs::copy_file(file, file + ".new");
         overwrite(file + ".new");
         fs::rename(file + ".new", file);
       }},
  };
  return all;
}

// HDF5 1.10 reads zeros where a file has ended. Every pass compares.
TEST(ChangingInput, IsAnErrorBetweenPassesAndDuringOne) {
  namespace fs = std::filesystem;
  const Scratch folder;
  constexpr std::int64_t rows = 40000;
  const std::string h5 = folder / "x.h5";
  const std::string npy = folder / "x.npy";
  const std::string csv = folder / "x.csv";
  const auto make = [&] {
    test::on_rank_0([&] {
      fs::remove(h5);
      std::string head = "{'descr': '<f8', 'fortran_order': False, 'shape': (40000,), }";
      head.resize(118, ' ');
      std::string numbers(rows * 8, '\1');
      test::put_file(npy, std::string("\x93NUMPY\1\0\x76\0", 10) + head + numbers);
      std::string lines;
      for (std::int64_t i = 0; i < rows; ++i) lines += "77777777\n";
      test::put_file(csv, lines);
    });
    io::write(h5, "/x", arange(0, rows));
  };
  const auto open = [&](const std::string& file) {
    return file == h5    ? io::stream(h5, "/x")
           : file == npy ? io::stream_npy(npy)
                         : io::stream_csv(csv);
  };
  const auto total = [](const Rows& x, const std::function<void()>& first) {
    std::atomic<bool> done = x.comm().rank() != 0;
    std::atomic<std::int64_t> sum = 0;
    together(x.comm(), [&] {
      x.for_each_leaf([&](const Leaf& leaf, Stream&) {
        if (!done.exchange(true)) first();
        for (std::int64_t i = 0; i < leaf.tile.rows; ++i)
          sum += static_cast<std::int64_t>(leaf.tile.as<double>()[i]);
      });
    });
    std::array<std::int64_t, 1> all = {sum};
    x.comm().all_reduce(std::span(all), Reduce::sum);
    return all[0];
  };
  for (const auto& [name, change] : changes())
    for (const std::string& file : {h5, npy, csv}) {
      make();
      const Rows x = open(file);
      const auto before = total(x, [] {});
      test::on_rank_0([&, &change = change] { change(file); });
      const auto changed = "OSError: '" + file + "' changed while it was read: ";
      const std::string between = error_of([&] { total(x, [] {}); });
      EXPECT_TRUE(between.starts_with(changed)) << name << ": " << between;
      make();
      const Rows again = open(file);
      std::int64_t sum = before;
      const std::string during =
          error_of([&, &change = change] { sum = total(again, [&] { change(file); }); });
      // Who has a file open keeps it when another takes its name.
      if (name == "replaced" && during.empty())
        EXPECT_EQ(sum, before) << file;
      else
        EXPECT_TRUE(during.starts_with(changed)) << name << ": " << during;
      if (name == "truncated") {
        EXPECT_NE(between.find("it had "), std::string::npos) << between;
      }
    }
}

TEST(ChangingInput, TouchedAndLinkedFilesAreTheSame) {
  const Scratch folder;
  const std::string file = folder / "x.h5";
  io::write(file, "/x", arange(0, 5000));
  const Rows x = io::stream(file, "/x");
  test::on_rank_0([&] {
    std::filesystem::create_hard_link(file, folder / "link.h5");
    std::filesystem::permissions(file, std::filesystem::perms::owner_read);
  });
  EXPECT_EQ(collect(x).rows(), 5000);
}

// X and y of one file: not X of the old one and y of the new one.
TEST(ChangingInput, IsAnErrorBetweenTwoInputs) {
  const Scratch folder;
  const std::string file = folder / "x.h5";
  const auto make = [&] { io::write(file, {{"/X", arange(0, 5000)}, {"/y", arange(0, 5000)}}); };
  make();
  {
    const io::InputsStay stay;
    io::read(file, "/X");
    io::read(file, "/y");
    // What the job writes itself is looked at anew; what others put in its place is not.
    make();
    EXPECT_EQ(io::read(file, "/y").rows(), 5000);
    test::on_rank_0([&] {
      std::filesystem::copy_file(file, folder / "other.h5");
      std::filesystem::rename(folder / "other.h5", file);
    });
    const std::string error = error_of([&] { io::read(file, "/y"); });
    EXPECT_TRUE(error.starts_with("OSError: '" + file + "' changed while it was read: ")) << error;
  }
  EXPECT_EQ(io::read(file, "/y").rows(), 5000);
}

// Hosts may see files of their own under one name.
TEST(ChangingInput, FilesThatDifferBetweenProcessesAreRefused) {
  namespace fs = std::filesystem;
  const Communicator world = Communicator::world();
  const Scratch folder;
  const auto here = fs::current_path();
  test::on_rank_0([&] {
    for (int r = 0; r < world.size(); ++r) fs::create_directory(folder / std::to_string(r));
  });
  fs::current_path(folder / std::to_string(world.rank()));
  const auto write = [&](std::int64_t rows, std::int64_t odd_ones) {
    const bool last = world.rank() == world.size() - 1;
    std::vector<double> values(static_cast<std::size_t>(rows));
    for (std::int64_t i = 0; i < rows; ++i)
      values[static_cast<std::size_t>(i)] =
          last && i >= rows / 3 && i < rows / 3 + odd_ones ? 2 : 1;
    io::write("x.h5", "/x", replicated(values, {rows}, Communicator::self()));
    std::string text;
    for (const double v : values) text += v == 1 ? "1\n" : "2\n";
    test::put_file("x.csv", text);
    world.barrier();
  };
  for (const auto& [rows, odd] : std::vector<std::pair<std::int64_t, std::int64_t>>{
           {1000, 0}, {1000, 1}, {1'000'000, 0}, {1'000'000, 10'000}}) {
    write(rows, odd);
    const auto refused = [&](const std::string& file) {
      if (odd == 0 || world.size() == 1) return std::string();
      return fmt::format(
          "OSError: '{}' is not the same file on all processes: their contents of {} bytes differ",
          file, fs::file_size(file));
    };
    EXPECT_EQ(error_of([] { io::read("x.h5", "/x"); }), refused("x.h5")) << odd;
    EXPECT_EQ(error_of([] { io::read("x.h5", "/x", {.collective = true}); }), refused("x.h5"));
    EXPECT_EQ(error_of([] { io::stream("x.h5", "/x"); }), refused("x.h5")) << odd;
    EXPECT_EQ(error_of([] { io::list_datasets("x.h5"); }), refused("x.h5")) << odd;
    EXPECT_EQ(error_of([] { io::stream_csv("x.csv"); }), refused("x.csv")) << odd;
  }
  world.barrier();
  fs::current_path(here);
}

}  // namespace
}  // namespace tessera
