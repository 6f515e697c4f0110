#include <tessera/estimators/naive_bayes/discrete_nb.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <tessera/estimators/linear_model/linear_model.hpp>
#include <tessera/estimators/wide_rows.hpp>
#include <tessera/runtime/index.hpp>
#include <tessera/runtime/reduce.hpp>
#include <tessera/runtime/warn.hpp>

namespace tessera {
namespace {

using detail::doubles;
using detail::z;
using linalg::Small;

/// What a pass adds up: the weight of each class, some values of each, the least and highest of X.
struct Counts {
  std::vector<double> weight, values, least, most;
  void merge(const Counts& right) {
    const auto add = [](std::vector<double>& a, const std::vector<double>& b) {
      for (std::size_t i = 0; i < a.size(); ++i) a[i] += b[i];
    };
    add(weight, right.weight);
    add(values, right.values);
    for (std::size_t j = 0; j < least.size(); ++j) {
      least[j] = std::min(least[j], right.least[j]);
      most[j] = std::max(most[j], right.most[j]);
    }
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(weight, values, least, most);
  }
};

/// Calls row(counts, class, weight, values of the row) for every row.
template <class F>
Counts count_rows(const Rows& x, const Array& codes, const Array& weights, const Counts& zero,
                  F row) {
  const auto host = [](const Array& a) { return a ? a.to(cpu) : a; };
  return reduce<Counts>(zip(x.to(cpu), {host(codes), host(weights)}), [&](const Leaf& leaf,
                                                                          Stream&) {
    Counts c = zero;
    const Tile of_class = leaf.beside[0];
    for_each_wide_row(leaf.tile, [&](std::int64_t i, std::span<const double> v) {
      row(c, of_class ? of_class.as<const std::int32_t>()[i] : 0, weight_of(leaf.beside[1], i), v);
    });
    return c;
  });
}

/// Whether no value of X is below 0; ValueError otherwise, and for NaN and infinities.
void require_counts(const Counts& c, const Rows& x, std::string_view estimator) {
  double least = 0.0;
  bool finite = true;
  for (std::size_t j = 0; j < c.least.size(); ++j) {
    least = std::min(least, c.least[j]);
    finite = finite && std::isfinite(c.least[j]) && std::isfinite(c.most[j]);
  }
  for (const double v : c.values) finite = finite && std::isfinite(v);
  if (!finite) require_finite(x, "X", estimator);
  if (least < 0)
    throw ValueError(fmt::format("Negative values in data passed to {} (input X): the least is {}",
                                 estimator, least));
}

void note_range(Counts& c, std::size_t j, double v) {
  // A NaN stays, once it is in.
  if (!(c.least[j] <= v)) c.least[j] = v;
  if (!(c.most[j] >= v)) c.most[j] = v;
  if (std::isnan(v)) c.least[j] = -std::numeric_limits<double>::infinity();
}

Counts counts_of(std::int64_t k, std::size_t values, std::int64_t p) {
  return {std::vector<double>(z(k)), std::vector<double>(values),
          std::vector<double>(z(p), std::numeric_limits<double>::infinity()),
          std::vector<double>(z(p), -std::numeric_limits<double>::infinity())};
}

template <class P>
FieldOf<P> with_alpha() {
  return parameter<P, Value>("alpha", &P::alpha, several(reals(0.0)),
                             "added to all counts, or for each feature; 0: nothing");
}
template <class P>
FieldOf<P> with_force() {
  return parameter<P, bool>("force_alpha", &P::force_alpha, boolean(),
                            "false: an alpha below 1e-10 is 1e-10");
}
template <class P>
FieldOf<P> with_fit_prior() {
  return parameter<P, bool>("fit_prior", &P::fit_prior, boolean(),
                            "classes are as likely as they are frequent; otherwise all alike");
}
template <class P>
FieldOf<P> with_class_prior() {
  return parameter<P, Value>("class_prior", &P::class_prior, several(reals(0.0)) | none(),
                             "probabilities of the classes in place of what y says");
}
/// The logarithm of a share of a whole; of nothing -inf.
double log_share(double part, double whole) {
  return whole > 0 ? std::log(part) - std::log(whole) : -std::numeric_limits<double>::infinity();
}

/// Numbers to the logarithms of their shares of the sum.
void to_log_shares(std::span<double> counts) {
  const double sum = std::accumulate(counts.begin(), counts.end(), 0.0);
  for (double& v : counts) v = log_share(v, sum);
}

}  // namespace

std::vector<double> DiscreteNaiveBayes::alphas(const Smoothing& smoothing, std::int64_t p) const {
  std::vector<double> all(z(p));
  const auto given = doubles(smoothing.alpha);
  if (smoothing.alpha.is<double>() || smoothing.alpha.is<std::int64_t>()) {
    std::fill(all.begin(), all.end(), given[0]);
  } else {
    all = given;
    if (std::ssize(all) != p)
      throw ValueError(fmt::format(
          "When alpha is an array, it should contains `n_features`. Got {} elements instead of {}.",
          all.size(), p));
    if (std::any_of(all.begin(), all.end(), [](double v) { return !(v >= 0); }))
      throw ValueError("All values in alpha must be greater than 0.");
  }
  constexpr double least = 1e-10;
  if (smoothing.force_alpha || *std::min_element(all.begin(), all.end()) >= least) return all;
  warn(
      fmt::format("{}: alpha too small will result in numeric errors, setting alpha = {}. Use "
                  "`force_alpha=True` to keep alpha unchanged.",
                  name(), least));
  for (double& v : all) v = std::max(v, least);
  return all;
}

void DiscreteNaiveBayes::learn_prior(std::vector<double> weights, const Smoothing& smoothing,
                                     const Rows& x) {
  const std::int64_t k = class_count(classes_);
  if (is_fitted())
    std::ranges::transform(weights, doubles(class_count_), weights.begin(), std::plus<>());
  std::vector<double> prior = weights;
  if (!smoothing.class_prior.is_none()) {
    prior = class_priors(smoothing.class_prior, weights, name());
    for (double& v : prior) v = std::log(v);
  } else if (smoothing.fit_prior) {
    to_log_shares(prior);
  } else {
    std::ranges::fill(prior, -std::log(static_cast<double>(k)));
  }
  class_count_ = replicated(weights, {k}, x.comm());
  class_log_prior_ = replicated(prior, {k}, x.comm());
}

Numbers DiscreteNaiveBayes::logarithms(bool of_shares) {
  // -inf is the logarithm of 0; that of a double is below 710.
  if (of_shares) return {.infinite = true, .sum = Sum::one_of_exp, .dtypes = {DType::float64}};
  return {.high = 710.0, .infinite = true, .dtypes = {DType::float64}};
}

Small LinearNaiveBayes::count(const Rows& x, const Array& codes, const Array& sample_weight,
                              const Smoothing& smoothing) {
  const std::int64_t k = class_count(classes_), p = x.cols();
  const auto counts =
      count_rows(x, codes, sample_weight, counts_of(k, z(k * p), p),
                 [p](Counts& c, std::int64_t code, double w, std::span<const double> row) {
                   c.weight[z(code)] += w;
                   // Loops over columns, without a chain from one to the next.
                   double* sums = c.values.data() + code * p;
                   double *least = c.least.data(), *most = c.most.data();
                   for (std::size_t j = 0; j < row.size(); ++j) {
                     sums[j] += w * row[j];
                     least[j] = row[j] < least[j] ? row[j] : least[j];
                     most[j] = row[j] > most[j] ? row[j] : most[j];
                   }
                 });
  require_counts(counts, x, name());
  Small sums(k, p, counts.values);
  if (is_fitted())
    std::ranges::transform(sums.values(), doubles(feature_count_), sums.values().begin(),
                           std::plus<>());
  learn_prior(counts.weight, smoothing, x);
  feature_count_ = sums.array(DType::float64, x.comm());
  return sums;
}

Rows LinearNaiveBayes::joint(const Rows& x, const Small& coef,
                             const std::vector<double>& intercept) const {
  // Of what was never counted logarithms are infinite: then 0 times that is NaN, as it is in NumPy.
  if (!std::ranges::all_of(coef.values(), [](double v) { return std::isfinite(v); }))
    return map_wide_rows(
        x, coef.rows(),
        [=](std::int64_t, std::span<const double> row, std::span<double> out) {
          for (std::int64_t c = 0; c < coef.rows(); ++c)
            out[z(c)] =
                std::inner_product(row.begin(), row.end(), coef.row(c).begin(), intercept[z(c)]);
        },
        this);
  return detail::linear_predictor(x, coef.array(DType::float64, x.comm()), intercept, false, name(),
                                  "predict_joint_log_proba", feature_names_in_);
}

// --- MultinomialNB ------------------------------------------------------------------------------

const EstimatorType& MultinomialNB::describe() {
  using Self = MultinomialNB;
  using P = Params;
  static const auto type = EstimatorType::of<Self>(
      "naive Bayes classifier of counts",
      {with_alpha<P>(), with_force<P>(), with_fit_prior<P>(), with_class_prior<P>()},
      {classes_attribute<Self>(), count_attribute<Self>(), prior_attribute<Self>(),
       features_attribute<Self>(),
       log_attribute<Self>([](const Self&) { return logarithms(true); })},
      {});
  return type;
}

void MultinomialNB::learn_from(const Rows& x, const Array& codes, const Array& sample_weight) {
  const Smoothing smoothing = smoothing_of(params);
  const auto alpha = alphas(smoothing, x.cols());
  Small log = count(x, codes, sample_weight, smoothing);
  for (std::int64_t c = 0; c < log.rows(); ++c) {
    std::ranges::transform(log.row(c), alpha, log.row(c).begin(), std::plus<>());
    to_log_shares(log.row(c));
  }
  feature_log_prob_ = log.array(DType::float64, x.comm());
}

Rows MultinomialNB::do_joint(const Rows& x) const {
  return joint(x, Small(feature_log_prob_), doubles(class_log_prior_));
}

// --- ComplementNB -------------------------------------------------------------------------------

const EstimatorType& ComplementNB::describe() {
  using Self = ComplementNB;
  using P = Params;
  static const auto type = EstimatorType::of<Self>(
      "naive Bayes classifier of counts for classes of unequal size",
      {with_alpha<P>(), with_force<P>(), with_fit_prior<P>(), with_class_prior<P>(),
       parameter("norm", &P::norm, boolean(), "divide the weights of a class by their sum")},
      {classes_attribute<Self>(), count_attribute<Self>(), prior_attribute<Self>(),
       features_attribute<Self>(),
       attribute("feature_all_", &Self::feature_all_,
                 [](const Self& s) {
                   return array({s.n_features_in_}, {.low = 0.0, .dtypes = {DType::float64}});
                 }),
       log_attribute<Self>([](const Self& s) -> Numbers {
         if (s.params.norm)
           return {.low = 0.0, .high = 1.0, .nan = true, .dtypes = {DType::float64}};
         return {.low = 0.0, .infinite = true, .dtypes = {DType::float64}};
       })},
      {});
  return type;
}

void ComplementNB::learn_from(const Rows& x, const Array& codes, const Array& sample_weight) {
  const Smoothing smoothing = smoothing_of(params);
  const auto alpha = alphas(smoothing, x.cols());
  Small log = count(x, codes, sample_weight, smoothing);
  std::vector<double> all(z(x.cols()));
  for (std::int64_t c = 0; c < log.rows(); ++c)
    for (std::int64_t j = 0; j < log.cols(); ++j) all[z(j)] += log.at(c, j);
  for (std::int64_t c = 0; c < log.rows(); ++c) {
    double sum = 0.0, logs = 0.0;
    for (std::int64_t j = 0; j < log.cols(); ++j)
      sum += log.at(c, j) = all[z(j)] + alpha[z(j)] - log.at(c, j);
    for (double& v : log.row(c)) logs += v = sum > 0 ? std::log(v / sum) : log_share(0.0, sum);
    for (double& v : log.row(c)) v = params.norm ? v / logs : -v;
  }
  if (std::ranges::any_of(log.values(), [](double v) { return std::isnan(v); }))
    warn("ComplementNB: weights of a class whose sum is 0 or infinite become NaN by norm=True",
         "RuntimeWarning");
  feature_all_ = replicated(all, {x.cols()}, x.comm());
  feature_log_prob_ = log.array(DType::float64, x.comm());
}

Rows ComplementNB::do_joint(const Rows& x) const {
  const auto prior = doubles(class_log_prior_);
  return joint(x, Small(feature_log_prob_),
               prior.size() == 1 ? prior : std::vector<double>(prior.size(), 0.0));
}

// --- BernoulliNB --------------------------------------------------------------------------------

const EstimatorType& BernoulliNB::describe() {
  using Self = BernoulliNB;
  using P = Params;
  static const auto type = EstimatorType::of<Self>(
      "naive Bayes classifier of what is there and what is not",
      {with_alpha<P>(), with_force<P>(),
       parameter("binarize", &P::binarize, reals(0.0) | none(),
                 "a feature is there where X is above this; None: X is 0 or 1"),
       with_fit_prior<P>(), with_class_prior<P>()},
      {classes_attribute<Self>(), count_attribute<Self>(), prior_attribute<Self>(),
       features_attribute<Self>(), log_attribute<Self>([](const Self& s) -> Numbers {
         // X beside 0 and 1 is not refused.
         if (!s.params.binarize) return logarithms(false);
         return {.high = 0.0, .infinite = true, .dtypes = {DType::float64}};
       })},
      {});
  return type;
}

Rows BernoulliNB::binarized(const Rows& x) const {
  if (!params.binarize) return x;
  return map_rows(x.to(cpu), x.shape(), x.dtype(),
                  [threshold = *params.binarize, names = x.column_names()](
                      const Leaf& in, const Tile& out, Stream&) {
                    int bad = 0;
                    visit_floating(in.tile.dtype, [&](auto tag) {
                      using T = typename decltype(tag)::type;
                      const auto least = static_cast<T>(threshold);
                      for (std::int64_t i = 0; i < out.rows; ++i) {
                        const T* from = in.tile.as<const T>() + i * in.tile.stride;
                        T* to = out.as<T>() + i * out.stride;
                        for (std::int64_t j = 0; j < out.cols; ++j) {
                          bad |= !(std::abs(from[j]) <= std::numeric_limits<T>::max());
                          to[j] = from[j] > least ? T(1) : T(0);
                        }
                      }
                    });
                    if (bad) require_finite(in, "X", class_name, false, names);
                  })
      .to(x.device());
}

void BernoulliNB::learn_from(const Rows& x, const Array& codes, const Array& sample_weight) {
  const Smoothing smoothing = smoothing_of(params);
  const auto alpha = alphas(smoothing, x.cols());
  Small log = count(binarized(x), codes, sample_weight, smoothing);
  const auto weight = doubles(class_count_);
  for (std::int64_t c = 0; c < log.rows(); ++c)
    for (std::int64_t j = 0; j < log.cols(); ++j)
      log.at(c, j) = log_share(log.at(c, j) + alpha[z(j)], weight[z(c)] + 2 * alpha[z(j)]);
  feature_log_prob_ = log.array(DType::float64, x.comm());
}

Rows BernoulliNB::do_joint(const Rows& x) const {
  Small coef(feature_log_prob_);
  auto intercept = doubles(class_log_prior_);
  for (std::int64_t c = 0; c < coef.rows(); ++c)
    for (double& v : coef.row(c)) {
      const double absent = std::log1p(-std::exp(v));
      intercept[z(c)] += absent;
      v -= absent;
    }
  return joint(binarized(x), coef, intercept);
}

// --- CategoricalNB ------------------------------------------------------------------------------

const EstimatorType& CategoricalNB::describe() {
  using Self = CategoricalNB;
  using P = Params;
  // A table for each feature, of as many categories as it has.
  const auto tables = [](Numbers numbers) {
    return [numbers](const Self& s) -> Allowed {
      if (s.n_categories_.shape() != Shape{s.n_features_in_})
        return list_of(array(), s.n_features_in_);
      std::vector<Allowed> each;
      for (const double width : doubles(s.n_categories_))
        each.push_back(array({class_count(s.classes_), static_cast<std::int64_t>(width)}, numbers));
      return tuple_of(std::move(each));
    };
  };
  static const auto type = EstimatorType::of<Self>(
      "naive Bayes classifier of categories",
      {parameter("alpha", &P::alpha, reals(0.0), "added to all counts; 0: nothing"),
       with_force<P>(), with_fit_prior<P>(), with_class_prior<P>(),
       parameter("min_categories", &P::min_categories, several(integers(1)) | none(),
                 "how many categories a feature has at least, or each one")},
      {classes_attribute<Self>(), count_attribute<Self>(), prior_attribute<Self>(),
       attribute<Self, Value>("category_count_", &Self::category_count_,
                              tables({.low = 0.0, .dtypes = {DType::float64}})),
       attribute<Self, Value>("feature_log_prob_", &Self::feature_log_prob_,
                              tables(logarithms(true))),
       attribute("n_categories_", &Self::n_categories_,
                 [](const Self& s) {
                   return array({s.n_features_in_}, {.low = 1, .dtypes = {DType::int64}});
                 })},
      {});
  return type;
}

void CategoricalNB::learn_from(const Rows& x, const Array& codes, const Array& sample_weight) {
  const std::int64_t k = class_count(classes_), p = x.cols();
  const Smoothing smoothing = smoothing_of(params);
  const double alpha = alphas(smoothing, p)[0];
  std::vector<std::int64_t> least(z(p), 1);
  const Value& wanted = params.min_categories;
  if (wanted.is<std::int64_t>()) {
    std::fill(least.begin(), least.end(), wanted.as<std::int64_t>());
  } else if (!wanted.is_none()) {
    if (wanted.is<Array>() && is_floating(wanted.as<Array>().dtype()))
      throw ValueError(fmt::format("'min_categories' should have integral type. Got {} instead.",
                                   name_of(wanted.as<Array>().dtype())));
    const auto given = doubles(wanted);
    if (std::ssize(given) != p)
      throw ValueError(fmt::format(
          "'min_categories' should have shape ({},) when an array-like is provided. Got "
          "({},) instead.",
          p, given.size()));
    std::transform(given.begin(), given.end(), least.begin(),
                   [](double v) { return static_cast<std::int64_t>(v); });
  }

  const auto range = count_rows(x, {}, {}, counts_of(0, 0, p),
                                [](Counts& c, std::int64_t, double, std::span<const double> row) {
                                  for (std::size_t j = 0; j < row.size(); ++j)
                                    note_range(c, j, row[j]);
                                });
  require_counts(range, x, name());
  std::vector<std::int64_t> width(z(p)), first(z(p) + 1);
  for (std::size_t j = 0; j < z(p); ++j) {
    if (range.most[j] >= 0x1p24)
      throw ValueError(
          fmt::format("CategoricalNB: column {} of X has a category {}; there may be "
                      "2^24 of them",
                      j, range.most[j]));
    width[j] = std::max(least[j], static_cast<std::int64_t>(range.most[j]) + 1);
    if (is_fitted())
      width[j] = std::max(width[j], category_count_.as<List>()[j].as<Array>().cols());
    first[j + 1] = first[j] + k * width[j];
  }
  auto counts = count_rows(
      x, codes, sample_weight, counts_of(k, z(first.back()), 0),
      [&](Counts& c, std::int64_t code, double w, std::span<const double> row) {
        c.weight[z(code)] += w;
        for (std::int64_t j = 0; j < p; ++j)
          c.values[z(first[z(j)] + code * width[z(j)] + static_cast<std::int64_t>(row[j]))] += w;
      });
  List tables, logs;
  for (std::int64_t j = 0; j < p; ++j) {
    const std::int64_t w = width[z(j)];
    Small table(k, w,
                {counts.values.begin() + first[z(j)], counts.values.begin() + first[z(j) + 1]});
    if (is_fitted()) {
      const Small before(category_count_.as<List>()[z(j)].as<Array>());
      for (std::int64_t c = 0; c < k; ++c)
        for (std::int64_t v = 0; v < before.cols(); ++v) table.at(c, v) += before.at(c, v);
    }
    tables.emplace_back(table.array(DType::float64, x.comm()));
    for (std::int64_t c = 0; c < k; ++c) {
      for (double& v : table.row(c)) v += alpha;
      to_log_shares(table.row(c));
    }
    logs.emplace_back(table.array(DType::float64, x.comm()));
  }
  learn_prior(counts.weight, smoothing, x);
  category_count_ = std::move(tables);
  feature_log_prob_ = std::move(logs);
  n_categories_ = replicated(width, {p}, x.comm());
}

Rows CategoricalNB::do_joint(const Rows& x) const {
  std::vector<Small> logs;
  for (const Value& one : feature_log_prob_.as<List>()) logs.emplace_back(one.as<Array>());
  const auto joint = [logs, prior = doubles(class_log_prior_)](
                         std::int64_t i, std::span<const double> row, std::span<double> out) {
    std::ranges::copy(prior, out.begin());
    for (std::size_t j = 0; j < logs.size(); ++j) {
      if (row[j] < 0)
        throw ValueError(fmt::format(
            "Negative values in data passed to CategoricalNB (input X): {} at row {}, column {}",
            row[j], i, j));
      if (row[j] >= static_cast<double>(logs[j].cols()))
        throw ValueError(
            fmt::format("Input X of CategoricalNB has category {} at row {}, column {}, but fit "
                        "has seen {} categories there; min_categories adds some",
                        row[j], i, j, logs[j].cols()));
      for (std::int64_t c = 0; c < logs[j].rows(); ++c)
        out[z(c)] += logs[j].at(c, static_cast<std::int64_t>(row[j]));
    }
  };
  return map_wide_rows(x, class_count(classes_), joint, this);
}

namespace detail {
const EstimatorType& bernoulli_nb() { return BernoulliNB::describe(); }
const EstimatorType& categorical_nb() { return CategoricalNB::describe(); }
const EstimatorType& complement_nb() { return ComplementNB::describe(); }
const EstimatorType& multinomial_nb() { return MultinomialNB::describe(); }
}  // namespace detail

}  // namespace tessera
