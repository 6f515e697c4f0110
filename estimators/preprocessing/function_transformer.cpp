#include <tessera/estimators/preprocessing/function_transformer.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include <tessera/estimators/wide_rows.hpp>

namespace tessera {
namespace {

using Function = double (*)(double);

const std::vector<std::pair<std::string, Function>>& functions() {
  static const std::vector<std::pair<std::string, Function>> all = {
      {"abs", [](double v) { return std::abs(v); }},
      {"absolute", [](double v) { return std::abs(v); }},
      {"arcsinh", [](double v) { return std::asinh(v); }},
      {"arctan", [](double v) { return std::atan(v); }},
      {"arctanh", [](double v) { return std::atanh(v); }},
      {"cbrt", [](double v) { return std::cbrt(v); }},
      {"cos", [](double v) { return std::cos(v); }},
      {"exp", [](double v) { return std::exp(v); }},
      {"exp2", [](double v) { return std::exp2(v); }},
      {"expm1", [](double v) { return std::expm1(v); }},
      {"log", [](double v) { return std::log(v); }},
      {"log10", [](double v) { return std::log10(v); }},
      {"log1p", [](double v) { return std::log1p(v); }},
      {"log2", [](double v) { return std::log2(v); }},
      {"negative", [](double v) { return -v; }},
      {"reciprocal", [](double v) { return 1.0 / v; }},
      {"sign", [](double v) { return std::isnan(v) ? v
                                     : v > 0       ? 1.0
                                     : v < 0       ? -1.0
                                                   : 0.0; }},
      {"sin", [](double v) { return std::sin(v); }},
      {"sinh", [](double v) { return std::sinh(v); }},
      {"sqrt", [](double v) { return std::sqrt(v); }},
      {"square", [](double v) { return v * v; }},
      {"tanh", [](double v) { return std::tanh(v); }},
  };
  return all;
}

Allowed function_names() {
  std::vector<std::string> names;
  for (const auto& [name, function] : functions()) names.push_back(name);
  return words(names) | none();
}

// x itself for None. As in NumPy what has no value is NaN and what is too large infinite.
Rows applied(const Rows& x, const Value& name) {
  if (name.is_none()) return x;
  const auto at = std::ranges::find(functions(), name.as<std::string>(),
                                    &std::pair<std::string, Function>::first);
  return map_wide_rows(
      x, x.cols(),
      [function = at->second](std::int64_t, std::span<const double> row, std::span<double> out) {
        std::ranges::transform(row, out.begin(), function);
      });
}

}  // namespace

const EstimatorType& FunctionTransformer::describe() {
  using Self = FunctionTransformer;
  static const auto type = EstimatorType::of<Self>(
      "a function of every value",
      {parameter("func", &Params::func, function_names(),
                 "its name in NumPy; None: values stay as they are"),
       parameter("inverse_func", &Params::inverse_func, function_names(),
                 "that of inverse_transform"),
       parameter("validate", &Params::validate, boolean(), "refuse NaN and infinities in X"),
       parameter("accept_sparse", &Params::accept_sparse, boolean(),
                 "accepted for compatibility: X is dense"),
       parameter("check_inverse", &Params::check_inverse, boolean(),
                 "warn if inverse_func does not undo func on some rows of fit"),
       parameter("feature_names_out", &Params::feature_names_out, words({"one-to-one"}) | none(),
                 "columns keep their names in any case"),
       parameter("kw_args", &Params::kw_args, none(), "functions by name take no arguments"),
       parameter("inv_kw_args", &Params::inv_kw_args, none(), "the same")},
      {},
      {method("fit", &Self::do_fit, "looks at X only", {.sample_weight = false}),
       method("transform", &Self::do_transform, "the function of every value",
              {.keeps_columns = true}),
       method("inverse_transform", &Self::do_inverse_transform, "the inverse function",
              {.keeps_columns = true})});
  return type;
}

void FunctionTransformer::do_fit(const Rows& x, const Array&, const Array&) {
  if (params.validate) require_finite(x, "X", name());
  if (!params.check_inverse || params.func.is_none() || params.inverse_func.is_none()) return;
  // scikit-learn's rows: a hundred or so.
  std::vector<std::int64_t> rows;
  const std::int64_t step = std::max<std::int64_t>(1, x.rows() / 100);
  for (std::int64_t i = 0; i < x.rows(); i += step) rows.push_back(i);
  const Array some = take_rows(x, rows);
  const Array before = some.to(cpu).astype(DType::float64);
  const Array after =
      collect(applied(applied(Rows(some.to(cpu)), params.func), params.inverse_func))
          .astype(DType::float64);
  const auto a = before.values<double>(), b = after.values<double>();
  const double rtol = x.dtype() == DType::float32 ? 1e-4 : 1e-7;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (!(std::abs(a[i] - b[i]) <= rtol * std::abs(a[i])) && !std::isnan(a[i]))
      return warn(
          "The provided functions are not strictly inverse of each other. If you are sure you want "
          "to proceed regardless, set 'check_inverse=False'.");
}

Rows FunctionTransformer::do_transform(const Rows& x) const {
  if (params.validate) require_finite(x, "X", name());
  return applied(x, params.func);
}

Rows FunctionTransformer::do_inverse_transform(const Rows& x) const {
  if (params.validate) require_finite(x, "X", name());
  return applied(x, params.inverse_func);
}

namespace detail {
const EstimatorType& function_transformer() { return FunctionTransformer::describe(); }
}  // namespace detail

}  // namespace tessera
