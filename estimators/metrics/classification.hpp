#pragma once
#include <limits>
#include <string>
#include <vector>

#include <tessera/linalg/small.hpp>
#include <tessera/model/value.hpp>
#include <tessera/runtime/array.hpp>

/// How good predictions are, as sklearn.metrics. Labels are vectors of any real dtype or text, on
/// any device, or where it is said (n, k) of 0 and 1: rows with several labels, which are the
/// numbers of the columns. `sample_weight` is nothing or a weight for each row. All are collective,
/// one pass over the labels once they are encoded, and the same bits at any number of processes.
/// ValueError where shapes differ, labels are not finite or are no labels, or numbers meet text.
namespace tessera::metrics {

/// ValueError where there are weights and all of them are 0.
void require_some_weight(const Array& sample_weight);

/// Which rows of each class were taken for which class.
struct Confusion {
  Value labels;          ///< that y_true or y_pred has, ascending: an array or a list of strings
  linalg::Small counts;  ///< (k, k) rows, or their weights: of the true class i, predicted as j
};
/// ValueError for more than 4096 labels.
Confusion confusion(const Array& y_true, const Array& y_pred, const Array& sample_weight = {});

/// What a matrix is divided by: nothing, the sums of its rows, of its columns, or of all.
enum class Normalize { none, true_labels, pred_labels, all };
/// (k, k) replicated: int64 without weights and normalisation, float64 otherwise. `labels`, an
/// array or a list of strings, are those of rows and columns in their order; ValueError unless
/// y_true has one of them.
Array confusion_matrix(const Array& y_true, const Array& y_pred, const Array& sample_weight = {},
                       Normalize normalize = Normalize::none, const Value& labels = {});

/// The share of rows with the right label (of several: with all right), or without `normalize`
/// their number.
double accuracy_score(const Array& y_true, const Array& y_pred, const Array& sample_weight = {},
                      bool normalize = true);
double zero_one_loss(const Array& y_true, const Array& y_pred, const Array& sample_weight = {},
                     bool normalize = true);
/// zero_one_loss; of several labels the share of elements that differ.
double hamming_loss(const Array& y_true, const Array& y_pred, const Array& sample_weight = {});
/// The mean over the classes of y_true of the share of their rows that is found; `adjusted` so that
/// chance gives 0.
double balanced_accuracy_score(const Array& y_true, const Array& y_pred,
                               const Array& sample_weight = {}, bool adjusted = false);
/// Cohen's kappa; `weights` is "none", "linear" or "quadratic". Only rows count whose labels are
/// among `labels`, in whose order they are so far apart. `undefined` is what 0 / 0 is, with an
/// UndefinedMetricWarning.
double cohen_kappa_score(const Array& y_true, const Array& y_pred, const Array& sample_weight = {},
                         const std::string& weights = "none", const Value& labels = {},
                         double undefined = std::numeric_limits<double>::quiet_NaN());
/// Of a positive prediction, LR+, and of a negative one, LR-.
struct LikelihoodRatios {
  double positive, negative;
};
/// How many times likelier than of a negative a positive (or a negative) prediction is of a row of
/// the positive label: the larger of two, or the second of `labels`. Where nothing was predicted so
/// wrongly (or rightly), `undefined` with an UndefinedMetricWarning; NaN without positive rows.
/// ValueError unless there are two labels.
LikelihoodRatios class_likelihood_ratios(const Array& y_true, const Array& y_pred,
                                         const Array& sample_weight = {}, const Value& labels = {},
                                         LikelihoodRatios undefined = {
                                             std::numeric_limits<double>::quiet_NaN(),
                                             std::numeric_limits<double>::quiet_NaN()});
/// The correlation of Matthews, for any number of classes (Gorodkin 2004).
double matthews_corrcoef(const Array& y_true, const Array& y_pred, const Array& sample_weight = {});

/// How scores of classes become one; `samples` is the mean over rows that have several labels.
enum class Average { none, binary, micro, macro, weighted, samples };
struct ScoreOptions {
  Average average = Average::binary;
  Value pos_label = std::int64_t{1};  ///< of Average::binary: the class that counts
  double beta = 1.0;                  ///< of F: how much more recall counts than precision
  /// The classes that count and their order, an array or a list of strings; None: all that occur.
  /// Average::binary has pos_label instead.
  Value labels = {};
  /// For 0 / 0; None is 0 with an UndefinedMetricWarning.
  Value zero_division = {};
  Array sample_weight = {};
};
/// A value for each class, or one; of (n, k) as well as of labels.
struct Scores {
  std::vector<double> precision, recall, fscore, jaccard, support;
};
/// ValueError for Average::binary of more than two classes, or without the class pos_label.
Scores precision_recall_fscore_support(const Array& y_true, const Array& y_pred,
                                       const ScoreOptions& options = {});
std::vector<double> precision_score(const Array& y_true, const Array& y_pred,
                                    const ScoreOptions& options = {});
std::vector<double> recall_score(const Array& y_true, const Array& y_pred,
                                 const ScoreOptions& options = {});
std::vector<double> f1_score(const Array& y_true, const Array& y_pred,
                             const ScoreOptions& options = {});
std::vector<double> fbeta_score(const Array& y_true, const Array& y_pred,
                                const ScoreOptions& options = {});
std::vector<double> jaccard_score(const Array& y_true, const Array& y_pred,
                                  const ScoreOptions& options = {});

/// How a report counts, and what it looks like.
struct ReportOptions {
  ScoreOptions scores = {};             ///< but for `average` and `pos_label`
  std::vector<std::string> names = {};  ///< of the labels, instead of them
  int digits = 2;
  bool json = false;  ///< with all digits, not a table of text
};
/// Precision, recall, F1 and support of every class and their means. ValueError unless there is one
/// of the names, if any, for every label.
std::string classification_report(const Array& y_true, const Array& y_pred,
                                  const ReportOptions& options = {});

}  // namespace tessera::metrics
