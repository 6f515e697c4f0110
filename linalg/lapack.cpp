#include <tessera/linalg/lapack.hpp>

#include <fmt/format.h>
#include <lapacke.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <mutex>
#include <vector>

#include <tessera/runtime/error.hpp>

// OpenBLAS takes its work memory, one block per thread that calls it, from here and keeps it.
extern "C" void* blas_memory_alloc(int);
extern "C" void blas_memory_free(void*);

namespace tessera::linalg {
namespace {

void check(lapack_int info, const char* routine) {
  if (info > 0) throw LinAlgError(fmt::format("{} did not converge (info {})", routine, info));
  if (info == LAPACK_WORK_MEMORY_ERROR || info == LAPACK_TRANSPOSE_MEMORY_ERROR)
    throw MemoryError(fmt::format("{}: no memory for the workspace", routine));
  if (info < 0)
    throw ValueError(
        fmt::format("{}: argument {} is not finite or wrong; do squares of the data overflow?",
                    routine, -info));
}

}  // namespace

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

// Column-major and row-major agree on a symmetric matrix, and LAPACK's eigenvector columns are rows
// of the row-major result.
Eigh eigh(std::vector<double> a, std::int64_t n) {
  reserve_blas(1);
  Eigh e{std::vector<double>(static_cast<std::size_t>(n)), {}};
  if (n > 0)
    check(LAPACKE_dsyevd(LAPACK_COL_MAJOR, 'V', 'L', blas_int(n), a.data(), blas_int(n),
                         e.values.data()),
          "dsyevd");
  e.vectors = std::move(a);
  return e;
}

// The column-major view of row-major a is a^T = v diag(s) u^T.
Svd svd(std::vector<double> a, std::int64_t m, std::int64_t n) {
  reserve_blas(1);
  const std::int64_t k = std::min(m, n);
  Svd f{std::vector<double>(static_cast<std::size_t>(m * k)),
        std::vector<double>(static_cast<std::size_t>(k)),
        std::vector<double>(static_cast<std::size_t>(k * n))};
  if (k > 0)
    check(LAPACKE_dgesdd(LAPACK_COL_MAJOR, 'S', blas_int(n), blas_int(m), a.data(), blas_int(n),
                         f.s.data(), f.vt.data(), blas_int(n), f.u.data(), blas_int(k)),
          "dgesdd");
  return f;
}

std::optional<std::vector<double>> cholesky(std::vector<double> a, std::int64_t n) {
  reserve_blas(1);
  if (n == 0) return a;
  // The column-major lower factor L of a = L L^T is the row-major upper R = L^T.
  const lapack_int info = LAPACKE_dpotrf(LAPACK_COL_MAJOR, 'L', blas_int(n), a.data(), blas_int(n));
  if (info > 0) return std::nullopt;
  check(info, "dpotrf");
  for (std::int64_t i = 0; i < n; ++i) std::fill_n(a.begin() + i * n, i, 0.0);
  return a;
}

std::vector<double> orthonormal_columns(std::vector<double> a, std::int64_t m, std::int64_t n) {
  reserve_blas(1);
  std::vector<double> tau(static_cast<std::size_t>(n));
  if (n == 0) return a;
  check(
      LAPACKE_dgeqrf(LAPACK_ROW_MAJOR, blas_int(m), blas_int(n), a.data(), blas_int(n), tau.data()),
      "dgeqrf");
  check(LAPACKE_dorgqr(LAPACK_ROW_MAJOR, blas_int(m), blas_int(n), blas_int(n), a.data(),
                       blas_int(n), tau.data()),
        "dorgqr");
  return a;
}

}  // namespace tessera::linalg
