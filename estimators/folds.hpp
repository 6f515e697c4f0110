#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include <tessera/estimators/parameter.hpp>
#include <tessera/runtime/random_state.hpp>
#include <tessera/runtime/row_set.hpp>

/// Folds, as scikit-learn's splitters make them.
namespace tessera::detail {

/// What a parameter cv may be, and the test rows of each fold: of a number, 5 for None, those of
/// scikit-learn's KFold without shuffling; of a list of (train, test) pairs of row numbers the test
/// sets, which must make up all rows, with all others in train. ValueError for more folds than
/// rows, NotImplementedError for other pairs.
Allowed folds_allowed();
std::vector<RowSet> folds_of(const Value& cv, std::int64_t rows, std::string_view estimator);
/// The fold in which each row is tested, on every process: of a number those of StratifiedKFold,
/// shuffled by `draws` where there are any, of codes of k classes; of pairs as folds_of.
/// Collective; ValueError for more folds than any class has rows.
std::vector<std::int32_t> folds_of_rows(const Value& cv, const Array& codes, std::int64_t k,
                                        std::string_view estimator, RandomState* draws = nullptr);
/// Whether each row is in the test set of scikit-learn's ShuffleSplit, a share of the rows, or of
/// codes of k classes of StratifiedShuffleSplit, on every process. Collective; ValueError where a
/// set would be empty, or a class has one row.
std::vector<bool> shuffle_split(double share, std::int64_t rows, const Array& codes, std::int64_t k,
                                RandomState& draws, std::string_view estimator);

}  // namespace tessera::detail
