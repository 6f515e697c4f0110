#include <tessera/estimators/feature_selection/significance.hpp>

#include <cmath>
#include <limits>

namespace tessera {
namespace {

constexpr double eps = std::numeric_limits<double>::epsilon();
constexpr double tiny = 1e-300;

// b_0 + a_1 / (b_1 + a_2 / (b_2 + ...)) by the modified method of Lentz; term(i, a, b).
template <class Term>
double continued_fraction(double start, const Term& term) {
  double value = start == 0.0 ? tiny : start, c = value, d = 0.0;
  for (int i = 1; i < 1000000; ++i) {
    double a = 0.0, b = 0.0;
    term(i, a, b);
    d = b + a * d;
    c = b + a / c;
    d = 1.0 / (d == 0.0 ? tiny : d);
    c = c == 0.0 ? tiny : c;
    value *= c * d;
    if (std::abs(c * d - 1.0) < eps) break;
  }
  return value;
}

// The regularised incomplete beta function at x = 1 - y (DLMF 8.17.22).
double incomplete_beta(double a, double b, double x, double y) {
  if (x <= 0.0) return 0.0;
  if (y <= 0.0) return 1.0;
  if (x > (a + 1.0) / (a + b + 2.0)) return 1.0 - incomplete_beta(b, a, y, x);
  const double front = std::exp(std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) +
                                a * std::log(x) + b * std::log(y)) /
                       a;
  return front / continued_fraction(1.0, [&](int i, double& num, double& den) {
           const double m = i / 2;  // NOLINT(bugprone-integer-division): every second one
           num = i % 2 == 0 ? m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
                            : -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
           den = 1.0;
         });
}

// The regularised upper incomplete gamma function: 1 - a series, or a fraction (DLMF 8.7.1, 8.9.2).
double upper_gamma(double a, double x) {
  if (x <= 0.0) return 1.0;
  const double front = std::exp(a * std::log(x) - x - std::lgamma(a));
  if (x < a + 1.0) {
    double term = 1.0 / a, sum = term;
    for (double n = a + 1.0; term > sum * eps; n += 1.0) sum += term *= x / n;
    return 1.0 - front * sum;
  }
  return front / continued_fraction(x + 1.0 - a, [&](int i, double& num, double& den) {
           num = -i * (i - a);
           den = x + 2.0 * i + 1.0 - a;
         });
}

}  // namespace

double f_survival(double dfn, double dfd, double f) {
  if (std::isnan(f)) return f;
  if (!(dfn > 0.0 && dfd > 0.0)) return std::numeric_limits<double>::quiet_NaN();
  if (std::isinf(f)) return 0.0;
  const double all = dfd + dfn * f;
  return incomplete_beta(0.5 * dfd, 0.5 * dfn, dfd / all, dfn * f / all);
}

double chi2_survival(double dof, double x) {
  if (std::isnan(x)) return x;
  if (dof == 0.0) return x > 0.0 ? 0.0 : std::numeric_limits<double>::quiet_NaN();
  return std::isinf(x) ? 0.0 : upper_gamma(0.5 * dof, 0.5 * x);
}

}  // namespace tessera
