#pragma once
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include <tessera/model/value.hpp>
#include <tessera/runtime/rows.hpp>

namespace tessera {

/// What an estimator learns from beside X; `any` comes as it is, labels or numbers.
enum class Target : std::uint8_t { none, numbers, classes, any };

/// The classes of a target and the class of each row.
struct Classes {
  Value values;  ///< classes_: ascending, an array of y's dtype or a list of strings
  Array codes;   ///< int32, (n,), as X lies: which of them; -1 for a label that is none of them
};

/// 0 for what is none.
std::int64_t class_count(const Value& classes);
/// Classes that a user names, an array of labels or text or a list of strings, as classes_ has
/// them. ValueError unless they are labels. Collective.
Value sorted_classes(const Value& classes);
bool same_classes(const Value& a, const Value& b);
/// Which of the classes a label is, a number, a bool or a string; nothing for none of them.
std::optional<std::int32_t> code_of(const Value& label, const Value& classes);

namespace detail {
/// y (n,) or (n, 1) as a vector of labels; the errors of encode_classes. Collective.
Array labels_of(const Array& y, const Rows& x, std::string_view estimator);
}  // namespace detail

/// The different labels of y (n,) or (n, 1), of any real dtype or text, and the code of each row.
/// ValueError, in terms of `estimator`, for another shape, NaN or infinity, floats that are no
/// whole numbers, complex numbers. Collective.
Classes encode_classes(const Array& y, const Rows& x, std::string_view estimator);
/// The codes of y among classes that are known: errors as above, and ValueError where numbers meet
/// text. Collective.
Classes encode_classes(const Array& y, const Rows& x, std::string_view estimator,
                       const Value& classes);
/// ValueError unless both have rows, the same number of them, and numbers or text.
void require_comparable(const Array& y_true, const Array& y_pred);
/// y_true and y_pred (n,) or (n, 1), encoded among the labels that either has, as y_true lies:
/// errors as above, and those of require_comparable. Collective.
std::pair<Classes, Classes> encode_together(const Array& y_true, const Array& y_pred);
/// ValueError naming some of the labels that are none of the classes, if there are any. Collective.
void require_known_labels(const Array& y, const Classes& classes, std::string_view estimator);

/// Rows, or their weights: those whose prediction is y's label, and all.
struct Accuracy {
  double right = 0.0, all = 0.0;
  double share() const { return right / all; }
};
/// Of numbers of any dtypes, or text. `sample_weight` is nothing or n weights of any real dtype.
/// Collective; the same bits at any number of processes. ValueError where numbers meet text.
Accuracy accuracy(const Rows& predicted, const Array& y, const Array& sample_weight);

/// The classes of int32 codes in [0, k), computed when they are read, where the codes lie: rows of
/// y's dtype, or text.
Rows decode_classes(const Rows& codes, const Value& classes);

/// The sum of the weights of each class's rows: of 1 without weights. Collective.
std::vector<double> class_weight_sums(const Classes& classes, const Array& sample_weight);
/// The weight of each class: 1 for None, all / (k sum of its weights) for 'balanced', otherwise
/// class_weight[class] of k weights or that of its label in a mapping, 1 where it has none.
/// Collective; ValueError for another word or number of weights, weights that are negative or not
/// finite, and labels that are no classes where a class has no weight.
std::vector<double> weights_of_classes(const Value& class_weight, const Classes& classes,
                                       const Array& sample_weight);
/// Probabilities of the classes: those given, or for None their shares of `weights`. ValueError for
/// another number of them.
std::vector<double> class_priors(const Value& given, const std::vector<double>& weights,
                                 std::string_view estimator);
/// sample_weight, of X's dtype as X lies, times the weight of each row's class. No array when all
/// is 1. Collective; errors as of weights_of_classes.
Array with_class_weight(const Value& class_weight, const Classes& classes,
                        const Array& sample_weight, const Rows& x);

}  // namespace tessera
