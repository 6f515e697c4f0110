// What this machine can do at most: float32 multiply-adds and memory reads on all OpenMP threads.
// Prints {"threads": n, "fma_gflops": x, "read_gbs": y}; the best of several runs.
#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <vector>

namespace {

using Vector = float __attribute__((vector_size(64)));

template <class Work>
double best_seconds(int runs, const Work& work) {
  double best = 1e300;
  for (int run = 0; run < runs; ++run) {
    const auto begin = std::chrono::steady_clock::now();
    work();
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
    best = std::min(best, taken.count());
  }
  return best;
}

volatile float sink;  // keeps the work from being removed

double fma_gflops(int threads) {
  constexpr int chains = 16;  // independent, so that latency does not count
  constexpr long steps = 10'000'000;
  const double seconds = best_seconds(5, [&] {
#pragma omp parallel num_threads(threads)
    {
      // Values the compiler can't know, different in every chain.
      const auto seed = static_cast<float>(omp_get_thread_num() + omp_get_num_threads());
      const Vector factor = Vector{} + 0.5F;
      const Vector addend = Vector{} + seed;
      Vector sums[chains];
      for (int c = 0; c < chains; ++c) sums[c] = Vector{} + seed * static_cast<float>(c);
      for (long step = 0; step < steps; ++step)
#pragma GCC unroll 16
        for (int c = 0; c < chains; ++c) sums[c] = sums[c] * factor + addend;
      for (int c = 1; c < chains; ++c) sums[0] += sums[c];
      sink = sums[0][0];
    }
  });
  return 2.0 * 16 * chains * steps * threads / seconds * 1e-9;
}

double read_gbs(int threads) {
  constexpr long vectors = 1L << 24;  // 1 GiB
  std::vector<float> memory(vectors * 16);
  auto* data = memory.data();
#pragma omp parallel for num_threads(threads) schedule(static)
  for (long i = 0; i < vectors * 16; ++i) data[i] = 1.0F;
  const double seconds = best_seconds(5, [&] {
#pragma omp parallel num_threads(threads)
    {
      Vector sums[8] = {};
#pragma omp for schedule(static)
      for (long block = 0; block < vectors / 8; ++block)
#pragma GCC unroll 8
        for (long v = 0; v < 8; ++v) {
          Vector value;
          __builtin_memcpy(&value, data + (block * 8 + v) * 16, sizeof value);
          sums[v] += value;
        }
      for (int v = 1; v < 8; ++v) sums[0] += sums[v];
      sink = sums[0][0];
    }
  });
  return static_cast<double>(vectors) * 64 / seconds * 1e-9;
}

}  // namespace

int main() {
  const int threads = omp_get_max_threads();
  std::printf("{\"threads\": %d, \"fma_gflops\": %.1f, \"read_gbs\": %.1f}\n", threads,
              fma_gflops(threads), read_gbs(threads));
}
