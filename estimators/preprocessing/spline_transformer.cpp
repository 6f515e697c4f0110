#include <tessera/estimators/preprocessing/spline_transformer.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <tessera/array/elementwise.hpp>
#include <tessera/array/quantile.hpp>
#include <tessera/estimators/preprocessing/column_scaler.hpp>
#include <tessera/estimators/preprocessing/row_map.hpp>
#include <tessera/runtime/row_set.hpp>

namespace tessera {
namespace {

/// The B-splines of some degree over the knots of one column.
class Basis {
 public:
  Basis(std::vector<double> knots, std::int64_t degree)
      : t_(std::move(knots)), k_(static_cast<std::size_t>(degree)) {}
  std::size_t count() const { return t_.size() - k_ - 1; }
  double low() const { return t_[k_]; }
  double high() const { return t_[count()]; }

  /// Adds weight times all splines at x to out; outside of the base interval the polynomials at its
  /// ends (de Boor's recurrence). Spline j goes to out[j % period].
  void add(double x, double* out, double weight, std::size_t period) const {
    double values[max_degree + 1];
    const std::size_t i = nonzero(x, k_, values);
    for (std::size_t m = 0; m <= k_; ++m) out[(i - k_ + m) % period] += weight * values[m];
  }
  /// The same of the first derivatives.
  void add_slopes(double x, double* out, double weight, std::size_t period) const {
    if (k_ == 0) return;
    double values[max_degree + 1];
    const std::size_t i = nonzero(x, k_ - 1, values);
    for (std::size_t m = 0; m < k_; ++m) {
      const std::size_t j = i - k_ + 1 + m;  // spline of the lower degree
      const double width = t_[j + k_] - t_[j];
      if (width == 0.0) continue;
      const double slope = weight * static_cast<double>(k_) * values[m] / width;
      out[j % period] += slope;
      out[(j - 1) % period] -= slope;
    }
  }
  static constexpr std::size_t max_degree = 30;

 private:
  // The `degree` + 1 splines that are not zero at x; returns the last one's number.
  std::size_t nonzero(double x, std::size_t degree, double* values) const {
    const auto first = t_.begin() + static_cast<std::ptrdiff_t>(k_);
    const auto last = t_.begin() + static_cast<std::ptrdiff_t>(count());
    const auto i = static_cast<std::size_t>(std::upper_bound(first + 1, last, x) - t_.begin()) - 1;
    values[0] = 1.0;
    for (std::size_t d = 1; d <= degree; ++d) {
      double carried = 0.0;
      for (std::size_t m = 0; m < d; ++m) {
        const double right = t_[i + m + 1], left = t_[i + m + 1 - d];
        const double share = right == left ? 0.0 : values[m] / (right - left);
        values[m] = carried + (right - x) * share;
        carried = (x - left) * share;
      }
      values[d] = carried;
    }
    return i;
  }

  std::vector<double> t_;
  std::size_t k_;
};

}  // namespace

const EstimatorType& SplineTransformer::describe() {
  using Self = SplineTransformer;
  static const auto type = EstimatorType::of<Self>(
      "B-splines of features",
      {parameter("n_knots", &Params::n_knots, integers(2), "how many, where knots are not given"),
       parameter("degree", &Params::degree,
                 integers(0, static_cast<std::int64_t>(Basis::max_degree)), "of the polynomials"),
       parameter("knots", &Params::knots, words({"uniform", "quantile"}) | array(),
                 "evenly between the extremes, at quantiles, or these (n_knots, n_features)"),
       parameter("extrapolation", &Params::extrapolation,
                 words({"error", "constant", "linear", "continue", "periodic"}),
                 "what becomes of values beyond the knots"),
       parameter("include_bias", &Params::include_bias, boolean(),
                 "the last spline of every feature, too: all add up to 1"),
       parameter("order", &Params::order, words({"C", "F"}),
                 "accepted for compatibility: results lie by rows"),
       parameter("handle_missing", &Params::handle_missing, words({"error", "zeros"}),
                 "what becomes of NaN"),
       parameter("sparse_output", &Params::sparse_output, boolean(),
                 "True is not supported: results are dense")},
      {attribute("knots_", &Self::knots_,
                 [](const Self& s) {
                   return array({s.knots_ ? s.knots_.rows() : 0, s.n_features_in_},
                                {.dtypes = {DType::float64}});
                 }),
       attribute("n_features_out_", &Self::n_features_out_, integers(1))},
      {method("fit", &Self::do_fit, "places the knots"),
       method("transform", &Self::do_transform, "the splines of the values",
              {.column_names = &Self::names_out})});
  return type;
}

// Of each column, before the bias is left out.
std::int64_t SplineTransformer::splines() const {
  const std::int64_t base = knots_.rows() - 2 * params.degree;
  return params.extrapolation == "periodic" ? base - 1 : base + params.degree - 1;
}

std::vector<std::string> SplineTransformer::names_out(const Estimator& e,
                                                      const std::vector<std::string>& of_x) {
  const auto& self = static_cast<const SplineTransformer&>(e);
  const std::int64_t each = self.splines() - (self.params.include_bias ? 0 : 1);
  std::vector<std::string> names;
  for (const auto& name : of_x)
    for (std::int64_t j = 0; j < each; ++j) names.push_back(fmt::format("{}_sp_{}", name, j));
  return names;
}

void SplineTransformer::do_fit(const Rows& x, const Array&, const Array& sample_weight) {
  if (params.sparse_output)
    throw NotImplementedError("SplineTransformer: sparse_output=True is not supported");
  if (x.rows() < 2)
    throw ValueError(
        fmt::format("Found array with 1 sample(s) (shape={}) while a minimum of 2 is required: {} "
                    "needs at least 2 samples",
                    to_string(x.shape()), name()));
  const bool zeros = params.handle_missing == "zeros";
  require_finite(x, "X", name(), zeros);
  const std::int64_t p = x.cols();
  std::vector<double> base;  // (n, p)
  std::int64_t n = params.n_knots;
  if (params.knots.is<Array>()) {
    const Array& given = params.knots.as<Array>();
    if (given.ndim() != 2 || given.rows() < 2)
      throw ValueError("Number of knots, knots.shape[0], must be >= 2.");
    if (given.cols() != p) throw ValueError("knots.shape[1] == n_features is violated.");
    base = detail::doubles_of(params.knots);
    n = given.rows();
    for (std::size_t i = static_cast<std::size_t>(p); i < base.size(); ++i)
      if (!(base[i] > base[i - static_cast<std::size_t>(p)]))
        throw ValueError("knots must be sorted without duplicates.");
  } else {
    std::vector<double> shares;
    for (std::int64_t i = 0; i < n; ++i)
      shares.push_back(static_cast<double>(i) / static_cast<double>(n - 1));
    if (params.knots.is_word("quantile")) {
      base = detail::doubles_of(
          quantile(x, shares,
                   {.method = sample_weight ? QuantileMethod::inverted_cdf : QuantileMethod::linear,
                    .ignore_nan = true,
                    .weights = sample_weight}));
    } else {
      Rows some = x;
      if (sample_weight) some = select(x, RowSet::of_mask(greater(sample_weight.to(cpu), 0.0)));
      auto ends = detail::extremes(some, name());
      for (const double share : shares)
        for (std::size_t j = 0; j < static_cast<std::size_t>(p); ++j) {
          const double low = std::isnan(ends.low[j]) ? 0.0 : ends.low[j];
          const double high = std::isnan(ends.high[j]) ? 0.0 : ends.high[j];
          base.push_back(share == 1.0 ? high : low + share * (high - low));
        }
    }
  }
  const std::int64_t k = params.degree;
  const bool periodic = params.extrapolation == "periodic";
  if (periodic && n <= k)
    throw ValueError(fmt::format(
        "Periodic splines require degree < n_knots. Got n_knots={} and degree={}.", n, k));
  const auto at = [&](std::int64_t i, std::int64_t j) {
    return base[static_cast<std::size_t>(i * p + j)];
  };
  std::vector<double> all;
  for (std::int64_t i = -k; i < n + k; ++i)
    for (std::int64_t j = 0; j < p; ++j) {
      const double first = at(0, j), last = at(n - 1, j), period = last - first;
      if (i < 0)
        all.push_back(periodic ? at(n - 1 + i, j) - period
                               : first + static_cast<double>(i) * (at(1, j) - first));
      else if (i >= n)
        all.push_back(periodic ? at(i - n + 1, j) + period
                               : last + static_cast<double>(i - n + 1) * (last - at(n - 2, j)));
      else
        all.push_back(at(i, j));
    }
  knots_ = replicated(all, {n + 2 * k, p}, x.comm());
  n_features_out_ = p * (splines() - (params.include_bias ? 0 : 1));
}

Rows SplineTransformer::do_transform(const Rows& x) const {
  const auto all = detail::doubles_of(knots_);
  const auto p = static_cast<std::size_t>(n_features_in_);
  std::vector<Basis> bases;
  for (std::size_t j = 0; j < p; ++j) {
    std::vector<double> own;
    for (std::size_t i = j; i < all.size(); i += p) own.push_back(all[i]);
    bases.emplace_back(std::move(own), params.degree);
  }
  const auto count = static_cast<std::size_t>(splines());
  const std::size_t width = count - (params.include_bias ? 0 : 1);
  const std::string beyond = params.extrapolation;
  return detail::map_each_row(
      x, n_features_out_, *this, params.handle_missing == "zeros",
      [=]<class T>(std::span<const T> row, T* out) {
        std::vector<double> splines(count);
        for (std::size_t j = 0; j < p; ++j, out += width) {
          const Basis& basis = bases[j];
          const double low = basis.low(), high = basis.high();
          double v = static_cast<double>(row[j]);
          std::ranges::fill(splines, 0.0);
          if (std::isfinite(v)) {
            if (beyond == "periodic") {
              const double period = high - low;
              v = period > 0.0 ? std::fmod(v - low, period) : -low;
              v = low + (v < 0.0 && period > 0.0 ? v + period : v);
            } else if (beyond == "error" && (v < low || v > high)) {
              throw ValueError("`X` contains values beyond the limits of the knots.");
            }
            const bool clamps = beyond == "constant" || beyond == "linear";
            const double nearest = clamps ? std::clamp(v, low, high) : v;
            basis.add(nearest, splines.data(), 1.0, count);
            if (beyond == "linear" && nearest != v)
              basis.add_slopes(nearest, splines.data(), v - nearest, count);
          }
          for (std::size_t s = 0; s < width; ++s) out[s] = static_cast<T>(splines[s]);
        }
      });
}

namespace detail {
const EstimatorType& spline_transformer() { return SplineTransformer::describe(); }
}  // namespace detail

}  // namespace tessera
