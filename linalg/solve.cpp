#include <tessera/linalg/solve.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include <tessera/array/manipulation.hpp>
#include <tessera/linalg/dense.hpp>
#include <tessera/linalg/functions.hpp>
#include <tessera/linalg/multiply.hpp>
#include <tessera/linalg/scalapack/lapack.hpp>
#include <tessera/linalg/scalapack/routines.hpp>
#include <tessera/runtime/visit.hpp>

namespace tessera::linalg {
namespace {

using scalapack::Grid;
using scalapack::Matrix;

// Looks for the cheapest structure first. A Hermitian matrix can only be positive definite when its
// diagonal is positive; without that its LU is that of a general one, and nobody needs to know.
Structure structure_of(const Matrix& a) {
  const bool upper = scalapack::is_zero_triangle(a, true);
  const bool lower = scalapack::is_zero_triangle(a, false);
  if (upper && lower) return Structure::diagonal;
  if (upper) return Structure::upper_triangular;
  if (lower) return Structure::lower_triangular;
  const auto diagonal = scalapack::diagonal_of(a);
  const bool positive = std::all_of(diagonal.begin(), diagonal.end(),
                                    [](auto d) { return d.real() > 0 && d.imag() == 0; });
  if (positive && scalapack::equals_transposed(a, Transpose::conjugate))
    return Structure::hermitian;
  return Structure::general;
}

void solve_diagonal(const Matrix& a, const Matrix& b) {
  scalapack::require_nonzero_diagonal(a);
  const auto diagonal = scalapack::diagonal_of(a);
  double least = std::numeric_limits<double>::infinity();
  double most = 0.0;
  for (const auto& d : diagonal) {
    least = std::min(least, std::abs(d));
    most = std::max(most, std::abs(d));
  }
  if (!diagonal.empty()) detail::warn_if_ill_conditioned("solve", least / most, a.dtype());
  scalapack::divide_rows(b, diagonal);
}

void solve_triangle(const Matrix& a, bool lower, const Matrix& b) {
  scalapack::require_nonzero_diagonal(a);
  scalapack::zero_triangle(a, !lower);
  detail::warn_if_ill_conditioned("solve", scalapack::trcon(lower, a), a.dtype());
  scalapack::trsm(lower, Transpose::no, false, a, b);
}

void solve_positive_definite(const Matrix& a, const Matrix& b) {
  const double norm = scalapack::norm_1(a);
  scalapack::potrf(true, a);
  detail::warn_if_ill_conditioned("solve", scalapack::pocon(true, a, norm), a.dtype());
  scalapack::trsm(true, Transpose::no, false, a, b);
  scalapack::trsm(true, Transpose::conjugate, false, a, b);
}

void solve_general(const Matrix& a, const Matrix& b) {
  const double norm = scalapack::norm_1(a);
  scalapack::Pivots pivots;
  scalapack::require_nonsingular(scalapack::getrf(a, pivots));
  detail::warn_if_ill_conditioned("solve", scalapack::gecon(a, norm), a.dtype());
  scalapack::getrs(Transpose::no, a, pivots, b);
}

// Rook pivoting, which ScaLAPACK lacks and which may not end for NaN.
void solve_indefinite(const Matrix& a, bool lower, bool hermitian, const Matrix& b) {
  scalapack::mirror_triangle(a, lower, hermitian ? Transpose::conjugate : Transpose::yes);
  if (a.grid().comm().size() > 1 || a.rows() == 0 || b.cols() == 0 || !scalapack::is_finite(a))
    return solve_general(a, b);
  const double rcond = scalapack::lapack().sysv(a, lower, hermitian, b);
  if (rcond == 0.0) throw LinAlgError("matrix is singular: D of its LDL^T is");
  detail::warn_if_ill_conditioned("solve", rcond, a.dtype());
}

void solve_in_place(const Matrix& a, const Matrix& b, const SolveOptions& options) {
  switch (options.assume_a) {
    case Structure::diagonal:
      return solve_diagonal(a, b);
    case Structure::upper_triangular:
      return solve_triangle(a, false, b);
    case Structure::lower_triangular:
      return solve_triangle(a, true, b);
    case Structure::positive_definite:
      scalapack::mirror_triangle(a, options.lower, Transpose::conjugate);
      return solve_positive_definite(a, b);
    case Structure::symmetric:
    case Structure::hermitian:
      return solve_indefinite(a, options.lower, options.assume_a == Structure::hermitian, b);
    case Structure::tridiagonal:
      scalapack::zero_outside_band(a, 1);
      return solve_general(a, b);
    case Structure::banded:  // of too many diagonals
    case Structure::general:
      return solve_general(a, b);
    case Structure::detect:
      break;
  }
  const Structure found = structure_of(a);
  if (found != Structure::hermitian)
    return solve_in_place(a, b, {found, options.lower, options.check_finite});
  const Matrix whole = a.grid().copy(a.array());
  const Matrix rhs = a.grid().copy(b.array());
  try {
    solve_positive_definite(a, b);
  } catch (const LinAlgError&) {  // thrown on every process alike
    solve_general(whole, rhs);
    scalapack::assign(rhs, b);
  }
}

// How many diagonals below and above the main one have something else than 0.
std::pair<std::int64_t, std::int64_t> band_of(const Array& a) {
  std::array<std::int64_t, 2> width = {0, 0};
  visit_inexact(a.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const Tile t = a.local();
    for (std::int64_t i = 0; i < t.rows; ++i)
      for (std::int64_t j = 0; j < t.cols; ++j) {
        if (t.as<const T>()[i * t.stride + j] == T(0)) continue;
        const std::int64_t below = a.local_rows().begin + i - j;
        width[0] = std::max(width[0], below);
        width[1] = std::max(width[1], -below);
      }
  });
  a.comm().all_reduce(std::span(width), Reduce::max);
  return {width[0], width[1]};
}

// Its diagonals as rows, the uppermost first.
Array diagonals_of(const Array& a, std::int64_t l, std::int64_t u) {
  std::vector<Array> rows;
  for (std::int64_t k = u; k >= -l; --k) {
    const std::array<Array, 3> parts = {
        zeros({std::max<std::int64_t>(k, 0)}, a.dtype(), a.comm()), linalg::diagonal(a, k),
        zeros({std::max<std::int64_t>(-k, 0)}, a.dtype(), a.comm())};
    rows.push_back(concat(parts));
  }
  return stack(rows);
}

// A number divides whatever it is given.
Array divided(const Array& b, const Array& number, bool check_finite) {
  const DType dtype = detail::common_dtype(number.dtype(), b.dtype());
  const Array from = detail::by_rows(detail::on_host(b, dtype));
  if (check_finite) detail::require_finite("solve", from);
  const Array x = tessera::detail::allocate(b.shape(), dtype, from.distribution(), b.comm());
  visit_inexact(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T divisor = gather(detail::on_host(number, dtype)).template values<T>()[0];
    if (divisor == T(0)) throw LinAlgError("matrix is singular: zero at [0, 0]");
    const Tile t = from.local();
    for (std::int64_t i = 0; i < t.rows; ++i)
      std::transform(t.as<const T>() + i * t.stride, t.as<const T>() + i * t.stride + t.cols,
                     x.local().as<T>() + i * x.local().stride,
                     [&](const T& v) { return v / divisor; });
  });
  return detail::laid_out_like(x, b);
}

}  // namespace

Array composed::solve(const Array& given, const Array& b, const SolveOptions& given_options) {
  detail::require_together("solve", given, b);
  SolveOptions options = given_options;
  Array a = detail::square_argument("solve", detail::at_least_2d(given), options.check_finite);
  if (options.transposed) {
    a = evaluate(transpose(a));
    options.lower = !options.lower;
    if (options.assume_a == Structure::upper_triangular)
      options.assume_a = Structure::lower_triangular;
    else if (options.assume_a == Structure::lower_triangular)
      options.assume_a = Structure::upper_triangular;
  }
  if (a.size() == 1 && b.ndim() <= 2 && (b.ndim() == 0 || b.rows() != 1))
    return divided(b.ndim() == 0 ? b.reshape({1}) : b, a, options.check_finite);
  const DType dtype = detail::common_dtype(given.dtype(), b.dtype());
  const Array rhs = detail::right_hand_side("solve", b, a.rows(), dtype, options.check_finite);
  const bool tridiagonal = options.assume_a == Structure::tridiagonal;
  if ((tridiagonal || options.assume_a == Structure::banded) && rhs.size() > 0 &&
      (options.check_finite || (detail::is_finite(a) && detail::is_finite(rhs)))) {
    const Array rows = detail::by_rows(detail::on_host(a, dtype));
    const auto [l, u] = tridiagonal ? std::pair<std::int64_t, std::int64_t>{1, 1} : band_of(rows);
    if (tridiagonal || 4 * (l + u + 1) <= a.rows())
      return detail::solution_like(
          detail::solve_band("solve", diagonals_of(rows, l, u), rhs, {l, u}, true), b);
  }
  const auto result = detail::dense(
      {detail::on_host(a, dtype), rhs}, [&](const Grid&, auto matrices) -> std::vector<Array> {
        const int exponent = scalapack::rescale(matrices[0], scalapack::Part::whole, true);
        const int of_b = scalapack::rescale(matrices[1], scalapack::Part::whole, true);
        solve_in_place(matrices[0], matrices[1], options);
        scalapack::scale_by_power(matrices[1], of_b - exponent);
        return {matrices[1].array()};
      });
  return detail::solution_like(result[0], b);
}

Array composed::solve_triangular(const Array& given, const Array& b,
                                 const TriangularOptions& options) {
  detail::require_together("solve_triangular", given, b);
  const Array a = detail::square_argument("solve_triangular", given, options.check_finite);
  const DType dtype = detail::common_dtype(given.dtype(), b.dtype());
  const Array rhs =
      detail::right_hand_side("solve_triangular", b, a.rows(), dtype, options.check_finite);
  const auto result = detail::dense(
      {detail::on_host(a, dtype), rhs}, [&](const Grid&, auto matrices) -> std::vector<Array> {
        if (!options.unit_diagonal) scalapack::require_nonzero_diagonal(matrices[0]);
        scalapack::trsm(options.lower, options.op, options.unit_diagonal, matrices[0], matrices[1]);
        return {matrices[1].array()};
      });
  return detail::solution_like(result[0], b);
}

}  // namespace tessera::linalg
