#include <tessera/estimators/range.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <tessera/estimators/estimator.hpp>
#include <tessera/estimators/squares.hpp>
#include <tessera/linalg/kernels/kernels.hpp>
#include <tessera/linalg/moments.hpp>
#include <tessera/runtime/error.hpp>
#include <tessera/runtime/reduce.hpp>

namespace tessera::detail {
namespace {

double largest_of(DType dtype) {
  return dtype == DType::float32 ? double{std::numeric_limits<float>::max()}
                                 : std::numeric_limits<double>::max();
}

/// Columns first .. first + exponents.size() of x, scaled.
Rows scaled_columns(const Rows& x, std::int64_t first, std::vector<double> factors) {
  const std::int64_t count = std::ssize(factors);
  const Shape shape = count == x.cols() ? x.shape() : Shape{x.rows(), count};
  return map_rows(x, shape, x.dtype(),
                  [first, count, factors = std::move(factors)](const Leaf& in, const Tile& out,
                                                               Stream& stream) {
                    linalg::kernels().unstandardize(stream, in.tile.columns(first, count), {},
                                                    factors, out);
                  });
}

struct Largest {
  double value = 0.0;
  void merge(const Largest& right) { value = std::max(value, right.value); }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(value);
  }
};

/// x in units that keep squares of any float64: multiplied by 2^-band or 2^band.
constexpr int band = 600;
/// Between these, variances and their products have all digits.
constexpr double least = 0x1p-900, most = 0x1p900;

}  // namespace

Rows times_power(const Rows& x, std::vector<int> exponents) {
  if (std::all_of(exponents.begin(), exponents.end(), [](int e) { return e == 0; })) return x;
  std::vector<double> factors;
  for (const int e : exponents) factors.push_back(std::ldexp(1.0, e));
  return scaled_columns(x, 0, std::move(factors));
}
Rows times_power(const Rows& x, int exponent) {
  return times_power(x, std::vector<int>(static_cast<std::size_t>(x.cols()), exponent));
}
Array times_power(const Array& x, int exponent) {
  return exponent == 0 ? x : collect(times_power(Rows(x), exponent));
}

long double Moments::variance(std::size_t j) const {
  return count[j] > 0 ? std::ldexp(static_cast<long double>(m2[j]) / count[j], 2 * unit[j]) : 0.0L;
}
long double Moments::spread() const {
  long double sum = 0;
  for (std::size_t j = 0; j < m2.size(); ++j) sum += variance(j);
  return std::sqrt(sum);
}
void Moments::measure_in(int exponent) {
  for (std::size_t j = 0; j < m2.size(); ++j) {
    mean[j] = std::ldexp(mean[j], unit[j] + exponent);
    m2[j] = std::ldexp(m2[j], 2 * (unit[j] + exponent));
    unit[j] = -exponent;
  }
}

Moments moments(const Rows& x, const Array& weights, Accuracy accuracy,
                const std::function<void()>& check) {
  auto first = linalg::column_moments(x, weights);
  const std::size_t p = first.mean.size();
  Moments m{std::move(first.count), std::move(first.mean), std::move(first.m2),
            std::vector<int>(p)};
  const bool all_finite = is_finite(m.m2) && is_finite(m.mean);
  if (!all_finite) check();
  if (x.dtype() == DType::float32) return m;  // float64 holds the squares of any
  // A column whose mean is not small either is constant, or its deviations are not that small.
  const double small = std::ldexp(1.0, -390);
  const bool look_at_small = accuracy == Accuracy::by_column || (all_finite && m.spread() < small);
  std::size_t begin = p, end = 0;
  std::vector<int> units(p);
  for (std::size_t j = 0; j < p; ++j) {
    if (m.count[j] == 0) continue;
    const double variance = m.m2[j] / m.count[j];
    if (!std::isfinite(m.mean[j]) || !(variance <= most))
      units[j] = band;
    else if (look_at_small && variance < least && std::abs(m.mean[j]) < small)
      units[j] = -band;
    else
      continue;
    begin = std::min(begin, j);
    end = j + 1;
  }
  if (begin >= end) return m;
  std::vector<double> factors;
  for (std::size_t j = begin; j < end; ++j) factors.push_back(std::ldexp(1.0, -units[j]));
  const auto again = linalg::column_moments(
      scaled_columns(x, static_cast<std::int64_t>(begin), std::move(factors)), weights);
  for (std::size_t j = begin; j < end; ++j) {
    const std::size_t k = j - begin;
    if (units[j] == 0 || (again.m2[k] == 0 && again.mean[k] == 0)) continue;
    m.mean[j] = again.mean[k];
    m.m2[j] = again.m2[k];
    m.unit[j] = units[j];
  }
  return m;
}

double largest(const std::vector<double>& values) {
  double most_of_all = 0;
  for (const double v : values)
    most_of_all = std::isfinite(v) ? std::max(most_of_all, v) : HUGE_VAL;
  return most_of_all;
}

void require_squares(const Rows& x, double largest, std::string_view estimator,
                     std::string_view what) {
  if (std::isfinite(largest) && largest >= least) return;
  if (!std::isfinite(largest)) require_finite(x, what, estimator);
  const auto m = moments(x, {}, Accuracy::whole, [&] { require_finite(x, what, estimator); });
  if (m.spread() > 0)
    throw ValueError(fmt::format("{}: squares of {} leave the range of {}: scale {}", estimator,
                                 what, name_of(x.dtype()), what));
}

int exponent_for(const Moments& m, DType dtype, std::string_view estimator) {
  const long double spread = m.spread();
  int e = exponent_for(spread, dtype);
  if (e <= 0) return e;
  long double largest = 0;
  for (std::size_t j = 0; j < m.mean.size(); ++j)
    largest =
        std::max(largest, std::abs(std::ldexp(static_cast<long double>(m.mean[j]), m.unit[j])) +
                              std::sqrt(m.variance(j) * m.count[j]));
  e = std::min(e, linalg::most_exponent(dtype) - 6 - std::ilogb(largest));
  if (exponent_for(std::ldexp(spread, e), dtype) != 0)
    throw ValueError(fmt::format(
        "Input X of {} has columns around {:.3g} that are constant beside deviations of {:.3g}: "
        "their squares leave the range of {}; drop constant columns or subtract the means",
        estimator, static_cast<double>(largest), static_cast<double>(spread), name_of(dtype)));
  return e;
}

Balanced::Balanced(const Array& weights) : values(weights) {
  if (!weights) return;
  const auto largest = reduce<Largest>(weights.to(cpu), [](const Leaf& leaf, Stream&) {
    return visit_floating(leaf.tile.dtype, [&](auto tag) {
      using T = typename decltype(tag)::type;
      const T* w = leaf.tile.as<const T>();
      return Largest{w == nullptr ? 0.0
                                  : static_cast<double>(*std::max_element(w, w + leaf.tile.rows))};
    });
  });
  const int far = weights.dtype() == DType::float32 ? 16 : 200;
  const int e = largest.value > 0 ? std::ilogb(largest.value) : 0;
  if (std::abs(e) <= far) return;
  exponent = -linalg::exponent_to_one(largest.value, weights.dtype()) / 2 * 2;
  values = times_power(weights, -exponent);
}

std::vector<long double> wide_values(const Tile& tile) {
  Tile here = tile;
  const bool away = tile.device != cpu;
  const Buffer memory(away ? static_cast<std::size_t>(tile.rows * tile.cols) * size_of(tile.dtype)
                           : 0);
  if (away) {
    here = {memory.data(), tile.rows, tile.cols, tile.cols, tile.dtype, cpu};
    Stream stream(tile.device);
    copy(stream, tile, here);
    stream.synchronize();
  }
  std::vector<long double> values;
  visit_floating(tile.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (std::int64_t i = 0; i < here.rows; ++i) {
      const T* row = here.as<const T>() + i * here.stride;
      values.insert(values.end(), row, row + here.cols);
    }
  });
  return values;
}

namespace {

[[noreturn]] void refuse_overflow(const Leaf& in, std::int64_t row, DType dtype,
                                  std::string_view what) {
  throw ValueError(fmt::format("{} leaves the range of {} at row {}: scale X, or use {}", what,
                               name_of(dtype), in.rows.begin + row,
                               dtype == DType::float32 ? "float64" : "smaller data"));
}

}  // namespace

void repair(const Leaf& in, const Tile& out, std::string_view what, const WideElement& element) {
  const auto x = wide_values(in.tile);
  auto results = wide_values(out);
  const auto p = static_cast<std::size_t>(in.tile.cols), q = static_cast<std::size_t>(out.cols);
  for (std::size_t i = 0; i < static_cast<std::size_t>(out.rows); ++i) {
    std::vector<long double> row(x.begin() + static_cast<std::ptrdiff_t>(i * p),
                                 x.begin() + static_cast<std::ptrdiff_t>((i + 1) * p));
    for (std::size_t j = 0; j < q; ++j) {
      if (std::isfinite(results[i * q + j])) continue;
      results[i * q + j] = element(row, j);
      if (!(std::abs(results[i * q + j]) <= largest_of(out.dtype)))
        refuse_overflow(in, static_cast<std::int64_t>(i), out.dtype, what);
    }
  }
  visit_floating(out.dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    std::vector<T> values(results.begin(), results.end());
    Stream stream(out.device);
    copy(stream, tile_of(values.data(), out.rows, out.cols, out.cols), out);
    stream.synchronize();
  });
}

void require_no_overflow(const Leaf& in, const Tile& out, std::string_view what) {
  const auto values = wide_values(out);
  for (std::size_t i = 0; i < values.size(); ++i)
    if (std::isinf(values[i]))
      refuse_overflow(in, static_cast<std::int64_t>(i) / out.cols, out.dtype, what);
}

}  // namespace tessera::detail
