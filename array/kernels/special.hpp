#pragma once
#include <tessera/array/kernels/function.hpp>

/// SciPy's special functions (`scipy.special`), elementwise ones of real numbers, as types like
/// those of functions.hpp. float32 computes in float64. Each is right to `units` times the distance
/// of neighbouring numbers, of the result's size or of 1 where that is larger.
namespace tessera::functions {

namespace numerics {

template <class T>
inline constexpr T pi = 3.14159265358979323846264338327950288L;
template <class T>
inline constexpr T log_two_pi = 1.83787706640934548356065947281123527L;
template <class T>
inline constexpr T nan = std::numeric_limits<T>::quiet_NaN();
template <class T>
inline constexpr T inf = std::numeric_limits<T>::infinity();
template <class T>
inline constexpr T eps = std::numeric_limits<T>::epsilon();
/// From here on asymptotic series have the digits of T.
template <class T>
inline constexpr T large = std::numeric_limits<T>::digits > 53 ? 25 : 12;

inline double log_gamma(double x) {
  int sign = 0;
  return ::lgamma_r(x, &sign);  // std::lgamma writes to a variable of all threads
}
inline long double log_gamma(long double x) {
  int sign = 0;
  return ::lgammal_r(x, &sign);
}

/// log(1 + u) - u.
template <class T>
T log1p_minus(T u) {
  if (!(std::abs(u) < T(0.4L))) return std::log1p(u) - u;
  const T s = u / (2 + u), s2 = s * s;
  T sum = 0, power = s * s2;
  for (int k = 3; std::abs(power) > eps<T> * s2 / 8 && k < 200; k += 2, power *= s2)
    sum += power / T(k);
  return 2 * sum - s * u;
}

/// What log_gamma(a) has beyond (a - 1/2) log(a) - a + log(2 pi) / 2, of a >= large.
template <class T>
T stirling(T a) {
  constexpr T terms[] = {1 / T(12),   -1 / T(360),      1 / T(1260), -1 / T(1680),
                         1 / T(1188), -691 / T(360360), 1 / T(156),  -3617 / T(122400)};
  T sum = 0;
  for (int k = 7; k >= 0; --k) sum = sum / (a * a) + terms[k];
  return sum / a;
}

template <class T>
T log_beta(T a, T b) {
  if (a < b) std::swap(a, b);
  if (!(b > 0) || a < large<T>) return log_gamma(a) + log_gamma(b) - log_gamma(a + b);
  const T rest = stirling(a) - stirling(a + b) - (a - T(0.5L)) * std::log1p(b / a);
  if (b < large<T>) return log_gamma(b) + rest + b - b * std::log(a + b);
  return stirling(b) + rest - b * std::log1p(a / b) + (log_two_pi<T> - std::log(b)) / 2;
}

/// x^a e^-x / gamma(a + 1).
template <class T>
T gamma_term(T a, T x) {
  if (a < large<T>) return std::exp(a * std::log(x) - x - log_gamma(a + 1));
  return std::exp(a * log1p_minus((x - a) / a) - stirling(a)) / std::sqrt(2 * pi<T> * a);
}

/// The part of the gamma distribution below x, or that above.
template <class T>
T gamma_part(T a, T x, bool above) {
  if (!(a >= 0 && x >= 0) || (a == 0 && x == 0) || (std::isinf(a) && std::isinf(x))) return nan<T>;
  const auto of_lower = [&](T p) { return above ? 1 - p : p; };
  if (a == 0 || std::isinf(x)) return of_lower(1);
  if (x == 0 || std::isinf(a)) return of_lower(0);
  if (a > T(1e10L)) {  // Temme's uniform expansion, of which one term is enough
    const T u = (x - a) / a, half = -log1p_minus(u), eta = std::copysign(std::sqrt(2 * half), u);
    const T correction = (std::abs(u) < T(1e-3L) ? u / 12 - 1 / T(3) : 1 / u - 1 / eta) *
                         std::exp(-a * half) / std::sqrt(2 * pi<T> * a);
    return above ? std::erfc(eta * std::sqrt(a / 2)) / 2 + correction
                 : std::erfc(-eta * std::sqrt(a / 2)) / 2 - correction;
  }
  if (x < a + 1) {
    T sum = 1, term = 1;
    for (T n = a + 1; term > sum * eps<T> / 4; n += 1) sum += term *= x / n;
    return of_lower(sum * gamma_term(a, x));
  }
  // Lentz's evaluation of Legendre's continued fraction.
  T b = x + 1 - a, c = inf<T>, d = 1 / b, h = d;
  for (T n = 1;; n += 1) {
    const T an = n * (a - n);
    b += 2;
    d = 1 / (an * d + b);
    c = b + an / c;
    h *= c * d;
    if (std::abs(c * d - 1) <= eps<T>) break;
  }
  const T upper = a * h * gamma_term(a, x);
  return above ? upper : 1 - upper;
}

/// The part of the beta distribution below x; y = 1 - x; x below the mean.
template <class T>
T beta_part(T a, T b, T x, T y) {
  const T log_y = y > T(0.5L) ? std::log1p(-x) : std::log(y);
  T front = 0;
  if (a < large<T> || b < large<T>) {
    const T log_x = x > T(0.5L) ? std::log1p(-y) : std::log(x);
    front = std::exp(a * log_x + b * log_y - log_beta(a, b));
  } else {
    const T off = x * b - y * a;
    front = std::sqrt(a / (a + b) * b / (2 * pi<T>)) *
            std::exp(a * log1p_minus(off / a) + b * log1p_minus(-off / b) + stirling(a + b) -
                     stirling(a) - stirling(b));
  }
  T c = 1, d = 1 / (1 - (a + b) * x / (a + 1)), h = d;
  for (T m = 1; m < 1000000; m += 1) {
    const T even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / (1 + even * d);
    c = 1 + even / c;
    h *= c * d;
    const T odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / (1 + odd * d);
    c = 1 + odd / c;
    h *= c * d;
    if (std::abs(c * d - 1) <= eps<T>) break;
  }
  return front * h / a;
}

template <class T>
T betainc(T a, T b, T x) {
  if (!(a >= 0 && b >= 0 && x >= 0 && x <= 1) || (a == 0 && b == 0)) return nan<T>;
  if (std::isinf(a) && std::isinf(b)) return nan<T>;
  if (x == 0 || b == 0 || std::isinf(a)) return x == 1 && !(b == 0) ? T(1) : T(b == 0 && x == 1);
  if (x == 1 || a == 0 || std::isinf(b)) return 1;
  return x <= (a + 1) / (a + b + 2) ? beta_part(a, b, x, 1 - x) : 1 - beta_part(b, a, 1 - x, x);
}

template <class T>
T ndtr(T x) {
  return std::erfc(-x / std::sqrt(T(2))) / 2;
}

template <class T>
T log_ndtr(T x) {
  if (x > -1) return std::log1p(-std::erfc(x / std::sqrt(T(2))) / 2);
  if (x > -20) return std::log(ndtr(x));
  T sum = 1, term = 1;
  for (int k = 1; k < 20 && std::abs(term) > eps<T> / 4; ++k)
    sum += term *= -T(2 * k - 1) / (x * x);
  return -x * x / 2 - log_two_pi<T> / 2 - std::log(-x) + std::log(sum);
}

/// Where the normal distribution has p <= 1/2 below: Newton's steps on its logarithm.
template <class T>
T normal_tail(T p) {
  if (!(p > 0)) return p == 0 ? -inf<T> : nan<T>;
  const T target = std::log(p), t = std::sqrt(-2 * target);
  T x = t > 1 ? -t + std::log(t * t * 2 * pi<T>) / (2 * t) : T(-0.5L);
  for (int i = 0; i < 60; ++i) {
    const T at = log_ndtr(x);
    const T step = (at - target) * std::exp(at + (x * x + log_two_pi<T>) / 2);
    x -= step;
    if (std::abs(step) <= eps<T> * std::abs(x)) break;
  }
  return x;
}

/// erf's inverse of |y| <= 0.6, by Newton's steps.
template <class T>
T erf_middle(T y) {
  T x = y * std::sqrt(pi<T>) / 2;
  for (int i = 0; i < 60 && y != 0; ++i) {
    const T step = (std::erf(x) - y) * std::exp(x * x) * std::sqrt(pi<T>) / 2;
    x -= step;
    if (std::abs(step) <= eps<T> * std::abs(x)) break;
  }
  return x;
}

template <class T>
T erfinv(T y) {
  if (std::abs(y) <= T(0.6L)) return erf_middle(y);
  return std::copysign(normal_tail((1 - std::abs(y)) / 2) / std::sqrt(T(2)), y);
}

template <class T>
T ndtri(T p) {
  const T q = p - T(0.5L);
  if (std::abs(q) <= T(0.25L)) return erf_middle(2 * q) * std::sqrt(T(2));
  return p < T(0.5L) ? normal_tail(p) : -normal_tail(1 - p);
}

/// Modified Bessel functions of order 0 and 1, times e^-|x| where `scaled`.
template <int order, class T>
T bessel_i(T x, bool scaled) {
  const T a = std::abs(x), sign = order == 1 && x < 0 ? -1 : 1;
  if (std::isinf(a)) return scaled ? T(0) : sign * a;
  T sum = 1, term = 1;
  if (a < 2 * large<T>) {
    const T quarter = a * a / 4;
    for (int k = 1; term > sum * eps<T> / 4; ++k) sum += term *= quarter / (T(k) * T(k + order));
    if (order == 1) sum *= a / 2;
    return sign * (scaled ? sum * std::exp(-a) : sum);
  }
  for (int k = 1; k < 100 && std::abs(term) > eps<T> / 4; ++k)
    sum += term *= (T((2 * k - 1) * (2 * k - 1)) - 4 * order) / (8 * T(k) * a);
  sum /= std::sqrt(2 * pi<T> * a);
  return sign * (scaled ? sum : sum * std::exp(a / 2) * std::exp(a / 2));
}

/// Bernoulli numbers B2, B4 ...
template <class T>
inline constexpr T bernoulli[] = {1 / T(6),       -1 / T(30),      1 / T(42), -1 / T(30),
                                  5 / T(66),      -691 / T(2730),  7 / T(6),  -3617 / T(510),
                                  43867 / T(798), -174611 / T(330)};

template <class T>
T psi(T x) {
  if (x == 0) return std::copysign(inf<T>, -x);
  if (x < 0) {
    const T part = std::remainder(x, T(1));
    return part == 0 ? nan<T> : psi(1 - x) - pi<T> / std::tan(pi<T> * part);
  }
  if (std::isinf(x)) return x;
  T before = 0;
  for (; x < large<T>; x += 1) before += 1 / x;
  T sum = 0;
  for (int k = 9; k >= 0; --k) sum = (sum + bernoulli<T>[k] / T(2 * k + 2)) / (x * x);
  return std::log(x) - 1 / (2 * x) - sum - before;
}

/// Hurwitz's zeta function, by Euler's and Maclaurin's formula.
template <class T>
T zeta(T s, T q) {
  if (s == 1) return inf<T>;
  if (!(s > 1) || std::isnan(q)) return nan<T>;
  if (q <= 0) {
    if (q == std::floor(q)) return inf<T>;
    if (s != std::floor(s)) return nan<T>;
  }
  if (std::isinf(s)) return q < 1 ? inf<T> : T(q == 1);
  if (q < 0) {  // the powers of negative numbers are a finite part of another such sum
    const T nearest = -q - std::floor(-q);
    const T below = zeta(s, nearest) - zeta(s, 1 - q);
    return zeta(s, 1 - nearest) + (std::fmod(s, T(2)) == 0 ? below : -below);
  }
  T sum = 0;
  for (; q < large<T>; q += 1) sum += std::pow(q, -s);
  const T last = std::pow(q, -s);
  sum += std::pow(q, 1 - s) / (s - 1) + last / 2;
  T term = s / q * last / 2;
  for (int k = 0; k < 10; ++k) {
    sum += term * bernoulli<T>[k];
    term *= (s + T(2 * k + 1)) / q * (s + T(2 * k + 2)) / q / T((2 * k + 3) * (2 * k + 4));
  }
  return sum;
}

template <class T>
T logit(T x) {
  const T s = 2 * (x - T(0.5L));
  return std::abs(s) < T(0.4L) ? std::log1p(s) - std::log1p(-s) : std::log(x / (1 - x));
}

template <class T>
T entr(T x) {
  return x > 0 ? -x * std::log(x) : x < 0 ? -inf<T> : x;
}

template <class T>
T rel_entr(T x, T y) {
  if (std::isnan(x) || std::isnan(y)) return nan<T>;
  if (x > 0 && y > 0) {
    if (x < 2 * y && y < 2 * x) return x * std::log1p((x - y) / y);
    const T ratio = x / y;  // which may leave the range of T where its logarithm does not
    return x * (ratio > 0 && !std::isinf(ratio) ? std::log(ratio) : std::log(x) - std::log(y));
  }
  return x == 0 && y >= 0 ? T(0) : inf<T>;
}

}  // namespace numerics

template <Floating T>
using Computed = std::conditional_t<std::same_as<T, float>, double, T>;

/// F::at, of the operands in float64 or long double; right to `accuracy` units.
template <class F, Text text, int accuracy, Text described>
struct SpecialFunction : Rounded<text, described> {
  static constexpr int units = accuracy;
  template <Floating T, std::same_as<T>... More>
  requires requires(Computed<T> x, Computed<More>... more) { F::at(x, more...); }
  static T of(T x, More... more) {
    return static_cast<T>(F::at(Computed<T>(x), Computed<More>(more)...));
  }
};
struct Entr : SpecialFunction<Entr, "special.entr", 8, "-x log(x), 0 for 0, -inf below."> {
  static auto at(auto x) { return numerics::entr(x); }
};
struct Erf : SpecialFunction<Erf, "special.erf", 4, "The error function."> {
  static auto at(auto x) { return std::erf(x); }
};
struct Erfc : SpecialFunction<Erfc, "special.erfc", 8, "1 - erf(x)."> {
  static auto at(auto x) { return std::erfc(x); }
};
struct Erfinv : SpecialFunction<Erfinv, "special.erfinv", 32, "The inverse of erf."> {
  static auto at(auto x) { return numerics::erfinv(x); }
};
struct Expit : SpecialFunction<Expit, "special.expit", 8, "1 / (1 + exp(-x))."> {
  static auto at(auto x) { return 1 / (1 + std::exp(-x)); }
};
struct Gamma : SpecialFunction<Gamma, "special.gamma", 32, "The gamma function."> {
  static auto at(auto x) { return std::tgamma(x); }
};
struct Gammaln : SpecialFunction<Gammaln, "special.gammaln", 16, "The logarithm of |gamma(x)|."> {
  static auto at(auto x) { return std::isinf(x) ? x : numerics::log_gamma(x); }
};
struct I0 : SpecialFunction<I0, "special.i0", 64, "Modified Bessel function of order 0."> {
  static auto at(auto x) { return numerics::bessel_i<0>(x, false); }
};
struct I0e : SpecialFunction<I0e, "special.i0e", 64, "exp(-|x|) i0(x)."> {
  static auto at(auto x) { return numerics::bessel_i<0>(x, true); }
};
struct I1 : SpecialFunction<I1, "special.i1", 64, "Modified Bessel function of order 1."> {
  static auto at(auto x) { return numerics::bessel_i<1>(x, false); }
};
struct I1e : SpecialFunction<I1e, "special.i1e", 64, "exp(-|x|) i1(x)."> {
  static auto at(auto x) { return numerics::bessel_i<1>(x, true); }
};
struct LogNdtr : SpecialFunction<LogNdtr, "special.log_ndtr", 16, "The logarithm of ndtr(x)."> {
  static auto at(auto x) { return numerics::log_ndtr(x); }
};
struct Logit
    : SpecialFunction<Logit, "special.logit", 16, "log(x / (1 - x)), the inverse of expit."> {
  static auto at(auto x) { return numerics::logit(x); }
};
struct Ndtr : SpecialFunction<Ndtr, "special.ndtr", 8, "The normal distribution's part below x."> {
  static auto at(auto x) { return numerics::ndtr(x); }
};
struct Ndtri : SpecialFunction<Ndtri, "special.ndtri", 32, "The inverse of ndtr."> {
  static auto at(auto x) { return numerics::ndtri(x); }
};
struct Psi : SpecialFunction<Psi, "special.psi", 64, "The derivative of gammaln."> {
  static auto at(auto x) { return numerics::psi(x); }
};
struct Betaln
    : SpecialFunction<Betaln, "special.betaln", 1024, "The logarithm of the beta function."> {
  static auto at(auto x, auto y) { return numerics::log_beta(x, y); }
};
struct Gammainc : SpecialFunction<Gammainc, "special.gammainc", 512,
                                  "The part of the gamma distribution of shape x1 below x2."> {
  static auto at(auto x, auto y) { return numerics::gamma_part(x, y, false); }
};
struct Gammaincc : SpecialFunction<Gammaincc, "special.gammaincc", 512, "1 - gammainc(x1, x2)."> {
  static auto at(auto x, auto y) { return numerics::gamma_part(x, y, true); }
};
struct RelEntr : SpecialFunction<RelEntr, "special.rel_entr", 16, "x1 log(x1 / x2)."> {
  static auto at(auto x, auto y) { return numerics::rel_entr(x, y); }
};
struct Xlog1py
    : SpecialFunction<Xlog1py, "special.xlog1py", 8, "x1 log(1 + x2), 0 where x1 is 0."> {
  static auto at(auto x, auto y) { return x == 0 && y == y ? x * x : x * std::log1p(y); }
};
struct Xlogy : SpecialFunction<Xlogy, "special.xlogy", 8, "x1 log(x2), 0 where x1 is 0."> {
  static auto at(auto x, auto y) { return x == 0 && y == y ? x * x : x * std::log(y); }
};
struct Zeta : SpecialFunction<Zeta, "special.zeta", 64,
                              "The sum of (x2 + k)^-x1 over k = 0, 1, ... (Hurwitz)."> {
  static auto at(auto x, auto y) { return numerics::zeta(x, y); }
};
struct Betainc : SpecialFunction<Betainc, "special.betainc", 512,
                                 "The part of the beta distribution of shapes x1, x2 below x3."> {
  static auto at(long double a, long double b, long double x) { return numerics::betainc(a, b, x); }
};

/// All of them, of the namespace `special`, with which their names begin.
using Special =
    List<Betainc, Betaln, Entr, Erf, Erfc, Erfinv, Expit, Gamma, Gammainc, Gammaincc, Gammaln, I0,
         I0e, I1, I1e, LogNdtr, Logit, Ndtr, Ndtri, Psi, RelEntr, Xlog1py, Xlogy, Zeta>;

}  // namespace tessera::functions
