#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <numeric>

#include <tessera/io/convert.hpp>
#include <tessera/io/dataset.hpp>
#include <tessera/runtime/error.hpp>

#include "scratch.hpp"

namespace tessera {
namespace {

using test::error_of;
using test::Scratch;

class Convert : public testing::Test {
 protected:
  Array converted(const std::string& name, const std::string& bytes) {
    put(name, bytes);
    io::convert(folder_ / name, {folder_ / "out.h5", "/x"});
    return gather(io::read(folder_ / "out.h5", "/x"));
  }
  std::string refused(const std::string& name, const std::string& bytes) {
    put(name, bytes);
    const std::string error = error_of([&] {
      io::convert(folder_ / name, {folder_ / "bad.h5", "/x"});
    });
    EXPECT_EQ(folder_.names(), std::vector<std::string>{name});
    test::on_rank_0([&] { std::remove((folder_ / name).c_str()); });
    return error;
  }
  void put(const std::string& name, const std::string& bytes) {
    test::on_rank_0([&] { test::put_file(folder_ / name, bytes); });
  }
  Scratch folder_;
};

std::vector<double> doubles(const Array& x) {
  const auto v = x.values<double>();
  return {v.begin(), v.end()};
}

TEST_F(Convert, CsvOfEverySort) {
  using V = std::vector<double>;
  EXPECT_EQ(doubles(converted("a.csv", "1,2\n3,4\n")), (V{1, 2, 3, 4}));
  EXPECT_EQ(doubles(converted("a.csv", "x,y\n1,2\n3,-4e-3")), (V{1, 2, 3, -4e-3}));
  EXPECT_EQ(doubles(converted("a.csv",
                              "\xef\xbb\xbf"
                              "x;y\r\n 1 ;+2\r\n\r\n\"3\";1e999\r\n")),
            (V{1, 2, 3, HUGE_VAL}));
  EXPECT_EQ(doubles(converted("a.tsv", "1\t2\n3\t4\n")), (V{1, 2, 3, 4}));
  EXPECT_EQ(doubles(converted("a.csv", "\"a, b\",c\n1,2\n")), (V{1, 2}));
  EXPECT_EQ(converted("a.csv", "label\n1\n0\n1\n").shape(), Shape{3});
  EXPECT_TRUE(std::isnan(doubles(converted("a.csv", "1,nan\n"))[1]));
}

TEST_F(Convert, LongCsvInBlocks) {
  const int rows = 30011;
  std::string text = "a,b,c\n";
  for (int i = 0; i < rows; ++i) {
    text += std::to_string(i) + "," + std::to_string(2 * i) + "," + std::to_string(-i) + "\n";
    if (i % 1000 == 0) text += "\n";
  }
  const Array x = converted("long.csv", text);
  ASSERT_EQ(x.shape(), (Shape{rows, 3}));
  const auto v = x.values<double>();
  for (int i = 0; i < rows; ++i)
    ASSERT_TRUE(v[3 * i] == i && v[3 * i + 1] == 2 * i && v[3 * i + 2] == -i) << i;
}

// Errors that one process finds name its rank only when there are others.
std::string with_rank(const std::string& text, int rank) {
  return Communicator::world().size() == 1 ? text : text + " (rank " + std::to_string(rank) + ")";
}

TEST_F(Convert, CsvErrorsNameLineAndColumn) {
  const std::string file = folder_ / "a.csv";
  EXPECT_EQ(
      refused("a.csv", "a,b\n1,2\n\n3,four\n"),
      with_rank("ValueError: '" + file + "', line 4, column 2: expected a number, got 'four'", 0));
  EXPECT_EQ(
      refused("a.csv", "1,2\n3,\n"),
      with_rank("ValueError: '" + file + "', line 2, column 2: expected a number, got ''", 0));
  EXPECT_EQ(
      refused("a.csv", "1,2\n3\n"),
      with_rank(
          "ValueError: '" + file + "', line 2: expected 2 columns as in the first line, got 1", 0));
  EXPECT_EQ(
      refused("a.csv", "1,2\n3,4,5\n"),
      with_rank(
          "ValueError: '" + file + "', line 2: expected 2 columns as in the first line, got 3", 0));
  EXPECT_EQ(refused("a.csv", "x,y\n"), "ValueError: '" + file + "' has no line of numbers");
  EXPECT_EQ(refused("a.csv", ""), "ValueError: '" + file + "' has no line of numbers");
  std::string text;
  for (int i = 1; i <= 3000; ++i) text += i == 2999 ? "1,x\n" : "1,2\n";
  const std::string error = refused("a.csv", text);
  EXPECT_TRUE(error.starts_with("ValueError: '" + file +
                                "', line 2999, column 2: expected a number, got 'x'"))
      << error;
}

std::string npy(const std::string& header, const std::string& data, int version = 1) {
  std::string out("\x93NUMPY", 6);
  out += static_cast<char>(version);
  out += '\0';
  const auto length = header.size() + 1;
  for (int i = 0; i < (version == 1 ? 2 : 4); ++i) out += static_cast<char>(length >> (8 * i));
  return out + header + "\n" + data;
}

template <class T>
std::string bytes_of(const std::vector<T>& values, bool big = false) {
  std::string out(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
  if (big)
    for (std::size_t at = 0; at < out.size(); at += sizeof(T))
      std::reverse(out.begin() + static_cast<std::ptrdiff_t>(at),
                   out.begin() + static_cast<std::ptrdiff_t>(at + sizeof(T)));
  return out;
}

std::string header(const std::string& descr, bool fortran, const std::string& shape) {
  return "{'descr': '" + descr + "', 'fortran_order': " + (fortran ? "True" : "False") +
         ", 'shape': " + shape + ", }";
}

template <class T>
void expect_values(const Array& x, const Shape& shape, const std::vector<T>& values) {
  EXPECT_EQ(x.shape(), shape);
  ASSERT_EQ(x.dtype(), dtype_of<T>);
  const auto v = x.values<T>();
  EXPECT_EQ(std::vector<T>(v.begin(), v.end()), values);
}

TEST_F(Convert, NpyOfEverySort) {
  using D = std::vector<double>;
  for (const int version : {1, 2, 3})
    expect_values<double>(converted("a.npy", npy(header("<f8", false, "(2, 3)"),
                                                 bytes_of(D{1, 2, 3, 4, 5, 6}), version)),
                          {2, 3}, {1, 2, 3, 4, 5, 6});
  expect_values<double>(
      converted("a.npy", npy(header(">f8", true, "(2, 3)"), bytes_of(D{1, 4, 2, 5, 3, 6}, true))),
      {2, 3}, {1, 2, 3, 4, 5, 6});
  expect_values<std::int16_t>(
      converted("a.npy", npy(header(">i2", false, "(3,)"),
                             bytes_of(std::vector<std::int16_t>{1, -2, 300}, true))),
      {3}, {1, -2, 300});
  expect_values<std::uint8_t>(converted("a.npy", npy(header("|u1", false, "(2,)"), "\x07\xff")),
                              {2}, {7, 255});
  expect_values<float>(
      converted("a.npy", npy(header("<f2", false, "(4,)"),
                             bytes_of(std::vector<std::uint16_t>{0x3c00, 0xc500, 0x7c00, 0x0001}))),
      {4}, {1.0F, -5.0F, HUGE_VALF, 5.9604645e-8F});
  expect_values<std::complex<float>>(
      converted("a.npy",
                npy(header(">c8", false, "(1,)"), bytes_of(std::vector<float>{1, -2}, true))),
      {1}, {{1, -2}});
  expect_values<double>(converted("a.npy", npy(header("<f8", false, "()"), bytes_of(D{7}))), {},
                        {7});
  expect_values<double>(converted("a.npy", npy(header("<f8", false, "(0, 3)"), "")), {0, 3}, {});
  const Array b = converted("a.npy", npy(header("|b1", false, "(3,)"), std::string("\1\0\2", 3)));
  EXPECT_EQ(b.dtype(), DType::boolean);
  EXPECT_TRUE(b.values<bool>()[0] && !b.values<bool>()[1] && b.values<bool>()[2]);
}

TEST_F(Convert, LongFortranNpy) {
  // Element (i, j, k) of shape (n, 2, 3) is 10 i + 3 j + k.
  const int n = 2500;
  std::vector<std::int32_t> data;
  for (int k = 0; k < 3; ++k)
    for (int j = 0; j < 2; ++j)
      for (int i = 0; i < n; ++i) data.push_back(10 * i + 3 * j + k);
  const Array x = converted("a.npy", npy(header("<i4", true, "(2500, 2, 3)"), bytes_of(data)));
  ASSERT_EQ(x.shape(), (Shape{n, 2, 3}));
  const auto v = x.values<std::int32_t>();
  for (int i = 0; i < n; ++i)
    for (int c = 0; c < 6; ++c) ASSERT_EQ(v[static_cast<std::size_t>(6 * i + c)], 10 * i + c);
}

TEST_F(Convert, NpyErrors) {
  const std::string file = folder_ / "a.npy";
  EXPECT_EQ(refused("a.npy", "hello world, no npy"), "OSError: '" + file + "' is not a .npy file");
  EXPECT_EQ(
      refused("a.npy", npy(header("<f8", false, "(2,)"), "12345678")),
      "OSError: '" + file + "' is truncated: shape (2,) of '<f8' needs more than its 8 bytes");
  EXPECT_EQ(refused("a.npy", npy(header("<f8", false, "(1,)"), "1234567890")),
            "OSError: '" + file + "' is damaged: 2 bytes follow the end of the array");
  EXPECT_EQ(refused("a.npy", npy(header("<U5", false, "(1,)"), "")),
            "TypeError: '" + file +
                "' holds dtype '<U5'; expected integers, floats, bools or complex numbers");
  EXPECT_EQ(refused("a.npy",
                    npy("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,), }", "")),
            "TypeError: '" + file + "' holds a structured dtype; expected numbers or bools");
  EXPECT_EQ(refused("a.npy", npy("{'descr': '<f8', 'shape': (1,)", "")),
            "OSError: '" + file + "' is damaged: its .npy header cannot be understood");
  EXPECT_EQ(
      refused("a.npy", npy(header("<f8", false, "(9223372036854775807, 3)"), "")),
      "OSError: '" + file +
          "' is truncated: shape (9223372036854775807, 3) of '<f8' needs more than its 0 bytes");
  EXPECT_EQ(refused("a.txt", "1"),
            "ValueError: can convert .csv, .tsv and .npy files, got '" + (folder_ / "a.txt") + "'");
}

}  // namespace
}  // namespace tessera
