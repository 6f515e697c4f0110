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

// By the Cholesky factor of b, from the triangle that is read of both.
Eigh generalised(const char* function, const Array& given, const EighOptions& options,
                 bool vectors) {
  detail::require_together(function, given, options.b);
  const Array other = detail::square_argument(function, options.b, options.check_finite);
  if (other.shape() != given.shape())
    throw ValueError(fmt::format("{} needs a and b of one shape, got {} and {}", function,
                                 to_string(given.shape()), to_string(other.shape())));
  if (options.type < 1 || options.type > 3)
    throw ValueError(fmt::format("{} needs type 1, 2 or 3, got {}", function, options.type));
  const DType dtype = detail::common_dtype(given.dtype(), other.dtype());
  const bool lower = options.lower;
  const auto algorithm = [&](const scalapack::Grid& grid, auto m) -> std::vector<Array> {
    const scalapack::Matrix &a = m[0], &factor = m[1];
    scalapack::potrf(lower, factor);
    scalapack::sygst(options.type, lower, a, factor);
    scalapack::Matrix z = vectors ? grid.empty(a.rows(), a.rows(), dtype) : a;
    const auto values = scalapack::heevd(lower, a, vectors ? &z : nullptr);
    if (vectors && options.type < 3) {
      scalapack::trsm(lower, lower ? Transpose::conjugate : Transpose::no, false, factor, z);
    } else if (vectors) {
      const scalapack::Matrix x = grid.empty(a.rows(), a.rows(), dtype);
      scalapack::zero_triangle(factor, !lower);
      scalapack::gemm(1.0, factor, lower ? Transpose::no : Transpose::conjugate, z, Transpose::no,
                      0.0, x);
      z = x;
    }
    std::vector<Array> results = {detail::vector_of(values, detail::real_of(dtype), grid.comm())};
    if (vectors) results.push_back(z.array());
    return results;
  };
  const auto results =
      detail::dense({detail::on_host(given, dtype), detail::on_host(other, dtype)}, algorithm);
  return {results[0], vectors ? results[1] : Array{}};
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
