#include <tessera/estimators/preprocessing/normalizer.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

#include <tessera/estimators/common_parameters.hpp>
#include <tessera/estimators/preprocessing/row_map.hpp>

namespace tessera {

using namespace common;
const EstimatorType& Normalizer::describe() {
  using Self = Normalizer;
  static const auto type = EstimatorType::of<Self>(
      "scale rows to norm 1",
      {parameter("norm", &Params::norm, words({"l1", "l2", "max"}), "the norm of a row"),
       with_copy<Params>()},
      {},
      {method("fit", &Self::do_fit, "looks at X only", {.sample_weight = false}),
       method("transform", &Self::do_transform, "the rows over their norms",
              {.keeps_columns = true})});
  return type;
}

void Normalizer::do_fit(const Rows& x, const Array&, const Array&) {
  require_finite(x, "X", name());
}

Rows Normalizer::do_transform(const Rows& x) const {
  return detail::map_each_row(
      x, x.cols(), *this, false, [kind = params.norm]<class T>(std::span<const T> row, T* out) {
        // float64 in units of the largest, so that squares stay in range.
        double most = 0.0, norm = 0.0;
        for (const T v : row) most = std::max(most, static_cast<double>(std::abs(v)));
        if (most == 0.0) {
          std::ranges::copy(row, out);
          return;
        }
        const double unit = std::is_same_v<T, double> ? most : 1.0;
        if (kind == "max")
          norm = most / unit;
        else if (kind == "l1")
          for (const T v : row) norm += static_cast<double>(std::abs(v)) / unit;
        else
          for (const T v : row)
            norm += static_cast<double>(v) / unit * (static_cast<double>(v) / unit);
        if (kind == "l2") norm = std::sqrt(norm);
        for (std::size_t j = 0; j < row.size(); ++j)
          out[j] = static_cast<T>(static_cast<double>(row[j]) / unit / norm);
      });
}

const EstimatorType& Binarizer::describe() {
  using Self = Binarizer;
  constexpr double infinity = std::numeric_limits<double>::infinity();
  static const auto type = EstimatorType::of<Self>(
      "1 above a threshold, 0 below",
      {parameter("threshold", &Params::threshold, reals(-infinity, infinity, Closed::both),
                 "values up to it become 0"),
       with_copy<Params>()},
      {},
      {method("fit", &Self::do_fit, "looks at X only", {.sample_weight = false}),
       method("transform", &Self::do_transform, "0 or 1 for each value",
              {.keeps_columns = true, .keeps_dtype = [](const Estimator&) { return true; }})});
  return type;
}

void Binarizer::do_fit(const Rows& x, const Array&, const Array&) {
  require_finite(x, "X", name());
}

Rows Binarizer::do_transform(const Rows& x) const {
  return detail::map_each_row(x, x.cols(), *this, false,
                              [by = params.threshold]<class T>(std::span<const T> row, T* out) {
                                for (std::size_t j = 0; j < row.size(); ++j)
                                  out[j] = row[j] > static_cast<T>(by) ? T{1} : T{0};
                              });
}

namespace detail {
const EstimatorType& normalizer() { return Normalizer::describe(); }
const EstimatorType& binarizer() { return Binarizer::describe(); }
}  // namespace detail

}  // namespace tessera
