// What it costs to find out who runs an operation, beside calling a function alone.
#include <benchmark/benchmark.h>

#include <optional>

#include <tessera/runtime/operation.hpp>
#include <tessera/runtime/runtime.hpp>
#include <tessera/runtime/stream.hpp>

namespace {

using namespace tessera;
using Kernel = Operation<void(Stream&, std::int64_t n, const Tile&, const Tile&)>;

void nothing(Stream&, std::int64_t, const Tile& a, const Tile&) {
  benchmark::DoNotOptimize(a.data);
}
Verdict declines(Stream&, std::int64_t n, const Tile&, const Tile&) {
  if (n == 0) return Decline{"n is 0"};
  return {};
}

/// Operations that "low" takes, and "high" takes, declines, or does not take for the dtype.
struct Kernels {
  Kernel taken{"taken"}, declined{"declined"}, other_dtype{"other_dtype"};
  Kernels() {
    install(Backend("high", Device::Kind::cpu, 1)
                .implement(taken, nothing)
                .implement(declined, DTypes::all(), declines, nothing)
                .implement(other_dtype, {DType::float32}, nothing));
    install(Backend("low", Device::Kind::cpu)
                .implement(taken, nothing)
                .implement(declined, nothing)
                .implement(other_dtype, nothing));
  }
};

template <class Call>
void repeat(benchmark::State& state, const Call& call) {
  double value = 0;
  const Tile tile = tile_of(&value, 1, 1, 1);
  Stream stream;
  for (auto _ : state) call(stream, 0, tile, tile);
}

}  // namespace

int main(int argc, char** argv) {
  Runtime runtime(argc, argv);
  const Kernels kernels;
  const auto add = [](const char* name, const auto& call) {
    return benchmark::RegisterBenchmark(name, [&](auto& state) { repeat(state, call); });
  };
  const Kernel::Function function = nothing;
  add("std::function", function);
  add("operation", kernels.taken);
  benchmark::RegisterBenchmark("operation, guard in force", [&](benchmark::State& state) {
    const SelectionGuard guard({.prefer = {"low"}});
    repeat(state, kernels.taken);
  });
  benchmark::RegisterBenchmark("operation, new guard per call", [&](benchmark::State& state) {
    repeat(state, [&](Stream& s, std::int64_t n, const Tile& a, const Tile& b) {
      const auto guard = prefer("low");
      kernels.taken(s, n, a, b);
    });
  });
  add("operation, declined for its dtype", kernels.other_dtype);
  add("operation, declined by a predicate", kernels.declined);
  benchmark::RegisterBenchmark("operation, traced", [&](benchmark::State& state) {
    trace::start("/dev/null", Communicator::world());
    repeat(state, kernels.taken);
  });
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
