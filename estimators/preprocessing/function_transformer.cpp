#include <tessera/estimators/preprocessing/function_transformer.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include <tessera/array/kernels/of_reals.hpp>

namespace tessera {
namespace {

// What arrays do not have, computed in double on the host.
const std::map<std::string, double (*)(double)> of_doubles = {{"cbrt", std::cbrt},
                                                              {"exp2", std::exp2}};

// NumPy's older names of functions that the standard calls otherwise.
const std::map<std::string, std::string> older_names = {
    {"absolute", "abs"},  {"arccos", "acos"}, {"arccosh", "acosh"}, {"arcsin", "asin"},
    {"arcsinh", "asinh"}, {"arctan", "atan"}, {"arctanh", "atanh"}, {"conjugate", "conj"}};

Allowed function_names() {
  std::vector<std::string> names;
  for (const auto& [name, function] : functions::of_reals()) names.push_back(name);
  for (const auto& [name, function] : of_doubles) names.push_back(name);
  for (const auto& [name, newer] : older_names) names.push_back(name);
  std::ranges::sort(names);
  return words(names) | none();
}

// x itself for None. As in NumPy what has no value is NaN and what is too large infinite.
Rows applied(const Rows& x, const Value& name) {
  if (name.is_none()) return x;
  const auto& called = name.as<std::string>();
  if (const auto at = of_doubles.find(called); at != of_doubles.end())
    return map_rows(x.to(cpu), x.shape(), x.dtype(),
                    [f = at->second](const Leaf& in, const Tile& out, Stream&) {
                      visit_floating(out.dtype, [&]<class T>(TypeTag<T>) {
                        for (std::int64_t i = 0; i < out.rows; ++i)
                          std::transform(in.tile.as<const T>() + i * in.tile.stride,
                                         in.tile.as<const T>() + i * in.tile.stride + out.cols,
                                         out.as<T>() + i * out.stride, [f](T v) {
                                           return static_cast<T>(f(static_cast<double>(v)));
                                         });
                      });
                    })
        .to(x.device());
  const auto newer = older_names.find(called);
  const auto* operation =
      functions::of_reals().at(newer == older_names.end() ? called : newer->second);
  return map_rows(x, x.shape(), x.dtype(),
                  [operation](const Leaf& in, const Tile& out, Stream& stream) {
                    (*operation)(stream, in.tile, out);
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
  const Array after = collect(applied(applied(some, params.func), params.inverse_func))
                          .to(cpu)
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
