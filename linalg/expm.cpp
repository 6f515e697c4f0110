#include <tessera/linalg/expm.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <span>

#include <tessera/linalg/dense.hpp>
#include <tessera/linalg/functions.hpp>
#include <tessera/linalg/scalapack/routines.hpp>
#include <tessera/runtime/visit.hpp>

namespace tessera::linalg {
namespace {

using scalapack::Grid;
using scalapack::Matrix;

// Coefficients of the numerator of the [m/m] Pade approximant, constant term first.
constexpr std::array<double, 4> pade_3 = {120, 60, 12, 1};
constexpr std::array<double, 6> pade_5 = {30240, 15120, 3360, 420, 30, 1};
constexpr std::array<double, 8> pade_7 = {17297280, 8648640, 1995840, 277200, 25200, 1512, 56, 1};
constexpr std::array<double, 10> pade_9 = {17643225600, 8821612800, 2075673600, 302702400, 30270240,
                                           2162160,     110880,     3960,       90,        1};
constexpr std::array<double, 14> pade_13 = {64764752532480000,
                                            32382376266240000,
                                            7771770303897600,
                                            1187353796428800,
                                            129060195264000,
                                            10559470521600,
                                            670442572800,
                                            33522128640,
                                            1323241920,
                                            40840800,
                                            960960,
                                            16380,
                                            182,
                                            1};

// The approximants with the largest 1-norm for which each is accurate to 2^-53 (Higham 2005,
// table 2.3).
struct Approximant {
  double theta;
  std::span<const double> b;
};
constexpr std::array<Approximant, 5> approximants = {{{1.495585217958292e-2, pade_3},
                                                      {2.539398330063230e-1, pade_5},
                                                      {9.504178996162932e-1, pade_7},
                                                      {2.097847961257068e0, pade_9},
                                                      {5.371920351148152e0, pade_13}}};

// r(a) = (v - u)^-1 (v + u), u the odd and v the even part of the numerator, over a.
void pade(const Matrix& a, std::span<const double> b) {
  const Grid& grid = a.grid();
  const Matrix odd = grid.zeros(a.rows(), a.rows(), a.dtype());
  const Matrix v = grid.zeros(a.rows(), a.rows(), a.dtype());
  const Matrix identity = grid.identity(a.rows(), a.dtype());
  scalapack::axpy(b[1], identity, odd);
  scalapack::axpy(b[0], identity, v);
  const Matrix a2 = scalapack::product(a, a);
  Matrix power = a2;
  for (std::size_t k = 2; k < b.size(); k += 2) {
    scalapack::axpy(b[k], power, v);
    scalapack::axpy(b[k + 1], power, odd);
    if (k + 2 < b.size()) power = scalapack::product(power, a2);
  }
  const Matrix u = scalapack::product(a, odd);
  scalapack::assign(v, a);
  scalapack::axpy(1.0, u, a);   // v + u
  scalapack::axpy(-1.0, u, v);  // v - u
  scalapack::Pivots pivots;
  scalapack::require_nonsingular(scalapack::getrf(v, pivots));
  scalapack::getrs(Transpose::no, v, pivots, a);
}

Matrix times(double factor, const Matrix& a) {
  Matrix b = a.grid().copy(a.array());
  scalapack::scale_rows(
      b, std::vector<std::complex<double>>(static_cast<std::size_t>(a.rows()), factor));
  return b;
}

// The largest column sum of |a|^k.
double norm_of_absolute_power(const Matrix& a, int k) {
  const Matrix absolute = a.grid().copy(a.array());
  Matrix row = a.grid().empty(1, a.cols(), a.dtype());
  visit_inexact(a.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    absolute.template for_each<T>([](std::int64_t, std::int64_t, T& x) { x = T(std::abs(x)); });
    row.template for_each<T>([](std::int64_t, std::int64_t, T& x) { x = T(1); });
  });
  for (int i = 0; i < k; ++i) row = scalapack::product(row, absolute);
  return scalapack::norm_1(row);
}

// How often to halve a, of that 1-norm, for the last approximant (Al-Mohy and Higham 2009,
// algorithm 5.1): by the norms of powers of a, which can be far smaller than powers of its norm.
int squarings_for(const Matrix& a, double norm) {
  constexpr double theta = 4.25;
  constexpr int m = 13;
  constexpr double c = 1.0 / 113250775606021113483283660800000000.0;  // of the error's first term
  const int most = static_cast<int>(std::ceil(std::log2(norm / approximants.back().theta)));
  const int exponent = std::ilogb(norm);
  const Matrix small = times(std::ldexp(1.0, -exponent), a);  // its powers do not overflow
  const Matrix a2 = scalapack::product(small, small);
  const Matrix a4 = scalapack::product(a2, a2);
  const Matrix a6 = scalapack::product(a4, a2);
  const double d6 = std::pow(scalapack::norm_1(a6), 1.0 / 6);
  const double d8 = std::pow(scalapack::norm_1(scalapack::product(a4, a4)), 1.0 / 8);
  const double d10 = std::pow(scalapack::norm_1(scalapack::product(a4, a6)), 1.0 / 10);
  const double size = std::ldexp(std::max(d8, std::min(d6, d10)), exponent);
  const int halvings = size > theta ? static_cast<int>(std::ceil(std::log2(size / theta))) : 0;
  const double scale = std::ldexp(1.0, -halvings);
  const double error = c * norm_of_absolute_power(times(scale, a), 2 * m + 1) / (scale * norm);
  const double further = std::max(0.0, std::ceil(std::log2(error * 0x1p53) / (2 * m)));
  return further > most ? most : std::min(most, halvings + static_cast<int>(further));
}

Matrix exponential(const Matrix& a) {
  if (scalapack::is_zero_triangle(a, true) && scalapack::is_zero_triangle(a, false)) {
    visit_inexact(a.dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      a.template for_each<T>([](std::int64_t i, std::int64_t j, T& x) {
        if (i == j) x = std::exp(x);
      });
    });
    return a;
  }
  const double norm = scalapack::norm_1(a);
  for (const Approximant& r : approximants) {
    if (norm > r.theta) continue;
    pade(a, r.b);
    return a;
  }
  if (std::isinf(norm)) throw ValueError("expm needs a matrix whose 1-norm does not overflow");
  const int squarings = squarings_for(a, norm);
  Matrix result = times(std::ldexp(1.0, -squarings), a);
  pade(result, approximants.back().b);
  for (int i = 0; i < squarings; ++i) result = scalapack::product(result, result);
  return result;
}

}  // namespace

Array composed::expm(const Array& given) {
  const Array a = detail::square_argument("expm", detail::at_least_2d(given), true);
  const auto result = detail::dense(
      {a}, [](const Grid&, auto m) -> std::vector<Array> { return {exponential(m[0]).array()}; });
  return detail::laid_out_like(result[0], given);
}

}  // namespace tessera::linalg
