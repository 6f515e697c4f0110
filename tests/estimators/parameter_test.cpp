#include <tessera/estimators/parameter.hpp>

#include <gtest/gtest.h>

#include "support/near.hpp"

namespace tessera {
namespace {

constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t least = std::numeric_limits<std::int64_t>::min();
constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

Value an_array() { return replicated(std::vector<double>{1, 2}, {2}, Communicator::self()); }

struct Row {
  const char* what;
  Allowed allowed;
  std::string description;
  std::vector<Value> accepted;
  std::vector<Value> refused;
};

std::vector<Row> rows() {
  return {
      {"none", none(), "None", {Value()}, {0, false, "None", 0.0, an_array()}},
      {"bool", boolean(), "a bool", {true, false}, {0, 1, "True", 1.0, Value()}},
      {"array", array(), "an array", {an_array()}, {0, "array", Value()}},
      {"ints",
       integers(1),
       "an int in the range [1, inf)",
       {1, 2, Value(most)},
       {0, -1, 1.0, true, "1", Value()}},
      {"some ints", integers(-2, 5), "an int in the range [-2, 5]", {-2, 0, 5}, {-3, 6, 0.0}},
      {"any int", integers(least), "an int", {Value(least), Value(most)}, {0.5}},
      {"floats",
       reals(0.0),
       "a float in the range [0.0, inf)",
       {0.0, 0, 7, 1e300},
       {-1e-300, -1, inf, nan, true, "0", Value()}},
      {"some floats",
       reals(0.0, 1.0),
       "a float in the range [0.0, 1.0)",
       {0.0, 0.999, 0},
       {1.0, 1, -0.1}},
      {"open floats",
       reals(0.0, 1.0, Closed::neither),
       "a float in the range (0.0, 1.0)",
       {1e-300, 0.5},
       {0.0, 0, 1.0}},
      {"closed floats",
       reals(0.0, 1.0, Closed::both),
       "a float in the range [0.0, 1.0]",
       {0.0, 1.0, 0, 1},
       {-1e-300, 1.1, nan}},
      {"half-open floats",
       reals(0.0, 0.25, Closed::right),
       "a float in the range (0.0, 0.25]",
       {1e-300, 0.25},
       {0.0, 0.26}},
      {"two ranges of floats",
       reals(0.0, 0.5, Closed::both) | reals(1.0),
       "a float in the range [0.0, 0.5] or a float in the range [1.0, inf)",
       {0.0, 0.5, 1.0, 7.0, 3},
       {0.6, -0.1, inf}},
      {"two ranges of ints",
       integers(-1, -1) | integers(1),
       "an int in the range [-1, -1] or an int in the range [1, inf)",
       {-1, 1, 5},
       {0, -2, 1.0}},
      {"any text", text(), "a str", {"a", ""}, {1, Value()}},
      {"a list",
       list_of(integers(1), 1),
       "a list of at least 1 of (an int in the range [1, inf))",
       {List{1, 2}, Tuple{{3}}},
       {List{}, List{0}, 1, Value(std::vector<std::string>{"a"}), Mapping{}}},
      {"a list of words",
       list_of(words({"a", "b"})),
       "a list of (a str among {'a', 'b'})",
       {List{}, List{"a"}, Value(std::vector<std::string>{"a", "b"})},
       {List{"c"}, Value(std::vector<std::string>{"c"})}},
      {"a tuple",
       tuple_of({reals(0.0), reals(0.0) | none()}) | none(),
       "a tuple (a float in the range [0.0, inf), a float in the range [0.0, inf) or None) or None",
       {Tuple{{0.0, 1.0}}, Tuple{{1, Value()}}, List{1, 2}, Value()},
       {Tuple{{1}}, Tuple{{1, 2, 3}}, Tuple{{-1, 1}}}},
      {"a mapping",
       mapping_of(integers(0) | text(), reals(0.0)) | words({"balanced"}),
       "a str among {'balanced'} or a mapping from a str or an int in the range [0, inf) to a "
       "float in the range [0.0, inf)",
       {Mapping{}, Mapping{{{1, 0.5}, {"a", 2}}}, "balanced"},
       {Mapping{{{1, -0.5}}}, Mapping{{{1.5, 1}}}, "other", List{}}},
      {"an estimator",
       estimator(),
       "an estimator",
       {Model{"PCA", {}, {}}, Model{"KMeans", {{"n_clusters", 3}}, {}}},
       {Model{"Pca", {}, {}}, "PCA", Value()}},
      {"an estimator that predicts",
       estimator("predict") | none(),
       "an estimator with predict or None",
       {Model{"KMeans", {}, {}}, Value()},
       {Model{"PCA", {}, {}}}},
      {"words",
       words({"a", "bc"}),
       "a str among {'a', 'bc'}",
       {"a", "bc"},
       {"b", "A", "", Value(), 1}},
      {"int or word or None",
       integers(0) | words({"auto"}) | none(),
       "a str among {'auto'} or an int in the range [0, inf) or None",
       {0, "auto", Value()},
       {-1, "none", 0.0, false}},
      {"two lists of words",
       words({"a"}) | words({"b"}),
       "a str among {'a', 'b'}",
       {"a", "b"},
       {"c"}},
      {"int or float",
       integers(1) | reals(0.0, 1.0, Closed::neither),
       "an int in the range [1, inf) or a float in the range (0.0, 1.0)",
       {1, 7, 0.5},
       {0, 1.0, 7.0}},
      {"all kinds",
       words({"w"}) | integers(1, 2) | reals(0.5) | boolean() | array() | none(),
       "a str among {'w'} or an int in the range [1, 2] or a float in the range [0.5, inf) or a "
       "bool or an array "
       "or None",
       {"w", 1, 0.5, true, an_array(), Value()},
       {3, 0.4, "x"}},
      {"nothing", Allowed{}, "", {}, {0, 0.0, true, "", Value(), an_array()}},
  };
}

TEST(Allowed, AcceptsRefusesAndDescribes) {
  for (const auto& row : rows()) {
    EXPECT_EQ(row.allowed.describe(), row.description) << row.what;
    for (const auto& v : row.accepted)
      EXPECT_TRUE(row.allowed.accepts(v)) << row.what << ": " << v.to_string();
    for (const auto& v : row.refused)
      EXPECT_FALSE(row.allowed.accepts(v)) << row.what << ": " << v.to_string();
  }
}

TEST(Allowed, TellsWhetherItTakesArrays) {
  EXPECT_TRUE(array().takes_array());
  EXPECT_TRUE((words({"a"}) | array()).takes_array());
  EXPECT_FALSE(words({"a"}).takes_array());
}

// The kind and text of what a command-line word is read as.
TEST(Allowed, ParsesWords) {
  struct Case {
    Allowed allowed;
    std::string text;
    Value value;
  };
  const std::vector<Case> cases = {
      {integers(1), "8", 8},
      {integers(1), "-8", -8},
      {integers(1), "8.5", 8.5},
      {integers(1), "8x", "8x"},
      {integers(1), "", ""},
      {integers(1), "9223372036854775807", Value(most)},
      {integers(1), "9223372036854775808", "9223372036854775808"},
      {integers(1), "-9223372036854775809", "-9223372036854775809"},
      {integers(1) | reals(0, 1), "9223372036854775808", "9223372036854775808"},
      {reals(0.0), "9223372036854775808", 9223372036854775808.0},
      {reals(0.0), "1e400", "1e400"},
      {reals(0.0), "1e-400", "1e-400"},
      {reals(0.0), "", ""},
      {boolean(), "", ""},
      {reals(0.0), "1 ", "1 "},
      {reals(0.0), "+1", "+1"},
      {integers(1), "none", "none"},
      {reals(0.0), "0.5", 0.5},
      {reals(0.0), "1e-3", 1e-3},
      {reals(0.0), "3", 3},
      {integers(1) | none(), "None", {}},
      {integers(1) | none(), "none", {}},
      {boolean(), "true", true},
      {boolean(), "True", true},
      {boolean(), "1", 1},
      {boolean(), "false", false},
      {boolean(), "0", 0},
      {integers(0) | boolean(), "1", 1},
      {integers(1), "true", "true"},
      {boolean(), "2", 2},
      {boolean(), "yes", "yes"},
      {integers(0) | boolean(), "true", true},
      {words({"auto"}) | integers(1), "auto", "auto"},
      {words({"auto"}) | integers(1), "Auto", "Auto"},
      {words({"none"}) | none(), "none", "none"},
      {words({"7"}) | integers(1), "7", "7"},
      {Allowed{}, "1", 1},
      {list_of(integers(1)), "[1, 2]", List{1, 2}},
      {tuple_of({integers(1)}) | integers(0), "(1,)", Tuple{{1}}},
      {tuple_of({integers(1)}) | integers(0), "3", 3},
      {estimator() | none(), "KMeans", Model{"KMeans", {}, {}}},
      {estimator(), "Kmeans", "Kmeans"},
      {estimator(), "KMeans(n_clusters=3)", Model{"KMeans", {{"n_clusters", 3}}, {}}},
      {words({"a"}), "[1", "[1"},
  };
  for (const auto& c : cases) {
    const Value got = c.allowed.parse(c.text);
    EXPECT_EQ(got.variant().index(), c.value.variant().index())
        << c.allowed.describe() << " reads " << c.text;
    EXPECT_EQ(got.to_string(), c.value.to_string()) << c.allowed.describe();
  }
}

// A value that parse gives back is accepted when the word stands for an allowed value.
TEST(Allowed, ParsesWhatItPrints) {
  for (const auto& row : rows())
    for (const auto& v : row.accepted) {
      if (v.is<Array>() || v.is<std::vector<std::string>>()) continue;
      const std::string text = v.is<std::string>() ? v.as<std::string>() : v.to_string();
      EXPECT_TRUE(row.allowed.accepts(row.allowed.parse(text))) << row.what << ": " << text;
    }
}

struct Owner {
  std::int64_t count = 3;
  double share = 0.5;
  bool flag = true;
  std::string word = "w";
  std::optional<std::int64_t> seed;
  std::optional<double> limit;
  Value any = "auto";
  Array data;
};

TEST(Field, ReadsAndWritesItsMember) {
  Owner o;
  const auto count = parameter("count", &Owner::count, integers(1), "how many");
  EXPECT_EQ(count.name, "count");
  EXPECT_EQ(count.doc, "how many");
  EXPECT_EQ(count.get(&o).as<std::int64_t>(), 3);
  EXPECT_TRUE(count.set(&o, 0)) << "ranges are checked at fit";
  EXPECT_EQ(o.count, 0);
  for (const Value& wrong : {Value(1.0), Value(true), Value("1"), Value(), an_array()})
    EXPECT_FALSE(count.set(&o, wrong)) << wrong.to_string();
  EXPECT_EQ(o.count, 0) << "a refused value changes nothing";

  const auto share = parameter("share", &Owner::share, reals(0), "");
  EXPECT_TRUE(share.set(&o, 2)) << "an int is taken for a float";
  EXPECT_EQ(o.share, 2.0);
  EXPECT_TRUE(share.set(&o, 0.25));
  EXPECT_EQ(share.get(&o).as<double>(), 0.25);
  EXPECT_FALSE(share.set(&o, true));

  const auto flag = parameter("flag", &Owner::flag, boolean(), "");
  EXPECT_TRUE(flag.set(&o, false));
  EXPECT_FALSE(o.flag);
  EXPECT_FALSE(flag.set(&o, 1));

  const auto word = parameter("word", &Owner::word, words({"w"}), "");
  EXPECT_TRUE(word.set(&o, "other"));
  EXPECT_EQ(word.get(&o).as<std::string>(), "other");
  EXPECT_FALSE(word.set(&o, 1));

  const auto seed = parameter("seed", &Owner::seed, integers(0) | none(), "");
  EXPECT_TRUE(seed.get(&o).is_none());
  EXPECT_TRUE(seed.set(&o, 5));
  EXPECT_EQ(seed.get(&o).as<std::int64_t>(), 5);
  EXPECT_FALSE(seed.set(&o, 5.0));
  EXPECT_TRUE(seed.set(&o, {}));
  EXPECT_FALSE(o.seed.has_value());

  const auto limit = parameter("limit", &Owner::limit, reals(0) | none(), "");
  EXPECT_TRUE(limit.set(&o, 5));
  EXPECT_EQ(limit.get(&o).as<double>(), 5.0);

  const auto any = parameter("any", &Owner::any, words({"auto"}) | integers(1), "");
  EXPECT_TRUE(any.set(&o, 5));
  EXPECT_TRUE(any.set(&o, 0.5)) << "what it may hold is checked at fit";
  EXPECT_EQ(any.get(&o).as<double>(), 0.5);

  const auto data = attribute("data", &Owner::data, array({2}));
  EXPECT_TRUE(data.set(&o, an_array()));
  EXPECT_EQ(o.data.size(), 2);
  EXPECT_FALSE(data.set(&o, 1));
  EXPECT_EQ(data.allowed.describe(), "an array");
  EXPECT_TRUE(data.holds(&o).accepts(o.data));
}

}  // namespace
}  // namespace tessera
