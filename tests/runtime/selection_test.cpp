#include <tessera/runtime/selection.hpp>

#include <gtest/gtest.h>

#include <thread>

#include <tessera/runtime/operation.hpp>
#include <tessera/runtime/rows.hpp>

#include "support/near.hpp"

namespace tessera {
namespace {

using Named = Operation<std::string(const Tile&)>;

/// Who of the backends low, middle and high, in the order of their priorities, runs.
std::string who() {
  static const Named op = [] {
    const Named named("selection.who");
    int priority = 0;
    for (const char* name : {"low", "middle", "high"})
      install(Backend(name, Device::Kind::cpu, ++priority).implement(named, [name](const Tile&) {
        return std::string(name);
      }));
    return named;
  }();
  static double value = 0;
  return op(tile_of(&value, 1, 1, 1));
}

TEST(Selection, AGuardHoldsInItsScope) {
  EXPECT_EQ(who(), "high");
  EXPECT_TRUE(selection_is_default());
  {
    const auto a = prefer("low");
    EXPECT_FALSE(selection_is_default());
    EXPECT_EQ(who(), "low");
    {
      const auto b = prefer("middle");  // before low
      EXPECT_EQ(who(), "middle");
      const auto c = skip("middle");
      EXPECT_EQ(who(), "low");
      const auto d = skip("low");
      EXPECT_EQ(who(), "high");
      const auto e = only("low");  // said last
      EXPECT_EQ(who(), "low");
      const auto f = only("middle");
      EXPECT_EQ(who(), "middle");
    }
    EXPECT_EQ(who(), "low");
  }
  EXPECT_EQ(who(), "high");
  EXPECT_TRUE(selection_is_default());
}

TEST(Selection, UnwindingRestoresIt) {
  who();
  try {
    const auto a = only("low");
    const auto b = skip("low");
    who();
    ADD_FAILURE() << "nobody may run";
  } catch (const NotImplementedError& e) {
    EXPECT_STREQ(e.what(),
                 "selection.who: no backend for cpu takes this call:\n  high: only low may run\n"
                 "  middle: only low may run\n  low: skipped");
  }
  EXPECT_EQ(selection(), Selection{});
  EXPECT_EQ(who(), "high");
}

TEST(Selection, AnUnknownNameIsAnErrorAtTheNextOperation) {
  who();
  for (const Selection& s : {Selection{.prefer = {"low", "lwo"}}, Selection{.only = {{"lwo"}}},
                             Selection{.skip = {"lwo"}}}) {
    const SelectionGuard guard(s);
    for (int i = 0; i < 2; ++i)
      test::expect_error<ValueError>([] { who(); },
                                     "unknown backend 'lwo'; there are high, middle, low");
    test::expect_error<ValueError>([&] { check_backends(s); },
                                   "unknown backend 'lwo'; there are high, middle, low");
  }
}

TEST(Selection, ReachesWorkerThreads) {
  who();
  for (const int threads : {1, 4}) {
    std::vector<std::string> ran(64);
    const auto work = [&](std::int64_t i, Stream&) { ran[static_cast<std::size_t>(i)] = who(); };
    {
      const auto guard = prefer("low");
      parallel_for({0, 64}, threads, work);
    }
    EXPECT_EQ(ran, std::vector<std::string>(64, "low"));
    parallel_for({0, 64}, threads, work);  // by the same threads
    EXPECT_EQ(ran, std::vector<std::string>(64, "high"));
  }
  std::string elsewhere;
  const auto guard = prefer("low");
  std::thread([&] { elsewhere = who(); }).join();
  EXPECT_EQ(elsewhere, "high");  // a thread of one's own starts with the default
  std::thread([&, handle = detail::selection_in_force()] {
    const SelectionGuard adopted(handle);
    elsewhere = who();
  }).join();
  EXPECT_EQ(elsewhere, "low");
}

TEST(Selection, AKernelOnAWorkerThreadMayChoose) {
  who();
  const Named op("selection.inner");
  install(Backend("low", Device::Kind::cpu, 1).implement(op, [](const Tile&) {
    const auto guard = only("middle");
    return who();
  }));
  std::vector<std::string> ran(64);
  const auto guard = prefer("low");
  parallel_for({0, 64}, 4, [&](std::int64_t i, Stream&) {
    const std::string before = who();
    ran[static_cast<std::size_t>(i)] = before + op({}) + who();
  });
  EXPECT_EQ(ran, std::vector<std::string>(64, "lowmiddlelow"));
}

TEST(Selection, RowsReadLaterKeepTheOneTheyWereMadeUnder) {
  who();
  const auto x = test::make<double>({2000, 2});
  const auto spelled = [&](const Rows& of) {
    return map_rows(of, {of.rows()}, DType::int8, [](const Leaf&, const Tile& out, Stream&) {
      for (std::int64_t i = 0; i < out.rows; ++i)
        out.as<std::int8_t>()[i] = static_cast<std::int8_t>(who()[0]);
    });
  };
  const Rows high = spelled(x);
  const Rows low = [&] {
    const auto guard = prefer("low");
    return spelled(x);
  }();
  const auto guard = only("middle");
  for (const auto& [rows, letter] :
       {std::pair(high, 'h'), std::pair(low, 'l'), std::pair(spelled(low), 'm')})
    test::expect_elements<std::int8_t>(collect(rows), [letter = letter](std::int64_t) {
      return static_cast<std::int8_t>(letter);
    });
  EXPECT_EQ(who(), "middle");
}

TEST(Selection, TheDefaultHoldsWhereNoGuardDoes) {
  who();
  set_default_selection({.prefer = {"middle"}});
  EXPECT_EQ(who(), "middle");
  EXPECT_TRUE(selection_is_default());
  {
    const auto guard = skip("middle");  // on top of it
    EXPECT_EQ(who(), "high");
  }
  set_default_selection({});
  EXPECT_EQ(who(), "high");
}

TEST(Selection, IsReadFromText) {
  struct Case {
    std::string text;
    Selection selection;
    std::string again;
  };
  for (const Case& c : std::vector<Case>{{"a", {.prefer = {"a"}}, "a"},
                                         {"prefer:a", {.prefer = {"a"}}, "a"},
                                         {"a,b", {.prefer = {"b", "a"}}, "a,b"},
                                         {"a,b,a", {.prefer = {"a", "b"}}, "b,a"},
                                         {"only:a", {.only = {{"a"}}}, "only:a"},
                                         {"only:a,only:b", {.only = {{"b"}}}, "only:b"},
                                         {"skip:a,skip:b", {.skip = {"a", "b"}}, "skip:a,skip:b"},
                                         {"skip:a,a", {.prefer = {"a"}}, "a"},
                                         {"a,skip:a", {.skip = {"a"}}, "skip:a"},
                                         {"skip:a,only:b,c",
                                          {.prefer = {"c"}, .only = {{"b"}}, .skip = {"a"}},
                                          "only:b,c,skip:a"}}) {
    EXPECT_EQ(Selection::parse(c.text), c.selection) << c.text;
    EXPECT_EQ(c.selection.to_string(), c.again);
    EXPECT_EQ(Selection::parse(c.again), c.selection) << c.again;
  }
  for (const std::string text : {"", ",", "a,", ",a", "a,,b", "only:", ":a", "with:a", "skip:,a"})
    test::expect_error<ValueError>(
        [&] { Selection::parse(text); },
        "cannot read '" + text +
            "' as a choice of backends; give NAME, only:NAME or skip:NAME, with commas between "
            "several");
}

}  // namespace
}  // namespace tessera
