#pragma once
#include <functional>
#include <string_view>
#include <vector>

#include <tessera/linalg/precision.hpp>
#include <tessera/runtime/rows.hpp>

/// Data whose squares leave the range of their dtype. What is wrong shows in sums that are taken
/// anyway; only then do estimators work on rows multiplied by a power of two, which is exact, and
/// scale what they learn back. Every step is the same for x and for x 2^k but for that power, so
/// the bits are those of data of ordinary size.
namespace tessera::detail {

/// x times 2^exponents[j] in column j, computed when read; exact unless elements over- or
/// underflow.
Rows times_power(const Rows& x, std::vector<int> exponents);
/// The same power for all columns; x itself for 0.
Rows times_power(const Rows& x, int exponent);
/// A floating array of rows (1-D or 2-D), laid out alike. Collective.
Array times_power(const Array& x, int exponent);

/// linalg::column_moments of columns of any size. Column j is measured in units of 2^unit[j]: its
/// mean is mean[j] 2^unit[j], its sum of squared deviations m2[j] 4^unit[j].
struct Moments {
  std::vector<double> count;
  std::vector<double> mean;
  std::vector<double> m2;
  std::vector<int> unit;

  /// The variance of column j.
  long double variance(std::size_t j) const;
  /// The root of the sum of the columns' variances.
  long double spread() const;
  /// All columns in units of 2^-exponent.
  void measure_in(int exponent);
};

enum class Accuracy {
  whole,      ///< variances that are nothing beside the largest may be lost
  by_column,  ///< every column's own
};

/// Those of x, weighted (weights near 1, see Balanced). One pass, and a second one if squares leave
/// the range of float64; `check` is called before that when something is not finite, to throw for a
/// NaN or infinity in x. Collective.
Moments moments(const Rows& x, const Array& weights, Accuracy accuracy,
                const std::function<void()>& check);

using linalg::exponent_for;
using linalg::is_finite;
using linalg::scaled_back;
/// That for the deviations of x from its mean, whose moments are given, so small that x itself does
/// not overflow. ValueError when the deviations' squares then underflow: a constant column is too
/// large beside them.
int exponent_for(const Moments& m, DType dtype, std::string_view estimator);

/// Sample weights near 1: the given ones are values 2^exponent, with an even exponent. 0 and the
/// array itself unless the largest is far from 1. Collective.
struct Balanced {
  explicit Balanced(const Array& weights);
  Array values;
  int exponent = 0;
};

/// For a result that is not finite though its leaf is: computes such elements anew by
/// element(row of x, column of out) and ValueError where out's dtype cannot hold one. `what` is
/// like "PCA.transform". Synchronise the stream before.
using WideElement = std::function<long double(const std::vector<long double>& row, std::size_t)>;
void repair(const Leaf& in, const Tile& out, std::string_view what, const WideElement& element);
/// That error for an infinite element of out.
void require_no_overflow(const Leaf& in, const Tile& out, std::string_view what);

/// A tile's values in host memory, wherever it lies, in long double.
std::vector<long double> wide_values(const Tile& tile);

}  // namespace tessera::detail
