#include <tessera/linalg/inv.hpp>

#include <tessera/linalg/dense.hpp>
#include <tessera/linalg/functions.hpp>
#include <tessera/linalg/scalapack/routines.hpp>

namespace tessera::linalg {
Array composed::inv(const Array& given, bool check_finite) {
  const Array a = detail::square_argument("inv", given, check_finite);
  const auto result = detail::dense({a}, [](const auto&, auto matrices) -> std::vector<Array> {
    const scalapack::Matrix& m = matrices[0];
    const int exponent = scalapack::rescale(m, scalapack::Part::whole, true);
    const double norm = scalapack::norm_1(m);
    scalapack::Pivots pivots;
    scalapack::require_nonsingular(scalapack::getrf(m, pivots));
    detail::warn_if_ill_conditioned("inv", scalapack::gecon(m, norm), m.dtype());
    scalapack::getri(m, pivots);
    scalapack::scale_by_power(m, -exponent);
    return {m.array()};
  });
  return detail::laid_out_like(result[0], given);
}

}  // namespace tessera::linalg
