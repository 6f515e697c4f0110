#pragma once
#include <string>

#include <tessera/model/value.hpp>
#include <tessera/runtime/array.hpp>

/// How good scores and probabilities of labels are, as sklearn.metrics. y_true holds labels (n,),
/// scores are (n,), or (n, k) with a column for each label in ascending order. Collective, exact
/// (rows are sorted by their score, never sampled), and the same bits at any number of processes.
/// ValueError where shapes differ, there are no rows, or scores are not finite.
namespace tessera::metrics {

/// Rows of the positive label, and others, whose score is at least a threshold.
struct Counts {
  Array thresholds;                       ///< (m,) float64, descending: each different score
  Array true_positives, false_positives;  ///< (m,) float64, or their weights
};
/// y_true has two labels at most. `pos_label` None is 1, for labels 0 or -1 and 1 only. Rows of
/// weight 0 do not count. The rows of one score lie on one process, and without weights only their
/// numbers.
Counts counts_by_threshold(const Array& y_true, const Array& y_score,
                           const Array& sample_weight = {}, const Value& pos_label = {});

/// The area under the curve of true against false positive rates. Of more than two labels, with
/// probabilities (n, k): `multi_class` "ovr" takes each label against the rest, "ovo" each pair
/// (Hand and Till 2001), and `average` is "macro" or "weighted". NaN and an UndefinedMetricWarning
/// where y_true has one label only.
double roc_auc_score(const Array& y_true, const Array& y_score, const Array& sample_weight = {},
                     const std::string& multi_class = "raise",
                     const std::string& average = "macro");
/// The mean of precision over the steps of recall.
double average_precision_score(const Array& y_true, const Array& y_score,
                               const Array& sample_weight = {},
                               const Value& pos_label = std::int64_t{1});

/// Curves over the thresholds, replicated: they have a point for each corner.
struct RocCurve {
  Array fpr, tpr, thresholds;  ///< thresholds start with infinity
};
RocCurve roc_curve(const Array& y_true, const Array& y_score, const Array& sample_weight = {},
                   const Value& pos_label = {}, bool drop_intermediate = true);
/// Rates of errors: ends are where no error of one kind is left. ValueError unless y_true has two
/// labels.
struct DetCurve {
  Array fpr, fnr, thresholds;  ///< thresholds ascend, fpr descends
};
DetCurve det_curve(const Array& y_true, const Array& y_score, const Array& sample_weight = {},
                   const Value& pos_label = {}, bool drop_intermediate = false);
struct PrecisionRecallCurve {
  Array precision, recall;  ///< end with 1 and 0
  Array thresholds;         ///< ascending
};
PrecisionRecallCurve precision_recall_curve(const Array& y_true, const Array& y_score,
                                            const Array& sample_weight = {},
                                            const Value& pos_label = {});

/// The mean, or without `normalize` the sum, of -log of the probability of the right label.
/// y_prob (n, k), or (n,) of the larger of two labels.
double log_loss(const Array& y_true, const Array& y_prob, const Array& sample_weight = {},
                bool normalize = true);
/// The mean squared error of the probability (n,) of the positive label, of None 1 or the larger
/// one.
double brier_score_loss(const Array& y_true, const Array& y_prob, const Array& sample_weight = {},
                        const Value& pos_label = {});
/// 1 - loss / loss of the shares of the labels: of log_loss and brier_score_loss. NaN and an
/// UndefinedMetricWarning for a single row.
double d2_log_loss_score(const Array& y_true, const Array& y_prob, const Array& sample_weight = {});
double d2_brier_score(const Array& y_true, const Array& y_prob, const Array& sample_weight = {},
                      const Value& pos_label = {});
/// The mean of max(0, 1 - margin), decisions as decision_function gives them (Crammer and Singer
/// 2001 for several labels).
double hinge_loss(const Array& y_true, const Array& decision, const Array& sample_weight = {});
/// The share of rows whose label is among the k with the highest scores; of equal scores the later
/// label comes first, as in scikit-learn.
double top_k_accuracy_score(const Array& y_true, const Array& y_score, std::int64_t k = 2,
                            const Array& sample_weight = {}, bool normalize = true);

}  // namespace tessera::metrics
