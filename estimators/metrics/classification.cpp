#include <tessera/estimators/metrics/classification.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>

#include <tessera/estimators/metrics/multilabel.hpp>
#include <tessera/estimators/targets.hpp>
#include <tessera/runtime/json.hpp>
#include <tessera/runtime/reduce.hpp>
#include <tessera/runtime/visit.hpp>
#include <tessera/runtime/warn.hpp>

namespace tessera::metrics {
namespace {

using linalg::Small;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

std::vector<double> row_sums(const Small& c) {
  std::vector<double> sums;
  for (std::int64_t i = 0; i < c.rows(); ++i)
    sums.push_back(std::accumulate(c.row(i).begin(), c.row(i).end(), 0.0));
  return sums;
}
std::vector<double> column_sums(const Small& c) { return row_sums(c.transposed()); }
double sum_of(const std::vector<double>& v) { return std::accumulate(v.begin(), v.end(), 0.0); }

/// Labels as scikit-learn's report prints them.
std::vector<std::string> names_of(const Value& labels) {
  if (labels.is<std::vector<std::string>>()) return labels.as<std::vector<std::string>>();
  std::vector<std::string> names;
  visit(labels.as<Array>().dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_same_v<T, bool>)
      for (const T v : labels.as<Array>().values<T>()) names.push_back(v ? "True" : "False");
    else if constexpr (std::is_floating_point_v<T>)
      for (const T v : labels.as<Array>().values<T>()) names.push_back(fmt::format("{:.1f}", v));
    else if constexpr (std::is_arithmetic_v<T>)
      for (const T v : labels.as<Array>().values<T>()) names.push_back(fmt::format("{}", v));
  });
  return names;
}

/// Divisions whose denominator may be 0, with one warning for those of one kind.
class Ratio {
 public:
  Ratio(const Value& zero_division, std::string what) : what_(std::move(what)) {
    if (zero_division.is<double>()) zero_ = zero_division.as<double>();
    if (zero_division.is<std::int64_t>())
      zero_ = static_cast<double>(zero_division.as<std::int64_t>());
  }
  ~Ratio() {
    if (undefined_ && !zero_)
      warn(
          fmt::format("{} is ill-defined and being set to 0.0 where there is nothing to divide by. "
                      "zero_division says otherwise",
                      what_),
          "UndefinedMetricWarning");
  }
  Ratio(const Ratio&) = delete;
  /// What 0 / 0 is.
  double of_zero() const { return zero_.value_or(0.0); }
  double operator()(double a, double b) {
    if (b != 0.0) return a / b;
    undefined_ = true;
    return zero_.value_or(0.0);
  }

 private:
  std::string what_;
  std::optional<double> zero_;
  bool undefined_ = false;
};

/// The class among the labels that counts; ValueError unless it can.
std::optional<std::int32_t> class_of(const Value& pos_label, const Value& labels) {
  const auto names = names_of(labels);
  if (names.size() > 2)
    throw ValueError(
        "Target is multiclass but average='binary'. Please choose another average setting, one of "
        "[None, 'micro', 'macro', 'weighted'].");
  const auto code = code_of(pos_label, labels);
  // One label alone may be the other one, which nothing was taken for; but not of another kind.
  if (!code &&
      (names.size() == 2 || labels.is<std::vector<std::string>>() != pos_label.is<std::string>()))
    throw ValueError(fmt::format("pos_label={} is not a valid label. It should be one of [{}]",
                                 pos_label.to_string(), fmt::join(names, ", ")));
  return code;
}

// Without weights where all are 0.
double mean_of(const std::vector<double>& values, const std::vector<double>& given) {
  const bool none = std::ranges::all_of(given, [](double w) { return w == 0.0; });
  const std::vector<double> weights = none ? std::vector<double>{} : given;
  double sum = 0.0, all = 0.0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isnan(values[i])) continue;  // left out, as zero_division=nan says
    const double w = weights.empty() ? 1.0 : weights[i];
    sum += values[i] * w;
    all += w;
  }
  return all == 0.0 ? nan : sum / all;
}

// The weights of the rows of a leaf whose labels are encoded beside: f(true code, predicted, w).
template <class F>
void each(const Leaf& leaf, const F& f) {
  const auto* of = leaf.tile.as<const std::int32_t>();
  const auto* as = leaf.beside[0].as<const std::int32_t>();
  const Tile& w = leaf.beside[1];
  if (!w) {
    for (std::int64_t i = 0; i < leaf.tile.rows; ++i) f(of[i], as[i], 1.0);
    return;
  }
  visit(w.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_arithmetic_v<T>)
      for (std::int64_t i = 0; i < leaf.tile.rows; ++i)
        f(of[i], as[i], static_cast<double>(w.as<const T>()[i]));
  });
}

// Sums over the rows by class; size(k) of them for k labels.
template <class Size, class Add>
std::pair<Value, std::vector<double>> sums_by_class(const Array& y_true, const Array& y_pred,
                                                    const Array& sample_weight, const Size& size,
                                                    const Add& add) {
  const auto [truth, predicted] = encode_together(y_true, y_pred);
  require_some_weight(sample_weight);
  const std::int64_t k = class_count(truth.values);
  const auto all = static_cast<std::size_t>(size(k));
  Sums sums = reduce<Sums>(zip(Rows(truth.codes.to(cpu)), {predicted.codes.to(cpu), sample_weight}),
                           [&](const Leaf& leaf, Stream&) {
                             Sums s{std::vector<double>(all)};
                             each(leaf, [&](std::int64_t of, std::int64_t as, double w) {
                               add(s.values, k, of, as, w);
                             });
                             return s;
                           });
  sums.values.resize(all);
  return {truth.values, std::move(sums.values)};
}

/// Of each label the rows, or their weights: rightly predicted, that have it, that are predicted.
struct ClassCounts {
  Value labels;
  std::vector<double> hits, found, predicted;

  std::size_t size() const { return hits.size(); }
};

// Whether both are of several labels; ValueError if one is.
bool are_multilabel(const Array& y_true, const Array& y_pred) {
  if (is_multilabel(y_true) != is_multilabel(y_pred))
    throw ValueError(
        fmt::format("Classification metrics can't handle a mix of one label a row and several: "
                    "y_true has shape {}, y_pred {}",
                    to_string(y_true.shape()), to_string(y_pred.shape())));
  return is_multilabel(y_true);
}
void refuse_multilabel(const Array& y_true, const Array& y_pred) {
  if (are_multilabel(y_true, y_pred)) throw ValueError("multilabel-indicator is not supported");
}

ClassCounts class_counts(const Array& y_true, const Array& y_pred, const Array& sample_weight) {
  if (are_multilabel(y_true, y_pred)) {
    auto sets = multilabel::label_sets(y_true, y_pred, sample_weight);
    std::vector<std::int64_t> columns(sets.hits.size());
    std::iota(columns.begin(), columns.end(), std::int64_t{0});
    return {replicated(columns, {std::ssize(columns)}, y_true.comm()), std::move(sets.hits),
            std::move(sets.found), std::move(sets.predicted)};
  }
  auto [labels, sums] = sums_by_class(
      y_true, y_pred, sample_weight, [](std::int64_t k) { return 3 * k; },
      [](std::vector<double>& s, std::int64_t k, std::int64_t of, std::int64_t as, double w) {
        if (of == as) s[static_cast<std::size_t>(of)] += w;
        s[static_cast<std::size_t>(k + of)] += w;
        s[static_cast<std::size_t>(2 * k + as)] += w;
      });
  const auto k = static_cast<std::ptrdiff_t>(sums.size() / 3);
  const auto at = sums.begin();
  return {labels, {at, at + k}, {at + k, at + 2 * k}, {at + 2 * k, sums.end()}};
}

// Labels that are asked for as a list of values.
std::vector<Value> list_of(const Value& labels) {
  std::vector<Value> all;
  if (labels.is<std::vector<std::string>>())
    for (const auto& word : labels.as<std::vector<std::string>>()) all.emplace_back(word);
  else
    visit(labels.as<Array>().dtype(), [&](auto tag) {
      using T = typename decltype(tag)::type;
      if constexpr (std::is_floating_point_v<T>)
        for (const T v : labels.as<Array>().values<T>()) all.emplace_back(double{v});
      else if constexpr (std::is_arithmetic_v<T>)
        for (const T v : labels.as<Array>().values<T>())
          all.emplace_back(static_cast<std::int64_t>(v));
    });
  return all;
}

void require_kind(const Value& labels, const Value& all) {
  using Words = std::vector<std::string>;
  if (labels.is<Words>() != all.is<Words>())
    throw ValueError(fmt::format("labels holds {}, but y_true and y_pred {}",
                                 labels.is<Words>() ? "text" : "numbers",
                                 all.is<Words>() ? "text" : "numbers"));
}

// Only these labels, in their order; those that no row has count 0.
ClassCounts of_labels(const ClassCounts& all, const Value& labels) {
  require_kind(labels, all.labels);
  ClassCounts some{labels, {}, {}, {}};
  for (const Value& label : list_of(labels)) {
    const auto code = code_of(label, all.labels);
    const auto of = [&](const std::vector<double>& v) {
      return code ? v[static_cast<std::size_t>(*code)] : 0.0;
    };
    some.hits.push_back(of(all.hits));
    some.found.push_back(of(all.found));
    some.predicted.push_back(of(all.predicted));
  }
  return some;
}

// Of these labels alone, in their order; of all for None.
Small counts_of(const Confusion& all, const Value& labels) {
  if (labels.is_none()) return all.counts;
  require_kind(labels, all.labels);
  std::vector<std::optional<std::int32_t>> codes;
  for (const Value& label : list_of(labels)) codes.push_back(code_of(label, all.labels));
  const auto k = std::ssize(codes);
  Small c(k, k);
  bool found = false;
  for (std::int64_t i = 0; i < k; ++i)
    for (std::int64_t j = 0; j < k; ++j) {
      const auto of = codes[static_cast<std::size_t>(i)], as = codes[static_cast<std::size_t>(j)];
      if (of && as) c.at(i, j) = all.counts.at(*of, *as);
      found |= of && !std::ranges::all_of(all.counts.row(*of), [](double n) { return n == 0; });
    }
  if (!found) throw ValueError("At least one label specified must be in y_true");
  return c;
}

Accuracy accuracy_of(const Array& y_true, const Array& y_pred, const Array& sample_weight) {
  if (are_multilabel(y_true, y_pred)) {
    const auto sets = multilabel::label_sets(y_true, y_pred, sample_weight);
    return {sets.right, sets.all};
  }
  require_comparable(y_true, y_pred);
  require_some_weight(sample_weight);
  return accuracy(detail::labels_of(y_pred, y_true, "y_pred"),
                  detail::labels_of(y_true, y_true, "y_true"), sample_weight);
}

}  // namespace

void require_some_weight(const Array& sample_weight) {
  if (!sample_weight) return;
  std::int64_t any = 0;
  const Array here = sample_weight.to(cpu);
  visit(here.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const auto* w = here.local().template as<const T>();
    any = std::any_of(w, w + here.local().rows * here.local().cols, [](T v) { return v != T(0); });
  });
  sample_weight.comm().all_reduce(std::span(&any, 1), Reduce::max);
  if (any == 0) throw ValueError("sample_weight must contain at least one non-zero number");
}

Confusion confusion(const Array& y_true, const Array& y_pred, const Array& sample_weight) {
  static constexpr std::int64_t most = 4096;
  auto [labels, counts] = sums_by_class(
      y_true, y_pred, sample_weight,
      [](std::int64_t k) {
        if (k > most)
          throw ValueError(
              fmt::format("y_true and y_pred have {} different labels, more than the {} of "
                          "which a matrix is made",
                          k, most));
        return k * k;
      },
      [](std::vector<double>& s, std::int64_t k, std::int64_t of, std::int64_t as, double w) {
        s[static_cast<std::size_t>(of * k + as)] += w;
      });
  const std::int64_t k = class_count(labels);
  return {labels, {k, k, std::move(counts)}};
}

Array confusion_matrix(const Array& y_true, const Array& y_pred, const Array& sample_weight,
                       Normalize normalize, const Value& labels) {
  Small c = counts_of(confusion(y_true, y_pred, sample_weight), labels);
  const auto rows = row_sums(c), columns = column_sums(c);
  const double sum = sum_of(rows);
  if (normalize != Normalize::none)
    for (std::int64_t i = 0; i < c.rows(); ++i)
      for (std::int64_t j = 0; j < c.cols(); ++j) {
        const double by = normalize == Normalize::true_labels ? rows[static_cast<std::size_t>(i)]
                          : normalize == Normalize::pred_labels
                              ? columns[static_cast<std::size_t>(j)]
                              : sum;
        c.at(i, j) = by == 0.0 ? 0.0 : c.at(i, j) / by;
      }
  const bool whole = !sample_weight && normalize == Normalize::none;
  return c.array(whole ? DType::int64 : DType::float64, y_true.comm());
}

double accuracy_score(const Array& y_true, const Array& y_pred, const Array& sample_weight,
                      bool normalize) {
  const Accuracy a = accuracy_of(y_true, y_pred, sample_weight);
  return normalize ? a.share() : a.right;
}

double zero_one_loss(const Array& y_true, const Array& y_pred, const Array& sample_weight,
                     bool normalize) {
  const Accuracy a = accuracy_of(y_true, y_pred, sample_weight);
  return (a.all - a.right) / (normalize ? a.all : 1.0);
}

double hamming_loss(const Array& y_true, const Array& y_pred, const Array& sample_weight) {
  if (!are_multilabel(y_true, y_pred)) return zero_one_loss(y_true, y_pred, sample_weight);
  const auto sets = multilabel::label_sets(y_true, y_pred, sample_weight);
  return sets.wrong / (sets.all * static_cast<double>(y_true.cols()));
}

double balanced_accuracy_score(const Array& y_true, const Array& y_pred, const Array& sample_weight,
                               bool adjusted) {
  refuse_multilabel(y_true, y_pred);
  const ClassCounts c = class_counts(y_true, y_pred, sample_weight);
  double sum = 0.0, classes = 0.0;
  for (std::size_t i = 0; i < c.size(); ++i) {
    if (c.found[i] == 0.0) continue;
    sum += c.hits[i] / c.found[i];
    classes += 1.0;
  }
  if (classes < static_cast<double>(c.size())) warn("y_pred contains classes not in y_true");
  const double score = sum / classes, chance = 1.0 / classes;
  return adjusted ? (score - chance) / (1.0 - chance) : score;
}

double cohen_kappa_score(const Array& y_true, const Array& y_pred, const Array& sample_weight,
                         const std::string& weights, const Value& labels, double undefined) {
  if (weights != "none" && weights != "linear" && weights != "quadratic")
    throw ValueError(fmt::format(
        "cohen_kappa_score: weights must be none, linear or quadratic, got '{}'", weights));
  const Small c = counts_of(confusion(y_true, y_pred, sample_weight), labels);
  const auto rows = row_sums(c), columns = column_sums(c);
  const double all = sum_of(rows);
  double seen = 0.0, expected = 0.0;
  for (std::int64_t i = 0; i < c.rows(); ++i)
    for (std::int64_t j = 0; j < c.cols(); ++j) {
      const auto apart = static_cast<double>(std::abs(i - j));
      const double w = weights == "none"     ? (i != j ? 1.0 : 0.0)
                       : weights == "linear" ? apart
                                             : apart * apart;
      seen += w * c.at(i, j);
      if (all != 0.0)
        expected +=
            w * rows[static_cast<std::size_t>(i)] * columns[static_cast<std::size_t>(j)] / all;
    }
  if (expected == 0.0) {
    warn(fmt::format("cohen_kappa_score is not defined where y1 and y2 hold one and the same "
                     "label, or none of those that count, and is set to {}",
                     undefined),
         "UndefinedMetricWarning");
    return undefined;
  }
  return 1.0 - seen / expected;
}

LikelihoodRatios class_likelihood_ratios(const Array& y_true, const Array& y_pred,
                                         const Array& sample_weight, const Value& labels,
                                         LikelihoodRatios undefined) {
  if (!(undefined.positive >= 1.0 || std::isnan(undefined.positive)) ||
      !((undefined.negative >= 0.0 && undefined.negative <= 1.0) || std::isnan(undefined.negative)))
    throw ValueError(
        fmt::format("replace_undefined_by must be NaN or at least 1 for LR+, NaN or in "
                    "[0, 1] for LR-, got {} and {}",
                    undefined.positive, undefined.negative));
  refuse_multilabel(y_true, y_pred);
  const Confusion all = confusion(y_true, y_pred, sample_weight);
  const Small c = counts_of(all, labels);
  if (class_count(all.labels) > 2 || c.rows() != 2)
    throw ValueError(fmt::format(
        "class_likelihood_ratios needs two labels, there are {}{}", class_count(all.labels),
        labels.is_none() ? "" : fmt::format(", of which {} count", c.rows())));
  const double tn = c.at(0, 0), fp = c.at(0, 1), fn = c.at(1, 0), tp = c.at(1, 1);
  const double positive = tp + fn, negative = tn + fp;
  const auto ratio = [&](const char* name, double of, double against, double otherwise) {
    if (against != 0.0 && positive != 0.0) return of * negative / (against * positive);
    if (positive == 0.0) otherwise = against == 0.0 ? otherwise : nan;
    warn(fmt::format("{} is ill-defined, for there are no {}, and set to {}", name,
                     positive == 0.0 ? "rows of the positive label in y_true"
                                     : "rows of the negative one with that prediction",
                     otherwise),
         "UndefinedMetricWarning");
    return otherwise;
  };
  return {ratio("The positive likelihood ratio", tp, fp, undefined.positive),
          ratio("The negative likelihood ratio", fn, tn, undefined.negative)};
}

double matthews_corrcoef(const Array& y_true, const Array& y_pred, const Array& sample_weight) {
  refuse_multilabel(y_true, y_pred);
  const ClassCounts c = class_counts(y_true, y_pred, sample_weight);
  const auto dot = [](const std::vector<double>& a, const std::vector<double>& b) {
    return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
  };
  // Each with its own sum, so that nothing is left of labels that are all the same.
  const double all = sum_of(c.found), taken = sum_of(c.predicted);
  const double by =
      (taken * taken - dot(c.predicted, c.predicted)) * (all * all - dot(c.found, c.found));
  return by == 0.0 ? 0.0 : (sum_of(c.hits) * all - dot(c.found, c.predicted)) / std::sqrt(by);
}

namespace {

Scores scores_of(ClassCounts c, const ScoreOptions& options) {
  if (!(options.beta >= 0.0))
    throw ValueError(fmt::format("beta must be at least 0, got {}", options.beta));
  if (options.average == Average::binary) {
    const auto at = class_of(options.pos_label, c.labels);
    for (auto* v : {&c.hits, &c.found, &c.predicted})
      *v = {at ? (*v)[static_cast<std::size_t>(*at)] : 0.0};
  } else if (!options.labels.is_none()) {
    c = of_labels(c, options.labels);
  }
  if (options.average == Average::micro)
    for (auto* v : {&c.hits, &c.found, &c.predicted}) *v = {sum_of(*v)};
  Scores s;
  s.support = c.found;
  const double beta2 = options.beta * options.beta;
  {
    Ratio precision(options.zero_division, "Precision"), recall(options.zero_division, "Recall"),
        f(options.zero_division, "F-score"), jaccard(options.zero_division, "Jaccard");
    for (std::size_t i = 0; i < c.size(); ++i) {
      s.precision.push_back(precision(c.hits[i], c.predicted[i]));
      s.recall.push_back(recall(c.hits[i], c.found[i]));
      s.fscore.push_back(std::isinf(beta2)
                             ? s.recall.back()
                             : f((1.0 + beta2) * c.hits[i], beta2 * c.found[i] + c.predicted[i]));
      s.jaccard.push_back(jaccard(c.hits[i], c.found[i] + c.predicted[i] - c.hits[i]));
    }
  }
  if (options.average == Average::macro || options.average == Average::weighted) {
    const std::vector<double> weights =
        options.average == Average::weighted ? c.found : std::vector<double>{};
    for (auto* v : {&s.precision, &s.recall, &s.fscore, &s.jaccard}) *v = {mean_of(*v, weights)};
    s.support = {sum_of(c.found)};
  }
  return s;
}

// The columns that labels name; none for None.
std::vector<std::int64_t> columns_of(const Value& labels, const Array& y_true) {
  std::vector<std::int64_t> columns;
  if (labels.is_none()) return columns;
  for (const Value& label : list_of(labels)) {
    if (!label.is<std::int64_t>() || label.as<std::int64_t>() < 0 ||
        label.as<std::int64_t>() >= y_true.cols())
      throw ValueError(
          fmt::format("All labels must be in [0, n labels) for multilabel targets: got {}, there "
                      "are {}",
                      label.to_string(), y_true.cols()));
    columns.push_back(label.as<std::int64_t>());
  }
  return columns;
}

// The mean over rows of several labels.
Scores sample_scores_of(const Array& y_true, const Array& y_pred, const ScoreOptions& options) {
  Ratio precision(options.zero_division, "Precision"), recall(options.zero_division, "Recall"),
      f(options.zero_division, "F-score"), jaccard(options.zero_division, "Jaccard");
  const auto mean = multilabel::sample_scores(y_true, y_pred, options.sample_weight,
                                              columns_of(options.labels, y_true), options.beta,
                                              precision.of_zero());
  std::size_t i = 0;
  for (Ratio* of : {&precision, &recall, &f, &jaccard})
    if (mean.undefined[i++]) (*of)(0.0, 0.0);
  return {{mean.precision}, {mean.recall}, {mean.fscore}, {mean.jaccard}, {}};
}

}  // namespace

Array multilabel_confusion_matrix(const Array& y_true, const Array& y_pred,
                                  const Array& sample_weight, const Value& labels,
                                  bool samplewise) {
  if (samplewise && !are_multilabel(y_true, y_pred))
    throw ValueError("Samplewise metrics are not available outside of multilabel classification.");
  if (samplewise)
    return multilabel::sample_tables(y_true, y_pred, sample_weight, columns_of(labels, y_true));
  if (are_multilabel(y_true, y_pred)) columns_of(labels, y_true);  // which checks them
  const ClassCounts all = class_counts(y_true, y_pred, sample_weight);
  double rows = sum_of(all.found);
  if (is_multilabel(y_true)) rows = multilabel::label_sets(y_true, y_pred, sample_weight).all;
  const ClassCounts some = labels.is_none() ? all : of_labels(all, labels);
  std::vector<double> table;
  for (std::size_t c = 0; c < some.size(); ++c) {
    const double wrong = some.predicted[c] - some.hits[c], missed = some.found[c] - some.hits[c];
    table.insert(table.end(), {rows - wrong - missed - some.hits[c], wrong, missed, some.hits[c]});
  }
  return replicated(table, {std::ssize(some.hits), 2, 2}, y_true.comm())
      .astype(sample_weight ? DType::float64 : DType::int64);
}

Scores precision_recall_fscore_support(const Array& y_true, const Array& y_pred,
                                       const ScoreOptions& options) {
  const bool several = are_multilabel(y_true, y_pred);
  if (several && options.average == Average::binary)
    throw ValueError(
        "Target is multilabel-indicator but average='binary'. Please choose another average "
        "setting, one of [None, 'micro', 'macro', 'weighted', 'samples'].");
  if (options.average == Average::samples) {
    if (!several)
      throw ValueError(
          "Samplewise metrics are not available outside of multilabel classification.");
    return sample_scores_of(y_true, y_pred, options);
  }
  if (several) columns_of(options.labels, y_true);  // which checks them
  return scores_of(class_counts(y_true, y_pred, options.sample_weight), options);
}

std::vector<double> precision_score(const Array& y_true, const Array& y_pred,
                                    const ScoreOptions& options) {
  return precision_recall_fscore_support(y_true, y_pred, options).precision;
}
std::vector<double> recall_score(const Array& y_true, const Array& y_pred,
                                 const ScoreOptions& options) {
  return precision_recall_fscore_support(y_true, y_pred, options).recall;
}
std::vector<double> f1_score(const Array& y_true, const Array& y_pred,
                             const ScoreOptions& options) {
  ScoreOptions f1 = options;
  f1.beta = 1.0;
  return fbeta_score(y_true, y_pred, f1);
}
std::vector<double> fbeta_score(const Array& y_true, const Array& y_pred,
                                const ScoreOptions& options) {
  return precision_recall_fscore_support(y_true, y_pred, options).fscore;
}
std::vector<double> jaccard_score(const Array& y_true, const Array& y_pred,
                                  const ScoreOptions& options) {
  return precision_recall_fscore_support(y_true, y_pred, options).jaccard;
}

std::string classification_report(const Array& y_true, const Array& y_pred,
                                  const ReportOptions& report) {
  const ScoreOptions& options = report.scores;
  const int digits = report.digits;
  const ClassCounts all = class_counts(y_true, y_pred, options.sample_weight);
  const ClassCounts some = options.labels.is_none() ? all : of_labels(all, options.labels);
  auto names = names_of(some.labels);
  if (!report.names.empty()) {
    if (report.names.size() != names.size())
      throw ValueError(
          fmt::format("target_names has {} names for {} labels: labels says which "
                      "they are of",
                      report.names.size(), names.size()));
    names = report.names;
  }
  struct Line {
    std::string name;
    double precision, recall, fscore, support;
  };
  std::vector<Line> lines;
  const double support = sum_of(some.found);
  const auto averaged = [&](Average average) {
    return scores_of(
        some, {.average = average, .beta = options.beta, .zero_division = options.zero_division});
  };
  const Scores each = averaged(Average::none);
  for (std::size_t i = 0; i < names.size(); ++i)
    lines.push_back({names[i], each.precision[i], each.recall[i], each.fscore[i], each.support[i]});
  const auto add = [&](const char* name, const Scores& s) {
    lines.push_back({name, s.precision[0], s.recall[0], s.fscore[0], support});
  };
  // Accuracy is the micro average unless labels are left out.
  const bool several = is_multilabel(y_true);
  const bool accurate =
      !several && std::ranges::all_of(list_of(all.labels), [&](const Value& label) {
        return code_of(label, some.labels).has_value();
      });
  if (accurate) {
    const double accuracy = sum_of(all.hits) / sum_of(all.found);
    lines.push_back({"accuracy", accuracy, accuracy, accuracy, support});
  } else {
    add("micro avg", averaged(Average::micro));
  }
  add("macro avg", averaged(Average::macro));
  add("weighted avg", averaged(Average::weighted));
  if (several) add("samples avg", sample_scores_of(y_true, y_pred, options));

  if (report.json) {
    const auto number = [](double v) {
      return std::isnan(v) ? std::string("NaN") : fmt::format("{}", v);
    };
    std::vector<std::string> items;
    for (const Line& l : lines)
      items.push_back(
          accurate && &l == &lines[names.size()]
              ? fmt::format("\"accuracy\": {}", number(l.fscore))
              : fmt::format("{}: {{\"precision\": {}, \"recall\": {}, \"f1-score\": {}, "
                            "\"support\": {}}}",
                            tessera::detail::json_text(l.name), number(l.precision),
                            number(l.recall), number(l.fscore), number(l.support)));
    return fmt::format("{{{}}}", fmt::join(items, ",\n "));
  }
  std::size_t width = std::max<std::size_t>(std::string_view("weighted avg").size(),
                                            static_cast<std::size_t>(digits));
  for (const auto& name : names) width = std::max(width, name.size());
  std::string text = fmt::format("{:>{}}  {:>9} {:>9} {:>9} {:>9}\n", "", width, "precision",
                                 "recall", "f1-score", "support");
  for (const Line& l : lines) {
    if (&l == lines.data() || &l == &lines[names.size()]) text += "\n";
    const auto shown = [&](double v) { return fmt::format("{:>9.{}f}", v, digits); };
    const bool lone = accurate && &l == &lines[names.size()];  // only one number
    text +=
        fmt::format("{:>{}}  {:>9} {:>9} {} {}\n", l.name, width, lone ? "" : shown(l.precision),
                    lone ? "" : shown(l.recall), shown(l.fscore),
                    options.sample_weight ? shown(l.support) : fmt::format("{:>9.0f}", l.support));
  }
  return text;
}

}  // namespace tessera::metrics
