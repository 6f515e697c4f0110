#include <tessera/linalg/vecdot.hpp>

#include <fmt/format.h>

#include <complex>
#include <type_traits>

#include <tessera/linalg/dense.hpp>
#include <tessera/linalg/functions.hpp>
#include <tessera/linalg/multiply.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/reduce.hpp>

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

}  // namespace

Array composed::vecdot(const Array& given_a, const Array& given_b) {
  detail::require_together("vecdot", given_a, given_b);
  if (given_a.shape() != given_b.shape() || given_a.ndim() < 1 || given_a.ndim() > 2)
    throw ValueError(fmt::format("vecdot needs two vectors or matrices of one shape, got {} and {}",
                                 to_string(given_a.shape()), to_string(given_b.shape())));
  const auto& comm = given_a.comm();
  const DType dtype = detail::common_dtype(given_a.dtype(), given_b.dtype());
  const bool replicated = everywhere(given_a) && everywhere(given_b);
  const auto prepare = [&](const Array& x) {
    const Array here = detail::on_host(x, dtype);
    return replicated ? here : redistribute(here, row_distribution(x.shape(), comm));
  };
  const Array a = prepare(given_a);
  const Array b = prepare(given_b);
  return visit_inexact(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if (a.ndim() == 1) {
      const auto sum = reduce<Sums>(a, [&](const Leaf& leaf, Stream&) -> Sums {
        const std::complex<double> v =
            dot(leaf.tile.as<const T>(), tessera::rows_of(b, leaf).template as<const T>(),
                leaf.tile.rows);
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
    const Array out = tessera::detail::allocate({a.rows()}, dtype, a.distribution(), comm);
    together(comm, [&] {
      Rows(a).for_each_leaf([&](const Leaf& leaf, Stream&) {
        const Tile other = tessera::rows_of(b, leaf);
        const Tile to = tessera::rows_of(out, leaf);
        for (std::int64_t i = 0; i < leaf.rows.size(); ++i)
          to.as<T>()[i] = static_cast<T>(dot(leaf.tile.slice(i, 1).template as<const T>(),
                                             other.slice(i, 1).template as<const T>(), a.cols()));
      });
    });
    return (everywhere(given_a) ? gather(out) : out).to(given_a.device());
  });
}

}  // namespace tessera::linalg
