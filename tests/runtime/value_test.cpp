#include <tessera/runtime/value.hpp>

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

TEST(Value, FindNamesWhatIsMissing) {
  const Values values = {{"tol", 0.5}, {"max_iter", 300}};
  EXPECT_EQ(find(values, "max_iter").as<std::int64_t>(), 300);
  test::expect_error<RuntimeError>([&] { find(values, "alpha"); }, "the model has no 'alpha'");
}

}  // namespace
}  // namespace tessera
