#include <tessera/linalg/scalapack/routines.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstring>
#include <limits>
#include <type_traits>

#define lapack_complex_float std::complex<float>
#define lapack_complex_double std::complex<double>
#include <lapacke.h>

#include <tessera/linalg/lapack.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/watchdog.hpp>

namespace {

using C = std::complex<float>;
using Z = std::complex<double>;

}  // namespace

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
TESSERA_SCALAPACK(pc, C)
TESSERA_SCALAPACK(pz, Z)
#undef TESSERA_SCALAPACK

// Families whose names or arguments differ between real and complex.
#define TESSERA_REAL(p, T)                                                                         \
  void p##tran_(const int*, const int*, const T*, const T*, const int*, const int*, const int*,    \
                const T*, T*, const int*, const int*, const int*);                                 \
  void p##orgqr_(const int*, const int*, const int*, T*, const int*, const int*, const int*,       \
                 const T*, T*, const int*, int*);                                                  \
  void p##syevd_(const char*, const char*, const int*, T*, const int*, const int*, const int*, T*, \
                 T*, const int*, const int*, const int*, T*, const int*, int*, const int*, int*);  \
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
  void p##gesvd_(const char*, const char*, const int*, const int*, T*, const int*, const int*,     \
                 const int*, R*, T*, const int*, const int*, const int*, T*, const int*,           \
                 const int*, const int*, T*, const int*, R*, int*);
TESSERA_COMPLEX(pc, C, float)
TESSERA_COMPLEX(pz, Z, double)
#undef TESSERA_COMPLEX
}

namespace tessera::linalg::scalapack {
namespace {

// The routines of one element type under one name each.
template <class T>
struct Routines;
#define TESSERA_ROUTINES(T, R, p, l, Tran, Tranc, Orgqr, Syevd)   \
  template <>                                                     \
  struct Routines<T> {                                            \
    using Real = R;                                               \
    static constexpr auto gemm = p##gemm_;                        \
    static constexpr auto trsm = p##trsm_;                        \
    static constexpr auto potrf = p##potrf_;                      \
    static constexpr auto getrf = p##getrf_;                      \
    static constexpr auto getrs = p##getrs_;                      \
    static constexpr auto getri = p##getri_;                      \
    static constexpr auto lapack_gecon = LAPACKE_##l##gecon;      \
    static constexpr auto lapack_pocon = LAPACKE_##l##pocon;      \
    static constexpr auto lapack_trcon = LAPACKE_##l##trcon;      \
    static constexpr auto geqrf = p##geqrf_;                      \
    static constexpr auto orgqr = p##Orgqr##_;                    \
    static constexpr auto syevd = p##Syevd##_;                    \
    static constexpr auto gesvd = p##gesvd_;                      \
    static constexpr auto tran = p##Tran##_;                      \
    static constexpr auto tranc = p##Tranc##_;                    \
    static constexpr auto lapack_potrf = LAPACKE_##l##potrf_work; \
    static constexpr auto lapack_getrf = LAPACKE_##l##getrf_work; \
    static constexpr auto lapack_syevd = LAPACKE_##l##Syevd;      \
    static constexpr auto lapack_gesdd = LAPACKE_##l##gesdd;      \
    static constexpr auto lapack_geev = LAPACKE_##l##geev;        \
  };
TESSERA_ROUTINES(float, float, ps, s, tran, tran, orgqr, syevd)
TESSERA_ROUTINES(double, double, pd, d, tran, tran, orgqr, syevd)
TESSERA_ROUTINES(C, float, pc, c, tranu, tranc, ungqr, heevd)
TESSERA_ROUTINES(Z, double, pz, z, tranu, tranc, ungqr, heevd)
#undef TESSERA_ROUTINES

template <class T>
constexpr bool is_complex_type = !std::is_floating_point_v<T>;

constexpr int one = 1;

const char* letter(Transpose op) {
  return op == Transpose::no ? "N" : op == Transpose::yes ? "T" : "C";
}
const char* triangle(bool lower) { return lower ? "L" : "U"; }

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

int extent(std::int64_t n) { return scalapack_int(n); }

/// For the watchdog: `per_element` times `order` operations for each element of the matrix.
/// Over a grid a process that waits looks like one that works.
Watch working(const char* routine, const Matrix& a, double per_element, double order) {
  const double seconds = 1e-9 * per_element * static_cast<double>(a.rows()) *
                         static_cast<double>(a.cols()) * order * (is_complex(a.dtype()) ? 4 : 1);
  const bool alone = a.grid().one_process() && a.grid().inside();
  return Watch(routine, seconds, alone ? Watch::Waits::for_nobody : Watch::Waits::for_others);
}
Watch working(const char* routine, const Matrix& a, double per_element) {
  return working(routine, a, per_element, static_cast<double>(std::min(a.rows(), a.cols())));
}

}  // namespace

void gemm(double alpha, const Matrix& a, Transpose op_a, const Matrix& b, Transpose op_b,
          double beta, const Matrix& c) {
  if (!c.grid().inside() || c.rows() == 0 || c.cols() == 0) return;
  const int m = extent(c.rows());
  const int n = extent(c.cols());
  const int k = extent(op_a == Transpose::no ? a.cols() : a.rows());
  const Watch watch = working("?gemm", c, 2, k);
  reserve_blas(1);
  with_type(c, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T scale(static_cast<typename Routines<T>::Real>(alpha));
    const T keep(static_cast<typename Routines<T>::Real>(beta));
    Routines<T>::gemm(letter(op_a), letter(op_b), &m, &n, &k, &scale, a.data<T>(), &one, &one,
                      a.descriptor(), b.data<T>(), &one, &one, b.descriptor(), &keep, c.data<T>(),
                      &one, &one, c.descriptor());
  });
}

Matrix product(const Matrix& a, const Matrix& b) {
  Matrix c = a.grid().empty(a.rows(), b.cols(), a.dtype());
  gemm(1.0, a, Transpose::no, b, Transpose::no, 0.0, c);
  return c;
}

void trsm(bool lower, Transpose op, bool unit_diagonal, const Matrix& a, const Matrix& b) {
  if (!b.grid().inside() || b.rows() == 0 || b.cols() == 0) return;
  const int m = extent(b.rows());
  const int n = extent(b.cols());
  const Watch watch = working("?trsm", b, 1, m);
  reserve_blas(1);
  with_type(b, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T scale(1);
    Routines<T>::trsm("L", triangle(lower), letter(op), unit_diagonal ? "U" : "N", &m, &n, &scale,
                      a.data<T>(), &one, &one, a.descriptor(), b.data<T>(), &one, &one,
                      b.descriptor());
  });
}

Matrix transposed(const Matrix& a, Transpose op) {
  Matrix out = a.grid().zeros(a.cols(), a.rows(), a.dtype());
  if (!a.grid().inside() || a.rows() == 0 || a.cols() == 0) return out;
  const int m = extent(out.rows());
  const int n = extent(out.cols());
  const Watch watch = working("p?tran", a, 10, 1);
  with_type(a, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const auto routine = op == Transpose::conjugate ? Routines<T>::tranc : Routines<T>::tran;
    const T scale(1);
    const T keep(0);
    routine(&m, &n, &scale, a.data<T>(), &one, &one, a.descriptor(), &keep, out.data<T>(), &one,
            &one, out.descriptor());
  });
  return out;
}

void zero_triangle(const Matrix& a, bool lower) {
  with_type(a, [&](auto tag) {
    using T = typename decltype(tag)::type;
    a.for_each<T>([&](std::int64_t i, std::int64_t j, T& x) {
      if (lower ? i > j : i < j) x = T(0);
    });
  });
}

void zero_outside_band(const Matrix& a, std::int64_t width) {
  with_type(a, [&](auto tag) {
    using T = typename decltype(tag)::type;
    a.for_each<T>([&](std::int64_t i, std::int64_t j, T& x) {
      if (std::abs(i - j) > width) x = T(0);
    });
  });
}

bool is_zero_triangle(const Matrix& a, bool lower) {
  int other = 0;
  with_type(a, [&](auto tag) {
    using T = typename decltype(tag)::type;
    a.for_each<T>([&](std::int64_t i, std::int64_t j, const T& x) {
      if ((lower ? i > j : i < j) && x != T(0)) other = 1;
    });
  });
  a.grid().comm().all_reduce(std::span(&other, 1), Reduce::max);
  return other == 0;
}

bool equals_transposed(const Matrix& a, Transpose op) {
  const Matrix b = transposed(a, op);
  int differ = 0;
  with_type(a, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const std::int64_t n = a.local_rows() * a.local_cols();
    differ = !std::equal(a.data<T>(), a.data<T>() + n, b.data<T>());
  });
  a.grid().comm().all_reduce(std::span(&differ, 1), Reduce::max);
  return differ == 0;
}

void mirror_triangle(const Matrix& a, bool lower, Transpose op) {
  const Matrix b = transposed(a, op);
  with_type(a, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* other = b.data<T>();
    a.for_each<T>([&](std::int64_t i, std::int64_t j, T& x) {
      if (lower ? i < j : i > j) x = *other;
      if (op == Transpose::conjugate && i == j) x = T(std::real(x));
      ++other;
    });
  });
}

std::vector<std::complex<double>> diagonal_of(const Matrix& a) {
  std::vector<std::complex<double>> d(static_cast<std::size_t>(std::min(a.rows(), a.cols())));
  with_type(a, [&](auto tag) {
    using T = typename decltype(tag)::type;
    a.for_each<T>([&](std::int64_t i, std::int64_t j, const T& x) {
      if (i == j) d[static_cast<std::size_t>(i)] = x;
    });
  });
  // One process has each of them, the others add zeros.
  a.grid().comm().all_reduce(std::span(reinterpret_cast<double*>(d.data()), 2 * d.size()),
                             Reduce::sum);
  return d;
}

void require_nonzero_diagonal(const Matrix& a) {
  const auto d = diagonal_of(a);
  if (const auto zero = std::find(d.begin(), d.end(), 0.0); zero != d.end())
    throw LinAlgError(fmt::format("matrix is singular: zero at [{0}, {0}]", zero - d.begin()));
}

double norm_1(const Matrix& a) {
  std::vector<double> sums(static_cast<std::size_t>(a.cols()));
  with_type(a, [&](auto tag) {
    using T = typename decltype(tag)::type;
    a.for_each<T>([&](std::int64_t, std::int64_t j, const T& x) {
      sums[static_cast<std::size_t>(j)] += std::abs(x);
    });
  });
  a.grid().comm().all_reduce(std::span(sums), Reduce::sum);
  return sums.empty() ? 0.0 : *std::max_element(sums.begin(), sums.end());
}

namespace {

bool belongs(Part part, std::int64_t i, std::int64_t j) {
  return part == Part::whole || (part == Part::lower ? i >= j : i <= j);
}

}  // namespace

double largest(const Matrix& a, Part part) {
  double most = 0.0;
  with_type(a, [&](auto tag) {
    using T = typename decltype(tag)::type;
    a.for_each<T>([&](std::int64_t i, std::int64_t j, const T& x) {
      if (!belongs(part, i, j)) return;
      for (const double v : {static_cast<double>(std::real(x)), static_cast<double>(std::imag(x))})
        most = std::isfinite(v) ? std::max(most, std::abs(v))
                                : std::numeric_limits<double>::infinity();
    });
  });
  a.grid().comm().all_reduce(std::span(&most, 1), Reduce::max);
  return most;
}

bool is_finite(const Matrix& a, Part part) { return std::isfinite(largest(a, part)); }

void scale_by_power(const Matrix& a, int exponent, Part part) {
  if (exponent == 0) return;
  with_type(a, [&](auto tag) {
    using T = typename decltype(tag)::type;
    a.for_each<T>([&](std::int64_t i, std::int64_t j, T& x) {
      if (!belongs(part, i, j)) return;
      if constexpr (is_complex_type<T>)
        x = {std::ldexp(x.real(), exponent), std::ldexp(x.imag(), exponent)};
      else
        x = std::ldexp(x, exponent);
    });
  });
}

int rescale(const Matrix& a, Part part, bool exact) {
  const double most = largest(a, part);
  int exponent = 0;
  with_type(a, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using Limits = std::numeric_limits<typename Routines<T>::Real>;
    constexpr int end = Limits::max_exponent;
    if (std::isfinite(most) && most > std::ldexp(1.0, end - end / 8)) exponent = end / 4;
    if (most > 0.0 && most < std::ldexp(1.0, end / 8 - end)) exponent = -end / 2;
    if (!exact || exponent <= 0) return;
    const double least = std::ldexp(1.0, Limits::min_exponent + Limits::digits + exponent);
    int lost = 0;
    a.for_each<T>([&](std::int64_t, std::int64_t, const T& x) {
      for (const double v : {static_cast<double>(std::real(x)), static_cast<double>(std::imag(x))})
        if (v != 0.0 && std::abs(v) < least) lost = 1;
    });
    a.grid().comm().all_reduce(std::span(&lost, 1), Reduce::max);
    if (lost != 0) exponent = 0;
  });
  scale_by_power(a, -exponent);
  return exponent;
}

void axpy(double alpha, const Matrix& x, const Matrix& y) {
  with_type(x, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using R = typename Routines<T>::Real;
    std::transform(x.data<T>(), x.data<T>() + x.local_rows() * x.local_cols(), y.data<T>(),
                   y.data<T>(),
                   [&](const T& a, const T& b) { return b + static_cast<R>(alpha) * a; });
  });
}

namespace {

template <class Factor>
void scale(const Matrix& a, Factor factor) {
  with_type(a, [&](auto tag) {
    using T = typename decltype(tag)::type;
    a.for_each<T>([&](std::int64_t i, std::int64_t j, T& x) {
      const std::complex<double> f = factor(i, j);
      if constexpr (is_complex_type<T>)
        x *= T(f);
      else
        x *= static_cast<T>(f.real());
    });
  });
}

}  // namespace

void assign(const Matrix& from, const Matrix& to) {
  const Tile t = from.array().local();
  if (t.rows * t.cols > 0)
    std::memcpy(to.array().local().data, t.data,
                static_cast<std::size_t>(t.rows * t.cols) * size_of(t.dtype));
}

void assign_first_columns(const Matrix& from, const Matrix& to) {
  const Tile source = from.array().local();  // its rows are the columns
  const Tile target = to.array().local();
  const std::int64_t elements = std::min(source.rows, target.rows) * source.cols;
  if (elements > 0)
    std::memcpy(target.data, source.data,
                static_cast<std::size_t>(elements) * size_of(source.dtype));
}

void divide_rows(const Matrix& a, const std::vector<std::complex<double>>& divisors) {
  with_type(a, [&](auto tag) {
    using T = typename decltype(tag)::type;
    a.for_each<T>([&](std::int64_t i, std::int64_t, T& x) {
      const auto d = divisors[static_cast<std::size_t>(i)];
      if constexpr (is_complex_type<T>)
        x /= T(d);
      else
        x /= static_cast<T>(d.real());
    });
  });
}

void scale_rows(const Matrix& a, const std::vector<std::complex<double>>& factors) {
  scale(a, [&](std::int64_t i, std::int64_t) { return factors[static_cast<std::size_t>(i)]; });
}
void scale_columns(const Matrix& a, const std::vector<std::complex<double>>& factors) {
  scale(a, [&](std::int64_t, std::int64_t j) { return factors[static_cast<std::size_t>(j)]; });
}

namespace {

void fill_nan(const Matrix& a) {
  with_type(a, [&](auto tag) {
    using T = typename decltype(tag)::type;
    a.for_each<T>([](std::int64_t, std::int64_t, T& x) {
      x = T(std::numeric_limits<typename Routines<T>::Real>::quiet_NaN());
    });
  });
}

// What the direct factorisations make of NaN and infinities in what they read: NaN throughout.
// LAPACK and ScaLAPACK would leave NaN in other places and take other pivots, so that only one of
// them might find a zero, and solvers lose NaN that meet a zero.
bool spoilt(const Matrix& a, Part part) {
  if (is_finite(a, part)) return false;
  fill_nan(a);
  return true;
}

// Iterations never see them: some do not end.
void require_finite(const Matrix& a, Part part, const char* what) {
  if (!is_finite(a, part))
    throw LinAlgError(fmt::format("{} did not converge: the matrix has NaN or infinity", what));
}

Part part_of(bool lower) { return lower ? Part::lower : Part::upper; }

}  // namespace

void potrf(bool lower, const Matrix& a) {
  if (a.rows() == 0 || spoilt(a, part_of(lower))) return;
  const int n = extent(a.rows());
  std::int64_t minor = 0;
  const Watch watch = working("?potrf", a, 1);
  reserve_blas(1);
  with_type(a, [&](auto tag) {
    using T = typename decltype(tag)::type;
    minor = agreed_info(a.grid(), "p?potrf", [&] {
      int info = 0;
      if (a.grid().one_process())
        return static_cast<int>(
            Routines<T>::lapack_potrf(LAPACK_COL_MAJOR, *triangle(lower), n, a.data<T>(), n));
      Routines<T>::potrf(triangle(lower), &n, a.data<T>(), &one, &one, a.descriptor(), &info);
      return info;
    });
  });
  if (minor > 0)
    throw LinAlgError(fmt::format("matrix is not positive definite: leading minor {}", minor));
}

std::int64_t getrf(const Matrix& a, Pivots& pivots) {
  pivots = a.grid().room<int>(a.local_rows() + a.grid().block());
  const int m = extent(a.rows());
  const int n = extent(a.cols());
  if (m == 0 || n == 0) return 0;
  if (spoilt(a, Part::whole)) {
    const auto& d = a.array().distribution();
    for (std::int64_t i = 0; i < a.local_rows(); ++i)
      pivots[static_cast<std::size_t>(i)] = extent(d.global_row(a.grid().comm().rank(), i)) + 1;
    return 0;
  }
  std::int64_t zero = 0;
  const Watch watch = working("?getrf", a, 2);
  reserve_blas(1);
  with_type(a, [&](auto tag) {
    using T = typename decltype(tag)::type;
    zero = agreed_info(a.grid(), "p?getrf", [&] {
      int info = 0;
      if (a.grid().one_process())
        return static_cast<int>(
            Routines<T>::lapack_getrf(LAPACK_COL_MAJOR, m, n, a.data<T>(), m, pivots.data()));
      Routines<T>::getrf(&m, &n, a.data<T>(), &one, &one, a.descriptor(), pivots.data(), &info);
      return info;
    });
  });
  return zero;
}

void require_nonsingular(std::int64_t zero) {
  if (zero > 0)
    throw LinAlgError(fmt::format("matrix is singular: U[{0}, {0}] is exactly zero", zero - 1));
}

void getrs(Transpose op, const Matrix& lu, const Pivots& pivots, const Matrix& b) {
  const int n = extent(lu.rows());
  const int k = extent(b.cols());
  if (n == 0 || k == 0) return;
  if (!is_finite(lu)) return fill_nan(b);
  const Watch watch = working("?getrs", b, 2, n);
  reserve_blas(1);
  with_type(lu, [&](auto tag) {
    using T = typename decltype(tag)::type;
    agreed_info(lu.grid(), "p?getrs", [&] {
      int info = 0;
      Routines<T>::getrs(letter(op), &n, &k, lu.data<T>(), &one, &one, lu.descriptor(),
                         pivots.data(), b.data<T>(), &one, &one, b.descriptor(), &info);
      return info;
    });
  });
}

void getri(const Matrix& lu, const Pivots& pivots) {
  const int n = extent(lu.rows());
  if (n == 0 || spoilt(lu, Part::whole)) return;
  const Watch watch = working("?getri", lu, 4);
  reserve_blas(1);
  with_type(lu, [&](auto tag) {
    using T = typename decltype(tag)::type;
    std::vector<T> work(1);
    std::vector<int> integers(1);
    const auto call = [&](int work_size, int integer_size) {
      return agreed_info(lu.grid(), "p?getri", [&] {
        int info = 0;
        Routines<T>::getri(&n, lu.data<T>(), &one, &one, lu.descriptor(), pivots.data(),
                           work.data(), &work_size, integers.data(), &integer_size, &info);
        return info;
      });
    };
    call(-1, -1);
    work = lu.grid().room<T>(queried(work[0]));
    integers = lu.grid().room<int>(integers[0]);
    call(extent(std::ssize(work)), extent(std::ssize(integers)));
  });
}

std::vector<std::int64_t> gather_pivots(const Matrix& lu, const Pivots& pivots) {
  const auto& d = lu.array().distribution();
  const int rank = lu.grid().comm().rank();
  std::vector<std::int64_t> all(static_cast<std::size_t>(std::min(lu.rows(), lu.cols())), 0);
  // Every column of the grid holds the pivots of its rows.
  if (lu.grid().inside())
    for (std::int64_t i = 0; i < lu.local_rows(); ++i)
      if (const auto row = static_cast<std::size_t>(d.global_row(rank, i)); row < all.size())
        all[row] = pivots[static_cast<std::size_t>(i)] - 1;
  lu.grid().comm().all_reduce(std::span(all), Reduce::max);
  return all;
}

Pivots scatter_pivots(const Matrix& lu, const std::vector<std::int64_t>& all) {
  const auto& d = lu.array().distribution();
  const int rank = lu.grid().comm().rank();
  Pivots pivots = lu.grid().room<int>(lu.local_rows() + lu.grid().block());
  for (std::int64_t i = 0; i < lu.local_rows(); ++i)
    pivots[static_cast<std::size_t>(i)] =
        extent(all[static_cast<std::size_t>(d.global_row(rank, i))] + 1);
  return pivots;
}

namespace {

// Where an estimate starts from and goes to: an n x 1 matrix of the grid as numbers on every
// process, and back.
template <class T>
std::vector<T> gathered(const Matrix& x) {
  std::vector<T> values(static_cast<std::size_t>(x.rows()));
  x.for_each<T>(
      [&](std::int64_t i, std::int64_t, const T& v) { values[static_cast<std::size_t>(i)] = v; });
  using R = typename Routines<T>::Real;
  x.grid().comm().all_reduce(
      std::span(reinterpret_cast<R*>(values.data()), values.size() * (sizeof(T) / sizeof(R))),
      Reduce::sum);  // one process has each of them, the others add zeros
  return values;
}

/// The largest sum of |b| of a column of norm * b for an operator b, where apply(op, x) puts b x or
/// b^H x over x, from below (Higham, "FORTRAN codes for estimating the one-norm", ACM TOMS 14,
/// 1988). Infinity when that overflows.
template <class T, class Apply>
double estimated_norm_1(const Matrix& x, double norm, Apply apply) {
  using R = typename Routines<T>::Real;
  const auto n = static_cast<std::size_t>(x.rows());
  const auto image = [&](Transpose op, const std::vector<T>& v, double factor) {
    x.for_each<T>([&](std::int64_t i, std::int64_t, T& out) {
      out = v[static_cast<std::size_t>(i)] * static_cast<R>(factor);
    });
    apply(op, x);
    return gathered<T>(x);
  };
  const auto sum = [](const std::vector<T>& v) {
    double total = 0.0;
    for (const T& y : v) total += static_cast<double>(std::abs(y));
    return total;
  };
  std::vector<T> signs;
  std::vector<T> start(n, T(static_cast<R>(1.0 / static_cast<double>(n))));
  double estimate = 0.0;
  std::size_t last = n;
  for (int i = 0; i < 5; ++i) {
    std::vector<T> y = image(Transpose::no, start, norm);
    const double found = sum(y);
    if (!std::isfinite(found)) return std::numeric_limits<double>::infinity();
    if (i > 0 && found <= estimate) break;
    estimate = found;
    for (T& v : y) v = v == T(0) ? T(1) : v / std::abs(v);
    if (y == signs) break;
    signs = std::move(y);
    const std::vector<T> z = image(Transpose::conjugate, signs, norm);
    const auto at = static_cast<std::size_t>(
        std::max_element(z.begin(), z.end(),
                         [](const T& a, const T& b) { return std::abs(a) < std::abs(b); }) -
        z.begin());
    if (last < n && std::abs(z[last]) >= std::abs(z[at])) break;
    last = at;
    start.assign(n, T(0));
    start[at] = T(1);
  }
  // What an unlucky sequence misses, this finds.
  for (std::size_t i = 0; i < n; ++i) {
    const double step = n > 1 ? static_cast<double>(i) / static_cast<double>(n - 1) : 0.0;
    start[i] = T(static_cast<R>((i % 2 == 0 ? 1.0 : -1.0) * (1.0 + step)));
  }
  const double other =
      2.0 * sum(image(Transpose::no, start, norm)) / (3.0 * static_cast<double>(n));
  return std::isfinite(other) ? std::max(estimate, other) : std::numeric_limits<double>::infinity();
}

// lapack(anorm, rcond) is LAPACK's estimate, solve(op, x) what it is made of over a grid.
template <class T, class Lapack, class Solve>
double reciprocal_condition(const Matrix& factor, double norm, Lapack lapack, Solve solve) {
  using R = typename Routines<T>::Real;
  const Watch watch = working("?gecon", factor, 4);
  reserve_blas(1);
  if (factor.grid().one_process()) {
    R rcond = 0;
    agreed_info(factor.grid(), "?xxcon", [&] { return lapack(static_cast<R>(norm), &rcond); });
    std::vector<R> shared = {rcond};
    factor.grid().share(shared);
    return static_cast<double>(shared[0]);
  }
  const Matrix x = factor.grid().empty(factor.rows(), 1, factor.dtype());
  // Of norm times the inverse: neither of a tiny nor of a huge matrix does that overflow.
  return 1.0 / estimated_norm_1<T>(x, norm, solve);
}

}  // namespace

double gecon(const Matrix& lu, double norm) {
  double rcond = 1.0;
  const int n = extent(lu.rows());
  const double grown = largest(lu, Part::upper);
  if (n > 0 && !(std::isfinite(grown) && is_finite(lu))) return 0.0;
  if (n > 0)
    with_type(lu, [&](auto tag) {
      using T = typename decltype(tag)::type;
      rcond = reciprocal_condition<T>(
          lu, norm,
          [&](auto given, auto* result) {
            return Routines<T>::lapack_gecon(LAPACK_COL_MAJOR, '1', n, lu.data<T>(), n, given,
                                             result);
          },
          [&](Transpose op, const Matrix& x) {
            // The interchanges move columns of the inverse, which its norm does not see.
            const bool forward = op == Transpose::no;
            trsm(forward, op, forward, lu, x);
            trsm(!forward, op, !forward, lu, x);
          });
    });
  return grown > 0.0 ? std::min(rcond, norm / grown) : rcond;
}

double pocon(bool lower, const Matrix& factor, double norm) {
  double rcond = 1.0;
  const int n = extent(factor.rows());
  if (n > 0 && !is_finite(factor, part_of(lower))) return 0.0;
  if (n > 0)
    with_type(factor, [&](auto tag) {
      using T = typename decltype(tag)::type;
      rcond = reciprocal_condition<T>(
          factor, norm,
          [&](auto given, auto* result) {
            return Routines<T>::lapack_pocon(LAPACK_COL_MAJOR, *triangle(lower), n,
                                             factor.data<T>(), n, given, result);
          },
          [&](Transpose, const Matrix& x) {
            trsm(lower, lower ? Transpose::no : Transpose::conjugate, false, factor, x);
            trsm(lower, lower ? Transpose::conjugate : Transpose::no, false, factor, x);
          });
    });
  return rcond;
}

double trcon(bool lower, const Matrix& a) {
  double rcond = 1.0;
  const int n = extent(a.rows());
  if (n > 0 && !is_finite(a)) return 0.0;
  if (n > 0)
    with_type(a, [&](auto tag) {
      using T = typename decltype(tag)::type;
      rcond = reciprocal_condition<T>(
          a, norm_1(a),
          [&](auto, auto* result) {
            return Routines<T>::lapack_trcon(LAPACK_COL_MAJOR, '1', *triangle(lower), 'N', n,
                                             a.data<T>(), n, result);
          },
          [&](Transpose op, const Matrix& x) { trsm(lower, op, false, a, x); });
    });
  return rcond;
}

Matrix geqrf(const Matrix& a, std::int64_t k) {
  const int m = extent(a.rows());
  const int n = extent(a.cols());
  const int reflectors = std::min(m, n);
  const int columns = extent(k);
  Matrix q = a.grid().zeros(a.rows(), k, a.dtype());
  if (reflectors == 0) {
    with_type(q, [&](auto tag) {
      using T = typename decltype(tag)::type;
      q.for_each<T>([](std::int64_t i, std::int64_t j, T& x) { x = i == j ? T(1) : T(0); });
    });
    return q;
  }
  if (spoilt(a, Part::whole)) {
    fill_nan(q);
    return q;
  }
  const Watch watch = working("?geqrf", a, 8);
  reserve_blas(1);
  with_type(a, [&](auto tag) {
    using T = typename decltype(tag)::type;
    auto tau = a.grid().room<T>(std::max(a.local_cols(), q.local_cols()) + a.grid().block());
    std::vector<T> work(1);
    const auto factor = [&](int size) {
      agreed_info(a.grid(), "p?geqrf", [&] {
        int info = 0;
        Routines<T>::geqrf(&m, &n, a.data<T>(), &one, &one, a.descriptor(), tau.data(), work.data(),
                           &size, &info);
        return info;
      });
    };
    factor(-1);
    work = a.grid().room<T>(queried(work[0]));
    factor(extent(std::ssize(work)));
    if (k == 0) return;
    // The reflectors are below the diagonal of a; both lie alike.
    const std::int64_t both = std::min(a.local_cols(), q.local_cols());
    std::copy_n(a.data<T>(), both * a.local_rows(), q.data<T>());
    work.assign(1, T{});
    const auto form = [&](int size) {
      agreed_info(a.grid(), "p?orgqr", [&] {
        int info = 0;
        Routines<T>::orgqr(&m, &columns, &reflectors, q.data<T>(), &one, &one, q.descriptor(),
                           tau.data(), work.data(), &size, &info);
        return info;
      });
    };
    form(-1);
    work = a.grid().room<T>(queried(work[0]));
    form(extent(std::ssize(work)));
  });
  return q;
}

std::vector<double> heevd(bool lower, const Matrix& a, const Matrix* vectors) {
  const int n = extent(a.rows());
  std::vector<double> values(static_cast<std::size_t>(n));
  if (n == 0) return values;
  require_finite(a, part_of(lower), "the eigenvalues");
  const int exponent = rescale(a, part_of(lower));
  const Watch watch = working("?syevd", a, 20);
  reserve_blas(1);
  with_type(a, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using R = typename Routines<T>::Real;
    auto w = a.grid().room<R>(n);
    if (a.grid().one_process()) {
      converge(a.grid(), "?syevd", [&] {
        return Routines<T>::lapack_syevd(LAPACK_COL_MAJOR, vectors ? 'V' : 'N', *triangle(lower), n,
                                         a.data<T>(), n, w.data());
      });
      if (vectors && a.grid().inside())
        std::copy_n(a.data<T>(), a.rows() * a.cols(), vectors->data<T>());
    } else {
      // p?syevd has no values-only mode that works; it is given a place for the vectors anyway.
      const Matrix z = vectors ? *vectors : a.grid().zeros(a.rows(), a.cols(), a.dtype());
      std::vector<T> work(1);
      std::vector<R> reals(1);
      std::vector<int> integers(1);
      const auto call = [&](int work_size, int real_size, int integer_size) {
        converge(a.grid(), "p?syevd", [&] {
          int info = 0;
          if constexpr (is_complex_type<T>)
            Routines<T>::syevd("V", triangle(lower), &n, a.data<T>(), &one, &one, a.descriptor(),
                               w.data(), z.data<T>(), &one, &one, z.descriptor(), work.data(),
                               &work_size, reals.data(), &real_size, integers.data(), &integer_size,
                               &info);
          else
            Routines<T>::syevd("V", triangle(lower), &n, a.data<T>(), &one, &one, a.descriptor(),
                               w.data(), z.data<T>(), &one, &one, z.descriptor(), work.data(),
                               &work_size, integers.data(), &integer_size, &info);
          return info;
        });
      };
      call(-1, -1, -1);
      // The query forgets what p?ormtr wants for applying the reflectors.
      const std::int64_t nb = a.grid().block();
      const std::int64_t missing = (a.local_rows() + a.local_cols() + 3 * nb) * nb + 3 * nb * nb;
      work = a.grid().room<T>(queried(work[0]) + missing);
      reals = a.grid().room<R>(queried(reals[0]));
      integers = a.grid().room<int>(integers[0]);
      call(extent(std::ssize(work)), extent(std::ssize(reals)), extent(std::ssize(integers)));
    }
    a.grid().share(w);
    std::transform(w.begin(), w.begin() + n, values.begin(),
                   [&](R v) { return std::ldexp(static_cast<double>(v), exponent); });
  });
  return values;
}

std::vector<double> gesvd(const Matrix& a, const Matrix* u, const Matrix* vh) {
  const int m = extent(a.rows());
  const int n = extent(a.cols());
  const int k = std::min(m, n);
  std::vector<double> values(static_cast<std::size_t>(k));
  if (k == 0) return values;
  require_finite(a, Part::whole, "the SVD");
  const Watch watch = working("?gesvd", a, 50);
  reserve_blas(1);
  with_type(a, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using R = typename Routines<T>::Real;
    auto s = a.grid().room<R>(k);
    if (a.grid().one_process()) {
      converge(a.grid(), "?gesdd", [&] {
        return Routines<T>::lapack_gesdd(LAPACK_COL_MAJOR, u ? 'S' : 'N', m, n, a.data<T>(), m,
                                         s.data(), u ? u->data<T>() : nullptr, m,
                                         vh ? vh->data<T>() : nullptr, k);
      });
    } else {
      const char* job = u ? "V" : "N";
      const Matrix& left = u ? *u : a;  // not referenced without vectors
      const Matrix& right = vh ? *vh : a;
      std::vector<T> work(2);
      std::vector<R> reals = a.grid().room<R>(1 + 4 * static_cast<std::int64_t>(std::max(m, n)));
      const auto call = [&](int size) {
        converge(a.grid(), "p?gesvd", [&] {
          int info = 0;
          if constexpr (is_complex_type<T>)
            Routines<T>::gesvd(job, job, &m, &n, a.data<T>(), &one, &one, a.descriptor(), s.data(),
                               left.data<T>(), &one, &one, left.descriptor(), right.data<T>(), &one,
                               &one, right.descriptor(), work.data(), &size, reals.data(), &info);
          else
            Routines<T>::gesvd(job, job, &m, &n, a.data<T>(), &one, &one, a.descriptor(), s.data(),
                               left.data<T>(), &one, &one, left.descriptor(), right.data<T>(), &one,
                               &one, right.descriptor(), work.data(), &size, &info);
          // min(m, n) + 1: the values differ between processes. p?bdsqr has another algorithm where
          // a process holds no row of u and column of vh, and that one's last bits; all take rank
          // 0's.
          return info == k + 1 ? 0 : info;
        });
      };
      call(-1);
      work = a.grid().room<T>(queried(work[0]));
      call(extent(std::ssize(work)));
    }
    a.grid().share(s);
    std::copy_n(s.begin(), k, values.begin());
  });
  return values;
}

std::vector<std::complex<double>> geev(const Matrix& a, const Matrix* vectors) {
  const int n = extent(a.rows());
  std::vector<std::complex<double>> values(static_cast<std::size_t>(n));
  if (n == 0) return values;
  require_finite(a, Part::whole, "the eigenvalues");
  const char job = vectors ? 'V' : 'N';
  const Watch watch = working("?geev", a, 50);
  reserve_blas(1);
  with_type(a, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using R = typename Routines<T>::Real;
    if constexpr (is_complex_type<T>) {
      std::vector<T> w(static_cast<std::size_t>(n));
      converge(a.grid(), "?geev", [&] {
        return Routines<T>::lapack_geev(LAPACK_COL_MAJOR, 'N', job, n, a.data<T>(), n, w.data(),
                                        nullptr, n, vectors ? vectors->data<T>() : nullptr, n);
      });
      std::copy(w.begin(), w.end(), values.begin());
    } else {
      const auto size = static_cast<std::size_t>(n);
      std::vector<R> real(size), imaginary(size), v(vectors ? size * size : 0);
      converge(a.grid(), "?geev", [&] {
        return Routines<T>::lapack_geev(LAPACK_COL_MAJOR, 'N', job, n, a.data<T>(), n, real.data(),
                                        imaginary.data(), nullptr, n, v.data(), n);
      });
      for (std::size_t j = 0; j < size; ++j) values[j] = {real[j], imaginary[j]};
      if (!vectors) return;
      // A pair of conjugate eigenvalues has columns j and j + 1 for real and imaginary part.
      auto* out = vectors->data<std::complex<R>>();
      for (std::size_t j = 0; j < size; ++j) {
        const bool first = imaginary[j] > 0;
        const bool second = imaginary[j] < 0;
        const R* re = v.data() + (second ? j - 1 : j) * size;
        const R* im = v.data() + (second ? j : j + 1) * size;
        for (std::size_t i = 0; i < size; ++i)
          out[j * size + i] = {re[i], first ? im[i] : second ? -im[i] : R(0)};
      }
    }
  });
  return values;
}

}  // namespace tessera::linalg::scalapack
