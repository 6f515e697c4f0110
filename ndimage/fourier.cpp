#include <tessera/ndimage/fourier.hpp>

#include <fmt/format.h>

#include <cmath>
#include <complex>
#include <functional>
#include <numbers>

#include <tessera/array/layout.hpp>
#include <tessera/array/promotion.hpp>
#include <tessera/ndimage/common.hpp>
#include <tessera/ndimage/filters.hpp>
#include <tessera/runtime/rows.hpp>

namespace tessera::ndimage {
namespace {

using Complex = std::complex<double>;
using Tables = std::vector<std::vector<double>>;

// Of each axis the frequencies times a parameter: value * k / n, as SciPy orders the k.
Tables frequencies(std::string_view function, std::string_view name, const Array& x,
                   const std::vector<double>& values, const Spectrum& of) {
  const std::int64_t axis = detail::checked_axis(of.axis, x.ndim());
  const auto all = per_axis(function, name, values, z(x.ndim()));
  Tables tables;
  for (std::size_t d = 0; d < all.size(); ++d) {
    const std::int64_t extent = x.shape()[d];
    const bool half = static_cast<std::int64_t>(d) == axis && of.n >= 0;
    const double unit = all[d] / static_cast<double>(half ? of.n : extent);
    tables.emplace_back();
    for (std::int64_t k = 0; k < extent; ++k)
      tables.back().push_back(unit *
                              static_cast<double>(half || k < (extent + 1) / 2 ? k : k - extent));
  }
  return tables;
}

void map(Tables& tables, double (*of)(double)) {
  for (auto& table : tables)
    for (double& v : table) v = of(v);
}

// x, as T, times factor(index along each axis).
template <class T, class Factor>
Array times(const Array& x, DType as, DType dtype, const Factor& factor) {
  const Array from = as_output(x, as);
  const Array out = detail::room_for(x.shape(), as, from.distribution(), x.comm());
  const std::int64_t n = from.local_rows().size() * from.cols(),
                     begin = from.local_rows().begin * from.cols();
  const std::size_t ndim = x.shape().size();
  const auto* given = from.local().as<const T>();
  auto* made = out.local().as<T>();
  constexpr std::int64_t piece = 1 << 14;
  parallel_for({0, (n + piece - 1) / piece}, Runtime::threads(), [&](std::int64_t p, Stream&) {
    std::vector<std::size_t> at(ndim);
    auto left = begin + p * piece;
    for (std::size_t d = ndim; d-- > 0; left /= x.shape()[d]) at[d] = z(left % x.shape()[d]);
    for (std::int64_t i = p * piece; i < std::min(n, (p + 1) * piece); ++i) {
      made[i] = given[i] * factor(at);
      for (std::size_t d = ndim; d-- > 0;) {
        if (++at[d] < z(x.shape()[d]) || d == 0) break;
        at[d] = 0;
      }
    }
  });
  return as_output(out, dtype);
}

// By real factors; what is neither complex nor float32 becomes float64.
template <class Factor>
Array times_real(const Array& x, const Spectrum& of, const Factor& factor) {
  const bool keeps = is_complex(x.dtype()) || x.dtype() == DType::float32;
  const DType dtype = of.output.value_or(keeps ? x.dtype() : DType::float64);
  if (is_complex(x.dtype()))
    return times<Complex>(x, DType::complex128, promote(dtype, DType::complex64), factor);
  return times<double>(x, DType::float64, dtype, factor);
}

// The product of one factor for each axis.
template <class Value>
auto product_of(const std::vector<std::vector<Value>>& tables) {
  return [&tables](const std::vector<std::size_t>& at) {
    Value all = 1;
    for (std::size_t d = 0; d < at.size(); ++d) all *= tables[d][at[d]];
    return all;
  };
}

}  // namespace

Array fourier_gaussian(const Array& x, const std::vector<double>& sigma, const Spectrum& of) {
  auto tables = frequencies("fourier_gaussian", "sigma", x, sigma, of);
  map(tables, [](double v) {
    const double power = 2 * std::numbers::pi * std::numbers::pi * v * v;
    return power > 50 ? 0.0 : std::exp(-power);
  });
  return times_real(x, of, product_of(tables));
}

Array fourier_uniform(const Array& x, const std::vector<double>& size, const Spectrum& of) {
  auto tables = frequencies("fourier_uniform", "size", x, size, of);
  map(tables, [](double v) {
    const double by = std::numbers::pi * v;
    return by == 0 ? 1.0 : std::sin(by) / by;
  });
  return times_real(x, of, product_of(tables));
}

Array fourier_ellipsoid(const Array& x, const std::vector<double>& size, const Spectrum& of) {
  const std::int64_t ndim = x.ndim();
  if (ndim > 3)
    throw NotImplementedError(
        fmt::format("fourier_ellipsoid takes images of up to 3 axes, not {}", ndim));
  if (ndim < 2) return fourier_uniform(x, size, of);
  auto tables = frequencies("fourier_ellipsoid", "size", x, size, of);
  map(tables, [](double v) { return std::numbers::pi * std::numbers::pi * v * v; });
  return times_real(x, of, [&](const std::vector<std::size_t>& at) {
    double sum = 0;
    for (std::size_t d = 0; d < at.size(); ++d) sum += tables[d][at[d]];
    const double r = std::sqrt(sum);
    if (r == 0) return 1.0;
    return ndim == 2 ? 2 * std::cyl_bessel_j(1, r) / r
                     : 3 * (std::sin(r) - r * std::cos(r)) / (r * r * r);
  });
}

Array fourier_shift(const Array& x, const std::vector<double>& shift, const Spectrum& of) {
  const DType dtype =
      of.output.value_or(x.dtype() == DType::complex64 ? x.dtype() : DType::complex128);
  if (!is_complex(dtype))
    throw RuntimeError(fmt::format("output must be complex, not {}", name_of(dtype)));
  std::vector<std::vector<Complex>> turns;
  for (const auto& table : frequencies("fourier_shift", "shift", x, shift, of)) {
    turns.emplace_back();
    for (const double v : table) turns.back().push_back(std::polar(1.0, -2 * std::numbers::pi * v));
  }
  return times<Complex>(x, DType::complex128, dtype, product_of(turns));
}

}  // namespace tessera::ndimage
