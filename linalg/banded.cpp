#include <tessera/linalg/banded.hpp>

#include <fmt/format.h>

#include <array>

#include <tessera/array/creation.hpp>
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
using Results = std::vector<Array>;

Array band_argument(std::string_view function, const Array& given, bool check_finite) {
  const Array ab = detail::matrix_argument(function, given, check_finite);
  if (ab.rows() == 0 && ab.cols() > 0)
    throw ValueError(fmt::format("{} needs a row for each diagonal, got shape {}", function,
                                 to_string(ab.shape())));
  return ab;
}

// Both operands in one dtype; b as a matrix.
struct System {
  System(std::string_view function, const Array& given, const Array& rhs, bool check_finite) {
    detail::require_together(function, given, rhs);
    const DType dtype = detail::common_dtype(given.dtype(), rhs.dtype());
    ab = detail::on_host(band_argument(function, given, check_finite), dtype);
    b = detail::right_hand_side(function, rhs, ab.cols(), dtype, check_finite);
  }
  bool empty() const { return b.size() == 0; }
  Array ab, b;
};

Eigh decompose(std::string_view function, const Array& given, const Array& ab,
               const BandedOptions& options, bool vectors) {
  const std::int64_t n = ab.cols();
  const DType real = detail::real_of(ab.dtype());
  if (n == 0) throw ValueError(fmt::format("{} needs a matrix of at least one row", function));
  const auto r = detail::lapack(function, {ab}, [&](const Grid& grid, auto m) -> Results {
    const Matrix z = grid.empty(vectors ? n : 0, n, ab.dtype());
    const auto values = scalapack::lapack().sbevd(m[0], options.lower, vectors ? &z : nullptr);
    return {detail::vector_of(values, real, grid.comm()), z.array()};
  });
  const Eigh all = {r[0], r[1]};
  const Eigh some = detail::subset(function, all, options.by_index, options.by_value);
  return {some.values.to(given.device()),
          vectors ? detail::laid_out_like(some.vectors, given) : Array{}};
}

// d and e as a band of two rows.
Array tridiagonal(std::string_view function, const Array& d, const Array& e, bool check_finite) {
  detail::require_together(function, d, e);
  if (d.ndim() != 1 || e.ndim() != 1 || d.rows() < 1 || e.rows() != d.rows() - 1)
    throw ValueError(fmt::format("{} needs a diagonal (n,) and (n - 1,) beside it, got {} and {}",
                                 function, to_string(d.shape()), to_string(e.shape())));
  if (is_complex(d.dtype()) || is_complex(e.dtype()))
    throw TypeError(fmt::format("{} takes real numbers, got {} and {}", function,
                                name_of(d.dtype()), name_of(e.dtype())));
  const DType dtype = detail::common_dtype(d.dtype(), e.dtype());
  const Array end = zeros({1}, dtype, d.comm());
  const std::array<Array, 2> beside = {detail::on_host(e, dtype), end};
  const std::array<Array, 2> rows = {detail::on_host(d, dtype), concat(beside)};
  return detail::matrix_argument(function, stack(rows), check_finite);
}

}  // namespace

Array detail::solve_band(std::string_view function, const Array& ab, const Array& b,
                         std::pair<std::int64_t, std::int64_t> l_and_u, bool warns) {
  const auto [l, u] = l_and_u;
  const auto r = lapack(function, {ab, b}, [&, l = l, u = u](const Grid& grid, auto m) -> Results {
    const Matrix roomy = grid.zeros(2 * l + u + 1, ab.cols(), ab.dtype());
    visit_inexact(ab.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      m[0].template for_each<T>([&](std::int64_t i, std::int64_t j, const T& x) {
        // What a row has beyond the matrix may be anything.
        if (i + j >= u && i + j < u + ab.cols()) roomy.data<T>()[l + i + j * roomy.rows()] = x;
      });
    });
    double rcond = 0;
    scalapack::require_nonsingular(scalapack::lapack().gbsv(roomy, l, u, m[1], rcond));
    return {m[1].array(), replicated(std::vector{rcond}, {1}, grid.comm())};
  });
  if (warns) warn_if_ill_conditioned(function, r[1].values<double>()[0], ab.dtype());
  return r[0];
}

Array composed::solve_banded(const Array& given, const Array& rhs,
                             std::pair<std::int64_t, std::int64_t> l_and_u, bool check_finite) {
  const auto [l, u] = l_and_u;
  const System s("solve_banded", given, rhs, check_finite);
  if (l < 0 || u < 0 || s.ab.rows() != l + u + 1)
    throw ValueError(
        fmt::format("solve_banded needs l + u + 1 diagonals, got shape {} for l = {} "
                    "and u = {}",
                    to_string(given.shape()), l, u));
  if (s.empty()) return detail::solution_like(s.b, rhs);
  return detail::solution_like(detail::solve_band("solve_banded", s.ab, s.b, l_and_u, false), rhs);
}

Array composed::solveh_banded(const Array& given, const Array& rhs, bool lower, bool check_finite) {
  const System s("solveh_banded", given, rhs, check_finite);
  if (s.empty()) return detail::solution_like(s.b, rhs);
  const auto r = detail::lapack("solveh_banded", {s.ab, s.b}, [&](const Grid&, auto m) -> Results {
    scalapack::require_positive(scalapack::lapack().pbtrf(m[0], lower));
    scalapack::lapack().pbtrs(m[0], lower, m[1]);
    return {m[1].array()};
  });
  return detail::solution_like(r[0], rhs);
}

Array composed::cholesky_banded(const Array& given, bool lower, bool check_finite) {
  if (given && given.ndim() == 2 && given.size() == 0)
    return detail::on_host(given, detail::common_dtype(given.dtype())).to(given.device());
  const Array ab = band_argument("cholesky_banded", given, check_finite);
  return detail::lapack_like(given, "cholesky_banded", {ab}, [&](const Grid&, auto m) -> Results {
    scalapack::require_positive(scalapack::lapack().pbtrf(m[0], lower));
    return {m[0].array()};
  })[0];
}

Array composed::cho_solve_banded(const Array& cb, const Array& rhs, bool lower, bool check_finite) {
  const System s("cho_solve_banded", cb, rhs, check_finite);
  if (s.empty()) return detail::solution_like(s.b, rhs);
  const auto r =
      detail::lapack("cho_solve_banded", {s.ab, s.b}, [&](const Grid&, auto m) -> Results {
        scalapack::lapack().pbtrs(m[0], lower, m[1]);
        return {m[1].array()};
      });
  return detail::solution_like(r[0], rhs);
}

Eigh composed::eig_banded(const Array& ab, const BandedOptions& options) {
  return decompose("eig_banded", ab, band_argument("eig_banded", ab, options.check_finite), options,
                   true);
}
Array composed::eigvals_banded(const Array& ab, const BandedOptions& options) {
  return decompose("eigvals_banded", ab, band_argument("eigvals_banded", ab, options.check_finite),
                   options, false)
      .values;
}
Eigh composed::eigh_tridiagonal(const Array& d, const Array& e, const BandedOptions& o) {
  const Array ab = tridiagonal("eigh_tridiagonal", d, e, o.check_finite);
  return decompose("eigh_tridiagonal", d, ab, {true, o.by_index, o.by_value, o.check_finite}, true);
}
Array composed::eigvalsh_tridiagonal(const Array& d, const Array& e, const BandedOptions& o) {
  const Array ab = tridiagonal("eigvalsh_tridiagonal", d, e, o.check_finite);
  return decompose("eigvalsh_tridiagonal", d, ab, {true, o.by_index, o.by_value, o.check_finite},
                   false)
      .values;
}

}  // namespace tessera::linalg
