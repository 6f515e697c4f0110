#include <tessera/runtime/operation.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include <tessera/runtime/array.hpp>
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
Tile on_cuda(Tile t, int index = 0) {
  t.device = {Device::Kind::cuda, index};
  return t;
}

Named::Function says(const std::string& text) {
  return [text](const Tile&, int) { return text; };
}

// An operation's error names every backend of the device: those of the tests before it too.
std::string others(const std::vector<std::string>& but, const std::string& why) {
  std::string text;
  for (const auto& name : backend_names())
    if (std::find(but.begin(), but.end(), name) == but.end()) text += "\n  " + name + ": " + why;
  return text;
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
  const DTypes small = {DType::int8, DType::float32};
  install(Backend("refused-low", Device::Kind::cpu, 1)
              .implement(op, DTypes::all(), never("needs an even moon"), says("ran")));
  install(Backend("refused-high", Device::Kind::cpu, 2)
              .implement(op, small, never("is not asked"), says("ran")));
  install(Backend("refused-skipped", Device::Kind::cpu, 3).implement(op, says("ran")));
  const std::string names = "test.refused: no backend for cpu takes this call:";
  const std::string asked =
      "\n  refused-high: takes int8 float32, not float64"
      "\n  refused-low: needs an even moon";
  const std::vector<std::string> ours = {"refused-low", "refused-high", "refused-skipped"};
  // By priority, this one is above the tests' others of 1 and 2, which come where theirs is.
  const auto reasons = [&](const std::string& skipped) {
    std::string text;
    for (const auto& name : backend_names())
      if (name == ours[2])
        text += "\n  " + name + ": " + skipped;
      else if (std::find(ours.begin(), ours.end(), name) == ours.end())
        text += "\n  " + name + ": does not implement it";
    return text;
  };
  const auto guard = skip("refused-skipped");
  test::expect_error<NotImplementedError>([&] { op(host_tile(), 0); },
                                          names + asked + reasons("skipped"));
  {
    const auto inner = prefer("refused-low");  // is asked first, and changes nothing else
    test::expect_error<NotImplementedError>(
        [&] { op(host_tile(), 0); }, names +
                                         "\n  refused-low: needs an even moon"
                                         "\n  refused-high: takes int8 float32, not float64" +
                                         reasons("skipped"));
  }
}

TEST(Operation, SaysWhyASelectionLeavesABackendOut) {
  const Named op("test.left_out");
  install(Backend("left-out-a", Device::Kind::cpu, 1).implement(op, says("a")));
  install(Backend("left-out-b", Device::Kind::cpu, 1));
  const auto guard = only("left-out-b");
  std::string text = "test.left_out: no backend for cpu takes this call:";
  for (const auto& name : backend_names())
    text += "\n  " + name +
            (name == "left-out-a" ? ": only left-out-b may run" : ": does not implement it");
  test::expect_error<NotImplementedError>([&] { op(host_tile(), 0); }, text);
}

TEST(Operation, SaysWhenNobodyImplementsIt) {
  test::expect_error<NotImplementedError>(
      [] { Named("test.unknown")(host_tile(), 0); },
      "test.unknown: no backend for cpu takes this call:" + others({}, "does not implement it"));
}

TEST(Operation, TheDataDecidesTheDevice) {
  const Named op("test.device");
  install(Backend("device-cpu", Device::Kind::cpu, 0).implement(op, says("cpu")));
  const Tile t = on_cuda(host_tile(), 2);
  test::expect_error<NotImplementedError>(
      [&] { op(t, 0); }, "test.device: no backend for cuda:2 takes this call; there is none");
  install(Backend("device-cuda", Device::Kind::cuda, 100).implement(op, says("cuda")));
  EXPECT_EQ(op(t, 0), "cuda");
  EXPECT_EQ(op(host_tile(), 0), "cpu");
}

TEST(Operation, TheDTypeDecidesWhoTakesIt) {
  const Named op("test.dtype");
  install(Backend("dtype-single", Device::Kind::cpu, 9)
              .implement(op, {DType::float32}, says("single")));
  install(
      Backend("dtype-floating", Device::Kind::cpu, 8).implement(op, floating, says("floating")));
  install(Backend("dtype-any", Device::Kind::cpu, 7).implement(op, says("any")));
  for (const auto& [dtype, who] :
       std::vector<std::pair<DType, std::string>>{{DType::float32, "single"},
                                                  {DType::float64, "floating"},
                                                  {DType::int32, "any"},
                                                  {DType::complex64, "any"}}) {
    Tile t = host_tile();
    t.dtype = dtype;
    EXPECT_EQ(op(t, 0), who) << name_of(dtype);
  }
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
  install(Backend("two-devices", Device::Kind::cpu, 0).implement(op, says("cpu")));
  install(Backend("two-devices", Device::Kind::cuda, 0).implement(op, says("cuda")));
  EXPECT_EQ(op(host_tile(), 0), "cpu");
  EXPECT_EQ(op(on_cuda(host_tile()), 0), "cuda");
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

TEST(Operation, WhatItsKernelCallsMayBeItself) {
  const Named op("test.recursive");
  install(Backend("recursive", Device::Kind::cpu, 1).implement(op, [&](const Tile& t, int depth) {
    const auto guard = skip("recursive-not");
    return depth == 0 ? std::string("done") : op(t, depth - 1);
  }));
  install(Backend("recursive-not", Device::Kind::cpu, 0).implement(op, says("not")));
  EXPECT_EQ(op(host_tile(), 3), "done");
}

TEST(Operation, TheSupportTableSaysWhoTakesWhat) {
  const Named op("test.support.kernel");
  const auto whole = Operation<int(const Array&)>::composed_of("test.support.whole",
                                                               [](const Array&) { return 0; });
  install(Backend("support-cpu", Device::Kind::cpu, 3).implement(op, floating, says("")));
  install(Backend("support-any", Device::Kind::cpu, 4).implement(op, says("")));
  install(Backend("support-cuda", Device::Kind::cuda, 0)
              .implement(whole, {DType::int8}, [](const Array&) { return 1; }));
  std::vector<std::string> found;
  const auto table = support_table();
  EXPECT_TRUE(std::is_sorted(table.begin(), table.end(),
                             [](auto& a, auto& b) { return a.operation < b.operation; }));
  for (const auto& s : table) {
    if (!s.operation.starts_with("test.support")) continue;
    found.push_back(s.operation + (s.composed ? " composed" : ""));
    for (const auto& e : s.entries)
      found.back() += fmt::format("; {} {} {}", e.backend, name_of(e.device), e.dtypes.to_string());
  }
  EXPECT_EQ(found, (std::vector<std::string>{
                       "test.support.kernel; support-any cpu any; support-cpu cpu float32 float64",
                       "test.support.whole composed; support-cuda cuda int8"}));
}

TEST(Operation, TheHashIsThatOfPlugins) {
  const auto before = registry_hash();
  install(Backend("hash", Device::Kind::cpu, 0).implement(Named("test.hash"), says("")));
  EXPECT_EQ(registry_hash(), before);
  for (const auto theirs : Communicator::world().all_gather(before)) EXPECT_EQ(theirs, before);
}

// --- Whole functions ----------------------------------------------------------------------------

/// What whole functions see of an array.
struct Piece {
  Device where = cpu;
  DType type = DType::float64;
  Device device() const { return where; }
  DType dtype() const { return type; }
  Communicator comm() const { return Communicator::world(); }
};
using Whole = Operation<std::string(const Piece&, int)>;

Whole::Function whole_says(const std::string& text) {
  return [text](const Piece&, int) { return text; };
}

int my_rank() { return Communicator::world().rank(); }
int last_rank() { return Communicator::world().size() - 1; }
/// What an error on the last rank alone is called on all.
std::string on_last_rank() {
  return last_rank() == 0 ? "" : " (rank " + std::to_string(last_rank()) + ")";
}

TEST(Whole, AnOverrideWinsAndElseItIsComposed) {
  const auto op = Whole::composed_of("test.whole", whole_says("composed"));
  EXPECT_EQ(op.name(), "test.whole");
  EXPECT_EQ(op({}, 0), "composed");
  install(Backend("whole", Device::Kind::cpu, 0)
              .implement(
                  op, floating,
                  [](const Piece&, int x) -> Verdict {
                    if (x > 3) return Decline{"more than 3"};
                    return {};
                  },
                  whole_says("override")));
  EXPECT_EQ(op({}, 3), "override");
  EXPECT_EQ(op({}, 4), "composed");
  EXPECT_EQ(op({.type = DType::int8}, 3), "composed");
  EXPECT_EQ(op({.where = {Device::Kind::cuda, 1}}, 3), "composed");
  {
    const auto guard = skip("whole");
    EXPECT_EQ(op({}, 3), "composed");
  }
}

TEST(Whole, IsComposedWhereTheOnlyBackendHasNone) {
  const Named kernel("test.whole_only.kernel");
  const auto op = Whole::composed_of("test.whole_only", [&](const Piece&, int x) {
    return "composed of " + kernel(host_tile(), x);
  });
  install(Backend("whole-only", Device::Kind::cpu, 1).implement(op, whole_says("override")));
  install(Backend("whole-kernels", Device::Kind::cpu, 0).implement(kernel, says("kernels")));
  install(Backend("whole-better-kernels", Device::Kind::cpu, 1).implement(kernel, says("better")));
  EXPECT_EQ(op({}, 0), "override");
  const auto guard = only("whole-kernels");
  EXPECT_EQ(op({}, 0), "composed of kernels");
}

TEST(Whole, WhatRunsThrowsOnEveryProcess) {
  const auto op = Whole::composed_of(
      "test.whole_throws", [](const Piece&, int) -> std::string { throw LinAlgError("singular"); });
  test::expect_error<LinAlgError>([&] { op({}, 0); }, "singular");
}

TEST(Whole, DifferentChoicesAreOneErrorEverywhere) {
  const auto op = Whole::composed_of("test.disagree", whole_says("composed"));
  install(Backend("disagree", Device::Kind::cpu, 0).implement(op, whole_says("override")));
  std::optional<SelectionGuard> guard;
  if (my_rank() == last_rank()) guard.emplace(Selection{.skip = {"disagree"}});
  if (last_rank() == 0) {
    EXPECT_EQ(op({}, 0), "composed");
    return;
  }
  for (int i = 0; i < 3; ++i)  // and the next call is in step again
    test::expect_error<RuntimeError>(
        [&] { op({}, 0); },
        fmt::format(
            "test.disagree: the processes chose different backends: rank 0 disagree, rank "
            "{} composed; make the same choice (prefer, only, skip, TESSERA_BACKEND) on all",
            last_rank()));
  guard.reset();
  EXPECT_EQ(op({}, 0), "override");
}

// Both compose, but what they are composed of would not be alike.
TEST(Whole, DifferentSelectionsAreOneErrorEverywhere) {
  if (last_rank() == 0) return;  // nobody to differ from
  install(Backend("unlike", Device::Kind::cpu, 0));
  const auto op = Whole::composed_of("test.unlike", whole_says("composed"));
  std::optional<SelectionGuard> guard;
  if (my_rank() == last_rank()) guard.emplace(Selection{.skip = {"unlike"}});
  test::expect_error<RuntimeError>(
      [&] { op({}, 0); },
      fmt::format("test.unlike: the processes chose different selections: rank 0 none, rank {} "
                  "skip:unlike; make the same choice (prefer, only, skip, TESSERA_BACKEND) on all",
                  last_rank()));
  guard.reset();
  EXPECT_EQ(op({}, 0), "composed");
}

TEST(Whole, AChoiceThatThrowsOnOneRankThrowsEverywhere) {
  const auto op = Whole::composed_of("test.choice", whole_says("composed"));
  install(Backend("choice", Device::Kind::cpu, 0)
              .implement(
                  op, DTypes::all(),
                  [](const Piece&, int x) -> Verdict {
                    if (my_rank() == x) throw LinAlgError("the predicate failed");
                    return {};
                  },
                  whole_says("override")));
  test::expect_error<LinAlgError>([&] { op({}, last_rank()); },
                                  "the predicate failed" + on_last_rank());
  EXPECT_EQ(op({}, -1), "override");
  std::string known;
  for (const auto& name : backend_names()) known += (known.empty() ? "" : ", ") + name;
  std::optional<SelectionGuard> guard;
  if (my_rank() == last_rank()) guard.emplace(Selection{.prefer = {"nobody"}});
  test::expect_error<ValueError>([&] { op({}, -1); },
                                 "unknown backend 'nobody'; there are " + known + on_last_rank());
}

TEST(Whole, IsComposedWhereTheDevicesAreOfDifferentKinds) {
  const auto op = Whole::composed_of("test.mixed", whole_says("composed"));
  const Whole alone("test.mixed.alone");
  for (const auto kind : {Device::Kind::cpu, Device::Kind::cuda})
    install(Backend("mixed", kind, 0)
                .implement(op, whole_says("override"))
                .implement(alone, whole_says("alone")));
  const Piece here{.where = {my_rank() == 0 ? Device::Kind::cpu : Device::Kind::cuda, 0}};
  const bool mixed = last_rank() > 0;
  EXPECT_EQ(op(here, 0), mixed ? "composed" : "override");
  if (!mixed) return;
  test::expect_error<NotImplementedError>(
      [&] { alone(here, 0); },
      "test.mixed.alone: no backend for " + here.where.to_string() +
          " takes this call:\n  the processes use different kinds of device");
}

}  // namespace
}  // namespace tessera
