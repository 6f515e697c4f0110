#include <tessera/estimators/preprocessing/power_transformer.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include <tessera/estimators/common_parameters.hpp>
#include <tessera/estimators/kernels/cpu/power.hpp>
#include <tessera/estimators/preprocessing/column_scaler.hpp>
#include <tessera/estimators/preprocessing/row_map.hpp>
#include <tessera/estimators/preprocessing/standard_scaler.hpp>
#include <tessera/linalg/moments.hpp>
#include <tessera/runtime/reduce.hpp>

namespace tessera {

using namespace common;
namespace {

using detail::Extremes;
using on_cpu::Power;

constexpr const char* not_positive =
    "The Box-Cox transformation can only be applied to strictly positive data";

// Calls f(column, first row, values) for some rows of every column, in float64.
template <class F>
void for_each_column(const Tile& tile, const F& f) {
  constexpr std::int64_t most = 256;  // rows that stay in the cache for all columns
  std::vector<double> column(most);
  visit_floating(tile.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (std::int64_t begin = 0; begin < tile.rows; begin += most) {
      const std::int64_t n = std::min(most, tile.rows - begin);
      for (std::int64_t j = 0; j < tile.cols; ++j) {
        const T* x = tile.as<const T>() + begin * tile.stride + j;
        for (std::int64_t i = 0; i < n; ++i)
          column[static_cast<std::size_t>(i)] = static_cast<double>(x[i * tile.stride]);
        f(static_cast<std::size_t>(j), begin, std::span(column).first(static_cast<std::size_t>(n)));
      }
    }
  });
}

/// The exponents of all columns together: Newton's steps on the concave likelihood
/// -n/2 log var(y) + (lambda - 1) sum slope, between bounds that its derivative gives.
class Search {
 public:
  /// `ends` are those of all rows, of which x may be some.
  Search(const Rows& x, bool yeo_johnson, const Extremes& ends, std::vector<double>& lambda)
      : x_(x.to(cpu)),
        yeo_johnson_(yeo_johnson),
        moments_(linalg::column_moments(x)),
        lambda_(lambda) {
    for (std::size_t j = 0; j < lambda.size(); ++j) {  // a constant column stays as it is
      // scikit-learn's bound on the rounding error of a variance.
      const double n = moments_.count[j], eps = std::numeric_limits<double>::epsilon();
      const double v = moments_.m2[j] / n, by_mean = n * moments_.mean[j] * eps;
      open_.push_back(v > n * eps * v + by_mean * by_mean);
      if (!open_[j]) lambda[j] = 1.0;
      bound(ends.low[j], ends.high[j]);
    }
  }
  /// Until steps are below `tolerance`, whose squares are what is left then.
  void run(double tolerance) {
    constexpr int most_passes = 100;
    for (int pass = 0; pass < most_passes && std::ranges::find(open_, true) != open_.end(); ++pass)
      step(tolerance);
  }

 private:
  // SciPy's bounds: 20 times the largest value has a power whose square is in the range of the
  // dtype.
  void bound(double least, double most) {
    double low = -1e3, high = 1e3;
    if (yeo_johnson_)
      visit_floating(x_.dtype(), [&](auto tag) {
        using Limits = std::numeric_limits<typename decltype(tag)::type>;
        const double digits = std::log(double{Limits::epsilon()});
        const double size = std::log1p(20.0 * std::max(std::abs(least), std::abs(most)));
        low = 0.5 * (std::log(double{Limits::min()}) - digits) / size;
        high = 0.5 * (std::log(double{Limits::max()}) + digits) / size;
        if (least < 0.0) {
          const double other = most < 0.0 ? 2.0 - high : std::max(2.0 - high, low);
          high = most < 0.0 ? 2.0 - low : std::min(2.0 - low, high);
          low = other;
        }
      });
    low_.push_back(low);
    high_.push_back(high);
  }
  Power power(std::size_t j) const { return {lambda_[j], yeo_johnson_}; }

  void step(double tolerance) {
    constexpr std::size_t parts = on_cpu::power_parts;
    const std::size_t p = lambda_.size();
    std::vector<double> centre(p);
    for (std::size_t j = 0; j < p; ++j) on_cpu::powers(power(j), &moments_.mean[j], 1, &centre[j]);
    const auto sums = reduce<Sums>(x_, [&](const Leaf& leaf, Stream&) {
                        Sums s{std::vector<double>(p * parts)};
                        for_each_column(leaf.tile, [&](std::size_t j, auto, auto column) {
                          if (open_[j])
                            on_cpu::add_powers(power(j), centre[j], column.data(), column.size(),
                                               s.values.data() + j * parts);
                        });
                        return s;
                      }).values;
    for (std::size_t j = 0; j < p; ++j)
      if (open_[j]) move(j, sums.data() + j * parts, tolerance);
  }

  void move(std::size_t j, const double* s, double tolerance) {
    double& lambda = lambda_[j];
    const double n = moments_.count[j];
    const double y = s[0] / n, y1 = s[2] / n, y2 = s[6] / n;
    const double var = s[1] / n - y * y;
    const double var1 = 2.0 * (s[3] / n - y * y1);
    const double var2 = 2.0 * (s[4] / n + s[5] / n - y1 * y1 - y * y2);
    const double slope = -0.5 * n * var1 / var + s[7];
    const double curve = -0.5 * n * (var2 / var - var1 / var * (var1 / var));
    if (!std::isfinite(slope) || var <= 0.0) {  // too far out
      (lambda > 1.0 ? high_ : low_)[j] = lambda;
      lambda = 0.5 * (lambda + 1.0);
      return;
    }
    (slope > 0.0 ? low_ : high_)[j] = lambda;
    const bool concave = curve < 0.0;
    const double newton = concave ? -slope / curve : slope > 0.0 ? 1.0 : -1.0;
    double step = std::clamp(newton, -2.0, 2.0);
    // The end before the bounds, for a step of nothing leads beyond one of them.
    open_[j] = !(concave && std::abs(step) <= tolerance * std::max(1.0, std::abs(lambda)));
    if (open_[j] && !(lambda + step > low_[j] && lambda + step < high_[j])) {
      step = 0.5 * (low_[j] + high_[j]) - lambda;
      open_[j] = std::abs(step) > 1e-8 * std::max(1.0, std::abs(lambda));
    }
    lambda += step;
  }

  Rows x_;
  bool yeo_johnson_;
  linalg::ColumnMoments moments_;
  std::vector<double>& lambda_;
  std::vector<double> low_, high_;
  std::vector<bool> open_;  // columns whose exponent is still to be found
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
  const Extremes ends = detail::extremes(x, name());
  const auto p = static_cast<std::size_t>(x.cols());
  for (std::size_t j = 0; j < p && !yeo_johnson; ++j) {
    if (ends.low[j] <= 0.0) throw ValueError(not_positive);
    if (ends.count[j] == 0.0) throw ValueError("Column must not be all nan.");
    if (ends.low[j] == ends.high[j]) throw ValueError("Data must not be constant.");
  }
  std::vector<double> lambda(p, 1.0);
  constexpr std::int64_t sample = 4096;
  if (x.rows() > 4 * sample) {  // some rows say where to start, so that few passes are left
    std::vector<std::int64_t> rows;
    for (std::int64_t i = 0; i < sample; ++i) rows.push_back(i * (x.rows() / sample));
    Search(take_rows(x, rows), yeo_johnson, ends, lambda).run(1e-3);
  }
  Search(x, yeo_johnson, ends, lambda).run(1e-6);
  lambdas_ = detail::vector_value(lambda, x.dtype(), x.comm()).as<Array>();
  scaler_.reset();
  if (!params.standardize) return;
  auto scaler = std::make_shared<StandardScaler>();
  scaler->fit(powers(x));
  scaler_ = std::move(scaler);
}

Rows PowerTransformer::powers(const Rows& x) const {
  return map_rows(
             x.to(cpu), x.shape(), x.dtype(),
             [lambda = detail::doubles_of(lambdas_), yeo_johnson = params.method == "yeo-johnson",
              names = feature_names_in_,
              called = std::string(name())](const Leaf& in, const Tile& out, Stream&) {
               std::vector<double> y;
               for_each_column(in.tile, [&](std::size_t j, std::int64_t begin, auto column) {
                 std::int64_t infinite = 0, low = 0;  // as wide as float64, for vectors
                 for (const double v : column) {
                   infinite |= (v == v) & (v - v != 0.0);
                   low |= v <= 0.0;
                 }
                 if (infinite) require_finite(in, "X", called, true, names);
                 if (!yeo_johnson && low) throw ValueError(not_positive);
                 y.resize(column.size());
                 on_cpu::powers({lambda[j], yeo_johnson}, column.data(), column.size(), y.data());
                 visit_floating(out.dtype, [&](auto tag) {
                   using T = typename decltype(tag)::type;
                   T* to = out.as<T>() + begin * out.stride + static_cast<std::int64_t>(j);
                   for (std::size_t i = 0; i < y.size(); ++i)
                     to[static_cast<std::int64_t>(i) * out.stride] = static_cast<T>(y[i]);
                 });
               });
             })
      .to(x.device());
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
