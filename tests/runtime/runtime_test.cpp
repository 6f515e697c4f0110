#include <tessera/runtime/runtime.hpp>

#include <gtest/gtest.h>
#include <mpi.h>

#include <atomic>
#include <set>
#include <thread>
#include <vector>

#include <tessera/runtime/error.hpp>
#include <tessera/runtime/rows.hpp>

#include "support/near.hpp"

namespace tessera {
namespace {

TEST(Runtime, Runs) {
  EXPECT_TRUE(Runtime::running());
  int initialized = 0;
  MPI_Initialized(&initialized);
  EXPECT_TRUE(initialized);
}

TEST(Runtime, IsAlone) {
  test::expect_error<RuntimeError>([] { Runtime second; },
                                   "a tessera::Runtime is alive already; keep one, in main");
  EXPECT_TRUE(Runtime::running());
}

TEST(Runtime, ThreadsComeFromTheEnvironment) {
  EXPECT_EQ(Runtime::threads(), 1);  // OMP_NUM_THREADS=1 in every test
}

TEST(Runtime, SetsThreads) {
  Runtime::set_threads(3);
  EXPECT_EQ(Runtime::threads(), 3);
  test::expect_error<ValueError>([] { Runtime::set_threads(0); },
                                 "threads must be at least 1, got 0");
  test::expect_error<ValueError>([] { Runtime::set_threads(-2); },
                                 "threads must be at least 1, got -2");
  EXPECT_EQ(Runtime::threads(), 3);
  Runtime::set_threads(1);
}

TEST(Runtime, LeavesAreWorkedOnByThatManyThreads) {
  // Each waits until the other has come; with one thread this would never end.
  std::atomic<int> here{0};
  parallel_for({0, 2}, 2, [&](std::int64_t, Stream&) {
    ++here;
    while (here < 2) std::this_thread::yield();
  });
  EXPECT_EQ(here, 2);
}

TEST(Runtime, LoopsInsideOfLoopsRunOnTheirThread) {
  std::vector<std::int64_t> sums(40);
  parallel_for({0, 40}, 3, [&](std::int64_t i, Stream&) {
    const auto thread = std::this_thread::get_id();
    parallel_for({0, i}, 3, [&](std::int64_t j, Stream&) {
      EXPECT_EQ(std::this_thread::get_id(), thread);
      sums[static_cast<std::size_t>(i)] += j;
    });
  });
  for (std::int64_t i = 0; i < 40; ++i)
    EXPECT_EQ(sums[static_cast<std::size_t>(i)], i * (i - 1) / 2);
}

TEST(Runtime, LoopsOfSeveralThreadsRunAtOnce) {
  const auto loops = [](std::int64_t n) {
    for (int repeat = 0; repeat < 300; ++repeat) {
      std::atomic<std::int64_t> sum{0};
      parallel_for({0, n}, 4, [&](std::int64_t i, Stream&) { sum += i; });
      EXPECT_EQ(sum, n * (n - 1) / 2);
      EXPECT_THROW(parallel_for({0, n}, 3,
                                [&](std::int64_t i, Stream&) {
                                  if (i == n / 2) throw ValueError("half");
                                }),
                   ValueError);
    }
  };
  std::thread other([&] { loops(1); });
  std::thread third([&] { loops(17); });
  loops(100);
  other.join();
  third.join();
}

TEST(Runtime, MpiReportsErrorsInsteadOfAborting) {
  MPI_Errhandler handler;
  MPI_Comm_get_errhandler(MPI_COMM_WORLD, &handler);
  EXPECT_EQ(handler, MPI_ERRORS_RETURN);
  MPI_Errhandler_free(&handler);
}

TEST(Progress, IsSilentWithoutATerminal) {
  Progress::enable(true);
  testing::internal::CaptureStderr();
  {
    Progress progress("fit");
    progress.update(1, 2);
    progress.update(0, 0, "note");
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
  Progress::enable(false);
}

}  // namespace
}  // namespace tessera
