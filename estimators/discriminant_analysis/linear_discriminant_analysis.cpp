#include <tessera/estimators/discriminant_analysis/discriminant_analysis.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <tessera/estimators/linear_model/gram_path.hpp>
#include <tessera/estimators/linear_model/linear_model.hpp>
#include <tessera/linalg/kernels/kernels.hpp>
#include <tessera/linalg/small.hpp>
#include <tessera/linalg/tsqr.hpp>
#include <tessera/runtime/index.hpp>
#include <tessera/runtime/reduce.hpp>
#include <tessera/runtime/warn.hpp>

namespace tessera {
namespace {

using linalg::Small;
using linalg::Transpose;
namespace small = linalg::small;
using detail::z;

// The generalised eigenvectors, columns by descending eigenvalue, of a with b = r^T r.
struct Generalised {
  std::vector<double> values;
  Small vectors;  // p x p
};
Generalised generalised(const Small& a, const Small& r) {
  const Small half = small::solve_triangular(r, a, Transpose::yes);
  const Small c = small::solve_triangular(r, half.transposed(), Transpose::yes);
  auto e = small::eigh(c);
  std::reverse(e.values.begin(), e.values.end());
  Small v(e.vectors.rows(), e.vectors.cols());
  for (std::int64_t i = 0; i < v.rows(); ++i)
    std::ranges::copy(e.vectors.row(v.rows() - 1 - i), v.row(i).begin());
  return {std::move(e.values), small::solve_triangular(r, v.transposed())};
}

Allowed optional_array(Shape shape, Numbers numbers = {}) {
  return array(std::move(shape), numbers) | none();
}

/// What a fit finds on one process.
struct Linear {
  Small coef, means, covariance, scalings;
  std::vector<double> intercept, ratio, xbar;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(coef, means, covariance, scalings, intercept, ratio, xbar);
  }
};

}  // namespace

const EstimatorType& LinearDiscriminantAnalysis::describe() {
  using Self = LinearDiscriminantAnalysis;
  const auto outputs = [](const Self& s) {
    const std::int64_t k = class_count(s.classes_);
    return k == 2 ? 1 : k;
  };
  static const auto type = EstimatorType::of<Self>(
      "linear discriminant analysis",
      {parameter("solver", &Params::solver, words({"svd", "lsqr", "eigen"}),
                 "lsqr and eigen can shrink the covariance; lsqr cannot transform"),
       parameter("shrinkage", &Params::shrinkage,
                 words({"auto"}) | reals(0.0, 1.0, Closed::both) | none(),
                 "how far covariances are shrunk; auto: as Ledoit and Wolf say"),
       parameter("priors", &Params::priors, several(reals(0.0)) | none(),
                 "probabilities of the classes; None: as often as in y"),
       parameter("n_components", &Params::n_components, integers(1) | none(),
                 "how many columns transform gives; None: as many as there are"),
       parameter("store_covariance", &Params::store_covariance, boolean(),
                 "keep the covariance, with solver svd"),
       parameter("tol", &Params::tol, reals(0.0), "svd: singular values up to this count as 0"),
       parameter("covariance_estimator", &Params::covariance_estimator, none(),
                 "only None is supported")},
      {attribute<Self, Value>("classes_", &Self::classes_, class_labels()),
       attribute("coef_", &Self::coef_,
                 [outputs](const Self& s) {
                   return array({outputs(s), s.n_features_in_});
                 }),
       attribute("intercept_", &Self::intercept_,
                 [outputs](const Self& s) { return array({outputs(s)}, {.infinite = true}); }),
       attribute("means_", &Self::means_,
                 [](const Self& s) {
                   return array({class_count(s.classes_), s.n_features_in_});
                 }),
       attribute("priors_", &Self::priors_,
                 [](const Self& s) { return array({class_count(s.classes_)}, {.low = 0.0}); }),
       attribute("covariance_", &Self::covariance_,
                 [](const Self& s) {
                   return optional_array({s.n_features_in_, s.n_features_in_});
                 }),
       attribute("explained_variance_ratio_", &Self::explained_variance_ratio_,
                 [](const Self& s) {
                   const Value& v = s.explained_variance_ratio_;
                   return optional_array({v.is<Array>() ? v.as<Array>().rows() : 0}, {.nan = true});
                 }),
       attribute(
           "scalings_", &Self::scalings_,
           [](const Self& s) {
             const Value& v = s.scalings_;
             return optional_array({s.n_features_in_, v.is<Array>() ? v.as<Array>().cols() : 0});
           }),
       attribute("xbar_", &Self::xbar_,
                 [](const Self& s) { return optional_array({s.n_features_in_}); })},
      {method("fit", &Self::do_fit, "learns means and covariance", {.sample_weight = false}),
       method("decision_function", &Self::do_decision,
              "the log likelihood ratio of the second class, (n,), or log P(x, class) of each but "
              "for a number that is the same of all, (n, k)"),
       method("transform", &Self::do_transform, "the directions that tell classes apart best")});
  return type;
}

void LinearDiscriminantAnalysis::do_fit(const Rows& x, const Array& y, const Array&) {
  const Array codes = learn_classes(y, x);
  const std::int64_t k = class_count(classes_), p = x.cols(), n = x.rows();
  if (n < 2)
    throw ValueError(fmt::format(
        "Found array with 1 sample(s) (shape={}) while a minimum of 2 is required by {}.",
        to_string(x.shape()), name()));
  if (n == k) throw ValueError("The number of samples must be more than the number of classes.");
  const std::int64_t most = std::min(k - 1, p);
  if (params.n_components && *params.n_components > most)
    throw ValueError("n_components cannot be larger than min(n_features, n_classes - 1).");
  const std::int64_t components = params.n_components.value_or(most);
  const bool svd = params.solver == "svd";
  if (svd && !params.shrinkage.is_none())
    throw NotImplementedError(
        "LinearDiscriminantAnalysis: solver='svd' knows no shrinkage; 'lsqr' and 'eigen' do");
  const Moments m = moments(x, codes, params.shrinkage);
  auto priors = prior_of(m, params.priors);
  const double sum = std::accumulate(priors.begin(), priors.end(), 0.0);
  if (std::abs(sum - 1.0) > 1e-5) {
    warn("The priors do not sum to 1. Renormalizing");
    for (double& v : priors) v /= sum;
  }
  const Value& shrinkage = params.shrinkage;
  Small within(p, p);
  std::vector<double> scale(z(p));
  for (const auto& g : m.classes)
    for (std::size_t i = 0; i < within.values().size(); ++i)
      within.values()[i] += g.gram.values()[i];
  for (std::int64_t j = 0; j < p; ++j) {
    const double v = std::sqrt(within.at(j, j) / static_cast<double>(n));
    scale[z(j)] = v > 0 ? v : 1.0;
  }
  // r^T r is the covariance within classes of the columns divided by their deviations.
  Small r;
  if (svd) {
    Small correlation(p, p);
    for (std::int64_t i = 0; i < p; ++i)
      for (std::int64_t j = 0; j < p; ++j)
        correlation.at(i, j) =
            within.at(i, j) / (scale[z(i)] * scale[z(j)] * static_cast<double>(n));
    const auto clear = on_root<Small>(x.comm(), [&] {
      const auto e = small::eigh(correlation);
      if (!(e.values.front() > 1e-4 * e.values.back() &&
            e.values.front() > 4 * params.tol * params.tol))
        return Small{};
      return *small::cholesky(correlation);
    });
    r = clear;
    if (r.empty()) {
      std::vector<double> means;
      for (const auto& g : m.classes) means.insert(means.end(), g.mean.begin(), g.mean.end());
      const Rows rows =
          map_rows(zip(x.to(cpu), {codes.to(cpu)}), x.shape(), x.dtype(),
                   [means, p](const Leaf& in, const Tile& out, Stream&) {
                     visit_floating(out.dtype, [&](auto tag) {
                       using T = typename decltype(tag)::type;
                       for (std::int64_t i = 0; i < out.rows; ++i)
                         for (std::int64_t j = 0; j < p; ++j)
                           out.as<T>()[i * out.stride + j] = static_cast<T>(
                               static_cast<double>(in.tile.as<const T>()[i * in.tile.stride + j]) -
                               means[z(in.beside[0].as<const std::int32_t>()[i] * p + j)]);
                     });
                   });
      r = linalg::tsqr(rows);
      for (std::int64_t i = 0; i < r.rows(); ++i)
        for (std::int64_t j = 0; j < p; ++j)
          r.at(i, j) /= scale[z(j)] * std::sqrt(static_cast<double>(n));
    }
  }

  const auto found = on_root<Linear>(x.comm(), [&] {
    Linear l{Small(k, p), Small(k, p), {}, {}, std::vector<double>(z(k)), {}, {}};
    for (std::int64_t c = 0; c < k; ++c)
      std::ranges::copy(m.classes[z(c)].mean, l.means.row(c).begin());
    if (!svd || params.store_covariance) {
      l.covariance = Small(p, p);
      for (std::int64_t c = 0; c < k; ++c) {
        const Small one = covariance(m, c, shrinkage);
        for (std::size_t i = 0; i < one.values().size(); ++i)
          l.covariance.values()[i] += priors[z(c)] * one.values()[i];
      }
    }
    const auto constants = [&] {
      for (std::int64_t c = 0; c < k; ++c) {
        double v = std::log(priors[z(c)]);
        for (std::int64_t j = 0; j < p; ++j) v -= 0.5 * l.means.at(c, j) * l.coef.at(c, j);
        l.intercept[z(c)] = v;
      }
    };
    if (params.solver == "lsqr") {
      const auto e = small::eigh(l.covariance);
      Small along = small::product(l.means, e.vectors, Transpose::no, Transpose::yes);
      for (std::int64_t c = 0; c < k; ++c)
        for (std::int64_t j = 0; j < p; ++j)
          along.at(c, j) =
              e.values[z(j)] > 0x1p-52 * e.values.back() ? along.at(c, j) / e.values[z(j)] : 0.0;
      l.coef = small::product(along, e.vectors);
      constants();
    } else if (params.solver == "eigen") {
      Small between = covariance(m, k, shrinkage);
      for (std::size_t i = 0; i < between.values().size(); ++i)
        between.values()[i] -= l.covariance.values()[i];
      const auto factor = small::cholesky(l.covariance);
      if (!factor)
        throw LinAlgError(
            "LinearDiscriminantAnalysis: the covariance within classes is not positive definite; "
            "solver='svd' or shrinkage helps");
      const Generalised e = generalised(between, *factor);
      const double all = std::accumulate(e.values.begin(), e.values.end(), 0.0);
      for (const double v : e.values) l.ratio.push_back(v / all);
      std::ranges::sort(l.ratio, std::greater());  // shrinkage may have left less than nothing
      l.ratio.resize(z(components));
      l.scalings = e.vectors;
      l.coef = small::product(small::product(l.means, e.vectors), e.vectors, Transpose::no,
                              Transpose::yes);
      constants();
    } else {
      const auto f = small::svd(r);
      std::int64_t rank = 0;
      for (const double s : f.s) rank += s > params.tol;
      Small scalings(p, rank);
      for (std::int64_t i = 0; i < rank; ++i)
        for (std::int64_t j = 0; j < p; ++j)
          scalings.at(j, i) = f.vt.at(i, j) / scale[z(j)] / f.s[z(i)];
      l.xbar.assign(z(p), 0.0);
      for (std::int64_t c = 0; c < k; ++c)
        for (std::int64_t j = 0; j < p; ++j) l.xbar[z(j)] += priors[z(c)] * l.means.at(c, j);
      Small centred = l.means, weighted(k, p);
      for (std::int64_t c = 0; c < k; ++c)
        for (std::int64_t j = 0; j < p; ++j) {
          centred.at(c, j) -= l.xbar[z(j)];
          weighted.at(c, j) =
              centred.at(c, j) * std::sqrt(static_cast<double>(n) * priors[z(c)] /
                                           static_cast<double>(std::max<std::int64_t>(1, k - 1)));
        }
      if (rank == 0) {
        l.scalings = Small(p, 0);
        for (std::int64_t c = 0; c < k; ++c) l.intercept[z(c)] = std::log(priors[z(c)]);
        l.ratio.assign(z(components), std::numeric_limits<double>::quiet_NaN());
      } else {
        const auto g = small::svd(small::product(weighted, scalings));
        double all = 0.0;
        for (const double s : g.s) all += s * s;
        for (std::int64_t i = 0; i < std::min(components, std::ssize(g.s)); ++i)
          l.ratio.push_back(g.s[z(i)] * g.s[z(i)] / all);
        std::int64_t kept = 0;
        for (const double s : g.s) kept += s > params.tol * g.s[0];
        l.scalings = small::product(scalings, g.vt.first_rows(kept), Transpose::no, Transpose::yes);
        const Small coef = small::product(centred, l.scalings);
        l.coef = small::product(coef, l.scalings, Transpose::no, Transpose::yes);
        for (std::int64_t c = 0; c < k; ++c) {
          double v = std::log(priors[z(c)]);
          for (const double d : coef.row(c)) v -= 0.5 * d * d;
          for (std::int64_t j = 0; j < p; ++j) v -= l.xbar[z(j)] * l.coef.at(c, j);
          l.intercept[z(c)] = v;
        }
      }
    }
    if (k == 2) {
      Small one(1, p);
      for (std::int64_t j = 0; j < p; ++j) one.at(0, j) = l.coef.at(1, j) - l.coef.at(0, j);
      l.coef = std::move(one);
      l.intercept = {l.intercept[1] - l.intercept[0]};
    }
    return l;
  });

  const auto& comm = x.comm();
  const DType dtype = x.dtype();
  const auto vector = [&](const std::vector<double>& v) {
    return replicated(v, {std::ssize(v)}, comm).astype(dtype);
  };
  coef_ = found.coef.array(dtype, comm);
  intercept_ = vector(found.intercept);
  means_ = found.means.array(dtype, comm);
  priors_ = vector(priors);
  const bool maps = params.solver != "lsqr";
  covariance_ = found.covariance.empty() ? Value() : found.covariance.array(dtype, comm);
  explained_variance_ratio_ = maps ? Value(vector(found.ratio)) : Value();
  scalings_ = maps ? Value(found.scalings.array(dtype, comm)) : Value();
  xbar_ = svd ? Value(vector(found.xbar)) : Value();
}

Rows LinearDiscriminantAnalysis::do_decision(const Rows& x) const {
  return detail::linear_predictor(x, coef_, detail::doubles(intercept_), coef_.rows() == 1, name(),
                                  "decision_function", feature_names_in_);
}

Rows LinearDiscriminantAnalysis::do_transform(const Rows& x) const {
  if (params.solver == "lsqr")
    throw NotImplementedError(
        "transform not implemented for 'lsqr' solver (use 'svd' or 'eigen').");
  const Small all(scalings_.as<Array>());
  const std::int64_t columns =
      std::min(all.cols(),
               params.n_components.value_or(std::min(class_count(classes_) - 1, n_features_in_)));
  const Small by = all.columns(0, columns).transposed();
  std::vector<double> shift(z(columns), 0.0);
  if (xbar_.is<Array>()) {
    const auto xbar = detail::doubles(xbar_);
    for (std::int64_t c = 0; c < columns; ++c)
      for (std::int64_t j = 0; j < by.cols(); ++j) shift[z(c)] -= xbar[z(j)] * by.at(c, j);
  }
  return detail::linear_predictor(x, by.array(DType::float64, coef_.comm()), shift, false, name(),
                                  "transform", feature_names_in_);
}

namespace detail {
const EstimatorType& linear_discriminant_analysis() {
  return LinearDiscriminantAnalysis::describe();
}
}  // namespace detail

}  // namespace tessera
