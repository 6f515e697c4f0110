// What a fitted PCA does with rows, and the normal distribution that it stands for.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include <tessera/estimators/decomposition/centred.hpp>
#include <tessera/estimators/decomposition/pca.hpp>
#include <tessera/estimators/range.hpp>
#include <tessera/linalg/kernels/kernels.hpp>
#include <tessera/linalg/small.hpp>
#include <tessera/runtime/reduce.hpp>

namespace tessera {
namespace {

using detail::behind;
using detail::centred;
using detail::multiply_centred;
using linalg::Small;
using linalg::Transpose;
namespace small = linalg::small;

std::vector<double> wide(const Array& a) {
  const auto values = a.astype(DType::float64);
  return {values.values<double>().begin(), values.values<double>().end()};
}

}  // namespace

/// What a fitted model says of variances, with data times 2^exponent so that their dtype holds it.
struct PCA::Scaled {
  int exponent = 0;
  std::vector<double> mean;
  std::vector<double> variance;
  std::vector<double> powers;  // 2^exponent for every column, nothing for 1

  explicit Scaled(const PCA& model)
      : mean(wide(model.mean_)), variance(wide(model.explained_variance_)) {
    if (model.n_components_ == 0 || model.n_samples_ < 2) return;
    const auto singular = wide(model.singular_values_);
    const double root = std::sqrt(static_cast<double>(model.n_samples_ - 1));
    if (!std::isfinite(singular[0]))
      throw ValueError("PCA: singular_values_ leaves the range of float64: scale X first");
    exponent = detail::exponent_for(singular[0] / root, model.components_.dtype());
    if (exponent == 0) return;
    powers.assign(mean.size(), std::ldexp(1.0, exponent));
    for (double& v : mean) v = std::ldexp(v, exponent);
    for (std::size_t i = 0; i < variance.size(); ++i)
      variance[i] = std::pow(std::ldexp(singular[i], exponent) / root, 2);
  }
  std::vector<double> deviations() const {
    std::vector<double> roots;
    for (const double v : variance) roots.push_back(std::sqrt(v));
    return roots;
  }
};

Rows PCA::do_transform(const Rows& x) const {
  std::vector<double> mean = wide(mean_), powers, scale;
  if (params.whiten) {
    const Scaled model(*this);
    mean = model.mean;
    powers = model.powers;
    scale = model.deviations();
    const double least = components_.dtype() == DType::float32
                             ? static_cast<double>(std::numeric_limits<float>::epsilon())
                             : std::numeric_limits<double>::epsilon();
    for (double& v : scale) v = std::max(v, least);
  }
  return map_rows(x, {x.rows(), n_components_}, x.dtype(),
                  [components = components_.astype(x.dtype()).to(x.device()), mean, powers, scale,
                   names = feature_names_in_](const Leaf& in, const Tile& out, Stream& stream) {
                    multiply_centred(stream, in.tile, mean, powers, components.local(),
                                     Transpose::yes, out);
                    if (!scale.empty()) linalg::kernels().standardize(stream, out, {}, scale, out);
                    if (linalg::kernels().all_finite(stream, out)) return;
                    require_finite(in, "X", class_name, false, names);
                    const auto c = detail::wide_values(components.local());
                    const long double power = powers.empty() ? 1.0 : powers[0];
                    detail::repair(in, out, "PCA.transform",
                                   [&](const std::vector<long double>& row, std::size_t i) {
                                     long double sum = 0;
                                     for (std::size_t j = 0; j < row.size(); ++j)
                                       sum += (row[j] * power - mean[j]) * c[i * row.size() + j];
                                     return scale.empty() ? sum : sum / scale[i];
                                   });
                  });
}

Rows PCA::do_inverse_transform(const Rows& x) const {
  if (x.cols() != n_components_)
    throw ValueError(
        fmt::format("X has {} columns, but this PCA has {} components", x.cols(), n_components_));
  std::vector<double> scale;
  if (params.whiten) {
    const Scaled model(*this);
    for (const double v : model.deviations()) scale.push_back(std::ldexp(v, -model.exponent));
  }
  return map_rows(x, {x.rows(), n_features_in_}, x.dtype(),
                  [components = components_.astype(x.dtype()).to(x.device()), mean = wide(mean_),
                   scale](const Leaf& in, const Tile& out, Stream& stream) {
                    Tile scores = in.tile;
                    scores.data =
                        stream.scratch(static_cast<std::size_t>(scores.rows * scores.cols) *
                                       size_of(scores.dtype));
                    scores.stride = scores.cols;
                    linalg::kernels().unstandardize(stream, in.tile, {}, scale, scores);
                    linalg::kernels().gemm(stream, 1.0, scores, Transpose::no, components.local(),
                                           Transpose::no, 0.0, out);
                    linalg::kernels().unstandardize(stream, out, mean, {}, out);
                    if (linalg::kernels().all_finite(stream, out)) return;
                    require_finite(in, "X", class_name);
                    const auto c = detail::wide_values(components.local());
                    detail::repair(in, out, "PCA.inverse_transform",
                                   [&](const std::vector<long double>& row, std::size_t j) {
                                     long double sum = mean[j];
                                     for (std::size_t i = 0; i < row.size(); ++i)
                                       sum += row[i] * (scale.empty() ? 1.0 : scale[i]) *
                                              c[i * mean.size() + j];
                                     return sum;
                                   });
                  });
}

/// The probabilistic model of the data times 2^exponent: a normal distribution with the variances
/// `along` the components and `noise` elsewhere. With whiten scikit-learn scales the components by
/// the standard deviations here, and so do we.
struct PCA::Density : PCA::Scaled {
  const char* method;
  std::int64_t p;
  std::int64_t others;  // dimensions without a component
  double noise;
  std::vector<double> along;

  Density(const PCA& model, const char* name)
      : Scaled(model),
        method(name),
        p(model.n_features_in_),
        others(p - model.n_components_),
        noise(std::ldexp(model.noise_variance_, 2 * exponent)) {
    if (model.params.whiten && exponent != 0)
      throw ValueError(
          fmt::format("PCA.{} of a whitened model whose variances leave the range of its dtype is "
                      "not supported; scale X first",
                      method));
    if (others > 0 && std::isinf(noise))
      throw ValueError(fmt::format(
          "PCA.{} needs noise_variance_, which leaves the range of float64: scale X first",
          method));
    for (const double v : variance)
      along.push_back((model.params.whiten ? v : 1.0) * std::max(v - noise, 0.0) + noise);
  }

  /// LinAlgError unless the covariance has an inverse.
  void require_regular() const {
    // What is left of the squares outside the components is a difference of sums; from there down
    // it is rounding, and so would be the result. scikit-learn has -inf, a LinAlgError or 1e16.
    const double largest =
        variance.empty() ? 0.0 : *std::max_element(variance.begin(), variance.end());
    if (others > 0 && !(noise > std::numeric_limits<double>::epsilon() * largest))
      throw LinAlgError(fmt::format(
          "PCA.{} needs noise_variance_ > 0 when there are fewer components than features, got "
          "{:.3g} for {} components of {} features: keep fewer than min(n_samples - 1, n_features) "
          "components, so that some variance is left",
          method, std::ldexp(noise, -2 * exponent), along.size(), p));
    for (const double v : along)
      if (!(v > 0.0))
        throw LinAlgError(fmt::format(
            "PCA.{} needs a regular covariance, but there are components without variance",
            method));
  }

  /// Twice the negative logarithm of the density of the data at their mean.
  double log_volume() const {
    double sum = static_cast<double>(p) * (std::log(2.0 * M_PI) - 2 * exponent * M_LN2);
    for (const double v : along) sum += std::log(v);
    if (others > 0) sum += static_cast<double>(others) * std::log(noise);
    return sum;
  }

  /// The squared distance from the mean in units of the standard deviations, for rows with that sum
  /// of `squares`, and of the squares of their projections on each component.
  double distance(double squares, std::span<const double> projected) const {
    double sum = 0.0;
    for (std::size_t j = 0; j < along.size(); ++j) {
      sum += projected[j] / along[j];
      squares -= projected[j];
    }
    return others > 0 ? sum + std::max(squares, 0.0) / noise : sum;
  }
};

Array PCA::covariance(bool inverse) const {
  const std::int64_t k = n_components_;
  const std::int64_t p = n_features_in_;
  const Density model(*this, inverse ? "get_precision" : "get_covariance");
  std::vector<double> along = model.along;
  double rest = model.noise;
  if (inverse) {
    model.require_regular();
    for (double& v : along) v = 1.0 / v;
    rest = rest > 0.0 ? 1.0 / rest : 0.0;
  }
  // C^T diag(along - rest) C + rest I, for the components are orthonormal.
  const Communicator& comm = components_.comm();
  const auto matrix = on_root<std::vector<double>>(comm, [&] {
    const Small components(k, p, wide(components_));
    Small weighted = components;
    for (std::int64_t i = 0; i < k; ++i)
      for (double& v : weighted.row(i)) v *= along[static_cast<std::size_t>(i)] - rest;
    Small out = small::product(components, weighted, Transpose::yes);
    for (std::int64_t j = 0; j < p; ++j) out.at(j, j) += rest;
    return std::move(out.values());
  });
  return detail::scaled_back(matrix, (inverse ? 2 : -2) * model.exponent, {p, p},
                             components_.dtype(), comm,
                             inverse ? "PCA.get_precision" : "PCA.get_covariance");
}

Rows PCA::do_score_samples(const Rows& x) const {
  const std::int64_t k = n_components_;
  const Density model(*this, "score_samples");
  model.require_regular();
  const auto compute = [=, components = components_.astype(x.dtype()), volume = model.log_volume()](
                           const Leaf& in, const Tile& out, Stream& stream) {
    const Tile xc = centred(stream, in.tile, model.mean, in.tile.rows * k, model.powers);
    const Tile t = behind(xc, in.tile.rows, k);
    linalg::kernels().gemm(stream, 1.0, xc, Transpose::no, components.local(), Transpose::yes, 0.0,
                           t);
    std::vector<double> projected(static_cast<std::size_t>(k));
    visit_floating(out.dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      const auto square = [](T v) { return static_cast<double>(v) * static_cast<double>(v); };
      for (std::int64_t i = 0; i < xc.rows; ++i) {
        const T* row = xc.as<const T>() + i * xc.stride;
        const double squares = std::accumulate(row, row + xc.cols, 0.0,
                                               [&](double sum, T v) { return sum + square(v); });
        std::transform(t.as<const T>() + i * k, t.as<const T>() + (i + 1) * k, projected.begin(),
                       square);
        out.as<T>()[i * out.stride] =
            static_cast<T>(-0.5 * (model.distance(squares, projected) + volume));
      }
    });
    if (linalg::kernels().all_finite(stream, out)) return;
    require_finite(in, "X", class_name);
    detail::require_no_overflow(in, out, "PCA.score_samples");
  };
  return map_rows(x.to(cpu), {x.rows()}, x.dtype(), compute).to(x.device());
}

double PCA::do_score(const Rows& x, const Array&, const Array&) const {
  const std::int64_t k = n_components_;
  const std::int64_t p = n_features_in_;
  const Density model(*this, "score");
  model.require_regular();
  const Array components = components_.astype(x.dtype()).to(x.device());
  // Squares of the centred rows by column, then of their projection on each component.
  const std::int64_t leaf_rows = x.distribution().leaf_rows();
  const auto squares = reduce(
      x, p + k,
      [&](const Leaf& run, const Tile& out, Stream& stream) {
        const Tile xc = centred(stream, run.tile, model.mean, run.tile.rows * k, model.powers);
        const Tile t = behind(xc, run.tile.rows, k);
        linalg::kernels().gemm(stream, 1.0, xc, Transpose::no, components.local(), Transpose::yes,
                               0.0, t);
        linalg::kernels().leaf_squares(stream, xc, leaf_rows, out.columns(0, p));
        linalg::kernels().leaf_squares(stream, t, leaf_rows, out.columns(p, k));
      },
      Merging::by_value(linalg::kernels().add));
  const double total = std::accumulate(squares.begin(), squares.begin() + p, 0.0);
  if (!std::isfinite(total)) require_finite(x, "X", name());
  const double distances =
      model.distance(total, std::span(squares).subspan(static_cast<std::size_t>(p)));
  const double volume = model.log_volume();
  if (!std::isfinite(distances) || !std::isfinite(volume))
    throw ValueError("PCA.score leaves the range of float64: scale X first");
  return -0.5 * (distances / static_cast<double>(x.rows()) + volume);
}

}  // namespace tessera
