// Messages of more elements than an MPI count holds, for real: about 4.5 GB on two ranks.
#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include <tessera/runtime/buffer.hpp>
#include <tessera/runtime/communicator.hpp>

#include "support/near.hpp"

namespace tessera {
namespace {

constexpr std::int64_t length = (std::int64_t{1} << 31) + 1003;

std::int64_t available_memory() {
  std::ifstream file("/proc/meminfo");
  std::string name;
  std::int64_t kilobytes = 0;
  std::string unit;
  while (file >> name >> kilobytes >> unit)
    if (name == "MemAvailable:") return kilobytes * 1024;
  return 0;
}

std::uint8_t byte_at(std::int64_t i, unsigned salt) {
  return static_cast<std::uint8_t>((static_cast<std::uint64_t>(i) * 2654435761u + salt) >> 13);
}

void fill(std::uint8_t* data, unsigned salt) {
  for (std::int64_t i = 0; i < length; ++i) data[i] = byte_at(i, salt);
}

// The first wrong element, or -1.
std::int64_t first_wrong(const std::uint8_t* data, unsigned salt) {
  for (std::int64_t i = 0; i < length; ++i)
    if (data[i] != byte_at(i, salt)) return i;
  return -1;
}

TEST(LargeMessage, MoreThanTwoToThe31Elements) {
  const auto world = Communicator::world();
  constexpr std::int64_t needed = 8'000'000'000;
  const bool enough = available_memory() > needed;
  if (!test::all_of(world, enough))
    GTEST_SKIP() << "NOT TESTED: messages above 2^31 elements need 8 GB of free memory";
  const Buffer buffer(length);
  auto* data = reinterpret_cast<std::uint8_t*>(buffer.data());
  const std::span all(data, static_cast<std::size_t>(length));

  if (world.rank() == 0) fill(data, 1);
  world.broadcast(all, 0);
  EXPECT_EQ(first_wrong(data, 1), -1) << "broadcast";

  // Rank 1 sends everything to rank 0, which has overwritten its own.
  if (world.rank() == 0) std::fill(all.begin(), all.end(), std::uint8_t{0});
  const bool sends = world.rank() == 1;
  const std::vector<std::int64_t> send = {sends ? length : 0, 0};
  const std::vector<std::int64_t> receive = {0, sends ? 0 : length};
  const std::vector<std::int64_t> zero = {0, 0};
  world.all_to_all_v(buffer.data(), send, zero, buffer.data(), receive, zero);
  EXPECT_EQ(first_wrong(data, 1), -1) << "all_to_all_v";

  // The same array, 2^31 elements and more, handed over as a whole to all.
  if (world.rank() == 1) fill(data, 2);
  const std::vector<std::int64_t> bytes = {0, length};
  world.all_gather_v(sends ? std::as_bytes(all) : std::span<const std::byte>(), bytes,
                     std::as_writable_bytes(all));
  EXPECT_EQ(first_wrong(data, 2), -1) << "all_gather_v";
}

}  // namespace
}  // namespace tessera
