#include <algorithm>
#include <atomic>
#include <complex>
#include <limits>

#include <tessera/linalg/dense.hpp>
#include <tessera/linalg/functions.hpp>
#include <tessera/linalg/kernels/kernels.hpp>
#include <tessera/linalg/scalapack/routines.hpp>
#include <tessera/runtime/runtime.hpp>
#include <tessera/runtime/visit.hpp>

namespace tessera::linalg {
namespace {

// On one process, in place in a copy of the triangle, where a lies by rows.
Array factor_of(const Array& a, bool lower) {
  constexpr std::int64_t rows_at_once = 64;
  const std::int64_t n = a.rows();
  const Array factor = tessera::detail::allocate(a.shape(), a.dtype(), a.distribution(), a.comm());
  const auto by_rows = [&](const auto& work) {
    parallel_for(
        {0, (n + rows_at_once - 1) / rows_at_once},
        detail::fits_one_process(a.shape()) ? 1 : Runtime::threads(), [&](std::int64_t k, Stream&) {
          for (std::int64_t i = k * rows_at_once; i < std::min(n, (k + 1) * rows_at_once); ++i)
            work(i, lower ? 0 : i, lower ? i + 1 : n);
        });
  };
  visit_inexact(a.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const T* from = a.local().as<const T>();
    T* to = factor.local().as<T>();
    std::atomic<bool> finite = true;
    by_rows([&](std::int64_t i, std::int64_t begin, std::int64_t end) {
      T probe(0);  // v - v is 0 unless v is NaN or infinite
      for (std::int64_t j = begin; j < end; ++j) {
        to[i * n + j] = from[i * n + j];
        probe += from[i * n + j] - from[i * n + j];
      }
      if (probe != T(0)) finite = false;
    });
    if (finite) {
      Stream stream;
      const Watch watch("?potrf", 1e-9 * static_cast<double>(n) * static_cast<double>(n) *
                                      static_cast<double>(n));
      return scalapack::require_positive(kernels().cholesky(stream, factor.local(), lower));
    }
    const T nan(std::numeric_limits<decltype(std::real(T()))>::quiet_NaN());
    by_rows([&](std::int64_t i, std::int64_t begin, std::int64_t end) {
      std::fill(to + i * n, to + (i + 1) * n, T(0));
      std::fill(to + i * n + begin, to + i * n + end, nan);
    });
  });
  return factor;
}

Array factorised(const char* function, const Array& given, const CholeskyOptions& options) {
  const Array a =
      detail::square_argument(function, detail::at_least_2d(given), options.check_finite);
  if (const auto alone = detail::on_one_process({a}, [&](const auto& m) -> std::vector<Array> {
        return {factor_of(m[0], options.lower)};
      }))
    return detail::laid_out_like((*alone)[0], given);
  using scalapack::Grid;
  const auto algorithm = [&](const Grid&, auto matrices) -> std::vector<Array> {
    const scalapack::Matrix& factor = matrices[0];
    scalapack::potrf(options.lower, factor);
    scalapack::zero_triangle(factor, !options.lower);
    return {factor.array()};
  };
  const auto result =
      detail::dense({a}, algorithm, options.lower ? Grid::Form::wide : Grid::Form::tall);
  return detail::laid_out_like(result[0], given);
}

}  // namespace

Array composed::cholesky(const Array& a, const CholeskyOptions& options) {
  return factorised("cholesky", a, options);
}
Array composed::cho_factor(const Array& a, const CholeskyOptions& options) {
  return factorised("cho_factor", a, options);
}

Array composed::cho_solve(const Array& c, const Array& b, bool lower, bool check_finite) {
  const auto solved = [&](const Array& rhs, bool adjoint) {
    return linalg::solve_triangular(
        c, rhs, {lower, adjoint ? Transpose::conjugate : Transpose::no, false, check_finite});
  };
  return solved(solved(b, !lower), lower);
}

}  // namespace tessera::linalg
