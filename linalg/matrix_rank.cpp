#include <tessera/linalg/matrix_rank.hpp>

#include <algorithm>
#include <cmath>

#include <tessera/linalg/dense.hpp>
#include <tessera/linalg/functions.hpp>

namespace tessera::linalg {

std::int64_t composed::matrix_rank(const Array& a, std::optional<double> tol, bool hermitian) {
  if (tol) detail::require_tolerance("matrix_rank", "tol", *tol);
  // As NumPy has it: a vector is a matrix of one column, which NaN do not make zero.
  if (a.ndim() < 2)
    return linalg::norm(a, a.ndim() == 0 ? NormOrder() : NormOrder(0)) == 0.0 ? 0 : 1;
  if (hermitian) detail::square_argument("matrix_rank", a, false);
  int exponent = 0;
  const Array x = detail::matrix_argument("matrix_rank", a, false, exponent);
  if (tol) tol = std::ldexp(*tol, exponent);
  const Array s =
      gather(hermitian ? linalg::eigvalsh(x, {.check_finite = false}) : linalg::svdvals(x, false));
  const Array wide = s.to(cpu).astype(DType::float64);
  std::vector<double> sizes(wide.values<double>().begin(), wide.values<double>().end());
  for (double& v : sizes) v = std::abs(v);
  if (sizes.empty()) return 0;
  const double least =
      tol.value_or(*std::max_element(sizes.begin(), sizes.end()) *
                   static_cast<double>(std::max(a.rows(), a.cols())) * detail::eps_of(a.dtype()));
  return std::count_if(sizes.begin(), sizes.end(), [&](double v) { return v > least; });
}

}  // namespace tessera::linalg
