#include <tessera/estimators/metrics/classification.hpp>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>

#include <tessera/estimators/targets.hpp>
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
double trace_of(const Small& c) {
  double sum = 0.0;
  for (std::int64_t i = 0; i < c.rows(); ++i) sum += c.at(i, i);
  return sum;
}

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
std::optional<std::size_t> class_of(const Value& pos_label, const Value& labels) {
  const auto names = names_of(labels);
  if (names.size() > 2)
    throw ValueError(
        "Target is multiclass but average='binary'. Please choose another average setting, one of "
        "[None, 'micro', 'macro', 'weighted'].");
  const bool text = labels.is<std::vector<std::string>>();
  if (text != pos_label.is<std::string>())
    throw ValueError(fmt::format("pos_label={} is not a valid label: the labels are {}",
                                 pos_label.to_string(), fmt::join(names, ", ")));
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (text ? names[i] == pos_label.as<std::string>()
             : labels.as<Array>().astype(DType::float64).values<double>()[i] ==
                   (pos_label.is<double>() ? pos_label.as<double>()
                    : pos_label.is<bool>() ? (pos_label.as<bool>() ? 1.0 : 0.0)
                                           : static_cast<double>(pos_label.as<std::int64_t>())))
      return i;
  }
  if (names.size() == 2)
    throw ValueError(fmt::format("pos_label={} is not a valid label. It should be one of [{}]",
                                 pos_label.to_string(), fmt::join(names, ", ")));
  return {};
}

double mean_of(const std::vector<double>& values, const std::vector<double>& weights) {
  double sum = 0.0, all = 0.0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isnan(values[i])) continue;  // left out, as zero_division=nan says
    const double w = weights.empty() ? 1.0 : weights[i];
    sum += values[i] * w;
    all += w;
  }
  return all == 0.0 ? nan : sum / all;
}

}  // namespace

Confusion confusion(const Array& y_true, const Array& y_pred, const Array& sample_weight) {
  const auto [truth, predicted] = encode_together(y_true, y_pred);
  const std::int64_t k = class_count(truth.values);
  constexpr std::int64_t most = 8192;
  if (k > most)
    throw ValueError(
        fmt::format("y_true and y_pred have {} different labels, more than the {} of "
                    "which a matrix is made",
                    k, most));
  Sums sums = reduce<Sums>(
      zip(Rows(truth.codes.to(cpu)), {predicted.codes.to(cpu), sample_weight}),
      [&](const Leaf& leaf, Stream&) {
        Sums s{std::vector<double>(static_cast<std::size_t>(k * k))};
        const auto* of = leaf.tile.as<const std::int32_t>();
        const auto* as = leaf.beside[0].as<const std::int32_t>();
        const Tile& w = leaf.beside[1];
        const auto count = [&](auto weight) {
          for (std::int64_t i = 0; i < leaf.tile.rows; ++i)
            s.values[static_cast<std::size_t>(of[i] * k + as[i])] += weight(i);
        };
        if (!w)
          count([](std::int64_t) { return 1.0; });
        else
          visit_floating(w.dtype, [&](auto tag) {
            using T = typename decltype(tag)::type;
            count([&](std::int64_t i) { return static_cast<double>(w.as<const T>()[i]); });
          });
        return s;
      });
  sums.values.resize(static_cast<std::size_t>(k * k));
  return {truth.values, {k, k, std::move(sums.values)}};
}

Array confusion_matrix(const Array& y_true, const Array& y_pred, const Array& sample_weight,
                       Normalize normalize) {
  Small c = confusion(y_true, y_pred, sample_weight).counts;
  const auto rows = row_sums(c), columns = column_sums(c);
  const double all = sum_of(rows);
  if (normalize != Normalize::none)
    for (std::int64_t i = 0; i < c.rows(); ++i)
      for (std::int64_t j = 0; j < c.cols(); ++j) {
        const double by = normalize == Normalize::true_labels ? rows[static_cast<std::size_t>(i)]
                          : normalize == Normalize::pred_labels
                              ? columns[static_cast<std::size_t>(j)]
                              : all;
        c.at(i, j) = by == 0.0 ? 0.0 : c.at(i, j) / by;
      }
  const bool whole = !sample_weight && normalize == Normalize::none;
  return c.array(whole ? DType::int64 : DType::float64, y_true.comm());
}

double accuracy_score(const Array& y_true, const Array& y_pred, const Array& sample_weight,
                      bool normalize) {
  const Small c = confusion(y_true, y_pred, sample_weight).counts;
  return normalize ? trace_of(c) / sum_of(c.values()) : trace_of(c);
}

double zero_one_loss(const Array& y_true, const Array& y_pred, const Array& sample_weight,
                     bool normalize) {
  const Small c = confusion(y_true, y_pred, sample_weight).counts;
  const double wrong = sum_of(c.values()) - trace_of(c);
  return normalize ? wrong / sum_of(c.values()) : wrong;
}

double balanced_accuracy_score(const Array& y_true, const Array& y_pred, const Array& sample_weight,
                               bool adjusted) {
  const Small c = confusion(y_true, y_pred, sample_weight).counts;
  const auto of = row_sums(c);
  double sum = 0.0, classes = 0.0;
  for (std::int64_t i = 0; i < c.rows(); ++i) {
    const double all = of[static_cast<std::size_t>(i)];
    if (all == 0.0) continue;
    sum += c.at(i, i) / all;
    classes += 1.0;
  }
  if (classes < static_cast<double>(c.rows())) warn("y_pred contains classes not in y_true");
  const double score = sum / classes, chance = 1.0 / classes;
  return adjusted ? (score - chance) / (1.0 - chance) : score;
}

double cohen_kappa_score(const Array& y_true, const Array& y_pred, const Array& sample_weight,
                         const std::string& weights) {
  if (weights != "none" && weights != "linear" && weights != "quadratic")
    throw ValueError(fmt::format(
        "cohen_kappa_score: weights must be none, linear or quadratic, got '{}'", weights));
  const Small c = confusion(y_true, y_pred, sample_weight).counts;
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
      expected +=
          w * rows[static_cast<std::size_t>(i)] * columns[static_cast<std::size_t>(j)] / all;
    }
  if (expected == 0.0) {
    warn("cohen_kappa_score is not defined where y_true and y_pred hold one and the same label",
         "UndefinedMetricWarning");
    return nan;
  }
  return 1.0 - seen / expected;
}

double matthews_corrcoef(const Array& y_true, const Array& y_pred, const Array& sample_weight) {
  const Small c = confusion(y_true, y_pred, sample_weight).counts;
  const auto t = row_sums(c), p = column_sums(c);
  const double all = sum_of(t);
  double tp = 0.0, tt = 0.0, pp = 0.0;
  for (std::size_t i = 0; i < t.size(); ++i) {
    tp += t[i] * p[i];
    tt += t[i] * t[i];
    pp += p[i] * p[i];
  }
  const double by = (all * all - pp) * (all * all - tt);
  return by == 0.0 ? 0.0 : (trace_of(c) * all - tp) / std::sqrt(by);
}

Scores precision_recall_fscore_support(const Array& y_true, const Array& y_pred,
                                       const ScoreOptions& options) {
  if (!(options.beta >= 0.0))
    throw ValueError(fmt::format("beta must be at least 0, got {}", options.beta));
  const Confusion all = confusion(y_true, y_pred, options.sample_weight);
  const Small& c = all.counts;
  auto found = row_sums(c), predicted = column_sums(c);
  std::vector<double> hits;
  for (std::int64_t i = 0; i < c.rows(); ++i) hits.push_back(c.at(i, i));
  if (options.average == Average::micro) {
    hits = {sum_of(hits)};
    found = {sum_of(found)};
    predicted = {sum_of(predicted)};
  } else if (options.average == Average::binary) {
    const auto at = class_of(options.pos_label, all.labels);
    const auto only = [&](std::vector<double>& v) { v = {at ? v[*at] : 0.0}; };
    only(hits), only(found), only(predicted);
  }
  Scores s;
  s.support = found;
  const double beta2 = options.beta * options.beta;
  {
    Ratio precision(options.zero_division, "Precision"), recall(options.zero_division, "Recall"),
        f(options.zero_division, "F-score"), jaccard(options.zero_division, "Jaccard");
    for (std::size_t i = 0; i < hits.size(); ++i) {
      s.precision.push_back(precision(hits[i], predicted[i]));
      s.recall.push_back(recall(hits[i], found[i]));
      s.fscore.push_back(std::isinf(beta2)
                             ? s.recall.back()
                             : f((1.0 + beta2) * hits[i], beta2 * found[i] + predicted[i]));
      s.jaccard.push_back(jaccard(hits[i], found[i] + predicted[i] - hits[i]));
    }
  }
  if (options.average == Average::macro || options.average == Average::weighted) {
    const std::vector<double> weights =
        options.average == Average::weighted ? found : std::vector<double>{};
    for (auto* v : {&s.precision, &s.recall, &s.fscore, &s.jaccard}) *v = {mean_of(*v, weights)};
    s.support = {sum_of(found)};
  }
  return s;
}

std::vector<double> precision_score(const Array& y_true, const Array& y_pred,
                                    const ScoreOptions& options) {
  return precision_recall_fscore_support(y_true, y_pred, options).precision;
}
std::vector<double> recall_score(const Array& y_true, const Array& y_pred,
                                 const ScoreOptions& options) {
  return precision_recall_fscore_support(y_true, y_pred, options).recall;
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
                                  const Array& sample_weight, int digits) {
  const Confusion all = confusion(y_true, y_pred, sample_weight);
  const auto names = names_of(all.labels);
  ScoreOptions options{.average = Average::none, .sample_weight = sample_weight};
  const Scores each = precision_recall_fscore_support(y_true, y_pred, options);
  std::size_t width = std::string_view("weighted avg").size();
  for (const auto& name : names) width = std::max(width, name.size());
  width = std::max(width, static_cast<std::size_t>(digits));
  const auto shown = [&](double support) {
    return sample_weight ? fmt::format("{:>9.{}f}", support, digits)
                         : fmt::format("{:>9.0f}", support);
  };
  const auto line = [&](const std::string& name, double p, double r, double f, double support) {
    return fmt::format("{:>{}}  {:>9.{}f} {:>9.{}f} {:>9.{}f} {}\n", name, width, p, digits, r,
                       digits, f, digits, shown(support));
  };
  std::string text = fmt::format("{:>{}}  {:>9} {:>9} {:>9} {:>9}\n\n", "", width, "precision",
                                 "recall", "f1-score", "support");
  for (std::size_t i = 0; i < names.size(); ++i)
    text += line(names[i], each.precision[i], each.recall[i], each.fscore[i], each.support[i]);
  const double support = sum_of(each.support);
  text += fmt::format("\n{:>{}}  {:>9} {:>9} {:>9.{}f} {}\n", "accuracy", width, "", "",
                      trace_of(all.counts) / sum_of(all.counts.values()), digits, shown(support));
  for (const bool weighted : {false, true}) {
    const auto weights = weighted ? each.support : std::vector<double>{};
    text += line(weighted ? "weighted avg" : "macro avg", mean_of(each.precision, weights),
                 mean_of(each.recall, weights), mean_of(each.fscore, weights), support);
  }
  return text;
}

}  // namespace tessera::metrics
