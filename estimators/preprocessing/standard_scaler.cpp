#include <tessera/estimators/preprocessing/standard_scaler.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <tessera/linalg/kernels/kernels.hpp>
#include <tessera/linalg/moments.hpp>

namespace tessera {
namespace {

// scikit-learn's bound on the rounding error of a variance that is accumulated in float64, whatever
// the data are: below it a column counts as constant.
bool is_constant(double variance, double mean, double n) {
  constexpr double eps = std::numeric_limits<double>::epsilon();
  const double by_mean = n * mean * eps;
  return variance <= n * eps * variance + by_mean * by_mean;
}

std::span<const double> span_of(const Value& v) {
  return v.is<Array>() ? v.as<Array>().values<double>() : std::span<const double>{};
}

}  // namespace

const std::vector<Field<StandardScalerParams>>& StandardScaler::parameter_list() {
  static const std::vector<Field<Params>> list = {
      parameter("copy", &Params::copy, boolean(),
                "accepted for compatibility: inputs are never modified"),
      parameter("with_mean", &Params::with_mean, boolean(), "subtract the mean of each column"),
      parameter("with_std", &Params::with_std, boolean(),
                "divide by the standard deviation of each column"),
  };
  return list;
}

const std::vector<Field<StandardScaler>>& StandardScaler::attribute_list() {
  static const std::vector<Field<StandardScaler>> list = {
      attribute("mean_", &StandardScaler::mean_),
      attribute("var_", &StandardScaler::var_),
      attribute("scale_", &StandardScaler::scale_),
      attribute("n_samples_seen_", &StandardScaler::n_samples_seen_),
  };
  return list;
}

void StandardScaler::check_attributes() const {
  for (const auto& [key, value] : {std::pair{"mean_", &mean_}, {"scale_", &scale_}}) {
    if (value->is_none()) continue;
    require_attribute(key, value->is<Array>() ? value->as<Array>() : Array{}, {n_features_in_});
    if (value->as<Array>().dtype() != DType::float64)
      throw ValueError(std::string("the model's attribute '") + key + "' must be float64");
  }
}

void StandardScaler::do_fit(const Rows& x, const Array&, const Array& sample_weight) {
  const auto m = linalg::column_moments(x, sample_weight);
  const std::size_t p = m.mean.size();
  if (!std::all_of(m.m2.begin(), m.m2.end(), [](double v) { return std::isfinite(v); }))
    require_finite(x, "X", name(), true);

  std::vector<double> var(p);
  std::vector<double> scale(p);
  for (std::size_t j = 0; j < p; ++j) {
    var[j] = m.m2[j] / m.count[j];  // NaN for a column of NaN, as in scikit-learn
    scale[j] = is_constant(var[j], m.mean[j], m.count[j]) ? 1.0 : std::sqrt(var[j]);
  }
  const Shape shape = {x.cols()};
  const auto as_array = [&](const std::vector<double>& v) {
    return Value(replicated(v, shape, x.comm()));
  };
  mean_ = params.with_mean || params.with_std ? as_array(m.mean) : Value();
  var_ = params.with_std ? as_array(var) : Value();
  scale_ = params.with_std ? as_array(scale) : Value();
  if (std::any_of(m.count.begin(), m.count.end(), [&](double c) { return c != m.count[0]; }))
    n_samples_seen_ = as_array(m.count);
  else if (sample_weight)
    n_samples_seen_ = m.count[0];
  else
    n_samples_seen_ = static_cast<std::int64_t>(m.count[0]);
}

Rows StandardScaler::do_transform(const Rows& x) const {
  return map_rows(x, x.shape(), x.dtype(),
                  [self = *this](const Leaf& in, const Tile& out, Stream& stream) {
                    linalg::kernels().standardize(
                        stream, in.tile,
                        self.params.with_mean ? span_of(self.mean_) : std::span<const double>{},
                        span_of(self.scale_), out);
                    if (!linalg::kernels().all_finite(stream, out))
                      require_finite(in, "X", self.name(), true);
                  });
}

Rows StandardScaler::do_inverse_transform(const Rows& x) const {
  if (x.cols() != n_features_in_)
    throw ValueError(fmt::format("X has {} features, but {} is expecting {} features as input.",
                                 x.cols(), name(), n_features_in_));
  return map_rows(x, x.shape(), x.dtype(),
                  [self = *this](const Leaf& in, const Tile& out, Stream& stream) {
                    linalg::kernels().unstandardize(
                        stream, in.tile,
                        self.params.with_mean ? span_of(self.mean_) : std::span<const double>{},
                        span_of(self.scale_), out);
                    if (!linalg::kernels().all_finite(stream, out))
                      require_finite(in, "X", self.name(), true);
                  });
}

}  // namespace tessera
