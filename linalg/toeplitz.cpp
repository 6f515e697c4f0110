#include <tessera/linalg/toeplitz.hpp>

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <complex>

#include <tessera/array/creation.hpp>
#include <tessera/array/elementwise.hpp>
#include <tessera/array/fft.hpp>
#include <tessera/array/indexing.hpp>
#include <tessera/array/manipulation.hpp>
#include <tessera/array/statistics.hpp>
#include <tessera/linalg/dense.hpp>
#include <tessera/linalg/functions.hpp>
#include <tessera/linalg/multiply.hpp>
#include <tessera/runtime/visit.hpp>

namespace tessera::linalg {
namespace {

// Column, row and right-hand side (a matrix) in one dtype.
struct Toeplitz {
  Toeplitz(std::string_view function, const Array& column, const Array& rhs, const Array& row,
           bool check_finite) {
    detail::require_together(function, column, rhs);
    if (row) detail::require_together(function, column, row);
    for (const Array* x : {&column, &row})
      if (*x && x->ndim() != 1)
        throw ValueError(fmt::format("{} needs a column and a row as vectors, got shape {}",
                                     function, to_string(x->shape())));
    DType dtype = detail::common_dtype(column.dtype(), rhs.dtype());
    if (row) dtype = detail::common_dtype(dtype, row.dtype());
    c = detail::on_host(column, dtype);
    r = row ? detail::on_host(row, dtype) : conj(c);
    const Array& as_long = function == "matmul_toeplitz" ? r : c;
    b = detail::right_hand_side(function, rhs, as_long.rows(), dtype, check_finite);
    if (!check_finite) return;
    for (const Array& x : {c, r}) detail::require_finite(function, x.reshape({x.rows(), 1}));
  }
  Array c, r, b;
};

// Levinson's recursion: forward and backward vectors of growing leading blocks. x has k columns.
template <class T>
void levinson(const T* c, const T* r, std::int64_t n, const T* b, std::int64_t k, T* x) {
  const auto require = [](const T& pivot, std::int64_t i) {
    if (pivot == T(0) || !std::isfinite(std::abs(pivot)))
      throw LinAlgError(fmt::format("matrix is singular: leading minor {}", i));
  };
  require(c[0], 1);
  std::vector<T> forward = {T(1) / c[0]}, backward = forward;
  for (std::int64_t j = 0; j < k; ++j) x[j * n] = b[j * n] / c[0];
  for (std::int64_t m = 1; m < n; ++m) {
    T of_forward(0), of_backward(0);
    for (std::int64_t i = 0; i < m; ++i) {
      of_forward += c[m - i] * forward[static_cast<std::size_t>(i)];
      of_backward += r[i + 1] * backward[static_cast<std::size_t>(i)];
    }
    const T pivot = T(1) - of_forward * of_backward;
    require(pivot, m + 1);
    forward.push_back(T(0));
    backward.insert(backward.begin(), T(0));
    for (std::size_t i = 0; i < forward.size(); ++i) {
      const T f = forward[i], g = backward[i];
      forward[i] = (f - of_forward * g) / pivot;
      backward[i] = (g - of_backward * f) / pivot;
    }
    for (std::int64_t j = 0; j < k; ++j) {
      T* solution = x + j * n;
      T rest = b[j * n + m];
      for (std::int64_t i = 0; i < m; ++i) rest -= c[m - i] * solution[i];
      solution[m] = T(0);
      for (std::int64_t i = 0; i <= m; ++i)
        solution[i] += rest * backward[static_cast<std::size_t>(i)];
    }
  }
}

}  // namespace

Array composed::solve_toeplitz(const Array& column, const Array& b, const Array& row,
                               bool check_finite) {
  const Toeplitz t("solve_toeplitz", column, b, row, check_finite);
  const std::int64_t n = t.c.rows(), k = t.b.cols();
  if (t.r.rows() != n)
    throw ValueError(fmt::format(
        "solve_toeplitz needs a column and a row of one length, got {} and {}", n, t.r.rows()));
  if (k == 0 || n == 0) return detail::solution_like(t.b, b);
  const auto as_matrix = [&](const Array& x) { return x.reshape({n, 1}); };
  const auto solution =
      detail::lapack("solve_toeplitz", {as_matrix(t.c), as_matrix(t.r), t.b},
                     [&](const scalapack::Grid& grid, auto m) -> std::vector<Array> {
                       const scalapack::Matrix x = grid.empty(n, k, t.b.dtype());
                       visit_inexact(t.b.dtype(), [&](auto tag) {
                         using T = typename decltype(tag)::type;
                         const Watch watch("solve_toeplitz", 4e-9 * static_cast<double>(n) *
                                                                 static_cast<double>(n) *
                                                                 static_cast<double>(k + 2));
                         levinson(m[0].template data<T>(), m[1].template data<T>(), n,
                                  m[2].template data<T>(), k, x.data<T>());
                       });
                       return {x.array()};
                     });
  return detail::solution_like(solution[0], b);
}

// The first m elements of a circular convolution of length m + n - 1.
Array composed::matmul_toeplitz(const Array& column, const Array& x, const Array& row,
                                bool check_finite) {
  const Toeplitz t("matmul_toeplitz", column, x, row, check_finite);
  const std::int64_t m = t.c.rows(), n = t.r.rows(), length = m + n - 1;
  if (m == 0 || n == 0 || t.b.cols() == 0)
    return detail::solution_like(zeros({m, t.b.cols()}, t.b.dtype(), t.b.comm()), x);
  const std::array<Array, 2> around = {t.c, flip(index(t.r, {Slice{1}}))};
  const Array turns = concat(around).reshape({length, 1});
  const Array product =
      fft::ifft(fft::fft(turns, {}, 0) * fft::fft(detail::by_rows(t.b), length, 0), {}, 0);
  const Array rows = index(product, {Slice{0, m}});
  return detail::solution_like(is_complex(t.b.dtype()) ? rows : real(rows), x);
}

Array composed::solve_circulant(const Array& column, const Array& rhs, bool lstsq,
                                std::optional<double> tol) {
  const Toeplitz t("solve_circulant", column, rhs, {}, true);
  const std::int64_t n = t.c.rows();
  if (t.b.size() == 0) return detail::solution_like(t.b, rhs);
  const Array turns = fft::fft(t.c.reshape({n, 1}), {}, 0);
  const Array sizes = abs(turns);
  const auto number = [](const Array& x) {
    const Array here = gather(x).to(cpu).astype(DType::float64);
    return here.values<double>()[0];
  };
  const double largest = number(max(sizes)), least = number(min(sizes));
  const double limit = tol.value_or(largest * static_cast<double>(n) * detail::eps_of(t.c.dtype()));
  if (least <= limit && !lstsq)
    throw LinAlgError(
        "matrix is singular: a circulant with a zero "
        "among its eigenvalues");
  const Array zero = sizes <= limit;
  const Array quotient = fft::fft(detail::by_rows(t.b), {}, 0) /
                         where(zero, tessera::Operand(Scalar(1.0)), tessera::Operand(turns));
  const Array x =
      fft::ifft(where(zero, tessera::Operand(Scalar(0.0)), tessera::Operand(quotient)), {}, 0);
  return detail::solution_like(is_complex(t.b.dtype()) ? x : real(x), rhs);
}

}  // namespace tessera::linalg
