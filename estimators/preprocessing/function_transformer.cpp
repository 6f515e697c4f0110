#include <tessera/estimators/preprocessing/function_transformer.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include <tessera/array/kernels/elementwise.hpp>

namespace tessera {
namespace {

namespace fn = functions;
using Kernel = std::function<void(Stream& stream, const Tile& x, const Tile& out)>;

/// A function of arrays.
template <class F>
void in_dtype(Stream& stream, const Tile& x, const Tile& out) {
  fn::operation<F>()(stream, x, out);
}

/// What arrays do not have.
template <double function(double)>
void in_double(Stream&, const Tile& x, const Tile& out) {
  visit_floating(out.dtype, [&]<class T>(TypeTag<T>) {
    for (std::int64_t i = 0; i < x.rows; ++i)
      std::transform(x.as<const T>() + i * x.stride, x.as<const T>() + i * x.stride + x.cols,
                     out.as<T>() + i * out.stride,
                     [](T v) { return static_cast<T>(function(static_cast<double>(v))); });
  });
}

const std::vector<std::pair<std::string, Kernel>>& kernels_by_name() {
  static const std::vector<std::pair<std::string, Kernel>> all = {
      {"abs", in_dtype<fn::Abs>},           {"absolute", in_dtype<fn::Abs>},
      {"arcsinh", in_dtype<fn::Asinh>},     {"arctan", in_dtype<fn::Atan>},
      {"arctanh", in_dtype<fn::Atanh>},     {"cbrt", in_double<std::cbrt>},
      {"cos", in_dtype<fn::Cos>},           {"exp", in_dtype<fn::Exp>},
      {"exp2", in_double<std::exp2>},       {"expm1", in_dtype<fn::Expm1>},
      {"log", in_dtype<fn::Log>},           {"log10", in_dtype<fn::Log10>},
      {"log1p", in_dtype<fn::Log1p>},       {"log2", in_dtype<fn::Log2>},
      {"negative", in_dtype<fn::Negative>}, {"reciprocal", in_dtype<fn::Reciprocal>},
      {"sign", in_dtype<fn::Sign>},         {"sin", in_dtype<fn::Sin>},
      {"sinh", in_dtype<fn::Sinh>},         {"sqrt", in_dtype<fn::Sqrt>},
      {"square", in_dtype<fn::Square>},     {"tanh", in_dtype<fn::Tanh>},
  };
  return all;
}

Allowed function_names() {
  std::vector<std::string> names;
  for (const auto& [name, kernel] : kernels_by_name()) names.push_back(name);
  return words(names) | none();
}

// x itself for None. As in NumPy what has no value is NaN and what is too large infinite.
Rows applied(const Rows& x, const Value& name) {
  if (name.is_none()) return x;
  fn::register_elementwise();
  const auto at = std::ranges::find(kernels_by_name(), name.as<std::string>(),
                                    &std::pair<std::string, Kernel>::first);
  return map_rows(x.to(cpu), x.shape(), x.dtype(),
                  [kernel = at->second](const Leaf& in, const Tile& out, Stream& stream) {
                    kernel(stream, in.tile, out);
                  })
      .to(x.device());
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
