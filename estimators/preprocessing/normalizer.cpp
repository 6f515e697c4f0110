#include <tessera/estimators/preprocessing/normalizer.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>
#include <span>
#include <string_view>

#include <tessera/estimators/common_parameters.hpp>
#include <tessera/estimators/preprocessing/row_map.hpp>

namespace tessera {

using namespace common;
namespace {

// The norm of the values of a row in float64, added in lanes, so that it is computed in vectors.
template <class T, class Value>
double norm_of(std::span<const T> row, std::string_view kind, const Value& value) {
  constexpr std::size_t lanes = 8;
  const auto all = [&](const auto& term, const auto& join) {
    std::array<double, lanes> of{};
    std::size_t j = 0;
    for (; j + lanes <= row.size(); j += lanes)
      for (std::size_t l = 0; l < lanes; ++l) of[l] = join(of[l], term(value(row[j + l])));
    for (; j < row.size(); ++j) of[j % lanes] = join(of[j % lanes], term(value(row[j])));
    return std::accumulate(of.begin() + 1, of.end(), of[0], join);
  };
  const auto size = [](double v) { return std::abs(v); };
  if (kind == "max") return all(size, [](double a, double b) { return a < b ? b : a; });
  if (kind == "l1") return all(size, std::plus());
  return std::sqrt(all([](double v) { return v * v; }, std::plus()));
}

}  // namespace

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
        const auto plain = [](T v) { return static_cast<double>(v); };
        const double norm = norm_of(row, kind, plain), far = sizeof(T) == 4 ? 0x1p100 : 0x1p450;
        if (norm > 1.0 / far && norm < far) {
          const T by = static_cast<T>(norm);
          for (std::size_t j = 0; j < row.size(); ++j) out[j] = row[j] / by;
          return;
        }
        // In units of the largest, so that squares stay in range.
        const double unit = norm_of(row, "max", plain);
        if (unit == 0.0) {
          std::ranges::copy(row, out);
          return;
        }
        const auto in_units = [unit](T v) { return static_cast<double>(v) / unit; };
        const double by = norm_of(row, kind, in_units);
        for (std::size_t j = 0; j < row.size(); ++j) out[j] = static_cast<T>(in_units(row[j]) / by);
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
