// buffer.hpp, device.hpp, stream.hpp and tile.hpp.
#include <gtest/gtest.h>

#include <cstdint>
#include <utility>
#include <vector>

#include <tessera/runtime/buffer.hpp>
#include <tessera/runtime/stream.hpp>
#include <tessera/runtime/tile.hpp>

#include "support/near.hpp"

namespace tessera {
namespace {

TEST(Device, ParsesWhatItPrints) {
  EXPECT_EQ(Device::parse("cpu"), cpu);
  EXPECT_EQ(Device::parse("cuda"), (Device{Device::Kind::cuda, 0}));
  EXPECT_EQ(Device::parse("cuda:3"), (Device{Device::Kind::cuda, 3}));
  EXPECT_EQ(cpu.to_string(), "cpu");
  EXPECT_EQ(Device::parse("cuda:12").to_string(), "cuda:12");
}

TEST(Device, RefusesOtherTexts) {
  for (const std::string text :
       {"", "gpu", "CPU", "cuda:", "cuda:-1", "cuda:1x", "cuda:x", "cpu:0", "cuda:99999999999"})
    test::expect_error<ValueError>(
        [&] { Device::parse(text); },
        "unknown device '" + text + "'; allowed are cpu, cuda, cuda:N and auto");
}

TEST(Buffer, IsAlignedAndWritable) {
  for (const std::size_t bytes : {1, 63, 64, 65, 100000, 10000001}) {
    const Buffer buffer(bytes);
    EXPECT_EQ(buffer.size(), bytes);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.data()) % 64, 0u);
    std::fill_n(buffer.data(), bytes, std::byte{7});
    EXPECT_EQ(buffer.data()[bytes - 1], std::byte{7});
  }
  EXPECT_EQ(Buffer(0).size(), 0u);
  EXPECT_EQ(Buffer().data(), nullptr);
}

TEST(Buffer, MovesLeaveOneOwner) {
  Buffer a(10);
  std::byte* data = a.data();
  Buffer b(std::move(a));
  EXPECT_EQ(b.data(), data);
  EXPECT_EQ(b.size(), 10u);
  EXPECT_EQ(a.data(), nullptr);  // NOLINT(bugprone-use-after-move): what is promised here
  Buffer c(20);
  c = std::move(b);
  EXPECT_EQ(c.data(), data);
  EXPECT_EQ(c.size(), 10u);
}

TEST(Buffer, SaysWhatItCannotAllocate) {
  test::expect_error<MemoryError>([] { Buffer(std::size_t{1} << 62); },
                                  "cannot allocate 4611686018427387904 bytes on cpu");
  test::expect_error<MemoryError>([] { Buffer(~std::size_t{0}); },
                                  "cannot allocate 18446744073709551615 bytes on cpu");
}

TEST(Stream, ScratchGrowsAndIsReused) {
  Stream stream;
  EXPECT_EQ(stream.device(), cpu);
  std::byte* small = stream.scratch(100);
  ASSERT_NE(small, nullptr);
  EXPECT_EQ(stream.scratch(50), small);
  std::byte* large = stream.scratch(100000);
  std::fill_n(large, 100000, std::byte{1});
  EXPECT_EQ(stream.scratch(100000), large);
}

TEST(Tile, SlicesByRowsWithStride) {
  std::vector<std::int32_t> data(5 * 8);
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::int32_t>(i);
  const Tile t = tile_of(data.data(), 5, 3, 8);
  EXPECT_EQ(t.dtype, DType::int32);
  EXPECT_EQ(t.device, cpu);
  const Tile s = t.slice(2, 3);
  EXPECT_EQ(s.rows, 3);
  EXPECT_EQ(s.cols, 3);
  EXPECT_EQ(s.stride, 8);
  EXPECT_EQ(s.as<std::int32_t>()[0], 16);
  EXPECT_EQ(s.as<std::int32_t>()[2 * s.stride + 2], 34);
  EXPECT_EQ(t.slice(5, 0).rows, 0);
  EXPECT_TRUE(t);
  EXPECT_FALSE(Tile{});
}

}  // namespace
}  // namespace tessera
