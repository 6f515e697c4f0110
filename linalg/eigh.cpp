#include <tessera/linalg/eigh.hpp>

#include <fmt/format.h>

#include <tessera/linalg/dense.hpp>
#include <tessera/linalg/functions.hpp>
#include <tessera/linalg/scalapack/routines.hpp>

namespace tessera::linalg {
namespace {

// Values, and vectors when wanted, of the indices that the options ask for.
std::vector<Array> decompose(const char* function, const Array& given, const EighOptions& options,
                             bool vectors) {
  const Array a = detail::square_argument(function, given, options.check_finite);
  const std::int64_t n = a.rows();
  const auto [first, last] = options.subset_by_index.value_or(std::pair{std::int64_t{0}, n - 1});
  if (options.subset_by_index && !(0 <= first && first <= last && last < n))
    throw ValueError(fmt::format(
        "{} needs subset_by_index (first, last) with 0 <= first <= last < {}, got ({}, {})",
        function, n, first, last));
  const DType real = detail::real_of(a.dtype());
  auto results =
      detail::dense({a}, [&](const scalapack::Grid& grid, auto matrices) -> std::vector<Array> {
        if (!vectors)
          return {detail::vector_of(scalapack::heevd(options.lower, matrices[0], nullptr), real,
                                    grid.comm())};
        const scalapack::Matrix z = grid.empty(n, n, a.dtype());
        const auto values = scalapack::heevd(options.lower, matrices[0], &z);
        return {detail::vector_of(values, real, grid.comm()), z.array()};
      });
  if (options.subset_by_index) {
    std::vector<std::int64_t> wanted;
    for (std::int64_t i = first; i <= last; ++i) wanted.push_back(i);
    results[0] = take_rows(results[0], wanted);
    if (vectors) results[1] = detail::columns_of(results[1], first, last);
  }
  results[0] = results[0].to(given.device());
  if (vectors) results[1] = detail::laid_out_like(results[1], given);
  return results;
}

}  // namespace

Eigh composed::eigh(const Array& a, const EighOptions& options) {
  const auto results = decompose("eigh", a, options, true);
  return {results[0], results[1]};
}

Array composed::eigvalsh(const Array& a, const EighOptions& options) {
  return decompose("eigvalsh", a, options, false)[0];
}

}  // namespace tessera::linalg
