#include <tessera/linalg/norm.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <string_view>
#include <type_traits>

#include <tessera/linalg/dense.hpp>
#include <tessera/linalg/functions.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/reduce.hpp>
#include <tessera/runtime/visit.hpp>

namespace tessera::linalg {
namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

// The larger or smaller of two, NaN if one is NaN.
double larger(double a, double b) { return a > b || std::isnan(a) ? a : b; }
double smaller(double a, double b) { return a < b || std::isnan(a) ? a : b; }

// A number that merges by one of these or by addition.
struct Extremes {
  double largest = -inf;
  double smallest = inf;
  void add(double v) {
    largest = larger(largest, v);
    smallest = smaller(smallest, v);
  }
  void merge(const Extremes& right) {
    largest = larger(largest, right.largest);
    smallest = smaller(smallest, right.smallest);
  }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(largest, smallest);
  }
};

template <class T>
double magnitude(const T& v) {
  if constexpr (std::is_arithmetic_v<T>)
    return std::abs(static_cast<double>(v));
  else
    return std::abs(std::complex<double>(v));
}

// Calls visit(row of a leaf as const T*) for each of its rows.
template <class F>
void for_each_row(const Tile& t, F f) {
  visit(t.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (std::int64_t i = 0; i < t.rows; ++i) f(t.as<const T>() + i * t.stride);
  });
}

// The sum of term(element) over one row: eight sums, so that additions need not wait.
template <class T, class Term>
double row_sum(const T* row, std::int64_t n, Term term) {
  double sums[8] = {};
  std::int64_t j = 0;
  for (; j + 8 <= n; j += 8)
    for (std::int64_t l = 0; l < 8; ++l) sums[l] += term(row[j + l]);
  for (std::int64_t l = 0; j + l < n; ++l) sums[l] += term(row[j + l]);
  return ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
}

// The sum of term(element) over all of x in the tree; 0 for an empty array.
template <class Term>
double total(const Rows& x, Term term) {
  const Sums sums = reduce<Sums>(x, [&](const Leaf& leaf, Stream&) {
    double sum = 0;
    // A vector's leaf is one row of numbers.
    Tile t = leaf.tile;
    if (t.cols == 1 && t.stride == 1) std::swap(t.rows, t.cols);
    for_each_row(t, [&](const auto* row) { sum += row_sum(row, t.cols, term); });
    return Sums{{sum}};
  });
  return sums.values.empty() ? 0.0 : sums.values[0];
}

// The largest and smallest absolute value.
Extremes extremes(const Rows& x) {
  return reduce<Extremes>(x, [](const Leaf& leaf, Stream&) {
    Extremes e;
    for_each_row(leaf.tile, [&](const auto* row) {
      for (std::int64_t j = 0; j < leaf.tile.cols; ++j) e.add(magnitude(row[j]));
    });
    return e;
  });
}

// (sum |x|^p)^(1/p), over again on scaled values when powers may have over- or underflown.
double power_norm(const Rows& x, double p) {
  const auto sum_scaled = [&](double scale) {
    return p == 2
               ? total(x,
                       [scale](const auto& v) {
                         const double t = magnitude(v) / scale;
                         return t * t;
                       })
               : total(x, [scale, p](const auto& v) { return std::pow(magnitude(v) / scale, p); });
  };
  const auto root = [p](double sum) { return p == 2 ? std::sqrt(sum) : std::pow(sum, 1 / p); };
  // As it is, where no square matters that has underflown.
  const double plain = p == 2 ? total(x,
                                      [](const auto& v) {
                                        using T = std::remove_cvref_t<decltype(v)>;
                                        if constexpr (std::is_arithmetic_v<T>) {
                                          const auto t = static_cast<double>(v);
                                          return t * t;
                                        } else {
                                          return std::norm(std::complex<double>(v));
                                        }
                                      })
                              : sum_scaled(1.0);
  if (std::isnan(plain) || (plain > 1e-280 && plain < 1e300)) return root(plain);
  const Extremes e = extremes(x);
  const double scale = p > 0 ? e.largest : e.smallest;
  if (std::isnan(e.largest)) return e.largest;
  if (scale == -inf) return root(0.0);  // no elements
  if (scale == 0 || scale == inf) return scale;
  return scale * root(sum_scaled(scale));
}

[[noreturn]] void refuse(const NormOrder& order, const char* what, const char* allowed) {
  throw ValueError(fmt::format(
      "norm of order {} of a {} does not exist: allowed are {}",
      order.number ? fmt::format("{}", *order.number) : "'" + order.name + "'", what, allowed));
}
// Whether there is nothing to choose a maximum or minimum from: 0 is the largest then, as in NumPy.
bool is_empty(std::int64_t count, double order, const Array& x) {
  if (count == 0 && order < 0)
    throw ValueError(
        fmt::format("norm of shape {} by a minimum does not exist: there is nothing to choose from",
                    to_string(x.shape())));
  return count == 0;
}

double vector_norm(const Array& x, const Rows& rows, const NormOrder& order) {
  if (!order.name.empty()) refuse(order, "vector", "numbers");
  const double p = order.number.value_or(2.0);
  if (std::isinf(p)) {
    if (is_empty(x.size(), p, x)) return 0.0;
    const Extremes e = extremes(rows);
    return p > 0 ? e.largest : e.smallest;
  }
  if (p == 0) return total(rows, [](const auto& v) { return magnitude(v) != 0 ? 1.0 : 0.0; });
  if (p == 1) return total(rows, [](const auto& v) { return magnitude(v); });
  return power_norm(rows, p);
}

// Sums of absolute values of the columns.
std::vector<double> column_sums(const Rows& x) {
  const Sums sums = reduce<Sums>(x, [&](const Leaf& leaf, Stream&) {
    Sums s{std::vector<double>(static_cast<std::size_t>(x.cols()))};
    for_each_row(leaf.tile, [&](const auto* row) {
      for (std::size_t j = 0; j < s.values.size(); ++j) s.values[j] += magnitude(row[j]);
    });
    return s;
  });
  return sums.values.empty() ? std::vector<double>(static_cast<std::size_t>(x.cols()))
                             : sums.values;
}

double spectral_norm(const Array& x, const NormOrder& order) {
  const bool nuclear = !order.name.empty();
  if (is_empty(x.size(), order.number.value_or(1.0), x)) return 0.0;
  const double largest = extremes(Rows(x).to(cpu)).largest;
  if (!std::isfinite(largest)) return std::numeric_limits<double>::quiet_NaN();
  const DType wide = is_complex(x.dtype()) ? DType::complex128 : DType::float64;
  const int exponent = detail::exponent_for(largest, wide);
  const Array scaled = detail::times_power(detail::on_host(x, wide), exponent);
  const Array s = gather(svdvals(scaled, false)).astype(DType::float64);
  const auto values = s.values<double>();
  double sum = 0;
  for (const double v : values) sum += v;
  return std::ldexp(nuclear ? sum : *order.number > 0 ? values.front() : values.back(), -exponent);
}

double matrix_norm(const Array& x, const Rows& rows, const NormOrder& order) {
  constexpr const char* allowed = "1, -1, 2, -2, inf, -inf, 'fro' and 'nuc'";
  const bool named = !order.name.empty();
  if (order.name == "fro" || (!named && !order.number)) return power_norm(rows, 2);
  if (order.name == "nuc") return spectral_norm(x, order);
  if (named) refuse(order, "matrix", allowed);
  const double p = *order.number;
  Extremes e;
  if (std::abs(p) == 2) return spectral_norm(x, order);
  if (std::isinf(p)) {
    if (is_empty(x.rows(), p, x)) return 0.0;
    e = reduce<Extremes>(rows, [&](const Leaf& leaf, Stream&) {
      Extremes sums;
      for_each_row(leaf.tile, [&](const auto* row) {
        sums.add(row_sum(row, leaf.tile.cols, [](const auto& v) { return magnitude(v); }));
      });
      return sums;
    });
  } else if (std::abs(p) == 1) {
    if (is_empty(x.cols(), p, x)) return 0.0;
    for (const double v : column_sums(rows)) e.add(v);
  } else {
    refuse(order, "matrix", allowed);
  }
  return p > 0 ? e.largest : e.smallest;
}

}  // namespace

double composed::norm(const Array& given, const NormOrder& order) {
  if (!given) throw ValueError("norm needs an array, got none");
  if (!given.categories().empty()) tessera::detail::refuse_text(given.categories());
  const bool default_order = order.name.empty() && !order.number;
  if (!default_order && given.ndim() != 1 && given.ndim() != 2)
    throw ValueError(fmt::format("norm of that order needs a vector or a matrix, got shape {}",
                                 to_string(given.shape())));
  const Array x = detail::by_rows(given);
  const Rows rows = Rows(x).to(cpu);
  const double result = x.ndim() == 2 ? matrix_norm(x, rows, order) : vector_norm(x, rows, order);
  if (std::isinf(result) && std::isfinite(extremes(rows).largest))
    warn("norm leaves the range of float64", "RuntimeWarning");
  return result;
}

}  // namespace tessera::linalg
