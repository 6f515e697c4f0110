#include <tessera/linalg/vecdot.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <optional>
#include <type_traits>
#include <utility>

#include <tessera/array/elementwise.hpp>
#include <tessera/array/statistics.hpp>
#include <tessera/linalg/dense.hpp>
#include <tessera/linalg/functions.hpp>
#include <tessera/linalg/multiply.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/reduce.hpp>
#include <tessera/runtime/visit.hpp>

namespace tessera::linalg {
namespace {

bool everywhere(const Array& x) {
  return x.distribution().kind() == Distribution::Kind::replicated;
}

// The sum of conj(a) b over n elements, in float64.
template <class T>
std::complex<double> dot(const T* a, const T* b, std::int64_t n) {
  double re = 0;
  double im = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    const std::complex<double> x(a[i]);
    const std::complex<double> y(b[i]);
    re += x.real() * y.real() + x.imag() * y.imag();
    im += x.real() * y.imag() - x.imag() * y.real();
  }
  return {re, im};
}
template <class T>
requires std::is_floating_point_v<T>
double dot(const T* a, const T* b, std::int64_t n) {
  double sum = 0;
  for (std::int64_t i = 0; i < n; ++i) sum += static_cast<double>(a[i]) * static_cast<double>(b[i]);
  return sum;
}

Array plain_vecdot(const Array& given_a, const Array& given_b) {
  detail::require_together("vecdot", given_a, given_b);
  if (given_a.shape() != given_b.shape() || given_a.ndim() < 1 || given_a.ndim() > 2)
    throw ValueError(fmt::format("vecdot needs two vectors or matrices of one shape, got {} and {}",
                                 to_string(given_a.shape()), to_string(given_b.shape())));
  const auto& comm = given_a.comm();
  const DType dtype = detail::common_dtype(given_a.dtype(), given_b.dtype());
  const bool replicated = everywhere(given_a) && everywhere(given_b);
  const Distribution layout = replicated ? replicated_distribution(given_a.shape(), comm)
                                         : row_distribution(given_a.shape(), comm);
  const auto prepare = [&](const Array& x) {
    return redistribute(detail::on_host(x, dtype), layout);
  };
  const Array a = prepare(given_a);
  const Array b = prepare(given_b);
  return visit_inexact(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if (a.ndim() == 1) {
      const auto sum = reduce<Sums>(zip(a, {b}), [&](const Leaf& leaf, Stream&) -> Sums {
        const std::complex<double> v =
            dot(leaf.tile.as<const T>(), leaf.beside[0].as<const T>(), leaf.tile.rows);
        return {{v.real(), v.imag()}};
      });
      const Array out =
          tessera::detail::allocate({}, dtype, Distribution::replicated(1, comm.size()), comm);
      const std::complex<double> v =
          sum.values.empty() ? 0.0 : std::complex<double>(sum.values[0], sum.values[1]);
      if constexpr (std::is_floating_point_v<T>)
        *out.local().template as<T>() = static_cast<T>(v.real());
      else
        *out.local().template as<T>() = static_cast<T>(v);
      return out.to(given_a.device());
    }
    const Array out = collect(
        map_rows(zip(a, {b}), {a.rows()}, dtype, [](const Leaf& leaf, const Tile& to, Stream&) {
          for (std::int64_t i = 0; i < to.rows; ++i)
            to.as<T>()[i] = static_cast<T>(dot(leaf.tile.slice(i, 1).template as<const T>(),
                                               leaf.beside[0].slice(i, 1).template as<const T>(),
                                               leaf.tile.cols));
        }));
    return (everywhere(given_a) ? gather(out) : out).to(given_a.device());
  });
}

// x times the power of two that brings its largest element near 1, and its exponent; nothing when x
// is not finite.
std::optional<std::pair<Array, int>> near_one(const Array& given) {
  const Array x = detail::on_host(given, detail::common_dtype(given.dtype()));
  try {
    const double largest = detail::require_finite("vecdot", x);
    const int e = largest > 0 ? exponent_to_one(largest, x.dtype()) : 0;
    return std::pair(detail::times_power(x, e), e);
  } catch (const ValueError&) {  // thrown on every process alike
    return std::nullopt;
  }
}

}  // namespace

Array composed::vecdot(const Array& a, const Array& b) {
  const Array out = plain_vecdot(a, b);
  const Array here = out.to(cpu), finite = isfinite(here);
  if (all(finite).values<bool>()[0]) return out;
  // Products have overflown, but their sum need not; or there is a NaN or infinity.
  const auto x = near_one(a), y = near_one(b);
  if (!x || !y) return out;
  const Array scaled =
      detail::times_power(plain_vecdot(x->first, y->first), -x->second - y->second, "vecdot");
  return where(finite, here, scaled).to(a.device());
}

}  // namespace tessera::linalg
