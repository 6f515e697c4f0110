#pragma once
#include <functional>
#include <span>
#include <string>
#include <vector>

#include <tessera/estimators/metrics/classification.hpp>
#include <tessera/runtime/array.hpp>

/// Rows with several labels at once, as sklearn.metrics: y_true and y_pred are (n, k) of 0 and 1
/// ("multilabel-indicator"), scores (n, k). Labels are the numbers of the columns. As the other
/// metrics: collective, exact, the same bits at any number of processes; ValueError for other
/// values, shapes that differ, no rows, and scores that are not finite.
namespace tessera::metrics {

/// Whether y is (n, k) with more than one column.
inline bool is_multilabel(const Array& y) { return y.ndim() == 2 && y.cols() > 1; }

/// Of each column: [not this label, nor predicted | wrongly predicted | missed | found], rows or
/// their weights, (k, 2, 2); of labels (n,) the same for each label, or of those in `labels`.
/// int64 without weights. `samplewise`, of several labels, it is of each row, (n, 2, 2), as y_true
/// lies.
Array multilabel_confusion_matrix(const Array& y_true, const Array& y_pred,
                                  const Array& sample_weight = {}, const Value& labels = {},
                                  bool samplewise = false);

/// The mean number of columns, from the highest score on, that hold all labels of a row.
double coverage_error(const Array& y_true, const Array& y_score, const Array& sample_weight = {});
/// The mean, over the labels of a row, of the share of its labels among the columns that score as
/// high.
double label_ranking_average_precision_score(const Array& y_true, const Array& y_score,
                                             const Array& sample_weight = {});
/// The mean share of pairs, of a label and another column, that are in the wrong order.
double label_ranking_loss(const Array& y_true, const Array& y_score,
                          const Array& sample_weight = {});

struct GainOptions {
  std::int64_t k = 0;        ///< only the so many highest scores count; 0: all
  double log_base = 2.0;     ///< of the discount, 1 / log(rank + 1)
  bool ignore_ties = false;  ///< the later column of equal scores comes first
  Array sample_weight = {};
};
/// The mean of the discounted sums of y_true's values, the highest scores first.
double dcg_score(const Array& y_true, const Array& y_score, const GainOptions& options = {});
/// Divided by the most that there can be. ValueError for values below 0.
double ndcg_score(const Array& y_true, const Array& y_score, const GainOptions& options = {});

namespace multilabel {

/// The scores `of` the columns of y_true, labels as 0 and 1, or their mean: `average` "none",
/// "macro", "weighted" by their rows, "micro" over all elements, or "samples": the mean `of_row`s.
std::vector<double> averaged(
    const Array& y_true, const Array& y_score, const Array& sample_weight,
    const std::string& average,
    const std::function<double(const Array&, const Array&, const Array& weights)>& of,
    double (*of_row)(std::span<const double> truth, std::span<const double> score));
/// The area under the ROC curve, and the mean precision, of one row.
double area_of_row(std::span<const double> truth, std::span<const double> score);
double precision_of_row(std::span<const double> truth, std::span<const double> score);

/// Sums over the rows of what label sets are scored by.
struct LabelSets {
  std::vector<double> hits, found, predicted;  ///< of each column
  double all = 0.0;                            ///< rows, or their weights
  double right = 0.0;                          ///< those with every label right
  double wrong = 0.0;                          ///< elements that differ
};
LabelSets label_sets(const Array& y_true, const Array& y_pred, const Array& sample_weight);
/// The means over the rows of the scores of each row, over the columns `labels` (all where empty).
/// What is divided by 0 is `zero`, or left out where that is NaN; `undefined` says for which of
/// precision, recall, F and Jaccard there was such.
struct SampleScores {
  double precision, recall, fscore, jaccard;
  bool undefined[4];
};
/// The table of each row, (n, 2, 2).
Array sample_tables(const Array& y_true, const Array& y_pred, const Array& sample_weight,
                    const std::vector<std::int64_t>& columns);
SampleScores sample_scores(const Array& y_true, const Array& y_pred, const Array& sample_weight,
                           const std::vector<std::int64_t>& columns, double beta, double zero);

}  // namespace multilabel
}  // namespace tessera::metrics
