#include <cmath>
#include <limits>

#include <tessera/linalg/scalapack/fortran.hpp>
#include <tessera/linalg/scalapack/operations.hpp>

namespace tessera::linalg::scalapack {

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

double direct::gecon(const Matrix& lu, double norm) {
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
            scalapack::trsm(forward, op, forward, lu, x);
            scalapack::trsm(!forward, op, !forward, lu, x);
          });
    });
  return grown > 0.0 ? std::min(rcond, norm / grown) : rcond;
}

double direct::pocon(const Matrix& factor, bool lower, double norm) {
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
            scalapack::trsm(lower, lower ? Transpose::no : Transpose::conjugate, false, factor, x);
            scalapack::trsm(lower, lower ? Transpose::conjugate : Transpose::no, false, factor, x);
          });
    });
  return rcond;
}

double direct::trcon(const Matrix& a, bool lower) {
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
          [&](Transpose op, const Matrix& x) { scalapack::trsm(lower, op, false, a, x); });
    });
  return rcond;
}

}  // namespace tessera::linalg::scalapack
