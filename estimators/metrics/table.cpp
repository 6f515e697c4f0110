// The table of metrics: one entry per function, written once.
#include <tessera/estimators/metrics/signatures.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include <tessera/estimators/metrics/classification.hpp>
#include <tessera/estimators/metrics/multilabel.hpp>
#include <tessera/estimators/metrics/ranking.hpp>
#include <tessera/estimators/metrics/regression.hpp>
#include <tessera/estimators/parameter.hpp>

namespace tessera::metrics {
namespace {

using functions::Arguments;
using functions::flag;
using functions::number;
using functions::Option;
using functions::scalar;
using functions::Signature;
using functions::unless;
using functions::word;
using Kind = Option::Kind;
using Results = std::vector<functions::Result>;
using Inputs = std::vector<Signature::Input>;

const Signature::Input weights = {"sample_weight", "a weight for each row", true, true};
const Inputs labels = {
    {"y_true", "the labels", true}, {"y_pred", "predicted labels", true}, weights};
const Signature::Input chosen = {"labels", "the labels that count, in this order", true, true};
const Inputs chosen_labels = {labels[0], labels[1], weights, chosen};
const Inputs numbers = {
    {"y_true", "the targets", true}, {"y_pred", "predicted targets", true}, weights};
/// `scores` as scikit-learn's function calls them.
Inputs scored(std::string scores) {
  return {{"y_true", "labels of two kinds", true},
          {std::move(scores), "a score for each row, larger for the positive label", true},
          weights};
}
/// With the labels of all columns.
Inputs scored_of_labels(std::string scores) {
  Inputs all = scored(std::move(scores));
  all.push_back({"labels", "those of all columns, where y_true may lack some", true, true});
  return all;
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
  return functions::word_or_numbers("multioutput", "how the values of several targets become one",
                                    words);
}

Array vector(const std::vector<double>& values, const Arguments& in) {
  return replicated(values, {std::ssize(values)}, in[0].comm());
}
/// What a function gives under its own name.
Results one(const Arguments& in, double value) {
  return {{in.signature().name, scalar(value, in)}};
}
Results some(const Arguments& in, const std::vector<double>& values) {
  return {{in.signature().name,
           in.word("average") == "none" ? vector(values, in) : scalar(values[0], in)}};
}
/// Of each label, or one.
Results areas(const Arguments& in, const std::vector<double>& values) {
  return {{in.signature().name, values.size() > 1 ? vector(values, in) : scalar(values[0], in)}};
}
Value value_of(const functions::Setting& setting, Value otherwise) {
  if (const auto* b = std::get_if<bool>(&setting)) return *b;
  if (const auto* i = std::get_if<std::int64_t>(&setting)) return *i;
  if (const auto* d = std::get_if<double>(&setting)) return *d;
  if (const auto* s = std::get_if<std::string>(&setting)) return *s;
  return otherwise;
}
/// The labels that an input names, where it is given.
Value labels_in(const Arguments& in, std::size_t input = 3) {
  if (!in[input]) return {};
  const Array all = gather(in[input]).to(cpu);
  if (all.categories().empty()) return all.reshape({all.size()});
  std::vector<std::string> words;
  for (const std::int64_t c : all.astype(DType::int64).values<std::int64_t>())
    words.push_back(all.categories()[static_cast<std::size_t>(c)]);
  return words;
}
Value zero_division_of(const Arguments& in) {
  const std::string& zero = in.word("zero_division");
  if (zero == "warn") return {};
  return zero == "nan" ? std::numeric_limits<double>::quiet_NaN() : zero == "1" ? 1.0 : 0.0;
}

ScoreOptions options_of(const Arguments& in) {
  static const std::vector<std::string> names = {"none",  "binary",   "micro",
                                                 "macro", "weighted", "samples"};
  const auto at = std::ranges::find(names, in.word("average")) - names.begin();
  return {.average = static_cast<Average>(at),
          .pos_label = value_of(in.value("pos_label"), {}),
          .labels = labels_in(in),
          .zero_division = zero_division_of(in),
          .sample_weight = in[2]};
}

/// The metric f, with the option that its last argument is.
template <double (*f)(const Array&, const Array&, const Array&)>
Results of(const Arguments& in) {
  return one(in, f(in[0], in[1], in[2]));
}
template <double (*f)(const Array&, const Array&, const Array&, bool)>
Results of(const Arguments& in) {
  return one(in, f(in[0], in[1], in[2], in.flag(in.signature().options[0].name)));
}
template <double (*f)(const Array&, const Array&, const Array&, const std::string&)>
Results of(const Arguments& in) {
  return one(in, f(in[0], in[1], in[2], in.word(in.signature().options[0].name)));
}
template <double (*f)(const Array&, const Array&, const Array&, const Value& labels)>
Results of_labels(const Arguments& in) {
  return one(in, f(in[0], in[1], in[2], labels_in(in)));
}
/// A score of each class or their mean.
template <std::vector<double> (*f)(const Array&, const Array&, const ScoreOptions&)>
Results of(const Arguments& in) {
  ScoreOptions options = options_of(in);
  if (in.signature().name == "fbeta_score") options.beta = *in.number("beta");
  return some(in, f(in[0], in[1], options));
}

/// A metric of numbers, of each target or one for all.
Results averaged(const Arguments& in, const Pairs& pairs, const PerTarget& each) {
  const auto given = in.numbers("multioutput");
  const std::string how = given ? "" : in.word("multioutput");
  if (how == "raw_values") return {{in.signature().name, vector(each, in)}};
  PerTarget by(each.size(), 1.0);
  if (given) by = *given;
  if (by.size() != each.size() || (given && by.size() == 1))
    throw ValueError(fmt::format("multioutput has {} weights, there are {} targets{}", by.size(),
                                 each.size(), by.size() == 1 ? ", of which one needs none" : ""));
  if (how == "variance_weighted") by = variances(pairs);
  if (std::accumulate(by.begin(), by.end(), 0.0) == 0.0) std::ranges::fill(by, 1.0);
  return one(in, std::inner_product(each.begin(), each.end(), by.begin(), 0.0) /
                     std::accumulate(by.begin(), by.end(), 0.0));
}
template <PerTarget (*f)(const Pairs&)>
Results of(const Arguments& in) {
  const Pairs pairs(in[0], in[1], in[2]);
  return averaged(in, pairs, f(pairs));
}
template <PerTarget (*f)(const Pairs&, bool)>
Results of(const Arguments& in) {
  const Pairs pairs(in[0], in[1], in[2]);
  return averaged(in, pairs, f(pairs, in.flag("force_finite")));
}
/// A metric of one target.
template <PerTarget (*f)(const Pairs&)>
Results of_one(const Arguments& in) {
  return one(in, f({in[0], in[1], in[2]})[0]);
}
template <PerTarget (*f)(const Pairs&, double)>
Results of_one(const Arguments& in) {
  return one(in, f({in[0], in[1], in[2]}, *in.number("power"))[0]);
}
template <PerTarget (*f)(const Pairs&, double)>
Results of(const Arguments& in) {
  const Pairs pairs(in[0], in[1], in[2]);
  return averaged(in, pairs, f(pairs, *in.number(in.signature().options[0].name)));
}

const std::vector<Option> score_options = {
    word("average", "how the scores of classes become one",
         {"binary", "micro", "macro", "weighted", "samples", "none"}),
    label_1, zero_division};
std::vector<Option> with_beta() {
  auto options = score_options;
  Option beta = {"beta", "how much more recall counts than precision", Kind::number};
  beta.required = true;
  options.push_back(beta);
  return options;
}

Signature function(std::string name, std::string doc, Results (*run)(const Arguments&),
                   const Inputs& inputs, std::vector<Option> options, const char* files) {
  const std::string example = name + files;
  return {name, std::move(doc), inputs, std::move(options), {name}, true, example, run};
}
Signature of_numbers(std::string name, std::string doc, Results (*run)(const Arguments&),
                     std::vector<Option> options = {}) {
  return function(std::move(name), std::move(doc), run, numbers, std::move(options),
                  " data.h5:/y predicted.h5:/y");
}
/// Of several targets, too.
Signature regression(std::string name, std::string doc, Results (*run)(const Arguments&),
                     std::vector<Option> options = {}, bool weighted = false) {
  options.push_back(multioutput(weighted));
  return of_numbers(std::move(name), std::move(doc), run, std::move(options));
}
Signature classification(std::string name, std::string doc, Results (*run)(const Arguments&),
                         std::vector<Option> options = {}, const Inputs& inputs = labels) {
  return function(std::move(name), std::move(doc), run, inputs, std::move(options),
                  " labels.h5:/y predicted.h5:/y");
}
Signature by_class(std::string name, std::string doc, Results (*run)(const Arguments&),
                   const std::vector<Option>& options = score_options) {
  return classification(std::move(name), std::move(doc), run, options, chosen_labels);
}
Signature ranking(std::string name, std::string doc, Results (*run)(const Arguments&),
                  std::vector<Option> options, const Inputs& inputs) {
  return function(std::move(name), std::move(doc), run, inputs, std::move(options),
                  " labels.h5:/y scores.h5:/s");
}
Signature curve(std::string name, std::string doc, Results (*run)(const Arguments&),
                std::vector<std::string> outputs, std::vector<Option> options = {}) {
  options.insert(options.begin(), pos_label("1 of 0 or -1 and 1"));
  const std::string example = name + " labels.h5:/y scores.h5:/s --out curve.h5";
  return {std::move(name),    std::move(doc), scored("y_score"), std::move(options),
          std::move(outputs), false,          example,           run};
}

/// The metric f of values and scores of several columns.
template <double (*f)(const Array&, const Array&, const GainOptions&)>
Results of(const Arguments& in) {
  GainOptions options{.ignore_ties = in.flag("ignore_ties"), .sample_weight = in[2]};
  if (std::holds_alternative<std::int64_t>(in.value("k"))) options.k = in.integer("k");
  if (in.signature().name == "dcg_score") options.log_base = *in.number("log_base");
  return one(in, f(in[0], in[1], options));
}
Signature several(std::string name, std::string doc, Results (*run)(const Arguments&),
                  std::vector<Option> options = {}) {
  return function(std::move(name), std::move(doc), run,
                  {{"y_true", "labels as 0 and 1, or values, (n, k)", true},
                   {"y_score", "a score for each, larger for labels", true},
                   weights},
                  std::move(options), " labels.h5:/Y scores.h5:/S");
}

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

std::vector<Signature> make_table() {
  const Option averages = word("average", "how the values of several labels become one",
                               {"macro", "weighted", "micro", "samples", "none"});
  const Option most = {.name = "k",
                       .doc = "only the so many highest scores count",
                       .kind = Kind::integer,
                       .shown = "all",
                       .low = 1};
  const Option ties = flag("ignore_ties", "equal scores in the order of columns, not averaged");
  const Option positive = pos_label("1 or the larger number");
  const Option finite =
      unless("force_finite", "not_finite", "NaN or -inf for targets that are constant");
  const Option alpha = number("alpha", "the quantile", 0.5);
  return {
      classification("accuracy_score", "the share of rows with the right label", of<accuracy_score>,
                     {normalized}),
      classification("zero_one_loss", "the share of rows with a wrong label", of<zero_one_loss>,
                     {normalized}),
      classification("hamming_loss", "zero_one_loss, for one label a row", of<hamming_loss>),
      classification("balanced_accuracy_score", "the mean recall of the classes",
                     of<balanced_accuracy_score>, {flag("adjusted", "so that chance gives 0")}),
      classification(
          "cohen_kappa_score", "agreement beyond chance",
          [](const Arguments& in) {
            return one(in, cohen_kappa_score(in[0], in[1], in[2], in.word("weights"), labels_in(in),
                                             *in.number("replace_undefined_by")));
          },
          {word("weights", "how far apart labels are", {"none", "linear", "quadratic"}),
           number("replace_undefined_by", "what 0 / 0 is", nan)},
          {{"y1", "labels", true}, {"y2", "labels of somebody else", true}, weights, chosen}),
      classification("matthews_corrcoef", "correlation of labels and predictions",
                     of<matthews_corrcoef>),
      by_class("precision_score", "the share of right ones among those predicted",
               of<precision_score>),
      by_class("recall_score", "the share of a class that is found", of<recall_score>),
      by_class("f1_score", "harmonic mean of precision and recall", of<f1_score>),
      by_class("fbeta_score", "weighted harmonic mean of precision and recall", of<fbeta_score>,
               with_beta()),
      by_class("jaccard_score", "common rows over all rows of a class", of<jaccard_score>),
      {"confusion_matrix",
       "rows of each class (down) by the class predicted (across)",
       chosen_labels,
       {word("normalize", "what counts are divided by", {"none", "true", "pred", "all"})},
       {"confusion_matrix"},
       false,
       "confusion_matrix labels.h5:/y predicted.h5:/y --out confusion.h5",
       [](const Arguments& in) -> Results {
         static const std::vector<std::string> names = {"none", "true", "pred", "all"};
         const auto at = std::ranges::find(names, in.word("normalize")) - names.begin();
         return {{"confusion_matrix", confusion_matrix(in[0], in[1], in[2],
                                                       static_cast<Normalize>(at), labels_in(in))}};
       }},
      {"multilabel_confusion_matrix",
       "of each label: rows without it, wrongly predicted, missed, found",
       chosen_labels,
       {flag("samplewise", "of each row with several labels instead")},
       {"multilabel_confusion_matrix"},
       false,
       "multilabel_confusion_matrix labels.h5:/y predicted.h5:/y --out confusion.h5",
       [](const Arguments& in) -> Results {
         return {{"multilabel_confusion_matrix",
                  multilabel_confusion_matrix(in[0], in[1], in[2], labels_in(in),
                                              in.flag("samplewise"))}};
       }},
      classification(
          "classification_report", "precision, recall, F1 and support of every class, as text",
          [](const Arguments& in) -> Results {
            const Value names = labels_in(in, 4);
            if (names.is<Array>()) throw ValueError("target_names must be text");
            const bool json = in.flag("output_dict");
            const std::string text = classification_report(
                in[0], in[1],
                {.scores = {.labels = labels_in(in),
                            .zero_division = zero_division_of(in),
                            .sample_weight = in[2]},
                 .names = names.is_none() ? std::vector<std::string>{}
                                          : names.as<std::vector<std::string>>(),
                 .digits = static_cast<int>(in.integer("digits")),
                 .json = json});
            return {
                {json ? "json" : "classification_report",
                 replicated(std::vector<std::int64_t>{0}, {}, in[0].comm()).categorized({text})}};
          },
          {{"digits", "digits after the point", Kind::integer, std::int64_t{2}, {}, false, 0, 17},
           flag("output_dict", "a dictionary instead: on the command line JSON"),
           zero_division},
          {labels[0],
           labels[1],
           weights,
           chosen,
           {"target_names", "names of the labels, in their order", true, true}}),
      {"precision_recall_fscore_support",
       "precision, recall, F and support of every class or their mean",
       chosen_labels,
       {number("beta", "how much more recall counts than precision", 1.0),
        word("average", "how the scores of classes become one",
             {"none", "binary", "micro", "macro", "weighted", "samples"}),
        label_1, zero_division},
       {"precision", "recall", "fscore", "support"},
       false,
       "precision_recall_fscore_support labels.h5:/y predicted.h5:/y --out scores.h5",
       [](const Arguments& in) -> Results {
         ScoreOptions options = options_of(in);
         options.beta = *in.number("beta");
         const Scores s = precision_recall_fscore_support(in[0], in[1], options);
         if (options.average != Average::none)
           return {{"precision", scalar(s.precision[0], in)},
                   {"recall", scalar(s.recall[0], in)},
                   {"fscore", scalar(s.fscore[0], in)},
                   {"support", {}}};
         return {{"precision", vector(s.precision, in)},
                 {"recall", vector(s.recall, in)},
                 {"fscore", vector(s.fscore, in)},
                 {"support",
                  in[2] ? vector(s.support, in) : vector(s.support, in).astype(DType::int64)}};
       }},
      {"class_likelihood_ratios",
       "how many times likelier of rows of the positive label a prediction is",
       chosen_labels,
       {[] {
         Option undefined = functions::numbers("replace_undefined_by",
                                               "what they are where nothing "
                                               "is so predicted of the negative label",
                                               {"LR+", "LR-"});
         undefined.initial = nan;
         return undefined;
       }()},
       {"positive", "negative"},
       true,
       "class_likelihood_ratios labels.h5:/y predicted.h5:/y",
       [](const Arguments& in) -> Results {
         const auto undefined = *in.interval("replace_undefined_by");
         const auto ratios = class_likelihood_ratios(in[0], in[1], in[2], labels_in(in),
                                                     {undefined.first, undefined.second});
         return {{"positive", scalar(ratios.positive, in)},
                 {"negative", scalar(ratios.negative, in)}};
       }},

      ranking(
          "roc_auc_score", "the area under the ROC curve",
          [](const Arguments& in) {
            return areas(in, roc_auc_score(in[0], in[1],
                                           {.average = in.word("average"),
                                            .multi_class = in.word("multi_class"),
                                            .labels = labels_in(in),
                                            .max_fpr = in.number("max_fpr"),
                                            .sample_weight = in[2]}));
          },
          {averages, number("max_fpr", "only up to this false positive rate", "1"),
           word("multi_class", "of more than two labels: each against the rest, or pairs",
                {"raise", "ovr", "ovo"})},
          scored_of_labels("y_score")),
      ranking(
          "average_precision_score", "the mean of precision over recall",
          [](const Arguments& in) {
            return areas(in,
                         average_precision_score(in[0], in[1],
                                                 {.average = in.word("average"),
                                                  .pos_label = value_of(in.value("pos_label"), 1),
                                                  .sample_weight = in[2]}));
          },
          {averages, label_1}, scored("y_score")),
      {"auc",
       "the area under a curve of points, by trapezoids",
       {{"x", "coordinates that ascend or descend", true}, {"y", "heights", true}},
       {},
       {"auc"},
       true,
       "auc curve.h5:/fpr curve.h5:/tpr",
       [](const Arguments& in) { return one(in, auc(in[0], in[1])); }},
      several("coverage_error", "how many columns hold all labels of a row", of<coverage_error>),
      several("label_ranking_average_precision_score",
              "the share of labels among the columns that score as high",
              of<label_ranking_average_precision_score>),
      several("label_ranking_loss", "the share of pairs of a label and another in the wrong order",
              of<label_ranking_loss>),
      several("dcg_score", "discounted sums of values, the highest scores first", of<dcg_score>,
              {most, number("log_base", "of the discount", 2.0), ties}),
      several("ndcg_score", "dcg_score divided by the most that there can be", of<ndcg_score>,
              {most, ties}),
      ranking(
          "log_loss", "the mean of -log of the right label's probability",
          [](const Arguments& in) {
            return one(in, log_loss(in[0], in[1], in[2], in.flag("normalize"), labels_in(in)));
          },
          {unless("normalize", "no_normalize", "the sum, not the mean")},
          scored_of_labels("y_proba")),
      ranking("d2_log_loss_score", "the share of the log loss that is explained",
              of_labels<d2_log_loss_score>, {}, scored_of_labels("y_proba")),
      ranking(
          "brier_score_loss", "the mean squared error of probabilities",
          [](const Arguments& in) {
            const std::string& halved = in.word("scale_by_half");
            return one(in,
                       brier_score_loss(
                           in[0], in[1], in[2], value_of(in.value("pos_label"), {}), labels_in(in),
                           halved == "auto" ? std::nullopt : std::optional(halved == "true")));
          },
          {positive,
           word("scale_by_half", "of two labels, always, or never", {"auto", "true", "false"})},
          scored_of_labels("y_proba")),
      ranking(
          "d2_brier_score", "the share of the Brier score that is explained",
          [](const Arguments& in) {
            return one(in, d2_brier_score(in[0], in[1], in[2], value_of(in.value("pos_label"), {}),
                                          labels_in(in)));
          },
          {positive}, scored_of_labels("y_proba")),
      ranking("hinge_loss", "the mean of max(0, 1 - margin)", of_labels<hinge_loss>, {},
              scored_of_labels("pred_decision")),
      ranking(
          "top_k_accuracy_score", "the share of rows with their label among the k best",
          [](const Arguments& in) {
            return one(in, top_k_accuracy_score(in[0], in[1], in.integer("k"), in[2],
                                                in.flag("normalize"), labels_in(in)));
          },
          {{"k", "how many", Kind::integer, std::int64_t{2}, {}, false, 1}, normalized},
          scored_of_labels("y_score")),
      curve("roc_curve", "true against false positive rates over thresholds",
            [](const Arguments& in) -> Results {
              const RocCurve c = roc_curve(in[0], in[1], in[2], value_of(in.value("pos_label"), {}),
                                           in.flag("drop_intermediate"));
              return {{"fpr", c.fpr}, {"tpr", c.tpr}, {"thresholds", c.thresholds}};
            },
            {"fpr", "tpr", "thresholds"},
            {unless("drop_intermediate", "keep_intermediate", "points on straight lines, too")}),
      curve("det_curve", "false negative against false positive rates over thresholds",
            [](const Arguments& in) -> Results {
              const DetCurve c = det_curve(in[0], in[1], in[2], value_of(in.value("pos_label"), {}),
                                           in.flag("drop_intermediate"));
              return {{"fpr", c.fpr}, {"fnr", c.fnr}, {"thresholds", c.thresholds}};
            },
            {"fpr", "fnr", "thresholds"},
            {flag("drop_intermediate", "leave out points between others with their fnr")}),
      curve(
          "precision_recall_curve", "precision and recall over thresholds",
          [](const Arguments& in) -> Results {
            const PrecisionRecallCurve c =
                precision_recall_curve(in[0], in[1], in[2], value_of(in.value("pos_label"), {}),
                                       in.flag("drop_intermediate"));
            return {{"precision", c.precision}, {"recall", c.recall}, {"thresholds", c.thresholds}};
          },
          {"precision", "recall", "thresholds"},
          {flag("drop_intermediate", "leave out points between others with their recall")}),
      curve("confusion_matrix_at_thresholds",
            "rows above and below each threshold, right and wrong",
            [](const Arguments& in) -> Results {
              const Counts c =
                  counts_by_threshold(in[0], in[1], in[2], value_of(in.value("pos_label"), {}));
              const Array tps = gather(c.true_positives), fps = gather(c.false_positives);
              const auto rest = [&](const Array& counts) {  // of all, the last
                auto v = tessera::detail::doubles(counts);
                const double all = v.back();
                for (double& count : v) count = all - count;
                return vector(v, in);
              };
              return {{"tns", rest(fps)},
                      {"fps", fps},
                      {"fns", rest(tps)},
                      {"tps", tps},
                      {"thresholds", gather(c.thresholds)}};
            },
            {"tns", "fps", "fns", "tps", "thresholds"}),

      regression("r2_score", "the share of the variance that is explained", of<r2_score>, {finite},
                 true),
      regression("explained_variance_score", "r2_score with the mean error taken off",
                 of<explained_variance_score>, {finite}, true),
      regression("mean_squared_error", "the mean of squared errors", of<mean_squared_error>),
      regression("root_mean_squared_error", "its root", of<root_mean_squared_error>),
      regression("mean_absolute_error", "the mean of absolute errors", of<mean_absolute_error>),
      regression("median_absolute_error", "the median of absolute errors",
                 of<median_absolute_error>),
      regression("mean_absolute_percentage_error", "the mean of errors over |y_true|",
                 of<mean_absolute_percentage_error>),
      regression("mean_squared_log_error", "of log(1 + y)", of<mean_squared_log_error>),
      regression("root_mean_squared_log_error", "its root", of<root_mean_squared_log_error>),
      {"max_error",
       "the largest absolute error of one target",
       {numbers[0], numbers[1]},
       {},
       {"max_error"},
       true,
       "max_error data.h5:/y predicted.h5:/y",
       [](const Arguments& in) {
         return one(in, max_error({in[0], in[1]}));
       }},
      regression("mean_pinball_loss", "the loss of a predicted quantile", of<mean_pinball_loss>,
                 {alpha}),
      of_numbers("mean_tweedie_deviance", "deviance with variance mean^power",
                 of_one<mean_tweedie_deviance>,
                 {number("power", "0 normal, 1 Poisson, 2 Gamma, 3 inverse Gaussian", 0.0)}),
      of_numbers("mean_poisson_deviance", "mean_tweedie_deviance with power 1",
                 of_one<mean_poisson_deviance>),
      of_numbers("mean_gamma_deviance", "mean_tweedie_deviance with power 2",
                 of_one<mean_gamma_deviance>),
      of_numbers("d2_tweedie_score", "the share of the deviance that is explained",
                 of_one<d2_tweedie_score>, {number("power", "as of mean_tweedie_deviance", 0.0)}),
      regression("d2_pinball_score", "the share of the pinball loss that is explained",
                 of<d2_pinball_score>, {alpha}),
      regression("d2_absolute_error_score", "d2_pinball_score with alpha 0.5",
                 of<d2_absolute_error_score>),
  };
}

}  // namespace

const std::vector<Signature>& signatures() {
  static const std::vector<Signature> table = make_table();
  return table;
}

}  // namespace tessera::metrics
