#include <tessera/linalg/matrix_power.hpp>

#include <utility>

#include <tessera/linalg/dense.hpp>
#include <tessera/linalg/functions.hpp>
#include <tessera/linalg/scalapack/routines.hpp>

namespace tessera::linalg {

Array composed::matrix_power(const Array& given, std::int64_t n) {
  const Array a = detail::square_argument("matrix_power", given, false);
  const auto result =
      detail::dense({a}, [&](const scalapack::Grid& grid, auto m) -> std::vector<Array> {
        scalapack::Matrix base = m[0];
        if (n < 0) {
          const int exponent = scalapack::rescale(base, scalapack::Part::whole, true);
          scalapack::Pivots pivots;
          scalapack::require_nonsingular(scalapack::getrf(base, pivots));
          scalapack::getri(base, pivots);
          scalapack::scale_by_power(base, -exponent);
        }
        scalapack::Matrix power = grid.identity(a.rows(), a.dtype());
        bool first = true;  // the identity times base is base
        for (std::uint64_t k = n < 0 ? -static_cast<std::uint64_t>(n)
                                     : static_cast<std::uint64_t>(n);
             k > 0; k >>= 1) {
          if (k & 1) power = std::exchange(first, false) ? base : scalapack::product(power, base);
          if (k > 1) base = scalapack::product(base, base);
        }
        return {power.array()};
      });
  return detail::laid_out_like(result[0], given);
}

}  // namespace tessera::linalg
