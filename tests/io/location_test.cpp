#include <gtest/gtest.h>

#include <filesystem>

#include <tessera/io/dataset.hpp>
#include <tessera/io/location.hpp>
#include <tessera/io/model_file.hpp>
#include <tessera/runtime/error.hpp>

#include "scratch.hpp"

namespace tessera {
namespace {

using test::error_of;
using test::Scratch;

TEST(Location, Parses) {
  const auto parts = [](const std::string& text) {
    const auto l = io::parse_location(text);
    return std::pair(l.file, l.dataset);
  };
  using P = std::pair<std::string, std::string>;
  EXPECT_EQ(parts("a.h5:/X"), P("a.h5", "/X"));
  EXPECT_EQ(parts("dir/a.h5:/g/X"), P("dir/a.h5", "/g/X"));
  EXPECT_EQ(parts("a.h5"), P("a.h5", ""));
  EXPECT_EQ(parts("a.h5:/"), P("a.h5", ""));
  EXPECT_EQ(parts("odd:/name.h5:/X"), P("odd:/name.h5", "/X"));
  EXPECT_EQ(error_of([] { io::parse_location(":/X"); }),
            "ValueError: expected FILE.h5 or FILE.h5:/dataset, got ':/X'");
  EXPECT_EQ(io::to_string({"a.h5", "/X"}), "a.h5:/X");
}

TEST(Location, ColonsInNames) {
  const Scratch folder;
  const std::string file = folder / "a.h5";
  const std::string odd = folder / "b:/c.h5";
  test::on_rank_0([&] { std::filesystem::create_directory(folder / "b:"); });
  const auto check = [](const std::string& text, const std::string& path, const std::string& name) {
    const auto l = io::parse_location(text);
    EXPECT_EQ(l.file, path);
    EXPECT_EQ(l.dataset, name);
  };
  for (const bool written : {false, true}) {
    check(file + ":/a:/x", file, "/a:/x");
    check(file + ":/x:/", file, "/x:/");
    check(odd + ":/a:/x", odd, "/a:/x");
    if (written) check(odd, odd, "");
    io::write(file, "/a:/x", arange(0, 10));
    io::write(odd, "/a:/x", arange(0, 10));
  }
  EXPECT_EQ(io::read(file + ":/a:/x").shape(), Shape{10});
  EXPECT_EQ(io::read(odd).shape(), Shape{10});
}

TEST(Location, FindsTheOnlyDataset) {
  const Scratch folder;
  const std::string file = folder / "a.h5";
  io::write(file, "/g/X", arange(0, 10));
  EXPECT_EQ(io::resolve({file, ""}).dataset, "/g/X");
  EXPECT_EQ(io::resolve({file, "/other"}).dataset, "/other");
  EXPECT_EQ(io::read(file).shape(), Shape{10});
  EXPECT_EQ(io::read(file + ":/g/X").shape(), Shape{10});
  io::write(file, "/y", zeros({2, 3}, DType::int8));
  EXPECT_EQ(error_of([&] { io::read(file); }),
            "ValueError: '" + file + "' holds 2 datasets; name one of: " + file +
                ":/g/X (10,) float64, " + file + ":/y (2, 3) int8");
  EXPECT_EQ(
      io::datasets_json(file),
      R"([{"name":"/g/X","shape":[10],"dtype":"float64"},{"name":"/y","shape":[2,3],"dtype":"int8"}])");
}

}  // namespace
}  // namespace tessera
