#include <tessera/estimators/linear_model/linear_model.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include <tessera/linalg/kernels/kernels.hpp>
#include <tessera/linalg/tsqr.hpp>
#include <tessera/runtime/reduce.hpp>

namespace tessera {
namespace {

using linalg::CenteredGram;
using linalg::Small;
using linalg::Transpose;

// The powers of two that bring columns near 1 about their mean, or about 0; 0 for what is near.
int exponent_of(const detail::Moments& m, bool center, std::size_t begin, std::size_t end,
                DType dtype) {
  long double spread = 0;
  long double largest = 0;
  for (std::size_t j = begin; j < end; ++j) {
    const long double mean = std::ldexp(static_cast<long double>(m.mean[j]), m.unit[j]);
    const long double variance = m.variance(j) + (center ? 0 : mean * mean);
    spread = std::max(spread, std::sqrt(variance));
    largest = std::max({largest, spread, std::abs(mean)});
  }
  const int e = detail::exponent_for(spread, dtype);
  // Not so large that a constant column overflows.
  return e <= 0 ? e : std::clamp((dtype == DType::float32 ? 100 : 900) - std::ilogb(largest), 0, e);
}

// The columns of a Gram matrix's diagonal that say that products are lost or infinite: the largest
// of X counts, and each of y.
bool out_of_range(const CenteredGram& g, std::int64_t p, DType dtype) {
  const auto far = [&](double square) {
    const double size = std::sqrt(square / g.weight);
    return !(size > 0 && std::isfinite(size)) || detail::exponent_for(size, dtype) != 0;
  };
  const auto diagonal = [&](std::int64_t j) { return g.gram.at(j, j); };
  double largest = 0;
  for (std::int64_t j = 0; j < g.cols(); ++j) {
    if (!std::isfinite(diagonal(j)) || (j >= p && far(diagonal(j)))) return true;
    if (j < p) largest = std::max(largest, diagonal(j));
  }
  return far(largest);
}

// `values`, as many for each target, as `dtype` holds them. Predictions need what `what` names:
// ValueError when the largest of a target overflows, or underflows though there is `something`.
Array as_dtype(const std::vector<double>& values, Shape shape, DType dtype,
               const Communicator& comm, std::string_view what,
               const std::vector<bool>& something) {
  const bool single = dtype == DType::float32;
  const double most =
      single ? double{std::numeric_limits<float>::max()} : std::numeric_limits<double>::max();
  const double least =
      single ? double{std::numeric_limits<float>::min()} : std::numeric_limits<double>::min();
  const std::size_t each = values.size() / something.size();
  for (std::size_t t = 0; t < something.size(); ++t) {
    double largest = 0;
    for (std::size_t i = t * each; i < (t + 1) * each; ++i)
      largest = std::max(largest, std::abs(values[i]));
    if (largest > most || (something[t] && largest < least))
      throw ValueError(fmt::format("{} around {:.3g} leaves the range of {}: scale X or y{}", what,
                                   largest, name_of(dtype), single ? ", or use float64" : ""));
  }
  return replicated(values, std::move(shape), comm).astype(dtype);
}

}  // namespace

LeastSquares::LeastSquares(const Rows& given_x, const Array& given_y, const Array& sample_weight,
                           bool centred, bool wants_gram, std::string_view estimator)
    : x(given_x),
      y(given_y),
      weights(sample_weight),
      center(centred),
      y_exponents(static_cast<std::size_t>(given_y.cols()), 0) {
  const std::int64_t p = given_x.cols();
  const DType dtype = given_x.dtype();
  const auto check = [&] { require_finite(given_x, "X", estimator); };
  const auto scale = [&] {
    auto m = detail::moments(x, weights.values, detail::Accuracy::whole, check);
    auto my = detail::moments(y, weights.values, detail::Accuracy::by_column, [] {});
    x_exponent = exponent_of(m, center, 0, m.mean.size(), dtype);
    m.measure_in(x_exponent);
    gram.mean = m.mean;
    for (std::size_t t = 0; t < my.mean.size(); ++t) {
      y_exponents[t] = exponent_of(my, center, t, t + 1, dtype);
      gram.mean.push_back(std::ldexp(my.mean[t], my.unit[t] + y_exponents[t]));
    }
    x = detail::times_power(given_x, x_exponent);
    const Rows rows = detail::times_power(Rows(given_y), y_exponents);
    y = collect(rows);
  };
  if (!wants_gram) {
    check();
    scale();
    return;
  }
  gram = linalg::centered_gram(x, y, weights.values, center);
  if (!out_of_range(gram, p, dtype)) return;
  // That is how a NaN or infinity in X shows, too.
  for (std::int64_t j = 0; j < p; ++j)
    if (!std::isfinite(gram.gram.at(j, j))) {
      check();
      break;
    }
  scale();
  if (x_exponent != 0 || y_exponents != std::vector<int>(y_exponents.size()))
    gram = linalg::centered_gram(x, y, weights.values, center);
}

Small LeastSquares::triangle() const {
  return linalg::tsqr(x, center ? std::span<const double>(gram.mean) : std::span<const double>{}, y,
                      weights.values);
}

std::vector<Method> LinearModel::role_methods() {
  auto all = Regressor::role_methods();
  all.insert(all.begin(), method("predict", &LinearModel::do_predict,
                                 "the targets of each row, (n,) or (n, q)"));
  return all;
}

void LinearModel::set_solution(const LeastSquares& problem, Small solution) {
  const std::int64_t p = problem.x.cols();
  const std::int64_t q = solution.rows();
  const auto& mean = problem.gram.mean;
  std::vector<bool> something(static_cast<std::size_t>(q));
  std::vector<double> intercept(static_cast<std::size_t>(q));
  for (std::int64_t t = 0; t < q; ++t) {
    const int y_exponent = problem.y_exponents[static_cast<std::size_t>(t)];
    double v = problem.center ? mean[static_cast<std::size_t>(p + t)] : 0.0;
    for (std::int64_t j = 0; j < p; ++j) {
      double& coef = solution.at(t, j);
      if (problem.center) v -= coef * mean[static_cast<std::size_t>(j)];
      if (coef != 0 && problem.x_exponent != y_exponent)
        something[static_cast<std::size_t>(t)] = true;
      coef = std::ldexp(coef, problem.x_exponent - y_exponent);
    }
    intercept[static_cast<std::size_t>(t)] = std::ldexp(v, -y_exponent);
  }
  const bool flat = problem.y.ndim() == 1;
  const DType dtype = problem.x.dtype();
  const auto& comm = problem.x.comm();
  const auto named = [&](const char* attribute) {
    return fmt::format("{}: {}", name(), attribute);
  };
  coef_ = as_dtype(solution.values(), flat ? Shape{p} : Shape{q, p}, dtype, comm, named("coef_"),
                   something);
  const Array intercepts = as_dtype(intercept, {q}, dtype, comm, named("intercept_"),
                                    std::vector<bool>(static_cast<std::size_t>(q)));
  if (!problem.center)
    intercept_ = 0.0;
  else if (flat)
    intercept_ = intercepts.astype(DType::float64).values<double>()[0];
  else
    intercept_ = intercepts;
}

Allowed LinearModel::allowed_intercept() const {
  // Without one it is 0.0 for any number of targets.
  return coef_.ndim() == 2 ? number() | array({coef_.rows()}) : float_like(coef_);
}

Rows LinearModel::do_predict(const Rows& x) const {
  const std::int64_t p = n_features_in_;
  const bool flat = coef_.ndim() == 1;
  const std::int64_t q = flat ? 1 : coef_.rows();
  const Array coef = coef_.astype(x.dtype());
  std::vector<double> intercept(static_cast<std::size_t>(q), 0.0);
  if (intercept_.is<double>())
    std::fill(intercept.begin(), intercept.end(), intercept_.as<double>());
  else {
    const Array wide = intercept_.as<Array>().astype(DType::float64);
    std::copy_n(wide.values<double>().begin(), q, intercept.begin());
  }
  const Array there = coef.to(x.device());
  const auto wide_coef = detail::wide_values(coef.local());
  return map_rows(x, flat ? Shape{x.rows()} : Shape{x.rows(), q}, x.dtype(),
                  [=, names = feature_names_in_, estimator = name()](
                      const Leaf& in, const Tile& out, Stream& stream) {
                    Tile c = there.local();
                    c.rows = q;
                    c.cols = c.stride = p;
                    linalg::kernels().gemm(stream, 1.0, in.tile, Transpose::no, c, Transpose::yes,
                                           0.0, out);
                    linalg::kernels().unstandardize(stream, out, intercept, {}, out);
                    if (linalg::kernels().all_finite(stream, out)) return;
                    require_finite(in, "X", estimator, false, names);
                    detail::repair(in, out, fmt::format("{}.predict", estimator),
                                   [&](const std::vector<long double>& row, std::size_t t) {
                                     long double sum = intercept[t];
                                     for (std::size_t j = 0; j < row.size(); ++j)
                                       sum += row[j] * wide_coef[t * row.size() + j];
                                     return sum;
                                   });
                  });
}

}  // namespace tessera
