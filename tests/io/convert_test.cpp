#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <cstring>
#include <limits>
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

using V = std::vector<double>;
using io::TableOptions;
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr auto yes = TableOptions::Header::yes;
constexpr auto no = TableOptions::Header::no;

/// A table and what it means: the numbers, or an error; and part of a warning, "" for none.
struct Sample {
  std::string text;
  Shape shape = {};
  V values = {};
  std::string warning = {};
  TableOptions options = {};
  std::string ending = ".csv";
};

class Samples : public Convert {
 protected:
  std::string file_of(const Sample& sample) {
    const std::string name = "t" + std::to_string(count_++) + sample.ending;
    put(name, sample.text);
    return folder_ / name;
  }
  void expect(const Sample& sample) {
    SCOPED_TRACE(sample.text.substr(0, 60));
    const std::string file = file_of(sample);
    const bool first = Communicator::world().rank() == 0;
    if (first) testing::internal::CaptureStderr();
    Array x;
    const std::string error = error_of([&] {
      const io::Table table = io::open_table(file, sample.options);
      x = gather(collect(table.numbers.value()));
      table.warn_of_lost_digits();
    });
    const std::string said = first ? testing::internal::GetCapturedStderr() : "";
    ASSERT_EQ(error, "");
    EXPECT_EQ(x.shape(), sample.shape);
    const auto values = x.values<double>();
    ASSERT_EQ(values.size(), sample.values.size());
    for (std::size_t i = 0; i < values.size(); ++i)
      EXPECT_TRUE(values[i] == sample.values[i] ||
                  (values[i] != values[i] && sample.values[i] != sample.values[i]))
          << i << ": " << values[i];
    if (first) {
      EXPECT_EQ(said.empty(), sample.warning.empty()) << said;
      EXPECT_NE(said.find(sample.warning), std::string::npos) << said;
    }
  }
  /// The error without its kind, the file and the rank.
  std::string refusal(const Sample& sample) {
    const std::string file = file_of(sample);
    std::string error = error_of([&] {
      const io::Table table = io::open_table(file, sample.options);
      if (table.numbers) collect(*table.numbers);
    });
    const std::string start = "ValueError: '" + file + "'";
    EXPECT_TRUE(error.starts_with(start)) << error;
    error.erase(0, std::min(error.size(), start.size()));
    return error.substr(0, error.find(" (rank"));
  }
  int count_ = 0;
};

TEST_F(Samples, HeaderOrNot) {
  const std::string header = "is taken for the names of the columns";
  const std::string data = "is taken for data";
  const std::vector<Sample> samples = {
      {"1,2\n3,4\n", {2, 2}, {1, 2, 3, 4}, "", {}},
      {"x,y\n1,2\n3,-4e-3", {2, 2}, {1, 2, 3, -4e-3}, "", {}},
      {"\"a, b\",c\n1,2\n", {1, 2}, {1, 2}, "", {}},
      {"\"Height\n(cm)\",b\n1,2\n", {1, 2}, {1, 2}, "", {}},
      {"label\n1\n0\n1\n", {3}, {1, 0, 1}, "", {}},
      {"id,2020,2021\n1,2,3\n", {1, 3}, {1, 2, 3}, "", {}},
      {"x,\n1,2\n", {1, 2}, {1, 2}, "", {}},
      {"NA,1\n2,3\n", {2, 2}, {nan, 1, 2, 3}, "", {}},
      // pandas' names of columns that have none
      {"0,1,2\n0.5,1.5,2.5\n", {1, 3}, {.5, 1.5, 2.5}, header, {}},
      {"0,1\n0.5,1.5\n", {1, 2}, {.5, 1.5}, header, {}},
      {"0,1\n,1.5\n", {1, 2}, {nan, 1.5}, header, {}},
      {"0,1,2\n7,8,9\n", {1, 3}, {7, 8, 9}, header, {}},
      {"0\n0.5\n", {1}, {.5}, header, {}},
      {",0,1\n0,.5,1.5\n", {1, 3}, {0, .5, 1.5}, header, {}},
      {",a\n0,.5\n1,.25\n", {2, 2}, {0, .5, 1, .25}, "--columns 2- leaves it out", {}},
      // numbers that count but may be anything: two columns of integers, a vector, a range
      {"0,1\n1,2\n", {2, 2}, {0, 1, 1, 2}, data, {}},
      {"0\n1\n1\n", {3}, {0, 1, 1}, data, {}},
      {"0,1,2\n3,4,5\n", {2, 3}, {0, 1, 2, 3, 4, 5}, data, {}},
      {"2019,2020\n.5,.25\n", {2, 2}, {2019, 2020, .5, .25}, data, {}},
      {"\"1\",\"2\"\n3,4\n", {1, 2}, {3, 4}, header, {}},
      {"2015,2016,2017\n3,9,4\n", {2, 3}, {2015, 2016, 2017, 3, 9, 4}, data, {}},
      {"2015,2016\n3,9\n", {2, 2}, {2015, 2016, 3, 9}, data, {}},
      {"2015,2016\n2017,9\n", {2, 2}, {2015, 2016, 2017, 9}, "", {}},
      {"400.0,400.5,401.0\n.3,.1,.2\n", {2, 3}, {400, 400.5, 401, .3, .1, .2}, data, {}},
      {"1,2,3\n4,5,6\n", {2, 3}, {1, 2, 3, 4, 5, 6}, "", {}},
      {"\"0.5\",\"1.5\"\n\"3\",\"4\"\n", {2, 2}, {.5, 1.5, 3, 4}, data, {}},
      // beside an index of pandas'
      {",2015,2016\n0,3,4\n1,5,6\n", {2, 3}, {0, 3, 4, 1, 5, 6}, header, {}},
      {"\"\",\"10\"\n\"0\",\"1.5\"\n", {1, 2}, {0, 1.5}, header, {}},
      {",10,20\n2020-01-01,3,4\n", {1, 2}, {3, 4}, header, {}},
      {",1.5\n2,3\n", {2, 2}, {nan, 1.5, 2, 3}, "", {}},
      {",5,5\n0,3,4\n", {2, 3}, {nan, 5, 5, 0, 3, 4}, "", {}},
      // the same kinds in both rows
      {"5.1,setosa\n4.9,setosa\n", {1}, {4.9}, header, {}},
      {"5.1,setosa\n4.9,setosa\n", {2}, {5.1, 4.9}, "", {.header = no}},
      {"2020,name\n2021,x\n", {1}, {2021}, header, {}},
      // as told
      {"0,1,2\n0.5,1.5,2.5\n", {2, 3}, {0, 1, 2, .5, 1.5, 2.5}, "", {.header = no}},
      {"1,2\n3,4\n", {1, 2}, {3, 4}, "", {.header = yes}},
      {"a,2\n3,4\n", {1}, {4}, "", {.header = yes, .columns = "2"}},
      {"# by x\n# a,b\n1,2\n", {1, 2}, {1, 2}, "line 2: the comment 'a, b' is taken", {}},
      {"#N/A,2\n3,4\n", {2, 2}, {nan, 2, 3, 4}, "", {}},
      {"#,b\n3,4\n", {1, 2}, {3, 4}, "", {}},
      {"# by x\n#\na,b\n1,2\n", {1, 2}, {1, 2}, "", {}},
      {" # \n1,2\n", {1, 2}, {1, 2}, "", {}},
      {"%a,b\n1,2\n", {1, 2}, {1, 2}, "the comment 'a, b' is taken", {.comment = "%"}},
  };
  for (const auto& sample : samples) expect(sample);
}

TEST_F(Samples, Dialects) {
  const std::vector<Sample> samples = {
      {"\xef\xbb\xbfx;y\r\n 1 ;+2\r\n\"3\";1e999\r\n", {2, 2}, {1, 2, 3, HUGE_VAL}, "", {}},
      {"a,b\r1,2\r3,4\r", {2, 2}, {1, 2, 3, 4}, "", {}},
      {"a,b\r\n1,2\r3,4\n5,6", {3, 2}, {1, 2, 3, 4, 5, 6}, "", {}},
      {"1\t2\n3\t4\n", {2, 2}, {1, 2, 3, 4}, "", {}},
      {"a\tb\n1\t2\n\t\n5\t6\n", {3, 2}, {1, 2, nan, nan, 5, 6}, "", {}, ".tsv"},
      {"a\n1\n", {1}, {1}, "", {}, ".tsv"},
      {"a|b\n1|2\n", {1, 2}, {1, 2}, "", {}},
      {"name;first,age\nDoe;Jane,33\n", {1}, {33}, "", {}},
      {"1,\n\n3,\n5,\n", {3}, {1, 3, 5}, "1 blank line is left out", {}},
      {"a,\n1,\n\n2,\n", {2}, {1, 2}, "1 blank line is left out", {}},
      {"a\n1,\n\n3,\n", {2}, {1, 3}, "1 blank line is left out", {}},
      {"1.0e+00 2.0e+00\n3 4\n", {2, 2}, {1, 2, 3, 4}, "separated by blanks", {}},
      {"x  y\n 1  2 \n", {1, 2}, {1, 2}, "separated by blanks", {}},
      {"1 \t 2\n", {1, 2}, {1, 2}, "", {.delimiter = "blank"}},
      {"a:b\n1:2\n", {1, 2}, {1, 2}, "", {.delimiter = ":"}},
      {"1,2\t3\n", {1, 2}, {1.2, 3}, "", {.delimiter = "tab", .decimal = ","}},
      {"a;b\n1,5;-2,5e1\n", {1, 2}, {1.5, -25}, "", {.decimal = ","}},
      {"a;b\n1.234.567,5;2\n", {1, 2}, {1234567.5, 2}, "", {.decimal = ",", .thousands = "."}},
      {"v\n\"68,527.00\"\n\"1,000.50\"\n", {2}, {68527, 1000.5}, "", {.thousands = ","}},
      {"v,w\n1 000,-12 345\n", {1, 2}, {1000, -12345}, "", {.thousands = " "}},
      {"a,b\n1.5D+02,1.e-1\n", {1, 2}, {150, .1}, "", {}},
      {"a,b\n.5,5.\n-0,+7\n", {2, 2}, {.5, 5, -0., 7}, "", {}},
      {"a\n0.1000000000000000055511151231257827021181583404541015626\n", {1}, {.1}, "", {}},
      {"a\n1e-400\n-inf\nInfinity\n", {3}, {0, -HUGE_VAL, HUGE_VAL}, "", {}},
      {"junk\n\nmore\na,b\n1,2\n", {1, 2}, {1, 2}, "", {.skip_rows = 3}},
      {"%x\na,b\n1,2 % two\n%\n3,4%\n", {2, 2}, {1, 2, 3, 4}, "", {.comment = "%"}},
      {"a,b\n\"1\"\"\",2\n3,4\n", {2}, {2, 4}, "", {.columns = "b"}},
      // what stands at the end of every row
      {"a;b\n1;2;\n3;4;\n", {2, 2}, {1, 2, 3, 4}, "every row ends with a delimiter", {}},
      {"a,b,\n1,2,\n", {1, 2}, {1, 2}, "every row ends with a delimiter", {}},
      {"1,2,\n3,4,\n", {2, 2}, {1, 2, 3, 4}, "every row ends with a delimiter", {}},
      {"a,b\n1,\n3,\n", {2, 2}, {1, nan, 3, nan}, "", {}},
      // blank lines
      {"a,b\r\n1,2\r\n\r\n3,4\r\n", {2, 2}, {1, 2, 3, 4}, "1 blank line is left out", {}},
      {"\n\na,b\n1,2\n  \n\n", {1, 2}, {1, 2}, "4 blank lines are left out", {}},
      {"v\n1\n\n3\n", {3}, {1, nan, 3}, "1 blank line is read as missing", {}},
      {"v\n1\n\"\"\n3\n", {3}, {1, nan, 3}, "", {}},
      {"v\n1\n3\n\n", {2}, {1, 3}, "1 blank line is left out", {}},
      {"a\n9007199254740993\n", {1}, {9007199254740992}, "beyond 2^53, first in line 2", {}},
      {"a\n100000000000000000000\n9007199254740994\n", {2}, {1e20, 9007199254740994}, "", {}},
  };
  for (const auto& sample : samples) expect(sample);
}

TEST_F(Samples, MissingValues) {
  for (const std::string word :
       {"",       "#N/A",    "#N/A N/A", "#NA",  "-1.#IND", "-1.#QNAN", "-NaN", "-nan",
        "1.#IND", "1.#QNAN", "<NA>",     "N/A",  "NA",      "NULL",     "NaN",  "None",
        "n/a",    "nan",     "null",     "\"\"", "\"NA\"",  " "})
    expect({"a,b\n" + word + ",4\n1," + word + "\n", {2, 2}, {nan, 4, 1, nan}, "", {}});
  expect({"a,b\n?,-999\n1,-999.0\nx,2\n",
          {3, 2},
          {nan, nan, 1, nan, nan, 2},
          "",
          {.na_values = {"?", "-999", "x"}}});
}

TEST_F(Samples, Columns) {
  const std::string text = "a,b-c,\"d,e\",3,2\n1,2,3,4,5\n";
  const std::vector<std::pair<std::string, V>> samples = {
      {"a", {1}},   {"2-", {2, 3, 4, 5}},  {"-2", {1, 2}},      {"3-5,1", {3, 4, 5, 1}},
      {"b-c", {2}}, {"\"d,e\",a", {3, 1}}, {"a-b-c", {1, 2}},   {"\"3\"", {4}},
      {"3-3", {3}}, {"a-4", {1, 2, 3, 4}}, {"\"2\",1", {5, 1}},
  };
  for (const auto& [columns, values] : samples) {
    const auto n = std::ssize(values);
    expect({text, n == 1 ? Shape{1} : Shape{1, n}, values, "", {.columns = columns}});
  }
  expect({text, {1, 3}, {2, 4, 5}, "", {.drop_columns = "a,\"d,e\""}});
  expect({"x\n" + text,
          {1, 2},
          {5, 1},
          "",
          {.skip_rows = 1, .columns = "5,b-c,1", .drop_columns = "b-c"}});
}

TEST_F(Samples, Refusals) {
  const std::string number = ", line 2, column 1 ('a'): expected a number, got ";
  const std::vector<std::pair<Sample, std::string>> samples = {
      // cells
      {{"a,b\n1,2\n\n3,four\n"},
       ", line 4, column 2 ('b'): expected a number, got 'four'; --text or --na-values may help"},
      {{"1,2\n\"3\n\",4\n5,6x\n"},
       ", line 4, column 2: expected a number, got '6x'; --text or --na-values may help"},
      {{"a;b\n1,5;2\n"},
       number + "'1,5'; say --decimal , or --thousands , for what the comma means"},
      {{"a,b\n\"68,527.00\",2\n"},
       number + "'68,527.00'; say --decimal , or --thousands , for what the comma means"},
      {{"a,b\n\"1,5\",2\n", {}, {}, "", {.thousands = ","}},
       number + "'1,5'; that notation is not read, but --text keeps a column as text"},
      {{"a;b\n1.5;2\n", {}, {}, "", {.decimal = ","}},
       number + "'1.5'; say --thousands . if the point separates thousands"},
      {{"a,b\n1 000,2\n"}, number + "'1 000'; say --thousands ' ' if it separates thousands"},
      {{"a,b\n1_000,2\n"}, number + "'1_000'; say --thousands '_' if it separates thousands"},
      {{"a,b\n0x10,2\n"},
       number + "'0x10'; that notation is not read, but --text keeps a column as text"},
      {{"a,b\n?,2\n"}, number + "'?'; if that is a missing value, say --na-values '?'"},
      {{"a,b\n\"1\"2,2\n"}, number + "'\"1\"2'; something follows its closing quote"},
      // rows
      {{"1,2\n3\n"}, ", line 2: expected 2 columns as in line 1, got 1"},
      {{"1,2\n3,4,5\n"}, ", line 2: expected 2 columns as in line 1, got 3"},
      {{"\na,b\n1,2\n3,4,\n"}, ", line 4: expected 2 columns as in line 2, got 3"},
      {{"a,b\n1,2,3\n"}, ", line 2: expected 2 columns as in line 1, got 3"},
      {{"x\n1,5\n"}, ", line 2: expected 1 column as in line 1, got 2"},
      // the text
      {{"a,b\n\"1,2\n3,4\n"}, ", line 2: a quote is not closed"},
      {{std::string("a,b\n1,2\0\n", 9)},
       ", line 2: a zero byte; the file is damaged or not UTF-8 text (iconv converts UTF-16)"},
      {{std::string("1\0,\0002\0\n\0", 8)},
       ", line 1: a zero byte; the file is damaged or not UTF-8 text (iconv converts UTF-16)"},
      {{"a,\xe4\n1,2\n"},
       ", line 1, column 2: the name is not UTF-8; iconv -f LATIN1 -t UTF-8 may help"},
      {{"a,b\n1,x\n1,\xe4\n"},
       ", line 3, column 2: text that is not UTF-8; iconv -f LATIN1 -t UTF-8 may help"},
      {{"\xff\xfe"
        "1"},
       " is no text table but UTF-16 or UTF-32: run iconv -f UTF-16 -t UTF-8 first"},
      {{"\xfe\xff"}, " is no text table but UTF-16: run iconv -f UTF-16 -t UTF-8 first"},
      {{"\x1f\x8b\x08"}, " is no text table but compressed with gzip: run gunzip first"},
      {{"PK\x03\x04"},
       " is no text table but a ZIP archive or a spreadsheet: extract it, or save it as CSV"},
      {{""}, " is empty"},
      {{"x,y\n"}, " has a header and no rows"},
      {{"\n\n"}, " has no row"},
      {{"# a\n"}, " has no row"},
      // the options
      {{"1,2\n", {}, {}, "", {.skip_rows = 2}}, " has only 1 of the 2 lines to skip"},
      {{"a,b\n1,2\n", {}, {}, "", {.columns = "c"}},
       " has no column 'c' for columns; it has 2: 'a', 'b'"},
      {{"1,2\n", {}, {}, "", {.columns = "3"}}, " has no column '3' for columns; it has 2"},
      {{"a,b\n1,2\n", {}, {}, "", {.text = "b-a"}},
       " has no column 'b-a' for text; it has 2: 'a', 'b'"},
      {{"a,a\n1,2\n", {}, {}, "", {.columns = "a"}},
       " has several columns called 'a': give its number"},
      {{"a,b\n1,2\n", {}, {}, "", {.columns = "1,a"}}, ": column 1 is named twice in columns"},
      {{"b,1\n1,2\n", {}, {}, "", {.header = yes, .columns = "1"}},
       ": '1' is the name of column 2 and the number of another: write \"1\" with the quotes for "
       "the name, 1-1 for the number"},
      {{"a,b\n1,2\n", {}, {}, "", {.drop_columns = "1-2"}}, ": no column is left"},
  };
  for (const auto& [sample, error] : samples) EXPECT_EQ(refusal(sample), error);

  put("a.csv", "1,2\n");
  const auto refused = [&](const TableOptions& options) {
    return error_of([&] { io::open_table(folder_ / "a.csv", options); });
  };
  EXPECT_EQ(refused({.delimiter = "ab"}),
            "ValueError: delimiter must be one ASCII character, 'tab' or 'blank', got 'ab'");
  EXPECT_EQ(refused({.decimal = "\xc2\xb7"}),
            "ValueError: decimal must be one ASCII character, got '\xc2\xb7'");
  EXPECT_EQ(refused({.delimiter = ",", .decimal = ","}),
            "ValueError: ',' cannot be the decimal character and the delimiter");
  EXPECT_EQ(refused({.skip_rows = -1}), "ValueError: skip_rows must not be negative, got -1");
  put("a.npy", "x");
  EXPECT_EQ(
      error_of([&] {
        io::convert(folder_ / "a.npy", {folder_ / "o.h5", "/x"}, {.columns = "1"});
      }),
      "ValueError: the options for text tables do not apply to '" + (folder_ / "a.npy") + "'");
  // An error that another process than the first one finds.
  std::string text;
  for (int i = 1; i <= 3000; ++i) text += i == 2999 ? "1,x\n" : "1,2\n";
  EXPECT_EQ(refusal({text}),
            ", line 2999, column 2: expected a number, got 'x'; --text or --na-values may help");
}

// A process parses from the middle of the file: rows of several lines, blank ones, and blocks.
TEST_F(Samples, LongTablesInBlocks) {
  std::string text = "a,b,c\n";
  V values;
  for (int i = 0; i < 30011; ++i) {
    const std::string gap =
        i % 7 == 0 ? "\"\n" + std::to_string(2 * i) + "\r\n\"" : std::to_string(2 * i);
    text += std::to_string(i) + "," + gap + "," + std::to_string(-i) + (i % 3 ? "\n" : "\r\n");
    if (i % 1000 == 0) text += "\n";
    values.insert(values.end(), {1. * i, 2. * i, -1. * i});
  }
  expect({text, {30011, 3}, values, "31 blank lines are left out", {}});
  std::string column = "v\r";
  values.clear();
  for (int i = 0; i < 3000; ++i) {
    column += i % 5 ? std::to_string(i) + "\r" : "\r";
    values.push_back(i % 5 ? i : nan);
  }
  expect({column, {3000}, values, "600 blank lines are read as missing", {}});
  std::string wide = "1";  // longer than a block
  for (int i = 2; i <= 300000; ++i) wide += "," + std::to_string(i);
  values.resize(300000);
  std::iota(values.begin(), values.end(), 1.0);
  expect({wide, {1, 300000}, values, "", {}});
}

TEST_F(Samples, ColumnsOfText) {
  const std::string at = folder_ / "t.csv";
  put("t.csv",
      "id,name,x,a/b,empty\n7,M\xc3\xbcller,1,\"say \"\"hi\"\"\",\n8,NA,2,\"two\nlines\",\n"
      "9,,3, c ,\n");
  const io::Table table = io::open_table(at, {.text = "id"});
  EXPECT_EQ(doubles(gather(collect(table.numbers.value()))).size(), 6U);
  ASSERT_EQ(table.text.size(), 3U);
  const std::vector<std::vector<std::string>> expected = {{"id", "7", "8", "9"},
                                                          {"name", "M\xc3\xbcller", "NA", ""},
                                                          {"a/b", "say \"hi\"", "two\nlines", "c"}};
  for (std::size_t c = 0; c < 3; ++c) {
    EXPECT_EQ(table.text[c].name, expected[c][0]);
    const Array x = gather(collect(table.text[c].rows));
    const auto bytes = x.values<std::uint8_t>();
    for (std::size_t i = 0; i < 3; ++i) {
      const std::string cell(
          reinterpret_cast<const char*>(bytes.data()) + i * static_cast<std::size_t>(x.cols()),
          static_cast<std::size_t>(x.cols()));
      EXPECT_STREQ(cell.c_str(), expected[c][i + 1].c_str());
    }
  }
  // In the file, beside the numbers; one column of text alone is the dataset itself.
  io::convert(at, {folder_ / "o.h5", "/g/X"});
  EXPECT_EQ(io::inspect(folder_ / "o.h5", "/g/X").shape, (Shape{3, 3}));
  EXPECT_EQ(io::inspect(folder_ / "o.h5", "/g/X_text/column_4").shape, (Shape{3}));
  io::convert(at, {folder_ / "o.h5", "/names"}, {.columns = "name"});
  EXPECT_EQ(io::read(folder_ / "o.h5", "/names").categories(),
            (std::vector<std::string>{"", "M\xc3\xbcller", "NA"}));
  io::convert(at, {folder_ / "o.h5", "/y"}, {.columns = "x"});
  EXPECT_EQ(io::inspect(folder_ / "o.h5", "/y").shape, (Shape{3}));
}

using Names = std::vector<std::string>;

TEST_F(Convert, NamesOfColumnsAreKept) {
  const std::string out = folder_ / "o.h5";
  put("t.csv", "a,\"b,c\",word,h\xc3\xb6he\n1,2,x,3\n4,5,y,6\n");
  io::convert(folder_ / "t.csv", {out, "/X"});
  const Names names = {"a", "b,c", "h\xc3\xb6he"};
  EXPECT_EQ(io::inspect(out, "/X").column_names, names);
  const Array x = io::read(out, "/X");
  EXPECT_EQ(x.column_names(), names);
  EXPECT_EQ(x.astype(DType::float32).to(cpu).column_names(), names);
  EXPECT_EQ(io::stream(out, "/X").as(DType::float32).column_names(), names);
  EXPECT_EQ(collect(io::stream(out, "/X")).column_names(), names);
  EXPECT_EQ(x.reshape({2, 3, 1}).column_names(), Names{});
  io::write(out, "/again", io::stream(out, "/X"));
  io::write(out, "/array", x.named({"x", "y", "z"}));
  io::write(out, "/none", x.named({}));
  EXPECT_EQ(io::read(out, "/again").column_names(), names);
  EXPECT_EQ(io::read(out, "/array").column_names(), (Names{"x", "y", "z"}));
  EXPECT_EQ(io::read(out, "/none").column_names(), Names{});
  io::convert(folder_ / "t.csv", {out, "/y"}, {.columns = "h\xc3\xb6he"});
  EXPECT_EQ(io::read(out, "/y").column_names(), Names{"h\xc3\xb6he"});
  EXPECT_EQ(error_of([&] { (void)x.named({"x"}); }),
            "ValueError: 1 names for the columns of an array of shape (2, 3)");

  // Far more than the 64 KiB that an object's header takes.
  Names many;
  for (int i = 0; i < 20000; ++i) many.push_back("column number " + std::to_string(i));
  io::write(out, "/wide", zeros({2, 20000}).named(many));
  EXPECT_EQ(io::read(out, "/wide").column_names(), many);
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
  const std::string once = npy(header("<f8", false, "(1,)"), "12345678");
  EXPECT_EQ(refused("a.npy", once + once),
            "ValueError: '" + file +
                "' holds more than one array (numpy.save was called on it again); save each in a "
                "file of its own");
  EXPECT_EQ(refused("a.npz", std::string("PK\3\4") + once),
            "ValueError: '" + (folder_ / "a.npz") +
                "' is an archive of arrays (.npz); save one of them with numpy.save");
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
  const std::string endless = npy(header("<f8", false, "(4611686018427387904, 0)"), "");
  EXPECT_EQ(refused("a.npy", endless), "OSError: '" + file + "' is damaged: its " +
                                           std::to_string(endless.size()) +
                                           " bytes cannot hold the shape (4611686018427387904,) "
                                           "that it claims");
  EXPECT_EQ(refused("a.txt", "1"),
            "ValueError: can convert .csv, .tsv, .npy, .png and .tif files, got '" +
                (folder_ / "a.txt") + "'");
}

}  // namespace
}  // namespace tessera
