#include <tessera/linalg/matrix_functions.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include <tessera/array/creation.hpp>
#include <tessera/array/elementwise.hpp>
#include <tessera/array/indexing.hpp>
#include <tessera/array/manipulation.hpp>
#include <tessera/linalg/dense.hpp>
#include <tessera/linalg/functions.hpp>
#include <tessera/linalg/multiply.hpp>
#include <tessera/linalg/scalapack/lapack.hpp>
#include <tessera/linalg/scalapack/routines.hpp>
#include <tessera/linalg/scalar_function.hpp>
#include <tessera/runtime/visit.hpp>

namespace tessera::linalg {
namespace {

using scalapack::Grid;
using scalapack::Matrix;
using Complex = std::complex<double>;

// An upper triangle of complex numbers, by columns, in double precision: what functions of a Schur
// form are computed on.
struct Triangle {
  std::int64_t n;
  std::vector<Complex> values;
  Complex& at(std::int64_t i, std::int64_t j) {
    return values[static_cast<std::size_t>(j * n + i)];
  }
  const Complex& at(std::int64_t i, std::int64_t j) const {
    return values[static_cast<std::size_t>(j * n + i)];
  }
  Complex* column(std::int64_t j) { return values.data() + j * n; }
  // Of a Hermitian matrix all else is rounding, whose sign would choose the side of a branch cut.
  void keep_real_diagonal() {
    for (std::int64_t j = 0; j < n; ++j)
      for (std::int64_t i = 0; i <= j; ++i) at(i, j) = i == j ? at(i, j).real() : 0.0;
  }
};

bool is_hermitian(const Matrix& a) {
  const Complex* x = a.data<Complex>();
  const std::int64_t n = a.rows();
  for (std::int64_t j = 0; j < n; ++j)
    for (std::int64_t i = 0; i <= j; ++i)
      if (x[j * n + i] != std::conj(x[i * n + j])) return false;
  return true;
}

void copy_real(const Matrix& from, const Matrix& to) {
  std::transform(from.data<Complex>(), from.data<Complex>() + from.rows() * from.cols(),
                 to.data<double>(), [](const Complex& v) { return v.real(); });
}

// Whether f of a real matrix is real: f is real at its real eigenvalues, and conjugate at conjugate
// ones. A Schur form in complex numbers would have lost which are real.
bool keeps_real(const Matrix& a, const ScalarFunction& f) {
  constexpr double rounding = 1e3 * 0x1p-52;
  for (const Complex& w : scalapack::lapack().geev(a, nullptr, nullptr)) {
    const Complex value = f(w);
    const double off =
        w.imag() == 0 ? std::abs(value.imag()) : std::abs(value - std::conj(f(std::conj(w))));
    if (off > rounding * std::abs(value)) return false;
  }
  return true;
}

// x = z f(t) z^H, real for a real a where `scalar`, the function of numbers, keeps it so and
// imaginary parts are rounding.
Array by_schur(std::string_view function, const Array& given, const ScalarFunction& scalar,
               const std::function<void(Triangle&)>& f) {
  const Array a = detail::square_argument(function, detail::at_least_2d(given), true);
  const std::int64_t n = a.rows();
  if (n == 0) return detail::laid_out_like(a, given);
  const auto r = detail::lapack_like(
      given, function, {detail::on_host(a, DType::complex128)},
      [&](const Grid& grid, auto m) -> std::vector<Array> {
        const Matrix& t = m[0];
        bool real_result = !is_complex(a.dtype());
        if (real_result) {
          const Matrix copy = grid.empty(n, n, DType::float64);
          copy_real(t, copy);
          real_result = keeps_real(copy, scalar);
        }
        const bool hermitian = is_hermitian(t);
        const Matrix z = grid.empty(n, n, DType::complex128);
        std::int64_t leading = 0;
        scalapack::lapack().gees(t, z, scalapack::Order::none, leading);
        Triangle triangle{n, {t.template data<Complex>(), t.template data<Complex>() + n * n}};
        if (hermitian) triangle.keep_real_diagonal();
        f(triangle);
        std::copy(triangle.values.begin(), triangle.values.end(), t.template data<Complex>());
        const Matrix left = scalapack::product(z, t);
        scalapack::gemm(1.0, left, Transpose::no, z, Transpose::conjugate, 0.0, t);
        double most = 0, imaginary = 0;
        t.template for_each<Complex>([&](std::int64_t, std::int64_t, const Complex& x) {
          most = std::max(most, std::abs(x));
          imaginary = std::max(imaginary, std::abs(x.imag()));
        });
        const double rounding = 1e3 * static_cast<double>(n) * 0x1p-52;
        if (!real_result || imaginary > rounding * most) return {t.array()};
        const Matrix x = grid.empty(n, n, DType::float64);
        copy_real(t, x);
        return {x.array()};
      });
  const DType dtype = detail::real_of(a.dtype());
  return r[0].astype(is_complex(r[0].dtype()) ? detail::complex_of(dtype) : dtype);
}

void take_square_root(Triangle& t) {
  for (std::int64_t j = 0; j < t.n; ++j) {
    Complex* column = t.column(j);
    column[j] = std::sqrt(column[j]);
    for (std::int64_t i = j - 1; i >= 0; --i) {
      const Complex sum = t.at(i, i) + column[j];
      if (sum != 0.0)
        column[i] /= sum;
      else if (column[i] != 0.0)
        throw LinAlgError("the matrix is singular and has no square root of this kind");
      const Complex factor = column[i];
      const Complex* other = t.column(i);
      for (std::int64_t k = 0; k < i; ++k) column[k] -= other[k] * factor;
    }
  }
}

// exp(z) - 1 without cancellation.
Complex expm1(const Complex& z) {
  const double half = std::sin(z.imag() / 2);
  return {std::expm1(z.real()) * std::cos(z.imag()) - 2 * half * half,
          std::exp(z.real()) * std::sin(z.imag())};
}

double norm_from_1(const Triangle& t) {
  double most = 0;
  for (std::int64_t j = 0; j < t.n; ++j) {
    double sum = 0;
    for (std::int64_t i = 0; i <= j; ++i) sum += std::abs(t.at(i, j) - (i == j ? 1.0 : 0.0));
    most = std::max(most, sum);
  }
  return most;
}

// y = (1 + c x)^-1 x of upper triangles.
Triangle resolvent(const Triangle& x, double c) {
  Triangle y = x;
  for (std::int64_t j = 0; j < x.n; ++j) {
    Complex* column = y.column(j);
    for (std::int64_t i = j; i >= 0; --i) {
      column[i] /= 1.0 + c * x.at(i, i);
      const Complex factor = c * column[i];
      const Complex* other = x.values.data() + i * x.n;
      for (std::int64_t k = 0; k < i; ++k) column[k] -= other[k] * factor;
    }
  }
  return y;
}

// (log b - log a) / (b - a), accurate for close ones (Higham, section 11.6.2).
Complex divided_difference_of_log(const Complex& a, const Complex& b) {
  if (a == b) return 1.0 / a;
  const Complex logs = std::log(b) - std::log(a);
  if (std::abs(b - a) > std::abs(a + b) / 2) return logs / (b - a);
  const double turns = std::ceil((logs.imag() - std::numbers::pi) / (2 * std::numbers::pi));
  return 2.0 * (std::atanh((b - a) / (b + a)) + Complex(0, std::numbers::pi * turns)) / (b - a);
}

void take_logarithm(Triangle& t) {
  // Gauss and Legendre's nodes and weights on [-1, 1]; the approximant is as good as double
  // precision below theta (Higham, table 11.1).
  constexpr double theta = 2.64e-1;
  constexpr std::array<std::pair<double, double>, 7> nodes = {
      {{0.0, 0.4179591836734694},
       {0.4058451513773972, 0.3818300505051189},
       {-0.4058451513773972, 0.3818300505051189},
       {0.7415311855993945, 0.2797053914892767},
       {-0.7415311855993945, 0.2797053914892767},
       {0.9491079123427585, 0.1294849661688697},
       {-0.9491079123427585, 0.1294849661688697}}};
  const Triangle given = t;
  for (std::int64_t i = 0; i < t.n; ++i)
    if (t.at(i, i) == 0.0) throw LinAlgError("the matrix is singular and has no logarithm");
  int roots = 0;
  for (; norm_from_1(t) > theta && roots < 100; ++roots) take_square_root(t);
  Triangle x = t;
  for (std::int64_t i = 0; i < t.n; ++i)
    x.at(i, i) = expm1(std::ldexp(1.0, -roots) * std::log(given.at(i, i)));
  std::fill(t.values.begin(), t.values.end(), 0.0);
  for (const auto& [node, weight] : nodes) {
    const Triangle y = resolvent(x, (1 + node) / 2);
    for (std::size_t k = 0; k < t.values.size(); ++k)
      t.values[k] += std::ldexp(weight / 2, roots) * y.values[k];
  }
  for (std::int64_t i = 0; i < t.n; ++i) {
    t.at(i, i) = std::log(given.at(i, i));
    if (i > 0)
      t.at(i - 1, i) =
          given.at(i - 1, i) * divided_difference_of_log(given.at(i - 1, i - 1), given.at(i, i));
  }
}

Array as_complex(const Array& a) { return detail::on_host(a, detail::complex_of(a.dtype())); }

// exp(i a) and exp(-i a) of a complex matrix, exp(i a) alone of a real one.
std::pair<Array, Array> turned(std::string_view function, const Array& given) {
  const Array a = detail::square_argument(function, detail::at_least_2d(given), true);
  const Array i_a = multiply(as_complex(detail::by_rows(a)), Complex(0, 1));
  return {linalg::expm(i_a), is_complex(a.dtype()) ? linalg::expm(negative(i_a)) : Array{}};
}
Array cosine(const std::pair<Array, Array>& e) {
  return e.second ? (e.first + e.second) * 0.5 : real(e.first);
}
Array sine(const std::pair<Array, Array>& e) {
  return e.second ? (e.first - e.second) * Complex(0, -0.5) : imag(e.first);
}
// exp(a) and exp(-a).
std::pair<Array, Array> both(std::string_view function, const Array& given) {
  const Array a =
      detail::by_rows(detail::square_argument(function, detail::at_least_2d(given), true));
  return {linalg::expm(a), linalg::expm(negative(a))};
}

// a = u w with u orthonormal, so a^t = u (w u)^(t - 1) w, where w u is smaller than a: singular
// only where 0 is not semisimple, and t - 1 <= 0 then has no power.
Array power_of_singular(const Array& a, const Array& given, double t) {
  // What is 0 but for rounding counts only where nothing is exactly 0.
  const Array here = detail::by_rows(a), exact = linalg::orth(here, 0.0);
  const Array u = exact.cols() < a.rows() ? exact : linalg::orth(here);
  if (u.cols() == a.rows()) throw LinAlgError("the matrix is singular and has no such power");
  if (u.cols() == 0) return detail::laid_out_like(here, given);  // 0 is its power
  const Array w = linalg::matmul(adjoint(u), here);
  const Array inner = linalg::fractional_matrix_power(linalg::matmul(w, u), t - 1);
  return detail::laid_out_like(linalg::matmul(linalg::matmul(u, inner), w), given);
}

}  // namespace

Array composed::sqrtm(const Array& a) {
  return by_schur(
      "sqrtm", a, [](const Complex& z) { return std::sqrt(z); }, take_square_root);
}
Array composed::logm(const Array& a) {
  return by_schur(
      "logm", a, [](const Complex& z) { return std::log(z); }, take_logarithm);
}

Array composed::funm(const Array& a, const ScalarFunction& f) {
  return by_schur("funm", a, f, [&](Triangle& t) {
    Triangle x{t.n, std::vector<Complex>(t.values.size())};
    for (std::int64_t i = 0; i < t.n; ++i) x.at(i, i) = f(t.at(i, i));
    for (std::int64_t p = 1; p < t.n; ++p)
      for (std::int64_t i = 0; i + p < t.n; ++i) {
        const std::int64_t j = i + p;
        Complex sum = t.at(i, j) * (x.at(j, j) - x.at(i, i));
        for (std::int64_t k = i + 1; k < j; ++k)
          sum += t.at(i, k) * x.at(k, j) - x.at(i, k) * t.at(k, j);
        const Complex distance = t.at(j, j) - t.at(i, i);
        x.at(i, j) = distance == 0.0 ? sum : sum / distance;
      }
    t = x;
  });
}

Array composed::signm(const Array& given) {
  const Array a = detail::square_argument("signm", detail::at_least_2d(given), true);
  Array x = detail::by_rows(a);
  const Array sizes = a.size() > 0 ? linalg::svdvals(a).to(cpu).astype(DType::float64) : Array{};
  if (const auto s = sizes ? sizes.values<double>() : std::span<const double>{};
      !s.empty() && s.back() <= detail::eps_of(a.dtype()) * static_cast<double>(s.size()) * s[0]) {
    // Of a singular matrix 0 is the sign of 0 where that makes one, s^3 = s; else what the matrix
    // moved a little has, as in SciPy.
    const double least = 1e3 * detail::eps_of(a.dtype()) * s[0];
    const Array sign = detail::by_rows(linalg::funm(a, [least](const std::complex<double>& z) {
      return std::complex<double>(std::abs(z.real()) <= least ? 0 : z.real() > 0 ? 1 : -1);
    }));
    const Array cube = detail::by_rows(linalg::matmul(sign, linalg::matmul(sign, sign)));
    const double size = linalg::norm(sign, 1.0);
    if (linalg::norm(cube - sign, 1.0) <=
        1e3 * detail::eps_of(a.dtype()) * std::max(1.0, size * size * size))
      return detail::laid_out_like(sign, given);
    x = x + eye(a.rows(), {}, 0, a.dtype(), a.comm()) * (s[0] > 0 ? 0.5 / s[0] : 1.0);
  }
  const double eps = detail::eps_of(a.dtype());
  for (int i = 0; i < 100 && a.size() > 0; ++i) {
    const Array inverse = linalg::inv(x);
    // Scaling is left out near the end, where it would disturb quadratic convergence.
    const double ratio = std::sqrt(linalg::norm(inverse, 1.0) / linalg::norm(x, 1.0));
    const double scale = std::abs(ratio - 1) < 1e-2 ? 1.0 : ratio;
    const Array next = x * (scale / 2) + inverse * (0.5 / scale);
    const double change = linalg::norm(next - x, 1.0), size = linalg::norm(next, 1.0);
    x = next;
    if (change <= size * static_cast<double>(a.rows()) * eps)
      return detail::laid_out_like(x, given);
    if (i > 50 && change <= size * std::sqrt(eps)) return detail::laid_out_like(x, given);
  }
  if (a.size() == 0) return detail::laid_out_like(a, given);
  throw LinAlgError("signm did not converge: an eigenvalue is (nearly) on the imaginary axis");
}

Array composed::fractional_matrix_power(const Array& given, double t) {
  const Array a = detail::square_argument("fractional_matrix_power", given, true);
  if (!std::isfinite(t))
    throw ValueError(fmt::format("fractional_matrix_power needs a finite t, got {}", t));
  if (std::abs(t) >= 0x1p63)
    throw ValueError(fmt::format("fractional_matrix_power needs |t| < 2^63, got t = {}", t));
  const double whole = std::round(t);
  if (whole != t && t > 0 && a.size() > 0 && std::isinf(linalg::slogdet(a).logabsdet))
    return power_of_singular(a, given, t);
  const Array power = linalg::matrix_power(a, static_cast<std::int64_t>(whole));
  if (whole == t) return detail::laid_out_like(power, given);
  const Array logarithm = detail::by_rows(linalg::logm(a));
  return detail::laid_out_like(linalg::matmul(power, linalg::expm(logarithm * (t - whole))), given);
}

Array composed::cosm(const Array& a) { return detail::laid_out_like(cosine(turned("cosm", a)), a); }
Array composed::sinm(const Array& a) { return detail::laid_out_like(sine(turned("sinm", a)), a); }
Array composed::tanm(const Array& a) {
  const auto e = turned("tanm", a);
  return detail::laid_out_like(linalg::solve(cosine(e), sine(e), {.assume_a = Structure::general}),
                               a);
}
Array composed::coshm(const Array& a) {
  const auto [plus, minus] = both("coshm", a);
  return detail::laid_out_like((plus + minus) * 0.5, a);
}
Array composed::sinhm(const Array& a) {
  const auto [plus, minus] = both("sinhm", a);
  return detail::laid_out_like((plus - minus) * 0.5, a);
}
Array composed::tanhm(const Array& a) {
  const auto [plus, minus] = both("tanhm", a);
  return detail::laid_out_like(
      linalg::solve(plus + minus, plus - minus, {.assume_a = Structure::general}), a);
}

Frechet composed::expm_frechet(const Array& given, const Array& direction, bool check_finite) {
  detail::require_together("expm_frechet", given, direction);
  const Array a = detail::square_argument("expm_frechet", given, check_finite);
  const Array e = detail::square_argument("expm_frechet", direction, check_finite);
  if (a.shape() != e.shape())
    throw ValueError(fmt::format("expm_frechet needs two matrices of one shape, got {} and {}",
                                 to_string(a.shape()), to_string(e.shape())));
  const DType dtype = detail::common_dtype(a.dtype(), e.dtype());
  const Array x = detail::by_rows(detail::on_host(a, dtype));
  const Array y = detail::by_rows(detail::on_host(e, dtype));
  const std::int64_t n = a.rows();
  const std::array<Array, 2> top = {x, y}, bottom = {x * 0.0, x};
  const std::array<Array, 2> rows = {concat(top, 1), concat(bottom, 1)};
  const Array f = detail::by_rows(linalg::expm(concat(rows, 0)));
  const Array half = index(f, {Slice{0, n}});
  return {detail::laid_out_like(index(half, {Ellipsis{}, Slice{0, n}}), given),
          detail::laid_out_like(index(half, {Ellipsis{}, Slice{n, 2 * n}}), given)};
}

// The largest singular value of e -> L(a, e): the adjoint is e -> L(a^H, e).
double composed::expm_cond(const Array& given, bool check_finite) {
  const Array a = detail::by_rows(
      detail::on_host(detail::square_argument("expm_cond", given, check_finite),
                      is_complex(given.dtype()) ? DType::complex128 : DType::float64));
  if (a.size() == 0) return 0;
  const Array adjoint_a = evaluate(adjoint(a));
  const double size = linalg::norm(linalg::expm(a));
  // Not orthogonal to the direction that is looked for, unless by accident.
  Array e = linalg::expm(a) * (1 / size) + filled(a.shape(), 1e-3, a.dtype(), a.comm());
  double found = 0;
  for (int i = 0; i < 1000; ++i) {
    e = e * (1 / linalg::norm(e));
    const Array image = linalg::expm_frechet(a, e, false).frechet;
    const double next = linalg::norm(image);
    e = linalg::expm_frechet(adjoint_a, image, false).frechet;
    const bool done = std::abs(next - found) <= 1e-12 * next;
    found = next;
    if (done) break;
  }
  return found * linalg::norm(a) / size;
}

}  // namespace tessera::linalg
