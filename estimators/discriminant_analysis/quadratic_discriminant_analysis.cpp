#include <tessera/estimators/discriminant_analysis/discriminant_analysis.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <tessera/linalg/kernels/kernels.hpp>
#include <tessera/linalg/small.hpp>
#include <tessera/runtime/index.hpp>
#include <tessera/runtime/reduce.hpp>
#include <tessera/runtime/warn.hpp>

namespace tessera {
namespace {

using linalg::Small;
using linalg::Transpose;
namespace small = linalg::small;
using detail::z;

}  // namespace

const EstimatorType& QuadraticDiscriminantAnalysis::describe() {
  using Self = QuadraticDiscriminantAnalysis;
  const auto rotations = [](const Self& s) {
    return list_of(array({s.n_features_in_, s.n_features_in_}), class_count(s.classes_));
  };
  const auto scalings = [](const Self& s) {
    return list_of(array({s.n_features_in_}, {.low = 0.0}), class_count(s.classes_));
  };
  const auto covariances = [=](const Self& s) { return rotations(s) | none(); };
  static const auto type = EstimatorType::of<Self>(
      "quadratic discriminant analysis",
      {parameter("solver", &Params::solver, words({"svd", "eigen"}),
                 "eigen can shrink the covariances"),
       parameter("shrinkage", &Params::shrinkage,
                 words({"auto"}) | reals(0.0, 1.0, Closed::both) | none(),
                 "how far covariances are shrunk; auto: as Ledoit and Wolf say"),
       parameter("priors", &Params::priors, several(reals(0.0)) | none(),
                 "probabilities of the classes; None: as often as in y"),
       parameter("reg_param", &Params::reg_param, reals(0.0, 1.0, Closed::both),
                 "svd: share of 1 in every variance"),
       parameter("store_covariance", &Params::store_covariance, boolean(), "keep the covariances"),
       parameter("tol", &Params::tol, reals(0.0), "variances up to this count as 0"),
       parameter("covariance_estimator", &Params::covariance_estimator, none(),
                 "only None is supported")},
      {attribute<Self, Value>("classes_", &Self::classes_, class_labels()),
       attribute("means_", &Self::means_,
                 [](const Self& s) {
                   return array({class_count(s.classes_), s.n_features_in_});
                 }),
       attribute("priors_", &Self::priors_,
                 [](const Self& s) { return array({class_count(s.classes_)}, {.low = 0.0}); }),
       attribute<Self, Value>("rotations_", &Self::rotations_, rotations),
       attribute<Self, Value>("scalings_", &Self::scalings_, scalings),
       attribute<Self, Value>("covariance_", &Self::covariance_, covariances)},
      {method("fit", &Self::do_fit, "learns means and covariances", {.sample_weight = false}),
       method("decision_function", &Self::do_decision,
              "the log likelihood ratio of the second class, (n,), or log P(x, class) of each, (n, "
              "k)")});
  return type;
}

void QuadraticDiscriminantAnalysis::do_fit(const Rows& x, const Array& y, const Array&) {
  const Array codes = learn_classes(y, x);
  const std::int64_t k = class_count(classes_), p = x.cols();
  if (k < 2)
    throw ValueError(fmt::format("{}: y must have two classes or more, got {} class", name(), k));
  const bool svd = params.solver == "svd";
  if (svd && !params.shrinkage.is_none())
    throw NotImplementedError(
        "QuadraticDiscriminantAnalysis: solver='svd' knows no shrinkage; 'eigen' does");
  const Moments m = moments(x, codes, params.shrinkage);
  const auto priors = prior_of(m, params.priors);
  List rotations, scalings, covariances;
  std::vector<double> means;
  for (std::int64_t c = 0; c < k; ++c) {
    const auto& g = m.classes[z(c)];
    if (g.weight == 1)
      throw ValueError(
          fmt::format("y has only 1 sample in class {}, whose covariance is not known then", c));
    means.insert(means.end(), g.mean.begin(), g.mean.end());
    const auto e = on_root<small::Eigh>(
        x.comm(), [&] { return small::eigh(covariance(m, c, params.shrinkage)); });
    std::vector<double> scaling(e.values.rbegin(), e.values.rend());
    if (svd)
      for (double& v : scaling) v = (1 - params.reg_param) * std::max(v, 0.0) + params.reg_param;
    const auto rank =
        std::count_if(scaling.begin(), scaling.end(), [&](double v) { return v > params.tol; });
    if (rank < p)
      throw LinAlgError(
          svd && g.weight <= static_cast<double>(p)
              ? fmt::format(
                    "The covariance matrix of class {} is not full rank. It has {} rows and {} "
                    "features, and solver='svd' needs more rows than features; 'eigen' with "
                    "shrinkage does not",
                    c, g.weight, p)
              : fmt::format(
                    "The covariance matrix of class {} is not full rank. A larger {} makes it so",
                    c, svd ? "reg_param" : "shrinkage"));
    Small rotation(p, p);  // its columns
    for (std::int64_t i = 0; i < p; ++i)
      for (std::int64_t j = 0; j < p; ++j) rotation.at(j, i) = e.vectors.at(p - 1 - i, j);
    if (params.store_covariance) {
      Small by = rotation;
      for (std::int64_t i = 0; i < p; ++i)
        for (std::int64_t j = 0; j < p; ++j) by.at(i, j) *= scaling[z(j)];
      covariances.emplace_back(small::product(by, rotation, Transpose::no, Transpose::yes)
                                   .array(DType::float64, x.comm()));
    }
    rotations.emplace_back(rotation.array(DType::float64, x.comm()));
    scalings.emplace_back(replicated(scaling, {p}, x.comm()));
  }
  means_ = replicated(means, {k, p}, x.comm());
  priors_ = replicated(priors, {k}, x.comm());
  rotations_ = std::move(rotations);
  scalings_ = std::move(scalings);
  covariance_ = params.store_covariance ? Value(std::move(covariances)) : Value();
}

Rows QuadraticDiscriminantAnalysis::do_decision(const Rows& x) const {
  const std::int64_t k = class_count(classes_), p = x.cols();
  std::vector<Small> turns;  // rotation / sqrt(scaling), as rows
  auto constant = detail::doubles(priors_);
  for (std::int64_t c = 0; c < k; ++c) {
    Small by = Small(rotations_.as<List>()[z(c)].as<Array>()).transposed();
    const auto scaling = detail::doubles(scalings_.as<List>()[z(c)]);
    constant[z(c)] = std::log(constant[z(c)]);
    for (std::int64_t j = 0; j < p; ++j) {
      constant[z(c)] -= 0.5 * std::log(scaling[z(j)]);
      for (double& v : by.row(j)) v /= std::sqrt(scaling[z(j)]);
    }
    turns.push_back(std::move(by));
  }
  return map_rows(x.to(cpu), k == 2 ? Shape{x.rows()} : Shape{x.rows(), k}, x.dtype(),
                  [=, means = detail::doubles(means_), names = feature_names_in_](
                      const Leaf& in, const Tile& out, Stream& stream) {
                    constexpr std::int64_t most = 256;
                    Small rows(most, p), turned(most, p), scores(most, k);
                    bool finite = true;
                    visit_floating(in.tile.dtype, [&](auto tag) {
                      using T = typename decltype(tag)::type;
                      for (std::int64_t begin = 0; begin < in.tile.rows; begin += most) {
                        const std::int64_t n = std::min(most, in.tile.rows - begin);
                        for (std::int64_t c = 0; c < k; ++c) {
                          for (std::int64_t i = 0; i < n; ++i)
                            for (std::int64_t j = 0; j < p; ++j)
                              rows.at(i, j) =
                                  static_cast<double>(
                                      in.tile.as<const T>()[(begin + i) * in.tile.stride + j]) -
                                  means[z(c * p + j)];
                          linalg::kernels().gemm(stream, 1.0, rows.tile().slice(0, n),
                                                 Transpose::no, turns[z(c)].tile(), Transpose::yes,
                                                 0.0, turned.tile().slice(0, n));
                          for (std::int64_t i = 0; i < n; ++i) {
                            double sum = 0.0;
                            for (const double v : turned.row(i)) sum += v * v;
                            scores.at(i, c) = constant[z(c)] - 0.5 * sum;
                            finite = finite && std::isfinite(sum);
                          }
                        }
                        for (std::int64_t i = 0; i < n; ++i) {
                          T* to = out.as<T>() + (begin + i) * out.stride;
                          if (k == 2)
                            *to = static_cast<T>(scores.at(i, 1) - scores.at(i, 0));
                          else
                            for (std::int64_t c = 0; c < k; ++c)
                              to[c] = static_cast<T>(scores.at(i, c));
                        }
                      }
                    });
                    if (!finite) require_finite(in, "X", class_name, false, names);
                  })
      .to(x.device());
}

namespace detail {
const EstimatorType& quadratic_discriminant_analysis() {
  return QuadraticDiscriminantAnalysis::describe();
}
}  // namespace detail

}  // namespace tessera
