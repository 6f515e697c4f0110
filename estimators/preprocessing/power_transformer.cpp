#include <tessera/estimators/preprocessing/power_transformer.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <tessera/estimators/common_parameters.hpp>
#include <tessera/estimators/preprocessing/column_scaler.hpp>
#include <tessera/estimators/preprocessing/row_map.hpp>
#include <tessera/estimators/preprocessing/standard_scaler.hpp>
#include <tessera/linalg/moments.hpp>
#include <tessera/runtime/reduce.hpp>

namespace tessera {

using namespace common;
namespace {

/// phi(z) = (e^z - 1) / z and its first two derivatives.
struct Phi {
  double value, first, second;

  explicit Phi(double z) {
    if (std::abs(z) < 0.3) {  // the series: the formulas cancel
      double term = 1.0;      // z^k / k!
      value = first = second = 0.0;
      for (int k = 0; k < 16; ++k) {
        value += term / (k + 1);
        first += term / (k + 2);
        second += term / (k + 3);
        term *= z / (k + 1);
      }
      return;
    }
    const double e = std::exp(z);
    value = std::expm1(z) / z;
    first = (e * (z - 1.0) + 1.0) / (z * z);
    second = (e * (z * (z - 2.0) + 2.0) - 2.0) / (z * z * z);
  }
};

/// y(lambda) for one x: u phi(power u) of its logarithm, with signs.
struct Powered {
  double log = 0.0;       // u: log x, log(1 + x) or log(1 - x)
  bool negative = false;  // y = -u phi((2 - lambda) u)

  Powered(double x, bool yeo_johnson) : negative(yeo_johnson && x < 0.0) {
    log = yeo_johnson ? std::log1p(std::abs(x)) : std::log(x);
  }
  /// The derivative of the likelihood's Jacobian.
  double slope() const { return negative ? -log : log; }
  /// y and its derivatives by lambda.
  Phi at(double lambda) const {
    Phi p(log * (negative ? 2.0 - lambda : lambda));
    const double sign = negative ? -1.0 : 1.0;
    p.value *= sign * log;
    p.first *= log * log;
    p.second *= sign * log * log * log;
    return p;
  }
};

double inverse_power(double y, double lambda, bool yeo_johnson) {
  const auto from = [](double z, double power) {  // exp(u) with u phi(power u) = z
    return power == 0.0 ? std::exp(z) : std::pow(power * z + 1.0, 1.0 / power);
  };
  if (!yeo_johnson) return from(y, lambda);
  return y < 0.0 ? 1.0 - from(-y, 2.0 - lambda) : from(y, lambda) - 1.0;
}

}  // namespace

const EstimatorType& PowerTransformer::describe() {
  using Self = PowerTransformer;
  static const auto type = EstimatorType::of<Self>(
      "make features normal by powers",
      {parameter("method", &Params::method, words({"yeo-johnson", "box-cox"}),
                 "which powers; those of box-cox need positive data"),
       parameter("standardize", &Params::standardize, boolean(),
                 "scale the results to mean 0 and variance 1"),
       with_copy<Params>()},
      {attribute("lambdas_", &Self::lambdas_,
                 [](const Self& s) { return array({s.n_features_in_}, {.nan = true}); }),
       attribute("_scaler", &Self::scaler_, estimator("transform") | none())},
      {method("fit", &Self::do_fit, "finds the powers of the columns", {.sample_weight = false}),
       method("transform", &Self::do_transform, "the powers of the rows", {.keeps_columns = true}),
       method("inverse_transform", &Self::do_inverse_transform, "rows from their powers",
              {.of_features = false, .keeps_columns = true})});
  return type;
}

void PowerTransformer::do_fit(const Rows& x, const Array&, const Array&) {
  const bool yeo_johnson = params.method == "yeo-johnson";
  const auto ends = detail::extremes(x, name());
  const auto p = static_cast<std::size_t>(x.cols());
  std::vector<double> lambda(p, 1.0);
  std::vector<bool> open(p);  // still to be found
  const auto m = linalg::column_moments(x);
  for (std::size_t j = 0; j < p; ++j) {
    if (!yeo_johnson && ends.low[j] <= 0.0)
      throw ValueError("The Box-Cox transformation can only be applied to strictly positive data");
    if (!yeo_johnson && ends.count[j] == 0.0) throw ValueError("Column must not be all nan.");
    if (!yeo_johnson && ends.low[j] == ends.high[j]) throw ValueError("Data must not be constant.");
    // scikit-learn's bound on the rounding error of a variance.
    const double n = m.count[j], v = m.m2[j] / n, eps = std::numeric_limits<double>::epsilon();
    const double by_mean = n * m.mean[j] * eps;
    open[j] = v > n * eps * v + by_mean * by_mean;
  }
  // The concave likelihood -n/2 log var(y) + (lambda - 1) sum slope, between bounds that its
  // derivative gives.
  std::vector<double> low(p, -1e3), high(p, 1e3);
  constexpr int most_passes = 100;
  for (int pass = 0; pass < most_passes && std::ranges::find(open, true) != open.end(); ++pass) {
    std::vector<double> centre(p);
    for (std::size_t j = 0; j < p; ++j)
      if (open[j]) centre[j] = Powered(m.mean[j], yeo_johnson).at(lambda[j]).value;
    constexpr std::size_t parts = 7;  // y, y^2, y', y y', y'^2, y y'', y''
    std::vector<double> sums =
        reduce<Sums>(x.to(cpu), [&](const Leaf& leaf, Stream&) {
          Sums s{std::vector<double>(p * (parts + 1))};
          visit_floating(leaf.tile.dtype, [&](auto tag) {
            using T = typename decltype(tag)::type;
            for (std::int64_t i = 0; i < leaf.tile.rows; ++i) {
              const T* row = leaf.tile.as<const T>() + i * leaf.tile.stride;
              for (std::size_t j = 0; j < p; ++j) {
                if (!open[j] || std::isnan(row[j])) continue;
                const Powered of(static_cast<double>(row[j]), yeo_johnson);
                const Phi y = of.at(lambda[j]);
                const double d = y.value - centre[j];
                const double terms[] = {
                    d,        d * d,     y.first, d * y.first, y.first * y.first, d * y.second,
                    y.second, of.slope()};
                for (std::size_t t = 0; t <= parts; ++t) s.values[j * (parts + 1) + t] += terms[t];
              }
            }
          });
          return s;
        }).values;
    for (std::size_t j = 0; j < p; ++j) {
      if (!open[j]) continue;
      const double n = m.count[j];
      const double* s = sums.data() + j * (parts + 1);
      const double y = s[0] / n, y1 = s[2] / n, y2 = s[6] / n;
      const double var = s[1] / n - y * y;
      const double var1 = 2.0 * (s[3] / n - y * y1);
      const double var2 = 2.0 * (s[4] / n + s[5] / n - y1 * y1 - y * y2);
      const double slope = -0.5 * n * var1 / var + s[7];
      const double curve = -0.5 * n * (var2 / var - var1 / var * (var1 / var));
      if (!std::isfinite(slope) || var <= 0.0) {  // too far out
        (lambda[j] > 1.0 ? high : low)[j] = lambda[j];
        lambda[j] = 0.5 * (lambda[j] + 1.0);
        continue;
      }
      (slope > 0.0 ? low : high)[j] = lambda[j];
      double next =
          curve < 0.0 ? lambda[j] - slope / curve : lambda[j] + (slope > 0.0 ? 1.0 : -1.0);
      next = std::clamp(next, lambda[j] - 2.0, lambda[j] + 2.0);
      if (!(next > low[j] && next < high[j])) next = 0.5 * (low[j] + high[j]);
      open[j] = std::abs(next - lambda[j]) > 1e-10 * std::max(1.0, std::abs(next));
      lambda[j] = next;
    }
  }
  lambdas_ = detail::vector_value(lambda, x.dtype(), x.comm()).as<Array>();
  scaler_.reset();
  if (!params.standardize) return;
  auto scaler = std::make_shared<StandardScaler>();
  scaler->fit(powers(x));
  scaler_ = std::move(scaler);
}

Rows PowerTransformer::powers(const Rows& x) const {
  return detail::map_each_row(
      x, x.cols(), *this, true,
      [lambda = detail::doubles_of(lambdas_),
       yeo_johnson = params.method == "yeo-johnson"]<class T>(std::span<const T> row, T* out) {
        for (std::size_t j = 0; j < row.size(); ++j) {
          const auto v = static_cast<double>(row[j]);
          if (!yeo_johnson && v <= 0.0)
            throw ValueError(
                "The Box-Cox transformation can only be applied to strictly positive data");
          const Powered of(v, yeo_johnson);
          const double power = of.negative ? 2.0 - lambda[j] : lambda[j];
          const double y = power == 0.0 ? of.log : std::expm1(power * of.log) / power;
          out[j] = static_cast<T>(of.negative ? -y : y);
        }
      });
}

Rows PowerTransformer::do_transform(const Rows& x) const {
  return scaler_ ? scaler_->transform_rows(powers(x)) : powers(x);
}

Rows PowerTransformer::do_inverse_transform(const Rows& x) const {
  detail::require_width(x, *this);
  const Rows y = scaler_ ? scaler_->inverse_transform_rows(x) : x;
  return detail::map_each_row(
      y, x.cols(), *this, true,
      [lambda = detail::doubles_of(lambdas_),
       yeo_johnson = params.method == "yeo-johnson"]<class T>(std::span<const T> row, T* out) {
        for (std::size_t j = 0; j < row.size(); ++j)
          out[j] =
              static_cast<T>(inverse_power(static_cast<double>(row[j]), lambda[j], yeo_johnson));
      });
}

namespace detail {
const EstimatorType& power_transformer() { return PowerTransformer::describe(); }
}  // namespace detail

}  // namespace tessera
