#include <tessera/runtime/error.hpp>

#include <gtest/gtest.h>

#include <new>
#include <stdexcept>

#include <tessera/runtime/communicator.hpp>

#include "support/near.hpp"

namespace tessera {
namespace {

const Communicator& world() {
  static const Communicator comm = Communicator::world();
  return comm;
}
int last() { return world().size() - 1; }

// What an error of one rank reads like on all: alone in the job, a rank is not worth naming.
std::string on_rank(const std::string& text, int rank) {
  return world().size() == 1 ? text : text + " (rank " + std::to_string(rank) + ")";
}

template <class Kind>
void every_kind_survives() {
  test::expect_error<Kind>(
      [] {
        together(world(), [] {
          if (world().rank() == last()) throw Kind("went wrong");
        });
      },
      on_rank("went wrong", last()));
}

TEST(Together, ReturnsWhenAllSucceed) {
  int done = 0;
  together(world(), [&] { ++done; });
  EXPECT_EQ(done, 1);
}

TEST(Together, OneRankFailsAndAllThrowTheSameKind) {
  every_kind_survives<ValueError>();
  every_kind_survives<TypeError>();
  every_kind_survives<InvalidParameterError>();
  every_kind_survives<NotFittedError>();
  every_kind_survives<LinAlgError>();
  every_kind_survives<NotImplementedError>();
  every_kind_survives<OSError>();
  every_kind_survives<MemoryError>();
  every_kind_survives<RuntimeError>();
}

TEST(Together, EveryRankInTurn) {
  for (int r = 0; r <= last(); ++r)
    test::expect_error<OSError>(
        [&] {
          together(world(), [&] {
            if (world().rank() == r) throw OSError("cannot open data.h5");
          });
        },
        on_rank("cannot open data.h5", r));
}

TEST(Together, AllRanksAlikeNamesNoRank) {
  test::expect_error<LinAlgError>(
      [] { together(world(), [] { throw LinAlgError("singular matrix"); }); }, "singular matrix");
}

TEST(Together, DifferentTextsGiveThatOfTheLowestRank) {
  test::expect_error<ValueError>(
      [] { together(world(), [] { throw ValueError("rank " + std::to_string(world().rank())); }); },
      on_rank("rank 0", 0));
}

TEST(Together, DifferentKindsAreNotAlike) {
  test::expect_error<TypeError>(
      [] {
        together(world(), [] {
          if (world().rank() == 0) throw TypeError("no");
          throw ValueError("no");
        });
      },
      on_rank("no", 0));
}

TEST(Together, AllButRankZeroFail) {
  if (world().size() == 1) GTEST_SKIP() << "needs two processes";
  test::expect_error<ValueError>(
      [] {
        together(world(), [] {
          if (world().rank() > 0) throw ValueError("NaN in row 3");
        });
      },
      "NaN in row 3 (rank 1)");
}

TEST(Together, ForeignExceptionsGetAKind) {
  test::expect_error<MemoryError>(
      [] {
        together(world(), [] {
          if (world().rank() == last()) throw std::bad_alloc();
        });
      },
      on_rank("out of memory", last()));
  test::expect_error<RuntimeError>(
      [] {
        together(world(), [] {
          if (world().rank() == last()) throw std::out_of_range("at 7");
        });
      },
      on_rank("at 7", last()));
  test::expect_error<RuntimeError>(
      [] {
        together(world(), [] {
          if (world().rank() == last()) throw 42;
        });
      },
      on_rank("unknown exception", last()));
}

TEST(Together, KeepsTextsOfSeveralLinesAndNone) {
  test::expect_error<ValueError>(
      [] {
        together(world(), [] {
          if (world().rank() == last()) throw ValueError("first\nsecond\n\nfourth");
        });
      },
      on_rank("first\nsecond\n\nfourth", last()));
  test::expect_error<ValueError>([] { together(world(), [] { throw ValueError(""); }); }, "");
}

TEST(Together, WorksOnPartOfTheJobAndAgainAfterAFailure) {
  const Communicator half = world().split(world().rank() % 2);
  for (int round = 0; round < 3; ++round) {
    try {
      together(half, [&] {
        if (world().rank() % 2 == 1) throw ValueError("odd");
      });
      EXPECT_EQ(world().rank() % 2, 0);
    } catch (const ValueError& e) {
      EXPECT_EQ(world().rank() % 2, 1);
      EXPECT_STREQ(e.what(), "odd");
    }
  }
  EXPECT_TRUE(test::all_of(world(), true));
}

TEST(OnFirst, OnlyRankZeroWorksAndItsErrorNamesNoRank) {
  int done = 0;
  on_first(world(), [&] { ++done; });
  EXPECT_EQ(done, world().rank() == 0 ? 1 : 0);
  test::expect_error<OSError>([] { on_first(world(), [] { throw OSError("no such file"); }); },
                              "no such file");
}

TEST(Error, InvalidParameterIsAValueError) {
  try {
    InvalidParameterError("n_clusters").raise();
    FAIL() << "raise() returned";
  } catch (const ValueError& e) {
    EXPECT_EQ(e.kind(), "InvalidParameterError");
  }
}

TEST(Error, DescribeGivesKindAndText) {
  EXPECT_EQ(describe(std::make_exception_ptr(NotFittedError("call fit"))),
            "NotFittedError: call fit");
  EXPECT_EQ(describe(std::make_exception_ptr(std::bad_alloc())), "MemoryError: out of memory");
  EXPECT_EQ(describe(std::make_exception_ptr(std::logic_error("oops"))), "RuntimeError: oops");
  EXPECT_EQ(describe(std::make_exception_ptr(1)), "RuntimeError: unknown exception");
}

TEST(Error, TextIsPrintable) {
  EXPECT_EQ(printable("plain 'Größe' 数 \U0001f600 \\"), "plain 'Größe' 数 \U0001f600 \\");
  EXPECT_EQ(printable("a\x1b[31mb\tc\rd\x07"), "a\\x1b[31mb\\tc\\rd\\x07");
  EXPECT_EQ(printable(std::string_view("\0x", 2)), "\\x00x");
  EXPECT_EQ(printable("x\ntessera: forged"), "x\\ntessera: forged");
  EXPECT_EQ(printable("no backend:\n  cpu: why\n  cuda: why"),
            "no backend:\n  cpu: why\n  cuda: why");
  EXPECT_EQ(printable("\x7f\u009b\u202e\u200b\ufeff"), "\\u007f\\u009b\\u202e\\u200b\\ufeff");
  EXPECT_EQ(printable("\x9b\xff\xc3"), "\\x9b\\xff\\xc3");  // no UTF-8
  EXPECT_EQ(printable("\xc0\xaf\xed\xa0\x80"),
            "\\xc0\\xaf\\xed\\xa0\\x80");  // longer than need, surrogate
  EXPECT_EQ(printable(printable("\x1b")), "\\x1b");
  EXPECT_EQ(describe(std::make_exception_ptr(ValueError("'\x1b'"))), "ValueError: '\\x1b'");
}

}  // namespace
}  // namespace tessera
