// The table of metrics: one entry per function, written once.
#include <tessera/estimators/metrics/signatures.hpp>

#include <algorithm>
#include <numeric>

#include <tessera/estimators/metrics/classification.hpp>
#include <tessera/estimators/metrics/ranking.hpp>
#include <tessera/estimators/metrics/regression.hpp>

namespace tessera::metrics {
namespace {

using linalg::Arguments;
using linalg::Option;
using linalg::Signature;
using Kind = Option::Kind;
using Results = std::vector<linalg::Result>;
using Inputs = std::vector<Signature::Input>;

const Signature::Input weights = {"sample_weight", "a weight for each row", true, true};
const Inputs labels = {
    {"y_true", "the labels", true}, {"y_pred", "predicted labels", true}, weights};
const Inputs numbers = {
    {"y_true", "the targets", true}, {"y_pred", "predicted targets", true}, weights};
/// `scores` as scikit-learn's function calls them.
Inputs scored(std::string scores) {
  return {{"y_true", "labels of two kinds", true},
          {std::move(scores), "a score for each row, larger for the positive label", true},
          weights};
}

Option flag(std::string name, std::string doc) {
  return {std::move(name), std::move(doc), Kind::flag, false};
}
Option unless(std::string name, std::string off, std::string doc) {
  Option o = {std::move(name), std::move(doc), Kind::flag, true};
  o.off = std::move(off);
  return o;
}
Option number(std::string name, std::string doc, double initial) {
  return {std::move(name), std::move(doc), Kind::number, initial};
}
Option word(std::string name, std::string doc, std::vector<std::string> words) {
  Option o = {std::move(name), std::move(doc), Kind::word, words.front()};
  o.words = std::move(words);
  return o;
}
const Option normalized =
    unless("normalize", "no_normalize", "the number of rows, not their share");
const Option zero_division = word("zero_division", "what 0 / 0 is", {"warn", "0", "1", "nan"});
Option pos_label(std::string shown) {
  return {"pos_label", "the label that counts", Kind::label, {}, std::move(shown)};
}
const Option label_1 = {"pos_label", "the label that counts", Kind::label, std::int64_t{1}};
Option multioutput(bool weighted) {
  std::vector<std::string> words = {"uniform_average", "raw_values"};
  if (weighted) words.push_back("variance_weighted");
  return word("multioutput", "how the values of several targets become one", words);
}

Array scalar(double value, const Arguments& in) {
  return replicated(std::vector<double>{value}, {}, in[0].comm());
}
Array vector(const std::vector<double>& values, const Arguments& in) {
  return replicated(values, {std::ssize(values)}, in[0].comm());
}
Value value_of(const linalg::Setting& setting, Value otherwise) {
  if (const auto* i = std::get_if<std::int64_t>(&setting)) return *i;
  if (const auto* d = std::get_if<double>(&setting)) return *d;
  if (const auto* s = std::get_if<std::string>(&setting)) return *s;
  return otherwise;
}

/// A metric of labels that is one number.
template <class F>
Results of_labels(const Arguments& in, const char* name, const F& f) {
  return {{name, scalar(f(in[0], in[1], in[2]), in)}};
}

ScoreOptions options_of(const Arguments& in) {
  static const std::vector<std::string> names = {"none", "binary", "micro", "macro", "weighted"};
  const auto at = std::ranges::find(names, in.word("average")) - names.begin();
  const std::string& zero = in.word("zero_division");
  return {.average = static_cast<Average>(at),
          .pos_label = value_of(in.label("pos_label"), {}),
          .zero_division = zero == "warn"  ? Value()
                           : zero == "nan" ? Value(std::numeric_limits<double>::quiet_NaN())
                                           : Value(zero == "1" ? 1.0 : 0.0),
          .sample_weight = in[2]};
}
/// A score of each class or their mean.
Results of_classes(const Arguments& in, const char* name, const std::vector<double>& values) {
  return {{name, in.word("average") == "none" ? vector(values, in) : scalar(values[0], in)}};
}
const std::vector<Option> score_options = {word("average", "how the scores of classes become one",
                                                {"binary", "micro", "macro", "weighted", "none"}),
                                           label_1, zero_division};
std::vector<Option> with_beta() {
  auto options = score_options;
  Option beta = {"beta", "how much more recall counts than precision", Kind::number};
  beta.required = true;
  options.push_back(beta);
  return options;
}

/// A metric of numbers, of each target or one for all.
Results of_numbers(const Arguments& in, const char* name, PerTarget (*f)(const Pairs&, double),
                   double parameter = 0.0) {
  const Pairs pairs(in[0], in[1], in[2]);
  const PerTarget each = f(pairs, parameter);
  const std::string& how = in.word("multioutput");
  if (how == "raw_values") return {{name, vector(each, in)}};
  PerTarget by(each.size(), 1.0);
  if (how == "variance_weighted") by = variances(pairs);
  if (std::accumulate(by.begin(), by.end(), 0.0) == 0.0) std::ranges::fill(by, 1.0);
  return {{name, scalar(std::inner_product(each.begin(), each.end(), by.begin(), 0.0) /
                            std::accumulate(by.begin(), by.end(), 0.0),
                        in)}};
}

Signature regression(std::string name, std::string doc, Results (*run)(const Arguments&),
                     std::vector<Option> options = {}, bool weighted = false) {
  options.push_back(multioutput(weighted));
  const std::string example = name + " data.h5:/y predicted.h5:/y";
  return {name, std::move(doc), numbers, std::move(options), {name}, true, example, run};
}
Signature classification(std::string name, std::string doc, std::vector<Option> options,
                         Results (*run)(const Arguments&)) {
  const std::string example = name + " labels.h5:/y predicted.h5:/y";
  return {name, std::move(doc), labels, std::move(options), {name}, true, example, run};
}

Signature ranking(std::string name, std::string doc, std::vector<Option> options,
                  Results (*run)(const Arguments&), std::string scores = "y_score") {
  const std::string example = name + " labels.h5:/y scores.h5:/s";
  return {
      name, std::move(doc), scored(std::move(scores)), std::move(options), {name}, true, example,
      run};
}

std::vector<Signature> make_table() {
  return {
      classification("accuracy_score", "the share of rows with the right label", {normalized},
                     [](const Arguments& in) -> Results {
                       return {
                           {"accuracy_score",
                            scalar(accuracy_score(in[0], in[1], in[2], in.flag("normalize")), in)}};
                     }),
      classification("zero_one_loss", "the share of rows with a wrong label", {normalized},
                     [](const Arguments& in) -> Results {
                       return {
                           {"zero_one_loss",
                            scalar(zero_one_loss(in[0], in[1], in[2], in.flag("normalize")), in)}};
                     }),
      classification("hamming_loss", "zero_one_loss, for one label a row", {},
                     [](const Arguments& in) -> Results {
                       return {{"hamming_loss", scalar(zero_one_loss(in[0], in[1], in[2]), in)}};
                     }),
      classification(
          "balanced_accuracy_score", "the mean recall of the classes",
          {flag("adjusted", "so that chance gives 0")},
          [](const Arguments& in) -> Results {
            return {
                {"balanced_accuracy_score",
                 scalar(balanced_accuracy_score(in[0], in[1], in[2], in.flag("adjusted")), in)}};
          }),
      {"cohen_kappa_score",
       "agreement beyond chance",
       {{"y1", "labels", true}, {"y2", "labels of somebody else", true}, weights},
       {word("weights", "how far apart labels are", {"none", "linear", "quadratic"})},
       {"cohen_kappa_score"},
       true,
       "cohen_kappa_score labels.h5:/y predicted.h5:/y",
       [](const Arguments& in) -> Results {
         return {{"cohen_kappa_score",
                  scalar(cohen_kappa_score(in[0], in[1], in[2], in.word("weights")), in)}};
       }},
      classification("matthews_corrcoef", "correlation of labels and predictions", {},
                     [](const Arguments& in) {
                       return of_labels(in, "matthews_corrcoef", matthews_corrcoef);
                     }),
      classification(
          "precision_score", "the share of right ones among those predicted", score_options,
          [](const Arguments& in) {
            return of_classes(in, "precision_score", precision_score(in[0], in[1], options_of(in)));
          }),
      classification("recall_score", "the share of a class that is found", score_options,
                     [](const Arguments& in) {
                       return of_classes(in, "recall_score",
                                         recall_score(in[0], in[1], options_of(in)));
                     }),
      classification("f1_score", "harmonic mean of precision and recall", score_options,
                     [](const Arguments& in) {
                       return of_classes(in, "f1_score", fbeta_score(in[0], in[1], options_of(in)));
                     }),
      classification("fbeta_score", "weighted harmonic mean of precision and recall", with_beta(),
                     [](const Arguments& in) {
                       ScoreOptions options = options_of(in);
                       options.beta = in.number("beta").value_or(1.0);
                       return of_classes(in, "fbeta_score", fbeta_score(in[0], in[1], options));
                     }),
      classification("jaccard_score", "common rows over all rows of a class", score_options,
                     [](const Arguments& in) {
                       return of_classes(in, "jaccard_score",
                                         jaccard_score(in[0], in[1], options_of(in)));
                     }),
      {"confusion_matrix",
       "rows of each class (down) by the class predicted (across)",
       labels,
       {word("normalize", "what counts are divided by", {"none", "true", "pred", "all"})},
       {"confusion_matrix"},
       false,
       "confusion_matrix labels.h5:/y predicted.h5:/y --out confusion.h5",
       [](const Arguments& in) -> Results {
         static const std::vector<std::string> names = {"none", "true", "pred", "all"};
         const auto at = std::ranges::find(names, in.word("normalize")) - names.begin();
         return {{"confusion_matrix",
                  confusion_matrix(in[0], in[1], in[2], static_cast<Normalize>(at))}};
       }},
      classification(
          "classification_report", "precision, recall, F1 and support of every class, as text",
          {{"digits", "digits after the point", Kind::integer, std::int64_t{2}, {}, false, 0, 17}},
          [](const Arguments& in) -> Results {
            const std::string text =
                classification_report(in[0], in[1], in[2], static_cast<int>(in.integer("digits")));
            return {
                {"classification_report",
                 replicated(std::vector<std::int64_t>{0}, {}, in[0].comm()).categorized({text})}};
          }),

      ranking("roc_auc_score", "the area under the ROC curve",
              {word("multi_class", "of more than two labels: each against the rest, or pairs",
                    {"raise", "ovr", "ovo"}),
               word("average", "how the areas of labels become one", {"macro", "weighted"})},
              [](const Arguments& in) -> Results {
                return {{"roc_auc_score",
                         scalar(roc_auc_score(in[0], in[1], in[2], in.word("multi_class"),
                                              in.word("average")),
                                in)}};
              }),
      ranking("average_precision_score", "the mean of precision over recall",
              {pos_label("1 or the larger")},
              [](const Arguments& in) -> Results {
                return {{"average_precision_score",
                         scalar(average_precision_score(in[0], in[1], in[2],
                                                        value_of(in.label("pos_label"), {})),
                                in)}};
              }),
      ranking(
          "log_loss", "the mean of -log of the right label's probability",
          {unless("normalize", "no_normalize", "the sum, not the mean")},
          [](const Arguments& in) -> Results {
            return {{"log_loss", scalar(log_loss(in[0], in[1], in[2], in.flag("normalize")), in)}};
          },
          "y_proba"),
      ranking(
          "brier_score_loss", "the mean squared error of probabilities",
          {pos_label("1 or the larger")},
          [](const Arguments& in) -> Results {
            return {
                {"brier_score_loss",
                 scalar(brier_score_loss(in[0], in[1], in[2], value_of(in.label("pos_label"), {})),
                        in)}};
          },
          "y_proba"),
      ranking(
          "hinge_loss", "the mean of max(0, 1 - margin)", {},
          [](const Arguments& in) -> Results {
            return {{"hinge_loss", scalar(hinge_loss(in[0], in[1], in[2]), in)}};
          },
          "pred_decision"),
      ranking("top_k_accuracy_score", "the share of rows with their label among the k best",
              {{"k", "how many", Kind::integer, std::int64_t{2}, {}, false, 1}, normalized},
              [](const Arguments& in) -> Results {
                return {{"top_k_accuracy_score",
                         scalar(top_k_accuracy_score(in[0], in[1], in.integer("k"), in[2],
                                                     in.flag("normalize")),
                                in)}};
              }),
      {"roc_curve",
       "true against false positive rates over thresholds",
       scored("y_score"),
       {pos_label("1 or the larger"),
        unless("drop_intermediate", "keep_intermediate", "points on straight lines, too")},
       {"fpr", "tpr", "thresholds"},
       false,
       "roc_curve labels.h5:/y scores.h5:/s --out roc.h5",
       [](const Arguments& in) -> Results {
         const RocCurve c = roc_curve(in[0], in[1], in[2], value_of(in.label("pos_label"), {}),
                                      in.flag("drop_intermediate"));
         return {{"fpr", c.fpr}, {"tpr", c.tpr}, {"thresholds", c.thresholds}};
       }},
      {"precision_recall_curve",
       "precision and recall over thresholds",
       scored("y_score"),
       {pos_label("1 or the larger")},
       {"precision", "recall", "thresholds"},
       false,
       "precision_recall_curve labels.h5:/y scores.h5:/s --out pr.h5",
       [](const Arguments& in) -> Results {
         const PrecisionRecallCurve c =
             precision_recall_curve(in[0], in[1], in[2], value_of(in.label("pos_label"), {}));
         return {{"precision", c.precision}, {"recall", c.recall}, {"thresholds", c.thresholds}};
       }},

      regression(
          "r2_score", "the share of the variance that is explained",
          [](const Arguments& in) {
            return of_numbers(in, "r2_score", [](const Pairs& y, double) { return r2_score(y); });
          },
          {}, true),
      regression(
          "explained_variance_score", "r2_score with the mean error taken off",
          [](const Arguments& in) {
            return of_numbers(in, "explained_variance_score",
                              [](const Pairs& y, double) { return explained_variance_score(y); });
          },
          {}, true),
      regression("mean_squared_error", "the mean of squared errors",
                 [](const Arguments& in) {
                   return of_numbers(in, "mean_squared_error",
                                     [](const Pairs& y, double) { return mean_squared_error(y); });
                 }),
      regression("root_mean_squared_error", "its root",
                 [](const Arguments& in) {
                   return of_numbers(in, "root_mean_squared_error", [](const Pairs& y, double) {
                     return root_mean_squared_error(y);
                   });
                 }),
      regression("mean_absolute_error", "the mean of absolute errors",
                 [](const Arguments& in) {
                   return of_numbers(in, "mean_absolute_error",
                                     [](const Pairs& y, double) { return mean_absolute_error(y); });
                 }),
      regression("median_absolute_error", "the median of absolute errors",
                 [](const Arguments& in) {
                   return of_numbers(in, "median_absolute_error", [](const Pairs& y, double) {
                     return median_absolute_error(y);
                   });
                 }),
      regression("mean_absolute_percentage_error", "the mean of errors over |y_true|",
                 [](const Arguments& in) {
                   return of_numbers(
                       in, "mean_absolute_percentage_error",
                       [](const Pairs& y, double) { return mean_absolute_percentage_error(y); });
                 }),
      regression("mean_squared_log_error", "of log(1 + y)",
                 [](const Arguments& in) {
                   return of_numbers(in, "mean_squared_log_error", [](const Pairs& y, double) {
                     return mean_squared_log_error(y);
                   });
                 }),
      regression("root_mean_squared_log_error", "its root",
                 [](const Arguments& in) {
                   return of_numbers(in, "root_mean_squared_log_error", [](const Pairs& y, double) {
                     return root_mean_squared_log_error(y);
                   });
                 }),
      {"max_error",
       "the largest absolute error of one target",
       {numbers[0], numbers[1]},
       {},
       {"max_error"},
       true,
       "max_error data.h5:/y predicted.h5:/y",
       [](const Arguments& in) -> Results {
         return {{"max_error", scalar(max_error({in[0], in[1]}), in)}};
       }},
      regression("mean_pinball_loss", "the loss of a predicted quantile",
                 [](const Arguments& in) {
                   return of_numbers(in, "mean_pinball_loss", mean_pinball_loss,
                                     *in.number("alpha"));
                 },
                 {number("alpha", "the quantile", 0.5)}),
      regression("mean_tweedie_deviance", "deviance with variance mean^power",
                 [](const Arguments& in) {
                   return of_numbers(in, "mean_tweedie_deviance", mean_tweedie_deviance,
                                     *in.number("power"));
                 },
                 {number("power", "0 normal, 1 Poisson, 2 Gamma, 3 inverse Gaussian", 0.0)}),
      regression("mean_poisson_deviance", "mean_tweedie_deviance with power 1",
                 [](const Arguments& in) {
                   return of_numbers(in, "mean_poisson_deviance", mean_tweedie_deviance, 1.0);
                 }),
      regression("mean_gamma_deviance", "mean_tweedie_deviance with power 2",
                 [](const Arguments& in) {
                   return of_numbers(in, "mean_gamma_deviance", mean_tweedie_deviance, 2.0);
                 }),
      regression("d2_tweedie_score", "the share of the deviance that is explained",
                 [](const Arguments& in) {
                   return of_numbers(in, "d2_tweedie_score", d2_tweedie_score, *in.number("power"));
                 },
                 {number("power", "as of mean_tweedie_deviance", 0.0)}),
      regression("d2_pinball_score", "the share of the pinball loss that is explained",
                 [](const Arguments& in) {
                   return of_numbers(in, "d2_pinball_score", d2_pinball_score, *in.number("alpha"));
                 },
                 {number("alpha", "the quantile", 0.5)}),
      regression("d2_absolute_error_score", "d2_pinball_score with alpha 0.5",
                 [](const Arguments& in) {
                   return of_numbers(in, "d2_absolute_error_score", d2_pinball_score, 0.5);
                 }),
  };
}

}  // namespace

const std::vector<Signature>& signatures() {
  static const std::vector<Signature> table = make_table();
  return table;
}

}  // namespace tessera::metrics
