// Tests that fail on purpose, one way each; CMakeLists.txt says what a user must get to see.
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>

#include "support/near.hpp"

namespace tessera {
namespace {

int my_rank() { return Communicator::world().rank(); }
int last_rank() { return Communicator::world().size() - 1; }

TEST(Good, Passes) { EXPECT_EQ(Communicator::world().all_gather(1).size(), last_rank() + 1u); }

TEST(Bad, OneRankFails) { EXPECT_FALSE(my_rank() == 1) << "deliberate difference"; }

TEST(Bad, OneRankThrows) {
  if (my_rank() == last_rank()) throw std::runtime_error("deliberate exception");
  Communicator::world().barrier();
}

TEST(Bad, OneRankReturns) {
  if (my_rank() == 0) FAIL() << "deliberate return";
  Communicator::world().barrier();
}

TEST(Bad, AllRanksHang) {
  Communicator::world().receive((my_rank() + 1) % Communicator::world().size());
}

TEST(Bad, OneRankCrashes) {
  if (my_rank() == last_rank()) std::raise(SIGSEGV);
  Communicator::world().barrier();
}

TEST(Bad, ArrayDiffers) {
  const auto index = [](std::int64_t flat) { return static_cast<double>(flat); };
  const Array x = test::make<double>(
      {600, 3}, [&](std::int64_t flat) { return flat == 599 * 3 + 1 ? 1798.5 : index(flat); });
  test::expect_elements<double>(x, index);
}

TEST(Bad, WrongErrors) {
  test::expect_error<ValueError>([] { throw TypeError("something"); }, "something");
  test::expect_error<ValueError>([] { throw ValueError("something"); }, "something else");
  test::expect_error<ValueError>([] {}, "something");
}

}  // namespace
}  // namespace tessera
