#include <tessera/linalg/lapack.hpp>

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <mutex>
#include <vector>

#include <tessera/linalg/kernels/kernels.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/watchdog.hpp>

// OpenBLAS takes its work memory, one block per thread that calls it, from here and keeps it.
extern "C" void* blas_memory_alloc(int);
extern "C" void blas_memory_free(void*);

namespace tessera::linalg {
void reserve_blas(int threads) {
  constexpr std::size_t block = 129 << 20;  // 128 MiB and some pages
  static std::atomic<int> reserved{0};
  static std::mutex mutex;
  if (reserved >= threads) return;
  const std::lock_guard lock(mutex);
  if (reserved >= threads) return;
  const std::size_t bytes = static_cast<std::size_t>(threads - reserved) * block;
  void* probe = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (probe == MAP_FAILED)
    throw MemoryError(
        fmt::format("cannot allocate the work memory of BLAS for {} thread(s)", threads));
  munmap(probe, bytes);
  std::vector<void*> blocks(static_cast<std::size_t>(threads));
  for (void*& b : blocks) b = blas_memory_alloc(0);
  for (void* b : blocks) blas_memory_free(b);
  reserved = threads;
}

int blas_int(std::int64_t n) {
  if (n > std::numeric_limits<int>::max())
    throw ValueError(fmt::format("{} exceeds the 32-bit sizes of BLAS and LAPACK", n));
  return static_cast<int>(n);
}

namespace lapack {
namespace {

// Seconds for so many operations times min(m, n) for each element of an m x n matrix.
double work(double operations, std::int64_t m, std::int64_t n) {
  return 1e-9 * operations * static_cast<double>(m) * static_cast<double>(n) *
         static_cast<double>(std::min(m, n));
}

Tile matrix(std::vector<double>& a, std::int64_t rows, std::int64_t cols) {
  return tile_of(a.data(), rows, cols, cols);
}
std::vector<double> room_for(std::int64_t rows, std::int64_t cols) {
  return std::vector<double>(static_cast<std::size_t>(rows * cols));
}

}  // namespace

Eigh eigh(std::vector<double> a, std::int64_t n, Device device) {
  constexpr std::int64_t least_for_device = 256;  // below, the copies take longer than the solve
  const Watch watch("?syevd", work(20, n, n));
  Eigh e{room_for(1, n), std::move(a)};
  const Tile vectors = matrix(e.vectors, n, n);
  const Tile values = matrix(e.values, 1, n);
  Stream stream(n < least_for_device ? cpu : device);
  if (stream.device() == cpu) {
    kernels().eigh(stream, vectors, values);
    return e;
  }
  const Buffer memory(static_cast<std::size_t>(n * (n + 1)) * sizeof(double), device);
  Tile there = vectors;
  there.data = memory.data();
  there.device = device;
  Tile values_there = there.slice(n, 1);
  copy(stream, vectors, there);
  kernels().eigh(stream, there, values_there);
  copy(stream, there, vectors);
  copy(stream, values_there, values);
  stream.synchronize();
  return e;
}

Svd svd(std::vector<double> a, std::int64_t m, std::int64_t n) {
  Stream stream;
  const std::int64_t k = std::min(m, n);
  const Watch watch("?gesdd", work(50, m, n));
  Svd f{room_for(m, k), room_for(1, k), room_for(k, n)};
  kernels().svd(stream, matrix(a, m, n), matrix(f.u, m, k), matrix(f.s, 1, k), matrix(f.vt, k, n));
  return f;
}

std::optional<std::vector<double>> cholesky(std::vector<double> a, std::int64_t n) {
  Stream stream;
  const Watch watch("?potrf", work(1, n, n));
  if (!kernels().cholesky(stream, matrix(a, n, n))) return std::nullopt;
  return a;
}

std::vector<double> orthonormal_columns(std::vector<double> a, std::int64_t m, std::int64_t n) {
  Stream stream;
  const Watch watch("?geqrf", work(8, m, n));
  kernels().orthonormal_columns(stream, matrix(a, m, n));
  return a;
}

}  // namespace lapack
}  // namespace tessera::linalg
