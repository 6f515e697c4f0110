#include <tessera/estimators/linear_model/linear_regression.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include <tessera/estimators/range.hpp>
#include <tessera/linalg/gram.hpp>
#include <tessera/linalg/kernels/kernels.hpp>
#include <tessera/linalg/small.hpp>
#include <tessera/linalg/tsqr.hpp>
#include <tessera/runtime/reduce.hpp>

namespace tessera {
namespace {

using linalg::CenteredGram;
using linalg::Small;
using linalg::Transpose;
namespace small = linalg::small;

/// The problem after orthogonal reduction: minimise |r coef - z|, r upper triangular, for as many
/// targets as z has columns.
struct Reduced {
  Small r;
  Small z;
};

struct Solution {
  bool accurate = false;
  Small coef;  // a row per target
  std::vector<double> singular;
  std::int64_t rank = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(accurate, coef, singular, rank);
  }
};

Solution minimum_norm(const Reduced& problem, double tol) {
  const auto& [r, z] = problem;
  const std::int64_t p = r.cols();
  const small::Svd f = small::svd(r);
  Solution s{true, {}, f.s, 0};
  for (const double v : f.s) s.rank += v > tol * f.s[0];
  bool unique = s.rank == p;
  for (std::int64_t i = 0; unique && i < p; ++i) unique = r.at(i, i) != 0.0;
  if (unique) {  // by back substitution, which columns of different size do not disturb
    s.coef = small::solve_triangular(r, z).transposed();
    return s;
  }
  Small projection = small::product(f.u.columns(0, s.rank), z, Transpose::yes);
  for (std::int64_t i = 0; i < s.rank; ++i)
    for (double& v : projection.row(i)) v /= f.s[static_cast<std::size_t>(i)];
  s.coef = small::product(projection, f.vt.first_rows(s.rank), Transpose::yes);
  return s;
}

// Forming a Gram matrix squares the condition number; columns of very different size do no harm,
// for Cholesky works on the matrix scaled to a unit diagonal. The factor is taken when the relative
// error it carries, cond^2 eps, leaves a margin; otherwise nothing.
Solution from_gram(const CenteredGram& g, std::int64_t p, double tol, DType dtype) {
  const std::int64_t q = g.cols() - p;
  const bool single = dtype == DType::float32;
  const double eps = single ? 0x1p-24 : 0x1p-53;
  const double margin = single ? 1e-4 : 1e-10;
  const double least = (single ? 0x1p-100 : 0x1p-900) * g.weight;
  const auto finite = [](double v) { return std::isfinite(v); };
  if (!std::all_of(g.gram.values().begin(), g.gram.values().end(), finite)) return {};

  std::vector<double> size;
  for (std::int64_t j = 0; j < p; ++j) size.push_back(std::sqrt(g.gram.at(j, j)));
  const auto size_of = [&](std::int64_t j) { return size[static_cast<std::size_t>(j)]; };
  Small scaled(p, p);
  Small projection(p, q);  // D^-1 X^T y
  for (std::int64_t i = 0; i < p; ++i) {
    for (std::int64_t j = 0; j < p; ++j) {
      const double by = size_of(i) * size_of(j);
      // Constant, up to rounding, or so small that products are lost.
      if (!(by > 0.0) || g.gram.at(j, j) < least) return {};
      scaled.at(i, j) = g.gram.at(i, j) / by;
    }
    for (std::int64_t t = 0; t < q; ++t) projection.at(i, t) = g.gram.at(i, p + t) / size_of(i);
  }
  std::optional<Small> r = small::cholesky(std::move(scaled));
  if (!r) return {};
  const auto s = small::svd(*r).s;
  const double condition = s.front() / s.back();
  if (!(condition * condition * eps <= margin)) return {};

  Small z = small::solve_triangular(*r, std::move(projection), Transpose::yes);
  for (std::int64_t i = 0; i < p; ++i)
    for (std::int64_t j = 0; j < p; ++j) r->at(i, j) *= size_of(j);
  return minimum_norm({*std::move(r), std::move(z)}, tol);
}

Solution from_triangle(const Small& t, std::int64_t p, double tol) {
  const Small top = t.first_rows(std::min(t.rows(), p));
  return minimum_norm({top.columns(0, p), top.columns(p, t.cols() - p)}, tol);
}

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
               const Communicator& comm, const char* what, const std::vector<bool>& something) {
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
      throw ValueError(
          fmt::format("LinearRegression: {} around {:.3g} leaves the range of {}: scale X or y{}",
                      what, largest, name_of(dtype), single ? ", or use float64" : ""));
  }
  return replicated(values, std::move(shape), comm).astype(dtype);
}

// A float32 intercept of one target is a float here and an array of shape () in the model, where a
// float is float64. It was a float there, too, in version 0.1.
FieldOf<LinearRegression> intercept_attribute() {
  using Self = LinearRegression;
  auto field = attribute("intercept_", &Self::intercept_, [](const Self& s) {
    // Without one it is 0.0 for any number of targets.
    if (s.coef_.ndim() == 2) return number() | array({s.coef_.rows()});
    return s.coef_.dtype() == DType::float32 ? number() | array({}) : number();
  });
  field.get = [](const void* owner) -> Value {
    const auto& s = *static_cast<const Self*>(owner);
    if (!s.params.fit_intercept || !s.intercept_.is<double>() || s.coef_.dtype() != DType::float32)
      return s.intercept_;
    return replicated(std::vector<double>{s.intercept_.as<double>()}, {}, s.coef_.comm())
        .astype(DType::float32);
  };
  field.set = [](void* owner, const Value& value) {
    auto& s = *static_cast<Self*>(owner);
    s.intercept_ = value;
    if (value.is<Array>() && value.as<Array>().ndim() == 0 &&
        is_floating(value.as<Array>().dtype()))
      s.intercept_ = value.as<Array>().astype(DType::float64).values<double>()[0];
    return true;
  };
  return field;
}

}  // namespace

const EstimatorType& LinearRegression::describe() {
  using Self = LinearRegression;
  static const auto type = EstimatorType::of<Self>(
      "ordinary least squares",
      {
          parameter("fit_intercept", &Params::fit_intercept, boolean(),
                    "estimate an intercept; otherwise it is 0"),
          parameter("copy_X", &Params::copy_X, boolean(),
                    "accepted for compatibility: inputs are never modified"),
          parameter("tol", &Params::tol, reals(0.0),
                    "singular values up to tol times the largest count as 0"),
          parameter("n_jobs", &Params::n_jobs,
                    integers(std::numeric_limits<std::int64_t>::min()) | none(),
                    "accepted for compatibility: use --threads and mpirun"),
          parameter("positive", &Params::positive, boolean(),
                    "force coefficients >= 0 (not supported yet)"),
      },
      {
          attribute("coef_", &Self::coef_,
                    [](const Self& s) {
                      return array(s.coef_.ndim() == 2 ? Shape{s.coef_.rows(), s.n_features_in_}
                                                       : Shape{s.n_features_in_});
                    }),
          intercept_attribute(),
          attribute("rank_", &Self::rank_,
                    [](const Self& s) { return integers(0, s.singular_.rows()); }),
          attribute("singular_", &Self::singular_,
                    [](const Self& s) {
                      return array({std::min(s.singular_.rows(), s.n_features_in_)},
                                   {.low = 0.0, .infinite = true, .descending = true});
                    }),
      },
      {
          method("fit", &Self::do_fit, "finds the coefficients"),
          method("predict", &Self::do_predict, "the targets of each row, (n,) or (n, q)"),
      });
  return type;
}

void LinearRegression::do_fit(const Rows& given_x, const Array& given_y,
                              const Array& sample_weight) {
  if (params.positive)
    throw NotImplementedError(
        "LinearRegression(positive=True) is not supported yet; only positive=False is");
  const std::int64_t p = given_x.cols();
  const std::int64_t q = given_y.cols();
  const DType dtype = given_x.dtype();
  const bool tall = given_x.rows() >= p;  // otherwise the Gram matrix is singular for certain
  const bool center = params.fit_intercept;
  const detail::Balanced weights(sample_weight);

  // x and y are the given ones times these powers of two.
  int x_exponent = 0;
  std::vector<int> y_exponents(static_cast<std::size_t>(q), 0);
  Rows x = given_x;
  Array y = given_y;
  CenteredGram g;
  const auto check = [&] { require_finite(given_x, "X", name()); };
  const auto scale = [&] {
    auto m = detail::moments(x, weights.values, detail::Accuracy::whole, check);
    auto my = detail::moments(y, weights.values, detail::Accuracy::by_column, [] {});
    x_exponent = exponent_of(m, center, 0, m.mean.size(), dtype);
    m.measure_in(x_exponent);
    g.mean = m.mean;
    for (std::size_t t = 0; t < my.mean.size(); ++t) {
      y_exponents[t] = exponent_of(my, center, t, t + 1, dtype);
      g.mean.push_back(std::ldexp(my.mean[t], my.unit[t] + y_exponents[t]));
    }
    x = detail::times_power(given_x, x_exponent);
    const Rows rows = detail::times_power(Rows(given_y), y_exponents);
    y = collect(rows);
  };
  if (tall) {
    g = linalg::centered_gram(x, y, weights.values, center);
    if (out_of_range(g, p, dtype)) {
      // That is how a NaN or infinity in X shows, too.
      for (std::int64_t j = 0; j < p; ++j)
        if (!std::isfinite(g.gram.at(j, j))) {
          check();
          break;
        }
      scale();
      if (x_exponent != 0 || y_exponents != std::vector<int>(y_exponents.size()))
        g = linalg::centered_gram(x, y, weights.values, center);
    }
  } else {
    check();
    scale();
  }

  Solution s;
  if (tall) s = on_root<Solution>(x.comm(), [&] { return from_gram(g, p, params.tol, dtype); });
  if (!s.accurate) {
    const Small t = linalg::tsqr(
        x, center ? std::span<const double>(g.mean) : std::span<const double>{}, y, weights.values);
    s = on_root<Solution>(x.comm(), [&] { return from_triangle(t, p, params.tol); });
  }

  std::vector<bool> something(static_cast<std::size_t>(q));
  std::vector<double> intercept(static_cast<std::size_t>(q));
  for (std::int64_t t = 0; t < q; ++t) {
    const int y_exponent = y_exponents[static_cast<std::size_t>(t)];
    double v = center ? g.mean[static_cast<std::size_t>(p + t)] : 0.0;
    for (std::int64_t j = 0; j < p; ++j) {
      double& coef = s.coef.at(t, j);
      if (center) v -= coef * g.mean[static_cast<std::size_t>(j)];
      if (coef != 0 && x_exponent != y_exponent) something[static_cast<std::size_t>(t)] = true;
      coef = std::ldexp(coef, x_exponent - y_exponent);
    }
    intercept[static_cast<std::size_t>(t)] = std::ldexp(v, -y_exponent);
  }
  const bool flat = y.ndim() == 1;
  coef_ =
      as_dtype(s.coef.values(), flat ? Shape{p} : Shape{q, p}, dtype, x.comm(), "coef_", something);
  const Array intercepts = as_dtype(intercept, {q}, dtype, x.comm(), "intercept_",
                                    std::vector<bool>(static_cast<std::size_t>(q)));
  if (!center)
    intercept_ = 0.0;
  else if (flat)
    intercept_ = intercepts.astype(DType::float64).values<double>()[0];
  else
    intercept_ = intercepts;
  rank_ = s.rank;
  singular_ =
      detail::scaled_back(s.singular, weights.exponent / 2 - x_exponent, {std::min(x.rows(), p)},
                          dtype, x.comm(), "LinearRegression: singular_");
}

Rows LinearRegression::do_predict(const Rows& x) const {
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
                  [=, names = feature_names_in_](const Leaf& in, const Tile& out, Stream& stream) {
                    Tile c = there.local();
                    c.rows = q;
                    c.cols = c.stride = p;
                    linalg::kernels().gemm(stream, 1.0, in.tile, Transpose::no, c, Transpose::yes,
                                           0.0, out);
                    linalg::kernels().unstandardize(stream, out, intercept, {}, out);
                    if (linalg::kernels().all_finite(stream, out)) return;
                    require_finite(in, "X", class_name, false, names);
                    detail::repair(in, out, "LinearRegression.predict",
                                   [&](const std::vector<long double>& row, std::size_t t) {
                                     long double sum = intercept[t];
                                     for (std::size_t j = 0; j < row.size(); ++j)
                                       sum += row[j] * wide_coef[t * row.size() + j];
                                     return sum;
                                   });
                  });
}

namespace detail {
const EstimatorType& linear_regression() { return LinearRegression::describe(); }
}  // namespace detail

}  // namespace tessera
