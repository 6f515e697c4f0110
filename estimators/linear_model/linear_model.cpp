#include <tessera/estimators/linear_model/linear_model.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include <tessera/estimators/linear_model/gram_path.hpp>
#include <tessera/linalg/kernels/kernels.hpp>
#include <tessera/linalg/small.hpp>
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

LeastSquares::LeastSquares(const Rows& given_x, const Array& given_y, const Array& sample_weight,
                           bool centred, const std::vector<RowSet>& rows_of_folds,
                           std::string_view estimator)
    : x(given_x),
      y(given_y),
      weights(sample_weight),
      center(centred),
      y_exponents(static_cast<std::size_t>(given_y.cols()), 0),
      folds(detail::fold_grams(x, y, weights.values, centred, rows_of_folds)) {
  gram = detail::merged(folds);
  for (std::int64_t j = 0; j < gram.cols(); ++j)
    if (!std::isfinite(gram.gram.at(j, j))) {
      require_finite(x, "X", estimator);
      throw ValueError(
          fmt::format("{}: squares of X or y leave the range of float64: scale them", estimator));
    }
}

Small LeastSquares::triangle() const {
  return linalg::tsqr(x, center ? std::span<const double>(gram.mean) : std::span<const double>{}, y,
                      weights.values);
}

std::vector<double> LeastSquares::penalties(std::vector<double> alphas) const {
  for (double& alpha : alphas) alpha = std::ldexp(alpha, 2 * x_exponent - weights.exponent);
  return alphas;
}

Small detail::non_negative(const CenteredGram& gram, const std::vector<double>& alphas) {
  const auto q = std::ssize(alphas);
  const std::int64_t p = gram.cols() - q;
  Small coef(q, p);
  for (std::int64_t t = 0; t < q; ++t) {
    const double alpha = alphas[static_cast<std::size_t>(t)];
    const auto a = [&](std::int64_t i, std::int64_t j) {
      return gram.gram.at(i, j) + (i == j ? alpha : 0.0);
    };
    const auto x = coef.row(t);
    std::vector<std::int64_t> free;  // those above 0, or on their way
    std::vector<bool> is_free(static_cast<std::size_t>(p)), dependent = is_free;
    // Where the free ones would be least together; nothing where they depend on each other.
    const auto least = [&]() -> std::optional<Small> {
      const auto n = std::ssize(free);
      Small m(n, n), b(n, 1);
      for (std::int64_t i = 0; i < n; ++i) {
        const std::int64_t row = free[static_cast<std::size_t>(i)];
        b.at(i, 0) = gram.gram.at(row, p + t);
        for (std::int64_t j = 0; j < n; ++j) m.at(i, j) = a(row, free[static_cast<std::size_t>(j)]);
      }
      return linalg::small::solve_positive(std::move(m), std::move(b));
    };
    for (std::int64_t step = 0; step < 10 * (p + 1); ++step) {
      std::int64_t best = -1;
      double most = 0.0;
      for (std::int64_t j = 0; j < p; ++j) {
        if (is_free[static_cast<std::size_t>(j)] || dependent[static_cast<std::size_t>(j)])
          continue;
        double pull = gram.gram.at(j, p + t);
        for (const std::int64_t i : free) pull -= a(j, i) * x[static_cast<std::size_t>(i)];
        const double size = std::sqrt(a(j, j) * gram.gram.at(p + t, p + t));
        if (pull > most && pull > 1e-12 * size) {
          most = pull;
          best = j;
        }
      }
      if (best < 0) break;
      free.push_back(best);
      is_free[static_cast<std::size_t>(best)] = true;
      for (;;) {
        const auto at = least();
        if (!at) {
          free.pop_back();
          is_free[static_cast<std::size_t>(best)] = false;
          dependent[static_cast<std::size_t>(best)] = true;
          break;
        }
        double along = 1.0;
        for (std::size_t i = 0; i < free.size(); ++i) {
          const double from = x[static_cast<std::size_t>(free[i])];
          const double to = at->at(static_cast<std::int64_t>(i), 0);
          if (to <= 0) along = std::min(along, from > 0 ? from / (from - to) : 0.0);
        }
        for (std::size_t i = 0; i < free.size(); ++i) {
          double& v = x[static_cast<std::size_t>(free[i])];
          const double to = at->at(static_cast<std::int64_t>(i), 0);
          v += along * (to - v);
          if (along < 1.0 && to <= 0 && v <= 1e-15 * std::abs(to)) v = 0.0;
          if (along == 1.0) v = to;
        }
        if (along == 1.0) break;
        std::erase_if(free, [&](std::int64_t j) {
          const bool out = x[static_cast<std::size_t>(j)] <= 0.0;
          if (out) {
            x[static_cast<std::size_t>(j)] = 0.0;
            is_free[static_cast<std::size_t>(j)] = false;
          }
          return out;
        });
        if (free.empty()) break;
      }
    }
  }
  return coef;
}

std::vector<Method> LinearModel::role_methods() {
  auto all = Regressor::role_methods();
  all.insert(all.begin(), method("predict", &LinearModel::do_predict,
                                 "the targets of each row, (n,) or (n, q)"));
  return all;
}

std::vector<double> detail::unscale(const LeastSquares& problem, Small& solution) {
  const std::int64_t p = problem.x.cols();
  const auto& mean = problem.gram.mean;
  std::vector<double> intercept;
  for (std::int64_t t = 0; t < solution.rows(); ++t) {
    const int y_exponent = problem.y_exponents[static_cast<std::size_t>(t)];
    double v = problem.center ? mean[static_cast<std::size_t>(p + t)] : 0.0;
    for (std::int64_t j = 0; j < p; ++j) {
      double& coef = solution.at(t, j);
      if (problem.center) v -= coef * mean[static_cast<std::size_t>(j)];
      coef = std::ldexp(coef, problem.x_exponent - y_exponent);
    }
    intercept.push_back(std::ldexp(v, -y_exponent));
  }
  return intercept;
}

void LinearModel::set_solution(const LeastSquares& problem, Small solution) {
  const std::int64_t p = problem.x.cols();
  const std::int64_t q = solution.rows();
  std::vector<bool> something;
  for (std::int64_t t = 0; t < q; ++t)
    something.push_back(problem.x_exponent != problem.y_exponents[static_cast<std::size_t>(t)] &&
                        std::ranges::any_of(solution.row(t), [](double v) { return v != 0; }));
  const std::vector<double> intercept = detail::unscale(problem, solution);
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

void LinearModel::set_coefficients(const std::vector<double>& coef, double intercept,
                                   const Rows& x) {
  coef_ = replicated(coef, {x.cols()}, x.comm()).astype(x.dtype());
  intercept_ =
      x.dtype() == DType::float32 ? static_cast<double>(static_cast<float>(intercept)) : intercept;
}

void LinearModel::set_column_intercept(const Array& y, bool fit_intercept) {
  if (y.ndim() == 2 && coef_.ndim() == 1 && fit_intercept)
    intercept_ = replicated(std::vector<double>{intercept_.as<double>()}, {1}, coef_.comm())
                     .astype(coef_.dtype());
}

Allowed LinearModel::allowed_intercept(bool column) const {
  // Without one it is 0.0 for any number of targets.
  if (coef_.ndim() == 2) return number() | array({coef_.rows()});
  if (column && intercept_.is<Array>() && intercept_.as<Array>().ndim() == 1) return array({1});
  return float_like(coef_);
}

Rows LinearModel::do_predict(const Rows& x) const {
  const std::vector<double> intercept =
      intercept_.is<double>()
          ? std::vector<double>(static_cast<std::size_t>(coef_.ndim() == 1 ? 1 : coef_.rows()),
                                intercept_.as<double>())
          : detail::doubles(intercept_.as<Array>());
  return detail::linear_predictor(x, coef_, intercept, coef_.ndim() == 1, name(), "predict",
                                  feature_names_in_);
}

Rows detail::linear_predictor(const Rows& x, const Array& given,
                              const std::vector<double>& intercept, bool flat,
                              std::string_view estimator, std::string_view method,
                              const std::vector<std::string>& names) {
  const std::int64_t p = x.cols();
  const std::int64_t q = std::ssize(intercept);
  const Array there = given.astype(x.dtype()).to(x.device());
  return map_rows(
      x, flat ? Shape{x.rows()} : Shape{x.rows(), q}, x.dtype(),
      [=, wide = doubles(given)](const Leaf& in, const Tile& out, Stream& stream) {
        Tile c = there.local();
        c.rows = q;
        c.cols = c.stride = p;
        linalg::kernels().gemm(stream, 1.0, in.tile, Transpose::no, c, Transpose::yes, 0.0, out);
        linalg::kernels().unstandardize(stream, out, intercept, {}, out);
        if (linalg::kernels().all_finite(stream, out)) return;
        require_finite(in, "X", estimator, false, names);
        if (std::any_of(intercept.begin(), intercept.end(), [](double v) { return std::isinf(v); }))
          return;
        detail::repair(in, out, fmt::format("{}.{}", estimator, method),
                       [&](const std::vector<long double>& row, std::size_t t) {
                         long double sum = intercept[t];
                         for (std::size_t j = 0; j < row.size(); ++j)
                           sum += row[j] * wide[t * row.size() + j];
                         return sum;
                       });
      });
}

}  // namespace tessera
