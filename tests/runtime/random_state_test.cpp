#include <tessera/runtime/random_state.hpp>

#include <gtest/gtest.h>

#include <array>
#include <set>

#include <tessera/runtime/embed.hpp>
#include <tessera/runtime/error.hpp>

#include "support/near.hpp"

namespace tessera {
namespace {

using Numbers = std::vector<double>;
using Integers = std::vector<std::int64_t>;

RandomState state() { return RandomState(42); }

template <class T, class F>
std::vector<T> draw(int count, F f) {
  std::vector<T> out;
  for (int i = 0; i < count; ++i) out.push_back(f());
  return out;
}

void expect_near(const Numbers& got, const Numbers& want) {
  ASSERT_EQ(got.size(), want.size());
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_DOUBLE_EQ(got[i], want[i]) << i;
}

// What numpy.random.RandomState(42) of NumPy 2.4 gives.
TEST(RandomState, DrawsNumPysUniforms) {
  EXPECT_EQ(state().random_sample(3),
            (Numbers{0.3745401188473625, 0.9507143064099162, 0.7319939418114051}));
  EXPECT_EQ(RandomState(0).random_sample(2), (Numbers{0.5488135039273248, 0.7151893663724195}));
  EXPECT_EQ(RandomState(0xffffffff).random_sample(2),
            (Numbers{0.0976320289940138, 0.9123828453026218}));
  auto s = state();
  expect_near(draw<double>(2, [&] { return s.uniform(-2, 5); }),
              {0.6217808319315372, 4.655000144869414});
  EXPECT_TRUE(state().random_sample(0).empty());
}

TEST(RandomState, DrawsNumPysNormals) {
  auto s = state();
  expect_near(draw<double>(5, [&] { return s.normal(); }),
              {0.4967141530112327, -0.13826430117118466, 0.6476885381006925, 1.5230298564080254,
               -0.23415337472333597});
  auto scaled = state();
  expect_near(draw<double>(2, [&] { return scaled.normal(3, 2); }),
              {3.9934283060224653, 2.723471397657631});
  // The number left over waits while others are drawn.
  auto mixed = state();
  mixed.normal();
  EXPECT_EQ(mixed.random_sample(), 0.7319939418114051);
  expect_near(draw<double>(2, [&] { return mixed.normal(); }),
              {-0.13826430117118466, -1.1118801180469204});
}

TEST(RandomState, DrawsNumPysIntegers) {
  const auto draws = [](int count, std::int64_t low, std::int64_t high) {
    auto s = state();
    return draw<std::int64_t>(count, [&] { return s.randint(low, high); });
  };
  EXPECT_EQ(draws(5, 0, 10), (Integers{6, 3, 7, 4, 6}));
  EXPECT_EQ(draws(4, -5, 1000), (Integers{97, 430, 855, 265}));
  EXPECT_EQ(draws(3, 0, 1000), (Integers{102, 435, 860}));
  EXPECT_EQ(draws(3, 0, 2147483647), (Integers{1608637542, 1273642419, 1935803228}));
  EXPECT_EQ(draws(3, 0, std::int64_t{1} << 32), (Integers{1608637542, 3421126067, 4083286876}));
  EXPECT_EQ(draws(3, 0, std::int64_t{1} << 40),
            (Integers{441507790259, 395924837646, 458615280711}));
  EXPECT_EQ(
      draws(2, std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max()),
      (Integers{-2314326399425823309, 8314211556539077902}));
  EXPECT_EQ(draws(2, 7, 8), (Integers{7, 7}));
  auto s = state();
  s.randint(7, 8);  // takes nothing
  EXPECT_EQ(s.random_sample(), 0.3745401188473625);
  test::expect_error<ValueError>([&] { s.randint(3, 3); },
                                 "randint needs low < high, got low=3 and high=3");
}

TEST(RandomState, ShufflesAsNumPy) {
  EXPECT_EQ(state().permutation(10), (Integers{8, 1, 5, 0, 7, 2, 9, 4, 3, 6}));
  std::array<char, 10> letters = {'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'};
  auto s = state();
  s.shuffle(std::span(letters));
  EXPECT_EQ(std::string(letters.begin(), letters.end()), "ibfahcjedg");
  EXPECT_TRUE(state().permutation(0).empty());
  EXPECT_EQ(state().permutation(1), Integers{0});
}

TEST(RandomState, ChoosesAsNumPy) {
  EXPECT_EQ(state().choice(100, 5), (Integers{51, 92, 14, 71, 60}));
  EXPECT_EQ(state().choice(10, 4, false), (Integers{8, 1, 5, 0}));
  const Numbers p = {.1, .2, 0, .3, .4};
  EXPECT_EQ(state().choice(p, 6), (Integers{3, 4, 4, 3, 1, 1}));
  EXPECT_EQ(state().choice(p, 4, false), (Integers{3, 4, 0, 1}));
  EXPECT_TRUE(state().choice(0, 0).empty());
}

TEST(RandomState, RefusesWhatCannotBeChosen) {
  auto s = state();
  const Numbers p = {.5, .5, 0};
  test::expect_error<ValueError>([&] { s.choice(0, 1); }, "cannot choose from an empty population");
  test::expect_error<ValueError>(
      [&] { s.choice(3, 4, false); },
      "cannot choose 4 of 3 without replacement: it is larger than the population");
  test::expect_error<ValueError>(
      [&] { s.choice(p, 3, false); },
      "cannot choose 3 without replacement: 2 probabilities are above 0");
  test::expect_error<ValueError>(
      [&] {
        s.choice(Numbers{.5, .4}, 1);
      },
      "probabilities must sum to 1, they sum to 0.9");
  test::expect_error<ValueError>(
      [&] {
        s.choice(Numbers{1.5, -.5}, 1);
      },
      "probabilities must not be negative or NaN");
}

TEST(RandomState, ReachesEveryNumber) {
  auto s = state();
  std::set<std::int64_t> seen;
  for (int i = 0; i < 200; ++i) seen.insert(s.randint(-3, 4));
  EXPECT_EQ(seen, (std::set<std::int64_t>{-3, -2, -1, 0, 1, 2, 3}));
}

TEST(RandomState, GoesOnFromAPosition) {
  auto s = state();
  s.normal();
  const auto at = s.position();
  EXPECT_TRUE(at.has_left_over);
  auto other = RandomState(7);
  other.set_position(at);
  for (int i = 0; i < 700; ++i) EXPECT_EQ(other.normal(), s.normal());
  auto wrong = at;
  wrong.key.pop_back();
  EXPECT_THROW(other.set_position(wrong), ValueError);
  wrong = at;
  wrong.next = 625;
  EXPECT_THROW(other.set_position(wrong), ValueError);
}

// numpy.random.RandomState(42).get_state()[1][:2] and [2]
TEST(RandomState, HasNumPysState) {
  const auto at = state().position();
  EXPECT_EQ(at.key[0], 42U);
  EXPECT_EQ(at.key[1], 3107752595U);
  EXPECT_EQ(at.next, 624);
}

TEST(CheckRandomState, NoneIsTheSeedZeroOrWhatIsGiven) {
  EXPECT_EQ(check_random_state({})->random_sample(), RandomState(0).random_sample());
  RandomState given(5);
  {
    const embed::Draws draws(given);
    EXPECT_EQ(check_random_state({})->random_sample(), RandomState(5).random_sample());
    EXPECT_EQ(check_random_state(3)->random_sample(), RandomState(3).random_sample());
  }
  EXPECT_NE(given.random_sample(), RandomState(5).random_sample());
  EXPECT_EQ(check_random_state({})->random_sample(), RandomState(0).random_sample());
}

}  // namespace
}  // namespace tessera
