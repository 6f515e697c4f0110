#include <tessera/linalg/eig.hpp>

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include <tessera/linalg/dense.hpp>
#include <tessera/linalg/functions.hpp>
#include <tessera/linalg/multiply.hpp>
#include <tessera/linalg/scalapack/lapack.hpp>
#include <tessera/runtime/visit.hpp>

namespace tessera::linalg {
namespace {

using scalapack::Matrix;

// ?ggev scales vectors by their largest element, ?geev by their 2-norm.
void normalise(const Matrix& v) {
  visit_inexact(v.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (std::int64_t j = 0; j < v.cols(); ++j) {
      T* column = v.data<T>() + j * v.rows();
      double sum = 0;
      for (std::int64_t i = 0; i < v.rows(); ++i) sum += static_cast<double>(std::norm(column[i]));
      const T length(static_cast<decltype(std::abs(T()))>(std::sqrt(sum)));
      if (sum > 0)
        for (std::int64_t i = 0; i < v.rows(); ++i) column[i] /= length;
    }
  });
}

scalapack::Eigenvalues quotients(
    const std::pair<scalapack::Eigenvalues, scalapack::Eigenvalues>& values) {
  scalapack::Eigenvalues w = values.first;
  for (std::size_t i = 0; i < w.size(); ++i) {
    const bool infinite = values.second[i] == 0.0;
    constexpr double inf = std::numeric_limits<double>::infinity();
    w[i] = !infinite ? w[i] / values.second[i] : std::complex<double>(w[i] == 0.0 ? NAN : inf, 0);
  }
  return w;
}

Eig decompose(const char* function, const Array& given, const Array& other, bool check_finite,
              bool vectors, bool left) {
  Array a = detail::square_argument(function, given, check_finite);
  std::vector<Array> matrices = {a};
  if (other) {
    detail::require_together(function, given, other);
    const Array b = detail::square_argument(function, other, check_finite);
    if (a.shape() != b.shape())
      throw ValueError(fmt::format("{} needs a and b of one shape, got {} and {}", function,
                                   to_string(a.shape()), to_string(b.shape())));
    const DType common = detail::common_dtype(a.dtype(), b.dtype());
    a = detail::on_host(a, common);
    matrices = {a, detail::on_host(b, common)};
  }
  if (!check_finite)
    for (const Array& m : matrices) detail::require_convergence("the eigenvalues", m);
  const DType dtype = detail::complex_of(a.dtype());
  const auto results = detail::lapack(
      function, matrices, [&](const scalapack::Grid& grid, auto m) -> std::vector<Array> {
        const Matrix v = grid.empty(vectors ? a.rows() : 0, a.rows(), dtype);
        const Matrix l = grid.empty(left ? a.rows() : 0, a.rows(), dtype);
        const Matrix* to_v = vectors ? &v : nullptr;
        const Matrix* to_l = left ? &l : nullptr;
        const auto& routines = scalapack::lapack();
        const auto w = other ? quotients(routines.ggev(m[0], m[1], to_l, to_v))
                             : routines.geev(m[0], to_l, to_v);
        if (other && vectors) normalise(v);
        if (other && left) normalise(l);
        return {replicated(w, {std::ssize(w)}, grid.comm()).astype(dtype), v.array(), l.array()};
      });
  return {results[0].to(given.device()),
          vectors ? detail::laid_out_like(results[1], given) : Array{},
          left ? detail::laid_out_like(results[2], given) : Array{}};
}

}  // namespace

Eig composed::eig(const Array& a, bool check_finite, bool left, const Array& b) {
  return decompose("eig", a, b, check_finite, true, left);
}

Array composed::eigvals(const Array& a, bool check_finite, const Array& b) {
  return decompose("eigvals", a, b, check_finite, false, false).values;
}

}  // namespace tessera::linalg
