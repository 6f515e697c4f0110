// What a machine can do at most, on all threads of all processes at once: multiply-adds in
// registers, reading and writing memory, a file. The best of several runs each.

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "peaks.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace tessera::peaks {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Adds `steps` times to 12 vectors, so many that latency does not count and so few that AVX2's 16
// registers hold them beside the two factors; returns the operations.
template <class T>
double multiply_add(std::int64_t steps, T seed, T* out) {
  const hn::ScalableTag<T> d;
  constexpr int chains = 12;
  const auto factor = hn::Set(d, static_cast<T>(0.5));
  const auto addend = hn::Set(d, seed);
  hn::Vec<decltype(d)> s[chains];
  for (int c = 0; c < chains; ++c) s[c] = hn::Set(d, seed * static_cast<T>(c));
  for (std::int64_t step = 0; step < steps; ++step)
#pragma GCC unroll 12
    for (int c = 0; c < chains; ++c) s[c] = hn::MulAdd(s[c], factor, addend);
  for (int c = 1; c < chains; ++c) s[0] = hn::Add(s[0], s[c]);
  *out = hn::GetLane(s[0]);
  return 2.0 * chains * static_cast<double>(steps) * static_cast<double>(hn::Lanes(d));
}
double multiply_add_32(std::int64_t steps, float* out) { return multiply_add(steps, *out, out); }
double multiply_add_64(std::int64_t steps, double* out) { return multiply_add(steps, *out, out); }

float read(const float* data, std::int64_t n) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  hn::Vec<decltype(d)> s[8];
  for (auto& each : s) each = hn::Zero(d);
  for (std::int64_t i = 0; i + 8 * lanes <= n; i += 8 * lanes)
#pragma GCC unroll 8
    for (int k = 0; k < 8; ++k) s[k] = hn::Add(s[k], hn::LoadU(d, data + i + k * lanes));
  for (int k = 1; k < 8; ++k) s[0] = hn::Add(s[0], s[k]);
  return hn::GetLane(s[0]);
}

void write(float* data, std::int64_t n, float value) {
  const hn::ScalableTag<float> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  for (std::int64_t i = 0; i + lanes <= n; i += lanes) hn::Stream(hn::Set(d, value), d, data + i);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace tessera::peaks
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include <fcntl.h>
#include <fmt/format.h>
#include <hwy/aligned_allocator.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <numeric>
#include <span>
#include <string_view>
#include <thread>
#include <vector>

#include <tessera/runtime/memory.hpp>

#include "peaks.hpp"

namespace tessera {
namespace peaks {
namespace {

HWY_EXPORT(multiply_add_32);
HWY_EXPORT(multiply_add_64);
HWY_EXPORT(read);
HWY_EXPORT(write);

constexpr int runs = 10;

double seconds(const std::function<void()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

void on_threads(int threads, const std::function<void(int)>& work) {
  std::vector<std::thread> all;
  for (int t = 0; t < threads; ++t) all.emplace_back(work, t);
  for (auto& each : all) each.join();
}

// The most that all processes do at once: `work` gives what one thread of this one has done.
double rate(int threads, const std::function<double(int)>& work) {
  const auto world = Communicator::world();
  double best = 0;
  for (int run = 0; run < runs; ++run) {
    std::vector<double> done(static_cast<std::size_t>(threads));
    world.barrier();
    const double mine = seconds(
        [&] { on_threads(threads, [&](int t) { done[static_cast<std::size_t>(t)] = work(t); }); });
    const auto times = world.all_gather(mine);
    const auto amounts = world.all_gather(std::accumulate(done.begin(), done.end(), 0.0));
    best = std::max(best, std::accumulate(amounts.begin(), amounts.end(), 0.0) /
                              *std::max_element(times.begin(), times.end()));
  }
  return best / 1e9;
}

// Floats for each thread: 256 MiB, but no more than a quarter of what is free for all that measure
// on a machine.
std::int64_t floats_of_memory(int threads) {
  const auto world = Communicator::world();
  std::array<char, 256> name{};
  gethostname(name.data(), name.size() - 1);
  const std::size_t host = std::hash<std::string_view>{}(name.data());
  const auto here = static_cast<std::uint64_t>(std::ranges::count(world.all_gather(host), host));
  const auto each = static_cast<std::uint64_t>(threads);
  const FreeMemory free = free_memory();
  const std::uint64_t bytes = std::min(free.machine / (here * each), free.process / each) / 4;
  constexpr std::uint64_t least = 1 << 20, most = 1 << 28, step = 1 << 16;
  std::array<std::uint64_t, 1> all = {std::clamp(bytes / step * step, least, most)};
  world.all_reduce(std::span(all), Reduce::min);
  return static_cast<std::int64_t>(all[0] / sizeof(float));
}

// Rates of a file of 256 MiB: written to the disk, read from there, read from the page cache.
std::vector<double> file_rates(const std::string& folder) {
  constexpr std::size_t piece = std::size_t{1} << 22;
  constexpr int pieces = 64;
  std::string name = folder + "/tessera-peaks-XXXXXX";
  const int file = mkstemp(name.data());
  if (file < 0)
    throw OSError(fmt::format("cannot write a file in '{}': {}", folder, std::strerror(errno)));
  unlink(name.c_str());
  std::vector<char> memory(piece, 'x');
  bool complete = true;
  const auto all = [&](auto call) {
    for (int i = 0; i < pieces; ++i)
      complete &= call(static_cast<off_t>(i) * static_cast<off_t>(piece)) == std::ssize(memory);
  };
  const auto reads = [&] { all([&](off_t at) { return pread(file, memory.data(), piece, at); }); };
  std::vector<double> out;
  out.push_back(seconds([&] {
    all([&](off_t at) { return pwrite(file, memory.data(), piece, at); });
    complete &= fsync(file) == 0;
  }));
  complete &= posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED) == 0;
  out.push_back(seconds(reads));
  out.push_back(seconds(reads));
  close(file);
  if (!complete) throw OSError(fmt::format("a file in '{}' was not written whole", folder));
  for (double& each : out) each = pieces * static_cast<double>(piece) / each / 1e9;
  return out;
}

}  // namespace
}  // namespace peaks

Peaks::Peaks(CLI::App& program, Command& chosen) {
  CLI::App* app = program.add_subcommand(
      "peaks", "measure what this machine can do at most: arithmetic, memory, a file; as JSON");
  app->add_option("--threads", threads, "threads per process [as for other commands]")
      ->check(within(1, 65536));
  app->add_option("--folder", folder, "also measure a file of 256 MiB there");
  app->callback([this, &chosen] { chosen = [this] { run(); }; });
}

void Peaks::run() const {
  using namespace peaks;
  const int each = threads > 0 ? threads : Runtime::threads();
  constexpr std::int64_t steps = 4'000'000;
  const std::int64_t n = floats_of_memory(each);
  const double f32 = rate(each, [](int t) {
    auto value = static_cast<float>(t + 1);
    return HWY_DYNAMIC_DISPATCH(multiply_add_32)(steps, &value) + (value == 0 ? 1 : 0);
  });
  const double f64 = rate(each, [](int t) {
    auto value = static_cast<double>(t + 1);
    return HWY_DYNAMIC_DISPATCH(multiply_add_64)(steps, &value) + (value == 0 ? 1 : 0);
  });
  std::vector<hwy::AlignedFreeUniquePtr<float[]>> memory(static_cast<std::size_t>(each));
  on_threads(each, [&](int t) {
    auto& mine = memory[static_cast<std::size_t>(t)];
    mine = hwy::AllocateAligned<float>(n);
    std::fill_n(mine.get(), n, 1.0F);
  });
  const auto bytes = static_cast<double>(n * sizeof(float));
  const double reading = rate(each, [&](int t) {
    return bytes +
           (HWY_DYNAMIC_DISPATCH(read)(memory[static_cast<std::size_t>(t)].get(), n) == 0 ? 1 : 0);
  });
  const double writing = rate(each, [&](int t) {
    HWY_DYNAMIC_DISPATCH(write)(memory[static_cast<std::size_t>(t)].get(), n, 2.0F);
    return bytes;
  });
  std::string files;
  if (!folder.empty()) {
    std::vector<double> rates(3);
    const auto world = Communicator::world();
    on_first(world, [&] { rates = file_rates(folder); });
    files = fmt::format(
        R"(, "file_write_gbs": {:.3f}, "file_read_gbs": {:.3f}, "cached_read_gbs": {:.2f})",
        rates[0], rates[1], rates[2]);
  }
  print(fmt::format(R"({{"processes": {}, "threads": {}, "fma_float32_gflops": {:.1f}, )"
                    R"("fma_float64_gflops": {:.1f}, "read_gbs": {:.2f}, "write_gbs": {:.2f}{}}})",
                    Communicator::world().size(), each, f32, f64, reading, writing, files));
}

}  // namespace tessera
#endif
