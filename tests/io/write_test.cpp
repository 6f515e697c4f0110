#include <fmt/format.h>
#include <gtest/gtest.h>
#include <hdf5.h>
#include <sys/resource.h>

#include <atomic>
#include <csignal>
#include <cstring>
#include <filesystem>

#include <tessera/io/dataset.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/visit.hpp>

#include "scratch.hpp"

namespace tessera {
namespace {

using test::error_of;
using test::Scratch;
using test::shared_bytes;

// Values that need every byte of the dtype.
Array sample(const Shape& shape, DType dtype) {
  Array x = empty(shape, dtype);
  const Tile t = x.local();
  visit(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (std::int64_t i = 0; i < t.rows * t.cols; ++i) {
      const std::int64_t global = x.local_rows().begin * t.cols + i;
      if constexpr (std::is_same_v<T, bool>)
        t.as<T>()[i] = global % 3 == 1;
      else if constexpr (std::is_integral_v<T>)
        t.as<T>()[i] =
            static_cast<T>(static_cast<std::uint64_t>(global) * 0x9e3779b97f4a7c15U >> 3);
      else if constexpr (std::is_floating_point_v<T>)
        t.as<T>()[i] = static_cast<T>(1) / static_cast<T>(global + 3);
      else
        t.as<T>()[i] = T(1.5F / static_cast<float>(global + 1), -static_cast<float>(global));
    }
  });
  return x;
}

bool same(const Array& a, const Array& b) {
  if (a.shape() != b.shape() || a.dtype() != b.dtype() || !(a.distribution() == b.distribution()))
    return false;
  const Tile s = a.local();
  const std::size_t bytes = static_cast<std::size_t>(s.rows * s.cols) * size_of(a.dtype());
  return bytes == 0 || std::memcmp(s.data, b.local().data, bytes) == 0;
}

// Rows that are computed when read, so that writing cannot fall back on an array.
Rows lazily(const Array& x) {
  return map_rows(x, x.shape(), x.dtype(), [](const Leaf& in, const Tile& out, Stream&) {
    std::memcpy(out.data, in.tile.data,
                static_cast<std::size_t>(out.rows * out.cols) * size_of(out.dtype));
  });
}

TEST(Written, HoldsNoTimes) {
  const Scratch folder;
  const std::string file = folder / "x.h5";
  const Array x = sample({300, 2}, DType::float64);
  io::write(file, "/a/b/x", x);
  io::write(file, "/a/y", x);
  test::on_rank_0([&] {
    const hid_t id = H5Fopen(file.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
    for (const char* object : {"/", "/a", "/a/b", "/a/b/x", "/a/y"}) {
      H5O_info_t info{};
      EXPECT_GE(H5Oget_info_by_name2(id, object, &info, H5O_INFO_TIME, H5P_DEFAULT), 0);
      EXPECT_EQ(info.btime, 0) << object;
      EXPECT_EQ(info.mtime, 0) << object;
    }
    H5Fclose(id);
  });
}

class RoundTrip : public testing::TestWithParam<DType> {};

TEST_P(RoundTrip, EveryShapeThreeWays) {
  const test::Trusting trusting;  // hundreds of reads of files written here
  const Scratch folder;
  const std::string file = folder / "x.h5";
  // Nothing, one, fewer than processes, a prime, one leaf, several leaves, no columns, n-d.
  for (const Shape& shape :
       {Shape{0}, Shape{0, 3}, Shape{1}, Shape{2, 2}, Shape{251, 3}, Shape{256, 2}, Shape{1283, 2},
        Shape{5, 0}, Shape{521, 2, 3}, Shape{}}) {
    const Array x = sample(shape, GetParam());
    io::write(file, "/group/inner/x", x);
    io::write(file, "/lazy", lazily(x));
    for (const std::string name : {"/group/inner/x", "/lazy"}) {
      EXPECT_TRUE(same(io::read(file, name), x)) << name << to_string(shape);
      EXPECT_TRUE(same(io::read(file, name, {.collective = true}), x)) << name << to_string(shape);
      EXPECT_TRUE(same(collect(io::stream(file, name)), x)) << name << to_string(shape);
    }
  }
  EXPECT_EQ(folder.names(), std::vector<std::string>{"x.h5"});
}

INSTANTIATE_TEST_SUITE_P(DTypes, RoundTrip,
                         testing::Values(DType::boolean, DType::int8, DType::int16, DType::int32,
                                         DType::int64, DType::uint8, DType::uint16, DType::uint32,
                                         DType::uint64, DType::float32, DType::float64,
                                         DType::complex64, DType::complex128),
                         [](const auto& info) { return std::string(name_of(info.param)); });

TEST(Write, CollectiveReadsAreCollective) {
  const Scratch folder;
  const Array x = sample({5000, 4}, DType::float32);
  io::write(folder / "x.h5", "/x", x);
  bool collective = false;
  EXPECT_TRUE(same(
      io::read(folder / "x.h5", "/x", {.collective = true, .was_collective = &collective}), x));
  EXPECT_TRUE(collective);
  io::read(folder / "x.h5", "/x", {.was_collective = &collective});
  EXPECT_FALSE(collective);
  io::write(folder / "bool.h5", "/x", zeros({300, 4}, DType::boolean));
  std::string why;
  io::read(folder / "bool.h5", "/x",
           {.collective = true, .was_collective = &collective, .why_independent = &why});
  EXPECT_FALSE(collective);
  EXPECT_EQ(why, "its numbers must be converted");
}

TEST(Write, KeepsOtherDatasetsAndReplacesItsOwn) {
  const Scratch folder;
  const std::string file = folder / "data.h5";
  const Array x = sample({700, 3}, DType::float64);
  const Array labels = sample({700}, DType::int32);
  io::write(file, "X", x);
  io::write(file, "/labels", labels);
  io::write(file, "/labels", sample({700}, DType::int64));
  io::write(file, "/labels", labels);
  EXPECT_TRUE(same(io::read(file, "/X"), x));
  EXPECT_TRUE(same(io::read(file, "/labels"), labels));
  const auto all = io::list_datasets(file);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].name, "/X");
  EXPECT_EQ(all[0].shape, (Shape{700, 3}));
  EXPECT_EQ(all[1].dtype, DType::int32);
}

TEST(Write, SeveralDatasetsAreAllWrittenOrNone) {
  const Scratch folder;
  const std::string file = folder / "data.h5";
  const Array x = sample({700, 3}, DType::float64);
  const Array none = sample({0, 3}, DType::float32);
  const Array all = gather(sample({4}, DType::complex64));
  for (const auto& other : {x, sample({700, 3}, DType::int8)}) {  // made, replaced, added to
    io::write(file, {{"/X", other}, {"/group/none", none}, {"/lazy", lazily(x)}, {"/all", all}});
    EXPECT_TRUE(same(io::read(file, "/X"), other));
    EXPECT_TRUE(same(gather(io::read(file, "/all")), all));
    EXPECT_TRUE(same(io::read(file, "/lazy"), x));
    EXPECT_EQ(io::read(file, "/group/none").shape(), none.shape());
  }
  const std::string before = shared_bytes(file);
  EXPECT_NE(error_of([&] { io::write(file, {{"/all", x}, {"/group", x}}); }), "");
  EXPECT_EQ(shared_bytes(file), before);
  io::write(file, {});
  EXPECT_EQ(shared_bytes(file), before);
}

TEST(Write, ReadsAndWritesTheSameFile) {
  const Scratch folder;
  const std::string file = folder / "data.h5";
  const Array x = sample({1500, 3}, DType::float32);
  io::write(file, "/X", x);
  io::write(file, "/Z", io::stream(file, "/X").as(DType::float64));
  EXPECT_TRUE(same(io::read(file, "/Z"), x.astype(DType::float64)));
  io::write(file, "/X", io::stream(file, "/Z"));
  EXPECT_TRUE(same(io::read(file, "/X"), x.astype(DType::float64)));
}

// Rows of which rank 0 does `meanwhile` when the first leaf is read: while they are written.
Rows with(const Array& x, const std::function<void()>& meanwhile) {
  const auto done = std::make_shared<std::atomic<bool>>(x.comm().rank() != 0);
  return map_rows(x, x.shape(), x.dtype(), [=](const Leaf& in, const Tile& out, Stream&) {
    if (!done->exchange(true)) meanwhile();
    std::memcpy(out.data, in.tile.data,
                static_cast<std::size_t>(out.rows * out.cols) * size_of(out.dtype));
  });
}

TEST(Write, WhatAnotherJobWritesMeanwhileIsKept) {
  const Scratch folder;
  const Array x = sample({700, 3}, DType::float64);
  const Array theirs = replicated(std::vector<double>{1, 2, 3}, {3}, Communicator::self());
  const auto read = [](const std::string& file, const std::string& name) {
    return io::read(file, name);
  };
  const auto writes = [&](const std::string& file, const std::string& name) {
    return [=] { io::write(file, name, theirs); };
  };
  // Neither job found a file, both found one, or one that holds nothing but what is replaced.
  for (const std::string before : {"", "/before", "/X"}) {
    const std::string file = folder / (before.empty() ? "new.h5" : before.substr(1) + ".h5");
    if (!before.empty()) io::write(file, before, x.astype(DType::float32));
    io::write(file, {{"/X", with(x, writes(file, "/g/theirs"))}, {"/g/ours", x}});
    EXPECT_TRUE(same(read(file, "/X"), x)) << before;
    EXPECT_TRUE(same(read(file, "/g/ours"), x)) << before;
    EXPECT_EQ(read(file, "/g/theirs").rows(), 3) << before;
    EXPECT_EQ(io::list_datasets(file).size(), before == "/before" ? 4U : 3U);
    io::write(file, "/X", with(x, writes(file, "/X")));  // the last one stays
    EXPECT_TRUE(same(read(file, "/X"), x)) << before;
  }
  const std::string file = folder / "new.h5";
  io::write(file, "/again", with(x, [&] { std::filesystem::remove(file); }));
  EXPECT_TRUE(same(read(file, "/again"), x));

  // What cannot be brought together is refused, and nothing of theirs is lost.
  EXPECT_EQ(error_of([&] { io::write(file, "/a/x", with(x, writes(file, "/a"))); }),
            "ValueError: cannot write dataset '/a/x' of '" + file + "': '/a' is not a group");
  EXPECT_EQ(read(file, "/a").rows(), 3);
  EXPECT_TRUE(same(read(file, "/again"), x));
  EXPECT_EQ(
      error_of([&] { io::write(file, "/x", with(x, [&] { test::put_file(file, "text"); })); }),
      "OSError: '" + file + "' is not an HDF5 file");
  EXPECT_EQ(shared_bytes(file), "text");
  EXPECT_EQ(folder.names(), (std::vector<std::string>{"X.h5", "before.h5", "new.h5"}));
}

TEST(Write, ManyJobsAddToOneFile) {
  const Scratch folder;
  const std::string file = folder / "x.h5";
  const Communicator world = Communicator::world();
  constexpr int rounds = 5;
  for (int i = 0; i < rounds; ++i)  // each process is a job of its own
    io::write(file, fmt::format("/rank{}/{}", world.rank(), i),
              replicated(std::vector<double>{1.0 * i}, {1}, Communicator::self()));
  world.barrier();
  EXPECT_EQ(io::list_datasets(file).size(), static_cast<std::size_t>(world.size() * rounds));
  EXPECT_EQ(folder.names(), std::vector<std::string>{"x.h5"});
}

TEST(Write, ReplicatedArray) {
  const Scratch folder;
  const std::vector<double> values = {1, 2, 3, 4, 5, 6};
  const Array x = replicated(values, {3, 2}, Communicator::world());
  io::write(folder / "x.h5", "/x", x);
  EXPECT_TRUE(same(gather(io::read(folder / "x.h5", "/x")), x));
}

TEST(Write, RefusesBadPaths) {
  const Scratch folder;
  const std::string file = folder / "x.h5";
  const Array x = sample({3}, DType::float32);
  io::write(file, "/group/x", x);
  EXPECT_EQ(error_of([&] { io::write(file, "/", x); }),
            "ValueError: expected the path of a dataset such as /X, got '/'");
  EXPECT_EQ(
      error_of([&] { io::write(file, "/group", x); }),
      "ValueError: cannot write dataset '/group' of '" + file + "': there is a group of that name");
  EXPECT_EQ(
      error_of([&] { io::write(file, "/group/x/y", x); }),
      "ValueError: cannot write dataset '/group/x/y' of '" + file + "': '/group/x' is not a group");
  EXPECT_TRUE(same(io::read(file, "/group/x"), x));
  EXPECT_EQ(folder.names(), std::vector<std::string>{"x.h5"});
}

TEST(Write, RefusesUnwritableTargets) {
  const Scratch folder;
  const Array x = sample({3}, DType::float32);
  test::on_rank_0([&] {
    test::put_file(folder / "notes.txt", "mine");
    std::filesystem::create_directory(folder / "folder.h5");
  });
  EXPECT_EQ(error_of([&] { io::write(folder / "notes.txt/x.h5", "/x", x); }),
            "OSError: cannot write '" + (folder / "notes.txt/x.h5") + "': Not a directory");
  EXPECT_EQ(error_of([&] { io::write(folder / "missing/x.h5", "/x", x); }),
            "OSError: cannot write '" + (folder / "missing/x.h5") + "': No such file or directory");
  EXPECT_EQ(error_of([&] { io::write(folder / "folder.h5", "/x", x); }),
            "OSError: cannot write '" + (folder / "folder.h5") + "': it is a folder");
  EXPECT_EQ(error_of([&] { io::write("/dev/null", "/x", x); }),
            "OSError: cannot write '/dev/null': it is not a regular file");
  EXPECT_EQ(error_of([&] { io::write(folder / "notes.txt", "/x", x); }),
            "OSError: '" + (folder / "notes.txt") + "' is not an HDF5 file");
  EXPECT_EQ(test::file_bytes(folder / "notes.txt"), "mine");
  EXPECT_EQ(folder.names(), (std::vector<std::string>{"folder.h5", "notes.txt"}));
}

// A disk that is full after a megabyte: the kernel refuses to let files grow further.
class SmallDisk {
 public:
  SmallDisk() : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &before_);
    rlimit small = before_;
    small.rlim_cur = 1 << 20;
    setrlimit(RLIMIT_FSIZE, &small);
  }
  ~SmallDisk() {
    setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  void (*handler_)(int);
  rlimit before_{};
};

TEST(Write, AFullDiskIsAnErrorAndTheOldFileStays) {
  const Scratch folder;
  const std::string file = folder / "x.h5";
  const Array old = sample({2000, 2}, DType::float64);
  const Array x = sample({20000, 40}, DType::float64);
  io::write(file, "/x", old);
  for (const Rows& rows : {Rows(x), lazily(x)}) {
    const SmallDisk small;
    EXPECT_EQ(error_of([&] { io::write(file, "/x", rows); }),
              "OSError: cannot write '" + file + "': File too large");
  }
  EXPECT_TRUE(same(io::read(file, "/x"), old));
  EXPECT_EQ(folder.names(), std::vector<std::string>{"x.h5"});
}

TEST(Write, LeavesNothingBehindWhenTheRowsFail) {
  const Scratch folder;
  const std::string file = folder / "x.h5";
  const Array x = sample({2000, 2}, DType::float64);
  io::write(file, "/x", x);
  const Rows broken = map_rows(x, x.shape(), x.dtype(), [](const Leaf& in, const Tile&, Stream&) {
    if (in.rows.end == 2000) throw ValueError("NaN in row 1999");
  });
  const std::string error = error_of([&] { io::write(file, "/x", broken); });
  EXPECT_TRUE(error.starts_with("ValueError: NaN in row 1999")) << error;
  EXPECT_TRUE(same(io::read(file, "/x"), x));
  EXPECT_EQ(folder.names(), std::vector<std::string>{"x.h5"});
}

}  // namespace
}  // namespace tessera
