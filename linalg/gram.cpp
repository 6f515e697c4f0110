#include <tessera/linalg/gram.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <complex>

#include <tessera/linalg/dense.hpp>
#include <tessera/linalg/functions.hpp>
#include <tessera/linalg/kernels/kernels.hpp>
#include <tessera/linalg/multiply.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/reduce.hpp>
#include <tessera/runtime/visit.hpp>

namespace tessera::linalg {
namespace {

// The lower triangle, and a real diagonal, from the upper one of a replicated matrix.
void make_hermitian(const Array& gram) {
  const std::int64_t p = gram.cols();
  visit_inexact(gram.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* g = gram.local().as<T>();
    for (std::int64_t i = 0; i < p; ++i) {
      g[i * p + i] = T(std::real(g[i * p + i]));
      for (std::int64_t j = 0; j < i; ++j) {
        const T v = g[j * p + i];
        if constexpr (std::is_floating_point_v<T>)
          g[i * p + j] = v;
        else
          g[i * p + j] = std::conj(v);
      }
    }
  });
}

}  // namespace

CenteredGram composed::centered_gram(const Rows& x, const Array& given_y,
                                     const Array& given_weights, bool center) {
  const auto beside = [&](const Array& a) { return a ? redistribute(a, x.distribution()) : a; };
  const Array y = beside(given_y);
  const Array weights = beside(given_weights);
  const std::int64_t m = x.cols() + (y ? y.cols() : 0);
  Merging merging = Merging::by_value(kernels().add);
  if (center)
    merging = {[m](Stream& stream, std::int64_t first, const Tile& left, const Tile& right) {
                 kernels().merge_grams(stream, m, m > 0 ? first / m : 0, left, right);
               },
               1 + m, m};
  const auto sums = reduce(
      zip(x, {y, weights}), 1 + m + m * m,
      [&](const Leaf& run, const Tile& out, Stream& stream) {
        kernels().leaf_gram(stream, run.tile, x.distribution().leaf_rows(), run.beside[0],
                            run.beside[1], center, out);
      },
      merging);
  return {sums[0],
          {sums.begin() + 1, sums.begin() + 1 + m},
          {m, m, {sums.begin() + 1 + m, sums.end()}}};
}

Array composed::gram(const Array& given) {
  if (!given || given.ndim() != 2)
    throw ValueError(
        fmt::format("gram needs a matrix (2-D), got {}",
                    given ? "an array of shape " + to_string(given.shape()) : "no array"));
  const std::int64_t p = given.cols();
  const DType dtype = detail::common_dtype(given.dtype());
  if (element_count({p, p}) > detail::most_in_tree) {
    const Array x = detail::converted(given, dtype);
    const Array whole = gather(detail::multiply(adjoint(x), x)).to(cpu);
    make_hermitian(whole);
    return whole.to(given.device());
  }
  const Array x = detail::by_rows(given);
  if (!is_complex(dtype)) {
    auto gram = linalg::centered_gram(Rows(x).as(dtype), {}, {}, false).gram;
    double largest = 0;
    for (std::int64_t j = 0; j < p; ++j) largest = std::max(largest, gram.at(j, j));
    const auto rows = static_cast<double>(std::max<std::int64_t>(x.rows(), 1));
    if (const int e = detail::exponent_for(std::sqrt(largest / rows), dtype); e > 0) {
      // Products have underflown of which the sum need not.
      const Array scaled = detail::times_power(detail::on_host(x, dtype), e).to(x.device());
      gram = linalg::centered_gram(Rows(scaled), {}, {}, false).gram;
      for (double& v : gram.values()) v = std::ldexp(v, -2 * e);
    }
    return gram.array(dtype, x.comm()).to(given.device());
  }
  const Array whole = detail::contract(adjoint(x), x).to(cpu);
  make_hermitian(whole);
  return whole.to(given.device());
}

}  // namespace tessera::linalg
