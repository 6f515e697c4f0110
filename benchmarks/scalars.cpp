// What an operation on arrays without axes costs, which is all but arithmetic.
#include <benchmark/benchmark.h>

#include <tessera/array/elementwise.hpp>
#include <tessera/array/statistics.hpp>
#include <tessera/runtime/runtime.hpp>

int main(int argc, char** argv) {
  using namespace tessera;
  const Runtime runtime(argc, argv);
  const Array x = full({}, 0.5, DType::float64), y = full({}, 1.5, DType::float64);
  const auto add = [](const char* name, const auto& call) {
    benchmark::RegisterBenchmark(name, [&](benchmark::State& state) {
      for (auto _ : state) benchmark::DoNotOptimize(call());
    });
  };
  const auto sum = [&] { return x + y; };
  const auto scaled = [&] { return 2 * x + 1; };
  const auto power = [&] { return exp(x); };
  const auto chosen = [&] { return where(x < y, x, y); };
  const auto total = [&] { return tessera::sum(x); };
  add("x + y", sum);
  add("2 * x + 1", scaled);
  add("exp(x)", power);
  add("where(x < y, x, y)", chosen);
  add("sum(x)", total);
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
