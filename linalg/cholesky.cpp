#include <tessera/linalg/dense.hpp>
#include <tessera/linalg/functions.hpp>
#include <tessera/linalg/scalapack/routines.hpp>

namespace tessera::linalg {

Array composed::cholesky(const Array& given, const CholeskyOptions& options) {
  const Array a = detail::square_argument("cholesky", given, options.check_finite);
  const auto result = detail::dense({a}, [&](const auto&, auto matrices) -> std::vector<Array> {
    const scalapack::Matrix& factor = matrices[0];
    scalapack::potrf(options.lower, factor);
    scalapack::zero_triangle(factor, !options.lower);
    return {factor.array()};
  });
  return detail::laid_out_like(result[0], given);
}

}  // namespace tessera::linalg
