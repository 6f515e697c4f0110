#include <tessera/linalg/eigh.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include <tessera/array/elementwise.hpp>
#include <tessera/array/manipulation.hpp>
#include <tessera/linalg/dense.hpp>
#include <tessera/linalg/functions.hpp>
#include <tessera/linalg/multiply.hpp>
#include <tessera/linalg/scalapack/routines.hpp>

namespace tessera::linalg {
namespace {

// Values, and vectors when wanted.
Eigh decompose(const Array& a, bool lower, bool vectors) {
  const DType real = detail::real_of(a.dtype());
  const auto results =
      detail::dense({a}, [&](const scalapack::Grid& grid, auto matrices) -> std::vector<Array> {
        if (!vectors)
          return {
              detail::vector_of(scalapack::heevd(lower, matrices[0], nullptr), real, grid.comm())};
        const scalapack::Matrix z = grid.empty(a.rows(), a.rows(), a.dtype());
        const auto values = scalapack::heevd(lower, matrices[0], &z);
        return {detail::vector_of(values, real, grid.comm()), z.array()};
      });
  return {results[0], vectors ? results[1] : Array{}};
}

// All of a Hermitian matrix of which one triangle is known.
Array whole(const Array& given, bool lower) {
  const Array a = detail::by_rows(given);
  const Array rest = lower ? tril(a, -1) : triu(a, 1);
  return (lower ? tril(a) : triu(a)) + detail::by_rows(evaluate(adjoint(rest)));
}

// By b = r^H r (type 1: r^-H a r^-1, else r a r^H).
Eigh generalised(const char* function, const Array& given, const EighOptions& options,
                 bool vectors) {
  detail::require_together(function, given, options.b);
  const Array b = detail::square_argument(function, options.b, options.check_finite);
  if (b.shape() != given.shape())
    throw ValueError(fmt::format("{} needs a and b of one shape, got {} and {}", function,
                                 to_string(given.shape()), to_string(b.shape())));
  if (options.type < 1 || options.type > 3)
    throw ValueError(fmt::format("{} needs type 1, 2 or 3, got {}", function, options.type));
  const DType dtype = detail::common_dtype(given.dtype(), b.dtype());
  const Array a = whole(detail::on_host(given, dtype), options.lower);
  Array r = linalg::cholesky(detail::on_host(b, dtype), {options.lower, false});
  if (options.lower) r = evaluate(adjoint(r));
  const auto solved = [&](const Array& x, Transpose op) {
    return linalg::solve_triangular(r, x, {.op = op, .check_finite = false});
  };
  const Array c = options.type == 1 ? solved(evaluate(adjoint(solved(a, Transpose::conjugate))),
                                             Transpose::conjugate)
                                    : linalg::matmul(r, linalg::matmul(a, adjoint(r)));
  Eigh f = decompose(c, true, vectors);
  if (vectors)
    f.vectors = options.type == 3 ? linalg::matmul(adjoint(r), f.vectors)
                                  : solved(f.vectors, Transpose::no);
  return f;
}

Eigh decompose(const char* function, const Array& given, const EighOptions& options, bool vectors) {
  const Array a = detail::square_argument(function, given, options.check_finite);
  const Eigh all =
      options.b ? generalised(function, a, options, vectors) : decompose(a, options.lower, vectors);
  const Eigh some = detail::subset(function, all, options.subset_by_index, options.subset_by_value);
  return {some.values.to(given.device()),
          vectors ? detail::laid_out_like(some.vectors, given) : Array{}};
}

}  // namespace

Eigh detail::subset(std::string_view function, const Eigh& all,
                    const std::optional<std::pair<std::int64_t, std::int64_t>>& by_index,
                    const std::optional<std::pair<double, double>>& by_value) {
  if (!by_index && !by_value) return all;
  const std::int64_t n = all.values.rows();
  std::int64_t first = 0, last = n - 1;
  if (by_index && by_value)
    throw ValueError(fmt::format("{} takes a subset by index or by value, not both", function));
  if (by_index) {
    std::tie(first, last) = *by_index;
    if (!(0 <= first && first <= last && last < n))
      throw ValueError(fmt::format(
          "{} needs subset_by_index (first, last) with 0 <= first <= last < {}, got ({}, {})",
          function, n, first, last));
  } else {
    const auto [low, high] = *by_value;
    if (!(low < high))
      throw ValueError(
          fmt::format("{} needs subset_by_value (low, high) with low < high, got "
                      "({}, {})",
                      function, low, high));
    const Array wide = gather(all.values).to(cpu).astype(DType::float64);
    const auto w = wide.values<double>();
    first = std::ranges::upper_bound(w, low) - w.begin();
    last = std::ranges::upper_bound(w, high) - w.begin() - 1;
  }
  std::vector<std::int64_t> wanted;
  for (std::int64_t i = first; i <= last; ++i) wanted.push_back(i);
  return {take_rows(all.values, wanted),
          all.vectors ? detail::columns_of(all.vectors, first, last) : Array{}};
}

Eigh composed::eigh(const Array& a, const EighOptions& options) {
  return decompose("eigh", a, options, true);
}

Array composed::eigvalsh(const Array& a, const EighOptions& options) {
  return decompose("eigvalsh", a, options, false).values;
}

}  // namespace tessera::linalg
