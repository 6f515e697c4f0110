#include <tessera/linalg/eig.hpp>

#include <fmt/format.h>

#include <tessera/linalg/dense.hpp>
#include <tessera/linalg/functions.hpp>
#include <tessera/linalg/scalapack/routines.hpp>

namespace tessera::linalg {
namespace {

std::vector<Array> decompose(const char* function, const Array& given, bool check_finite,
                             bool vectors) {
  const Array a = detail::square_argument(function, given, check_finite);
  if (!detail::fits_one_process(a.shape()))
    throw NotImplementedError(fmt::format(
        "{} takes matrices of up to 2^20 elements, got shape {}: ScaLAPACK lacks p?trevc for real "
        "and p?hseqr and p?gebal for complex matrices; eigh does Hermitian ones of any size",
        function, to_string(a.shape())));
  const DType dtype = detail::complex_of(a.dtype());
  auto results =
      detail::dense({a}, [&](const scalapack::Grid& grid, auto matrices) -> std::vector<Array> {
        const scalapack::Matrix v = grid.empty(vectors ? a.rows() : 0, a.rows(), dtype);
        const auto values = scalapack::geev(matrices[0], vectors ? &v : nullptr);
        return {replicated(values, {std::ssize(values)}, grid.comm()).astype(dtype), v.array()};
      });
  return {results[0].to(given.device()), detail::laid_out_like(results[1], given)};
}

}  // namespace

Eig composed::eig(const Array& a, bool check_finite) {
  const auto results = decompose("eig", a, check_finite, true);
  return {results[0], results[1]};
}

Array composed::eigvals(const Array& a, bool check_finite) {
  return decompose("eigvals", a, check_finite, false)[0];
}

}  // namespace tessera::linalg
