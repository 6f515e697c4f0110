#include <tessera/linalg/dense.hpp>
#include <tessera/linalg/functions.hpp>
#include <tessera/linalg/scalapack/routines.hpp>

namespace tessera::linalg {

Array composed::cholesky(const Array& given, const CholeskyOptions& options) {
  const Array a =
      detail::square_argument("cholesky", detail::at_least_2d(given), options.check_finite);
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

}  // namespace tessera::linalg
