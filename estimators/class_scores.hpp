#pragma once
#include <tessera/runtime/rows.hpp>

/// From what a classifier says of a row, one number for each class or for the second of two, to
/// codes and probabilities. Rows computed when they are read, in the dtype of the scores, where
/// they lie.
namespace tessera::detail {

/// The code of the highest score, int32 (n,), the first of equals; of scores (n,) 1 where it is
/// above 0.
Rows highest(const Rows& scores);
/// The logarithm of exp(s_c) / sum exp(s), (n, k); of scores (n,) of the two classes: of
/// 1 / (1 + exp(s)) and 1 / (1 + exp(-s)).
Rows log_softmax(const Rows& scores);
/// Probabilities (n, k) where each class stands against the rest: 1 / (1 + exp(-s)) if `logistic`,
/// else (min(max(s, -1), 1) + 1) / 2, divided by their sum for more than two classes, of which all
/// are alike where that is 0.
Rows one_against_rest(const Rows& scores, bool logistic);
/// log of every element.
Rows logarithm(const Rows& values);
/// exp of every element: from those logarithms the probabilities.
Rows exponential(const Rows& logarithms);

}  // namespace tessera::detail
