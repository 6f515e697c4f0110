#include <tessera/linalg/orth.hpp>

#include <algorithm>

#include <tessera/linalg/dense.hpp>
#include <tessera/linalg/functions.hpp>

namespace tessera::linalg {
namespace {

// How many of a's singular values count.
std::int64_t rank_of(const char* function, const Array& a, const Array& singular,
                     std::optional<double> rcond) {
  const double relative =
      rcond.value_or(detail::eps_of(a.dtype()) * static_cast<double>(std::max(a.rows(), a.cols())));
  detail::require_tolerance(function, "rcond", relative);
  const Array wide = singular.astype(DType::float64);
  const auto s = wide.values<double>();
  return std::count_if(s.begin(), s.end(), [&](double v) { return v > relative * s[0]; });
}

}  // namespace

Array composed::orth(const Array& given, std::optional<double> rcond) {
  int exponent = 0;  // of a power of two that no basis depends on
  const Array a = detail::matrix_argument("orth", given, true, exponent);
  const Svd f = linalg::svd(a, {.check_finite = false});
  const std::int64_t rank = rank_of("orth", a, f.s, rcond);
  return detail::laid_out_like(detail::columns_of(f.u, 0, rank - 1), given);
}

Array composed::null_space(const Array& given, std::optional<double> rcond, bool check_finite) {
  int exponent = 0;
  const Array a = detail::matrix_argument("null_space", given, check_finite, exponent);
  const bool wide = a.rows() < a.cols();
  const Svd f = linalg::svd(a, {.full_matrices = wide, .check_finite = false});
  const std::int64_t rank = rank_of("null_space", a, f.s, rcond);
  const Array v = evaluate(adjoint(f.vh));
  return detail::laid_out_like(detail::columns_of(v, rank, a.cols() - 1), given);
}

}  // namespace tessera::linalg
