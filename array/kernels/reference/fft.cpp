// What every transform means, in long double: a complex transform of any length, by its prime
// factors, large ones by Bluestein's convolution; the others are complex ones of extended lines.
#include <tessera/array/kernels/reference/fft.hpp>

#include <cmath>
#include <complex>
#include <numbers>
#include <vector>

#include <tessera/runtime/index.hpp>
#include <tessera/runtime/visit.hpp>

namespace tessera::on_reference {
namespace {

using fourier::Kind;
using Index = std::int64_t;
using Wide = std::complex<long double>;
using Line = std::vector<Wide>;
using tessera::detail::z;

// exp(-2 pi i k / n)
Wide root(Index k, Index n) {
  const long double angle = -2 * std::numbers::pi_v<long double> * static_cast<long double>(k % n) /
                            static_cast<long double>(n);
  return {std::cos(angle), std::sin(angle)};
}

Index least_factor(Index n) {
  for (Index p = 2; p * p <= n; ++p)
    if (n % p == 0) return p;
  return n;
}

Line transform(const Line& x);

// The convolution with exp(-pi i j^2 / n), of a power of two elements.
Line bluestein(const Line& x) {
  const Index n = std::ssize(x);
  Index m = 1;
  while (m < 2 * n - 1) m *= 2;
  const auto chirp = [n](Index j) {
    return root(
        static_cast<Index>(static_cast<unsigned __int128>(j) * static_cast<std::uint64_t>(j) %
                           static_cast<unsigned __int128>(2 * n)),
        2 * n);
  };
  Line a(z(m)), b(z(m));
  for (Index j = 0; j < n; ++j) {
    a[z(j)] = x[z(j)] * chirp(j);
    b[z(j)] = b[z((m - j) % m)] = std::conj(chirp(j));
  }
  a = transform(a);
  b = transform(b);
  for (Index k = 0; k < m; ++k) a[z(k)] = std::conj(a[z(k)] * b[z(k)]);
  a = transform(a);
  Line out(z(n));
  for (Index k = 0; k < n; ++k)
    out[z(k)] = std::conj(a[z(k)]) / static_cast<long double>(m) * chirp(k);
  return out;
}

Line transform(const Line& x) {
  const Index n = std::ssize(x), p = least_factor(n), m = n / p;
  if (p > 64) return bluestein(x);
  if (n == 1) return x;
  // p interleaved lines of m elements each.
  std::vector<Line> parts(z(p), Line(z(m)));
  for (Index j = 0; j < n; ++j) parts[z(j % p)][z(j / p)] = x[z(j)];
  for (Index r = 0; r < p; ++r) {
    if (m > 1) parts[z(r)] = transform(parts[z(r)]);
    for (Index k = 0; k < m; ++k) parts[z(r)][z(k)] *= root(r * k, n);
  }
  Line roots(z(p)), out(z(n));
  for (Index k = 0; k < p; ++k) roots[z(k)] = root(k, p);
  for (Index q = 0; q < p; ++q)
    for (Index k = 0; k < m; ++k)
      for (Index r = 0; r < p; ++r) out[z(q * m + k)] += parts[z(r)][z(k)] * roots[z(r * q % p)];
  return out;
}

// A transform of cosines or sines: y_k = sum_j c_j x_j cos (sin) 2 pi a_j b_k / N, which is the
// real (minus the imaginary) part of a transform of N elements, c_j x_j at place a_j.
Line real_transform(const Line& x, Kind kind) {
  const bool sine = kind >= Kind::dst1;
  const int type = 1 + static_cast<int>(kind) - static_cast<int>(sine ? Kind::dst1 : Kind::dct1);
  const Index n = std::ssize(x), one = sine ? 1 : 0;
  const Index whole = type == 1 ? 2 * (sine ? n + 1 : n - 1) : type == 4 ? 8 * n : 4 * n;
  Line all(z(whole));
  for (Index j = 0; j < n; ++j) {
    // Elements at the end of a symmetry have no mirror image.
    const bool once =
        (type == 1 && !sine && (j == 0 || j == n - 1)) || (type == 3 && j == (sine ? n - 1 : 0));
    all[z(type % 2 == 0 ? 2 * j + 1 : j + one)] = x[z(j)] * (once ? 1.0L : 2.0L);
  }
  all = transform(all);
  Line out(z(n));
  for (Index k = 0; k < n; ++k) {
    const Wide y = all[z(type > 2 ? 2 * k + 1 : k + one)];
    out[z(k)] = sine ? -y.imag() : y.real();
  }
  return out;
}

Line transform_of(Line x, Kind kind, Index cols) {
  if (kind >= Kind::dct1) return real_transform(x, kind);
  if (kind == Kind::from_half) {
    const Index n = cols, half = std::ssize(x);
    x.resize(z(n));
    for (Index k = half; k < n; ++k) x[z(k)] = std::conj(x[z(n - k)]);
  }
  const bool backward = kind == Kind::backward || kind == Kind::from_half;
  if (backward)
    for (Wide& v : x) v = std::conj(v);
  x = transform(x);
  if (backward)
    for (Wide& v : x) v = std::conj(v);
  return x;
}

template <class T>
T narrowed(const Wide& v) {
  if constexpr (requires(const T& t) { t.imag(); })
    return T(v);
  else
    return static_cast<T>(v.real());
}

}  // namespace

void implement_fft(Backend& backend, const Operation<fourier::Signature>& operation) {
  backend.implement(operation, inexact,
                    [](Stream&, const Tile& in, const Tile& out, Kind kind, double factor) {
                      visit_inexact(in.dtype, [&](auto a) {
                        visit_inexact(out.dtype, [&](auto b) {
                          using From = typename decltype(a)::type;
                          using To = typename decltype(b)::type;
                          for (Index i = 0; i < in.rows; ++i) {
                            const auto* x = in.slice(i, 1).template as<const From>();
                            auto* y = out.slice(i, 1).template as<To>();
                            const Line line = transform_of(Line(x, x + in.cols), kind, out.cols);
                            for (Index k = 0; k < out.cols; ++k)
                              y[k] = narrowed<To>(line[z(k)] * static_cast<long double>(factor));
                          }
                        });
                      });
                    });
}

}  // namespace tessera::on_reference
