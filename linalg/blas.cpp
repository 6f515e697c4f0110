#include <tessera/linalg/blas.hpp>

#include <fmt/format.h>
#include <sys/mman.h>

#include <atomic>
#include <limits>
#include <mutex>
#include <vector>

#include <tessera/runtime/error.hpp>

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

}  // namespace tessera::linalg
