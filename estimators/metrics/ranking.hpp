#pragma once
#include <optional>
#include <string>
#include <vector>

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
/// `pos_label` None is 1, for labels 0 or -1 and 1 only; every other label is negative. Rows of
/// weight 0 do not count. The rows of one score lie on one process, and without weights only their
/// numbers.
Counts counts_by_threshold(const Array& y_true, const Array& y_score,
                           const Array& sample_weight = {}, const Value& pos_label = {});

/// How areas of several labels become one: "macro", "weighted" by their rows, "micro" over all
/// elements of (n, k), "samples": the mean over rows with several labels, or "none": one for each.
struct AreaOptions {
  std::string average = "macro";
  Value pos_label = std::int64_t{1};  ///< of average_precision_score, of two labels
  /// Of roc_auc_score and more than two labels, with probabilities (n, k): "ovr" takes each label
  /// against the rest, "ovo" each pair (Hand and Till 2001).
  std::string multi_class = "raise";
  Value labels = {};                   ///< of all columns, ascending, where y_true may lack some
  std::optional<double> max_fpr = {};  ///< only up to there, as McClish (1989) standardises it
  Array sample_weight = {};
};
/// The area under the curve of true against false positive rates; y_true may be (n, k) of 0 and 1.
/// NaN and an UndefinedMetricWarning where y_true has one label only.
std::vector<double> roc_auc_score(const Array& y_true, const Array& y_score,
                                  const AreaOptions& options = {});
/// The mean of precision over the steps of recall; y_true may be (n, k) of 0 and 1.
std::vector<double> average_precision_score(const Array& y_true, const Array& y_score,
                                            const AreaOptions& options = {});
/// The area under a curve of points by trapezoids. ValueError unless x ascends or descends.
double auc(const Array& x, const Array& y);

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
                                            const Value& pos_label = {},
                                            bool drop_intermediate = false);

// `labels`, an array or a list of strings, are those of all columns where y_true may lack some.

/// The mean, or without `normalize` the sum, of -log of the probability of the right label.
/// y_prob (n, k), or (n,) of the larger of two labels.
double log_loss(const Array& y_true, const Array& y_prob, const Array& sample_weight = {},
                bool normalize = true, const Value& labels = {});
/// The mean squared error of probabilities (n, k), or (n,) of the positive label, of None 1 or the
/// larger number. `halved`, or of None where there are two labels, it is 1 at most.
double brier_score_loss(const Array& y_true, const Array& y_prob, const Array& sample_weight = {},
                        const Value& pos_label = {}, const Value& labels = {},
                        std::optional<bool> halved = {});
/// 1 - loss / loss of the shares of the labels: of log_loss and brier_score_loss. NaN and an
/// UndefinedMetricWarning for a single row.
double d2_log_loss_score(const Array& y_true, const Array& y_prob, const Array& sample_weight = {},
                         const Value& labels = {});
double d2_brier_score(const Array& y_true, const Array& y_prob, const Array& sample_weight = {},
                      const Value& pos_label = {}, const Value& labels = {});
/// The mean of max(0, 1 - margin), decisions as decision_function gives them (Crammer and Singer
/// 2001 for several labels).
double hinge_loss(const Array& y_true, const Array& decision, const Array& sample_weight = {},
                  const Value& labels = {});
/// The share of rows whose label is among the k with the highest scores; of equal scores the later
/// label comes first, as in scikit-learn.
double top_k_accuracy_score(const Array& y_true, const Array& y_score, std::int64_t k = 2,
                            const Array& sample_weight = {}, bool normalize = true,
                            const Value& labels = {});

}  // namespace tessera::metrics
