#include <tessera/linalg/svds.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include <tessera/linalg/dense.hpp>
#include <tessera/linalg/functions.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/random.hpp>

namespace tessera::linalg {
namespace {

// Standard normal numbers by global index, everywhere.
Array normal_matrix(std::int64_t rows, std::int64_t cols, std::uint32_t seed, DType dtype,
                    const Communicator& comm) {
  constexpr std::uint32_t purpose = 0x73766473;  // "svds"
  const Random random(seed, purpose);
  std::vector<double> values(static_cast<std::size_t>(rows * cols));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = random.normal(i);
  return replicated(values, {rows, cols}, comm).astype(dtype);
}

}  // namespace

Svd composed::svds(const Array& given, std::int64_t k, const SvdsOptions& options) {
  int exponent = 0;
  const Array a = detail::matrix_argument("svds", given, true, exponent);
  const std::int64_t least = std::min(a.rows(), a.cols());
  if (k < 1 || k > least)
    throw ValueError(fmt::format("svds needs 1 <= k <= {} for shape {}, got {}", least,
                                 to_string(a.shape()), k));
  if (options.n_oversamples < 0 || options.n_iter < 0)
    throw ValueError(fmt::format("svds needs n_oversamples >= 0 and n_iter >= 0, got {} and {}",
                                 options.n_oversamples, options.n_iter));
  const std::int64_t l = k + std::min(least - k, options.n_oversamples);
  const auto range_of = [](const Array& y) { return linalg::qr(y, QrMode::reduced, false).q; };
  Array q = range_of(
      linalg::matmul(a, normal_matrix(a.cols(), l, options.random_state, a.dtype(), a.comm())));
  for (std::int64_t i = 0; i < options.n_iter; ++i)
    q = range_of(linalg::matmul(a, range_of(linalg::matmul(adjoint(a), q))));
  // b = q^H a is wide; its adjoint is tall: a^H q = w s z^H, so a ~ q b = (q z) s w^H.
  const Svd f = linalg::svd(linalg::matmul(adjoint(a), q), {.check_finite = false});
  const Array z = detail::columns_of(evaluate(adjoint(f.vh)), 0, k - 1);
  const Array w = detail::columns_of(f.u, 0, k - 1);
  std::vector<std::int64_t> leading(static_cast<std::size_t>(k));
  std::iota(leading.begin(), leading.end(), 0);
  return {detail::laid_out_like(linalg::matmul(q, z), given),
          detail::times_power(take_rows(f.s, leading), -exponent, "svds: s").to(given.device()),
          detail::laid_out_like(evaluate(adjoint(w)), given)};
}

}  // namespace tessera::linalg
