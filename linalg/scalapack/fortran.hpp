#pragma once
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <complex>
#include <cstdint>
#include <type_traits>

#define lapack_complex_float std::complex<float>
#define lapack_complex_double std::complex<double>
#include <lapacke.h>

#include <tessera/linalg/blas.hpp>
#include <tessera/linalg/scalapack/routines.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/watchdog.hpp>

/// ScaLAPACK, PBLAS, LAPACK and BLAS as they are, for the .cpp files here.
namespace tessera::linalg::scalapack {
using C = std::complex<float>;
using Z = std::complex<double>;
}  // namespace tessera::linalg::scalapack

// Fortran: everything by pointer. A matrix is (pointer, row, column, descriptor).
extern "C" {
#define TESSERA_SCALAPACK(p, T)                                                                   \
  void p##gemm_(const char*, const char*, const int*, const int*, const int*, const T*, const T*, \
                const int*, const int*, const int*, const T*, const int*, const int*, const int*, \
                const T*, T*, const int*, const int*, const int*);                                \
  void p##trsm_(const char*, const char*, const char*, const char*, const int*, const int*,       \
                const T*, const T*, const int*, const int*, const int*, T*, const int*,           \
                const int*, const int*);                                                          \
  void p##potrf_(const char*, const int*, T*, const int*, const int*, const int*, int*);          \
  void p##getrf_(const int*, const int*, T*, const int*, const int*, const int*, int*, int*);     \
  void p##getrs_(const char*, const int*, const int*, const T*, const int*, const int*,           \
                 const int*, const int*, T*, const int*, const int*, const int*, int*);           \
  void p##getri_(const int*, T*, const int*, const int*, const int*, const int*, T*, const int*,  \
                 int*, const int*, int*);                                                         \
  void p##geqrf_(const int*, const int*, T*, const int*, const int*, const int*, T*, T*,          \
                 const int*, int*);
TESSERA_SCALAPACK(ps, float)
TESSERA_SCALAPACK(pd, double)
TESSERA_SCALAPACK(pc, tessera::linalg::scalapack::C)
TESSERA_SCALAPACK(pz, tessera::linalg::scalapack::Z)
#undef TESSERA_SCALAPACK
#define TESSERA_BLAS(l, T)                                                                  \
  void l##trsm_(const char*, const char*, const char*, const char*, const int*, const int*, \
                const T*, const T*, const int*, T*, const int*);
TESSERA_BLAS(s, float)
TESSERA_BLAS(d, double)
TESSERA_BLAS(c, tessera::linalg::scalapack::C)
TESSERA_BLAS(z, tessera::linalg::scalapack::Z)
#undef TESSERA_BLAS

// Families whose names or arguments differ between real and complex.
#define TESSERA_REAL(p, T)                                                                         \
  void p##tran_(const int*, const int*, const T*, const T*, const int*, const int*, const int*,    \
                const T*, T*, const int*, const int*, const int*);                                 \
  void p##orgqr_(const int*, const int*, const int*, T*, const int*, const int*, const int*,       \
                 const T*, T*, const int*, int*);                                                  \
  void p##syevd_(const char*, const char*, const int*, T*, const int*, const int*, const int*, T*, \
                 T*, const int*, const int*, const int*, T*, const int*, int*, const int*, int*);  \
  void p##sygst_(const int*, const char*, const int*, T*, const int*, const int*, const int*,      \
                 const T*, const int*, const int*, const int*, T*, int*);                          \
  void p##gesvd_(const char*, const char*, const int*, const int*, T*, const int*, const int*,     \
                 const int*, T*, T*, const int*, const int*, const int*, T*, const int*,           \
                 const int*, const int*, T*, const int*, int*);
TESSERA_REAL(ps, float)
TESSERA_REAL(pd, double)
#undef TESSERA_REAL
#define TESSERA_COMPLEX(p, T, R)                                                                   \
  void p##tranu_(const int*, const int*, const T*, const T*, const int*, const int*, const int*,   \
                 const T*, T*, const int*, const int*, const int*);                                \
  void p##tranc_(const int*, const int*, const T*, const T*, const int*, const int*, const int*,   \
                 const T*, T*, const int*, const int*, const int*);                                \
  void p##ungqr_(const int*, const int*, const int*, T*, const int*, const int*, const int*,       \
                 const T*, T*, const int*, int*);                                                  \
  void p##heevd_(const char*, const char*, const int*, T*, const int*, const int*, const int*, R*, \
                 T*, const int*, const int*, const int*, T*, const int*, R*, const int*, int*,     \
                 const int*, int*);                                                                \
  void p##hegst_(const int*, const char*, const int*, T*, const int*, const int*, const int*,      \
                 const T*, const int*, const int*, const int*, R*, int*);                          \
  void p##gesvd_(const char*, const char*, const int*, const int*, T*, const int*, const int*,     \
                 const int*, R*, T*, const int*, const int*, const int*, T*, const int*,           \
                 const int*, const int*, T*, const int*, R*, int*);
TESSERA_COMPLEX(pc, tessera::linalg::scalapack::C, float)
TESSERA_COMPLEX(pz, tessera::linalg::scalapack::Z, double)
#undef TESSERA_COMPLEX
}

namespace tessera::linalg::scalapack {

// The routines of one element type under one name each.
template <class T>
struct Routines;
#define TESSERA_ROUTINES(T, R, p, l, Tran, Tranc, Orgqr, sy)        \
  template <>                                                       \
  struct Routines<T> {                                              \
    using Real = R;                                                 \
    static constexpr auto gemm = p##gemm_;                          \
    static constexpr auto trsm = p##trsm_;                          \
    static constexpr auto blas_trsm = l##trsm_;                     \
    static constexpr auto potrf = p##potrf_;                        \
    static constexpr auto getrf = p##getrf_;                        \
    static constexpr auto getrs = p##getrs_;                        \
    static constexpr auto getri = p##getri_;                        \
    static constexpr auto lapack_gecon = LAPACKE_##l##gecon;        \
    static constexpr auto lapack_pocon = LAPACKE_##l##pocon;        \
    static constexpr auto lapack_trcon = LAPACKE_##l##trcon;        \
    static constexpr auto geqrf = p##geqrf_;                        \
    static constexpr auto orgqr = p##Orgqr##_;                      \
    static constexpr auto syevd = p##sy##evd_;                      \
    static constexpr auto sygst = p##sy##gst_;                      \
    static constexpr auto gesvd = p##gesvd_;                        \
    static constexpr auto tran = p##Tran##_;                        \
    static constexpr auto tranc = p##Tranc##_;                      \
    static constexpr auto lapack_getrf = LAPACKE_##l##getrf_work;   \
    static constexpr auto lapack_getri = LAPACKE_##l##getri;        \
    static constexpr auto lapack_getrf2 = LAPACKE_##l##getrf2_work; \
    static constexpr auto lapack_syevd = LAPACKE_##l##sy##evd;      \
    static constexpr auto lapack_sygst = LAPACKE_##l##sy##gst_work; \
    static constexpr auto lapack_sytrd = LAPACKE_##l##sy##trd;      \
    static constexpr auto lapack_stedc = LAPACKE_##l##stedc;        \
    static constexpr auto lapack_geqp3 = LAPACKE_##l##geqp3;        \
    static constexpr auto lapack_larft = LAPACKE_##l##larft_work;   \
    static constexpr auto lapack_larfb = LAPACKE_##l##larfb_work;   \
  };
TESSERA_ROUTINES(float, float, ps, s, tran, tran, orgqr, sy)
TESSERA_ROUTINES(double, double, pd, d, tran, tran, orgqr, sy)
TESSERA_ROUTINES(C, float, pc, c, tranu, tranc, ungqr, he)
TESSERA_ROUTINES(Z, double, pz, z, tranu, tranc, ungqr, he)
#undef TESSERA_ROUTINES

template <class T>
constexpr bool is_complex_type = !std::is_floating_point_v<T>;
template <class T>
T conjugate(const T& x) {
  if constexpr (is_complex_type<T>)
    return std::conj(x);
  else
    return x;
}

inline constexpr int one = 1;

inline const char* letter(Transpose op) {
  return op == Transpose::no ? "N" : op == Transpose::yes ? "T" : "C";
}
inline const char* triangle(bool lower) { return lower ? "L" : "U"; }

template <class F>
void with_type(const Matrix& m, F f) {
  switch (m.dtype()) {
    case DType::float32:
      return f(TypeTag<float>{});
    case DType::float64:
      return f(TypeTag<double>{});
    case DType::complex64:
      return f(TypeTag<C>{});
    case DType::complex128:
      return f(TypeTag<Z>{});
    default:
      refuse_non_floating(m.dtype());
  }
}

// Runs `call`, which returns info, where there is a grid, and gives its positive info (0 for
// success) to all processes. Negative info is our mistake.
template <class F>
std::int64_t agreed_info(const Grid& grid, const char* routine, F call) {
  std::int64_t info = 0;
  if (grid.inside()) info = call();
  std::array<std::int64_t, 2> worst = {info, -info};
  grid.comm().all_reduce(std::span(worst), Reduce::max);
  if (worst[1] > 0 &&
      (worst[1] == -LAPACK_WORK_MEMORY_ERROR || worst[1] == -LAPACK_TRANSPOSE_MEMORY_ERROR))
    throw MemoryError(fmt::format("{}: no memory for the workspace", routine));
  if (worst[1] > 0)
    throw RuntimeError(fmt::format("{} refuses its argument {}", routine, worst[1]));
  return std::max<std::int64_t>(0, worst[0]);
}
template <class F>
void converge(const Grid& grid, const char* routine, F call) {
  const auto info = agreed_info(grid, routine, call);
  if (info > 0) throw LinAlgError(fmt::format("{} did not converge (info {})", routine, info));
}

// The size a workspace query left, rounded up: float32 cannot hold every integer.
template <class T>
std::int64_t queried(const T& size) {
  const double n = std::real(size);
  return static_cast<std::int64_t>(n * (1 + 1e-6)) + 1;
}

inline int extent(std::int64_t n) { return scalapack_int(n); }

/// For the watchdog: `per_element` times `order` operations for each element of the matrix.
/// Over a grid a process that waits looks like one that works.
inline Watch working(const char* routine, const Matrix& a, double per_element, double order) {
  const double seconds = 1e-9 * per_element * static_cast<double>(a.rows()) *
                         static_cast<double>(a.cols()) * order * (is_complex(a.dtype()) ? 4 : 1);
  const bool alone = a.grid().one_process() && a.grid().inside();
  return Watch(routine, seconds, alone ? Watch::Waits::for_nobody : Watch::Waits::for_others);
}
inline Watch working(const char* routine, const Matrix& a, double per_element) {
  return working(routine, a, per_element, static_cast<double>(std::min(a.rows(), a.cols())));
}

/// NaN throughout.
void fill_nan(const Matrix& a);
/// What the direct factorisations make of NaN and infinities in what they read: NaN throughout.
/// LAPACK and ScaLAPACK would leave NaN in other places and take other pivots, so that only one of
/// them might find a zero, and solvers lose NaN that meet a zero.
bool spoilt(const Matrix& a, Part part);
/// Iterations never see them: some do not end.
void require_convergence(const Matrix& a, Part part, const char* what);
inline Part part_of(bool lower) { return lower ? Part::lower : Part::upper; }

}  // namespace tessera::linalg::scalapack
