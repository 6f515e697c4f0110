#include <tessera/estimators/decomposition/pca.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <utility>

#include <tessera/estimators/common_parameters.hpp>
#include <tessera/estimators/decomposition/centred.hpp>
#include <tessera/estimators/range.hpp>
#include <tessera/linalg/gram.hpp>
#include <tessera/linalg/kernels/kernels.hpp>
#include <tessera/linalg/small.hpp>
#include <tessera/linalg/tsqr.hpp>
#include <tessera/runtime/random_state.hpp>
#include <tessera/runtime/reduce.hpp>

namespace tessera {

using namespace common;
namespace {

using detail::centred;
using detail::multiply_centred;
using detail::reshaped;
using linalg::Small;
using linalg::Transpose;
namespace small = linalg::small;

/// Singular values of the centred data, descending, with the directions as rows.
struct Spectrum {
  std::vector<double> singular;
  Small directions;
  Small to_left = {};  // p x components: centred rows times this are the left vectors, if not empty
  template <class Archive>
  void serialize(Archive& archive) {
    archive(singular, directions, to_left);
  }
};

Spectrum spectrum_of_gram(Small gram, Device device) {
  const small::Eigh e = small::eigh(std::move(gram), device);
  const std::int64_t p = e.vectors.rows();
  Spectrum s{{}, {p, p}};
  for (std::int64_t i = 0; i < p; ++i) {
    const std::int64_t from = p - 1 - i;
    s.singular.push_back(std::sqrt(std::max(0.0, e.values[static_cast<std::size_t>(from)])));
    std::ranges::copy(e.vectors.row(from), s.directions.row(i).begin());
  }
  return s;
}

Spectrum spectrum_of_triangle(Small r) {
  small::Svd f = small::svd(std::move(r));
  return {std::move(f.s), std::move(f.vt)};
}

// The largest entry of every direction becomes positive.
void fix_signs(Spectrum& spectrum) {
  for (std::int64_t i = 0; i < spectrum.directions.rows(); ++i) {
    const auto row = spectrum.directions.row(i);
    const auto largest = std::ranges::max_element(row, {}, [](double v) { return std::abs(v); });
    if (*largest >= 0) continue;
    std::ranges::transform(row, row.begin(), std::negate<>());
    for (std::int64_t j = 0; j < spectrum.to_left.rows(); ++j)
      spectrum.to_left.at(j, i) = -spectrum.to_left.at(j, i);
  }
}

// Sum over the leaves of Xc^T Xc Q, with Xc = x - mean and Q p x l.
Small apply_gram(const Rows& x, std::span<const double> mean, const Array& q) {
  const auto sums = reduce(
      x, q.size(),
      [&](const Leaf& run, const Tile& out, Stream& stream) {
        linalg::kernels().leaf_gram_product(stream, run.tile, x.distribution().leaf_rows(), mean,
                                            q.local(), out);
      },
      Merging::by_value(linalg::kernels().add));
  return {q.rows(), q.cols(), {sums.begin(), sums.end()}};
}

// Rows (x - mean) Q, computed when read.
Rows project(const Rows& x, std::vector<double> mean, Array q) {
  const std::int64_t l = q.cols();
  return map_rows(
      x, {x.rows(), l}, x.dtype(),
      [mean = std::move(mean), q = std::move(q)](const Leaf& in, const Tile& out, Stream& stream) {
        multiply_centred(stream, in.tile, mean, {}, q.local(), Transpose::no, out);
      });
}

// Sum over the leaves of Xc^T Z, with Z n x l and replicated: p x l, in float64.
Small apply_transposed(const Rows& x, std::span<const double> mean, const Array& z) {
  const Rows wide = x.as(DType::float64);
  const Array there = z.astype(DType::float64).to(x.device());
  const auto sums = reduce(
      wide, x.cols() * z.cols(),
      [&](const Leaf& run, const Tile& out, Stream& stream) {
        const std::int64_t leaf_rows = x.distribution().leaf_rows();
        for (std::int64_t i = 0; i < out.rows; ++i) {
          const Tile leaf = linalg::leaf_of_run(run.tile, leaf_rows, i);
          const Tile rows = there.local().slice(run.rows.begin + i * leaf_rows, leaf.rows);
          linalg::kernels().gemm(stream, 1.0, centred(stream, leaf, mean), Transpose::yes, rows,
                                 Transpose::no, 0.0, reshaped(out.slice(i, 1), x.cols(), z.cols()));
        }
      },
      Merging::by_value(linalg::kernels().add));
  return {x.cols(), z.cols(), {sums.begin(), sums.end()}};
}

// Of a square matrix; what rounding of data of that dtype leaves of missing ranks counts as zero.
Small pseudo_inverse(Small square, DType dtype) {
  const double eps = dtype == DType::float32
                         ? static_cast<double>(std::numeric_limits<float>::epsilon())
                         : std::numeric_limits<double>::epsilon();
  const double least = eps * static_cast<double>(square.rows());
  small::Svd f = small::svd(std::move(square));
  for (std::int64_t i = 0; i < f.vt.rows(); ++i)
    for (double& v : f.vt.row(i)) {
      const double s = f.s[static_cast<std::size_t>(i)];
      v = s > least * f.s[0] ? v / s : 0.0;
    }
  return small::product(f.vt, f.u, Transpose::yes, Transpose::yes);
}

// The l largest singular values of Xc that Halko's algorithm finds with scikit-learn's draws. It
// iterates on X, and here on X^T X, so that n x l matrices exist leaf by leaf only.
Spectrum randomized_svd(const Rows& x, const std::vector<double>& mean, std::int64_t components,
                        const PCAParams& params) {
  const std::int64_t p = x.cols();
  const std::int64_t smallest = std::min(x.rows(), p);
  const std::int64_t l = components + std::min(params.n_oversamples, smallest - components);
  const std::int64_t beyond = params.n_oversamples - (l - components);
  const bool few = static_cast<double>(components) < 0.1 * static_cast<double>(smallest);
  const std::int64_t iterations = params.iterated_power.is_word("auto")
                                      ? (few ? 7 : 4)
                                      : params.iterated_power.as<std::int64_t>();
  // scikit-learn transposes wide X: its test matrix has then a row for every row of X.
  const bool wide = x.rows() < p;
  const auto random = check_random_state(params.random_state);
  Small q(wide ? x.rows() : p, l);
  for (double& v : q.values()) v = random->normal();  // where l is all dimensions, any span them
  // scikit-learn draws for all oversamples; none of its users has memory for more than this.
  if (beyond < std::int64_t{1} << 20)
    for (std::int64_t i = q.rows() * beyond; i > 0; --i) random->normal();

  const auto matrix = [&](const Small& m) { return m.array(x.dtype(), x.comm()).to(x.device()); };
  const auto orthonormal = [&](const Small& columns) {
    return on_root<Small>(x.comm(), [&] { return small::orthonormal_columns(columns); });
  };
  q = orthonormal(wide ? apply_transposed(x, mean, matrix(q)) : q);
  for (std::int64_t i = 0; i < iterations; ++i) q = orthonormal(apply_gram(x, mean, matrix(q)));
  // The rows of B = Q^T X, with the orthonormal Q of X q, lie in the span of the columns z of X^T X
  // q, and in the R of [X q, X z] the upper right block is Q^T X z. Of wide X, Q is q.
  // Q is X q times the inverse of the R's first block, so the left vectors are X times a matrix,
  // too; those of wide X are X z over the singular values.
  Small both = q, before;
  if (!wide) {
    before = std::exchange(q, orthonormal(apply_gram(x, mean, matrix(q))));
    both = Small(p, 2 * l);
    for (std::int64_t j = 0; j < p; ++j) {
      std::ranges::copy(before.row(j), both.row(j).begin());
      std::ranges::copy(q.row(j), both.row(j).begin() + l);
    }
  }
  const Small r = linalg::tsqr(project(x, mean, matrix(both)));
  return on_root<Spectrum>(x.comm(), [&] {
    const small::Svd f = small::svd(r.first_rows(l).columns(r.cols() - l, l));
    Spectrum found{{f.s.begin(), f.s.begin() + components},
                   small::product(f.vt.first_rows(components), q, Transpose::no, Transpose::yes)};
    if (!wide)
      found.to_left = small::product(
          before, small::product(pseudo_inverse(r.first_rows(l).columns(0, l), x.dtype()),
                                 f.u.columns(0, components)));
    return found;
  });
}

std::string auto_solver(const Value& n_components, std::int64_t n, std::int64_t p) {
  const std::int64_t smallest = std::min(n, p);
  double wanted = static_cast<double>(smallest);
  if (n_components.is<std::int64_t>())
    wanted = static_cast<double>(n_components.as<std::int64_t>());
  if (n_components.is<double>()) wanted = n_components.as<double>();
  if (p <= 1000 && n >= 10 * p) return "covariance_eigh";
  if (std::max(n, p) <= 500) return "full";
  if (wanted >= 1.0 && wanted < 0.8 * static_cast<double>(smallest)) return "randomized";
  return "full";
}

void check_n_components(const Value& n_components, const std::string& solver, std::int64_t n,
                        std::int64_t p) {
  const std::int64_t smallest = std::min(n, p);
  const bool truncated = solver == "randomized" || solver == "arpack";
  if (n_components.is_word("mle")) {
    if (truncated)
      throw ValueError("n_components='mle' cannot be a string with svd_solver='" + solver + "'");
    if (n < p)
      throw ValueError(fmt::format(
          "n_components='mle' is only supported if n_samples >= n_features, got shape ({}, {})", n,
          p));
    throw NotImplementedError(
        "PCA(n_components='mle') is not supported; give an int, a float or None");
  }
  const std::int64_t lowest = truncated ? 1 : 0;
  const bool fits = n_components.is_none() || (n_components.is<double>() && !truncated) ||
                    (n_components.is<std::int64_t>() && n_components.as<std::int64_t>() >= lowest &&
                     n_components.as<std::int64_t>() <= smallest);
  if (!fits)
    throw ValueError(fmt::format(
        "n_components={} must be between {} and min(n_samples, n_features)={} with svd_solver='{}'",
        n_components.to_string(), lowest, smallest, solver));
  if (solver == "arpack" && n_components.is<std::int64_t>() &&
      n_components.as<std::int64_t>() == smallest)
    throw ValueError(fmt::format(
        "n_components={0} must be strictly less than min(n_samples, n_features)={0} with "
        "svd_solver='arpack'",
        smallest));
}

FieldOf<PCA> noise_variance_attribute(const std::function<Numbers(const PCA&)>& numbers) {
  auto field = attribute("noise_variance_", &PCA::noise_variance_, [=](const PCA& s) {
    return float_like(s.explained_variance_, numbers(s));
  });
  field.get = [](const void* owner) {
    const auto& s = *static_cast<const PCA*>(owner);
    return stored_float(s.noise_variance_, s.explained_variance_);
  };
  field.set = [](void* owner, const Value& value) {
    return detail::assign(static_cast<PCA*>(owner)->noise_variance_, restored_float(value));
  };
  return field;
}

}  // namespace

const EstimatorType& PCA::describe() {
  // Those of one sample are NaN.
  const auto variances = [](bool nan) {
    return Numbers{.low = 0.0, .nan = nan, .infinite = true, .descending = true};
  };
  static const auto type = EstimatorType::of<PCA>(
      "principal component analysis",
      {
          parameter("n_components", &Params::n_components,
                    integers(0) | reals(0.0, 1.0, Closed::neither) | words({"mle"}) | none(),
                    "components to keep; a float keeps that share of the variance, None all"),
          with_copy<Params>(),
          parameter("whiten", &Params::whiten, boolean(),
                    "scale the transformed columns to variance 1"),
          parameter("svd_solver", &Params::svd_solver,
                    words({"auto", "full", "covariance_eigh", "arpack", "randomized"}),
                    "how the components are found (arpack is not supported)"),
          parameter("tol", &Params::tol, reals(0.0), "for svd_solver='arpack' only"),
          parameter("iterated_power", &Params::iterated_power, words({"auto"}) | integers(0),
                    "power iterations of svd_solver='randomized'"),
          parameter("n_oversamples", &Params::n_oversamples, integers(1),
                    "additional random directions of svd_solver='randomized'"),
          parameter("power_iteration_normalizer", &Params::power_iteration_normalizer,
                    words({"auto", "QR", "LU", "none"}), "only QR, which auto means, is supported"),
          parameter("random_state", &Params::random_state, integers(0, 4294967295) | none(),
                    "seed of svd_solver='randomized'; None is 0"),
      },
      {
          attribute("components_", &PCA::components_,
                    [](const PCA& s) {  // directions of length 1, rounded
                      return array({s.n_components_, s.n_features_in_},
                                   {.low = -1.0 - 1e-3, .high = 1.0 + 1e-3});
                    }),
          attribute(
              "explained_variance_", &PCA::explained_variance_,
              [=](const PCA& s) { return array({s.n_components_}, variances(s.n_samples_ == 1)); }),
          attribute("explained_variance_ratio_", &PCA::explained_variance_ratio_,
                    [=](const PCA& s) {  // shares of nothing are NaN; of something they are rounded
                      const auto kept = s.explained_variance_.astype(DType::float64);
                      Numbers shares =
                          variances(kept.size() == 0 || !(kept.values<double>()[0] > 0));
                      shares.high = 1.0 + 1e-6;
                      return array({s.n_components_}, shares);
                    }),
          attribute("singular_values_", &PCA::singular_values_,
                    [=](const PCA& s) { return array({s.n_components_}, variances(false)); }),
          attribute("mean_", &PCA::mean_, [](const PCA& s) { return array({s.n_features_in_}); }),
          attribute(
              "n_components_", &PCA::n_components_,
              [](const PCA& s) { return integers(0, std::min(s.n_samples_, s.n_features_in_)); }),
          attribute("n_samples_", &PCA::n_samples_, integers(1)),
          noise_variance_attribute([=](const PCA& s) { return variances(s.n_samples_ == 1); }),
          newer_attribute("_fit_svd_solver", &PCA::fit_svd_solver_,
                          words({"full", "covariance_eigh", "randomized"})),
      },
      {
          method("fit", &PCA::do_fit, "finds the components", {.sample_weight = false}),
          method("transform", &PCA::do_transform, "the components of each row"),
          method("inverse_transform", &PCA::do_inverse_transform, "rows from their components",
                 {.of_features = false}),
          method("score", &PCA::do_score, "the mean log-likelihood of the rows",
                 {.sample_weight = false}),
          method("score_samples", &PCA::do_score_samples, "the log-likelihood of each row, (n,)"),
          method("get_covariance", &PCA::do_get_covariance, "the covariance of the model, (p, p)"),
          method("get_precision", &PCA::do_get_precision, "the inverse of the covariance, (p, p)"),
      });
  return type;
}

void PCA::do_fit(const Rows& x, const Array&, const Array&) {
  const std::int64_t n = x.rows();
  const std::int64_t p = x.cols();
  const std::int64_t smallest = std::min(n, p);
  const std::string solver =
      params.svd_solver == "auto" ? auto_solver(params.n_components, n, p) : params.svd_solver;
  check_n_components(params.n_components, solver, n, p);
  if (solver == "arpack")
    throw NotImplementedError(
        "PCA(svd_solver='arpack') is not supported; use auto, full, covariance_eigh or randomized");
  if (params.power_iteration_normalizer != "auto" && params.power_iteration_normalizer != "QR")
    throw NotImplementedError(
        fmt::format("PCA(power_iteration_normalizer='{}') is not supported; use auto or QR",
                    params.power_iteration_normalizer));

  // What follows is about rows = x 2^exponent.
  int exponent = 0;
  std::vector<double> mean;
  double total_squares = 0.0;
  Spectrum spectrum;
  const auto check = [&] { require_finite(x, "X", name()); };
  const auto measure = [&] {
    auto m = detail::moments(x, {}, detail::Accuracy::whole, check);
    if (std::any_of(m.count.begin(), m.count.end(),
                    [&](double c) { return c != static_cast<double>(n); }))
      check();  // the moments leave NaN out
    exponent = detail::exponent_for(m, x.dtype(), name());
    m.measure_in(exponent);
    return m;
  };
  if (solver == "covariance_eigh") {
    auto g = linalg::centered_gram(x);
    const auto squares_of = [&] {
      double sum = 0.0;
      for (std::int64_t j = 0; j < p; ++j) sum += g.gram.at(j, j);
      return sum;
    };
    total_squares = squares_of();
    const double size = std::sqrt(total_squares / static_cast<double>(n));
    if (!(size > 0 && std::isfinite(size)) || detail::exponent_for(size, x.dtype()) != 0) {
      measure();
      if (exponent != 0) g = linalg::centered_gram(detail::times_power(x, exponent));
      total_squares = squares_of();
    }
    mean = std::move(g.mean);
    spectrum = on_root<Spectrum>(x.comm(),
                                 [&] { return spectrum_of_gram(std::move(g.gram), x.device()); });
  } else {
    auto m = measure();
    const Rows rows = detail::times_power(x, exponent);
    total_squares = std::accumulate(m.m2.begin(), m.m2.end(), 0.0);
    mean = std::move(m.mean);
    if (solver == "full") {
      const auto r = linalg::tsqr(rows, mean);
      spectrum = on_root<Spectrum>(x.comm(), [&] { return spectrum_of_triangle(r); });
    } else {
      const std::int64_t wanted =
          params.n_components.is_none() ? smallest : params.n_components.as<std::int64_t>();
      spectrum = randomized_svd(rows, mean, wanted, params);
    }
  }
  fix_signs(spectrum);

  const auto freedom = static_cast<double>(n - 1);
  const double total_variance = total_squares / freedom;
  std::vector<double> variance;
  for (const double s : spectrum.singular) variance.push_back(s * s / freedom);
  const double variance_sum = solver == "randomized"
                                  ? total_variance
                                  : std::accumulate(variance.begin(), variance.end(), 0.0);
  std::vector<double> ratio;
  for (const double v : variance) ratio.push_back(v / variance_sum);

  if (params.n_components.is<double>()) {
    double sum = 0.0;
    n_components_ = 1;
    for (const double r : ratio) {
      sum += r;
      if (!(sum <= params.n_components.as<double>())) break;  // NaN for constant data
      ++n_components_;
    }
    n_components_ = std::min(n_components_, static_cast<std::int64_t>(ratio.size()));
  } else {
    n_components_ =
        params.n_components.is_none() ? smallest : params.n_components.as<std::int64_t>();
  }

  const auto rest = variance.begin() + n_components_;
  if (n_components_ >= smallest)
    noise_variance_ = 0.0;
  else if (solver == "randomized")
    noise_variance_ =  // not below zero by rounding
        std::max(total_variance - std::accumulate(variance.begin(), variance.end(), 0.0), 0.0) /
        static_cast<double>(smallest - n_components_);
  else
    noise_variance_ =
        std::accumulate(rest, variance.end(), 0.0) / static_cast<double>(variance.end() - rest);

  noise_variance_ = detail::scaled_back(noise_variance_, -2 * exponent, "PCA: noise_variance_");
  const auto keep = [&](std::vector<double> v, const Shape& shape, int power, const char* what) {
    v.resize(static_cast<std::size_t>(element_count(shape)));
    return detail::scaled_back(v, power, shape, x.dtype(), x.comm(), what);
  };
  std::vector<double> back;
  for (const double v : mean) back.push_back(std::ldexp(v, -exponent));
  const std::int64_t k = n_components_;
  components_ = keep(std::move(spectrum.directions.values()), {k, p}, 0, "PCA: components_");
  explained_variance_ = keep(variance, {k}, -2 * exponent, "PCA: explained_variance_");
  explained_variance_ratio_ = keep(ratio, {k}, 0, "PCA: explained_variance_ratio_");
  singular_values_ = keep(spectrum.singular, {k}, -exponent, "PCA: singular_values_");
  mean_ = replicated(back, {p}, x.comm()).astype(x.dtype());
  n_samples_ = n;
  fit_svd_solver_ = solver;
  if (wants_scores_ && !spectrum.to_left.empty()) {
    Small to = std::move(spectrum.to_left);
    for (std::int64_t j = 0; j < p; ++j)
      for (std::int64_t i = 0; i < k; ++i)
        to.at(j, i) *=
            params.whiten ? std::sqrt(freedom) : spectrum.singular[static_cast<std::size_t>(i)];
    scores_ = detail::times_power(project(detail::times_power(x, exponent), mean,
                                          to.array(x.dtype(), x.comm()).to(x.device())),
                                  params.whiten ? 0 : -exponent);
  }
  if (n == 1 || !(variance_sum > 0.0))
    warn(fmt::format("PCA: {}", n == 1 ? "the variance of a single sample is NaN"
                                       : "X has no variance: explained_variance_ratio_ is NaN"),
         "RuntimeWarning");
}

Rows PCA::fit_transform_rows(const Rows& x, const Array& y, const Array& sample_weight) {
  scores_ = {};
  wants_scores_ = true;
  try {
    fit(x, y, sample_weight);
  } catch (...) {
    wants_scores_ = false;
    throw;
  }
  wants_scores_ = false;
  std::optional<Rows> scores = std::exchange(scores_, {});
  return scores ? *std::move(scores) : transform_rows(x);
}

namespace detail {
const EstimatorType& pca() { return PCA::describe(); }
}  // namespace detail

}  // namespace tessera
