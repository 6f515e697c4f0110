#include <gtest/gtest.h>
#include <sys/resource.h>

#include <tessera/runtime/error.hpp>
#include <tessera/runtime/memory.hpp>

namespace tessera {
namespace {

TEST(FreeMemory, RefusesWhatIsNotThereOnEveryProcess) {
  const auto comm = Communicator::world();
  EXPECT_GT(free_memory().machine, 1U << 20);
  require_memory(1 << 20, "reading 'x'", "wait", comm);
  // One process alone wants too much: all are told.
  const std::uint64_t mine = comm.rank() == comm.size() - 1 ? std::uint64_t{1} << 60 : 0;
  std::string text;
  try {
    require_memory(mine, "reading 'x'", "wait", comm);
  } catch (const MemoryError& e) {
    text = e.what();
  }
  EXPECT_TRUE(text.starts_with("reading 'x' takes 1152921504.6 GB on a machine with " +
                               std::to_string(comm.size()) + " of these processes, which has "))
      << text;
  EXPECT_TRUE(text.ends_with(" GB free: wait")) << text;
}

TEST(FreeMemory, KnowsTheLimitOfTheProcess) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_AS, &before), 0);
  const rlimit lower = {std::uint64_t{1} << 36, before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_AS, &lower), 0);
  EXPECT_LT(free_memory().process, std::uint64_t{1} << 36);
  EXPECT_GT(free_memory().process, 0U);
  EXPECT_THROW(require_memory(std::uint64_t{1} << 36, "reading 'x'", "wait", Communicator::world()),
               MemoryError);
  setrlimit(RLIMIT_AS, &before);
}

}  // namespace
}  // namespace tessera
