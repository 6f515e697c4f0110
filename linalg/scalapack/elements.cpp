// What is done to each element, and what the elements say together.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <mutex>
#include <numeric>
#include <ranges>
#include <type_traits>

#include <tessera/linalg/scalapack/fortran.hpp>
#include <tessera/linalg/scalapack/routines.hpp>
#include <tessera/runtime/rows.hpp>
#include <tessera/runtime/runtime.hpp>

namespace tessera::linalg::scalapack {
namespace {

// Runs work(columns) for all of this process's columns, on several threads where these are long.
template <class F>
void by_columns(const Matrix& a, const F& work) {
  const std::int64_t m = std::max<std::int64_t>(1, a.local_rows()), n = a.local_cols();
  const std::int64_t at_once = std::max<std::int64_t>(1, (std::int64_t{1} << 18) / m);
  const int threads = m * n > std::int64_t{1} << 20 ? Runtime::threads() : 1;
  parallel_for({0, (n + at_once - 1) / at_once}, threads, [&](std::int64_t k, Stream&) {
    work(Range{k * at_once, std::min(n, (k + 1) * at_once)});
  });
}

}  // namespace

void zero_triangle(const Matrix& a, bool lower) {
  with_type(a, [&](auto tag) {
    using T = typename decltype(tag)::type;
    by_columns(a, [&](Range columns) {
      a.for_columns<T>(columns, [&](std::int64_t i, std::int64_t j, T& x) {
        if (lower ? i > j : i < j) x = T(0);
      });
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

// Which of this process's rows belong to it in a column of its own: global indices ascend.
Range rows_of_part(const Matrix& a, Part part, std::int64_t column) {
  const auto& d = a.array().distribution();
  const int rank = a.grid().comm().rank();
  const std::int64_t rows = a.local_rows();
  if (part == Part::whole) return {0, rows};
  const std::int64_t diagonal = d.global_col(rank, column) + (part == Part::lower ? 0 : 1);
  const auto local = std::views::iota(std::int64_t{0}, rows);
  const std::int64_t first =
      std::ranges::lower_bound(local, diagonal, {},
                               [&](std::int64_t i) { return d.global_row(rank, i); }) -
      local.begin();
  return part == Part::lower ? Range{first, rows} : Range{0, first};
}

}  // namespace

double largest(const Matrix& a, Part part) {
  double most = 0.0;
  std::mutex mutex;
  with_type(a, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using R = typename Routines<T>::Real;
    using Bits = std::conditional_t<sizeof(R) == 4, std::uint32_t, std::uint64_t>;
    constexpr std::int64_t parts = sizeof(T) / sizeof(R);
    by_columns(a, [&](Range columns) {
      // Without its sign, a number's bits are in the order of numbers, NaN above infinity.
      Bits here = 0;
      for (std::int64_t j = columns.begin; j < columns.end; ++j) {
        const Range rows = rows_of_part(a, part, j);
        const R* const first = reinterpret_cast<const R*>(a.data<T>() + j * a.local_rows());
        for (std::int64_t i = rows.begin * parts; i < rows.end * parts; ++i)
          here = std::max(here,
                          std::bit_cast<Bits>(first[i]) & (std::numeric_limits<Bits>::max() >> 1));
      }
      const double value = std::bit_cast<R>(here);
      const std::lock_guard lock(mutex);
      most = std::max(most, std::isnan(value) ? std::numeric_limits<double>::infinity() : value);
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

namespace {

// The root of f(columns), summed over all: of a process in the order of its columns.
template <class F>
double root_of_sum(const Matrix& a, F f) {
  std::vector<double> sums(static_cast<std::size_t>(a.local_cols()));
  by_columns(a, [&](Range columns) {
    for (std::int64_t j = columns.begin; j < columns.end; ++j)
      sums[static_cast<std::size_t>(j)] = f(j * a.local_rows(), (j + 1) * a.local_rows());
  });
  double sum = std::accumulate(sums.begin(), sums.end(), 0.0);
  a.grid().comm().all_reduce(std::span(&sum, 1), Reduce::sum);
  return std::sqrt(sum);
}

}  // namespace

double norm_frobenius(const Matrix& a) {
  double norm = 0;
  with_type(a, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* const x = a.data<T>();
    norm = root_of_sum(a, [&](std::int64_t i, std::int64_t end) {
      double sum = 0;
      for (; i < end; ++i) sum += static_cast<double>(std::norm(x[i]));
      return sum;
    });
  });
  return norm;
}

double blend(double of_x, const Matrix& x, double of_y, const Matrix& y) {
  double change = 0;
  with_type(x, [&](auto tag) {
    using T = typename decltype(tag)::type;
    using R = typename Routines<T>::Real;
    T* const to = x.data<T>();
    const T* const from = y.data<T>();
    change = root_of_sum(x, [&](std::int64_t i, std::int64_t end) {
      double sum = 0;
      for (; i < end; ++i) {
        const T value = static_cast<R>(of_x) * to[i] + static_cast<R>(of_y) * from[i];
        sum += static_cast<double>(std::norm(value - to[i]));
        to[i] = value;
      }
      return sum;
    });
  });
  return change;
}

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
void require_convergence(const Matrix& a, Part part, const char* what) {
  if (!is_finite(a, part))
    throw LinAlgError(fmt::format("{} did not converge: the matrix has NaN or infinity", what));
}

}  // namespace tessera::linalg::scalapack
