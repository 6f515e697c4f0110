#include <tessera/runtime/operation.hpp>

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include <tessera/runtime/stream.hpp>

#include "support/near.hpp"

namespace tessera {
namespace {

// Each test has operations and backends of its own: the registry lives as long as the process.
using Named = Operation<std::string(const Tile&, int)>;

Tile host_tile(int rows = 1) {
  static std::vector<double> data(100);
  return tile_of(data.data(), rows, 1, 1);
}

TEST(Operation, TakesTheBackendOfHighestPriority) {
  const Named op("test.priority");
  install(Backend("priority-low", Device::Kind::cpu, 1).implement(op, [](const Tile&, int) {
    return std::string("low");
  }));
  EXPECT_EQ(op(host_tile(), 0), "low");
  install(Backend("priority-high", Device::Kind::cpu, 5).implement(op, [](const Tile&, int) {
    return std::string("high");
  }));
  EXPECT_EQ(op(host_tile(), 0), "high");
  install(Backend("priority-middle", Device::Kind::cpu, 3).implement(op, [](const Tile&, int) {
    return std::string("middle");
  }));
  EXPECT_EQ(op(host_tile(), 0), "high");
}

TEST(Operation, AsksTheNextAfterADecline) {
  const Named op("test.decline");
  int asked = 0;
  install(Backend("decline-picky", Device::Kind::cpu, 9)
              .implement(
                  op, DTypes::all(),
                  [&](const Tile& t, int) -> Verdict {
                    ++asked;
                    if (t.rows > 10) return Decline{"more than 10 rows"};
                    return {};
                  },
                  [](const Tile&, int x) { return "picky " + std::to_string(x); }));
  install(Backend("decline-any", Device::Kind::cpu, 1).implement(op, [](const Tile&, int x) {
    return "any " + std::to_string(x);
  }));
  EXPECT_EQ(op(host_tile(10), 4), "picky 4");
  EXPECT_EQ(op(host_tile(11), 5), "any 5");
  EXPECT_EQ(asked, 2);
}

TEST(Operation, ErrorListsEveryBackendAndItsReason) {
  const Named op("test.refused");
  const auto never = [](const char* why) {
    return [why](const Tile&, int) -> Verdict { return Decline{why}; };
  };
  const auto unreachable = [](const Tile&, int) -> std::string { return "ran"; };
  install(Backend("refused-b", Device::Kind::cpu, 1)
              .implement(op, DTypes::all(), never("needs an even moon"), unreachable));
  install(
      Backend("refused-a", Device::Kind::cpu, 2).implement(op, DTypes::all(), never("float32 only"), unreachable));
  test::expect_error<NotImplementedError>(
      [&] { op(host_tile(), 0); },
      "test.refused: no backend for cpu takes this call:\n  refused-a: float32 only\n"
      "  refused-b: needs an even moon");
}

TEST(Operation, SaysWhenNobodyImplementsIt) {
  test::expect_error<NotImplementedError>(
      [] { Named("test.unknown")(host_tile(), 0); },
      "test.unknown: no backend for cpu takes this call; none implements it");
}

TEST(Operation, TheDataDecidesTheDevice) {
  const Named op("test.device");
  install(Backend("device-cpu", Device::Kind::cpu, 0).implement(op, [](const Tile&, int) {
    return std::string("cpu");
  }));
  Tile t = host_tile();
  t.device = {Device::Kind::cuda, 2};
  test::expect_error<NotImplementedError>(
      [&] { op(t, 0); }, "test.device: no backend for cuda:2 takes this call; none implements it");
  install(Backend("device-cuda", Device::Kind::cuda, 100).implement(op, [](const Tile&, int) {
    return std::string("cuda");
  }));
  EXPECT_EQ(op(t, 0), "cuda");
  EXPECT_EQ(op(host_tile(), 0), "cpu");
}

TEST(Operation, AStreamMayComeFirst) {
  const Operation<int(Stream&, int&)> op("test.stream");
  install(Backend("stream", Device::Kind::cpu, 0).implement(op, [](Stream& stream, int& x) {
    stream.scratch(10);
    return ++x;
  }));
  Stream stream;
  int x = 1;
  EXPECT_EQ(op(stream, x), 2);
  EXPECT_EQ(x, 2);  // references reach the kernel
}

TEST(Operation, RefusesAnotherSignature) {
  const Operation<int(const Tile&)> theirs("test.signature");
  install(
      Backend("signature", Device::Kind::cpu, 0).implement(theirs, [](const Tile&) { return 1; }));
  EXPECT_EQ(theirs(host_tile()), 1);
  test::expect_error<TypeError>([] { Named("test.signature")(host_tile(), 0); },
                                "signature implements test.signature with another signature");
}

TEST(Operation, ABackendOfAKnownNameIsExtended) {
  const Named first("test.extend.first");
  const Named second("test.extend.second");
  const auto says = [](const char* text) {
    return [text](const Tile&, int) { return std::string(text); };
  };
  install(Backend("extend", Device::Kind::cpu, 3).implement(first, says("first")));
  const std::size_t count = backend_names().size();
  install(Backend("extend", Device::Kind::cpu, 3).implement(second, says("second")));
  EXPECT_EQ(backend_names().size(), count);
  EXPECT_EQ(first(host_tile(), 0), "first");
  EXPECT_EQ(second(host_tile(), 0), "second");
  install(Backend("extend", Device::Kind::cpu, 3).implement(first, says("replaced")));
  EXPECT_EQ(first(host_tile(), 0), "replaced");
  EXPECT_EQ(second(host_tile(), 0), "second");
}

TEST(Operation, OneNameMayServeTwoDevices) {
  const Named op("test.two_devices");
  const auto says = [](const char* text) {
    return [text](const Tile&, int) { return std::string(text); };
  };
  install(Backend("two-devices", Device::Kind::cpu, 0).implement(op, says("cpu")));
  install(Backend("two-devices", Device::Kind::cuda, 0).implement(op, says("cuda")));
  Tile t = host_tile();
  EXPECT_EQ(op(t, 0), "cpu");
  t.device = {Device::Kind::cuda, 0};
  EXPECT_EQ(op(t, 0), "cuda");
}

TEST(Operation, WhatAKernelThrowsIsNotADecline) {
  const Named op("test.throws");
  install(
      Backend("throws", Device::Kind::cpu, 9).implement(op, [](const Tile&, int) -> std::string {
        throw LinAlgError("singular");
      }));
  install(Backend("throws-not", Device::Kind::cpu, 1).implement(op, [](const Tile&, int) {
    return std::string("fallback");
  }));
  test::expect_error<LinAlgError>([&] { op(host_tile(), 0); }, "singular");
}

}  // namespace
}  // namespace tessera
