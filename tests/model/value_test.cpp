#include <tessera/model/value.hpp>

#include <gtest/gtest.h>

#include <limits>

#include "support/near.hpp"

namespace tessera {
namespace {

TEST(Value, KeepsTheTypeItWasGiven) {
  EXPECT_TRUE(Value().is_none());
  EXPECT_TRUE(Value(true).is<bool>());
  EXPECT_TRUE(Value(3).is<std::int64_t>());
  EXPECT_TRUE(Value(3.0).is<double>());
  EXPECT_TRUE(Value("auto").is<std::string>());
  EXPECT_TRUE(Value("auto").is_word("auto"));
  EXPECT_FALSE(Value("auto").is_word("full"));
  EXPECT_FALSE(Value(3).is_word("auto"));
  EXPECT_EQ(Value(std::int64_t{1} << 40).as<std::int64_t>(), std::int64_t{1} << 40);
}

TEST(Value, PrintsAsPythonDoes) {
  EXPECT_EQ(Value().to_string(), "None");
  EXPECT_EQ(Value(true).to_string(), "True");
  EXPECT_EQ(Value(false).to_string(), "False");
  EXPECT_EQ(Value(-3).to_string(), "-3");
  EXPECT_EQ(Value(0.5).to_string(), "0.5");
  EXPECT_EQ(Value(1.0).to_string(), "1.0");
  EXPECT_EQ(Value(-100.0).to_string(), "-100.0");
  EXPECT_EQ(Value(0.0001).to_string(), "0.0001");
  EXPECT_EQ(Value(1e-5).to_string(), "1e-05");
  EXPECT_EQ(Value(1e16).to_string(), "1e+16");
  EXPECT_EQ(Value(0.1 + 0.2).to_string(), "0.30000000000000004");
  EXPECT_EQ(Value(std::numeric_limits<double>::infinity()).to_string(), "inf");
  EXPECT_EQ(Value(std::numeric_limits<double>::quiet_NaN()).to_string(), "nan");
  EXPECT_EQ(Value("auto").to_string(), "'auto'");
  EXPECT_EQ(Value(replicated(std::vector<double>(6), {2, 3}, Communicator::self())).to_string(),
            "an array of shape (2, 3)");
}

TEST(Value, Nests) {
  const Value list = List{1, 0.5, "a", Value()};
  ASSERT_TRUE(list.is<List>());
  EXPECT_EQ(list.items()->size(), 4u);
  EXPECT_EQ((*list.items())[2].as<std::string>(), "a");
  const Value tuple = Tuple{{1, list}};
  EXPECT_FALSE(tuple.is<List>());
  EXPECT_EQ((*tuple.items())[1].items()->size(), 4u);
  const Value mapping = Mapping{{{"a", 1}, {2, list}}};
  EXPECT_EQ(mapping.items(), nullptr);
  const Value model = Model{"KMeans", {{"n_clusters", 3}}, {}};
  ASSERT_TRUE(model.is<Model>());
  EXPECT_EQ(model.as<Model>().estimator, "KMeans");
  EXPECT_EQ(list.to_string(), "[1, 0.5, 'a', None]");
  EXPECT_EQ(tuple.to_string(), "(1, [1, 0.5, 'a', None])");
  EXPECT_EQ(Value(Tuple{{1}}).to_string(), "(1,)");
  EXPECT_EQ(Value(Tuple{}).to_string(), "()");
  EXPECT_EQ(Value(List{}).to_string(), "[]");
  EXPECT_EQ(mapping.to_string(), "{'a': 1, 2: [1, 0.5, 'a', None]}");
  EXPECT_EQ(model.to_string(), "KMeans(n_clusters=3)");
}

TEST(Value, ReadsWhatItPrints) {
  for (const char* text :
       {"None", "True", "False", "-3", "0.5", "1e-05", "inf", "nan", "'auto'", "[]", "()", "{}",
        "[1, 0.5, 'a', None]", "(1,)", "(1, (2, [3]))", "{'a': 1, 2: [True]}", "KMeans()",
        "Pipe(steps=[('scale', Scaler(with_mean=False)), ('k', KMeans())], memory=None)"})
    EXPECT_EQ(Value::parse(text).to_string(), text);
  EXPECT_EQ(Value::parse(" ( 1 ,2 ) ").to_string(), "(1, 2)");
  EXPECT_EQ(Value::parse("(7)").to_string(), "7");
  EXPECT_EQ(Value::parse("[1, 2,]").to_string(), "[1, 2]");
  EXPECT_EQ(Value::parse("\"it's\"").as<std::string>(), "it's");
  for (const auto& [text, wanted] : std::vector<std::pair<std::string, std::string>>{
           {"", "a value was expected at character 1"},
           {"[1 2]", "',' was expected at character 4"},
           {"[1", "',' was expected at character 3"},
           {"{1}", "':' was expected at character 3"},
           {"1 2", "the end was expected at character 3"},
           {"1x", "a number was expected at character 1"},
           {"9223372036854775808x", "a number was expected at character 1"},
           {"'a", "another ' was expected at character 1"},
           {"auto", "a value was expected at character 5"},
           {"KMeans(3)", "'=' was expected at character 9"},
           {"KMeans(=3)", "the name of a parameter was expected at character 8"}})
    test::expect_error<ValueError>([&, t = text] { Value::parse(t); },
                                   "cannot read '" + text + "': " + wanted);
  test::expect_error<ValueError>([] { Value::parse(std::string(40, '[')); },
                                 "cannot read '" + std::string(40, '[') +
                                     "': no more than 32 levels was expected at character 33");
}

TEST(Value, FindNamesWhatIsMissing) {
  const Values values = {{"tol", 0.5}, {"max_iter", 300}};
  EXPECT_EQ(find(values, "max_iter").as<std::int64_t>(), 300);
  test::expect_error<RuntimeError>([&] { find(values, "alpha"); }, "the model has no 'alpha'");
}

}  // namespace
}  // namespace tessera
